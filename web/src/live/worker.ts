// The SharedWorker: one event stream for all tabs of a browser. Tabs say hello and goodbye; every message goes to all.
import { LiveEngine, type LiveMessage } from './engine';

interface SharedWorkerScope {
	onconnect: ((event: MessageEvent) => void) | null;
}

const ports = new Set<MessagePort>();

function publish(message: LiveMessage): void {
	for (const port of ports) {
		port.postMessage(message);
	}
}

const engine = new LiveEngine(
	{
		fetch: (input, init) => fetch(input, init),
		setTimeout: (run, ms) => setTimeout(run, ms),
		clearTimeout: (timer) => clearTimeout(timer),
	},
	publish,
);

function onMessage(port: MessagePort, request: unknown): void {
	if (request === 'hello') {
		ports.add(port);
		engine.start(); // before the state is told: a new tab must not hear of the session that ended before
		port.postMessage({ type: 'state', state: engine.currentState } satisfies LiveMessage);
	} else if (request === 'bye') {
		ports.delete(port);
		if (ports.size === 0) {
			engine.stop();
		}
	} else if (request === 'signOut') {
		engine.stop();
	}
}

(self as unknown as SharedWorkerScope).onconnect = (event) => {
	const port = event.ports[0];
	if (port) {
		port.onmessage = (message: MessageEvent<unknown>) => onMessage(port, message.data);
		port.start();
	}
};
