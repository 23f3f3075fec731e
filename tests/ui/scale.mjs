// How long a person waits in a full cell: each interaction is timed in the page, from the key or click to the frame that shows
// what it led to. Every figure is printed; the middle one of several must keep the budget.
import { check, openAddress, shoot } from './browser.mjs';

const BUDGET_MS = Number(process.env.SOTALIA_UI_BUDGET_MS ?? 100);
const ROUNDS = 5;
const FRAMES = 120;
const FRAME_MS = 20; // 50 a second

const middle = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];

/** Runs `act` in the page and waits for the frame after `isDone` holds; milliseconds. */
function timed(page, act, isDone, value) {
	return page.evaluate(`(async () => {
		const value = ${JSON.stringify(value ?? null)};
		const isDone = ${isDone};
		const begin = performance.now();
		(${act})(value);
		await new Promise((found) => {
			const look = () => requestAnimationFrame(() => (isDone(value) ? requestAnimationFrame(found) : look()));
			look();
		});
		return performance.now() - begin;
	})()`);
}

async function budget(what, measure) {
	const values = [];
	for (let round = 0; round < ROUNDS; round += 1) {
		values.push(await measure(round));
	}
	const ms = middle(values);
	console.log(`  figure ${what}: ${ms.toFixed(0)} ms (${values.map((one) => one.toFixed(0)).join(', ')}), budget ${BUDGET_MS}`);
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
	return budget(what, (round) =>
		timed(page, TYPE, `({ text }) => {
			const rows = [...document.querySelectorAll('.ant-table-row')];
			return document.querySelector('.sot-filters input').value === text && (rows.length > 0 || document.querySelector('.sot-empty')) && rows.every((row) => row.textContent.includes(text));
		}`, { selector: FILTER, text: texts[round % texts.length] }));
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
	await timed(page, TYPE, `({ text }) => [...document.querySelectorAll('.ant-table-row')].some((row) => row.textContent.includes(text))`, { selector: FILTER, text: 'crowd-09876' });
	check(true, 'a host far behind the first page is found by its name');
	await openAddress(page, '/instances');
	await page.waitForSelector('.ant-table-tbody-virtual-holder .ant-table-row');
	await shoot(test, 'scale-instances');
	figures.push(await scroll(page, 'scroll instances'));
	figures.push(await filterRows(page, 'filter instances', ['crowd1', 'crowd10', 'crowd1', 'crowd100', 'crowd']));
	await timed(page, TYPE, `({ text }) => [...document.querySelectorAll('.ant-table-row')].some((row) => row.textContent.includes(text))`, { selector: FILTER, text: 'crowd1999-default-49' });
	check(true, 'an instance far behind the first page is found by its name');
}

async function map(page, figures, test) {
	await openAddress(page, '/capacity');
	await page.waitForSelector('[data-whole] canvas[data-drawn]', { timeout: 120_000 });
	const drawn = await page.$$eval('canvas[data-drawn]', (all) => all.reduce((sum, one) => sum + Number(one.dataset.drawn), 0));
	check(drawn >= 10_000, `the map has a square for each of ${drawn} hosts`);
	const colours = ['state', 'cpu', 'version', 'disk', 'memory'];
	const labels = { state: 'State', cpu: 'CPU', version: 'Version', disk: 'Disk', memory: 'Memory' };
	figures.push(await budget('colour the map', (round) => {
		const colour = colours[round % colours.length];
		return timed(page, `({ label }) => [...document.querySelectorAll('.ant-segmented-item')].find((item) => item.textContent === label).click()`, `({ colour }) => [...document.querySelectorAll('canvas[data-drawn]')].every((one) => one.dataset.colouring === colour)`, { colour, label: labels[colour] });
	}));
	figures.push(await budget('point at a host', (round) =>
		timed(page, `({ x, y }) => {
			const box = document.querySelector('.sot-canvas').getBoundingClientRect();
			window.pointed = document.querySelector('.sot-canvas .sot-square').dataset.host;
			document.querySelector('.sot-canvas').dispatchEvent(new PointerEvent('pointermove', { bubbles: true, clientX: box.x + x, clientY: box.y + y }));
		}`, `() => document.querySelector('.sot-canvas .sot-square').dataset.host !== window.pointed`, { x: 70 + 24 * (round % 3 + 1), y: 8 + 24 * (round % 2) })));
	await shoot(test, 'scale-map');
}

async function search(page, figures, test) {
	await openAddress(page, '/');
	await page.waitForSelector('.sot-kpis b');
	await page.waitForSelector('[data-live="live"]');
	await shoot(test, 'scale-overview');
	figures.push(await budget('overview from another page', async () => {
		await timed(page, `() => document.querySelector('.sot-nav a[href="/events"]').click()`, `() => location.pathname === '/events'`);
		return timed(page, `() => document.querySelector('.sot-nav a[href="/"]').click()`, `() => document.querySelector('.sot-kpis b')?.textContent.length > 4`);
	}));
	await page.keyboard.down('Control');
	await page.keyboard.press('k');
	await page.keyboard.up('Control');
	await page.waitForSelector('.ant-modal input[role="combobox"]');
	const words = ['c', 'cr', 'cro', 'crow', 'crowd'];
	figures.push(await budget('a letter in the search', (round) => timed(page, TYPE, `({ text, selector }) => document.querySelector(selector).value === text`, { selector: '.ant-modal input[role="combobox"]', text: words[round] })));
	await timed(page, TYPE, `({ text }) => [...document.querySelectorAll('.sot-found li')].some((one) => one.dataset.kind === 'instance' && one.textContent.includes(text))`, { selector: '.ant-modal input[role="combobox"]', text: 'crowd1777-default-33' });
	check(true, 'the search finds one of 100,000 instances');
	await shoot(test, 'scale-search');
}

export async function seeScale(test) {
	const { page } = test;
	const figures = [];
	await lists(page, figures, test);
	await map(page, figures, test);
	await search(page, figures, test);
	const over = figures.filter(({ ms, limit = BUDGET_MS }) => ms > limit).map(({ what, ms, limit = BUDGET_MS }) => `${what}: ${ms.toFixed(0)} of ${limit} ms`);
	check(over.length === 0, `every interaction keeps its budget${over.map((line) => `\n    ${line}`).join('')}`);
}
