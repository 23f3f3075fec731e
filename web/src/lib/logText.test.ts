import { describe, expect, it } from 'vitest';
import { linesWith, partsOf } from './logText';

describe('searching in a log', () => {
	it('finds lines in any case', () => {
		expect(linesWith('one\nTwo\n', '')).toEqual(['one', 'Two']);
		expect(linesWith('one\nTwo\n', 'tWO')).toEqual(['Two']);
		expect(linesWith('', '')).toEqual([]);
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
