// What an operator does on a running platform: sign in, look at hosts, apps, instances and addresses, scale an app, and
// watch the operation's log grow. Works on any platform that has at least one host and one healthy app.
import { lookOver } from './accessibility.mjs';
import { check, choose, click, clickButton, goTo, openAddress, shoot, waitForText } from './browser.mjs';

export async function signIn(test, { url, user, password }) {
	const { page } = test;
	await page.goto(url, { waitUntil: 'networkidle0' });
	await page.waitForSelector('input[autocomplete="username"]');
	await shoot(test, 'sign-in');
	await page.type('input[autocomplete="username"]', user);
	await page.type('input[autocomplete="current-password"]', `${password}-wrong`);
	await click(page, 'button[type="submit"]');
	await page.waitForSelector('.sot-notice.bad');
	check(/Code/.test(await page.$eval('.sot-notice.bad', (box) => box.textContent)), 'a wrong password is refused with a code');
	await page.click('input[autocomplete="current-password"]', { count: 3 });
	await page.type('input[autocomplete="current-password"]', password);
	await click(page, 'button[type="submit"]');
	await page.waitForSelector('.sot-shell');
	await page.waitForSelector('[data-live="live"]');
	check(true, 'signed in, the lamp shows live');
}

async function seeOverview(test) {
	await waitForText(test.page, '.sot-kpis b', '^[1-9]');
	await test.page.waitForSelector('.sot-meter');
	await shoot(test, 'overview');
}

async function seeHosts(test) {
	const { page } = test;
	await goTo(page, '/hosts');
	await page.waitForSelector('.ant-table-row');
	check((await page.$('[data-state="online"]')) !== null, 'a host is online');
	await shoot(test, 'hosts');
	await click(page, '.ant-table-row .sot-rowlink');
	await page.waitForSelector('.sot-facts');
	await page.waitForSelector('.ant-table-row');
	await shoot(test, 'host');
	await seeDrainPlan(test);
}

/** The plan of a drain is read and shown; nothing is moved. */
async function seeDrainPlan(test) {
	const { page } = test;
	await clickButton(page, 'Drain', '.sot-head');
	await waitForText(page, '.ant-modal strong[role="status"]', 'instances move');
	check(true, `the plan of a drain is shown first: ${await page.$eval('.ant-modal strong[role="status"]', (line) => line.textContent)}`);
	await page.waitForSelector('.ant-modal .ant-btn-primary:not([disabled])');
	await shoot(test, 'drain-plan');
	await page.keyboard.press('Escape');
	await page.waitForFunction(() => !document.querySelector('.ant-modal-wrap:not([style*="display: none"])'));
}

function take(page, field, text) {
	return choose(page, `.ant-drawer-open .ant-form-item:has(#${field}) .ant-select`, `^${text}`);
}

async function enter(page, field, text) {
	await page.focus(`.ant-drawer-open input#${field}`);
	await page.$eval(`.ant-drawer-open input#${field}`, (input) => input.select());
	await page.keyboard.type(text);
}

/** The form of a new app, filled but not sent. */
export async function fillNewApp(page, { name, image, vlan, plan, count }) {
	await openAddress(page, '/apps?create=1');
	await page.waitForSelector('.ant-drawer-open input#name');
	await enter(page, 'name', name);
	await take(page, 'image', image);
	await take(page, 'vlan', vlan);
	await take(page, 'plan', plan);
	await enter(page, 'count', String(count));
}

