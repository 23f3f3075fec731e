// What is typed, once it has rested: a question that costs something is not asked at every letter.
import { useEffect, useState } from 'react';

const REST_MS = 300;

export function useSettled(value: string): string {
	const [settled, setSettled] = useState(value);
	useEffect(() => {
		const timer = window.setTimeout(() => setSettled(value), REST_MS);
		return () => window.clearTimeout(timer);
	}, [value]);
	return settled;
}
