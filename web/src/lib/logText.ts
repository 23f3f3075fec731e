// Searching in a log. Pure.

/** The lines that have the word, in any case; an empty word: all. The empty line after the last newline is none. */
export function linesWith(text: string, word: string): string[] {
	const lines = text.endsWith('\n') ? text.slice(0, -1).split('\n') : text ? text.split('\n') : [];
	const wanted = word.toLowerCase();
	return wanted ? lines.filter((line) => line.toLowerCase().includes(wanted)) : lines;
}

/** The line cut at each place of the word, in any case. */
export function partsOf(line: string, word: string): { text: string; found: boolean }[] {
	const low = line.toLowerCase();
	const wanted = word.toLowerCase();
	// Lower case may have another length than what it came from ("İ"): then nothing is marked rather than the wrong place.
	if (!wanted || low.length !== line.length) {
		return [{ text: line, found: false }];
	}
	const parts: { text: string; found: boolean }[] = [];
	let from = 0;
	for (let at = low.indexOf(wanted); at >= 0; at = low.indexOf(wanted, from)) {
		if (at > from) {
			parts.push({ text: line.slice(from, at), found: false });
		}
		parts.push({ text: line.slice(at, at + wanted.length), found: true });
		from = at + wanted.length;
	}
	if (from < line.length) {
		parts.push({ text: line.slice(from), found: false });
	}
	return parts;
}
