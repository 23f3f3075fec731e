// The same scenario against the make-believe platform of web/dev, plus what cannot be done to a real one: the event stream
// is cut and refused, and the console must say so, go on by polling, and come back without losing an event.
import { fileURLToPath } from 'node:url';
import { serveMock } from '../../web/dev/mock/server.mjs';
import { seededWorld } from '../../web/dev/mock/world.mjs';
import { check, choose, click, clickButton, goTo, openAddress, openBrowser, shoot, waitForText } from './browser.mjs';
import { seeLongLog } from './longlog.mjs';
import { openImport, seeInventory } from './machines.mjs';
import { fillNewApp, runScenario } from './scenario.mjs';

const dist = fileURLToPath(new URL('../../web/dist', import.meta.url));
const output = process.env.SOTALIA_UI_OUTPUT ?? fileURLToPath(new URL('./output', import.meta.url));

async function streamFaults(test, mock) {
	const { page } = test;
	await goTo(page, '/events');
	await page.waitForSelector('.sot-events li');
	mock.breakStreams(true);
	await page.waitForSelector('[data-live="reconnecting"]');
	check(true, 'a cut stream is shown as reconnecting');
	await page.waitForSelector('[data-live="polling"]');
	check(true, 'a refused stream falls back to polling');
	mock.context.world.emit('image.registered', 'seen-by-polling', { data: {} });
	await page.waitForFunction(() => document.querySelector('.sot-events').textContent.includes('seen-by-polling'));
	check(true, 'an event arrives by polling');
	mock.breakStreams(false);
	await page.waitForSelector('[data-live="live"]');
	check(true, 'the stream comes back');
	mock.context.world.emit('image.registered', 'seen-by-stream', { data: {} });
	await page.waitForFunction(() => document.querySelector('.sot-events').textContent.includes('seen-by-stream'));
	const numbers = await page.$$eval('.sot-events li', (list) => list.map((line) => Number(line.dataset.number)));
	check(numbers.every((number, at) => at === 0 || number === numbers[at - 1] - 1), 'no event is lost or doubled over the faults');
}

async function openImage(page, name) {
	await goTo(page, '/images');
	await waitForText(page, '.ant-table-row .sot-rowlink', `^${name}$`);
	await page.$$eval('.ant-table-row .sot-rowlink', (links, wanted) => links.find((link) => link.textContent === wanted).click(), name);
	await waitForText(page, '.sot-head h1', `^${name}$`);
}

/** Candidate -> current -> every instance, with what must not be clicked. Needs what a fresh platform does not have: old versions. */
async function imageToEveryInstance(test) {
	const { page } = test;
	await clickButton(page, 'English', '.sot-top');
	await openImage(page, 'redis');
	await page.waitForSelector('.ant-table-row [data-state="failed"]');
	const may = await page.$$eval('.ant-table-row', (rows) => rows.map((row) => [...row.querySelectorAll('button')].filter((button) => !button.disabled).map((button) => button.textContent)).flat());
	check(!may.includes('Promote'), `what failed its smoke test and what is current cannot be promoted: ${may}`);
	await openImage(page, 'nodejs');
	await page.waitForSelector('.ant-table-row [data-state="candidate"]');
	check((await page.$('.sot-grid .sot-empty')) !== null, 'before a promotion nothing is to be rolled out');
	await clickButton(page, 'Promote', '.ant-table');
	await clickButton(page, 'Promote', '.ant-modal');
	const first = await (await page.waitForSelector('button[aria-label^="Roll out: "]')).evaluate((button) => button.getAttribute('aria-label').split(': ')[1]);
	await waitForText(page, '.sot-badge.sot-warned', '18-4');
	check(true, 'with another current version its instances are outdated');
	await shoot(test, 'image-outdated');
	await click(page, 'button[aria-label^="Roll out: "]');
	await clickButton(page, 'Roll out', '.ant-modal');
	await page.waitForFunction(() => location.pathname.startsWith('/operations/'));
	await page.waitForSelector('.sot-head [data-state="done"]');
	await openImage(page, 'nodejs');
	await page.waitForFunction((app) => document.querySelector('.sot-facts') && !document.querySelector(`button[aria-label="Roll out: ${app}"]`), {}, first);
	check(true, `${first} runs the new version`);
}