/** Where the instances of a new app would go, and why, is shown before the button is pressed. Nothing is created. */
async function seeCreatePreview(test) {
	const { page } = test;
	await openAddress(page, '/hosts');
	await page.waitForSelector('.ant-table-row .sot-rowlink');
	const hosts = await page.$$eval('.ant-table-row .sot-rowlink', (links) => links.map((link) => link.textContent));
	await openAddress(page, '/addresses');
	await page.waitForSelector('.sot-vlan:has(.sot-meter)');
	const vlan = await page.$eval('.sot-vlan:has(.sot-meter)', (block) => block.getAttribute('aria-label'));
	const group = await page.$eval('.sot-vlan:has(.sot-meter)', (block) => /[:：] ?(\S+)/.exec([...block.querySelectorAll('.sot-badge')].find((badge) => badge.textContent.startsWith('Group'))?.textContent ?? '')?.[1]);
	await fillNewApp(page, { name: 'previewed', image: 'nodejs', vlan: group ?? vlan, plan: 'tiny', count: 3 });
	await page.waitForSelector('.ant-drawer-open [data-forecast="3"] [data-host]');
	const told = await page.$$eval('.ant-drawer-open [data-forecast] [data-host]', (badges) => badges.map((badge) => [badge.dataset.host, Number(/\+(\d+)$/.exec(badge.textContent)?.[1])]));
	check(told.every(([host]) => hosts.includes(host)) && told.reduce((sum, [, number]) => sum + number, 0) === 3, `before an app is created its places are shown: ${told.map((one) => one.join(' +')).join(', ')}`);
	await page.$$eval('.ant-drawer-open details', (all) => all.forEach((one) => { one.open = true; }));
	check(/cost/.test(await page.$eval('.ant-drawer-open .sot-candidate.chosen', (box) => box.textContent)), 'with the grounds');
	check((await page.$eval('.ant-drawer-open .ant-drawer-footer [data-key="y"]', (button) => button.getAttribute('aria-label'))).includes('app create previewed --image=nodejs --plan=tiny'), 'and the command that creates the same');
	await page.$eval('.ant-drawer-open [data-forecast]', (box) => box.scrollIntoView({ block: 'start' }));
	await shoot(test, 'create-preview');
	await click(page, '.ant-drawer-open .ant-drawer-close');
	await page.waitForFunction(() => !document.querySelector('.ant-drawer-open'));
}

async function seeCapacity(test) {
	const { page } = test;
	await goTo(page, '/capacity');
	await page.waitForSelector('.sot-zones .sot-square[data-host]');
	await page.waitForSelector('[data-whole]');
	await page.waitForSelector('.sot-bars [data-plan]');
	const label = await page.$eval('.sot-zones .sot-square[data-host]', (square) => square.getAttribute('aria-label'));
	check(/Online/.test(label) && /%/.test(label), `a square says in words what its colour says: ${label}`);
	await shoot(test, 'capacity');
	await page.$$eval('.ant-segmented-item', (items) => items.find((item) => item.textContent === 'State').click());
	await page.waitForSelector('.sot-zones .sot-square.tone-good');
	check(page.url().includes('colour=state'), 'what the map shows has an address');
}

/** Which bridge sends what to CAT, and what one answers when it is asked. */
async function seeMonitoring(test) {
	const { page } = test;
	await goTo(page, '/monitoring');
	await page.waitForSelector('[data-bridge][data-alive="true"]');
	await waitForText(page, '.sot-runs', 'sotalia-agent');
	await clickButton(page, 'Send a test event');
	await page.waitForSelector('[data-frames="1"]');
	check(/Sotalia\.Test/.test(await page.$eval('[data-frames]', (box) => box.textContent)), 'a bridge shows the test event that it has made');
	await shoot(test, 'monitoring');
}

async function seeWhy(test) {
	const { page } = test;
	await click(page, 'button[aria-label^="Why here: "]');
	await page.waitForSelector('.ant-drawer-open .sot-candidate.chosen');
	check(/cost/.test(await page.$eval('.ant-drawer-open .sot-candidate.chosen', (box) => box.textContent)), 'why an instance stands where it stands is told');
	await shoot(test, 'instance-why');
	await page.keyboard.press('Escape');
	await page.waitForFunction(() => !document.querySelector('.ant-drawer-open'));
}

async function seeInstances(test) {
	const { page } = test;
	await goTo(page, '/instances');
	await waitForText(page, '.sot-head h1', '^Instances'); // the page before has healthy ones, too
	await page.waitForSelector('.ant-table-row [data-state="healthy"]');
	const rows = await page.$$eval('.ant-table-row', (list) => list.map((row) => row.textContent));
	check(rows.length > 0, `${rows.length} instances are listed`);
	check(rows.some((row) => /\d+\.\d+\.\d+\.\d+/.test(row)), 'an instance shows its address');
	await shoot(test, 'instances');
	await seeWhy(test);
}

