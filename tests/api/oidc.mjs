// Log-ins at a real OpenID provider (the package oidc-provider, certified), over TLS, by a browser that this test plays:
// the way in, roles and teams by group, new keys, and everything that is refused.
//
//   tests/pg.sh run node tests/api/oidc.mjs GATEWAY SCHEDULER IPAM KEYGEN SOURCE SOTALIA
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Provider } from 'oidc-provider';
import { sql, startWorld } from './world.mjs';

const [gateway, scheduler, ipam, keygen, source, sotalia] = process.argv.slice(2);
const SECRET = 'a-client-secret-that-nobody-logs';
const dir = mkdtempSync(path.join(tmpdir(), 'sotalia-oidc.'));
execFileSync('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', '/CN=localhost', '-addext', 'subjectAltName=IP:127.0.0.1', '-keyout', `${dir}/key.pem`, '-out', `${dir}/cert.pem`], { stdio: 'ignore' });

// ---- the provider ----
const people = new Map();
let current, keysAnswer;
const server = https.createServer({ key: readFileSync(`${dir}/key.pem`), cert: readFileSync(`${dir}/cert.pem`) }, (q, r) => {
	if (keysAnswer && q.url === '/jwks') r.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(keysAnswer));
	else current(q, r);
});
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
const issuer = `https://127.0.0.1:${server.address().port}`;

function jwk(algorithm, kid) {
	const { privateKey } = algorithm === 'RS256' ? generateKeyPairSync('rsa', { modulusLength: 2048 }) : generateKeyPairSync('ec', { namedCurve: 'P-256' });
	return { ...privateKey.export({ format: 'jwk' }), kid, use: 'sig', alg: algorithm };
}

/** Another provider at the same place: other keys, another algorithm, claims in the token or only when asked. */
function provide(redirect, algorithm, inToken) {
	const provider = new Provider(issuer, {
		clients: [{ client_id: 'sotalia', client_secret: SECRET, redirect_uris: [redirect], response_types: ['code'], grant_types: ['authorization_code'], id_token_signed_response_alg: algorithm }],
		claims: { openid: ['sub'], profile: ['preferred_username'], groups: ['groups'] },
		conformIdTokenClaims: !inToken,
		enabledJWA: { idTokenSigningAlgValues: ['RS256', 'ES256'] },
		jwks: { keys: [jwk(algorithm, `${algorithm}-1`)] },
		pkce: { required: () => true, methods: ['S256'] },
		cookies: { keys: ['a key of this test'] },
		findAccount: (_, sub) => ({ accountId: sub, claims: () => ({ sub, ...people.get(sub) }) }),
	});
	current = provider.callback();
}

// ---- the browser ----
class Browser {
	jar = new Map();

	/** One request; cookies by origin are kept and sent. */
	async go(url, { form, headers = {}, method = form ? 'POST' : 'GET', body = form && new URLSearchParams(form).toString() } = {}) {
		const { origin, protocol } = new URL(url);
		const cookies = this.jar.get(origin) ?? new Map();
		this.jar.set(origin, cookies);
		const answer = await new Promise((resolve, reject) => {
			const q = (protocol === 'https:' ? https : http).request(
				url,
				{ method, ca: readFileSync(`${dir}/cert.pem`), headers: { cookie: [...cookies].map(([k, v]) => `${k}=${v}`).join('; '), ...(form && { 'content-type': 'application/x-www-form-urlencoded' }), ...headers }, timeout: 20_000 },
				(r) => {
					let text = '';
					r.setEncoding('utf8').on('data', (part) => (text += part)).on('end', () => resolve({ status: r.statusCode, headers: r.headers, text }));
				},
			);
			q.on('error', reject).on('timeout', () => q.destroy(new Error(`no answer: ${url}`)));
			q.end(body);
		});
		for (const line of answer.headers['set-cookie'] ?? []) {
			const [, name, value] = line.match(/^([^=]+)=([^;]*)/);
			if (value === '' || /max-age=0(;|$)/i.test(line)) cookies.delete(name);
			else cookies.set(name, value);
		}
		answer.to = answer.headers.location && new URL(answer.headers.location, url).href;
		return answer;
	}

	/** Through the provider's pages as `person`, up to the address of the callback, which is not gone to. */
	async through(world, person, { back = '/', refuse = false, from } = {}) {
		let answer = await this.go(from ?? `${world.url}/v1/log-in/oidc?back=${encodeURIComponent(back)}`);
		assert.equal(answer.status, 303, answer.text);
		for (let i = 0; i < 12 && !(answer.to ?? '').startsWith(world.url); i++) {
			if (answer.to) {
				answer = await this.go(answer.to);
				continue;
			}
			const action = answer.text.match(/action="([^"]+)"/)[1];
			const prompt = answer.text.match(/name="prompt" value="([^"]+)"/)[1];
			answer = await (refuse ? this.go(`${action}/abort`) : this.go(action, { form: prompt === 'login' ? { prompt, login: person, password: 'x' } : { prompt } }));
		}
		return answer.to;
	}

	async logIn(world, person, options) {
		return this.go(await this.through(world, person, options));
	}
}

