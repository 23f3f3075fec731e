import { expect, it } from 'vitest';
import { lineSpan, looksLikeInventory } from './inventory';

it('tells an inventory from a list', () => {
	for (const text of ['[web]\nn1', '---\nall:\n', 'all:\n  hosts:\n', '# c\n\n[web]', 'n1 ansible_host=10.0.0.1\n[web]', 'all: # everything\n']) {
		expect(looksLikeInventory(text), text).toBe(true);
	}
	for (const text of ['', 'name,address,az,rack\nn1,2001:db8::1,a,r', '# list\nname,address,az,rack,oob']) {
		expect(looksLikeInventory(text), text).toBe(false);
	}
});

it('finds a line', () => {
	expect(lineSpan('ab\ncd\n', 1)).toEqual([0, 2]);
	expect(lineSpan('ab\ncd\n', 2)).toEqual([3, 5]);
	expect(lineSpan('ab\ncd', 9)).toEqual([3, 5]);
});
