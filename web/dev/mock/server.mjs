// The HTTP side of the make-believe platform: the gateway's routes, problems, sessions, SSE, and the built files with the
// content security policy that the console is made for.
import { changeImage, imageInstances, rebuildApp, viewImage, viewImageDetail } from './images.mjs';
import { createHash, randomBytes } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { extname, join, normalize } from 'node:path';
import { capacity, drainPlan, instanceWhy, newAppForecast, scaleForecast } from './controller.mjs';
import { ask, monitoring, request as monitorRequest } from './monitor.mjs';
import { elasticDecisions, elasticOf, groupsOf } from './elastic.mjs';
import { changeSettings, settingsRows } from './settings.mjs';
import { hostPackages } from './hostPackages.mjs';
import { checkMachines, machineLog, machines } from './machines.mjs';
import { changeVlans, importFile } from './vlans.mjs';
import { now, Refusal } from './world.mjs';

export const CONTENT_SECURITY_POLICY =
	"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; connect-src 'self'; worker-src 'self'; " +
	"base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

const TYPES = { '.html': 'text/html; charset=utf-8', '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml' };
/** The names of all routes, as the gateway knows them. */
const ROUTES = Object.values(JSON.parse(readFileSync(new URL('../../../services/api-gateway/openapi.json', import.meta.url))).paths).flatMap((path) => Object.values(path).flatMap(({ operationId }) => operationId ?? []));
const HEARTBEAT_MS = 15_000;

export function serveMock(world, { dist, user = 'admin', password = 'sotalia', host = '127.0.0.1', port = 0 }) {
	const sessions = new Map();
	const context = { world, sessions, user, password, dist, streams: new Set(), streamBroken: false };
	const server = createServer((request, response) => {
		handle(context, request, response).catch((cause) => refuse(response, cause));
	});
	return new Promise((resolve) => {
		server.listen(port, host, () => {
			resolve({
				url: `http://${host}:${server.address().port}`,
				context,
				/** Cuts every event stream; while broken, new ones are refused. */
				breakStreams(broken) {
					context.streamBroken = broken;
					context.streams.forEach((stream) => stream.destroy());
				},
				close: () => new Promise((done) => {
					server.close(done);
					server.closeAllConnections();
				}),
			});
		});
	});
}

function refuse(response, cause) {
	const known = cause instanceof Refusal ? cause : new Refusal(500, 'internal', String(cause?.stack ?? cause));
	const requestId = randomBytes(8).toString('hex');
	response.writeHead(known.status, { 'Content-Type': 'application/problem+json', 'X-Request-Id': requestId, 'Cache-Control': 'no-store' });
	response.end(JSON.stringify({ type: 'about:blank', title: known.code, status: known.status, code: known.code, detail: known.message, requestId, errors: known.errors }));
}

function send(response, status, body, headers = {}) {
	response.writeHead(status, { 'Content-Type': 'application/json', 'Cache-Control': 'no-store', ...headers });
	response.end(body === undefined ? '' : JSON.stringify(body));
}

async function bodyOf(request) {
	const parts = [];
	for await (const part of request) {
		parts.push(part);
	}
	return Buffer.concat(parts);
}

function sendFile(context, path, request, response) {
	const clean = normalize(path).replace(/^(\.\.[/\\])+/, '');
	const named = join(context.dist, clean);
	const known = clean !== '/' && existsSync(named) && extname(named) !== '';
	if (!known && clean.startsWith('/assets/')) {
		throw new Refusal(404, 'not_found', clean);
	}
	const file = known ? named : join(context.dist, 'index.html');
	const zipped = existsSync(`${file}.gz`) && /\bgzip\b/.test(request.headers['accept-encoding'] ?? '');
	response.writeHead(200, {
		'Content-Type': TYPES[extname(file)] ?? 'application/octet-stream',
		'Content-Security-Policy': CONTENT_SECURITY_POLICY,
		'X-Content-Type-Options': 'nosniff',
		'Referrer-Policy': 'no-referrer',
		'Cache-Control': known ? 'public, max-age=31536000, immutable' : 'no-store',
		...(zipped ? { 'Content-Encoding': 'gzip' } : {}),
	});
	response.end(readFileSync(zipped ? `${file}.gz` : file));
}

