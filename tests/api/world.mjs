// A gateway with its scheduler and ipam on the scratch PostgreSQL of tests/pg.sh, without hosts: what the API does besides
// them is all there.
import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

const DEADLINE_MS = 60_000;

export async function until(what, condition) {
	const deadline = Date.now() + DEADLINE_MS;
	for (;;) {
		const value = await condition();
		if (value) return value;
		if (Date.now() > deadline) throw new Error(`not in time: ${what}`);
		await new Promise((resolve) => setTimeout(resolve, 50)); // a look, not a measure: the condition decides
	}
}

export function sql(text, user = 'postgres') {
	return execFileSync('psql', ['-X', '-q', '-A', '-t', '-v', 'ON_ERROR_STOP=1', '-h', process.env.SOT_PG_DIR, '-U', user, '-d', 'sotalia', '-c', text], {
		encoding: 'utf8',
	}).trim();
}

/** Starts everything; the programs are paths. `hosts` is tests/load/load_hosts or nothing. `options` are more ones of the gateway, `schedulerOptions` of the scheduler. */
export async function startWorld({ gateway, scheduler, ipam, keygen, source, hosts }, options = [], schedulerOptions = []) {
	const dir = mkdtempSync(path.join(tmpdir(), 'sotalia-api.'));
	const database = (user) => `--database=host=${process.env.SOT_PG_DIR} dbname=sotalia user=sot_${user}`;
	const children = [];
	mkdirSync(`${dir}/blobs`);
	for (const name of ['api-gateway', 'scheduler', 'ipam']) {
		const key = execFileSync(keygen, [`${dir}/${name}.key`], { encoding: 'utf8' });
		writeFileSync(`${dir}/${name}.pub`, key);
	}
	const run = (name, program, args) => {
		const log = `${dir}/${name}.log`;
		const child = spawn(program, args, { stdio: ['ignore', openSync(log, 'a'), openSync(log, 'a')] });
		children.push({ name, child });
		return { child, log };
	};
	run('ipam', ipam, [`--requests_endpoint=ipc://${dir}/i`, `--hints_endpoint=ipc://${dir}/ih`, `--agents_endpoint=ipc://${dir}/ia`, `--keys_dir=${dir}`, database('ipam')]);
	if (hosts) {
		const { log } = run('hosts', hosts, [dir, '4']);
		await until('the hosts have rows', () => readFileSync(log, 'utf8').includes('ready'));
	}
	run('scheduler', scheduler, [
		`--requests_endpoint=ipc://${dir}/s`,
		`--agents_endpoint=ipc://${dir}/scheduler-agents0`,
		`--reports_endpoint=ipc://${dir}/sr`,
		`--hints_endpoint=ipc://${dir}/sh`,
		`--ipam_endpoint=ipc://${dir}/i`,
		`--keys_dir=${dir}`,
		database('scheduler'),
		...schedulerOptions,
	]);
	const own = [
		'--listen=127.0.0.1:0',
		database('gateway'),
		`--keys_dir=${dir}`,
		`--scheduler_requests=ipc://${dir}/s`,
		`--scheduler_hints=ipc://${dir}/sh`,
		`--ipam_requests=ipc://${dir}/i`,
		`--ipam_hints=ipc://${dir}/ih`,
		`--events_endpoint=ipc://${dir}/events`,
		`--replay_endpoint=ipc://${dir}/replay`,
		`--agents_endpoint=ipc://${dir}/agents`,
		`--blobs_dir=${dir}/blobs`,
		`--ssh_dir=${dir}/ssh`,
		'--ui_dir=',
		'--drain_notice_ms=0',
		'--request_deadline_ms=5000',
		`--openapi_file=${source}/services/api-gateway/openapi.json`,
		...options,
	];
	const admin = (words, input = '') => execFileSync(gateway, [...words, ...own], { encoding: 'utf8', input }).trim();
	admin(['--make-ssh-ca']);
	admin(['--add-account', 'ada', 'admin'], 'correct horse battery\n');
	const token = admin(['--add-token', 'ada']);
	const { log } = run('gateway', gateway, own);
	const listen = await until('the gateway comes up', () => readFileSync(log, 'utf8').match(/listen=(\S+)/)?.[1]);
	return {
		dir,
		token,
		url: `http://${listen}`,
		/** The names of programs that have ended by themselves. */
		dead: () => children.filter(({ child }) => child.exitCode !== null || child.signalCode !== null).map(({ name }) => name),
		log: (name) => readFileSync(`${dir}/${name}.log`, 'utf8'),
		pid: (name) => children.find((c) => c.name === name).child.pid,
		async stop() {
			for (const { child } of [...children].reverse()) {
				if (child.exitCode === null) child.kill('SIGTERM');
				await until('a program ends', () => child.exitCode !== null || child.signalCode !== null);
			}
			rmSync(dir, { recursive: true, force: true });
		},
	};
}
