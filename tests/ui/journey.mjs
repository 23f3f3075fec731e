// What developers and operators do with an app and its hosts: a second version rolled out with a pause, taken back, a middleware
// wave, an instance terminated, a host drained after its plan was read, a lost host's evacuation planned. Only on a real platform.
import { check, choose, click, clickButton, goTo, openAddress, shoot, waitForText } from './browser.mjs';

async function confirm(page, text) {
	await clickButton(page, text, '.ant-modal');
	await page.waitForFunction(() => !document.querySelector('.ant-modal-wrap:not([style*="display: none"])'));
}

async function isOver(page, state = 'done') {
	await page.waitForSelector(`.sot-head [data-state="${state}"]`, { timeout: 300_000 });
}

async function openDeploy(page, app, version) {
	await openAddress(page, `/apps/${app}?tab=versions`);
	await click(page, `button[aria-label$=": ${version}"]:not([disabled])`);
	await page.waitForSelector('.ant-modal [data-planned]');
}

/** The plan, the pause after the first batch, on, and back again. */
export async function deployAndBack(test, app) {
	const { page } = test;
	await openDeploy(page, app, '2.0');
	const planned = await page.$$eval('.ant-modal [data-planned]', (rows) => rows.map((row) => row.textContent));
	check(planned.length >= 2 && planned.every((row) => /1\.0 → 2\.0/.test(row)), `the plan of a rollout names each instance, from what to what: ${planned.length}`);
	await choose(page, '.ant-modal .ant-select:is([aria-label="Pause"], :has([aria-label="Pause"]))', '^after each batch$');
	await shoot(test, 'deploy-plan');
	await clickButton(page, 'Deploy', '.ant-modal');
	await page.waitForFunction(() => location.pathname.startsWith('/operations/'));
	await waitForText(page, '.sot-notice', 'Paused by', { timeout: 120_000 });
	await page.waitForSelector('[data-batch="1"] [data-state="done"]');
	await shoot(test, 'rollout-paused');
	check(true, 'after the first batch the rollout waits and says so');
	// Until the page has read the rollout again it shows the pause that was just ended, with its button: the next pause is one of another batch.
	const pausedIn = () => page.evaluate(() => document.querySelector('[data-paused-batch]')?.dataset.pausedBatch);
	for (let batch = await pausedIn(); batch !== undefined; batch = await pausedIn()) {
		await clickButton(page, 'Resume', '.sot-head');
		await confirm(page, 'Resume');
		await page.waitForFunction((before) => document.querySelector('.sot-head [data-state="done"]') || (document.querySelector('[data-paused-batch]')?.dataset.pausedBatch ?? before) !== before, { timeout: 300_000 }, batch);
	}
	await isOver(page);
	check(true, 'resumed, it rolled to its end');
	await shoot(test, 'rollout-done');
	await openDeploy(page, app, '1.0');
	await clickButton(page, 'Roll back', '.ant-modal');
	await page.waitForFunction(() => location.pathname.startsWith('/operations/'));
	await isOver(page);
	await openAddress(page, `/apps/${app}`);
	await page.waitForFunction(() => document.querySelectorAll('.ant-table-row').length >= 2 && [...document.querySelectorAll('.ant-table-row')].every((row) => row.textContent.includes('1.0')));
	check(true, 'the version before is one click away, and every instance runs it again');
}

/** When others may roll middleware over the app is said here. */
export async function setMaintenance(test, app) {
	const { page } = test;
	await openAddress(page, `/apps/${app}?tab=settings`);
	await clickButton(page, 'Change', '.sot-main');
	await page.waitForSelector('.ant-modal input#windows');
	await page.type('.ant-modal input#windows', 'sun 02:00-04:00');
	await page.keyboard.press('Enter');
	await page.type('.ant-modal input#optOuts', 'jdk');
	await page.keyboard.press('Enter');
	await shoot(test, 'maintenance');
	await clickButton(page, 'Save', '.ant-modal');
	await waitForText(page, '.sot-facts', 'sun 02:00-04:00');
	await waitForText(page, '.sot-facts', 'jdk');
	check(true, 'windows and opt-outs of an app are set where the app is');
}

/** A wave over the apps that have a package, with whom it hits told first. */
export async function rollWave(test, middleware, app) {
	const { page } = test;
	await openAddress(page, `/packages?name=${middleware}`);
	await click(page, 'button[aria-label="Roll out: 2"]');
	await page.waitForSelector('.ant-modal [data-wave="1"]');
	check((await page.$eval('.ant-modal [data-wave]', (box) => box.textContent)).includes(app), 'before a wave begins it says which apps it hits');
	await shoot(test, 'wave');
	await clickButton(page, 'Roll out', '.ant-modal');
	await page.waitForFunction(() => location.pathname.startsWith('/operations/'));
	await isOver(page);
	await openAddress(page, `/packages?name=${middleware}`);
	await waitForText(page, '.ant-table-row', `^${app}.*2.*1`);
	check(true, 'a wave that was begun on the board rolled the version over the app');
}

