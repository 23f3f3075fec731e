// Machines of the make-believe platform on their way into service, with what runs of the playbook told about them.
import { Refusal } from './world.mjs';

const TASKS = ['Facts of the machine', 'No devicemapper on loop files', 'The package source of the platform', 'Docker Engine and containerd', 'The daemon keeps containers alive over a restart', 'LXCFS answers', 'Kernel modules are loaded', 'Settings of the kernel', 'The clock follows the time servers', 'Logs have limits', 'The package of the agent', 'The agent is enrolled', 'Preflight of this machine', 'The agent is on line'];
const HOUR_MS = 3_600_000;
const GROWS_MS = 1500;

/** When somebody first looked: from then on a line is told every now and then. */
let begun = null;

export function machines(world) {
	const known = world.hosts.slice(0, 3).map((host) => ({ name: host.name, address: '10.0.0.11', az: host.az, rack: host.rack, labels: host.tags, state: 'online', task: TASKS.at(-1), error: '', attempt: host.name.endsWith('1') ? 2 : 1, operation: '', updatedAt: host.createdAt }));
	const coming = { name: 'node-c9', address: '10.0.2.19', az: 'az-2', rack: 'r22', labels: ['ssd'], state: 'installing', task: TASKS[3], error: '', attempt: 1, operation: '', updatedAt: new Date().toISOString() };
	const failed = { ...coming, name: 'node-c8', address: '10.0.2.18', state: 'failed', error: 'The Docker Engine runs: overlay2 needs ftype=1: make the file system anew with mkfs.xfs -n ftype=1' };
	return [...known, coming, failed];
}

function run(firstLine, fromMs, attempt, until, failsAt, everyMs = 4200) {
	return Array.from({ length: until }, (_, at) => TASKS[at % TASKS.length]).map((task, at) => ({ line: firstLine + at, at: new Date(fromMs + at * everyMs).toISOString(), attempt, status: at === failsAt ? 'failed' : at % 3 === 1 ? 'changed' : 'ok', play: 'Bring machines on line', task, text: at === failsAt ? 'it does not start: overlay2 needs ftype=1' : '' }));
}

/** An attempt that failed, the one that did not, and an upgrade that goes on for as long as it is looked at. */
export function machineLog() {
	begun ??= Date.now();
	const first = run(1, begun - 48 * HOUR_MS, 1, 4, 3);
	const second = run(first.length + 1, begun - 47 * HOUR_MS, 2, TASKS.length, -1);
	const seen = 3 + Math.floor((Date.now() - begun) / GROWS_MS);
	return [...first, ...second, ...run(first.length + second.length + 1, begun - 12_600, 2, seen, -1, GROWS_MS)];
}

/** What an import of a list or an inventory would do: enough of the gateway's rules to see an answer of each kind. Only looks. */
export function checkMachines({ csv, inventory = '' }) {
	const lines = (csv ?? inventory).split('\n');
	const errors = lines.flatMap((text, at) => {
		const address = csv ? at > 0 && text.split(',')[1] : /ansible_host[=:] *(\S+)/.exec(text)?.[1];
		return address && !/^(\d{1,3}\.){3}\d{1,3}$|:/.test(address) ? [{ pointer: `/lines/${at + 1}/address`, line: at + 1, column: 'address', detail: `'${address}' is not an IP address` }] : [];
	});
	if (errors.length > 0) {
		throw new Refusal(422, 'invalid', `${errors.length} lines are wrong, nothing was imported; see errors`, errors);
	}
	const imported = csv ? lines.slice(1).filter(Boolean).length : lines.filter((text) => /ansible_host/.test(text)).length;
	return { imported, changed: 0, unchanged: 0, operation: null };
}