async function seeAddresses(test) {
	await goTo(test.page, '/addresses');
	await test.page.waitForSelector('.sot-meter');
	await test.page.waitForSelector('[data-state="bound"]');
	check(true, 'an address is bound');
	await shoot(test, 'addresses');
	const { page } = test;
	await click(page, '.sot-vlan button[aria-label^="Map of"]');
	await page.waitForSelector('.ant-drawer-open .sot-map rect.sot-map-bound');
	const label = await page.$eval('.ant-drawer-open .sot-map', (map) => map.getAttribute('aria-label'));
	check(/Bound/.test(label), `the map of a subnet is drawn and told in words: ${label}`);
	check((await page.$$('.ant-drawer-open .sot-map rect')).length >= 16, 'it has a square for each address or group of them');
	await shoot(test, 'subnet-map');
	await page.keyboard.press('Escape');
	await page.waitForFunction(() => !document.querySelector('.ant-drawer-open'));
	await importVlan(test);
}

/** A file is checked before it is applied; then its VLAN is there, is changed, and taken away again. */
async function importVlan(test) {
	const { page } = test;
	const fill = async (text) => {
		await page.focus('.ant-drawer-open textarea');
		await page.$eval('.ant-drawer-open textarea', (box) => box.select());
		await page.keyboard.sendCharacter(text);
	};
	await clickButton(page, 'Import', '.sot-panel');
	await page.waitForSelector('.ant-drawer-open textarea');
	await fill('kind,vlan,vlan_id\nvlan,ui-imported,many\n');
	await clickButton(page, 'Check', '.ant-drawer-open');
	await page.waitForSelector('.ant-drawer-open .sot-runs tbody tr');
	check(/2/.test(await page.$eval('.ant-drawer-open .sot-runs tbody', (rows) => rows.textContent)), 'a wrong line of an import is named before anything is changed');
	await fill('kind,vlan,vlan_id\nvlan,ui-imported,3999\n');
	await clickButton(page, 'Check', '.ant-drawer-open');
	await page.waitForSelector('[data-import="checked"]');
	check(/1 VLANs/.test(await page.$eval('[data-import="checked"]', (box) => box.textContent)), 'a dry run says what would change');
	await shoot(test, 'addresses-import');
	await clickButton(page, 'Apply', '.ant-drawer-open');
	await page.waitForSelector('[data-import="applied"]');
	await click(page, '.ant-drawer-open .ant-drawer-close');
	await page.waitForFunction(() => !document.querySelector('.ant-drawer-open'));
	await page.waitForSelector('.sot-vlan[aria-label="ui-imported"]');
	await clickButton(page, 'Change', '.sot-vlan[aria-label="ui-imported"]');
	await page.waitForSelector('.ant-modal input#description');
	await page.type('.ant-modal input#description', 'made by a test');
	await clickButton(page, 'Save', '.ant-modal');
	await waitForText(page, '.sot-vlan[aria-label="ui-imported"]', 'made by a test');
	check(true, 'an imported VLAN is listed and can be changed');
	await page.waitForFunction(() => !document.querySelector('.ant-modal-wrap:not([style*="display: none"])'));
	await clickButton(page, 'Delete', '.sot-vlan[aria-label="ui-imported"]');
	await clickButton(page, 'Delete', '.ant-modal');
	await page.waitForFunction(() => !document.querySelector('.sot-vlan[aria-label="ui-imported"]'));
	check(true, 'and deleted');
}

