// Faults between a browser and a real platform; run by tests/e2e/cases/ui.py, which makes them.
import { openBrowser, shoot } from './browser.mjs';
import { seeFaults } from './faults.mjs';
import { signIn } from './scenario.mjs';

const { SOTALIA_URL: url, SOTALIA_USER: user, SOTALIA_PASSWORD: password, SOTALIA_UI_APP: app, SOTALIA_UI_OUTPUT: output } = process.env;
const test = await openBrowser({ output });
try {
	await signIn(test, { url, user, password });
	await seeFaults(test, { app });
	console.log('ui faults: passed');
} catch (cause) {
	await shoot(test, 'failure-faults').catch(() => undefined);
	console.error(`ui faults: failed on ${test.page.url()}: ${cause.stack}\n${test.complaints.join('\n')}`);
	process.exitCode = 1;
} finally {
	await test.browser.close();
	process.stdin.destroy();
}
