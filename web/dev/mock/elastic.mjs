// Elastic scaling of the make-believe platform: one app with rules, and an hour of decisions.
const TARGET = 50;
const MINUTE_MS = 60_000;

/** Load over the hour, in percent of the plan: calm, a rise, calm. */
function loadAt(minute) {
	return minute < 15 ? 46 : minute < 18 ? 83 : minute < 22 ? 72 : minute < 40 ? 48 : 22;
}

function countAt(minute) {
	return minute < 16 ? 2 : minute < 19 ? 4 : minute < 46 ? 6 : 3;
}

function decision(app, minute, at) {
	const count = countAt(minute);
	const to = countAt(minute + 1);
	const load = loadAt(minute);
	const wanted = Math.abs(load / TARGET - 1) <= 0.1 ? count : Math.min(6, Math.max(2, Math.ceil((load * count) / TARGET)));
	const outcome = to !== count ? 'scaled' : wanted === count ? 'steady' : 'held';
	const hold = outcome !== 'held' ? '' : wanted > count ? 'cool_down' : 'stabilising';
	const change = outcome === 'steady' ? '' : `: ${count} -> ${outcome === 'scaled' ? to : wanted}`;
	const waits = hold === 'cool_down' ? '; held: cool-down of 30 s, 12 s to go' : hold ? '; held: fewer are wanted for 300 s first, 120 s to go' : '';
	return {
		number: minute + 1, app, at: new Date(at).toISOString(), outcome, hold, rule: 'cpu', count, wanted, to: outcome === 'scaled' ? to : wanted, load, target: TARGET, group: '',
		reason: `cpu ${load} % of plan over ${count} instances for 60 s, target ${TARGET} %${change}${waits}`, operation: null,
	};
}

export function elasticDecisions(app) {
	const now = Date.now();
	return Array.from({ length: 60 }, (_, minute) => decision(app, minute, now - (60 - minute) * MINUTE_MS)).reverse();
}

export function elasticOf(app) {
	return {
		app, group: '', enabled: true, dryRun: false, min: 2, max: 6, upStep: 0, downStep: 0, upCooldownSeconds: 30, downCooldownSeconds: 60, stableSeconds: 300, tolerancePercent: 10,
		rules: [
			{ name: 'cpu', metric: 'cpu', target: TARGET, windowSeconds: 60 },
			{ name: 'office-hours', metric: 'schedule', cron: '0 8 * * mon-fri', zone: 'Asia/Shanghai', forSeconds: 36_000, count: 6 },
		],
		count: 3, changedAt: null, updatedAt: new Date(Date.now() - 86_400_000).toISOString(), updatedBy: 'user:mei', decision: elasticDecisions(app)[0],
	};
}

export function groupsOf(world, app) {
	const instances = world.instances.filter((one) => one.app === app);
	const group = (name, environment, own) => ({
		id: `${app}-${name}`, app, name, environment, version: own[0]?.version ?? '', wanted: own.length, ready: own.filter((one) => one.health === 'healthy').length, elastic: null,
	});
	return [group('blue', 'staging', []), group('default', '', instances)];
}
