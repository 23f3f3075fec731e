// What the pages know about the platform's words, without a component: states, changes, versions, the body of a new app.
import type { EnvironmentVariable, NewApp, PlacedRow, PlacementParts, PlatformEvent, Pool, Vlan } from '../api/types';
import { cliCommand } from './cli';

export type Tone = 'good' | 'busy' | 'warn' | 'bad' | 'off' | 'unknown';

const TONES: Record<string, Tone> = {
	online: 'good',
	running: 'good',
	healthy: 'good',
	done: 'good',
	bound: 'good',
	ready: 'good',
	requested: 'busy',
	placed: 'busy',
	creating: 'busy',
	starting: 'busy',
	stopping: 'busy',
	moving: 'busy',
	frozen: 'off',
	retiring: 'busy',
	queued: 'busy',
	reserved: 'busy',
	deleting: 'busy',
	registered: 'off',
	stopped: 'off',
	retired: 'off',
	removed: 'off',
	candidate: 'busy',
	promoted: 'good',
	passed: 'good',
	waived: 'warn',
	untested: 'off',
	cancelled: 'off',
	cooling: 'off',
	excluded: 'off',
	static: 'good',
	ok: 'good',
	free: 'off',
	accepted: 'good',
	refused: 'bad',
	enabled: 'good',
	disabled: 'off',
	paused: 'warn',
	kept: 'off',
	barred: 'off',
	gateway: 'off',
	outside: 'off',
	notice: 'busy',
	warning: 'warn',
	foreign: 'warn',
	missing: 'warn',
	moved: 'warn',
	leaked: 'warn',
	critical: 'bad',
	suspect: 'warn',
	cordoned: 'warn',
	degraded: 'warn',
	unhealthy: 'bad',
	failed: 'bad',
	agent_lost: 'bad',
	host_lost: 'bad',
	draining: 'busy',
	maintenance: 'off',
	docker_sick: 'bad',
	conflict: 'bad',
	down: 'bad',
};

/** Words this console does not know are shown as unknown, grey: never as good. */
export function toneOf(state: string): Tone {
	return TONES[state] ?? 'unknown';
}

/** What an instance does is not known while its host is silent, whatever it did last. */
export function shownState(instance: { state: string; unknownSince: string | null }): string {
	return instance.unknownSince ? 'unknown' : instance.state;
}

export interface Entered {
	name: string;
	image: string;
	plan: string;
	vlan: string;
	count: number;
	command?: string;
	healthKind: 'none' | 'tcp' | 'http' | 'command';
	port?: number;
	path?: string;
	healthCommand?: string;
	restartAfter?: number | null;
	env?: (Partial<EnvironmentVariable> | undefined)[];
}

/** What an app may name: each VLAN, each group once; and behind them their named pools. */
export function vlanChoices(vlans: Pick<Vlan, 'name' | 'group'>[], pools: Pick<Pool, 'name' | 'groupName'>[]): { value: string; label: string }[] {
	const groups = new Map<string, number>();
	vlans.filter((vlan) => vlan.group).forEach((vlan) => groups.set(vlan.group, (groups.get(vlan.group) ?? 0) + 1));
	return [
		...[...groups].map(([name, count]) => ({ value: name, label: `${name} (×${count})` })),
		...vlans.filter((vlan) => !groups.has(vlan.name)).map(({ name }) => ({ value: name, label: name })),
		...[...new Set(pools.flatMap((pool) => (pool.groupName ? [pool.groupName, pool.name] : [pool.name])))].sort().map((name) => ({ value: name, label: name })),
	];
}

/** What the form says as the body of POST /v1/apps: fields that do not apply are left out. */
export function newAppFrom(entered: Entered): NewApp {
	const { healthKind, port, path, healthCommand, restartAfter } = entered;
	const asksPort = healthKind === 'tcp' || healthKind === 'http';
	return {
		name: entered.name,
		image: entered.image,
		plan: entered.plan,
		vlan: entered.vlan,
		count: entered.count,
		...(entered.command ? { command: entered.command } : {}),
		health: {
			kind: healthKind,
			...(asksPort && port ? { port } : {}),
			...(healthKind === 'http' ? { path: path || '/' } : {}),
			...(healthKind === 'command' ? { command: healthCommand ?? '' } : {}),
			...(healthKind !== 'none' && restartAfter ? { restartAfter } : {}),
		},
		env: (entered.env ?? []).flatMap((item) => (item?.name ? [{ name: item.name, value: item.value ?? '' }] : [])),
	};
}

export const APP_NAME = /^[a-z][a-z0-9-]{1,29}$/;