/** Each image has an owner and versions; what changed and what its smoke test said can be read. */
async function seeImages(test) {
	const { page } = test;
	await goTo(page, '/images');
	await waitForText(page, '.sot-head h1', '^Images');
	await page.waitForSelector('.ant-table-row .sot-rowlink');
	check((await page.$$('.ant-table-row')).length >= 3, 'the images are listed');
	await shoot(test, 'images');
	await click(page, '.ant-table-row .sot-rowlink');
	await page.waitForSelector('.ant-table-row [data-state="promoted"]');
	await page.waitForFunction(() => document.querySelectorAll('.ant-table').length >= 1);
	await shoot(test, 'image');
	await clickButton(page, 'Details', '.ant-table');
	await page.waitForSelector('.ant-drawer-open .sot-facts [data-state]');
	check((await page.$$('.ant-drawer-open .sot-panel')).length === 2, 'what changed and what the smoke test said are shown');
	await shoot(test, 'image-version');
	await page.keyboard.press('Escape');
	await page.waitForFunction(() => !document.querySelector('.ant-drawer-open'));
}

/** A token is made, shown once and revoked; users, roles, teams and webhooks have their tables. */
async function seeSettings(test) {
	const { page } = test;
	await goTo(page, '/settings');
	await clickButton(page, 'New token');
	await page.waitForSelector('.ant-modal input#description');
	await page.type('.ant-modal input#description', 'made by a test');
	await clickButton(page, 'Create', '.ant-modal');
	await page.waitForSelector('[data-secret]');
	const secret = await page.$eval('[data-secret]', (box) => box.textContent);
	check(/^sot_/.test(secret), 'a new token is shown');
	await clickButton(page, 'I have kept it', '.ant-modal');
	await waitForText(page, '.ant-table-row', 'made by a test');
	check(!(await page.content()).includes(secret), 'and only once');
	await page.$$eval('.ant-table-row', (rows) => [...rows.find((row) => row.textContent.includes('made by a test')).querySelectorAll('button')].find((button) => button.textContent === 'Revoke').click());
	await clickButton(page, 'Revoke', '.ant-modal');
	await page.waitForFunction(() => ![...document.querySelectorAll('.ant-table-row')].some((row) => row.textContent.includes('made by a test')));
	check(true, 'a revoked token is gone');
	await openAddress(page, '/settings?tab=users');
	await waitForText(page, '.ant-table-row', 'admin');
	await shoot(test, 'settings-users');
	await openAddress(page, '/settings?tab=teams');
	await clickButton(page, 'New team');
	await page.waitForSelector('.ant-modal input#name');
	await page.type('.ant-modal input#name', 'ui-test');
	await page.$eval('.ant-modal input#cores', (input) => input.select());
	await page.type('.ant-modal input#cores', '8');
	await clickButton(page, 'Create', '.ant-modal');
	await waitForText(page, '.ant-table-row', 'ui-test.*of 8');
	check(true, 'a team with a quota is listed');
	await shoot(test, 'settings-teams');
	await openAddress(page, '/settings?tab=webhooks');
	await waitForText(page, '.sot-panel h2', 'Webhooks');
	await page.waitForFunction(() => document.querySelector('.ant-table-row, .sot-empty'));
	await shoot(test, 'settings-webhooks');
}

/** Operations, audit and events in one line; the chain is checked, the audit saved. */
async function seeHistory(test) {
	const { page } = test;
	await goTo(page, '/history');
	await page.waitForSelector('.sot-history li[data-source="operation"]');
	await page.waitForSelector('.sot-history li[data-source="audit"]');
	await page.waitForSelector('.sot-history li[data-source="event"]');
	const times = await page.$$eval('.sot-history time', (list) => list.map((time) => time.getAttribute('datetime')));
	check(times.every((time, at) => at === 0 || Date.parse(time) <= Date.parse(times[at - 1])), `operations, audit and events stand in one order: ${times.length} lines`);
	await clickButton(page, 'Check the chain');
	await page.waitForSelector('[data-chain="whole"]');
	check(true, await page.$eval('[data-chain]', (line) => line.textContent));
	await shoot(test, 'history');
	await page.type('input[aria-label="Any word"]', 'no such word');
	await waitForText(page, '.sot-empty', 'Nothing fits');
	await page.waitForFunction(() => new URLSearchParams(location.search).get('text') === 'no such word');
	check(true, 'what was looked for has an address');
}

