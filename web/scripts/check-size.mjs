// The size budget: what the first page needs at once (scripts and styles named in index.html) and each lazy chunk.
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ENTRY_LIMIT = 380 * 1024;
const CHUNK_LIMIT = 60 * 1024;
const TERMINAL_LIMIT = 80 * 1024; // xterm.js as it comes, loaded by the console's page alone

const dist = fileURLToPath(new URL('../dist', import.meta.url));
const html = readFileSync(join(dist, 'index.html'), 'utf8');
if (/<script(?![^>]*\ssrc=)|<style|\sstyle=|\son[a-z]+=/i.test(html)) {
	throw new Error('dist/index.html has an inline script, style or handler: the content security policy refuses it');
}

const gzBytes = (name) => statSync(join(dist, `${name}.gz`)).size;
const entry = [...html.matchAll(/(?:src|href)="\/(assets\/[^"]+\.(?:js|css))"/g)].map((match) => match[1]);
if (entry.length === 0) {
	throw new Error('dist/index.html names no script');
}
const entryTotal = entry.reduce((total, name) => total + gzBytes(name), 0);
const problems = [];
if (entryTotal > ENTRY_LIMIT) {
	problems.push(`the entry has ${entryTotal} bytes gz, the limit is ${ENTRY_LIMIT}`);
}
for (const name of readdirSync(join(dist, 'assets')).filter((file) => /\.(js|css)$/.test(file))) {
	const bytes = gzBytes(`assets/${name}`);
	const limit = /^xterm-/.test(name) ? TERMINAL_LIMIT : CHUNK_LIMIT;
	if (!entry.includes(`assets/${name}`) && bytes > limit) {
		problems.push(`the chunk ${name} has ${bytes} bytes gz, the limit is ${limit}`);
	}
}
console.log(`size: entry ${(entryTotal / 1024).toFixed(1)} KB gz of ${ENTRY_LIMIT / 1024}`);
if (problems.length > 0) {
	throw new Error(problems.join('\n'));
}
