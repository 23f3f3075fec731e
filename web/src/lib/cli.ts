// The same action as a command line: "Copy as CLI" stands beside the main actions.

/** Quotes a word for a POSIX shell when it needs it. */
export function quoteWord(word: string): string {
	return /^[A-Za-z0-9_./:@%+=,-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

/** Joins words to a `sotalia` command. */
export function cliCommand(...words: (string | number)[]): string {
	return ['sotalia', ...words.map((word) => quoteWord(String(word)))].join(' ');
}

/** What `sotalia` has no verb for, as a call of the API. `data` is a file, or "-" for what is typed: a secret stands in no history. */
export function curlCommand(method: string, url: string, data: string): string {
	return `curl --cacert "$SOTALIA_CA" -X ${method} "$SOTALIA_URL${url}" -H "Authorization: Bearer $SOTALIA_TOKEN" -H "Idempotency-Key: $(uuidgen)" -H 'Content-Type: application/json' --data @${data}`;
}
