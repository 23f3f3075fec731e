// Calls every operation of the description with good and bad input and judges each answer by the description.
import Ajv from 'ajv/dist/2020.js';
import formats from 'ajv-formats';
import http from 'node:http';
import { BROKEN, STRANGE, good, wrongBodies } from './input.mjs';

const agent = new http.Agent({ keepAlive: true, maxSockets: 4 });

/** One request; of a stream the head only. */
export function request({ url, token }, method, target, { headers = {}, body } = {}) {
	return new Promise((resolve, reject) => {
		const { hostname, port } = new URL(url);
		const q = http.request({ agent, hostname, port, path: target, method, headers: { ...(token === undefined ? {} : { authorization: `Bearer ${token}` }), ...headers }, timeout: 30_000 }, (answer) => {
			const parts = [];
			const done = () => resolve({ status: answer.statusCode, headers: answer.headers, body: Buffer.concat(parts) });
			if (answer.headers['content-type']?.startsWith('text/event-stream')) {
				answer.destroy();
				done();
				return;
			}
			answer.on('data', (part) => parts.push(part));
			answer.on('end', done);
			answer.on('error', reject);
		});
		q.on('timeout', () => q.destroy(new Error(`no answer to ${method} ${target}`)));
		q.on('error', reject);
		q.end(body);
	});
}

export function describe(document) {
	const ajv = new Ajv({ strict: false, allErrors: false });
	formats(ajv);
	const operations = [];
	for (const [pattern, methods] of Object.entries(document.paths))
		for (const [method, operation] of Object.entries(methods)) {
			const answers = {};
			for (const [status, answer] of Object.entries(operation.responses)) {
				answers[status] = {};
				for (const [type, { schema }] of Object.entries(answer.content ?? {})) answers[status][type] = type.includes('json') && schema ? ajv.compile(schema) : () => true;
			}
			const content = operation.requestBody?.content ?? {};
			const json = content['application/json']?.schema;
			operations.push({
				id: operation.operationId,
				method: method.toUpperCase(),
				pattern,
				answers,
				parameters: operation.parameters ?? [],
				content,
				fits: json ? ajv.compile(json) : undefined,
			});
		}
	return operations;
}

/** What is wrong about an answer, or undefined. */
export function fault(operation, answer, isBad) {
	const { status } = answer;
	const types = operation.answers[status] ?? (status >= 400 ? operation.answers.default : undefined);
	if (status >= 500 && !operation.answers[status]) return `status ${status}: ${answer.body.toString().slice(0, 300)}`;
	if (types === undefined) return `status ${status} is not described`;
	if (isBad && status < 400) return `status ${status} for bad input`;
	const type = answer.headers['content-type']?.split(';')[0];
	if (Object.keys(types).length === 0) return answer.body.length > 0 ? `status ${status} has a body` : undefined;
	const check = types[type];
	if (check === undefined) return `content type ${type} of status ${status} is not described`;
	if (!type.includes('json')) return undefined;
	let value;
	try {
		value = JSON.parse(answer.body.toString());
	} catch {
		return `the body of status ${status} is no JSON: ${answer.body.toString().slice(0, 200)}`;
	}
	return check(value) ? undefined : `the body of status ${status} does not fit: ${JSON.stringify(check.errors).slice(0, 300)} in ${answer.body.toString().slice(0, 300)}`;
}

export class Driver {
	constructor(world, operations, random, names) {
		Object.assign(this, { world, operations, random, names, calls: 0, faults: new Map(), statuses: new Map() });
	}

	pick(list) {
		return list[Math.floor(this.random() * list.length)];
	}

	async call(operation, target, options, what, isBad = false, world = this.world) {
		const answer = await request(world, operation.method, target, options);
		const trouble = fault(operation, answer, isBad);
		this.calls++;
		if (!this.statuses.has(operation.id)) this.statuses.set(operation.id, new Map());
		const seen = this.statuses.get(operation.id);
		seen.set(answer.status, (seen.get(answer.status) ?? 0) + 1);
		if (trouble !== undefined) {
			const key = `${operation.method} ${operation.pattern}: ${trouble}`;
			if (!this.faults.has(key)) this.faults.set(key, `${operation.method} ${target} (${what})`);
		}
		return answer;
	}