/** Ctrl-K finds a host and an address, and goes there. */
async function usePalette(test) {
	const { page } = test;
	const find = async (typed, kind) => {
		await page.keyboard.down('Control');
		await page.keyboard.press('k');
		await page.keyboard.up('Control');
		await page.waitForSelector('.ant-modal input[role="combobox"]');
		await page.waitForFunction(() => document.activeElement?.getAttribute('role') === 'combobox');
		await page.keyboard.type(typed);
		await page.waitForFunction((wanted, word) => [...document.querySelectorAll('.sot-found li[aria-selected="true"]')].some((one) => one.dataset.kind === wanted && one.textContent.includes(word)), {}, kind, typed);
	};
	await goTo(page, '/instances');
	await waitForText(page, '.sot-head h1', '^Instances');
	await page.waitForSelector('.ant-table-row [data-state="healthy"]');
	const [instance, host, address] = await page.$eval('.ant-table-row:has([data-state="healthy"])', (row) => [row.querySelector('a[href^="/instances/"]').textContent, row.querySelector('a[href^="/hosts/"]').textContent, /\d+\.\d+\.\d+\.\d+/.exec(row.textContent)[0]]);
	await find(address, 'address');
	await shoot(test, 'palette');
	await page.keyboard.press('Enter');
	await page.waitForSelector('.ant-drawer-open .sot-steps');
	check(page.url().includes(address), 'Ctrl-K finds an address and opens its history');
	await page.keyboard.press('Escape');
	await page.waitForFunction(() => !document.querySelector('.ant-drawer-open'));
	for (const [name, kind, where] of [[host, 'host', `/hosts/${host}`], [instance, 'instance', `/instances/${instance}`]]) {
		await find(name, kind);
		await page.keyboard.press('Enter');
		await page.waitForFunction((wanted) => location.pathname === wanted, {}, where);
	}
	check(true, `and ${host} and ${instance}`);
}

/** The app to scale: the wish of the caller, else the first that is complete. */
async function chooseApp(page, wanted) {
	await goTo(page, '/apps');
	await page.waitForSelector('.ant-table-row [data-state="ready"]');
	const names = await page.$$eval('.ant-table-row', (rows) => rows.filter((row) => row.querySelector('[data-state="ready"]')).map((row) => row.querySelector('.sot-rowlink').textContent));
	const name = wanted && names.includes(wanted) ? wanted : names[0];
	check(name !== undefined, `an app is ready: ${name}`);
	return name;
}

async function instanceCount(page) {
	return page.$$eval('.ant-table-row', (rows) => rows.length);
}

async function scaleThroughUi(test, more) {
	const { page } = test;
	await clickButton(page, 'Scale', '.sot-head');
	await page.waitForSelector('.ant-modal .ant-input-number-input');
	const before = Number(await page.$eval('.ant-modal .ant-input-number-input', (input) => input.value));
	await page.focus('.ant-modal .ant-input-number-input');
	await page.$eval('.ant-modal .ant-input-number-input', (input) => input.select());
	await page.keyboard.type(String(before + more));
	await page.waitForFunction((count) => document.querySelector('.ant-modal .ant-input-number-input')?.value === count, {}, String(before + more));
	await page.waitForSelector('.ant-modal .ant-btn-primary:not([disabled])');
	await page.waitForSelector(`.ant-modal [data-forecast="${before + more}"]`);
	await shoot(test, more > 0 ? 'scale-forecast' : 'scale-down-forecast');
	await page.$eval('.ant-modal .ant-btn-primary', (button) => button.click());
	await page.waitForFunction(() => location.pathname.startsWith('/operations/'));
	await page.waitForSelector('.sot-log');
	return before;
}