function callerOf(context, request) {
	const id = /(?:^|; )sotalia_session=([0-9a-f]+)/.exec(request.headers.cookie ?? '')?.[1];
	const session = context.sessions.get(id);
	if (!session) {
		throw new Refusal(401, 'unauthenticated', 'no session: sign in');
	}
	if (request.method !== 'GET' && request.headers['x-csrf-token'] !== session.csrfToken) {
		throw new Refusal(403, 'denied', 'X-CSRF-Token is missing or wrong');
	}
	if (request.method !== 'GET' && !request.headers['idempotency-key']) {
		throw new Refusal(400, 'invalid', 'Idempotency-Key is missing');
	}
	return { id, ...session };
}

async function signIn(context, request, response) {
	const { name, password } = JSON.parse((await bodyOf(request)).toString());
	if (name !== context.user || password !== context.password) {
		throw new Refusal(401, 'unauthorized', 'name or password is wrong');
	}
	const id = randomBytes(32).toString('hex');
	const session = { name, role: 'admin', csrfToken: randomBytes(32).toString('hex') };
	context.sessions.set(id, session);
	send(response, 201, session, { 'Set-Cookie': `sotalia_session=${id}; Path=/; HttpOnly; SameSite=Lax` });
}

function list(world, items, query) {
	const limit = Math.min(500, Number(query.get('limit') ?? 100));
	const from = Number(query.get('after') || 0);
	const next = from + limit < items.length ? String(from + limit) : null;
	return { items: items.slice(from, from + limit), next, total: items.length, cursor: world.cursor() };
}

function found(item, what) {
	if (!item) {
		throw new Refusal(404, 'not_found', `there is no ${what}`);
	}
	return item;
}

/** A wave of its own for each name, so that plots have a shape. */
function wave(name, seconds, low, high) {
	const turn = [...name].reduce((sum, letter) => sum + letter.charCodeAt(0), 0);
	return Math.round(low + ((high - low) * (1 + Math.sin(Date.now() / 1000 / seconds + turn))) / 2);
}

function instanceUsage(instance) {
	const { name } = instance;
	return {
		id: instance.id, name, app: instance.app, address: instance.address, running: instance.state === 'running', frozen: false, health: instance.health, ownView: true, atUnixMs: Date.now(),
		cpuMilli: wave(name, 40, 120, 900), cpuLimitMilli: instance.cpuMilli, cpuThrottledPermille: wave(name, 60, 0, 80),
		memoryWorkingSetBytes: wave(name, 200, 2e8, 3e8), memoryCacheBytes: wave(name, 300, 5e7, 9e7), memoryLimitBytes: instance.memoryBytes,
		diskUsedBytes: 184_320_000, diskLimitBytes: instance.diskBytes, rxBytesPerSecond: wave(name, 25, 1e4, 9e5), txBytesPerSecond: wave(name, 31, 1e4, 4e6),
		readBytesPerSecond: 0, writeBytesPerSecond: wave(name, 17, 0, 2e5), pids: wave(name, 90, 30, 44), pidsMax: 1024,
	};
}

function hostUsage(world, host) {
	const { name } = host;
	return {
		host: {
			name, atUnixMs: Date.now(), dockerOk: true, intervalMs: 10_000, cpuUserPermille: wave(name, 50, 200, 600), cpuSystemPermille: wave(name, 70, 30, 90), cpuIowaitPermille: wave(name, 90, 0, 40),
			load1Milli: wave(name, 60, 2000, 9000), load15Milli: wave(name, 600, 3000, 6000), memoryTotalBytes: 274_877_906_944, memoryAvailableBytes: wave(name, 200, 9e10, 1.2e11),
			rxBytesPerSecond: wave(name, 40, 1e6, 6e7), txBytesPerSecond: wave(name, 35, 1e6, 9e7), readBytesPerSecond: wave(name, 20, 0, 3e6), writeBytesPerSecond: wave(name, 22, 1e6, 2e7), dockerPingMs: wave(name, 15, 1, 4),
		},
		items: world.instances.filter((one) => one.host === name).map(instanceUsage),
		findings: [{ id: 'time.sync', severity: 'warning', what: 'The clock is not synchronised', why: 'Certificates and leases are judged by the clock.', mend: 'Install and start chrony.', seen: 'time.synchronised = no' }],
	};
}

