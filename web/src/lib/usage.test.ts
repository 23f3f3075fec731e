import { describe, expect, it } from 'vitest';
import { addSample, columnsOf, figure, type Figures, SAMPLES_MAX, span } from './usage';

describe('samples of use', () => {
	it('takes each report once and in order', () => {
		const samples: Figures[] = [];
		expect(addSample(samples, { atUnixMs: 10_000, cpuMilli: 1 })).toBe(true);
		expect(addSample(samples, { atUnixMs: 10_000, cpuMilli: 2 })).toBe(false);
		expect(addSample(samples, { atUnixMs: 9_000, cpuMilli: 3 })).toBe(false);
		expect(addSample(samples, { atUnixMs: 20_000, cpuMilli: 4 })).toBe(true);
		expect(samples.map((one) => one['cpuMilli'])).toEqual([1, 4]);
	});

	it('holds an hour', () => {
		const samples: Figures[] = [];
		for (let i = 1; i <= SAMPLES_MAX + 5; i++) {
			addSample(samples, { atUnixMs: i * 10_000 });
		}
		expect(samples).toHaveLength(SAMPLES_MAX);
		expect(samples[0]?.atUnixMs).toBe(60_000);
	});

	it('makes columns, with holes where a report lacks a figure', () => {
		const samples: Figures[] = [{ atUnixMs: 1000, cpuMilli: 500 }, { atUnixMs: 2000 }];
		expect(columnsOf(samples, [{ label: 'cpu', of: figure('cpuMilli', 0.001) }])).toEqual([[1, 2], [0.5, null]]);
	});

	it('shows two minutes at least, also of one sample or of none', () => {
		expect(span(null, null, 5000)).toEqual([4880, 5000]);
		expect(span(1000, 1000 + 86_400, 5000)).toEqual([880, 1000]);
		expect(span(1000, 1010, 5000)).toEqual([890, 1010]);
		expect(span(1000, 2000, 5000)).toEqual([1000, 2000]);
	});
});
