// Filters live in the URL: a filtered list can be sent to a colleague, and "back" gives it back.
import { useCallback } from 'react';
import { useSearchParams } from 'react-router-dom';

/** What is read, set and cleared; `without` are further ones that lose their value in the same step. */
export function useFilters(): [(name: string) => string, (name: string, value: string, ...without: string[]) => void, () => void] {
	const [words, setWords] = useSearchParams();
	const get = useCallback((name: string) => words.get(name) ?? '', [words]);
	const set = useCallback(
		(name: string, value: string, ...without: string[]) =>
			setWords(
				(known) => {
					const next = new URLSearchParams(known);
					if (value) {
						next.set(name, value);
					} else {
						next.delete(name);
					}
					without.forEach((other) => next.delete(other));
					return next;
				},
				{ replace: true },
			),
		[setWords],
	);
	const clear = useCallback(() => setWords({}, { replace: true }), [setWords]);
	return [get, set, clear];
}
