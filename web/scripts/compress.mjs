// Puts a .gz beside every text file of dist, so that the gateway sends bytes and compresses nothing. Deterministic: gzip
// headers carry no time.
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';

const dist = fileURLToPath(new URL('../dist', import.meta.url));

function filesBelow(folder) {
	return readdirSync(folder).flatMap((name) => {
		const file = join(folder, name);
		return statSync(file).isDirectory() ? filesBelow(file) : [file];
	});
}

let count = 0;
for (const file of filesBelow(dist)) {
	if (/\.(html|js|css|svg|json|txt)$/.test(file)) {
		writeFileSync(`${file}.gz`, gzipSync(readFileSync(file), { level: 9 }));
		count += 1;
	}
}
console.log(`compress: ${count} files have a .gz`);
