// A small make-believe platform for development and tests of the console: hosts, apps, instances, operations that take
// time, addresses, numbered events. It keeps the contract of the gateway's HTTP API; it is never part of the bundle.
import { seededImages } from './images.mjs';
import { createHash, randomBytes, randomUUID } from 'node:crypto';

const GIB = 1024 ** 3;
const EVENTS_KEPT = 5000;
const FREE_STATES = ['cooling'];

export class Refusal extends Error {
	constructor(status, code, detail, errors = []) {
		super(detail);
		this.status = status;
		this.code = code;
		this.errors = errors;
	}
}

export class World {
	/** stepMs: how long one step of an operation takes. */
	constructor({ stepMs = 700 } = {}) {
		this.stepMs = stepMs;
		this.stream = randomUUID();
		this.events = [];
		this.listeners = new Set();
		this.hosts = [];
		this.apps = [];
		this.instances = [];
		this.operations = [];
		this.versions = [];
		this.addresses = new Map();
		this.history = [];
		this.plans = [
			['tiny', 100, GIB / 8, GIB],
			['small', 500, GIB / 2, 5 * GIB],
			['medium', 1000, GIB, 10 * GIB],
			['large', 2000, 4 * GIB, 40 * GIB],
		].map(([name, cpuMilli, memoryBytes, diskBytes]) => ({ name, cpuMilli, memoryBytes, diskBytes }));
		this.images = seededImages();
		this.vlans = [vlan('apps', 110, 'front', { scopes: [{ kind: 'az', name: 'az-1' }, { kind: 'az', name: 'az-2' }], dnsZone: 'apps.example', subnets: ['10.66.0.0/24'] }), vlan('data', 120, '', { description: 'Databases and caches', subnets: ['10.66.8.0/24'] }), vlan('lab', 130, '', { scopes: [{ kind: 'rack', name: 'r22' }] })]
		this.findings = [];
		this.guard = { quarantineSince: null, quarantineReason: '', awaited: [], brakeSince: null, brakeCandidates: 0, brakeReason: '' };
		this.subnets = [subnet('apps', 110, '10.66.0'), subnet('data', 120, '10.66.8', { level: 'warning', daysLeft: 11.4 })];
		this.pools = [{ name: 'apps/edge', vlan: 'apps', pool: 'edge', groupName: 'front/edge', vrf: 'default', ranges: [{ first: '10.66.0.200', last: '10.66.0.209', subnet: '10.66.0.0/24' }], size: 10, reserved: 0, bound: 7, static: 0, cooling: 1, excluded: 0, conflict: 0, suspect: 0, level: 'notice' }];
	}

	cursor() {
		return `${this.stream}.${this.events.length}`;
	}

	emit(kind, subject, { app = '', host = '', actor = 'scheduler', operationId = null, data = {} } = {}) {
		const event = { number: this.events.length + 1, stream: this.stream, at: now(), kind, subject, app, host, actor, operationId, data };
		this.events.push(event);
		if (this.events.length > EVENTS_KEPT) {
			throw new Error('the mock has run for too long');
		}
		this.listeners.forEach((tell) => tell(event));
	}

	addHost(name, az, rack, extra = {}) {
		this.hosts.push({
			id: randomUUID(), name, az, rack, tags: ['ssd'], state: 'online', schedulable: true, hostname: `${name}.dc1.example`,
			kernel: '6.1.0-28-amd64', dockerVersion: '20.10.24', agentVersion: '0.1.0', bootId: randomUUID(), generation: 12,
			unknownContainers: 0, windows: [], rackWindows: [], windowOpen: true, capacity: { cpuMilli: 16000, memoryBytes: 64 * GIB, diskBytes: 960 * GIB },
			createdAt: ago(86_400_000 * 9), seenAt: now(), ...extra,
		});
		this.emit('host.registered', name, { host: name, actor: 'user:admin', data: { az, rack } });
	}

	viewHost(host) {
		const own = this.instances.filter((one) => one.host === host.name && one.state !== 'retired');
		const sum = (field) => own.reduce((total, one) => total + one[field], 0);
		return { ...host, seenAt: host.state === 'online' ? now() : host.seenAt, booked: { cpuMilli: sum('cpuMilli') + host.baseCpu * 1, memoryBytes: sum('memoryBytes') + host.baseMemory, diskBytes: sum('diskBytes') + host.baseDisk }, instances: own.length };
	}

	viewApp(app) {
		const own = this.instances.filter((one) => one.app === app.name);
		return {
			...app,
			wanted: own.filter((one) => one.desired !== 'retired').length,
			ready: own.filter((one) => one.state === 'running' && one.health === 'healthy').length,
		};
	}

