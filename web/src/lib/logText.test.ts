import { describe, expect, it } from 'vitest';
import { partsOf, placesWith, timedLines, windowOf } from './logText';

describe('searching in a log', () => {
	it('finds lines in any case', () => {
		const lines = [{ text: 'one' }, { text: 'Two' }];
		expect(placesWith(lines, '')).toBeNull();
		expect(placesWith(lines, 'tWO')).toEqual([1]);
		expect(placesWith(lines, 'three')).toEqual([]);
	});
	it('takes the time off each line that has one', () => {
		expect(timedLines('2026-01-01T00:00:00.000000001Z a b\nno time\n\n')).toEqual([{ time: '2026-01-01T00:00:00.000000001Z', text: 'a b' }, { time: '', text: 'no time' }, { time: '', text: '' }]);
		expect(timedLines('')).toEqual([]);
	});
	it('draws what is seen of a hundred thousand lines, wherever the reader is', () => {
		for (const top of [0, 999_990, 2_000_000 - 480]) {
			const { first, last } = windowOf(100_000, top, 480, 20);
			expect(first * 20).toBeLessThanOrEqual(top);
			expect(last * 20).toBeGreaterThanOrEqual(Math.min(2_000_000, top + 480));
			expect(last - first).toBeLessThan(70);
		}
		expect(windowOf(3, 0, 480, 20)).toEqual({ first: 0, last: 3 });
		expect(windowOf(0, 0, 480, 20)).toEqual({ first: 0, last: 0 });
	});
	it('cuts a line at what was found and loses nothing', () => {
		expect(partsOf('aXbxc', 'x')).toEqual([
			{ text: 'a', found: false },
			{ text: 'X', found: true },
			{ text: 'b', found: false },
			{ text: 'x', found: true },
			{ text: 'c', found: false },
		]);
		expect(partsOf('abc', '')).toEqual([{ text: 'abc', found: false }]);
		expect(partsOf('İx', 'x').map((one) => one.text).join('')).toBe('İx');
	});
});