console.info = console.warn = () => {}; // what the provider says of its settings for tests

const checks = [];
const check = (name, run) => checks.push([name, run]);
const problem = (answer, status, code, text) => {
	assert.equal(answer.status, status, answer.text);
	const value = JSON.parse(answer.text);
	assert.equal(value.code, code, answer.text);
	assert.match(value.detail, text);
};
const me = async (world, browser) => JSON.parse((await browser.go(`${world.url}/v1/me`)).text);
const rows = (text) => sql(text).split('\n').filter(Boolean);

check('somebody is let in, with the roles of the groups', async (world) => {
	people.set('subject-1', { preferred_username: 'Li@company.lan', groups: ['ops', 'pay dev', 'unknown'] });
	const browser = new Browser();
	assert.deepEqual(JSON.parse((await browser.go(`${world.url}/v1/log-in`)).text), { oidc: { title: 'Company', url: '/v1/log-in/oidc' } });
	const answer = await browser.logIn(world, 'subject-1', { back: '/apps?labels=tier%3Dweb' });
	assert.equal(answer.status, 303, answer.text);
	assert.equal(answer.headers.location, '/apps?labels=tier%3Dweb');
	const cookie = answer.headers['set-cookie'].find((line) => line.startsWith('__Host-sotalia='));
	assert.match(cookie, /; Secure; HttpOnly; SameSite=Strict/);
	const { name, role, csrfToken } = await me(world, browser);
	assert.deepEqual([name, role], ['li', 'operator']);
	assert.deepEqual(rows("SELECT role, team, created_by FROM gateway.role_grant WHERE account = 'li'"), ['developer|payments|oidc']);
	assert.deepEqual(rows("SELECT action, actor FROM gateway.audit WHERE target = 'li' ORDER BY id"), ['user.created|user:li', 'grant.created|user:li']);
	const out = await browser.go(`${world.url}/v1/sessions`, { method: 'DELETE', headers: { 'x-csrf-token': csrfToken } });
	assert.equal(out.status, 204);
	assert.equal((await browser.go(`${world.url}/v1/me`)).status, 401);
});

check('each log-in takes the roles from the groups again; the name stays', async (world) => {
	people.set('subject-1', { preferred_username: 'renamed', groups: 'viewers' });
	const browser = new Browser();
	assert.equal((await browser.logIn(world, 'subject-1')).status, 303);
	const { name, role } = await me(world, browser);
	assert.deepEqual([name, role], ['li', 'viewer']);
	assert.deepEqual(rows("SELECT role FROM gateway.role_grant WHERE account = 'li'"), []);
	assert.deepEqual(rows("SELECT action FROM gateway.audit WHERE target = 'li' ORDER BY id DESC LIMIT 2").sort(), ['grant.deleted', 'user.updated']);
});

check('new keys, another algorithm, claims in the token itself', async (world) => {
	provide(callback, 'ES256', true);
	people.set('subject-2', { preferred_username: 'wu', groups: ['root'] });
	// The gateway asks for keys again at most every five seconds; the ones that it has were asked for by the checks before.
	const deadline = Date.now() + 20_000;
	for (;;) {
		const browser = new Browser();
		const answer = await browser.logIn(world, 'subject-2');
		if (answer.status === 303) {
			assert.equal((await me(world, browser)).role, 'admin');
			break;
		}
		problem(answer, 403, 'denied', /no key 'ES256-1'/);
		assert.ok(Date.now() < deadline, 'the new keys were not asked for');
	}
});

check('a name that is another account is refused, and says what to do', async (world) => {
	people.set('subject-3', { preferred_username: 'bob', groups: ['root'] });
	problem(await new Browser().logIn(world, 'subject-3'), 409, 'conflict', /account 'bob' already.*an admin removes it/);
	assert.equal(sql("SELECT role || origin FROM gateway.account WHERE name = 'bob'"), 'viewerlocal');
});

check('nobody without a group, with a strange name, or disabled gets in', async (world) => {
	people.set('subject-4', { preferred_username: 'mo', groups: ['unknown'] });
	problem(await new Browser().logIn(world, 'subject-4'), 403, 'denied', /none of your groups has a role/);
	people.set('subject-4', { preferred_username: '9 lives', groups: ['ops'] });
	problem(await new Browser().logIn(world, 'subject-4'), 403, 'denied', /cannot be the name of an account/);
	people.set('subject-4', { groups: ['ops'] });
	problem(await new Browser().logIn(world, 'subject-4'), 403, 'denied', /does not say 'preferred_username'/);
	sql("UPDATE gateway.account SET disabled = true WHERE name = 'wu'");
	problem(await new Browser().logIn(world, 'subject-2'), 403, 'denied', /'wu' is disabled/);
	assert.equal(sql("SELECT count(*) FROM gateway.audit WHERE action = 'session.create' AND result = 'refused'"), '5');
	assert.equal(sql("SELECT count(*) FROM gateway.account WHERE name = 'mo'"), '0');
});