	addApp(body, actor) {
		if (this.apps.some((app) => app.name === body.name)) {
			throw new Refusal(409, 'conflict', `the app ${body.name} exists`);
		}
		if (!this.images.some((image) => image.name === body.image)) {
			throw new Refusal(400, 'invalid', `the image ${body.image} is not registered`, [{ pointer: '/image', detail: 'is not registered' }]);
		}
		const app = { id: randomUUID(), name: body.name, image: body.image, plan: body.plan, vlan: body.vlan, command: body.command ?? '', health: body.health, env: body.env ?? [], version: body.version ?? '', deleting: false, nextNumber: 1, createdAt: now(), updatedAt: now() };
		this.apps.push(app);
		this.emit('app.created', app.name, { app: app.name, actor, data: { image: app.image, plan: app.plan } });
		return app;
	}

	takeAddress(vlan) {
		const net = this.subnets.find((one) => one.vlan === vlan) ?? this.subnets[0];
		for (let last = 11; last < 250; last += 1) {
			const address = `${net.base}.${last}`;
			if (!this.addresses.has(address)) {
				return { address, net };
			}
		}
		throw new Refusal(409, 'limit', `the VLAN ${vlan} has no free address`);
	}

	setAddress(address, net, state, instance, actor) {
		const before = this.addresses.get(address)?.state ?? 'free';
		const row = { address, vlan: net.vlan, vrf: 'default', subnet: net.cidr, state, owner: instance.id, instance: instance.name, ownerName: '', host: instance.host, mac: instance.mac, generation: 1, leaseUntil: null, freeAfter: state === 'cooling' ? new Date(Date.now() + 300_000).toISOString() : null, reason: '', updatedAt: now() };
		this.addresses.set(address, row);
		this.history.unshift({ at: now(), address, event: state === 'cooling' ? 'released' : state, owner: instance.id, instance: instance.name, host: instance.host, mac: instance.mac, generation: 1, actor, operationId: null, vrf: 'default', reason: '' });
		this.emit('address.state', address, { app: instance.app, actor: 'ipam', data: { address, owner: instance.id, changed: { state: [before, state] } } });
	}

	setStatic(address, state, reason, ownerName = '') {
		const net = this.subnets.find((one) => address.startsWith(`${one.base}.`));
		this.setAddress(address, net, state, { id: null, name: null, host: null, mac: null, app: '' }, 'user:li');
		Object.assign(this.addresses.get(address), { reason, ownerName });
		return address;
	}

	addInstance(app, actor, operationId) {
		const plan = this.plans.find((one) => one.name === app.plan);
		const number = app.nextNumber++;
		const host = this.hosts.filter((one) => one.state === 'online' && one.schedulable).sort((a, b) => this.viewHost(a).instances - this.viewHost(b).instances)[0];
		const name = `${app.name}-default-${String(number).padStart(2, '0')}`;
		const instance = { id: randomUUID(), name, app: app.name, group: 'default', number, host: host.name, address: null, state: 'requested', health: 'unknown', version: '', wantedVersion: app.version, desired: 'running', image: app.image, imageVersion: this.images.find((one) => one.name === app.image).version, mac: null, vlanId: null, cpuMilli: plan.cpuMilli, memoryBytes: plan.memoryBytes, diskBytes: plan.diskBytes, generation: 1, containerId: '', restarts: 0, error: '', startedAt: null, observedAt: null, createdAt: now(), updatedAt: now() };
		this.instances.push(instance);
		this.emit('instance.created', name, { app: app.name, host: host.name, actor, operationId, data: { id: instance.id, group: 'default' } });
		return instance;
	}

	setState(instance, state, operationId = null, error = '') {
		const before = instance.state;
		instance.state = state;
		instance.error = error;
		instance.updatedAt = instance.observedAt = now();
		this.emit('instance.state', instance.name, { app: instance.app, host: instance.host ?? '', operationId, data: { id: instance.id, address: instance.address, changed: { state: [before, state] }, ...(error ? { error } : {}) } });
	}

	setHealth(instance, health) {
		const before = instance.health;
		instance.health = health;
		this.emit('instance.health', instance.name, { app: instance.app, host: instance.host ?? '', actor: `host:${instance.host}`, data: { id: instance.id, address: instance.address, changed: { health: [before, health] } } });
	}

	grant(instance, actor) {
		const { address, net } = this.takeAddress(this.apps.find((app) => app.name === instance.app)?.vlan);
		instance.address = address;
		instance.vlanId = net.vlanId;
		instance.mac = `02:${address.split('.').map((part) => Number(part).toString(16).padStart(2, '0')).join(':')}:01`.slice(0, 17);
		this.setAddress(address, net, 'reserved', instance, actor);
	}

