// The bridges to CAT of the make-believe platform: one that sends, one that is away and has lost something.
const LOST = { closedHour: 0, hourLimit: 0, tooLarge: 0, ids: 0, undecided: 0, late: 0, queueFull: 0, expired: 0, cut: 0, reports: 0 };
const answers = new Map();

function status(changes) {
	return {
		version: '0.1.0', leads: false, reports: 'tcp://10.0.0.1:7231',
		domains: { hosts: 'sotalia-agent', instances: 'sotalia-instance', controller: 'sotalia-controller' },
		cat: { up: true, server: '10.0.0.9:2280', servers: ['10.0.0.9:2280', '10.0.0.10:2280'], router: '3.x', blocked: false, sample: 1, framesSent: 48211, bytesSent: 91_204_511 },
		machines: { known: 64, own: 33 }, queue: { frames: 0, bytes: 0 }, made: { frames: 48211, heartbeats: 41020, metrics: 6310, events: 912 },
		lost: LOST, trouble: [], ...changes,
	};
}

export function monitoring() {
	const at = (ms) => new Date(Date.now() - ms).toISOString();
	return {
		bridges: [
			{ name: 'control-1', number: 0, address: '10.0.0.1', alive: true, joinedAt: at(86_400_000), leaseUntil: at(-9000), status: status({ leads: true }) },
			{
				name: 'control-2', number: 1, address: '10.0.0.2', alive: false, joinedAt: at(90_000_000), leaseUntil: at(120_000),
				status: status({
					cat: { ...status({}).cat, up: false, server: '' }, lost: { ...LOST, queueFull: 120, cut: 1 },
					trouble: [{ at: at(130_000), times: 14, text: 'CAT server 10.0.0.9:2280: connection refused' }],
				}),
			},
		],
		events: { waiting: 0, since: null },
	};
}

/** The answer comes with the second look, as a bridge's does. */
export function ask({ kind, argument }) {
	const id = crypto.randomUUID();
	const frame = kind === 'test'
		? { domain: 'sotalia-controller', address: '10.0.0.1', message: { kind: 'event', type: 'Sotalia.Test', name: argument, status: '0' } }
		: { domain: 'sotalia-instance', address: argument, message: { kind: 'transaction', type: 'System', name: 'Status', status: '0' } };
	answers.set(id, { looks: 0, request: { id, kind, argument, bridge: 'control-1', answer: { frames: [frame], connected: true, server: '10.0.0.9:2280' } } });
	return id;
}

export function request(id) {
	const one = answers.get(id);
	if (!one) {
		return undefined;
	}
	one.looks += 1;
	return one.looks > 1 ? one.request : { ...one.request, bridge: null, answer: null };
}
