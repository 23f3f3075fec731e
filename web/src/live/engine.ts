// One stream of platform events: connect, resume by number, fall back to polling, say how it stands. No DOM: it runs in a
// SharedWorker, in a tab, and in tests; fetch and timers are given to it.
import type { Page, PlatformEvent } from '../api/types';
import { type Cursor, fromCloudEvent, fromListItem, parseCursor, SseParser } from './events';

export type LiveState = 'connecting' | 'live' | 'reconnecting' | 'polling' | 'signedOut' | 'stopped';

export type LiveMessage =
	| { type: 'state'; state: LiveState }
	| { type: 'events'; events: PlatformEvent[] }
	/** What was shown may be older than the stream: everything is to be read again. */
	| { type: 'reset' };

export interface LiveEnvironment {
	fetch: typeof fetch;
	setTimeout: (run: () => void, ms: number) => unknown;
	clearTimeout: (timer: never) => void;
}

/** Silence longer than this (heartbeats come every 15 s) means a dead connection that TCP has not noticed. */
const SILENCE_MS = 40_000;
const POLL_MS = 3_000;
/** Polls between two attempts to get the stream back. */
const POLLS_PER_RETRY = 5;
const BACKOFF_MS = [300, 1_000, 2_000];
const STREAM_URL = '/v1/events/stream';
const LIST_URL = '/v1/events';

export class LiveEngine {
	private readonly environment: LiveEnvironment;
	private readonly publish: (message: LiveMessage) => void;
	private cursor: Cursor | null = null;
	private state: LiveState = 'stopped';
	private attempt = 0;
	private polls = 0;
	private timer: unknown = null;
	private silence: unknown = null;
	private abort: AbortController | null = null;
	/** Grows with every start and stop: answers to older questions are dropped. */
	private life = 0;

	constructor(environment: LiveEnvironment, publish: (message: LiveMessage) => void) {
		this.environment = environment;
		this.publish = publish;
	}

	get currentState(): LiveState {
		return this.state;
	}

	start(): void {
		if (this.state !== 'stopped' && this.state !== 'signedOut') {
			return;
		}
		this.life += 1;
		this.attempt = 0;
		this.setState('connecting');
		void this.connect(this.life);
	}

	stop(): void {
		this.life += 1;
		this.cursor = null;
		this.release();
		this.setState('stopped');
	}

	private setState(state: LiveState): void {
		if (state !== this.state) {
			this.state = state;
			this.publish({ type: 'state', state });
		}
	}

	private release(): void {
		this.environment.clearTimeout(this.timer as never);
		this.environment.clearTimeout(this.silence as never);
		this.abort?.abort();
		this.abort = null;
	}

	private async connect(life: number): Promise<void> {
		this.release();
		const abort = new AbortController();
		this.abort = abort;
		try {
			if (!this.cursor) {
				await this.findStart(abort.signal, life);
			}
			await this.readStream(abort, life);
			this.lost(life, 0);
		} catch (cause) {
			this.lost(life, cause instanceof StreamRefused ? cause.status : 0);
		}
	}

	/** Where the stream ends now. Pages that loaded before this number was read are read again. */
	private async findStart(signal: AbortSignal, life: number): Promise<void> {
		const page = await this.getPage('/v1/apps?limit=1', signal);
		if (life !== this.life) {
			return;
		}
		this.cursor = parseCursor(page.cursor);
		this.publish({ type: 'reset' });
	}

	private async getPage(url: string, signal: AbortSignal): Promise<Page<unknown>> {
		const response = await this.environment.fetch(url, {
			signal,
			credentials: 'same-origin',
			cache: 'no-store',
			headers: { Accept: 'application/json' },
		});
		if (!response.ok) {
			throw new StreamRefused(response.status);
		}
		return (await response.json()) as Page<unknown>;
	}