/** The log must be seen with fewer lines first and more later, without a reload. */
// grows: the log must be seen growing (a scale-up takes seconds); a scale-down may be over before the page is there.
async function watchOperation(test, grows) {
	const { page } = test;
	await page.waitForSelector('.sot-log [data-line]');
	const countLines = () => page.$eval('.sot-log', (log) => Number(log.dataset.lines)); // of a long one not all are drawn
	const first = await countLines();
	if (grows) {
		await page.waitForFunction((seen) => Number(document.querySelector('.sot-log').dataset.lines) > seen, { polling: 50 }, first);
		await page.waitForFunction(() => document.querySelectorAll('.sot-steps li.done').length >= 2 || document.querySelector('.sot-head [data-state="done"]'));
		await shoot(test, 'operation-running');
	}
	await page.waitForSelector('.sot-head [data-state="done"], .sot-head [data-state="failed"], .sot-head [data-state="cancelled"]', { timeout: 300_000 });
	await page.waitForFunction(() => /complete|完整/.test(document.querySelector('.sot-log .sot-quiet').textContent));
	const last = await page.$$eval('.sot-log [data-line]', (lines) => lines.map((line) => Number(line.dataset.line)));
	const count = await countLines();
	check(!grows || count > first, `the log grew while it was watched: ${first} to ${count} lines`);
	check(new Set(last).size === last.length && last.every((line, at) => at === 0 || line > last[at - 1]), 'no line is missing its order or comes twice');
	check((await page.$('.sot-head [data-state="done"]')) !== null, 'the operation is done');
	if (grows) {
		await shoot(test, 'operation-done');
	}
}

async function scaleAndBack(test, wanted) {
	const { page } = test;
	const name = await chooseApp(page, wanted);
	await shoot(test, 'apps');
	await page.$$eval('.sot-rowlink', (links, app) => links.find((link) => link.textContent === app).click(), name);
	await page.waitForSelector('.ant-table-row');
	await shoot(test, 'app');
	const before = await scaleThroughUi(test, 2);
	await watchOperation(test, true);
	const permalink = page.url();
	await page.reload({ waitUntil: 'domcontentloaded' });
	await page.waitForSelector('.sot-log [data-line]');
	check(page.url() === permalink, 'the operation has a permalink that replays');
	await goTo(page, '/apps');
	await waitForText(page, '.ant-table-row', `^${name}.*${before + 2} of ${before + 2}`);
	check(true, `${name} shows ${before + 2} of ${before + 2} ready`);
	await page.$$eval('.sot-rowlink', (links, app) => links.find((link) => link.textContent === app).click(), name);
	await page.waitForFunction((count) => document.querySelectorAll('.ant-table-row').length === count, {}, before + 2);
	check((await instanceCount(page)) === before + 2, 'its instances are listed');
	const gone = await scaleThroughUi(test, -2);
	check(gone === before + 2, 'the dialog knew the present count');
	await watchOperation(test, false);
	return name;
}

async function seeEvents(test) {
	await goTo(test.page, '/events');
	await test.page.waitForSelector('.sot-events li');
	check((await test.page.$$('.sot-events li')).length > 3, 'events of the scaling are listed');
	await shoot(test, 'events');
	await goTo(test.page, '/operations');
	await test.page.waitForSelector('.ant-table-row');
	await shoot(test, 'operations');
}

async function seeLogs(test, name) {
	const { page } = test;
	await goTo(page, '/instances');
	await waitForText(page, '.sot-head h1', '^Instances');
	await click(page, `button[aria-label^="Logs: ${name}"]`);
	await page.waitForSelector('.ant-drawer .sot-log');
	await page.waitForFunction(() => document.querySelector('.ant-drawer .sot-log').textContent.length > 0);
	check(true, 'the log drawer of an instance opens');
	await shoot(test, 'instance-logs');
	await page.keyboard.press('Escape');
	await page.waitForFunction(() => !document.querySelector('.ant-drawer-open'));
}

