// What may happen between a browser and the platform: the gateway dies and comes back, the network is silent, the laptop
// sleeps. Afterwards the views are right without a reload, and a form that was half filled is as it was left.
import { readdirSync, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { check, openAddress, shoot, waitForText } from './browser.mjs';

const answers = createInterface({ input: process.stdin })[Symbol.asyncIterator]();

/** The caller (tests/e2e/cases/ui.py) holds the platform: it is asked with a line, and answers with one when it has been done. */
async function ask(what) {
	process.stdout.write(`@${what}\n`);
	return (await answers.next()).value;
}

/** A process and all that came from it. */
function family(root) {
	const parents = readdirSync('/proc').filter((name) => /^\d+$/.test(name)).flatMap((pid) => {
		try {
			return [[Number(pid), Number(readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').pop().split(' ')[1])]];
		} catch {
			return []; // it has just ended
		}
	});
	const found = [root];
	for (let at = 0; at < found.length; at += 1) {
		found.push(...parents.filter(([, parent]) => parent === found[at]).map(([pid]) => pid));
	}
	return found;
}

/** Every process of the browser stands still, as in a laptop that sleeps: timers, sockets, all. */
async function asleep(test, seconds, meanwhile) {
	const all = family(test.browser.process().pid);
	all.forEach((pid) => process.kill(pid, 'SIGSTOP'));
	try {
		await Promise.all([meanwhile(), new Promise((done) => { setTimeout(done, seconds * 1000); })]);
	} finally {
		all.forEach((pid) => process.kill(pid, 'SIGCONT'));
	}
}

async function begin({ page }, app) {
	await openAddress(page, '/apps?create=1');
	await page.waitForSelector('.ant-drawer-open input#name');
	await page.type('.ant-drawer-open input#name', 'half-fil');
	await waitForText(page, '.ant-table-row', `^${app}`);
	await page.evaluate(() => { window.notReloaded = true; });
	await page.waitForSelector('[data-live="live"]');
}

async function isRight({ page }, app, count, after) {
	await page.waitForSelector('[data-live="live"]');
	await waitForText(page, '.ant-table-row', `^${app}.*${count} of ${count}`);
	const kept = await page.$eval('.ant-drawer-open input#name', (input) => input.value);
	check(kept === 'half-fil' && (await page.evaluate(() => window.notReloaded === true)), `after ${after} the list shows ${count} of ${count} without a reload, and the half-filled form is as it was`);
}

export async function seeFaults(test, { app }) {
	await begin(test, app);
	await isRight(test, app, await ask('gateway'), 'the gateway was killed and started again');
	await isRight(test, app, await ask('cut'), 'the network was silent');
	const seconds = Number(process.env.SOTALIA_UI_SLEEP_S ?? 45);
	let count = '';
	await asleep(test, seconds, async () => { count = await ask('change'); });
	await isRight(test, app, count, `${seconds} s of sleep`);
	await shoot(test, 'after-faults');
}
