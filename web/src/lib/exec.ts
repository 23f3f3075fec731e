// The frames of an exec session (libs/exec/exec_frame.h), and a connection that comes back after a cut. No terminal here.
export const DATA_MAX = 8192;
/** Bytes of input that may be under way. */
const INPUT_WINDOW = 32 * 1024;
/** Output is acknowledged in steps, and when all that came was shown. */
const ACK_EVERY = 8192;
const RETRY_FOR_MS = 110_000;
const RETRY_MAX_MS = 5_000;

export const Kind = { input: 2, resize: 4, signal: 5, credit: 6, begun: 7, output: 8, errorOutput: 9, end: 10 } as const;

export type Frame =
	| { kind: 'begun'; position: number; id: string }
	| { kind: 'output'; data: Uint8Array }
	| { kind: 'credit'; taken: number }
	| { kind: 'end'; reason: number; status: number; text: string };

/** Positions are below 2^53: at 1 GB/s that is a hundred days. */
function readNumber(view: DataView, at: number): number {
	return view.getUint32(at) * 2 ** 32 + view.getUint32(at + 4);
}

export function parseFrame(bytes: ArrayBuffer): Frame | null {
	const view = new DataView(bytes);
	const rest = (from: number): Uint8Array => new Uint8Array(bytes, from);
	if (bytes.byteLength < 1) {
		return null;
	}
	switch (view.getUint8(0)) {
		case Kind.begun:
			return bytes.byteLength >= 9 ? { kind: 'begun', position: readNumber(view, 1), id: new TextDecoder().decode(rest(9)) } : null;
		case Kind.output:
		case Kind.errorOutput:
			return { kind: 'output', data: rest(1) };
		case Kind.credit:
			return bytes.byteLength === 9 ? { kind: 'credit', taken: readNumber(view, 1) } : null;
		case Kind.end:
			return bytes.byteLength >= 3 ? { kind: 'end', reason: view.getUint8(1), status: view.getUint8(2), text: new TextDecoder().decode(rest(3)) } : null;
		default:
			return null;
	}
}

export function creditFrame(position: number): Uint8Array {
	const frame = new Uint8Array(9);
	const view = new DataView(frame.buffer);
	frame[0] = Kind.credit;
	view.setUint32(1, Math.floor(position / 2 ** 32));
	view.setUint32(5, position % 2 ** 32);
	return frame;
}

export function resizeFrame(columns: number, rows: number): Uint8Array {
	return new Uint8Array([Kind.resize, columns >> 8, columns & 255, rows >> 8, rows & 255]);
}

export function inputFrame(data: Uint8Array): Uint8Array {
	const frame = new Uint8Array(1 + data.length);
	frame[0] = Kind.input;
	frame.set(data, 1);
	return frame;
}

export type Phase = 'connecting' | 'open' | 'lost' | 'ended';

export interface Events {
	onPhase: (phase: Phase) => void;
	/** Show it, then call `shown`. `fresh`: it does not go on where the last one ended. */
	onOutput: (data: Uint8Array, fresh: boolean, shown: () => void) => void;
	onSession: (id: string) => void;
	onEnd: (reason: number, status: number, text: string) => void;
	/** The gateway is there and has no such session: `id` was of one that is over. */
	onGone: () => void;
}

export interface Wiring {
	open: (url: string) => WebSocket;
	/** Of a new session; of one that is there. */
	beginUrl: () => string;
	attachUrl: (id: string, after: number) => string;
	/** Why the gateway refuses that URL; null when it would not, or is not reached. */
	whyNot: (url: string) => Promise<string | null>;
	later: (fn: () => void, ms: number) => void;
	nowMs: () => number;
}

export class ExecConnection {
	private socket: WebSocket | null = null;
	private received = 0;
	private shown = 0;
	private acknowledged = 0;
	private sent = 0;
	private taken = 0;
	private input: Uint8Array[] = [];
	private fresh = false;
	private over = false;
	private lostAtMs = 0;
	private tries = 0;
	private size: Uint8Array | null = null;

	constructor(
		private readonly wiring: Wiring,
		private readonly events: Events,
		private id: string | null,
	) {
		this.connect();
	}

