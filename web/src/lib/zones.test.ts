import { describe, expect, it } from 'vitest';
import { zoneFill } from './zones';

const group = (az: string, rack: string, booked: number, total = 100) => ({ az, rack, booked: { memoryBytes: booked }, total: { memoryBytes: total } });

describe('how full zones are', () => {
	it('adds the classes of a rack together and names the fullest rack', () => {
		expect(zoneFill([group('b', 'r1', 5), group('a', 'r1', 90), group('a', 'r1', 0), group('a', 'r2', 60)])).toEqual([
			{ az: 'a', booked: 150, total: 300, rack: 'r2', rackPercent: 60 },
			{ az: 'b', booked: 5, total: 100, rack: 'r1', rackPercent: 5 },
		]);
		expect(zoneFill([])).toEqual([]);
	});
});
