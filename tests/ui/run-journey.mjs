// What developers and operators do, on a real platform; run by tests/e2e/cases/ui_journeys.py, which makes apps, versions and a silent host.
import { openBrowser, shoot } from './browser.mjs';
import { deployAndBack, drainHost, evacuateHost, rollWave, setMaintenance, terminate, useKeys } from './journey.mjs';
import { seeLongLog } from './longlog.mjs';
import { signIn } from './scenario.mjs';

const { SOTALIA_URL: url, SOTALIA_USER: user, SOTALIA_PASSWORD: password, SOTALIA_UI_APP: app, SOTALIA_UI_OUTPUT: output, SOTALIA_UI_STEPS: steps = '' } = process.env;
const STEPS = {
	deploy: (test) => deployAndBack(test, app),
	keys: useKeys,
	log: (test) => seeLongLog(test, `${app}-default-01`),
	wave: (test) => rollWave(test, 'ui-jdk', app),
	maintenance: (test) => setMaintenance(test, app),
	terminate: (test) => terminate(test, app),
	drain: (test) => drainHost(test, 'h1'),
	evacuate: (test) => evacuateHost(test, 'h1'),
};
const test = await openBrowser({ output });
try {
	await signIn(test, { url, user, password });
	for (const step of steps.split(',')) {
		await STEPS[step](test);
	}
	if (test.complaints.length > 0) {
		throw new Error('the browser has complaints');
	}
	console.log(`ui journey: passed ${steps}`);
} catch (cause) {
	await shoot(test, 'failure-journey').catch(() => undefined);
	console.error(`ui journey: failed on ${test.page.url()}: ${cause.stack}\n${test.complaints.join('\n')}`);
	process.exitCode = 1;
} finally {
	await test.browser.close();
}