	close(): void {
		this.over = true;
		this.socket?.close();
	}

	type(data: Uint8Array): void {
		for (let at = 0; at < data.length; at += DATA_MAX) {
			this.input.push(data.slice(at, at + DATA_MAX));
		}
		this.sendInput();
	}

	resize(columns: number, rows: number): void {
		this.size = resizeFrame(Math.min(columns, 1000), Math.min(rows, 1000));
		this.send(this.size);
	}

	signal(number: number): void {
		this.send(new Uint8Array([Kind.signal, number]));
	}

	private send(frame: Uint8Array): void {
		if (this.socket?.readyState === WebSocket.OPEN) {
			this.socket.send(frame);
		}
	}

	private sendInput(): void {
		while (this.input.length > 0 && this.socket?.readyState === WebSocket.OPEN && this.sent - this.taken + (this.input[0]?.length ?? 0) <= INPUT_WINDOW) {
			const piece = this.input.shift() as Uint8Array;
			this.sent += piece.length;
			this.send(inputFrame(piece));
		}
	}

	private connect(): void {
		const url = this.id === null ? this.wiring.beginUrl() : this.wiring.attachUrl(this.id, this.received);
		const socket = this.wiring.open(url);
		socket.binaryType = 'arraybuffer';
		this.socket = socket;
		this.sent = this.taken = 0;
		this.events.onPhase(this.lostAtMs > 0 ? 'lost' : 'connecting');
		socket.onmessage = (message: MessageEvent<ArrayBuffer>) => this.take(message.data);
		socket.onclose = (event) => this.closed(url, event.code);
	}

	private take(bytes: ArrayBuffer): void {
		const frame = parseFrame(bytes);
		if (frame?.kind === 'begun') {
			this.begun(frame.position, frame.id);
		} else if (frame?.kind === 'output') {
			this.output(frame.data);
		} else if (frame?.kind === 'credit') {
			this.taken = frame.taken;
			this.sendInput();
		} else if (frame?.kind === 'end') {
			this.over = true;
			this.events.onPhase('ended');
			this.events.onEnd(frame.reason, frame.status, frame.text);
		}
	}

	private begun(position: number, id: string): void {
		this.fresh = position !== this.received;
		this.id = id;
		this.shown += position - this.received; // what still waits to be shown counts on from there
		this.received = this.acknowledged = position;
		this.lostAtMs = this.tries = 0;
		this.events.onSession(id);
		this.events.onPhase('open');
		if (this.size) {
			this.send(this.size);
		}
		this.sendInput();
	}

	private output(data: Uint8Array): void {
		const fresh = this.fresh;
		this.fresh = false;
		this.received += data.length;
		this.events.onOutput(data, fresh, () => {
			this.shown += data.length;
			if (this.shown > this.acknowledged && (this.shown - this.acknowledged >= ACK_EVERY || this.shown === this.received)) {
				this.acknowledged = this.shown;
				this.send(creditFrame(this.shown));
			}
		});
	}

	private closed(url: string, code: number): void {
		this.socket = null;
		if (this.over) {
			return;
		}
		if (code === 4000 || code === 4001) {
			this.gone();
			return;
		}
		void this.wiring.whyNot(url).then((why) => {
			if (this.over) {
				return;
			}
			if (why !== null && this.id !== null) {
				this.gone();
			} else if (why !== null) {
				this.over = true;
				this.events.onPhase('ended');
				this.events.onEnd(3, 0, why);
			} else {
				this.again();
			}
		});
	}

	private gone(): void {
		this.over = true;
		this.events.onPhase('ended');
		this.events.onGone();
	}

	private again(): void {
		const now = this.wiring.nowMs();
		this.lostAtMs = this.lostAtMs || now;
		this.events.onPhase('lost');
		if (now - this.lostAtMs > RETRY_FOR_MS) {
			this.gone();
			return;
		}
		this.tries += 1;
		this.wiring.later(() => (this.over ? undefined : this.connect()), Math.min(250 * 2 ** this.tries, RETRY_MAX_MS));
	}
}