/** The page of one instance by its own address, tab by tab, and the host it stands on. */
async function seeOne(test, name) {
	const { page } = test;
	await goTo(page, '/instances');
	await page.waitForSelector(`button[aria-label^="Logs: ${name}"]`);
	const full = await page.$eval(`button[aria-label^="Logs: ${name}"]`, (button) => button.getAttribute('aria-label').replace('Logs: ', ''));
	await openAddress(page, `/instances/${full}`);
	await waitForText(page, '.sot-head h1', full);
	await page.waitForSelector('.sot-head [data-state="healthy"]');
	const host = await page.$eval('.sot-facts a[href^="/hosts/"]', (link) => link.textContent);
	await shoot(test, 'instance');
	await openAddress(page, `/instances/${full}?tab=load`);
	await page.waitForFunction(() => document.querySelectorAll('.sot-plot canvas').length === 7);
	await waitForText(page, '.sot-plot-key b', '[1-9]');
	check(true, 'its load is plotted, with figures');
	await openAddress(page, `/instances/${full}?tab=logs`);
	await page.waitForSelector('.sot-log');
	await page.type('input[aria-label="Find in the log"]', 'no such word anywhere');
	await waitForText(page, '.sot-log', 'No line has this word');
	check(true, 'its log is searched');
	await openAddress(page, `/instances/${full}?tab=logs&find=${encodeURIComponent('no such word either')}`);
	await waitForText(page, '.sot-log', 'No line has this word');
	check(true, 'what its log is searched for is in the address');
	await openAddress(page, `/instances/${full}?tab=address`);
	await waitForText(page, '.sot-steps', full);
	check(true, 'its address has a history that names it');
	await openAddress(page, `/hosts/${host}`);
	await page.waitForFunction(() => document.querySelectorAll('.sot-plot canvas').length === 6);
	await waitForText(page, '.sot-plot-key b', '[1-9]');
	await page.waitForFunction(() => document.querySelector('[data-finding]') || /Nothing to mend/.test(document.body.textContent));
	check(true, 'the page of its host has plots and what preflight found');
	await shoot(test, 'host-load');
}

/** Types a line and waits until the terminal shows the pattern. */
async function typeLine(page, line, pattern) {
	await page.keyboard.type(line);
	await page.keyboard.press('Enter');
	await waitForText(page, '.xterm-rows', pattern);
}

/** Lines that are pasted wait for Enter (bracketed paste), and what is marked is copied. */
async function pasteAndCopy(page) {
	const event = (type, text) => page.evaluate((kind, content) => {
		const clipboardData = new DataTransfer();
		clipboardData.setData('text/plain', content);
		const made = new ClipboardEvent(kind, { clipboardData, bubbles: true, cancelable: true });
		document.querySelector('.xterm textarea').dispatchEvent(made);
		return made.clipboardData.getData('text/plain');
	}, type, text);
	await event('paste', "printf 'pas%s\\n' ted-1\nprintf 'pas%s\\n' ted-2");
	await waitForText(page, '.xterm-rows', "ted-2");
	check(!/pasted-/.test(await page.$eval('.xterm-rows', (rows) => rows.textContent)), 'lines that were pasted wait for Enter');
	await page.keyboard.press('Enter');
	await waitForText(page, '.xterm-rows', 'pasted-1.*pasted-2');
	const place = await page.$$eval('.xterm-rows > div', (rows) => {
		const box = rows.find((row) => /^pasted-2\s*$/.test(row.textContent)).getBoundingClientRect();
		return { x: box.x + 12, y: box.y + box.height / 2 };
	});
	await page.mouse.click(place.x, place.y, { count: 2 });
	check((await event('copy', '')) === 'pasted-2', 'what is marked in the console is copied');
	await click(page, '.sot-console');
}

