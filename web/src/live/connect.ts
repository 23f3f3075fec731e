// A tab's end of the live stream: the SharedWorker where there is one, else one tab of the browser leads (a Web Lock) and
// tells the others over a BroadcastChannel; without locks each tab reads for itself.
import { LiveEngine, type LiveMessage } from './engine';

export interface LiveConnection {
	/** The session ended: the stream is closed for every tab. */
	signOut: () => void;
	close: () => void;
}

const NAME = 'sotalia-live';
/** A worker that has not answered by then (blocked by policy, crashed) is given up. */
const WORKER_ANSWER_MS = 4_000;

function localEngine(listen: (message: LiveMessage) => void): LiveEngine {
	return new LiveEngine(
		{
			fetch: (input, init) => fetch(input, init),
			setTimeout: (run, ms) => window.setTimeout(run, ms),
			clearTimeout: (timer) => window.clearTimeout(timer),
		},
		listen,
	);
}

function leadOrFollow(listen: (message: LiveMessage) => void): LiveConnection {
	const channel = typeof BroadcastChannel === 'undefined' ? null : new BroadcastChannel(NAME);
	const engine = localEngine((message) => {
		listen(message);
		channel?.postMessage(message);
	});
	if (channel) {
		channel.onmessage = (event: MessageEvent<LiveMessage | 'hello'>) => {
			if (event.data !== 'hello') {
				listen(event.data);
			} else if (engine.currentState !== 'stopped') {
				channel.postMessage({ type: 'state', state: engine.currentState } satisfies LiveMessage);
			}
		};
	}
	const over = new AbortController();
	if (channel && navigator.locks) {
		channel.postMessage('hello');
		void navigator.locks
			.request(NAME, { signal: over.signal }, () => {
				engine.start();
				return new Promise<void>((resolve) => over.signal.addEventListener('abort', () => resolve()));
			})
			.catch(() => undefined);
	} else {
		engine.start();
	}
	const close = (): void => {
		over.abort();
		engine.stop();
		channel?.close();
	};
	return { signOut: close, close };
}

function overWorker(listen: (message: LiveMessage) => void, giveUp: () => void): LiveConnection {
	const worker = new SharedWorker(new URL('./worker.ts', import.meta.url), { type: 'module', name: NAME });
	let answered = false;
	const timer = window.setTimeout(() => {
		if (!answered) {
			giveUp();
		}
	}, WORKER_ANSWER_MS);
	worker.onerror = () => {
		window.clearTimeout(timer);
		giveUp();
	};
	worker.port.onmessage = (event: MessageEvent<LiveMessage>) => {
		answered = true;
		window.clearTimeout(timer);
		listen(event.data);
	};
	worker.port.start();
	worker.port.postMessage('hello');
	const bye = (): void => worker.port.postMessage('bye');
	const hello = (event: PageTransitionEvent): void => {
		if (event.persisted) {
			worker.port.postMessage('hello');
		}
	};
	window.addEventListener('pagehide', bye);
	window.addEventListener('pageshow', hello);
	return {
		signOut: () => worker.port.postMessage('signOut'),
		close: () => {
			window.clearTimeout(timer);
			window.removeEventListener('pagehide', bye);
			window.removeEventListener('pageshow', hello);
			bye();
			worker.port.close();
		},
	};
}

/** Begins to listen. `listen` gets every message until close(). */
export function connectLive(listen: (message: LiveMessage) => void): LiveConnection {
	if (typeof SharedWorker === 'undefined') {
		return leadOrFollow(listen);
	}
	let current: LiveConnection;
	let closed = false;
	const giveUp = (): void => {
		if (!closed) {
			current.close();
			current = leadOrFollow(listen);
		}
	};
	current = overWorker(listen, giveUp);
	return {
		signOut: () => current.signOut(),
		close: () => {
			closed = true;
			current.close();
		},
	};
}
