// The same action as a command line: "Copy as CLI" stands beside the main actions.

/** Quotes a word for a POSIX shell when it needs it. */
export function quoteWord(word: string): string {
	return /^[A-Za-z0-9_./:@%+=,-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

/** Joins words to a `sotalia` command. */
export function cliCommand(...words: (string | number)[]): string {
	return ['sotalia', ...words.map((word) => quoteWord(String(word)))].join(' ');
}
