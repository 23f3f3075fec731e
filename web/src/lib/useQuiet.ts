// What is typed goes to the server once the typing rests; what is on the page is sifted at every letter.
import { useEffect, useState } from 'react';

const REST_MS = 200;

export function useQuiet(text: string): string {
	const [quiet, setQuiet] = useState(text);
	useEffect(() => {
		const timer = window.setTimeout(() => setQuiet(text), REST_MS);
		return () => window.clearTimeout(timer);
	}, [text]);
	return quiet;
}
