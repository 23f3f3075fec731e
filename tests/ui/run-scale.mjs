// Budgets of the console in a full cell; run by tests/e2e/cases/ui_scale.py, which fills it.
import { openBrowser, shoot } from './browser.mjs';
import { lookOver } from './accessibility.mjs';
import { keepsBudgets, seeScale } from './scale.mjs';
import { signIn } from './scenario.mjs';

const { SOTALIA_URL: url, SOTALIA_USER: user, SOTALIA_PASSWORD: password, SOTALIA_UI_OUTPUT: output } = process.env;
const test = await openBrowser({ output });
try {
	await signIn(test, { url, user, password });
	const figures = await seeScale(test);
	await lookOver(test, 'light', true);
	keepsBudgets(figures);
	console.log('ui scale: passed');
} catch (cause) {
	await shoot(test, 'failure-scale').catch(() => undefined);
	console.error(`ui scale: failed on ${test.page.url()}: ${cause.stack}\n${test.complaints.join('\n')}`);
	process.exitCode = 1;
} finally {
	await test.browser.close();
}
