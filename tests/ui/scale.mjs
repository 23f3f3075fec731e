// How long a person waits in a full cell: each interaction is timed in the page, from the key or click to the frame that shows
// what it led to. Every figure is printed; the middle one of several must keep the budget.
import { check, openAddress, shoot } from './browser.mjs';

const BUDGET_MS = Number(process.env.SOTALIA_UI_BUDGET_MS ?? 100);
const ROUNDS = 5;
/** Nobody waits longer. */
const GIVE_UP_MS = 20_000;
const REST_MS = 400;
const FRAMES = 120;
const FRAME_MS = 20; // 50 a second

const middle = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];

/** Runs `act` in the page and waits for the frame after `isDone` holds; milliseconds. */
function timed(page, act, isDone, value) {
	return page.evaluate(`(async () => {
		const value = ${JSON.stringify(value ?? null)};
		const isDone = ${isDone};
		performance.clearResourceTimings();
		const begin = performance.now();
		(${act})(value);
		await new Promise((found, never) => {
			const look = () => requestAnimationFrame(() => {
				if (isDone(value)) {
					requestAnimationFrame(found);
				} else if (performance.now() - begin > ${GIVE_UP_MS}) {
					never(new Error('after ${GIVE_UP_MS / 1000} s still not so: ' + isDone + ' of ' + JSON.stringify(value)));
				} else {
					look();
				}
			});
			look();
		});
		const end = performance.now();
		window.waited = Math.max(0, ...performance.getEntriesByType('resource').map((one) => Math.min(end, one.responseEnd || end) - begin));
		return end - begin;
	})()`);
}

/** A person looks before the next key or click: what one interaction has set off is not counted for the next one. */
async function rest(page) {
	await page.evaluate((ms) => new Promise((done) => { setTimeout(done, ms); }), REST_MS);
	await page.waitForFunction(() => !document.querySelector('[aria-busy="true"]'));
}

async function budget(page, what, measure) {
	const values = [];
	const waits = [];
	for (let round = 0; round < ROUNDS; round += 1) {
		await rest(page);
		values.push(await measure(round));
		waits.push(await page.evaluate('window.waited'));
	}
	const ms = middle(values);
	console.log(`  figure ${what}: ${ms.toFixed(0)} ms (${values.map((one) => one.toFixed(0)).join(', ')}), until the last answer ${middle(waits).toFixed(0)}, budget ${BUDGET_MS}`);
	return { what, ms };
}

/** Types as a person would: what React listens to is the input event. */
const TYPE = `({ selector, text }) => {
	const input = document.querySelector(selector);
	Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, 'value').set.call(input, text);
	input.dispatchEvent(new Event('input', { bubbles: true }));
}`;
const FILTER = '.sot-filters input';

async function filterRows(page, what, texts) {
	await page.waitForSelector('.ant-table-row');
	return budget(page, what, (round) =>
		timed(page, TYPE, `({ text }) => {
			const rows = [...document.querySelectorAll('.ant-table-row')];
			return document.querySelector('.sot-filters input').value === text && (rows.length > 0 || document.querySelector('.sot-empty')) && rows.every((row) => row.textContent.includes(text));
		}`, { selector: FILTER, text: texts[round % texts.length] }));
}

/** Names that are pasted into the filter and are on no page that was read: the server is asked. */
async function findFar(page, what, names) {
	return budget(page, what, (round) =>
		timed(page, TYPE, `({ text }) => {
			const rows = [...document.querySelectorAll('.ant-table-row')];
			return rows.length > 0 && rows.every((row) => row.textContent.includes(text));
		}`, { selector: FILTER, text: names[round] }));
}

/** Frames while a long list is scrolled; how many rows are in the document. */
async function scroll(page, what) {
	const { frames, rows } = await page.evaluate(`(async () => {
		const holder = document.querySelector('.ant-table-tbody-virtual-holder');
		const frames = [];
		let most = 0;
		let last = await new Promise(requestAnimationFrame);
		for (let frame = 0; frame < ${FRAMES}; frame += 1) {
			holder.scrollTop += 90;
			const now = await new Promise(requestAnimationFrame);
			frames.push(now - last);
			last = now;
			most = Math.max(most, document.querySelectorAll('.ant-table-row').length);
		}
		return { frames, rows: most };
	})()`);
	const ms = middle(frames);
	console.log(`  figure ${what}: ${ms.toFixed(1)} ms a frame (slowest ${Math.max(...frames).toFixed(0)}), ${rows} rows in the document`);
	check(rows < 100, `${what}: only the rows that are seen are drawn (${rows})`);
	return { what, ms, limit: FRAME_MS };
}