/** What runs of the playbook did on a host, with an upgrade that goes on; a host that was taken in by hand says so. */
async function installation(test) {
	const { page } = test;
	await openAddress(page, '/hosts/node-a1');
	await page.waitForSelector('.sot-log[aria-label="Installation and upgrades"] .sot-line');
	const lines = () => page.$eval('.sot-log[aria-label="Installation and upgrades"]', (log) => Number(log.dataset.lines));
	const before = await lines();
	await page.waitForFunction((known) => Number(document.querySelector('.sot-log[aria-label="Installation and upgrades"]').dataset.lines) > known, {}, before);
	check(true, `the log of an upgrade grows on the page of its host: after ${before} lines came more`);
	check((await page.$eval('.sot-log[aria-label="Installation and upgrades"]', (log) => log.closest('section').textContent)).includes('All 3 runs'), 'installation, second attempt and upgrade are runs of their own');
	await page.$eval('.sot-log[aria-label="Installation and upgrades"]', (log) => log.scrollIntoView({ block: 'center' }));
	await shoot(test, 'host-installation');
	await openAddress(page, '/hosts/node-c2');
	await waitForText(page, '.sot-panel', 'taken in by hand');
}

/** What is unpacked on a host, who mounts it, what clean-up frees; a host without any says so. */
async function packagesOfHost(test) {
	const { page } = test;
	await openAddress(page, '/hosts/node-a1');
	await waitForText(page, '.sot-panel', 'The next clean-up frees 12 MiB, later ones 96 MiB');
	const rows = await page.$$eval('.sot-panel[data-panel="packages"] .ant-table-row', (list) => list.map((row) => row.textContent));
	check(/^jdk 17\.0\.9/.test(rows[0]) && rows.some((row) => /no longer registered.*next run$/.test(row)) && rows.some((row) => /0\.9.*in 2 d/.test(row)), `packages of a host say what they are, who mounts them and when they go: ${rows.length} rows`);
	await page.$eval('.sot-panel[data-panel="packages"]', (panel) => panel.scrollIntoView({ block: 'center' }));
	await shoot(test, 'host-packages');
	await openAddress(page, '/hosts/node-c1');
	await waitForText(page, '.sot-panel[data-panel="packages"]', 'No package is unpacked here');
}

async function unknownContainers(test) {
	const { page } = test;
	await openAddress(page, '/hosts/node-a2');
	await waitForText(page, '.ant-table-row', 'old-exporter');
	await clickButton(page, 'Adopt', '.ant-table');
	check(/^Copy as CLI: sotalia host adopt node-a2 sot-0197b1c2$/.test(await page.$eval('.ant-modal [data-key="y"]', (button) => button.getAttribute('aria-label'))), 'a question offers the command that does the same');
	await shoot(test, 'host-containers');
	await clickButton(page, 'Cancel', '.ant-modal');
}

/** More than fit: who would wait and for what is told before anything is created; so is a name that is taken. */
async function createWithPreview(test) {
	const { page } = test;
	await fillNewApp(page, { name: 'huge', image: 'nodejs', vlan: 'data', plan: 'large', count: 60 });
	await page.waitForSelector('.ant-drawer-open [data-forecast="60"] .sot-notice.warn');
	await page.$eval('.ant-drawer-open [data-forecast]', (box) => box.scrollIntoView({ block: 'end' }));
	await shoot(test, 'create-refused');
	await fillNewApp(page, { name: 'webshop', image: 'nodejs', vlan: 'data', plan: 'large', count: 1 });
	await waitForText(page, '.ant-drawer-open .sot-panel', 'the app webshop exists');
	check(true, 'a preview says who would wait and for what, and what would be refused');
}

/** Of an app with groups one can be scaled or rolled out alone; the command that does the same says so, too. */
async function oneGroupAlone(test) {
	const { page } = test;
	await openAddress(page, '/apps/webshop?tab=groups');
	await waitForText(page, '.ant-table-row', 'blue');
	await clickButton(page, 'Scale', '.sot-head');
	await choose(page, '.ant-modal .ant-select', '^blue');
	await page.waitForFunction(() => document.querySelector('.ant-modal input[role="spinbutton"]').value === '0');
	check(/^Copy as CLI: sotalia app scale webshop 0 --group=blue$/.test(await page.$eval('.ant-modal [data-key="y"]', (button) => button.getAttribute('aria-label'))), 'one group of an app can be scaled alone');
	await shoot(test, 'scale-group');
	await clickButton(page, 'Cancel', '.ant-modal');
}

