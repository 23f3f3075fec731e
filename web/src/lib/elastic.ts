// Elastic scaling: what the plots are made of, and rules in words. Pure.
import type { ElasticDecision, ElasticRule } from '../api/types';
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