export async function terminate(test, app) {
	const { page } = test;
	await openAddress(page, `/instances?app=${app}`);
	await page.waitForSelector('.ant-table-row [data-state="healthy"]');
	const names = await page.$$eval('.ant-table-row .sot-rowlink', (links) => links.map((link) => link.textContent));
	const name = names[names.length - 1];
	await click(page, `button[aria-label="Actions: ${name}"]`);
	await page.waitForSelector('.ant-dropdown-menu-item-danger');
	await page.$eval('.ant-dropdown-menu-item-danger', (item) => item.click());
	await page.waitForSelector('.ant-modal .ant-btn-dangerous');
	await shoot(test, 'retire-asked');
	await clickButton(page, 'Retire', '.ant-modal');
	await page.waitForFunction((gone) => ![...document.querySelectorAll('.ant-table-row .sot-rowlink')].some((link) => link.textContent === gone), {}, name);
	check(true, `${name} was asked about, terminated, and left the list by itself`);
}

export async function drainHost(test, host) {
	const { page } = test;
	await openAddress(page, `/hosts/${host}`);
	await clickButton(page, 'Drain', '.sot-head');
	await waitForText(page, '.ant-modal strong[role="status"]', '^0 ');
	await click(page, '.ant-modal input[type="checkbox"]'); // the apps are pinned: their files stay behind, and nothing moves unless that is said
	await waitForText(page, '.ant-modal strong[role="status"]', '^[1-9].* move');
	await page.waitForSelector('.ant-modal .ant-btn-primary:not([disabled])');
	await shoot(test, 'drain-asked');
	await clickButton(page, 'Drain', '.ant-modal');
	await page.waitForFunction(() => location.pathname.startsWith('/operations/'));
	await isOver(page);
	await openAddress(page, `/hosts/${host}`);
	await page.waitForSelector('.sot-head [data-state="maintenance"]');
	check(true, 'a host whose plan was read is drained and then in maintenance');
	await clickButton(page, 'Allow placement', '.sot-head');
	await confirm(page, 'Allow placement');
	await page.waitForSelector('.sot-head [data-state="online"]');
}

/** Its machine is dead: said to be lost where the platform has not said it itself, and emptied, with what goes where shown first. */
export async function evacuateHost(test, host) {
	const { page } = test;
	await openAddress(page, `/hosts/${host}`);
	await page.waitForSelector('.sot-head [data-state="agent_lost"], .sot-head [data-state="host_lost"]', { timeout: 120_000 });
	if ((await page.$('.sot-head [data-state="host_lost"]')) === null) {
		await clickButton(page, 'Declare lost', '.sot-head');
		await page.waitForSelector('.ant-modal input#reason');
		await page.type('.ant-modal input#reason', 'its power supply burnt');
		await shoot(test, 'declare-lost');
		await clickButton(page, 'Declare lost', '.ant-modal');
		await page.waitForSelector('.sot-head [data-state="host_lost"]');
		check(true, 'a silent host is declared lost, with a reason');
	}
	await clickButton(page, 'Evacuate', '.sot-head');
	await waitForText(page, '.ant-modal strong[role="status"]', '^0 ');
	await click(page, '.ant-modal input[type="checkbox"]'); // pinned apps wait for their host until somebody says that it will not come
	await waitForText(page, '.ant-modal strong[role="status"]', '^[1-9].* move');
	const planned = await page.$$eval('.ant-modal tr[data-to]', (rows) => rows.map((row) => [row.querySelector('td').textContent, row.dataset.to]).filter(([, to]) => to));
	check(planned.length > 0, `before anything is moved the plan says what goes where: ${planned.map((one) => one.join(' to ')).join(', ')}`);
	await shoot(test, 'evacuate-asked');
	await clickButton(page, 'Evacuate', '.ant-modal');
	await page.waitForFunction(() => location.pathname.startsWith('/operations/'));
	await isOver(page);
	for (const [name, to] of planned) {
		await openAddress(page, `/instances/${name}`);
		await page.waitForSelector(`.sot-facts a[href="/hosts/${to}"]`);
		await page.waitForSelector('.sot-head [data-state="healthy"]');
	}
	check(true, 'and each instance runs where the plan said');
}

/** Every key of the list that "?" shows. */
export async function useKeys(test) {
	const { page } = test;
	await goTo(page, '/apps');
	await page.waitForSelector('.ant-table-row');
	await page.keyboard.press('?');
	await page.waitForSelector('.sot-keys');
	await shoot(test, 'keys');
	await page.keyboard.press('Escape');
	await page.waitForFunction(() => !document.querySelector('.ant-modal-wrap:not([style*="display: none"])'));
	for (const [second, where] of [['h', '/hosts'], ['a', '/apps'], ['i', '/instances']]) {
		await page.keyboard.press('g');
		await page.keyboard.press(second);
		await page.waitForFunction((wanted) => location.pathname === wanted, {}, where);
	}
	await page.waitForSelector('.ant-table-row a[href^="/instances/"]'); // until then the page before is shown, with a filter of its own
	await page.keyboard.press('/');
	await page.waitForFunction(() => document.activeElement?.closest('.sot-filters') !== null);
	await page.keyboard.type('gh');
	await page.waitForFunction(() => location.search.includes('name=gh')); // letters, in a field; the address follows after a moment
	check(new URL(page.url()).pathname === '/instances', 'in a field keys are letters');
	await click(page, '.sot-filters .ant-input-clear-icon');
	await page.evaluate(() => document.activeElement.blur());
	await page.waitForSelector('.ant-table-row');
	await page.keyboard.press('l');
	await page.waitForSelector('.ant-drawer-open .sot-log');
	await page.keyboard.press('Escape');
	await page.waitForFunction(() => !document.querySelector('.ant-drawer-open'));
	await page.keyboard.press('e');
	await page.waitForFunction(() => location.pathname === '/events');
	check(true, 'keys lead to hosts, apps, instances, logs and events, and "?" shows them');
}