	bind(instance, actor) {
		const net = this.subnets.find((one) => one.cidr === this.addresses.get(instance.address).subnet);
		this.setAddress(instance.address, net, 'bound', instance, actor);
		instance.containerId = randomBytes(32).toString('hex');
	}

	release(instance, actor) {
		const row = this.addresses.get(instance.address);
		if (row) {
			this.setAddress(instance.address, this.subnets.find((one) => one.cidr === row.subnet), 'cooling', instance, actor);
		}
	}

	viewSubnet({ base, ...net }) {
		const rows = [...this.addresses.values()].filter((row) => row.subnet === net.cidr);
		return { ...net, used: rows.filter((row) => !FREE_STATES.includes(row.state)).length, cooling: rows.filter((row) => row.state === 'cooling').length, unusable: 2 };
	}

	/** The map of a /24: gateway, pool, what is held. */
	viewMap(net) {
		const runs = [];
		for (let last = 0; last < 256; last += 1) {
			const address = `${net.base}.${last}`;
			const unheld = last === 1 ? 'gateway' : last < 10 || last > 250 ? 'outside' : last > 240 ? 'kept' : 'free';
			const state = this.addresses.get(address)?.state ?? unheld;
			const open = runs[runs.length - 1];
			if (open?.state === state) {
				open.last = address;
				open.count += 1;
			} else {
				runs.push({ first: address, last: address, state, count: 1 });
			}
		}
		return { subnet: this.viewSubnet(net), ranges: [{ first: `${net.base}.241`, last: `${net.base}.250`, kind: 'reserved', owner: 'load-balancers', reason: 'virtual addresses' }], runs, cut: false };
	}

	viewIpam() {
		const of = (kind) => this.findings.filter((one) => one.kind === kind).length;
		return { ...this.guard, findings: { foreign: of('foreign'), missing: of('missing'), moved: of('moved'), conflict: of('conflict') }, leaks: 0, levels: { ok: 1, notice: 0, warning: 1, critical: 0 } };
	}

	operation(kind, target, app, actor, spec, steps) {
		const operation = { id: randomUUID(), kind, target, app, actor, state: 'queued', waitsFor: '', error: '', progress: { done: 0, total: steps.length }, spec, resourceId: randomUUID(), createdAt: now(), updatedAt: now(), finishedAt: null, steps: steps.map((step, ordinal) => ({ ordinal, name: step.name, subject: step.subject, state: 'queued', detail: '', startedAt: null, finishedAt: null })), log: [], work: steps };
		this.operations.unshift(operation);
		this.setOperation(operation, 'queued', '');
		return operation;
	}

	setOperation(operation, state, before = operation.state) {
		operation.state = state;
		operation.updatedAt = now();
		if (['done', 'failed', 'cancelled'].includes(state)) {
			operation.finishedAt = now();
		}
		this.emit('operation.state', operation.target, { app: operation.app, actor: operation.actor, operationId: operation.id, data: { id: operation.id, kind: operation.kind, changed: { state: [before, state] }, ...(operation.error ? { error: operation.error } : {}) } });
	}

	log(operation, text, level = 'info') {
		operation.log.push({ line: operation.log.length + 1, at: now(), level, text });
	}

	/** Runs the steps one after the other; each may be a function that changes the world. */
	async run(operation, stepMs = this.stepMs) {
		this.setOperation(operation, 'running');
		this.log(operation, `operation ${operation.kind} ${operation.target} accepted from ${operation.actor}, ${operation.work.length} steps`);
		for (const [ordinal, work] of operation.work.entries()) {
			const step = operation.steps[ordinal];
			if (operation.cancelling) {
				step.state = 'cancelled';
				continue;
			}
			step.state = 'running';
			step.startedAt = now();
			this.log(operation, `${work.subject}: ${work.name} begins`);
			try {
				if (stepMs > 0) {
					await new Promise((done) => setTimeout(done, stepMs * (0.6 + 0.8 * Math.random())));
				}
				step.detail = (await work.run?.()) ?? '';
				step.state = 'done';
				this.log(operation, `${work.subject}: ${work.name} done${step.detail ? `: ${step.detail}` : ''}`);
			} catch (cause) {
				step.state = 'failed';
				operation.error = `${work.subject}: ${cause.message}`;
				this.log(operation, operation.error, 'error');
			}
			step.finishedAt = now();
			operation.progress.done += step.state === 'done' ? 1 : 0;
			if (operation.error) {
				break;
			}
		}
		this.setOperation(operation, operation.error ? 'failed' : operation.cancelling ? 'cancelled' : 'done');
		this.log(operation, `operation ended: ${operation.state}`, operation.error ? 'error' : 'info');
	}

