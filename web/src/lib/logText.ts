// Searching in a log. Pure.

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

/** Which of `count` lines a view shows, with some before and after it. */
export function windowOf(count: number, top: number, height: number, linePx: number): { first: number; last: number } {
	const spare = Math.ceil(height / linePx / 2) + 5;
	const first = Math.max(0, Math.min(count, Math.floor(top / linePx)) - spare);
	return { first, last: Math.min(count, Math.ceil((top + height) / linePx) + spare) };
}

export interface TimedLine {
	/** As the platform wrote it, with nanoseconds; empty when it does not say. */
	time: string;
	text: string;
}

/** "2026-01-01T00:00:00.000000001Z text" -> time and text. */
export function timedLines(answer: string): TimedLine[] {
	const lines = answer.split('\n');
	if (lines[lines.length - 1] === '') {
		lines.pop();
	}
	return lines.map((line) => {
		const found = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z) ?/.exec(line);
		return found ? { time: found[1] ?? '', text: line.slice(found[0].length) } : { time: '', text: line };
	});
}

/** The lines that are shown for a word: their places, all of them when there is no word. */
export function placesWith(lines: { text: string }[], word: string): number[] | null {
	if (!word) {
		return null;
	}
	const wanted = word.toLowerCase();
	return lines.flatMap(({ text }, at) => (text.toLowerCase().includes(wanted) ? [at] : []));
}

export function saveText(name: string, text: string): void {
	const link = document.createElement('a');
	link.href = URL.createObjectURL(new Blob([text], { type: 'text/plain' }));
	link.download = `${name}.log`;
	link.click();
	URL.revokeObjectURL(link.href);
}
