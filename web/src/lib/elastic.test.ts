import { describe, expect, it } from 'vitest';
import type { ElasticDecision } from '../api/types';
import { cleanRule, duration, elasticCommand, ruleText, samplesOf } from './elastic';

const decision = (number: number, load: number | null): ElasticDecision => ({
	number, app: 'shop', group: '', at: `2026-11-29T08:00:0${number}Z`, outcome: 'steady', hold: '', rule: 'cpu', count: 2, wanted: 3, to: 2, load, target: 50, reason: '', operation: null,
});

describe('elastic scaling', () => {
	it('turns decisions into samples in the order of time', () => {
		const samples = samplesOf([decision(2, null), decision(1, 25)]);
		expect(samples.map((one) => one['loadPercent'])).toEqual([50, null]);
		expect(samples[0]?.atUnixMs).toBeLessThan(samples[1]?.atUnixMs ?? 0);
	});
	it('says rules in words', () => {
		expect(ruleText({ name: 'a', metric: 'cpu', target: 50, windowSeconds: 30 })).toBe('cpu → 50 % (30 s)');
		expect(ruleText({ name: 'a', metric: 'schedule', cron: '0 8 * * *', zone: 'UTC', forSeconds: 36000, count: 6 })).toBe('6 × 0 8 * * * (UTC, 10h)');
		expect([duration(5400), duration(90)]).toEqual(['90m', '90s']);
	});
	it('keeps only what belongs to the metric', () => {
		expect(cleanRule({ name: 'a', metric: 'memory', target: 70, cron: '* * * * *', count: 3 })).toEqual({ name: 'a', metric: 'memory', target: 70, windowSeconds: 60 });
		expect(cleanRule({ name: 'a', metric: 'schedule', cron: '0 8 * * *', target: 9 })).toEqual({ name: 'a', metric: 'schedule', cron: '0 8 * * *', zone: 'UTC', forSeconds: 3600, count: 1 });
	});
	it('is a command: by options, or by a file where options cannot say it', () => {
		const policy = { group: '', enabled: true, dryRun: false, min: 2, max: 6, upStep: 0, downStep: 1, upCooldownSeconds: 30, downCooldownSeconds: 60, stableSeconds: 300, tolerancePercent: 10 };
		const cpu = { name: 'cpu', metric: 'cpu' as const, target: 50, windowSeconds: 20 };
		const day = { name: 'day', metric: 'schedule' as const, cron: '0 8 * * mon-fri', zone: 'Asia/Shanghai', forSeconds: 36000, count: 6 };
		expect(elasticCommand('shop', { ...policy, rules: [cpu, day] })).toBe("sotalia elastic set shop --min=2 --max=6 --cpu=50 '--schedule=6 10h Asia/Shanghai 0 8 * * mon-fri' --window=20 --down-step=1 --up-cooldown=30 --down-cooldown=60 --stable=300 --tolerance=10");
		expect(elasticCommand('shop', { ...policy, group: 'blue', enabled: false, dryRun: true, rules: [{ name: 'q', metric: 'custom', value: 'queue', target: 9, sum: 'sum' }] })).toMatch(/ --group=blue .*--value=queue:9:sum --window=60.*--dry-run --disabled$/);
		expect(elasticCommand('shop', { ...policy, rules: [cpu, { ...cpu, metric: 'memory', windowSeconds: 60 }] })).toBe('sotalia elastic set shop --file=FILE');
	});
});
