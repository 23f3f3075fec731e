// @vitest-environment jsdom
import { describe, expect, it } from 'vitest';
import { creditFrame, type Events, ExecConnection, inputFrame, Kind, parseFrame, resizeFrame, type Wiring } from './exec';

const bytes = (...values: number[]): ArrayBuffer => new Uint8Array(values).buffer;
const begun = (position: number): ArrayBuffer => {
	const frame = creditFrame(position);
	frame[0] = Kind.begun;
	return new Uint8Array([...frame, ...new TextEncoder().encode('id-1')]).buffer;
};

class FakeSocket {
	readyState: number = WebSocket.OPEN;
	binaryType = '';
	sent: Uint8Array[] = [];
	onmessage: ((message: { data: ArrayBuffer }) => void) | null = null;
	onclose: ((event: { code: number }) => void) | null = null;
	constructor(readonly url: string) {}
	send(frame: Uint8Array): void {
		this.sent.push(frame);
	}
	close(): void {
		this.readyState = WebSocket.CLOSED;
	}
	hears(frame: ArrayBuffer): void {
		this.onmessage?.({ data: frame });
	}
}

function world(id: string | null = null, why: string | null = null) {
	const sockets: FakeSocket[] = [];
	const told: string[] = [];
	const waiting: (() => void)[] = [];
	const later: (() => void)[] = [];
	const wiring: Wiring = {
		open: (url) => {
			const socket = new FakeSocket(url);
			sockets.push(socket);
			return socket as unknown as WebSocket;
		},
		beginUrl: () => 'begin',
		attachUrl: (of, after) => `attach ${of} ${after}`,
		whyNot: () => Promise.resolve(why),
		later: (fn) => void later.push(fn),
		nowMs: () => 1,
	};
	const events: Events = {
		onPhase: (phase) => told.push(phase),
		onOutput: (data, fresh, shown) => {
			told.push(`${fresh ? 'fresh ' : ''}${new TextDecoder().decode(data)}`);
			waiting.push(shown);
		},
		onSession: (of) => told.push(of),
		onEnd: (reason, status, text) => told.push(`end ${reason} ${status} ${text}`),
		onGone: () => told.push('gone'),
	};
	const connection = new ExecConnection(wiring, events, id);
	const last = (): FakeSocket => sockets[sockets.length - 1] as FakeSocket;
	return { connection, sockets, told, waiting, later, last };
}

const text = (value: string): ArrayBuffer => new Uint8Array([Kind.output, ...new TextEncoder().encode(value)]).buffer;

describe('frames', () => {
	it('are written and read as the platform does', () => {
		expect([...creditFrame(0x1_0000_0002)]).toEqual([6, 0, 0, 0, 1, 0, 0, 0, 2]);
		expect([...resizeFrame(300, 50)]).toEqual([4, 1, 44, 0, 50]);
		expect([...inputFrame(new Uint8Array([7]))]).toEqual([2, 7]);
		expect(parseFrame(begun(5))).toEqual({ kind: 'begun', position: 5, id: 'id-1' });
		expect(parseFrame(bytes(Kind.end, 1, 3, 104))).toEqual({ kind: 'end', reason: 1, status: 3, text: 'h' });
		expect(parseFrame(bytes())).toBeNull();
		expect(parseFrame(bytes(99))).toBeNull();
		expect(parseFrame(bytes(Kind.credit, 1))).toBeNull();
	});
});

describe('a connection', () => {
	it('acknowledges what was shown, not what came', () => {
		const { told, waiting, last } = world();
		last().hears(begun(0));
		last().hears(text('abc'));
		expect(last().sent).toEqual([]);
		waiting[0]?.();
		expect(last().sent.map((frame) => [...frame])).toEqual([[...creditFrame(3)]]);
		expect(told).toEqual(['connecting', 'id-1', 'open', 'abc']);
	});

	it('keeps input back until it is taken', () => {
		const { connection, last } = world();
		last().hears(begun(0));
		connection.type(new Uint8Array(50_000));
		expect(last().sent.length).toBe(4);
		last().hears(creditFrame(8192).buffer as ArrayBuffer);
		expect(last().sent.length).toBe(5);
	});

	it('comes back where it was after a cut', async () => {
		const { connection, sockets, told, waiting, later, last } = world();
		last().hears(begun(0));
		last().hears(text('abc'));
		connection.resize(80, 24);
		last().onclose?.({ code: 1006 });
		await Promise.resolve();
		later[0]?.();
		expect(sockets[1]?.url).toBe('attach id-1 3');
		last().hears(begun(3));
		waiting[0]?.(); // shown late: below what the gateway counts as taken, so not told
		expect([...(last().sent[0] ?? [])]).toEqual([...resizeFrame(80, 24)]);
		expect(last().sent.length).toBe(1);
		last().hears(text('d'));
		waiting[1]?.();
		expect([...(last().sent[1] ?? [])]).toEqual([...creditFrame(4)]);
		expect(told).toEqual(['connecting', 'id-1', 'open', 'abc', 'lost', 'lost', 'id-1', 'open', 'd']);
	});

	it('says when what comes does not go on where it was', () => {
		const { told, waiting, last } = world('id-1');
		last().hears(begun(700));
		last().hears(text('old'));
		waiting[0]?.();
		expect([...(last().sent[0] ?? [])]).toEqual([...creditFrame(703)]);
		expect(told).toContain('fresh old');
	});

	it('tells why a session cannot begin, and that one is gone', async () => {
		const first = world(null, 'it does not run');
		first.last().onclose?.({ code: 1006 });
		await Promise.resolve();
		expect(first.told).toEqual(['connecting', 'ended', 'end 3 0 it does not run']);
		const second = world('id-1', 'no such session');
		second.last().onclose?.({ code: 1006 });
		await Promise.resolve();
		expect(second.told).toEqual(['connecting', 'ended', 'gone']);
	});
});
