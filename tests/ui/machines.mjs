// An operator takes machines into service in the console: a list with a wrong line, the right one, steps, a log that grows while it is
// looked at, a machine that failed and is tried again. On a real platform tests/e2e/cases/ui_machines.py plays the runner; what is only
// looked at is seen on the make-believe one, too.
import { check, click, clickButton, openAddress, shoot, waitForText } from './browser.mjs';

const HEAD = 'name,address,az,rack,labels,oob\n';
const INVENTORY = '[workers]\nui-one ansible_host=10.88.0.1 rack=a-1\nui-two ansible_host=10.88.0.2 rack=a-2\n[workers:vars]\naz=a\n';

async function paste(page, text) {
	await page.$eval('.ant-drawer textarea', (area, value) => {
		Object.getOwnPropertyDescriptor(HTMLTextAreaElement.prototype, 'value').set.call(area, value);
		area.dispatchEvent(new Event('input', { bubbles: true }));
	}, text);
}

const lines = (page) => page.$$eval('.ant-drawer .sot-line', (rows) => rows.map((row) => Number(row.dataset.line)));
const stepOf = (page, name, step, state) =>
	page.waitForFunction((machine, at, word) => {
		const row = [...document.querySelectorAll('.ant-table-row')].find((one) => one.textContent.startsWith(machine));
		return row?.querySelectorAll('[data-state]')[at]?.dataset.state === word;
	}, { timeout: 60_000 }, name, step, state);

/** In the open drawer: an inventory that is pasted is taken for one, its wrong line is named and shown; mended it brings both machines. */
export async function seeInventory(test) {
	const { page } = test;
	await paste(page, INVENTORY.replace('10.88.0.2', 'ui-two.lan'));
	await waitForText(page, '.ant-drawer .ant-segmented-item-selected', 'Ansible inventory');
	await clickButton(page, 'Check', '.ant-drawer');
	await waitForText(page, '.ant-drawer', "'ui-two.lan' is not an IP address");
	await click(page, '.ant-drawer button[aria-label="Go to line 3"]');
	check((await page.$eval('.ant-drawer textarea', (area) => area.value.slice(area.selectionStart, area.selectionEnd))) === 'ui-two ansible_host=ui-two.lan rack=a-2', 'a wrong line of an inventory is named and shown');
	await shoot(test, 'machines-inventory');
	await paste(page, INVENTORY);
	await clickButton(page, 'Check', '.ant-drawer');
	await page.waitForSelector('.ant-drawer .ant-alert-success');
	await waitForText(page, '.ant-drawer button', '^Import 2$');
	check(true, 'an inventory that is right would bring its machines');
}

export async function openImport({ page }) {
	await openAddress(page, '/machines');
	await clickButton(page, 'Import machines', '.sot-head');
	await page.waitForSelector('.ant-drawer textarea');
}

export async function importMachines(test) {
	const { page } = test;
	await openImport(test);
	await paste(page, `${HEAD}ui-one,10.88.0.1,a,a-1,,\nui-one,10.88.0.300,a,a-1,,\n`);
	await clickButton(page, 'Check', '.ant-drawer');
	await waitForText(page, '.ant-drawer', '10\\.88\\.0\\.300');
	await shoot(test, 'machines-wrong');
	check(true, 'a wrong line is named before anything is imported');
	await seeInventory(test);
	await clickButton(page, 'Import 2', '.ant-drawer');
	await stepOf(page, 'ui-one', 1, 'running'); // the runner has it
	await shoot(test, 'machines-installing');
	check(true, 'machines that were imported go through their steps without a reload');
	await page.$$eval('.ant-table-row', (rows) => [...rows.find((row) => row.textContent.startsWith('ui-one')).querySelectorAll('button')].find((button) => button.textContent === 'Log').click());
	await page.waitForFunction(() => document.querySelectorAll('.ant-drawer .sot-line').length > 0, { timeout: 60_000 });
	const before = await lines(page);
	await page.waitForFunction((known) => Math.max(...[...document.querySelectorAll('.ant-drawer .sot-line')].map((row) => Number(row.dataset.line))) > known + 3, { timeout: 60_000 }, Math.max(...before));
	await shoot(test, 'machines-log');
	check(true, `the log of a machine grows while it is looked at: after ${Math.max(...before)} came ${Math.max(...await lines(page))}`);
	await waitForText(page, '.ant-drawer', 'The Docker Engine runs: it does not start');
	check(true, 'the task that failed and its words are in it');
	await page.keyboard.press('Escape');
	await stepOf(page, 'ui-one', 1, 'failed');
	await shoot(test, 'machines-failed');
	await page.$$eval('.ant-table-row', (rows) => [...rows.find((row) => row.textContent.startsWith('ui-one')).querySelectorAll('button')].find((button) => button.textContent === 'Try again').click());
	await stepOf(page, 'ui-one', 2, 'running');
	check(true, 'tried again from its row it goes as far as the preflight');
}
