// Machines taken into service in the console, on a real platform; run by tests/e2e/cases/ui_machines.py, which plays the runner.
import { openBrowser, shoot } from './browser.mjs';
import { importMachines } from './machines.mjs';
import { signIn } from './scenario.mjs';

const { SOTALIA_URL: url, SOTALIA_USER: user, SOTALIA_PASSWORD: password, SOTALIA_UI_OUTPUT: output } = process.env;
const test = await openBrowser({ output });
try {
	await signIn(test, { url, user, password });
	await importMachines(test);
	if (test.complaints.length > 0) {
		throw new Error('the browser has complaints');
	}
	console.log('ui machines: passed');
} catch (cause) {
	await shoot(test, 'failure-machines').catch(() => undefined);
	console.error(`ui machines: failed on ${test.page.url()}: ${cause.stack}\n${test.complaints.join('\n')}`);
	process.exitCode = 1;
} finally {
	await test.browser.close();
}