/** What the form says as the body of a forecast, as soon as there is enough to place something. */
export function forecastBody(entered: Partial<Entered> | undefined): NewApp | null {
	const { name, image, plan, vlan, count, healthKind, port, healthCommand } = entered ?? {};
	const isChecked = healthKind === 'none' || (healthKind === 'command' ? Boolean(healthCommand) : Boolean(port));
	return name && APP_NAME.test(name) && image && plan && vlan && count && healthKind && isChecked ? newAppFrom({ ...entered, name, image, plan, vlan, count, healthKind }) : null;
}

/** The same as a command line. */
export function newAppCommand(entered: Partial<Entered> | undefined): string {
	const { name, image, plan, vlan, count, command, healthKind, port, path, healthCommand, restartAfter, env } = entered ?? {};
	const asksPort = healthKind === 'http' || healthKind === 'tcp';
	return cliCommand(
		'app', 'create', name || 'NAME', `--image=${image || 'IMAGE'}`, `--plan=${plan || 'PLAN'}`, `--vlan=${vlan || 'VLAN'}`, `--count=${count ?? 1}`,
		...(command ? [`--command=${command}`] : []),
		...(healthKind ? [`--health=${healthKind}`] : []),
		...(asksPort && port ? [`--port=${port}`] : []),
		...(healthKind === 'http' && path && path !== '/' ? [`--health-path=${path}`] : []),
		...(healthKind === 'command' && healthCommand ? [`--health-command=${healthCommand}`] : []),
		...(healthKind !== 'none' && restartAfter ? [`--health-restart-after=${restartAfter}`] : []),
		...(env ?? []).flatMap((item) => (item?.name ? [`--env=${item.name}=${item.value ?? ''}`] : [])),
	);
}

/** A row of a decision, as it is told of an instance; of its host a forecast says the name only. */
export function partsOf([, host, vlan, az, rack, own, open, load, fit, pressure, preference]: PlacedRow): PlacementParts {
	return { host, az: '', rack: '', vlan, crowding: { az, rack, host: own }, cost: { total: open + load + fit + pressure + preference, open, load, fit, pressure, preference } };
}

/** How many of a decision go to which host, in the order in which hosts come up. */
export function perHost(placed: readonly (readonly [string, string, ...unknown[]])[]): [string, number][] {
	const counts = new Map<string, number>();
	placed.forEach(([, host]) => counts.set(host, (counts.get(host) ?? 0) + 1));
	return [...counts];
}

/** The version most hosts have: what differs from it is marked. */
export function commonVersion(versions: string[]): string {
	const counts = new Map<string, number>();
	for (const version of versions.filter(Boolean)) {
		counts.set(version, (counts.get(version) ?? 0) + 1);
	}
	return [...counts].sort((a, b) => b[1] - a[1])[0]?.[0] ?? '';
}

/** "shop-1.4.2.war" -> "1.4.2": a proposal, the person decides. */
export function versionFromFile(name: string): string {
	return /(\d+(?:\.\d+)*(?:[-.][A-Za-z0-9]+)*?)\.(?:tar\.[a-z0-9]+|[a-z0-9]+)$/.exec(name)?.[1] ?? '';
}

/** {state: ["starting", "running"]} -> [["state", "starting", "running"]]; anything else is no change. */
export function changesOf(event: PlatformEvent): [string, string, string][] {
	const changed = event.data['changed'];
	if (typeof changed !== 'object' || changed === null) {
		return [];
	}
	return Object.entries(changed).flatMap(([field, pair]): [string, string, string][] =>
		Array.isArray(pair) && pair.length === 2 ? [[field, String(pair[0] ?? ''), String(pair[1] ?? '')]] : [],
	);
}

/** The page of what the event is about. */
export function subjectLink(event: PlatformEvent): string | null {
	const name = encodeURIComponent(event.subject);
	if (event.kind.startsWith('operation.')) {
		const id = typeof event.data['id'] === 'string' ? event.data['id'] : event.operationId;
		return id ? `/operations/${id}` : null;
	}
	if (event.kind.startsWith('app.') || event.kind.startsWith('package.')) {
		return `/apps/${encodeURIComponent(event.app || event.subject)}`;
	}
	if (event.kind.startsWith('instance.')) {
		return `/instances/${name}`;
	}
	if (event.kind.startsWith('host.')) {
		return `/hosts/${name}`;
	}
	if (event.kind.startsWith('address.')) {
		return `/addresses?address=${encodeURIComponent(String(event.data['address'] ?? event.subject))}`;
	}
	return /^(vlan|subnet|range|import|ipam)\./.test(event.kind) ? '/addresses' : null;
}
