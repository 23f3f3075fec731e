// Calls that need more than names that are there: each operation once as it is meant, in an order that makes sense. Every answer
// is judged by the description, and must be a success.
import { createHash, generateKeyPairSync } from 'node:crypto';
import { sql, until } from './world.mjs';

const HOST_KEY = 'a'.repeat(40);

/** An ed25519 public key as OpenSSH writes it (RFC 8709). */
function sshKey() {
	const { publicKey } = generateKeyPairSync('ed25519');
	const field = (bytes) => Buffer.concat([Buffer.from([0, 0, 0, bytes.length]), bytes]);
	const raw = publicKey.export({ type: 'spki', format: 'der' }).subarray(-32);
	return `ssh-ed25519 ${Buffer.concat([field(Buffer.from('ssh-ed25519')), field(raw)]).toString('base64')} somebody`;
}

export class Scenes {
	constructor(driver, operations) {
		this.driver = driver;
		this.operations = new Map(operations.map((operation) => [operation.id, operation]));
	}

	/** The value of the answer. `names` fill the path, in order; `body` is JSON unless it is a Buffer.
	 *  `mayBeLate`: what it is about may have ended meanwhile (404: no open one has this id) or be taken back already (409). */
	async do(id, names = [], body = undefined, { headers = {}, query = '', world, mayBeLate = false } = {}) {
		const operation = this.operations.get(id);
		if (operation === undefined) throw new Error(`there is no ${id}`);
		const rest = [...names];
		const target = operation.pattern.replace(/\{[^}]+\}/g, () => encodeURIComponent(rest.shift())) + query;
		const raw = body instanceof Buffer;
		const type = raw ? Object.keys(operation.content).find((t) => t !== 'application/json') : 'application/json';
		const options = { headers: { ...(body === undefined ? {} : { 'content-type': type }), ...headers }, body: raw || body === undefined ? body : JSON.stringify(body) };
		const answer = await this.driver.call(operation, target, options, `scene: ${raw ? 'bytes' : (options.body ?? '')}`, false, world);
		if (answer.status >= 400 && !(mayBeLate && [404, 409].includes(answer.status))) {
			this.driver.faults.set(`scene ${operation.method} ${target}: status ${answer.status}`, `${options.body ?? ''}: ${answer.body}`);
			console.error(`scene ${operation.method} ${target}: status ${answer.status}: ${answer.body}`);
		}
		this.cookie = answer.headers['set-cookie']?.[0].split(';')[0];
		return answer.body.length > 0 && answer.headers['content-type']?.includes('json') ? JSON.parse(answer.body) : undefined;
	}

	/** The same, and the operation that it began has ended. */
	async end(id, names, body, more) {
		const answer = await this.do(id, names, body, more);
		const operation = answer?.operation?.id ?? answer?.id;
		if (operation === undefined) return answer;
		let seen;
		try {
			await until(`${id} ends`, async () => !['running', 'queued', 'waiting', 'pending', 'paused'].includes((seen = await this.do('operation_get', [operation])).state));
		} catch (error) {
			throw new Error(`${error.message}: ${JSON.stringify(seen).slice(0, 2000)}`);
		}
		return answer;
	}

	/** The id of what was made. */
	async made(id, body) {
		const answer = await this.do(id, [], body);
		return answer?.item?.id ?? answer?.resourceId;
	}

	/** The instances of an app, when all of them are as they should be. */
	async settled(app, state = 'running') {
		let items = [];
		await until(`${app} is ${state}`, async () => {
			({ items } = await this.do('instance_list', [], undefined, { query: `?app=${app}` }));
			return items.length > 0 && items.every((item) => item.state === state);
		});
		return items;
	}

	async images() {
		await this.end('image_register', [], { name: 'cache', reference: 'registry.example:5000/cache:7' });
		for (const version of ['7.1', '7.2']) {
			await this.end('image_add', ['cache'], { version, reference: `registry.example:5000/cache:${version}`, digest: `sha256:${'ab'.repeat(32)}` });
			await this.end('image_test', ['cache', version], { passed: true, report: 'well' });
		}
		await this.end('image_promote', ['cache', '7.1']);
		await this.end('image_promote', ['cache', '7.2']);
		await this.end('image_retire', ['cache', '7.1']);
		await this.end('image_remove', ['cache', '7.1']);
	}

	async network() {
		await this.do('vlan_create', [], { name: 'lab', vlanId: 77, dnsZone: 'lab.example' });
		await this.do('subnet_create', [], { vlan: 'lab', cidr: '10.77.0.0/24' });
		await this.do('zone_get', ['lab.example']);
		await this.do('range_create', [], { first: '10.77.0.20', last: '10.77.0.30', kind: 'excluded', reason: 'a printer' });
		await this.do('range_delete', ['10.77.0.20', '10.77.0.30']);
		await this.do('address_fix', [], { vlan: 'lab', address: '10.77.0.40', state: 'static', owner: 'vip' });
		await this.do('address_get', ['10.77.0.40']);
		await this.do('address_history', ['10.77.0.40']);
		await this.do('address_free', ['10.77.0.40']);
		await this.do('subnet_delete', ['10.77.0.0/24']);
		await this.do('vlan_delete', ['lab']);
		const report = await this.do('import_run', [], Buffer.from('kind,vlan,cidr\n'), { query: '?dryRun=true' });
		if (report?.id) await this.do('import_get', [report.id]);
	}

	async hosts() {
		for (const name of ['node-1', 'node-2']) await this.end('host_register', [], { name, az: 'a', rack: 'r1', publicKey: `${name}${HOST_KEY}`.replace(/-/g, '').slice(0, 40) });
		await this.do('host_get', ['node-1']);
		await this.end('host_set', ['node-1'], { tags: ['ssd'] });
		await this.end('host_cordon', ['node-1']);
		await this.end('host_uncordon', ['node-1']);
		await this.end('host_maintenance_set', ['node-1'], { windows: ['daily 02:00-04:00'] });
		await this.end('rack_maintenance_set', ['r1'], { windows: [] });
		await this.do('what_if', [], { kind: 'lose', hosts: ['node-1'] });
		await this.end('mixing_set', ['batch', 'latency'], { atMost: 2 });
		await this.end('mixing_clear', ['batch', 'latency']);
		await this.do('host_drain', ['node-1'], { dryRun: true });
		await this.do('host_evacuate', ['node-2'], { dryRun: true });
		await this.end('host_drain', ['node-1'], {});
		await this.end('host_retire', ['node-1']);
	}

	async packages() {
		const bytes = Buffer.from('PK\u0005\u0006'.padEnd(22, '\0'), 'latin1'); // a zip with nothing in it
		const sha256 = createHash('sha256').update(bytes).digest('hex');
		const upload = async () => {
			const { id } = await this.do('upload_create', [], undefined, { headers: { 'upload-length': String(bytes.length) } });
			await this.do('upload_append', [id], bytes.subarray(0, 10), { headers: { 'upload-offset': '0' } });
			await this.do('upload_get', [id]);
			await this.do('upload_append', [id], bytes.subarray(10), { headers: { 'upload-offset': '10' } });
			return id;
		};
		await this.do('upload_delete', [await upload()]);
		await this.end('version_register', ['shop'], { version: '1.0', upload: await upload(), fileName: 'shop.zip', sha256 });
		await this.end('version_upload', ['shop', '2.0'], bytes, { query: '?file=shop.zip', headers: { 'x-content-sha256': sha256 } });
		await this.end('middleware_register', ['jre'], { version: '17', kind: 'jdk', upload: await upload(), fileName: 'jre.zip', sha256 });
		await this.end('middleware_retention_set', ['jre'], { keepVersions: 3 });
		await this.do('blob_get', [sha256]);
		await this.do('app_deploy', ['shop'], { version: '1.0', dryRun: true });
		await this.do('app_middleware', ['shop'], { middleware: 'jre', version: '17', dryRun: true });
		await this.do('middleware_rollout', ['jre'], { version: '17', apps: ['shop'], dryRun: true });
		const key = Buffer.concat([Buffer.from('Ed'), Buffer.alloc(8, 7), generateKeyPairSync('ed25519').publicKey.export({ type: 'spki', format: 'der' }).subarray(-32)]);
		await this.do('signing_key_remove', [await this.made('signing_key_add', { app: 'shop', publicKey: key.toString('base64') })]);
	}

	async elastic() {
		await this.end('elastic_set', ['shop'], { min: 1, max: 3, dryRun: true, rules: [{ name: 'queue', metric: 'custom', target: 10, value: 'jobs' }] });
		await this.do('elastic_get', ['shop']);
		await this.do('elastic_value', ['shop'], { name: 'jobs', value: 7 });
		await this.end('elastic_delete', ['shop']);
		await this.end('elastic_set', ['shop'], { group: 'default', min: 1, max: 3, dryRun: true, rules: [{ name: 'queue', metric: 'custom', target: 10, value: 'jobs' }] });
		await this.do('elastic_value', ['shop'], { name: 'jobs', value: 7, group: 'default' });
		await this.end('elastic_delete', ['shop'], undefined, { query: '?group=default' });
	}

	async people() {
		const password = 'a horse that is correct';
		await this.do('user_create', [], { name: 'tess', role: 'developer', password });
		await this.do('grant_delete', [await this.made('grant_create', { user: 'tess', role: 'operator', app: 'shop' })]);
		const made = await this.do('token_create', [], { description: 'tess', user: 'tess' });
		const tess = { ...this.driver.world, token: made.token ?? made.item.token };
		const again = 'another horse, correct too';
		await this.do('password_set', [], { old: password, new: again }, { world: tess });
		await this.do('token_revoke', [made.item.id]);
		const session = await this.do('session_create', [], { name: 'tess', password: again });
		const { cookie } = this;
		const by = { headers: { cookie, 'x-csrf-token': session.csrfToken }, world: { ...this.driver.world, token: undefined } };
		await this.do('session_delete', [], undefined, by);
		await this.do('user_log_out', ['tess']);
	}

	async ssh(instance) {
		await this.do('ssh_certificate_issue', [], { instance, account: 'admin', publicKey: sshKey(), minutes: 5 });
		const id = await this.made('ssh_key_add', { app: 'shop', account: 'readonly', publicKey: sshKey(), person: 'ada' });
		await this.do('ssh_key_remove', [id]);
		await this.do('ssh_revoke', [], { person: 'ada' });
	}

	async machines() {
		const csv = 'name,address,az,rack\nm-1,10.0.0.1,a,r1\nm-2,10.0.0.2,a,r1\n';
		await this.do('machine_import', [], { csv });
		await this.do('machine_get', ['m-1']);
		const { run } = await this.do('machine_claim', [], { runner: 'runner-1', limit: 10, leaseSeconds: 60 });
		await this.do('machine_ssh_keys', [run], { keys: [{ machine: 'm-1', key: sshKey().replace(/ somebody$/, '') }] });
		await this.do('machine_tell', [run], { leaseSeconds: 60, lines: [{ counter: 1, machine: 'm-1', status: 'ok', task: 'packages' }] });
		await this.do('machine_run_end', [run], {});
		await this.do('machine_retry', [], { names: ['m-2'] });
		const enrol = async (machine, n, byHand, ready = async () => {}) => {
			const { token } = await this.do('enrolment_create', [], { machine, byHand });
			const body = { token, publicKey: String(n).repeat(40), machineId: String(n).repeat(32) };
			await ready(body);
			await this.end('enrol', [], body, { world: { ...this.driver.world, token: undefined } });
		};
		await enrol('m-1', 1, false);
		await enrol('m-2', 2, true, async (body) => {
			await this.driver.call(this.operations.get('enrol'), '/v1/enrol', { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }, 'a key that waits', true);
			await this.do('host_key_approve', ['m-2']);
		});
		await this.do('host_key_revoke', ['m-1'], { reason: 'lost' });
	}

	/** On simulated hosts: everything that is done to instances that run. */
	async instances() {
		await this.end('app_create', [], { name: 'cart', image: 'tomcat', plan: 'small', vlan: 'apps', count: 3 });
		const [{ name, host }] = await this.settled('cart');
		await this.end('instance_stop', [name]);
		await this.end('instance_start', [name]);
		await this.end('instance_restart', [name]);
		const { items: hosts } = await this.do('host_list');
		await this.end('instance_move', [name], { host: hosts.find((h) => h.state === 'online' && h.name !== host).name });
		await this.end('group_set', ['cart', 'blue'], {});
		await this.end('group_move', ['cart', 'blue'], { instances: [name] });
		await this.end('operation_bulk', [], { action: 'restart', apps: ['cart'] });
		const bytes = Buffer.from('PK\u0005\u0006'.padEnd(22, '\0'), 'latin1');
		for (const version of ['1', '2']) await this.end('version_upload', ['cart', version], bytes, { query: '?file=cart.zip' });
		await this.end('app_deploy', ['cart'], { version: '1' });
		const { operation } = await this.do('app_deploy', ['cart'], { version: '2', strategy: { batch: 1, pause: 'batch' } });
		const paused = ({ id } = operation) => until('the rollout is paused', async () => (await this.do('operation_get', [id])).rollout?.phase === 'paused');
		await paused();
		await this.do('rollout_resume', [operation.id]);
		await this.do('rollout_pause', [operation.id]);
		await paused();
		await this.end('rollout_back', [operation.id]);
		const { operation: left } = await this.do('app_deploy', ['cart'], { version: '2', strategy: { batch: 1, pause: 'batch' } });
		await paused(left);
		await this.end('operation_cancel', [left.id]);
		const { operation: again } = await this.do('operation_retry', [left.id]);
		/* What is left of it may be a single instance, and that be done. */
		await this.end('operation_cancel', [again.id], undefined, { mayBeLate: true });
		await this.end('instance_retire', [name]);
		const { items: [{ name: looked, host: there }] } = await this.do('instance_list', [], undefined, { query: '?app=cart' });
		for (const look of ['instance_usage', 'instance_inside', 'instance_logs']) await this.do(look, [looked]);
		await this.do('host_usage', [there]);
		/* What simulated hosts do not do: it is accepted, and taken back. */
		await this.end('app_create', [], { name: 'ice', image: 'tomcat', plan: 'small', vlan: 'apps', count: 1 });
		const [ice] = await this.settled('ice');
		const frozen = await this.do('instance_freeze', [ice.name]);
		await this.end('operation_cancel', [frozen.operation.id]);
		await this.do('instance_unfreeze', [ice.name]);
		const rebuilt = await this.do('instance_rebuild', [ice.name]);
		await this.end('operation_cancel', [rebuilt.operation.id]);
		for (const [id, names, body] of [['instance_resize', [ice.name], { plan: 'tiny' }], ['app_resize', ['ice'], { plan: 'tiny' }], ['app_rebuild', ['ice'], {}]]) {
			const { operation: begun } = await this.do(id, names, body);
			await this.do('operation_cancel', [begun.id], undefined, { mayBeLate: true });
		}
	}

	/** As a host's agent does: a registered host's token, which is made the token of one with instances. */
	async agents() {
		const { fetchToken } = await this.end('host_register', [], { name: 'node-3', az: 'a', rack: 'r1', publicKey: `node3${HOST_KEY}`.slice(0, 40) });
		const { items: [{ id: instance, host: name }] } = await this.do('instance_list', [], undefined, { query: '?app=cart' });
		const id = (host) => `(SELECT id FROM scheduler.host WHERE name = '${host}')`;
		sql(`UPDATE gateway.token SET host_id = ${id(name)} WHERE host_id = ${id('node-3')}`);
		const by = { world: { ...this.driver.world, token: fetchToken } };
		await this.do('ssh_host_certificate', [], { instance, publicKey: sshKey() }, by);
		await this.do('ssh_document_get', [], undefined, by);
		await this.do('ssh_logins_report', [], { logins: [{ kind: 'login', instance, atUnixMs: Date.now(), pid: 7, account: 'admin' }] }, by);
		await this.do('host_notes', [], { run: '01970000-0000-7000-8000-000000000001', mode: 'on', freed: [{ policy: 'images', entries: 1, bytes: 4096 }] }, by);
		await this.do('host_cleanup_list', [name]);
	}

	/** A webhook that nobody answers gives up; what it held is sent again. */
	async letters() {
		let items;
		await until('the webhook has given up', async () => ({ items } = await this.do('dead_letter_list', ['hook'])).items.length > 0);
		await this.do('dead_letter_send', ['hook', String(items[0].first)]);
		await this.do('webhook_update', ['hook'], { paused: true });
	}

	/** All hosts fall silent, as if their network were gone: an operator's word about one, and the brake. */
	async silence() {
		const { items: hosts } = await this.do('host_list', [], undefined, { query: '?limit=100' });
		const [lost] = hosts.filter((host) => host.state === 'online');
		process.kill(this.driver.world.pid('hosts'), 'SIGSTOP');
		try {
			await until('the brake is on', async () => (await this.do('host_brake_get')).engaged);
			await until('what runs there is unknown', async () => (await this.do('instance_list', [], undefined, { query: '?state=unknown' })).items.some((item) => item.unknownSince && item.health === 'unknown'));
			await this.end('host_declare_lost', [lost.name], { reason: 'burnt' });
			await this.end('host_brake_release', [], { reason: 'only the network' });
		} finally {
			process.kill(this.driver.world.pid('hosts'), 'SIGCONT');
		}
		await until('all are back', async () => (await this.do('host_list', [], undefined, { query: '?limit=100' })).items.filter((host) => hosts.some((was) => was.name === host.name && was.state === 'online')).every((host) => host.state === 'online'));
	}

	async monitor() {
		await this.do('monitor_request_get', [await this.made('monitor_ask', { kind: 'test' })]);
	}

	async all(instance) {
		for (const scene of ['images', 'network', 'hosts', 'packages', 'elastic', 'people', 'machines', 'instances', 'agents', 'letters', 'monitor', 'silence']) await this[scene]();
		await this.ssh(instance);
		/* What comes by chance after this asks for thousands: it waits. */
		for (const { name } of (await this.do('host_list')).items.filter((host) => host.state === 'online')) await this.end('host_cordon', [name]);
	}
}