	startSteps(instance, actor, operationId) {
		const subject = instance.name;
		return [
			{ name: 'place', subject, run: () => { this.setState(instance, 'placed', operationId()); return `host ${instance.host}: most free memory of ${this.hosts.length} hosts`; } },
			{ name: 'address', subject, run: () => { this.grant(instance, actor); return instance.address; } },
			{ name: 'create', subject, run: () => { this.setState(instance, 'creating', operationId()); this.bind(instance, actor); return `container ${instance.containerId.slice(0, 12)}`; } },
			{ name: 'start', subject, run: () => { this.setState(instance, 'starting', operationId()); this.setHealth(instance, 'starting'); instance.version = instance.wantedVersion; return ''; } },
			{ name: 'health', subject, run: () => { this.setState(instance, 'running', operationId()); instance.startedAt = now(); this.setHealth(instance, 'healthy'); return 'answered in 3 ms'; } },
		];
	}

	retireSteps(instance, actor, operationId) {
		const subject = instance.name;
		instance.desired = 'retired';
		return [
			{ name: 'stop', subject, run: () => { this.setState(instance, 'retiring', operationId()); return 'exit code 143'; } },
			{ name: 'remove', subject, run: () => { this.release(instance, actor); this.setState(instance, 'retired', operationId()); this.setHealth(instance, 'unknown'); return 'address cools for 5 minutes'; } },
		];
	}

	scale(app, count, actor, kind = 'app.scale') {
		const live = this.instances.filter((one) => one.app === app.name && one.desired !== 'retired').sort((a, b) => b.number - a.number);
		let operation = null;
		const id = () => operation?.id ?? null;
		const steps = [];
		for (let missing = count - live.length; missing > 0; missing -= 1) {
			steps.push(...this.startSteps(this.addInstance(app, actor, null), actor, id));
		}
		for (const instance of live.slice(0, Math.max(0, live.length - count))) {
			steps.push(...this.retireSteps(instance, actor, id));
		}
		operation = this.operation(kind, app.name, app.name, actor, { count }, steps);
		return operation;
	}

	deploy(app, version, actor) {
		if (!this.versions.some((one) => one.app === app.name && one.version === version)) {
			throw new Refusal(404, 'not_found', `the app ${app.name} has no version ${version}`);
		}
		const before = app.version;
		app.version = version;
		this.emit('app.version', app.name, { app: app.name, actor, data: { changed: { version: [before, version] } } });
		const live = this.instances.filter((one) => one.app === app.name && one.desired === 'running');
		const steps = live.flatMap((instance) => {
			instance.wantedVersion = version;
			return [
				{ name: 'switch', subject: instance.name, run: () => { this.setHealth(instance, 'starting'); instance.version = version; return `${before || 'none'} to ${version}`; } },
				{ name: 'health', subject: instance.name, run: () => { this.setHealth(instance, 'healthy'); return 'answered in 2 ms'; } },
			];
		});
		return this.operation('app.deploy', app.name, app.name, actor, { version }, steps);
	}

	verb(instance, verb, actor) {
		const subject = instance.name;
		const to = (state, health) => () => { this.setState(instance, state); this.setHealth(instance, health); return ''; };
		const steps = {
			start: [{ name: 'start', subject, run: to('starting', 'starting') }, { name: 'health', subject, run: to('running', 'healthy') }],
			stop: [{ name: 'stop', subject, run: to('stopped', 'unknown') }],
			restart: [{ name: 'stop', subject, run: to('stopping', 'unknown') }, { name: 'start', subject, run: to('starting', 'starting') }, { name: 'health', subject, run: to('running', 'healthy') }],
			retire: verb === 'retire' ? this.retireSteps(instance, actor, () => null) : [],
		}[verb];
		instance.desired = { start: 'running', stop: 'stopped', restart: 'running', retire: 'retired' }[verb];
		return this.operation(`instance.${verb}`, instance.name, instance.app, actor, {}, steps);
	}

	addVersion(app, version, fileName, sha256, sizeBytes, actor) {
		this.versions.unshift({ app: app.name, version, sha256, sizeBytes, fileName, createdAt: now(), createdBy: actor });
		this.emit('package.registered', app.name, { app: app.name, actor, data: { version, sha256, sizeBytes } });
	}
}

export function now() {
	return new Date().toISOString();
}

function ago(ms) {
	return new Date(Date.now() - ms).toISOString();
}

