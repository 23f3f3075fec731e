// A list that is sifted by what is typed: every letter is asked for at once, unless the answer to one before is still awaited; then the
// newest is asked for after it. So one question at a time is on its way, however fast somebody types and however long an answer takes.
// What is on the page is sifted at every letter.
import { useEffect, useState } from 'react';

/** An answer that does not come does not hold up the next question for ever. */
const PATIENCE_MS = 2_000;

/** What `read` gives for what is asked for; `isAsking`: it is not the answer to what is typed yet. */
export function useAsked<T extends { isOld?: boolean }>(typed: string, read: (asked: string) => T): { answer: T; isAsking: boolean } {
	const [asked, setAsked] = useState(typed);
	const answer = read(asked);
	const waits = answer.isOld === true;
	if (asked !== typed && !waits) {
		setAsked(typed); // React begins this drawing anew: the question goes out with what is drawn for the letter, not after it
	}
	useEffect(() => {
		if (asked === typed || !waits) {
			return undefined;
		}
		const timer = window.setTimeout(() => setAsked(typed), PATIENCE_MS);
		return () => window.clearTimeout(timer);
	}, [typed, asked, waits]);
	return { answer, isAsking: asked !== typed || waits };
}