function overview(world) {
	const live = world.instances.filter((one) => one.state !== 'retired');
	const hosts = world.hosts.map((host) => world.viewHost(host));
	const byState = {};
	live.forEach((one) => (byState[one.state] = (byState[one.state] ?? 0) + 1));
	const sum = (group) => Object.fromEntries(['cpuMilli', 'memoryBytes', 'diskBytes'].map((field) => [field, hosts.reduce((total, host) => total + host[group][field], 0)]));
	return {
		hosts: { total: hosts.length, online: hosts.filter((host) => host.state === 'online').length, cordoned: hosts.filter((host) => !host.schedulable).length },
		apps: world.apps.length,
		instances: { total: live.length, healthy: live.filter((one) => one.health === 'healthy').length, byState },
		openOperations: world.operations.filter(isOpen).length,
		capacity: sum('capacity'),
		booked: sum('booked'),
		addresses: { size: 482, used: world.addresses.size, cooling: 0 },
		cursor: world.cursor(),
	};
}

const isOpen = (operation) => ['queued', 'running'].includes(operation.state);
const shortOperation = ({ steps, log, work, cancelling, ...operation }) => operation;
const cloudEvent = (event) => ({
	specversion: '1.0', id: `${event.stream}.${event.number}`, source: `/v1/${event.kind.split('.')[0]}s`, type: `cn.sotalia.${event.kind}.v1`,
	subject: event.subject, time: event.at, datacontenttype: 'application/json', sotaliaactor: event.actor, sotaliaop: event.operationId,
	sotaliaapp: event.app, sotaliahost: event.host, data: event.data,
});

function stream(context, request, query, response) {
	if (context.streamBroken) {
		throw new Refusal(503, 'unavailable', 'the event stream is not available');
	}
	const resumed = request.headers['last-event-id']?.split('.').pop() ?? query.get('after') ?? context.world.events.length;
	const write = (event) => response.write(`id: ${event.stream}.${event.number}\nevent: ${event.kind}\ndata: ${JSON.stringify(cloudEvent(event))}\n\n`);
	response.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store', 'X-Accel-Buffering': 'no' });
	response.write(': hello\n\n');
	context.world.events.filter((event) => event.number > Number(resumed)).forEach(write);
	context.world.listeners.add(write);
	context.streams.add(response);
	const beat = setInterval(() => response.write(': hb\n\n'), HEARTBEAT_MS);
	response.on('close', () => {
		clearInterval(beat);
		context.streams.delete(response);
		context.world.listeners.delete(write);
	});
}

function accepted(context, operation, response) {
	send(response, 202, { operation: shortOperation(operation), resourceId: operation.resourceId }, { Location: `/v1/operations/${operation.id}` });
	void context.world.run(operation);
}

/** What one instance has written: a log that is long. Made when it is first asked for. */
const LONG = { name: 'webshop-default-02', lines: 100_000, part: 20_000, text: null };
function longLog(query) {
	const begun = Date.now() - LONG.lines * 10;
	LONG.text ??= Array.from({ length: LONG.lines }, (_, at) => `${new Date(begun + at * 10).toISOString().replace('Z', '000000Z')} line ${at + 1} of a long log: GET /item/${at % 977} 200 ${3 + (at * 7) % 40} ms`);
	const after = query.get('after');
	const from = after ? LONG.text.findIndex((line) => line.slice(0, line.indexOf(' ')) > after) : Math.max(0, LONG.lines - Number(query.get('tail') ?? 200));
	return from < 0 ? '' : LONG.text.slice(from, from + LONG.part).map((line) => `${line}\n`).join('');
}

const logText = (instance) => Array.from({ length: 60 }, (_, line) => `${new Date(Date.now() - (60 - line) * 1300).toISOString()} INFO  [http-nio-8080-exec-${line % 8}] ${instance.app} GET /${['cart', 'item/4711', 'healthz', 'search?q=delta'][line % 4]} 200 ${3 + (line * 7) % 40} ms`).join('\n');

