// A missing key fails here: both catalogues have the same keys and the same variables, and every key that the source asks
// for exists.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { EVENT_KINDS } from '../live/events';
import en from './en';
import { preferredLanguage } from './index';
import zh from './zh';

function flatten(node: unknown, prefix = ''): Map<string, string> {
	const found = new Map<string, string>();
	for (const [key, value] of Object.entries(node as Record<string, unknown>)) {
		const name = prefix ? `${prefix}/${key}` : key;
		if (typeof value === 'string') {
			found.set(name, value);
		} else {
			flatten(value, name).forEach((text, inner) => found.set(inner, text));
		}
	}
	return found;
}

function sources(folder: string): string[] {
	return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
		const file = join(folder, entry.name);
		return entry.isDirectory() ? sources(file) : /\.tsx?$/.test(file) && !/\.test\./.test(file) ? [file] : [];
	});
}

const english = flatten(en);
const chinese = flatten(zh);
const variables = (text: string): string[] => [...text.matchAll(/\{\{(\w+)\}\}/g)].map((match) => match[1] ?? '').sort();

describe('catalogues', () => {
	it('have the same keys', () => {
		expect([...chinese.keys()].sort()).toEqual([...english.keys()].sort());
	});
	it('have a text for every key, with the same variables', () => {
		for (const [key, text] of english) {
			expect(chinese.get(key), key).toBeTruthy();
			expect(variables(chinese.get(key) ?? ''), key).toEqual(variables(text));
		}
	});
	it('are translated: a Chinese text has Chinese characters unless it is a proper name', () => {
		const names = /^(Sotalia|CPU|MAC|VLAN|Docker|SHA-256|\{\{shown\}\} \/ \{\{total\}\}|\{\{part\}\} \/ \{\{total\}\})$/;
		for (const [key, text] of chinese) {
			expect(names.test(text) || /[一-鿿]/.test(text), `${key}: ${text}`).toBe(true);
		}
	});
	it('have every key that the source asks for', () => {
		const asked = sources('src').flatMap((file) => [...readFileSync(file, 'utf8').matchAll(/\bt\(\s*'([^']+)'/g)].map((match) => match[1] ?? ''));
		expect(asked.length).toBeGreaterThan(150);
		expect(asked.filter((key) => !english.has(key) && !english.has(`${key}_other`))).toEqual([]); // by number
	});
	it('have a text for each kind of event and each state of the live lamp', () => {
		const lamp = ['connecting', 'live', 'reconnecting', 'polling', 'signedOut', 'stopped'].flatMap((state) => [`live/${state}`, `live/${state}Hint`]);
		expect([...EVENT_KINDS.map((kind) => `event/${kind}`), ...lamp].filter((key) => !english.has(key))).toEqual([]);
	});
});

describe('the first language', () => {
	it('is the remembered one, else the first the browser wants, else English', () => {
		expect(preferredLanguage('zh-CN', ['en-GB'])).toBe('zh-CN');
		expect(preferredLanguage(null, ['fr', 'zh-TW', 'en'])).toBe('zh-CN');
		expect(preferredLanguage('xx', ['fr'])).toBe('en-US');
	});
});