	private async readStream(abort: AbortController, life: number): Promise<void> {
		const headers: Record<string, string> = { Accept: 'text/event-stream' };
		let url = STREAM_URL;
		if (this.cursor) {
			headers['Last-Event-ID'] = cursorText(this.cursor);
			url = `${STREAM_URL}?after=${this.cursor.number}`;
		}
		this.armSilence(abort);
		const response = await this.environment.fetch(url, {
			signal: abort.signal,
			credentials: 'same-origin',
			cache: 'no-store',
			headers,
		});
		if (!response.ok || !response.body) {
			throw new StreamRefused(response.status);
		}
		if (life !== this.life) {
			return;
		}
		this.attempt = 0;
		this.setState('live');
		const parser = new SseParser();
		const decoder = new TextDecoder();
		const reader = response.body.getReader();
		for (;;) {
			const { done, value } = await reader.read();
			if (done || life !== this.life) {
				return;
			}
			this.armSilence(abort);
			this.take(parser.feed(decoder.decode(value, { stream: true })));
		}
	}

	private armSilence(abort: AbortController): void {
		this.environment.clearTimeout(this.silence as never);
		this.silence = this.environment.setTimeout(() => abort.abort(), SILENCE_MS);
	}

	private take(messages: { id: string; event: string; data: string }[]): void {
		const events: PlatformEvent[] = [];
		for (const message of messages) {
			if (message.event === 'reset') {
				this.cursor = null;
				this.publish({ type: 'reset' });
				continue;
			}
			const event = fromCloudEvent(message);
			if (event) {
				events.push(event);
			}
		}
		this.accept(events);
	}

	/** Passes on what is new. A number seen before is a repetition; another stream id is another life of the database. */
	private accept(events: PlatformEvent[]): void {
		const fresh: PlatformEvent[] = [];
		for (const event of events) {
			if (this.cursor?.stream && event.stream && event.stream !== this.cursor.stream) {
				this.cursor = null;
				this.publish({ type: 'reset' });
			}
			if (this.cursor && event.number <= this.cursor.number) {
				continue;
			}
			this.cursor = { stream: event.stream || this.cursor?.stream || '', number: event.number };
			fresh.push(event);
		}
		if (fresh.length > 0) {
			this.publish({ type: 'events', events: fresh });
		}
	}

	private lost(life: number, status: number): void {
		if (life !== this.life) {
			return;
		}
		this.release();
		if (status === 401 || status === 403) {
			this.cursor = null;
			this.setState('signedOut');
			return;
		}
		if (status === 410) {
			this.cursor = null; // older than what is kept: start at the end and read the pages again
		}
		const wait = BACKOFF_MS[this.attempt];
		this.attempt += 1;
		if (wait === undefined) {
			this.polls = 0;
			this.poll(life);
			return;
		}
		this.setState('reconnecting');
		this.timer = this.environment.setTimeout(() => void this.connect(life), wait);
	}

	private poll(life: number): void {
		this.timer = this.environment.setTimeout(() => void this.pollOnce(life), POLL_MS);
	}

	private async pollOnce(life: number): Promise<void> {
		if (life !== this.life) {
			return;
		}
		this.polls += 1;
		if (this.polls % POLLS_PER_RETRY === 0) {
			void this.connect(life);
			return;
		}
		const abort = new AbortController();
		this.abort = abort;
		this.armSilence(abort);
		try {
			if (!this.cursor) {
				await this.findStart(abort.signal, life);
			}
			const page = await this.getPage(`${LIST_URL}?after=${this.cursor?.number ?? 0}&limit=500`, abort.signal);
			if (life !== this.life) {
				return;
			}
			this.setState('polling');
			this.accept(page.items.map(fromListItem).filter((event) => event !== null));
		} catch (cause) {
			const status = cause instanceof StreamRefused ? cause.status : 0;
			if (life !== this.life) {
				return;
			}
			if (status === 401 || status === 403 || status === 410) {
				this.lost(life, status);
				return;
			}
			this.setState('reconnecting');
		}
		this.poll(life);
	}
}

class StreamRefused extends Error {
	readonly status: number;

	constructor(status: number) {
		super(`the event stream answered ${status}`);
		this.status = status;
	}
}

function cursorText(cursor: Cursor): string {
	return cursor.stream ? `${cursor.stream}.${cursor.number}` : String(cursor.number);
}
