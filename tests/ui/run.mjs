// Drives a real platform. SOTALIA_URL, SOTALIA_USER, SOTALIA_PASSWORD say which; SOTALIA_UI_OUTPUT is where screenshots go
// (default ./output); SOTALIA_UI_APP names the app to scale (default: the first complete one).
import { fileURLToPath } from 'node:url';
import { openBrowser, shoot } from './browser.mjs';
import { runScenario } from './scenario.mjs';

function needed(name) {
	const value = process.env[name];
	if (!value) {
		console.error(`${name} is not set: it must name the platform to test, as in var/env`);
		process.exit(2);
	}
	return value;
}

const platform = { url: needed('SOTALIA_URL'), user: needed('SOTALIA_USER'), password: needed('SOTALIA_PASSWORD'), app: process.env.SOTALIA_UI_APP };
const output = process.env.SOTALIA_UI_OUTPUT ?? fileURLToPath(new URL('./output', import.meta.url));
const test = await openBrowser({ output });
try {
	await runScenario(test, platform);
	console.log(`ui: passed, screenshots in ${output}`);
} catch (cause) {
	await shoot(test, 'failure').catch(() => undefined);
	console.error(`ui: failed on ${test.page.url()}: ${cause.stack}\n${test.complaints.join('\n')}`);
	process.exitCode = 1;
} finally {
	await test.browser.close();
}
