import { describe, expect, it } from 'vitest';
import type { ElasticDecision } from '../api/types';
import { cleanRule, duration, ruleText, samplesOf } from './elastic';

const decision = (number: number, load: number | null): ElasticDecision => ({
	number, app: 'shop', at: `2026-11-29T08:00:0${number}Z`, outcome: 'steady', hold: '', rule: 'cpu', count: 2, wanted: 3, to: 2, load, target: 50, reason: '', operation: null,
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
});
