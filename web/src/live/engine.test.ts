// The stream's life on made-up time: resume by number, fall back, come back, and never lose or double an event.
import { describe, expect, it } from 'vitest';
import { LiveEngine, type LiveMessage } from './engine';

interface Timer {
	at: number;
	run: () => void;
}

/** A server that the test moves by hand, and a clock that the test turns. */
class Rig {
	now = 0;
	timers = new Map<number, Timer>();
	requests: { url: string; lastEventId: string | null }[] = [];
	messages: LiveMessage[] = [];
	stream: ReadableStreamDefaultController<Uint8Array> | null = null;
	streamStatus = 200;
	listStatus = 200;
	head = 's.10';
	stored: unknown[] = [];
	private nextTimer = 1;

	engine = new LiveEngine(
		{
			fetch: (input, init) => this.answer(String(input), init),
			setTimeout: (run, ms) => {
				const id = this.nextTimer++;
				this.timers.set(id, { at: this.now + ms, run });
				return id;
			},
			clearTimeout: (timer) => void this.timers.delete(timer),
		},
		(message) => this.messages.push(message),
	);

	private answer(url: string, init?: RequestInit): Promise<Response> {
		this.requests.push({ url, lastEventId: new Headers(init?.headers).get('Last-Event-ID') });
		if (!url.startsWith('/v1/events/stream')) {
			return Promise.resolve(new Response(JSON.stringify({ items: this.stored, next: null, total: 0, cursor: this.head }), { status: this.listStatus }));
		}
		if (this.streamStatus !== 200) {
			return Promise.resolve(new Response('', { status: this.streamStatus }));
		}
		const body = new ReadableStream<Uint8Array>({
			start: (controller) => {
				this.stream = controller;
				init?.signal?.addEventListener('abort', () => {
					try {
						controller.error(new DOMException('aborted', 'AbortError'));
					} catch {
						/* ended before */
					}
				});
			},
		});
		return Promise.resolve(new Response(body));
	}

	send(number: number, stream = 's'): void {
		const event = { specversion: '1.0', id: `${stream}.${number}`, type: 'image.registered', subject: `e${number}`, time: '', data: {} };
		this.stream?.enqueue(new TextEncoder().encode(`id: ${event.id}\nevent: image.registered\ndata: ${JSON.stringify(event)}\n\n`));
	}

	async settle(): Promise<void> {
		for (let turn = 0; turn < 50; turn += 1) {
			await Promise.resolve();
			await new Promise((done) => setImmediate(done));
		}
	}

	/** Turns the clock to the next timer that is due within ms, until none is. */
	async pass(ms: number): Promise<void> {
		const end = this.now + ms;
		for (;;) {
			await this.settle();
			const due = [...this.timers].filter(([, timer]) => timer.at <= end).sort((a, b) => a[1].at - b[1].at)[0];
			if (!due) {
				break;
			}
			this.timers.delete(due[0]);
			this.now = due[1].at;
			due[1].run();
		}
		this.now = end;
		await this.settle();
	}

	numbers(): number[] {
		return this.messages.flatMap((message) => (message.type === 'events' ? message.events.map((event) => event.number) : []));
	}

	async begin(): Promise<void> {
		this.engine.start();
		await this.settle();
	}
}

describe('LiveEngine', () => {
	it('starts at the present end of the stream and has the pages read again', async () => {
		const rig = new Rig();
		await rig.begin();
		expect(rig.engine.currentState).toBe('live');
		expect(rig.requests.at(-1)).toEqual({ url: '/v1/events/stream?after=10', lastEventId: 's.10' });
		expect(rig.messages).toContainEqual({ type: 'reset' });
	});
	it('resumes after the last number it has seen', async () => {
		const rig = new Rig();
		await rig.begin();
		rig.send(11);
		rig.send(12);
		await rig.settle();
		rig.stream?.close();
		await rig.settle();
		expect(rig.engine.currentState).toBe('reconnecting');
		await rig.pass(400);
		expect(rig.engine.currentState).toBe('live');
		expect(rig.requests.at(-1)).toEqual({ url: '/v1/events/stream?after=12', lastEventId: 's.12' });
		rig.send(12);
		rig.send(13);
		await rig.settle();
		expect(rig.numbers()).toEqual([11, 12, 13]);
	});
	it('polls when the stream stays refused, and comes back without losing or doubling', async () => {
		const rig = new Rig();
		await rig.begin();
		rig.send(11);
		await rig.settle();
		rig.streamStatus = 503;
		rig.stored = [{ stream: 's', number: 11 }, { stream: 's', number: 12 }];
		rig.stream?.close();
		await rig.pass(7_000);
		expect(rig.engine.currentState).toBe('polling');
		expect(rig.requests.at(-1)?.url).toMatch(/^\/v1\/events\?after=1[12]&limit=500$/);
		rig.streamStatus = 200;
		await rig.pass(15_000);
		expect(rig.engine.currentState).toBe('live');
		rig.send(13);
		await rig.settle();
		expect(rig.numbers()).toEqual([11, 12, 13]);
	});
	it('takes silence beyond the heartbeat for a dead connection', async () => {
		const rig = new Rig();
		await rig.begin();
		const before = rig.requests.length;
		await rig.pass(39_000);
		expect(rig.requests.length).toBe(before);
		await rig.pass(2_000);
		expect(rig.requests.length).toBe(before + 1);
		expect(rig.engine.currentState).toBe('live');
	});
	it('reads everything again when the database has begun another life', async () => {
		const rig = new Rig();
		await rig.begin();
		const resets = (): number => rig.messages.filter((message) => message.type === 'reset').length;
		const before = resets();
		rig.send(3, 'other');
		await rig.settle();
		expect(resets()).toBe(before + 1);
		expect(rig.numbers()).toEqual([3]);
	});
	it('begins at the end when its number is older than what is kept', async () => {
		const rig = new Rig();
		await rig.begin();
		rig.streamStatus = 410;
		rig.stream?.close();
		await rig.pass(400);
		rig.streamStatus = 200;
		rig.head = 's.900';
		await rig.pass(1_100);
		expect(rig.requests.at(-1)?.url).toBe('/v1/events/stream?after=900');
	});
	it('says that the session has ended and stays quiet', async () => {
		const rig = new Rig();
		await rig.begin();
		rig.streamStatus = 401;
		rig.stream?.close();
		await rig.pass(400);
		expect(rig.engine.currentState).toBe('signedOut');
		const before = rig.requests.length;
		await rig.pass(120_000);
		expect(rig.requests.length).toBe(before);
	});
});