function reads(context, [kind, name, part, detail], query) {
	const { world } = context;
	const is = (field) => (row) => !query.get(field) || row[field] === query.get(field);
	switch (kind) {
		case 'overview':
			return overview(world);
		case 'monitor':
			return name ? found(monitorRequest(part), `request ${part}`) : monitoring();
		case 'hosts':
			if (part === 'usage') {
				return hostUsage(world, found(world.hosts.find((one) => one.name === name), `host ${name}`));
			}
			if (part === 'containers') {
				return list(world, name === 'node-a2' ? [
					{ id: '4f1c0a7de2b95a61c0ffee00112233445566778899aabbccddeeff0011223344', name: 'old-exporter', kind: 'foreign', ignored: false, state: 'running', image: 'prom/node-exporter:v1.3', createdAt: new Date(Date.now() - 86_400_000 * 40).toISOString(), instanceName: '' },
					{ id: '9a31b0c7de2b95a61c0ffee00112233445566778899aabbccddeeff0011223344', name: 'sot-0197b1c2', kind: 'lost', ignored: false, state: 'running', image: 'tomcat:10.1-4', createdAt: new Date(Date.now() - 86_400_000 * 3).toISOString(), instanceName: 'webshop-default-09' },
				] : [], query);
			}
			if (part === 'packages') {
				return hostPackages(world, name);
			}
			if (part === 'cleanup') {
				return list(world, [{ policy: 'rotated_logs', mode: 'delete', entries: 412, bytes: 3_221_225_472, lastEntries: 6, lastBytes: 41_943_040, lastAt: new Date(Date.now() - 3_600_000).toISOString() }], query);
			}
			return name ? world.viewHost(found(world.hosts.find((one) => one.name === name), `host ${name}`)) : list(world, world.hosts.map((host) => world.viewHost(host)), query);
		case 'machines': {
			const machine = name && found(machines(world).find((one) => one.name === name), `machine ${name}`);
			if (part === 'log') {
				const lines = machineLog().filter((line) => line.line > Number(query.get('after') || 0));
				return { items: lines.slice(0, Number(query.get('limit') ?? 100)), next: null, total: lines.length, cursor: world.cursor() };
			}
			return machine || list(world, machines(world).filter(is('state')), query);
		}
		case 'plans':
			return list(world, world.plans, query);
		case 'images': {
			const image = name && found(world.images.find((one) => one.name === name), `image ${name}`);
			if (part === 'instances') {
				return list(world, imageInstances(world, image).filter((row) => !query.get('outdated') || String(row.outdated) === query.get('outdated')), query);
			}
			return image ? viewImageDetail(world, image) : list(world, world.images.map((one) => viewImage(world, one)), query);
		}
		case 'vlans':
			return list(world, world.vlans, query);
		case 'pools':
			return list(world, world.pools.filter(is('vlan')), query);
		case 'subnets':
			if (part === 'map') {
				return world.viewMap(found(world.subnets.find((net) => net.cidr === name), `subnet ${name}`));
			}
			return list(world, world.subnets.map((net) => world.viewSubnet(net)).filter(is('vlan')), query);
		case 'apps':
			if (!name) {
				return list(world, world.apps.map((app) => world.viewApp(app)), query);
			}
			if (part === 'versions') {
				return list(world, world.versions.filter((one) => one.app === name), query);
			}
			if (part === 'groups') {
				return list(world, groupsOf(world, name), query);
			}
			if (part === 'elastic') {
				return detail === 'decisions' ? list(world, name === 'webshop' ? elasticDecisions(name) : [], query) : found(name === 'webshop' && elasticOf(name), `elastic scaling of ${name}`);
			}
			return world.viewApp(found(world.apps.find((one) => one.name === name), `app ${name}`));
		case 'capacity':
			return capacity(world);
		case 'instances':
			if (part === 'why') {
				return instanceWhy(world, found(world.instances.find((one) => one.name === name), `instance ${name}`));
			}
			if (name) {
				const instance = found(world.instances.find((one) => one.name === name), `instance ${name}`);
				const app = world.apps.find((one) => one.name === instance.app);
				return part === 'usage' ? instanceUsage(instance) : { ...instance, plan: app.plan, vlan: app.vlan };
			}
			return list(world, world.instances.filter((one) => `${one.name} ${one.address ?? ''} ${one.host ?? ''}`.includes(query.get('text') ?? '')).filter((one) => (query.get('state') ? one.state === query.get('state') : one.state !== 'retired')).filter(is('app')).filter(is('host')), query);
		case 'operations': {
			if (!name) {
				return list(world, world.operations.filter(is('state')).filter(is('app')).map(shortOperation), query);
			}
			const operation = found(world.operations.find((one) => one.id === name), `operation ${name}`);
			if (part === 'log') {
				const items = operation.log.filter((line) => line.line > Number(query.get('after') ?? 0));
				return { items, next: null, total: operation.log.length, cursor: world.cursor() };
			}
			return { ...shortOperation(operation), steps: operation.steps };
		}
		case 'addresses':
			if (part === 'history') {
				return list(world, world.history.filter((row) => row.address === name && (!query.get('at') || row.at <= query.get('at'))).slice(0, query.get('at') ? 1 : undefined), query);
			}
			return list(world, [...world.addresses.values()].filter(is('vlan')).filter(is('state')).filter(is('address')).filter(is('host')).filter(is('instance')), query);
		case 'ipam':
			return name === 'findings' ? list(world, world.findings, query) : world.viewIpam();
		case 'events': {
			const limit = Number(query.get('limit') ?? 100);
			const items = world.events.filter((event) => event.number > Number(query.get('after') ?? 0)).slice(0, limit);
			return { items: items.map(cloudEvent), next: null, total: world.events.length, cursor: world.cursor() };
		}
		case 'audit':
			if (name === 'check') {
				return { checked: world.operations.length, next: world.operations.length, head: world.operations.length, fault: '' };
			}
			// falls through: its rows are a list
		default: {
			const rows = settingsRows(world, context, [kind, name, part]);
			if (rows) {
				return list(world, rows, query);
			}
			throw new Refusal(404, 'not_found', `there is no /v1/${kind}`);
		}
	}
}

