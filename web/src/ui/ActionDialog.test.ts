// Every action offers the command that says the same, and each such command is one that `sotalia` has.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

function sources(folder: string): string[] {
	return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
		const file = join(folder, entry.name);
		return entry.isDirectory() ? sources(file) : /\.tsx?$/.test(file) && !/\.test\./.test(file) ? [file] : [];
	});
}

const files = new Map(sources('src').map((file) => [file.replace(/^src\//, ''), readFileSync(file, 'utf8')]));
const withText = (pattern: RegExp): string[] => [...files].filter(([, text]) => pattern.test(text)).map(([file]) => file).sort();

/** "app scale" -> its page of help; a command of one word stands under that word. */
const commands = new Map(
	readFileSync('../cli/golden/help-commands.txt', 'utf8')
		.split(/^==== /m)
		.slice(1)
		.map((page): [string, string] => [page.slice(0, page.indexOf('\n')).trim(), page]),
);

/** What stands between the parentheses of each call of cliCommand. */
function calls(text: string): string[] {
	return [...text.matchAll(/\bcliCommand\(/g)].map((found) => {
		const begin = (found.index ?? 0) + found[0].length;
		let depth = 1;
		let at = begin;
		for (; depth > 0; at += 1) {
			depth += text[at] === '(' ? 1 : text[at] === ')' ? -1 : 0;
		}
		return text.slice(begin, at - 1).trim();
	});
}

/** Verbs that a variable of a call stands for. */
const VARIABLE: Record<string, string[]> = {
	'instance verb': ['start', 'stop', 'restart', 'freeze', 'unfreeze', 'rebuild', 'retire'],
	'instance key': ['start', 'stop', 'restart', 'freeze', 'unfreeze', 'rebuild', 'retire'],
	'host verb': ['cordon', 'uncordon', 'drain', 'evacuate', 'adopt', 'ignore', 'watch'],
	"rollout word === 'rollback' ? 'back' : word": ['pause', 'resume', 'back'],
	"vlan isNew ? 'create' : 'update'": ['create', 'update'],
};

describe('dialogs that change something', () => {
	it('are made by ActionDialog, which cannot be without a command; others only show', () => {
		expect(withText(/\bModal\b[^\n]*from 'antd'/)).toEqual(['app/Keys.tsx', 'app/Palette.tsx', 'ui/ActionDialog.tsx', 'ui/SecretOnce.tsx']);
		expect(withText(/modal\.(confirm|info|warning|error|success)\(/)).toEqual(['app/actions.tsx']);
		expect(withText(/Popconfirm/)).toEqual([]);
	});
	it('are drawers only where these offer the command, too', () => {
		const changing = withText(/<Drawer\b/).filter((file) => /\b(useChange|change<|postFile)\b/.test(files.get(file) ?? ''));
		expect(changing).toEqual(['pages/CreateAppDrawer.tsx', 'ui/IpamImport.tsx', 'ui/MachineImport.tsx']);
		expect(changing.filter((file) => !/<CopyButton cli/.test(files.get(file) ?? ''))).toEqual([]);
	});
});

describe('commands', () => {
	const offered = [...files].filter(([file]) => file !== 'lib/cli.ts').flatMap(([file, text]) => calls(text).map((call) => ({ file, call })));
	it('are found', () => {
		expect(offered.length).toBeGreaterThan(60);
		expect(commands.size).toBeGreaterThan(150);
	});
	it('exist, with each option that is named', () => {
		const wrong = offered.flatMap(({ file, call }) => {
			const [noun = '', rest = ''] = [/^'([a-z-]+)'/.exec(call)?.[1] ?? '', call.replace(/^'[a-z-]+',?\s*/, '')];
			const second = rest.split(/,\s*(?![^(]*\))/)[0]?.trim() ?? '';
			const literal = /^'([a-z-]+)'$/.exec(second)?.[1];
			const names = commands.has(noun) ? [noun] : literal ? [`${noun} ${literal}`] : (VARIABLE[`${noun} ${second}`] ?? ['?']).map((verb) => `${noun} ${verb}`);
			const options = [...call.matchAll(/--([a-z][a-z-]*)/g)].map((found) => found[1] ?? '');
			const missing = names.filter((name) => !commands.has(name)).map((name) => `${file}: there is no "${name}" (${call.slice(0, 60)})`);
			const pages = names.map((name) => commands.get(name) ?? '');
			return [...missing, ...options.filter((option) => !pages.some((page) => page.includes(`--${option}`))).map((option) => `${file}: "${names.join(', ')}" has no --${option}`)];
		});
		expect(wrong).toEqual([]);
	});
});
