// Stock tools judge the API: Redocly validates openapi.json, json-schema-faker makes input from it, ajv checks every answer.
//
//   tests/pg.sh run node tests/api/run.mjs GATEWAY SCHEDULER IPAM KEYGEN HOSTS SOURCE      SOT_SEED=n SOT_ROUNDS=n
import redocly from '@redocly/openapi-core/lib/index.js';
import { Driver, describe, request } from './drive.mjs';
import { dice } from './input.mjs';
import { Scenes } from './scenes.mjs';
import { sql, startWorld, until } from './world.mjs';

const [gateway, scheduler, ipam, keygen, hosts, source] = process.argv.slice(2);
// The same calls in every ordinary run; the soak takes other seeds.
const SEED = Number(process.env.SOT_SEED ?? 1);
const ROUNDS = Number(process.env.SOT_ROUNDS ?? 6);
const failures = [];
/** Operations that good input cannot let succeed in this world, and where they are seen to succeed. */
const NOT_HERE = {
	oidc_begin: 'no OpenID provider is set up: oidc_test',
	oidc_callback: 'as oidc_begin',
	exec_begin: 'a WebSocket into a real instance: tests/e2e exec',
	exec_attach: 'as exec_begin',
	host_container_ignore: 'simulated hosts hold nothing that nobody assigned: tests/e2e leftovers',
	host_container_watch: 'as host_container_ignore',
	host_container_adopt: 'as host_container_ignore',
	quarantine_end: 'no database was restored: ipam_restore_pg_test',
	brake_release: 'no addresses have leaked: ipam_truth_pg_test',
	fleet_rebalance: 'only by chance do a handful of instances on four hosts have a move that pays: tests/e2e fleet',
};

async function validate() {
	const config = await redocly.createConfig({ extends: ['recommended'], rules: { 'no-empty-servers': 'off', 'operation-4xx-response': 'off' } });
	const ref = `${source}/services/api-gateway/openapi.json`;
	for (const problem of await redocly.lint({ ref, config })) failures.push(`openapi.json: ${problem.ruleId}: ${problem.message} at ${problem.location[0].pointer}`);
	return (await redocly.bundle({ ref, config, dereference: true })).bundle.parsed;
}

/** What names can name: made by the API itself. */
async function furnish(world) {
	const headers = { 'content-type': 'application/json' };
	const post = async (target, value, method = 'POST') => {
		const answer = await request(world, method, target, { headers, body: JSON.stringify(value) });
		if (answer.status >= 300) throw new Error(`${method} ${target}: ${answer.status} ${answer.body}`);
		return answer.body.length > 0 ? JSON.parse(answer.body) : undefined;
	};
	await until('the scheduler and ipam answer', async () => (await request(world, 'GET', '/healthz')).status === 200);
	await post('/v1/vlans', { name: 'apps', vlanId: 66 });
	await post('/v1/subnets', { vlan: 'apps', cidr: '10.66.0.0/24' });
	await post('/v1/images', { name: 'tomcat', reference: 'registry.example:5000/tomcat:9' });
	await post('/v1/plans/small', { cpuMilli: 100, memoryBytes: 1 << 28, diskBytes: 1 << 30 }, 'PUT');
	await post('/v1/plans/vast', { cpuMilli: 1_000_000, memoryBytes: 1 << 28, diskBytes: 1 << 30 }, 'PUT'); // no host has that: what is of it waits
	await post('/v1/users', { name: 'bob', role: 'viewer', password: 'correct horse battery' });
	await post('/v1/teams/core', {}, 'PUT');
	await post('/v1/webhooks', { name: 'hook', url: 'http://127.0.0.1:9/' });
	const { id } = await post('/v1/tokens', { description: 'x' });
	const app = await post('/v1/apps', { name: 'shop', image: 'tomcat', plan: 'vast', vlan: 'apps', count: 2 });
	await post('/v1/apps/shop/groups/blue', {}, 'PUT');
	const list = async (target, field) => JSON.parse((await request(world, 'GET', target)).body).items.map((item) => item[field]);
	const instances = await until('the instances are there', async () => ((list_) => list_.length > 0 && list_)(await list('/v1/instances', 'name')));
	const operations = await list('/v1/operations', 'id');
	return {
		apps: ['shop'],
		'apps/version': ['1.0'],
		'apps/group': ['blue', 'green'],
		instances,
		operations: [...operations, app.operation?.id ?? operations[0]],
		users: ['bob'],
		plans: ['vast', 'tiny'],
		'host-classes': ['dense'],
		teams: ['core'],
		images: await list('/v1/images', 'name'),
		vlans: ['apps'],
		subnets: ['10.66.0.0/24'],
		addresses: ['10.66.0.7', '10.66.0.8'],
		ranges: ['10.66.0.20', '10.66.0.30'],
		webhooks: ['hook'],
		tokens: [id],
		grants: ['1'],
		'.app': ['shop'],
		'.apps': [['shop']],
		'.vlan': ['apps'],
		'.image': ['tomcat'],
		'.plan': ['vast'],
		'.user': ['bob'],
		'.instance': instances,
		'.instances': [instances],
		'.cidr': ['10.66.0.0/24', '10.67.0.0/24', '2001:db8::/64'],
		'.first': ['10.66.0.20'],
		'.last': ['10.66.0.30'],
		'.address': ['10.66.0.7'],
		'.current': ['correct horse battery'],
		'.url': ['http://127.0.0.1:9/'],
		'?vrf': ['default'],
		'?after': [''],
		'?fields': [''],
		'?labels': ['', 'tier=web', '!tier'],
	};
}

const document = await validate();
const world = await startWorld({ gateway, scheduler, ipam, keygen, source, hosts }, ['--login_tries_per_minute=1000', '--webhook_give_up_s=1'], ['--lost_after_ms=20000']);
try {
	console.log(`SOT_SEED=${SEED}`);
	const operations = describe(document);
	const driver = new Driver(world, operations, dice(SEED), await furnish(world));
	/* What takes things away comes last, so that the rest has something to be about. */
	const isEnd = ({ id, method }) => method === 'DELETE' || /retire|log_out|end$/.test(id);
	const ordered = [...operations.filter((o) => !isEnd(o)), ...operations.filter(isEnd)];
	const scenes = new Scenes(driver, operations);
	await scenes.all(driver.names.instances[0]);
	for (const operation of ordered) {
		await driver.goodCalls(operation, ROUNDS);
		await driver.badCalls(operation);
	}
	await driver.otherMethods(document);
	const silent = operations.filter(({ id }) => ![...(driver.statuses.get(id)?.keys() ?? [])].some((status) => status < 400));
	console.log(`${driver.calls} calls of ${operations.length} operations; ${operations.length - silent.length} were seen to succeed`);
	for (const { id } of silent) console.log(`only refused: ${id}: ${NOT_HERE[id] ?? 'NO REASON IS KNOWN'}`);
	if (operations.length - silent.length < 203) failures.push('fewer operations than ever were seen to succeed: see which above');
	for (const [what, how] of driver.faults) failures.push(`${what}\n    ${how.slice(0, 400)}`);
	for (const name of world.dead()) failures.push(`${name} has ended:\n${world.log(name).slice(-3000)}`);
	if (sql("SELECT count(*) FROM gateway.audit WHERE actor = 'token:ada'") === '0') failures.push('no call is in the audit: the driver drove nothing');
} finally {
	await world.stop();
}
for (const failure of failures) console.error(`FAILED ${failure}`);
process.exitCode = failures.length > 0 ? 1 : 0;