async function upload(context, caller, [, name, , version], query, request, response) {
	const app = found(context.world.apps.find((one) => one.name === name), `app ${name}`);
	const body = await bodyOf(request);
	const sha256 = createHash('sha256').update(body).digest('hex');
	if (request.headers['x-content-sha256'] && request.headers['x-content-sha256'] !== sha256) {
		throw new Refusal(400, 'invalid', `the body has SHA-256 ${sha256}, not ${request.headers['x-content-sha256']}`);
	}
	if (context.world.versions.some((one) => one.app === name && one.version === version)) {
		throw new Refusal(409, 'conflict', `${name} has a version ${version} with other content`);
	}
	context.world.addVersion(app, version, query.get('file') ?? 'package', sha256, body.length, `user:${caller.name}`);
	send(response, 201, { app: name, version, sha256, sizeBytes: body.length });
}

async function changes(context, caller, parts, request, response) {
	const { world } = context;
	const [kind, name, verb] = parts;
	const actor = `user:${caller.name}`;
	const text = (await bodyOf(request)).toString();
	if (kind === 'imports') {
		return send(response, 200, importFile(world, text, new URL(request.url, 'http://mock').searchParams));
	}
	const body = text ? JSON.parse(text) : {};
	if (kind === 'machines' && body.dryRun) {
		return send(response, 200, checkMachines(body));
	}
	const done = changeSettings(world, parts, request.method, body, actor) ?? changeVlans(world, parts, request.method, body);
	if (done) {
		return send(response, request.method === 'POST' ? 201 : 200, done);
	}
	if (kind === 'apps' && !name && body.dryRun) {
		return send(response, 200, newAppForecast(world, body));
	}
	if (kind === 'apps' && !name) {
		const app = world.addApp(body, actor);
		return accepted(context, world.scale(app, body.count, actor, 'app.create'), response);
	}
	if (kind === 'apps') {
		const app = found(world.apps.find((one) => one.name === name), `app ${name}`);
		if (request.method === 'DELETE') {
			app.deleting = true;
			const operation = world.scale(app, 0, actor, 'app.delete');
			operation.work.push({ name: 'forget', subject: name, run: () => { world.apps.splice(world.apps.indexOf(app), 1); world.emit('app.deleted', name, { app: name, actor }); return ''; } });
			operation.steps.push({ ordinal: operation.steps.length, name: 'forget', subject: name, state: 'queued', detail: '', startedAt: null, finishedAt: null });
			operation.progress.total += 1;
			return accepted(context, operation, response);
		}
		if (verb === 'rebuild') {
			return accepted(context, rebuildApp(world, app, actor), response);
		}
		if (verb === 'scale' && body.dryRun) {
			return send(response, 200, scaleForecast(world, app, body.count));
		}
		return accepted(context, verb === 'scale' ? world.scale(app, body.count, actor) : world.deploy(app, body.version, actor), response);
	}
	if (kind === 'monitor') {
		return send(response, 201, { operation: null, resourceId: ask(body), replayed: false });
	}
	if (kind === 'images') {
		const image = found(world.images.find((one) => one.name === name), `image ${name}`);
		return accepted(context, changeImage(world, image, parts[3], parts[4], actor), response);
	}
	if (kind === 'instances') {
		return accepted(context, world.verb(found(world.instances.find((one) => one.name === name), `instance ${name}`), verb, actor), response);
	}
	if (kind === 'hosts' && name) {
		const host = found(world.hosts.find((one) => one.name === name), `host ${name}`);
		if (verb === 'drain' && body.dryRun) {
			return send(response, 200, drainPlan(world, host));
		}
		host.schedulable = verb === 'uncordon';
		world.emit('host.state', name, { host: name, actor, data: { id: host.id, changed: { state: [host.state, host.state] }, reason: verb } });
		return accepted(context, world.operation(`host.${verb}`, name, '', actor, {}, []), response);
	}
	if (kind === 'operations' && verb === 'cancel') {
		const operation = found(world.operations.find((one) => one.id === name), `operation ${name}`);
		operation.cancelling = true;
		world.log(operation, `cancel asked for by ${actor} at ${now()}`, 'warn');
		return send(response, 202, { operation: shortOperation(operation), resourceId: operation.resourceId });
	}
	throw new Refusal(404, 'not_found', `there is no ${request.method} ${request.url}`);
}