async function lists(page, figures, test) {
	await openAddress(page, '/hosts');
	await page.waitForSelector('.ant-table-tbody-virtual-holder .ant-table-row');
	await shoot(test, 'scale-hosts');
	figures.push(await scroll(page, 'scroll hosts'));
	figures.push(await filterRows(page, 'filter hosts', ['crowd-00', 'crowd-001', 'crowd-0', 'crowd-0012', 'crowd']));
	figures.push(await findFar(page, 'find a host behind the first page', ['crowd-09876', 'crowd-07654', 'crowd-05432', 'crowd-08888', 'crowd-09999']));
	await openAddress(page, '/instances');
	await page.waitForSelector('.ant-table-tbody-virtual-holder .ant-table-row');
	await shoot(test, 'scale-instances');
	figures.push(await scroll(page, 'scroll instances'));
	figures.push(await filterRows(page, 'filter instances', ['crowd1', 'crowd10', 'crowd1', 'crowd100', 'crowd']));
	figures.push(await findFar(page, 'find an instance behind the first page', ['crowd1999-default-49', 'crowd1777-default-33', 'crowd555-default-05', 'crowd987-default-21', 'crowd1234-default-50']));
	figures.push(await findFar(page, 'find an instance by its address', ['10.129.1.7', '10.128.77.77', '10.129.9.9', '10.128.200.3', '10.129.100.1']));
}

async function map(page, figures, test) {
	await openAddress(page, '/capacity');
	await page.waitForSelector('[data-whole] canvas[data-drawn]', { timeout: 120_000 });
	const drawn = await page.$$eval('canvas[data-drawn]', (all) => all.reduce((sum, one) => sum + Number(one.dataset.drawn), 0));
	check(drawn >= 10_000, `the map has a square for each of ${drawn} hosts`);
	const colours = ['state', 'cpu', 'version', 'disk', 'memory'];
	const labels = { state: 'State', cpu: 'CPU', version: 'Version', disk: 'Disk', memory: 'Memory' };
	figures.push(await budget(page, 'colour the map', (round) => {
		const colour = colours[round % colours.length];
		return timed(page, `({ label }) => [...document.querySelectorAll('.ant-segmented-item')].find((item) => item.textContent === label).click()`, `({ colour }) => [...document.querySelectorAll('canvas[data-drawn]')].every((one) => one.dataset.colouring === colour)`, { colour, label: labels[colour] });
	}));
	figures.push(await budget(page, 'point at a host', (round) =>
		timed(page, `({ x, y }) => {
			const canvas = [...document.querySelectorAll('.sot-canvas')].find((one) => Number(one.querySelector('canvas').dataset.drawn) > 1000);
			const box = canvas.getBoundingClientRect();
			window.square = canvas.querySelector('.sot-square');
			window.pointed = window.square.dataset.host;
			canvas.dispatchEvent(new PointerEvent('pointermove', { bubbles: true, clientX: box.x + x, clientY: box.y + y }));
		}`, `() => window.square.dataset.host !== window.pointed`, { x: 70 + 24 * (round % 3 + 1), y: 8 + 24 * (round % 2) })));
	await shoot(test, 'scale-map');
}

async function search(page, figures, test) {
	await openAddress(page, '/');
	await page.waitForSelector('.sot-kpis b');
	await page.waitForSelector('[data-live="live"]');
	await shoot(test, 'scale-overview');
	figures.push(await budget(page, 'overview from another page', async () => {
		await timed(page, `() => document.querySelector('.sot-nav a[href="/events"]').click()`, `() => location.pathname === '/events'`);
		await rest(page);
		return timed(page, `() => document.querySelector('.sot-nav a[href="/"]').click()`, `() => document.querySelector('.sot-kpis b')?.textContent.length > 4`);
	}));
	await page.keyboard.down('Control');
	await page.keyboard.press('k');
	await page.keyboard.up('Control');
	await page.waitForSelector('.ant-modal input[role="combobox"]');
	const words = ['c', 'cr', 'cro', 'crow', 'crowd'];
	figures.push(await budget(page, 'a letter in the search', (round) => timed(page, TYPE, `({ text, selector }) => document.querySelector(selector).value === text`, { selector: '.ant-modal input[role="combobox"]', text: words[round] })));
	const far = ['crowd1777-default-33', 'crowd1999-default-49', 'crowd555-default-05', 'crowd987-default-21', 'crowd1234-default-50'];
	figures.push(await budget(page, 'search one of 100,000 instances', (round) => timed(page, TYPE, `({ text }) => [...document.querySelectorAll('.sot-found li')].some((one) => one.dataset.kind === 'instance' && one.textContent.includes(text))`, { selector: '.ant-modal input[role="combobox"]', text: far[round] })));
	await shoot(test, 'scale-search');
}

/** The figures of every interaction, for keepsBudgets. */
export async function seeScale(test) {
	const { page } = test;
	const figures = [];
	await lists(page, figures, test);
	await map(page, figures, test);
	await search(page, figures, test);
	return figures;
}

export function keepsBudgets(figures) {
	const over = figures.filter(({ ms, limit = BUDGET_MS }) => ms > limit).map(({ what, ms, limit = BUDGET_MS }) => `${what}: ${ms.toFixed(0)} of ${limit} ms`);
	check(over.length === 0, `every interaction keeps its budget${over.map((line) => `\n    ${line}`).join('')}`);
}