	/** The path with names that are there, as far as any are known. */
	path(operation) {
		let before = '';
		return operation.pattern.replace(/([^{]*)\{([^}]+)\}/g, (all, text, name) => {
			before += text;
			const key = before.split('/')[2];
			const schema = operation.parameters.find((p) => p.in === 'path' && p.name === name)?.schema ?? {};
			const known = this.names[`${key}/${name}`] ?? this.names[key];
			return text + encodeURIComponent(known ? this.pick(known) : String(good(schema, this.random) || 'x').slice(0, 60));
		});
	}

	query(operation) {
		const given = operation.parameters.filter((p) => p.in === 'query' && (p.required || this.random() < 0.3));
		if (given.length === 0) return '';
		return `?${given.map((p) => `${p.name}=${encodeURIComponent(this.names[`?${p.name}`] ? this.pick(this.names[`?${p.name}`]) : String(good(p.schema, this.random)))}`).join('&')}`;
	}

	/** A body in which fields that name things name ones that are there. */
	body(operation, schema = operation.content['application/json'].schema) {
		let value = good(schema, this.random);
		for (let i = 0; i < 50 && !operation.fits(value); i++) value = good(schema, this.random); // the faker does not know maxItems well
		for (const name of Object.keys(value ?? {})) if (this.names[`.${name}`] && this.random() < 0.8) value[name] = this.pick(this.names[`.${name}`]);
		return value;
	}

	async goodCalls(operation, count) {
		const json = operation.content['application/json']?.schema;
		const raw = Object.keys(operation.content).find((type) => type !== 'application/json');
		for (let i = 0; i < count; i++) {
			const options = { headers: {} };
			if (json) Object.assign(options, { body: JSON.stringify(this.body(operation)), headers: { 'content-type': 'application/json' } });
			if (raw) Object.assign(options, { body: 'vlan,name\n', headers: { 'content-type': raw, 'upload-offset': '0' } });
			if (operation.method === 'POST' && this.random() < 0.5) options.headers['idempotency-key'] = `k${Math.floor(this.random() * 1e9)}`;
			await this.call(operation, this.path(operation) + this.query(operation), options, `good: ${options.body ?? ''}`);
		}
	}

	async badCalls(operation) {
		const json = operation.content['application/json']?.schema;
		const headers = { 'content-type': 'application/json' };
		if (operation.pattern.includes('{'))
			for (const name of STRANGE) await this.call(operation, operation.pattern.replace(/\{[^}]+\}/g, name), json ? { body: '{}', headers } : {}, 'a strange name');
		for (const p of operation.parameters.filter((q) => q.in === 'query')) {
			for (const value of ['%00', '%ff', '%', '%F0%9F%92%A9', 'x'.repeat(3000), '-1', '99999999999999999999', "'"])
				await this.call(operation, `${this.path(operation)}?${p.name}=${value}`, json ? { body: '{}', headers } : {}, 'a strange parameter');
		}
		if (!json) return;
		for (const [body, what] of BROKEN) await this.call(operation, this.path(operation), { body, headers }, what, true);
		await this.call(operation, this.path(operation), { body: '{}', headers: { 'content-type': 'text/xml' } }, 'another type', true);
		for (const { body, what } of wrongBodies(json, this.body(operation, { ...json, properties: Object.fromEntries((json.required ?? []).map((n) => [n, json.properties[n]])) })))
			if (!operation.fits(JSON.parse(body))) await this.call(operation, this.path(operation), { body, headers }, what, true);
	}

	/** Methods that the description does not have for a path. */
	async otherMethods(document) {
		const isAlso = (pattern, other) => pattern.split('/').length === other.split('/').length && other.split('/').every((part, i) => part.startsWith('{') || part === pattern.split('/')[i]);
		for (const pattern of Object.keys(document.paths))
			for (const method of ['GET', 'PUT', 'POST', 'DELETE', 'PATCH', 'OPTIONS', 'PROPFIND']) {
				/* "/v1/operations/bulk" is a name for "/v1/operations/{id}", too. */
				if (Object.entries(document.paths).some(([other, methods]) => methods[method.toLowerCase()] && isAlso(pattern, other))) continue;
				const answer = await request(this.world, method, pattern.replace(/\{[^}]+\}/g, 'x'));
				this.calls++;
				if (answer.status !== 405 || !answer.headers.allow) this.faults.set(`${method} ${pattern}: status ${answer.status}, Allow: ${answer.headers.allow}`, 'a method that is not described');
			}
	}
}