check('who does not log in at the provider comes back with its reason', async (world) => {
	problem(await new Browser().logIn(world, 'subject-1', { refuse: true }), 403, 'denied', /did not let you in \(access_denied\)/);
});

check('answers of other log-ins, other browsers and other providers are refused', async (world) => {
	const browser = new Browser(), other = new Browser();
	const url = await browser.through(world, 'subject-1');
	problem(await other.go(url), 403, 'denied', /not begun in this browser/);
	await other.go(`${world.url}/v1/log-in/oidc`);
	problem(await other.go(url), 403, 'denied', /belongs to another log-in/);
	problem(await browser.go(url.replace(/state=[^&]+/, 'state=x')), 403, 'denied', /belongs to another log-in/);
	problem(await browser.go(url.replace(/iss=[^&]+/, 'iss=https%3A%2F%2Fevil.example')), 403, 'denied', /belongs to another log-in/);
	problem(await browser.go(url.replace(/code=[^&]+/, 'code=guessed')), 403, 'denied', /does not take this code/);
	const cookie = [...browser.jar.get(world.url)];
	assert.equal((await browser.go(url)).status, 303);
	browser.jar.set(world.url, new Map(cookie)); // as it was: the code a second time
	problem(await browser.go(url), 403, 'denied', /does not take this code/);
	assert.equal((await new Browser().go(`${world.url}/v1/log-in/oidc?back=${encodeURIComponent('//evil.example/')}`)).status, 303);
	const away = await new Browser().logIn(world, 'subject-1', { back: 'https://evil.example/' });
	assert.equal(away.headers.location, '/');
});

/** `sotalia` with nothing but a folder of its own: its outcome, and the address that it prints for a browser. */
function cli(world, words) {
	const program = spawn(sotalia, words, { env: { PATH: '/nowhere', XDG_CONFIG_HOME: `${dir}/config` }, stdio: ['pipe', 'pipe', 'pipe'], timeout: 60_000 });
	let out = '', errors = '';
	program.stdout.setEncoding('utf8').on('data', (part) => (out += part));
	const address = new Promise((resolve) => {
		program.stderr.setEncoding('utf8').on('data', (part) => {
			errors += part;
			const found = errors.match(/^(http:\S+\/v1\/log-in\/oidc\S+)$/m);
			if (found) resolve(found[1]);
		});
	});
	const done = new Promise((resolve) => program.on('close', (status) => resolve({ status, out, errors })));
	const found = Promise.race([address, done.then(({ errors: text }) => Promise.reject(new Error(`no address: ${text}`)))]);
	found.catch(() => {}); // most commands print none
	return { address: found, done, type: (text) => program.stdin.end(text) };
}
const post = (world, body) => new Browser().go(`${world.url}/v1/sessions`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });

check('the command line logs in with a browser on its machine; the code is good for it alone', async (world) => {
	people.set('subject-1', { preferred_username: 'renamed', groups: ['viewers'] });
	const sessions = () => sql("SELECT count(*) FROM gateway.session WHERE account = 'li'");
	const before = sessions();
	const program = cli(world, ['login', 'prod', `--url=${world.url}`, '--oidc']);
	const browser = new Browser();
	const back = await browser.logIn(world, 'subject-1', { from: await program.address });
	assert.equal(back.status, 303, back.text);
	assert.match(back.to, /^http:\/\/127\.0\.0\.1:\d+\/\?state=[\w-]{43}&code=x1%3A[^&]+$/);
	assert.equal((await browser.go(`${world.url}/v1/me`)).status, 401, 'the browser has a session');
	const code = new URL(back.to).searchParams.get('code');
	problem(await post(world, { code, verifier: 'v'.repeat(43) }), 401, 'unauthenticated', /of another log-in/);
	problem(await post(world, { code: 'a'.repeat(64), verifier: 'v'.repeat(43) }), 401, 'unauthenticated', /of another log-in/);
	problem(await post(world, { code, name: 'li' }), 400, 'invalid', /the body must be/);
	problem(await post(world, { code }), 400, 'invalid', /the body must be/);
	for (const stranger of [back.to.replace(/state=[^&]+/, 'state=x'), back.to.replace(/&code=.*/, ''), new URL('/favicon.ico', back.to).href])
		assert.equal((await new Browser().go(stranger)).status, 404, stranger);
	const page = await browser.go(back.to);
	assert.equal(page.status, 200);
	assert.match(page.text, /You are logged in/);
	const { status, errors } = await program.done;
	assert.equal(status, 0, errors);
	assert.match(errors, /logged in to http:\S+ as li for 30 days/);
	assert.ok(!errors.includes('sot_'));
	assert.equal((await cli(world, ['plan', 'list', '-o', 'name']).done).status, 0);
	assert.equal((await cli(world, ['user', 'create', 'wang']).done).status, 6); // li is a viewer
	assert.equal(sessions(), before, 'its session was not ended');
});