function vlan(name, vlanId, group, extra = {}) {
	return { id: randomUUID(), name, vlanId, vrf: 'default', group, mtu: 0, isolated: false, dnsZone: '', description: '', scopes: [], subnets: [], createdAt: ago(86_400_000 * 9), updatedAt: ago(86_400_000 * 9), ...extra };
}

function subnet(vlan, vlanId, base, extra = {}) {
	return { id: randomUUID(), vlan, vlanId, vrf: 'default', family: 4, base, cidr: `${base}.0/24`, gateway: `${base}.1`, first: `${base}.10`, last: `${base}.250`, size: 241, open: true, rank: 0, weight: 1, dns: [], redundantGateway: false, description: '', level: 'ok', daysLeft: null, createdAt: ago(86_400_000 * 9), updatedAt: ago(86_400_000 * 9), ...extra };
}

/** A platform in use: some of everything, and a few things wrong. */
export async function seededWorld(options) {
	const world = new World(options);
	const fill = (cpu, memory, disk) => ({ baseCpu: cpu, baseMemory: memory * GIB, baseDisk: disk * GIB });
	world.addHost('node-a1', 'az-1', 'r01', fill(6200, 21, 240));
	world.addHost('node-a2', 'az-1', 'r02', { ...fill(9000, 48, 610), unknownContainers: 2 });
	world.addHost('node-b1', 'az-2', 'r11', fill(4100, 17, 130));
	world.addHost('node-b2', 'az-2', 'r12', { ...fill(3000, 9, 90), agentVersion: '0.0.9' });
	world.addHost('node-c1', 'az-3', 'r21', { ...fill(11000, 55, 300), schedulable: false });
	world.addHost('node-c2', 'az-3', 'r22', { ...fill(2100, 8, 40), dockerVersion: '20.10.5' });
	const apps = [
		['examples', 'tomcat', 'small', 'apps', 4, { kind: 'http', port: 8080, path: '/examples/' }, '10.1.52'],
		['webshop', 'nodejs', 'small', 'apps', 6, { kind: 'http', port: 3000, path: '/healthz' }, '2.7.1'],
		['checkout', 'nodejs', 'medium', 'apps', 3, { kind: 'http', port: 3000, path: '/' }, '1.19.0'],
		['sessions', 'redis', 'medium', 'data', 3, { kind: 'tcp', port: 6379 }, ''],
		['reports', 'tomcat', 'large', 'apps', 2, { kind: 'http', port: 8080, path: '/reports/' }, '0.4.0'],
	];
	for (const [name, image, plan, vlan, count, health, version] of apps) {
		const app = world.addApp({ name, image, plan, vlan, health, version: '', env: [{ name: 'TZ', value: 'Asia/Shanghai' }, { name: 'LOG_LEVEL', value: 'info' }] }, 'user:li');
		app.version = version;
		if (version) {
			const digest = (text) => createHash('sha256').update(text).digest('hex');
			world.addVersion(app, `${version}-rc1`, `${name}-${version}-rc1.tar.gz`, digest(`${name}rc`), 18_231_044, 'user:wang');
			world.addVersion(app, version, `${name}-${version}.tar.gz`, digest(name), 18_874_368, 'user:li');
		}
		await world.run(world.scale(app, count, 'user:li', 'app.create'), 0);
	}
	world.images[0].version = '10.1-3'; // promoted after the instances were made: they are outdated
	const broken = world.instances.find((one) => one.name === 'reports-default-02');
	broken.restarts = 5;
	broken.health = 'unhealthy';
	world.setState(broken, 'failed', null, 'health check answered 500 for 60 s: /reports/');
	const contested = world.setStatic('10.66.0.77', 'conflict', 'ARP of another machine');
	world.findings.push({ address: contested, vrf: 'default', kind: 'conflict', host: 'node-b1', owner: null, instance: null, mac: '52:54:00:c0:ff:ee', detail: 'answered the probe before the address was bound', firstAt: ago(312_000), lastAt: ago(9_000) });
	world.setStatic('10.66.0.241', 'static', '', 'vip-shop');
	world.hosts[3].state = 'suspect';
	world.hosts[3].seenAt = ago(47_000);
	world.emit('host.state', 'node-b2', { host: 'node-b2', data: { changed: { state: ['online', 'suspect'] }, reason: 'no report for 30 s' } });
	const failed = world.operation('app.deploy', 'reports', 'reports', 'user:wang', { version: '0.5.0' }, [{ name: 'switch', subject: 'reports-default-02', run: () => { throw new Error('health check answered 500 for 60 s'); } }]);
	await world.run(failed, 0);
	await world.run(world.scale(world.apps[2], 2, 'user:chen'), 0);
	return world;
}