async function handle(context, request, response) {
	const url = new URL(request.url, 'http://mock');
	if (!url.pathname.startsWith('/v1/')) {
		return sendFile(context, url.pathname, request, response);
	}
	const parts = url.pathname.slice(4).split('/').map(decodeURIComponent);
	if (parts[0] === 'sessions' && request.method === 'POST') {
		return signIn(context, request, response);
	}
	if (parts[0] === 'log-in') {
		return send(response, 200, { oidc: { title: 'Company', url: '/v1/log-in/oidc' } });
	}
	const caller = callerOf(context, request);
	if (parts[0] === 'sessions' && request.method === 'DELETE') {
		context.sessions.delete(caller.id);
		return send(response, 204);
	}
	if (parts[0] === 'me' && parts[1] === 'permissions') {
		return send(response, 200, { name: caller.name, role: caller.role, routes: ROUTES.map((operation) => ({ operation, permitted: true, everywhere: true })) });
	}
	if (parts[0] === 'me') {
		return send(response, 200, { name: caller.name, role: caller.role, actor: `user:${caller.name}`, csrfToken: caller.csrfToken });
	}
	if (parts[0] === 'events' && parts[1] === 'stream') {
		return stream(context, request, url.searchParams, response);
	}
	if (request.method === 'PUT' && parts[0] === 'apps') {
		return upload(context, caller, parts, url.searchParams, request, response);
	}
	if (request.method !== 'GET') {
		return changes(context, caller, parts, request, response);
	}
	if (parts[0] === 'instances' && parts[2] === 'logs') {
		const instance = found(context.world.instances.find((one) => one.name === parts[1]), `instance ${parts[1]}`);
		response.writeHead(200, { 'Content-Type': 'text/plain; charset=utf-8' });
		return response.end(instance.name === LONG.name ? longLog(url.searchParams) : logText(instance));
	}
	return send(response, 200, reads(context, parts, url.searchParams));
}
