// Users, roles, teams, tokens, log-ins and webhooks of the make-believe platform.
import { randomBytes, randomUUID } from 'node:crypto';
import { now, Refusal } from './world.mjs';

const HOUR_MS = 3_600_000;
const ago = (hours) => new Date(Date.now() - hours * HOUR_MS).toISOString();
const ahead = (hours) => ago(-hours);

function seeded() {
	const user = (name, role, more = {}) => ({ name, role, disabled: false, origin: 'password', hasPassword: true, createdAt: ago(900), lastLoginAt: ago(2), grants: 0, tokens: 0, sessions: 1, ...more });
	return {
		users: [user('admin', 'admin'), user('li', 'developer', { grants: 1, tokens: 1 }), user('ada', 'operator', { disabled: true, sessions: 0, lastLoginAt: ago(400) }), user('build', 'none', { hasPassword: false, lastLoginAt: null, sessions: 0 })],
		grants: [{ id: randomUUID(), user: 'li', role: 'operator', team: '', app: 'shop', environment: 'test', createdAt: ago(100), createdBy: 'user:admin' }],
		teams: [
			{ name: 'payments', quota: { cpuMilli: 40_000, memoryBytes: 100 * 1024 ** 3, diskBytes: 0, instances: 60 }, booked: { cpuMilli: 12_000, memoryBytes: 24 * 1024 ** 3, diskBytes: 90 * 1024 ** 3, instances: 8 }, apps: 2 },
			{ name: 'search', quota: { cpuMilli: 4_000, memoryBytes: 0, diskBytes: 0, instances: 0 }, booked: { cpuMilli: 6_000, memoryBytes: 9 * 1024 ** 3, diskBytes: 0, instances: 3 }, apps: 1 },
		],
		tokens: [{ id: '0123456789abcdef', user: 'li', description: 'build server', role: 'developer', team: 'payments', app: '', environment: '', createdAt: ago(200), expiresAt: ahead(1900), lastUsedAt: ago(0.1), expired: false }],
		webhooks: [
			{ name: 'billing', url: 'https://billing.example/events', kinds: [], app: '', host: '', changed: '', paused: false, cursor: 1200, behind: 3, tries: 0, error: '', nextTryAt: null, deliveredAt: ago(0.01), createdAt: ago(300), createdBy: 'user:admin', deadLetters: 0 },
			{ name: 'pager', url: 'https://pager.example/', kinds: ['instance.state'], app: '', host: '', changed: 'state=failed', paused: false, cursor: 1042, behind: 161, tries: 4, error: 'the server answered 503', nextTryAt: ahead(0.1), deliveredAt: ago(80), createdAt: ago(300), createdBy: 'user:admin', deadLetters: 1 },
		],
		deadLetters: [{ webhook: 'pager', first: 1001, last: 1042, error: 'the server answered 503', tries: 38, at: ago(8) }],
	};
}

const held = new WeakMap();
function of(world) {
	if (!held.has(world)) {
		held.set(world, seeded());
	}
	return held.get(world);
}

/** Every operation was asked for by somebody; one try was refused. */
export function auditRows(world) {
	const row = (operation, number) => ({
		id: number, number, at: operation.createdAt, actor: operation.actor, sourceAddress: '10.0.0.7', requestId: randomBytes(8).toString('hex'), action: operation.kind, target: operation.target,
		result: 'accepted', operationId: operation.id, detail: {}, credential: 'session:1f3c', changes: null, sha256: '',
	});
	const rows = world.operations.map((operation, at) => row(operation, world.operations.length - at));
	const refused = { ...row({ createdAt: ago(1), actor: 'user:li', kind: 'host.drain', target: 'node-a1', id: null }, 9001), result: 'refused', detail: { why: 'this needs the role operator' } };
	return [...rows, refused].sort((a, b) => (a.at < b.at ? 1 : -1));
}

/** The rows of a list, or null when the route is none of these. */
export function settingsRows(world, context, [kind, name, part]) {
	const all = of(world);
	if (kind === 'audit') {
		return auditRows(world);
	}
	if (kind === 'sessions') {
		return [...context.sessions].map(([id, session]) => ({ id: id.slice(0, 16), user: session.name, sourceAddress: '127.0.0.1', createdAt: now(), expiresAt: ahead(12) }));
	}
	if (kind === 'webhooks' && part === 'dead-letters') {
		return all.deadLetters.filter((one) => one.webhook === name);
	}
	return ['users', 'grants', 'teams', 'tokens', 'webhooks'].includes(kind) && !name ? all[kind] : null;
}

function made(kind, body, actor) {
	const common = { createdAt: now(), createdBy: actor };
	switch (kind) {
		case 'users':
			return { disabled: false, origin: 'password', hasPassword: Boolean(body.password), lastLoginAt: null, grants: 0, tokens: 0, sessions: 0, ...common, name: body.name, role: body.role };
		case 'tokens':
			return { team: '', app: '', environment: '', ...body, id: randomBytes(8).toString('hex'), user: body.user ?? actor.split(':')[1], ...common, expiresAt: ahead(24 * (body.days ?? 90)), lastUsedAt: null, expired: false };
		case 'webhooks':
			return { kinds: [], app: '', host: '', changed: '', ...body, paused: false, cursor: 0, behind: 0, tries: 0, error: '', nextTryAt: null, deliveredAt: null, ...common, deadLetters: 0 };
		default:
			return { team: '', app: '', environment: '', ...body, id: randomUUID(), ...common };
	}
}

/** Does the change and gives what the gateway would answer, or null when the route is none of these. */
export function changeSettings(world, [kind, name, verb], method, body, actor) {
	const rows = of(world)[kind];
	if (!rows || kind === 'deadLetters') {
		return null;
	}
	const answer = { operation: null, resourceId: name ?? '', replayed: false };
	const at = rows.findIndex((row) => (row.id ?? row.name) === name);
	if (method === 'POST' && !name) {
		rows.push(made(kind, body, actor));
		return ['tokens', 'webhooks'].includes(kind) ? { ...answer, token: `sot_${randomBytes(24).toString('hex')}` } : answer;
	}
	if (kind === 'teams' && method === 'PUT' && at < 0) {
		rows.push({ name, ...body, booked: { cpuMilli: 0, memoryBytes: 0, diskBytes: 0, instances: 0 }, apps: 0 });
		return answer;
	}
	if (at < 0) {
		throw new Refusal(404, 'not_found', `there is no ${kind} ${name}`);
	}
	if (method === 'DELETE') {
		rows.splice(at, 1);
	} else if (method === 'PUT') {
		Object.assign(rows[at], body);
	} else if (verb === 'log-out') {
		rows[at].sessions = 0;
	}
	return answer;
}
