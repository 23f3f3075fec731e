// What the controller of the make-believe platform says of its own accord: capacity, why, the plans of a drain and of a scale.
import { Refusal } from './world.mjs';

const FIELDS = ['cpuMilli', 'memoryBytes', 'diskBytes'];
const sum = (hosts, of) => Object.fromEntries(FIELDS.map((field) => [field, hosts.reduce((total, host) => total + of(host)[field], 0)]));
const freeOf = (host) => Object.fromEntries(FIELDS.map((field) => [field, Math.max(0, host.capacity[field] - host.booked[field])]));
const isOpen = (host) => host.state === 'online' && host.schedulable;

function sums(hosts) {
	return { hosts: hosts.length, open: hosts.filter(isOpen).length, total: sum(hosts, (host) => host.capacity), reserved: sum([], freeOf), booked: sum(hosts, (host) => host.booked), free: sum(hosts.filter(isOpen), freeOf), live: { cpuPermille: 310, memoryPermille: 540, hosts: hosts.length } };
}

function fitsOn(host, plan) {
	const free = freeOf(host);
	return Math.min(...FIELDS.map((field) => Math.floor(free[field] / plan[field])));
}

/** The most instances of one app in one place of that kind. */
function worstLoss(instances, placeOf) {
	const counts = new Map();
	instances.forEach((one) => counts.set(placeOf(one), (counts.get(placeOf(one)) ?? 0) + 1));
	return Math.max(0, ...counts.values());
}

export function capacity(world) {
	const hosts = world.hosts.map((host) => world.viewHost(host));
	const open = hosts.filter(isOpen);
	const place = new Map(hosts.map((host) => [host.name, host]));
	const live = world.instances.filter((one) => one.desired !== 'retired');
	const apps = world.apps.map((app) => {
		const own = live.filter((one) => one.app === app.name);
		return { app: app.name, instances: own.length, worstLoss: { host: worstLoss(own, (one) => one.host), rack: worstLoss(own, (one) => place.get(one.host)?.rack), az: worstLoss(own, (one) => place.get(one.host)?.az) } };
	});
	return {
		hosts: hosts.length, groups: hosts.map((host) => ({ az: host.az, rack: host.rack, class: '', ...sums([host]) })), all: sums(hosts),
		plans: world.plans.map((plan) => ({ plan: plan.name, fits: open.reduce((total, host) => total + fitsOn(host, plan), 0), hosts: open.filter((host) => fitsOn(host, plan) > 0).length })),
		largestPlan: null, stranded: { hosts: 0, free: sum([], freeOf), lacks: [] },
		vlans: world.vlans.map((vlan) => ({ vlan: vlan.name, group: vlan.group, free: 200 })), appCount: apps.length, apps,
	};
}

function parts(host, instance, total) {
	return { host: host.name, az: host.az, rack: host.rack, vlan: 'default', crowding: { az: 1, rack: 0, host: 0 }, cost: { total, open: 0, load: 0.12, fit: 0.2, pressure: total - 0.32, preference: 0 } };
}

export function instanceWhy(world, instance) {
	const hosts = world.hosts.filter((host) => host.state === 'online');
	const chosen = world.hosts.find((host) => host.name === instance.host);
	const others = hosts.filter((host) => host !== chosen).slice(0, 3);
	return {
		instance: instance.name, host: instance.host, decidedAt: instance.createdAt, operationId: null,
		need: Object.fromEntries(FIELDS.map((field) => [field, instance[field]])), hosts: world.hosts.length, candidates: hosts.length,
		refused: [{ reason: 'not_online', hosts: world.hosts.length - hosts.length }], chosen: chosen && parts(chosen, instance, 0.41),
		runnersUp: others.map((host, at) => parts(host, instance, 0.52 + at / 10)), refusal: null,
	};
}

export function drainPlan(world, host) {
	const others = world.hosts.filter((one) => isOpen(one) && one !== host);
	const own = world.instances.filter((one) => one.host === host.name && one.state !== 'retired');
	const instances = own.map((one, at) => ({ instance: one.name, app: one.app, from: host.name, to: others[at % Math.max(1, others.length)]?.name ?? null, keepsAddress: true, why: others.length > 0 ? '' : 'no other host is open' }));
	const moves = instances.filter((one) => one.to !== null).length;
	return { moves, stays: instances.length - moves, instances };
}

/** A new app: each host in turn, on the grounds of the first; more than fit would wait. */
export function newAppForecast(world, body) {
	if (world.apps.some((app) => app.name === body.name)) {
		throw new Refusal(409, 'conflict', `the app ${body.name} exists`);
	}
	const plan = world.plans.find((one) => one.name === body.plan);
	const open = world.hosts.filter(isOpen).map((host) => world.viewHost(host)).filter((host) => fitsOn(host, plan) > 0);
	const room = open.reduce((total, host) => total + fitsOn(host, plan), 0);
	const placed = Array.from({ length: Math.min(body.count, room) }, (_, at) => [`${body.name}-default-${String(at + 1).padStart(2, '0')}`, open[at % open.length].name, body.vlan, 0, 0, 0, 0, 0.12, 0.2, 0.09, 0]);
	const refused = [{ reason: 'not_online', hosts: world.hosts.filter((host) => host.state !== 'online').length }, { reason: 'cordoned', hosts: world.hosts.filter((host) => host.state === 'online' && !host.schedulable).length }].filter((one) => one.hosts > 0);
	const waits = body.count - placed.length;
	return {
		kind: 'create', app: body.name, have: 0, want: body.count, etag: '0', placed: placed.length,
		placements: placed.length > 0 ? [{ placed, hosts: world.hosts.length, candidates: open.length, refused, runnersUp: open.slice(1, 3).map((host, at) => ['', host.name, '', 1, 0, 0, 0, 0.12, 0.2, 0.2 + at / 10, 0]) }] : [],
		refusal: waits > 0 ? { count: waits, text: `${waits} instances of ${body.plan} need ${plan.memoryBytes / 2 ** 30} GiB of memory each; no host has as much left`, hosts: world.hosts.length, reasons: [{ reason: 'memory', name: '', hosts: open.length, only: open.length }, ...refused.map((one) => ({ ...one, name: '', only: 0 }))], nearest: null } : null,
		addresses: [{ vlan: body.vlan, free: 200 - placed.length }],
	};
}

export function scaleForecast(world, app, count) {
	const own = world.instances.filter((one) => one.app === app.name && one.desired !== 'retired').sort((a, b) => b.number - a.number);
	const open = world.hosts.filter(isOpen);
	const placed = Array.from({ length: Math.max(0, count - own.length) }, (_, at) => [`${app.name}-new-${at}`, open[at % open.length].name, app.vlan, 0, 0, 0, 0, 0.12, 0.2, 0.09, 0]);
	const plan = { kind: 'scale', app: app.name, have: own.length, want: count, etag: '0' };
	if (count < own.length) {
		return { ...plan, leaving: own.slice(0, own.length - count).map((one) => ({ instance: one.name, host: one.host })) };
	}
	return { ...plan, placed: placed.length, placements: placed.length > 0 ? [{ placed }] : [], refusal: null };
}