async function oneStreamForAllTabs(test, mock) {
	const second = await test.browser.newPage();
	await second.goto(mock.url, { waitUntil: 'domcontentloaded' });
	await second.waitForSelector('[data-live="live"]');
	check(mock.context.streams.size === 1, 'two tabs share one event stream');
	await second.close();
}

async function problemStays(test, mock) {
	const { page } = test;
	await page.goto(`${mock.url}/operations/00000000-0000-7000-8000-000000000000`, { waitUntil: 'domcontentloaded' });
	await page.waitForSelector('.sot-notice.bad');
	const text = await page.$eval('.sot-notice.bad', (box) => box.textContent);
	check(/not_found/.test(text) && /[0-9a-f]{16}/.test(text), 'an error shows code and request id');
	await shoot(test, 'problem');
}

async function inventoryIsLookedAt(test) {
	await openImport(test);
	await seeInventory(test);
	await test.page.keyboard.press('Escape');
	await test.page.waitForFunction(() => !document.querySelector('.ant-drawer-open'));
}

async function guardsAreSeen(test, mock) {
	const { page } = test;
	Object.assign(mock.context.world.guard, { quarantineSince: new Date(Date.now() - 90_000).toISOString(), quarantineReason: 'an older copy of the database was restored', awaited: [{ host: 'node-b2', reportedAt: null }], brakeSince: new Date().toISOString(), brakeCandidates: 41, brakeReason: 'more than 20 addresses in one run' });
	await goTo(page, '/addresses');
	await page.waitForFunction(() => document.querySelectorAll('.sot-notice[role="alert"]').length === 2);
	const text = await page.$$eval('.sot-notice[role="alert"]', (boxes) => boxes.map((box) => box.textContent).join(' '));
	check(/node-b2/.test(text) && /41/.test(text), 'quarantine names the hosts it waits for, the brake how many addresses it holds');
	await click(page, '.sot-ops .sot-rowlink');
	await page.waitForSelector('.ant-drawer-open input[type="datetime-local"]');
	check(true, 'a conflict leads to the history of its address');
	await shoot(test, 'addresses-guards');
	await page.keyboard.press('Escape');
	await page.waitForFunction(() => !document.querySelector('.ant-drawer-open'));
}

async function endedSession(test, mock) {
	const { page } = test;
	mock.context.sessions.clear();
	mock.breakStreams(false);
	await page.waitForSelector('input[autocomplete="username"]');
	check(true, 'an ended session leads to the sign-in page');
	await page.type('input[autocomplete="username"]', 'admin');
	await page.type('input[autocomplete="current-password"]', 'sotalia');
	await click(page, 'button[type="submit"]');
	await page.waitForSelector('[data-live="live"]');
	mock.context.sessions.clear();
	await click(page, '.sot-nav a[href="/hosts"]');
	await page.waitForSelector('input[autocomplete="username"]');
	check(true, 'after signing in again it is live; a refused read leads back to the sign-in page');
}

const mock = await serveMock(await seededWorld(), { dist });
const test = await openBrowser({ output });
try {
	await test.page.goto(`${mock.url}/?logIn=groups&request=01a22762-8309-791f-b805-c2cebec8c88b`, { waitUntil: 'networkidle0' });
	await test.page.waitForSelector('[data-log-in="oidc"][href="/v1/log-in/oidc?back=%2F"]');
	check(/None of your groups.*01a22762/.test(await test.page.$eval('.sot-notice.bad', (box) => box.textContent)), 'a log-in elsewhere is offered, and why one was refused is said');
	await runScenario(test, { url: mock.url, user: 'admin', password: 'sotalia', app: 'examples', hasConsole: false });
	await imageToEveryInstance(test);
	await installation(test);
	await packagesOfHost(test);
	await unknownContainers(test);
	await createWithPreview(test);
	await seeLongLog(test, 'webshop-default-02');
	await oneGroupAlone(test);
	await inventoryIsLookedAt(test);
	await oneStreamForAllTabs(test, mock);
	await streamFaults(test, mock);
	await guardsAreSeen(test, mock);
	await problemStays(test, mock);
	await endedSession(test, mock);
	console.log(`ui: passed, screenshots in ${output}`);
} catch (cause) {
	await shoot(test, 'failure').catch(() => undefined);
	console.error(`ui: failed on ${test.page.url()}: ${cause.stack}\n${test.complaints.join('\n')}`);
	process.exitCode = 1;
} finally {
	await test.browser.close();
	await mock.close();
}