check('with --paste the browser is anywhere and shows the code', async (world) => {
	const wrong = cli(world, ['login', 'far', `--url=${world.url}`, '--oidc', '--paste']);
	await wrong.address;
	wrong.type('x1:bm9uc2Vuc2U=\n');
	assert.equal((await wrong.done).status, 6);
	const program = cli(world, ['login', 'far', `--url=${world.url}`, '--oidc', '--paste']);
	const page = await new Browser().logIn(world, 'subject-1', { from: await program.address });
	assert.equal(page.status, 200, page.text);
	assert.match(page.headers['content-type'], /^text\/plain/);
	assert.equal(page.headers['cache-control'], 'no-store');
	assert.match(page.text, /^li is logged in\..*for nobody else/);
	program.type(`${page.text.trim().split('\n').pop()}\n`);
	const { status, errors } = await program.done;
	assert.equal(status, 0, errors);
	assert.equal((await cli(world, ['token', 'list', '--context=far', '-o', 'name']).done).status, 0);
	for (const parts of ['challenge=short&state=' + 's'.repeat(43), `challenge=${'c'.repeat(43)}`, `challenge=${'c'.repeat(43)}&state=${'s'.repeat(43)}&port=80`])
		problem(await new Browser().go(`${world.url}/v1/log-in/oidc?back=${encodeURIComponent('/v1/log-in/cli?' + parts)}`), 400, 'invalid', /needs challenge and state/);
});

check('a token that the published keys have not signed is refused', async (world) => {
	const { d, ...evil } = jwk('ES256', 'ES256-1');
	assert.ok(d);
	provide(callback, 'ES256', true); // signs with a key of its own of the same name
	keysAnswer = { keys: [evil] };
	problem(await new Browser().logIn(world, 'subject-1'), 403, 'denied', /signature is wrong/);
	keysAnswer = undefined;
});

check('a provider that is away says so, and that it passes', async (world) => {
	const browser = new Browser();
	const url = await browser.through(world, 'subject-1');
	current = (q, r) => r.writeHead(500).end('x');
	problem(await browser.go(url), 503, 'unavailable', /provider answered 500/);
	server.close();
	server.closeAllConnections();
	problem(await browser.go(url), 503, 'unavailable', /provider does not answer: .*try again later/);
});

// ---- all of it ----
/* The provider must know the gateway's address before the gateway is there. */
const port = await new Promise((resolve) => {
	const free = http.createServer().listen(0, '127.0.0.1', () => {
		const { port } = free.address();
		free.close(() => resolve(port));
	});
});
const callback = `http://127.0.0.1:${port}/v1/log-in/oidc/callback`;
provide(callback, 'RS256', false);
writeFileSync(`${dir}/roles`, '# ROLE TEAM GROUP\nviewer * viewers\noperator * ops\ndeveloper payments pay dev\nadmin * root\n');
const world = await startWorld({ gateway, scheduler, ipam, keygen, source }, [
	`--oidc_issuer=${issuer}`, '--oidc_client_id=sotalia', `--oidc_client_secret=${SECRET}`, `--oidc_redirect=${callback}`, `--listen=127.0.0.1:${port}`,
	`--oidc_roles_file=${dir}/roles`, `--oidc_ca=${dir}/cert.pem`, '--oidc_title=Company',
]);
let failed = 0;
try {
	sql("INSERT INTO gateway.account (name, role) VALUES ('bob', 'viewer')");
	for (const [name, run] of checks) {
		try {
			await run(world);
			console.log(`ok   ${name}`);
		} catch (error) {
			failed++;
			console.log(`FAILED ${name}\n${error.stack}`);
		}
	}
	const log = world.log('gateway');
	assert.ok(!log.includes(SECRET) && !/code=[\w-]{20}/.test(log) && !log.includes('eyJ'), 'a secret is in the log');
	assert.deepEqual(world.dead(), []);
} finally {
	if (failed) console.log(world.log('gateway').split('\n').slice(-30).join('\n'));
	await world.stop();
	server.close();
	server.closeAllConnections();
	rmSync(dir, { recursive: true, force: true });
}
process.exitCode = failed > 0 ? 1 : 0;
