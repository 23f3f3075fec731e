// Elastic scaling: what the plots are made of, and rules in words. Pure.
import type { Elastic, ElasticDecision, ElasticRule } from '../api/types';
import { cliCommand } from './cli';
import type { Figures } from './usage';

/** Decisions (the newest first) as samples in the order of their times; the load in percent of its target. */
export function samplesOf(decisions: readonly ElasticDecision[]): Figures[] {
	return [...decisions].reverse().map((one) => ({
		atUnixMs: Date.parse(one.at),
		loadPercent: one.load !== null && one.target ? (one.load / one.target) * 100 : null,
		count: one.count,
		wanted: one.wanted,
	}));
}

/** A rule as the command line has it, without its option's name. */
export function ruleText(rule: ElasticRule): string {
	switch (rule.metric) {
		case 'schedule':
			return `${rule.count ?? 0} × ${rule.cron ?? ''} (${rule.zone ?? 'UTC'}, ${duration(rule.forSeconds ?? 0)})`;
		case 'custom':
			return `${rule.value ?? ''} → ${rule.target ?? 0} (${rule.sum ?? 'average'}, ${rule.windowSeconds ?? 60} s)`;
		default:
			return `${rule.metric} → ${rule.target ?? 0} % (${rule.windowSeconds ?? 60} s)`;
	}
}

/** 5400 → 90m, 36000 → 10h */
export function duration(seconds: number): string {
	if (seconds % 3600 === 0) {
		return `${seconds / 3600}h`;
	}
	return seconds % 60 === 0 ? `${seconds / 60}m` : `${seconds}s`;
}

/** The fields that belong to the rule's metric, and no others. */
export function cleanRule(rule: ElasticRule): ElasticRule {
	const { name, metric } = rule;
	if (metric === 'schedule') {
		return { name, metric, cron: rule.cron ?? '', zone: rule.zone || 'UTC', forSeconds: rule.forSeconds ?? 3600, count: rule.count ?? 1 };
	}
	const load = { name, metric, target: rule.target ?? 50, windowSeconds: rule.windowSeconds ?? 60 };
	return metric === 'custom' ? { ...load, value: rule.value ?? '', sum: rule.sum ?? 'average' } : load;
}

type Policy = Pick<Elastic, 'group' | 'enabled' | 'dryRun' | 'min' | 'max' | 'upStep' | 'downStep' | 'upCooldownSeconds' | 'downCooldownSeconds' | 'stableSeconds' | 'tolerancePercent' | 'rules'>;

/** A rule as an option. */
function ruleOption({ metric, target, value, sum, cron, zone, forSeconds, count }: ElasticRule): string {
	switch (metric) {
		case 'schedule':
			return `--schedule=${count ?? 1} ${duration(forSeconds ?? 3600)} ${zone || 'UTC'} ${cron ?? ''}`;
		case 'custom':
			return `--value=${value ?? ''}:${target ?? 50}${sum === 'sum' ? ':sum' : ''}`;
		default:
			return `--${metric}=${target ?? 50}`;
	}
}

/** The command that sets the same rules. Options have one window for all and one rule of cpu and of memory each: what they cannot say comes from a file. */
export function elasticCommand(app: string, policy: Policy): string {
	const group = policy.group ? [`--group=${policy.group}`] : [];
	const loads = policy.rules.filter(({ metric }) => metric !== 'schedule');
	const windows = new Set(loads.map((rule) => rule.windowSeconds ?? 60));
	const isOnce = (['cpu', 'memory'] as const).every((metric) => loads.filter((rule) => rule.metric === metric).length <= 1);
	if (windows.size > 1 || !isOnce) {
		return cliCommand('elastic', 'set', app, ...group, '--file=FILE');
	}
	const { min, max, upStep, downStep, upCooldownSeconds, downCooldownSeconds, stableSeconds, tolerancePercent } = policy;
	return cliCommand(
		'elastic', 'set', app, ...group, `--min=${min}`, `--max=${max}`,
		...policy.rules.map(ruleOption),
		...[...windows].map((seconds) => `--window=${seconds}`),
		...(upStep ? [`--up-step=${upStep}`] : []), ...(downStep ? [`--down-step=${downStep}`] : []),
		`--up-cooldown=${upCooldownSeconds}`, `--down-cooldown=${downCooldownSeconds}`, `--stable=${stableSeconds}`, `--tolerance=${tolerancePercent}`,
		...(policy.dryRun ? ['--dry-run'] : []), ...(policy.enabled ? [] : ['--disabled']),
	);
}
