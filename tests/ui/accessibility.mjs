// Every page is looked over by axe: a serious finding fails the test. The rules are those of WCAG 2.2 A and AA.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { check, click, clickButton, openAddress } from './browser.mjs';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const TAGS = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'];
const PAGES = ['/', '/apps', '/packages', '/instances', '/images', '/hosts', '/machines', '/capacity', '/operations', '/addresses', '/events', '/history', '/monitoring', '/settings', '/settings?tab=users', '/settings?tab=teams', '/settings?tab=webhooks'];

/** Findings of the page that is open, as lines that name rule, element and what is wrong. */
async function findings(page) {
	await page.evaluate(AXE);
	const found = await page.evaluate((tags) => window.axe.run(document, { runOnly: { type: 'tag', values: tags }, resultTypes: ['violations'] }), TAGS);
	return found.violations
		.filter(({ impact }) => impact === 'serious' || impact === 'critical')
		.flatMap(({ id, nodes }) => nodes.slice(0, 3).map((node) => `${id}: ${node.target.join(' ')}: ${node.failureSummary.split('\n').slice(1, 2).join('').trim()} (${nodes.length} times)`));
}

async function settle(page) {
	await page.waitForSelector('.sot-main h1, .sot-kpis');
	await page.waitForFunction(() => !document.querySelector('.sot-main .sot-skeleton'));
}

/** Each kind of dialog: where it is opened, and how. What changes something is opened, looked at and closed. */
const DIALOGS = [
	['/apps?create=1', null],
	['{app}', (page) => clickButton(page, 'Scale', '.sot-head')],
	['{app}', (page) => clickButton(page, 'Delete app', '.sot-head')],
	['{instance}', (page) => clickButton(page, 'Restart', '.sot-head')],
	['{host}', (page) => clickButton(page, 'Drain', '.sot-head')],
	['/instances', (page) => click(page, 'button[aria-label^="Logs: "]')],
	['/instances', (page) => click(page, 'button[aria-label^="Why here: "]')],
	['/machines', (page) => clickButton(page, 'Import machines', '.sot-head')],
	['/addresses', (page) => clickButton(page, 'Import', '.sot-panel')],
	['/addresses', (page) => clickButton(page, 'New VLAN', '.sot-panel')],
	['/addresses', (page) => click(page, '.sot-vlan button[aria-label^="Map of"]')],
	['/settings', (page) => clickButton(page, 'New token')],
	['/settings?tab=users', (page) => clickButton(page, 'New user')],
	['/', (page) => page.keyboard.press('?')],
	['/', async (page) => {
		await page.keyboard.down('Control');
		await page.keyboard.press('k');
		await page.keyboard.up('Control');
	}],
];

/** Dialogs in English, as a person would open them. */
async function lookAtDialogs(page, named) {
	const wrong = [];
	for (const [at, open] of DIALOGS) {
		const path = at.replace(/\{(\w+)\}/, (_, kind) => named[kind]);
		await openAddress(page, path);
		await settle(page);
		await open?.(page);
		await page.waitForFunction(() => [...document.querySelectorAll('.ant-modal, .ant-drawer-open .ant-drawer-content-wrapper')].some((one) => one.getClientRects().length > 0));
		await page.waitForFunction(() => !document.querySelector('.ant-modal .sot-skeleton, .ant-drawer-open .sot-skeleton'));
		wrong.push(...(await findings(page)).map((line) => `${path} ${open ?? ''}: ${line}`));
	}
	check(wrong.length === 0, `nor in ${DIALOGS.length} dialogs${wrong.map((line) => `\n    ${line}`).join('')}`);
}

/** All pages, and those of one host, app and instance, in the colours that are chosen now. */
export async function lookOver({ page }, colours, dialogs = false) {
	const first = async (list, prefix) => {
		await openAddress(page, list);
		await page.waitForSelector(`.ant-table-row a[href^="${prefix}"]`);
		return page.$eval(`.ant-table-row a[href^="${prefix}"]`, (link) => link.getAttribute('href'));
	};
	const [host, app, instance, operation] = [await first('/hosts', '/hosts/'), await first('/apps', '/apps/'), await first('/instances', '/instances/'), await first('/operations', '/operations/')];
	const one = [host, app, instance, operation];
	const wrong = [];
	for (const path of [...PAGES, ...one]) {
		await openAddress(page, path);
		await settle(page);
		wrong.push(...(await findings(page)).map((line) => `${path}: ${line}`));
	}
	check(wrong.length === 0, `axe has no serious finding on ${PAGES.length + one.length} pages in ${colours} colours${wrong.map((line) => `\n    ${line}`).join('')}`);
	if (dialogs) {
		await lookAtDialogs(page, { host, app, instance });
	}
}