// The command is typed in pieces that differ from what it prints, so that the echo is not taken for the answer.
async function useConsole(test, name) {
	const { page } = test;
	await goTo(page, '/instances');
	await waitForText(page, '.sot-head h1', '^Instances'); // the page before has such links, too
	await click(page, `a[aria-label^="Console: ${name}"]`);
	await page.waitForSelector('[data-console="open"]');
	await typeLine(page, 'kept=$((40+2)); echo it-is-$kept', 'it-is-42');
	await typeLine(page, "printf '\\033[31m%s\\033[0m%s\\n' re d; echo 你$'\\u597d'; stty size", '你好');
	check(await page.$eval('.xterm-rows', (rows) => [...rows.querySelectorAll('span')].some((cell) => /xterm-fg-1/.test(cell.className) && cell.textContent.includes('re'))), 'the console shows colours');
	const size = await page.$eval('.xterm-rows', (rows) => Number(/(\d+) \d+/.exec(rows.textContent.split('你好').pop())?.[1]));
	check(size === (await page.$$eval('.xterm-rows > div', (lines) => lines.length)), `the shell has the size of the page: ${size} rows`);
	await pasteAndCopy(page);
	await shoot(test, 'console');
	await page.reload({ waitUntil: 'domcontentloaded' });
	await page.waitForSelector('[data-console="open"]');
	await waitForText(page, '.xterm-rows', 'it-is-42');
	await click(page, '.sot-console');
	await typeLine(page, 'echo still-$((kept+1))', 'still-43');
	check(true, 'the session outlives a reload, with what it has shown');
	await page.keyboard.type('exit 3');
	await page.keyboard.press('Enter');
	await page.waitForSelector('[data-console="ended"]');
	await waitForText(page, '.ant-alert', 'status 3');
	check(true, 'the end of the shell is told with its status');
}

/** As wide as a phone everything can be read: nothing stands beyond the edge but tables, which are moved inside their panels. */
async function onPhone({ page, output }) {
	const before = page.viewport();
	await page.setViewport({ width: 390, height: 844 });
	const wide = [];
	for (const path of ['/', '/apps', '/hosts', '/instances', '/capacity', '/operations', '/addresses', '/events', '/history', '/settings']) {
		await openAddress(page, path);
		await page.waitForSelector('.sot-main h1, .sot-kpis');
		await page.waitForFunction(() => !document.querySelector('.sot-main .sot-skeleton'));
		const over = await page.evaluate(() => Math.max(document.scrollingElement.scrollWidth - innerWidth, document.querySelector('.sot-main').scrollWidth - document.querySelector('.sot-main').clientWidth));
		if (over > 0) {
			wide.push(`${path}: ${over} px`);
		}
		await shoot({ page, output }, `phone${path === '/' ? '-overview' : path.replace('/', '-')}`);
	}
	await page.setViewport(before);
	check(wide.length === 0, `on a phone of 390 px no page is wider than the screen${wide.map((one) => `\n    ${one}`).join('')}`);
}

async function chineseAndDark(test) {
	const { page } = test;
	await clickButton(page, '中文', '.sot-top');
	await waitForText(page, '.sot-nav', '实例');
	check(true, 'the language changes without a reload');
	await click(page, 'button[aria-label="配色"]');
	await page.waitForSelector('.ant-dropdown-menu-item');
	await page.$$eval('.ant-dropdown-menu-item', (items) => items.find((item) => item.textContent === '深色').click());
	await page.waitForFunction(() => document.documentElement.dataset.theme === 'dark');
	await click(page, '.sot-nav a[href="/"]');
	await page.waitForSelector('.sot-meter');
	await page.waitForFunction(() => !document.querySelector('.ant-dropdown:not(.ant-dropdown-hidden)'));
	await shoot(test, 'overview-dark-zh');
	await lookOver(test, 'dark');
}

export async function runScenario(test, platform) {
	await signIn(test, platform);
	await seeOverview(test);
	await seeHosts(test);
	await seeCreatePreview(test);
	await seeCapacity(test);
	await seeMonitoring(test);
	await seeInstances(test);
	await seeAddresses(test);
	await seeImages(test);
	await seeSettings(test);
	await seeHistory(test);
	await usePalette(test);
	const name = await scaleAndBack(test, platform.app);
	await seeEvents(test);
	await seeLogs(test, name);
	await seeOne(test, name);
	if (platform.hasConsole !== false) {
		await useConsole(test, name);
	}
	await lookOver(test, 'light', true);
	await onPhone(test);
	await chineseAndDark(test);
	check(test.complaints.length === 0, `the browser has no complaint (policy, errors): ${test.complaints.join(' | ')}`);
}
