// @vitest-environment jsdom
import { act, useEffect } from 'react';
import { createRoot } from 'react-dom/client';
import { describe, expect, it } from 'vitest';
import { useAsked } from './useAsked';

(globalThis as Record<string, unknown>)['IS_REACT_ACT_ENVIRONMENT'] = true;

/** What each drawing that was shown asked for; `answered` says which answers are there. */
function mounted(answered: Set<string>) {
	const drawn: string[] = [];
	let isAsking = false;
	const Sifted = ({ typed }: { typed: string }) => {
		const { answer, isAsking: asks } = useAsked(typed, (asked) => ({ asked, isOld: !answered.has(asked) }));
		useEffect(() => {
			drawn.push(answer.asked);
			isAsking = asks;
		});
		return null;
	};
	const root = createRoot(document.createElement('div'));
	const type = (typed: string): void => act(() => root.render(<Sifted typed={typed} />));
	return { drawn, type, isAsking: () => isAsking, end: () => act(() => root.unmount()) };
}

describe('a list that is sifted by what is typed', () => {
	it('asks with the very drawing that shows the letter', () => {
		const list = mounted(new Set(['', 'a']));
		list.type('');
		list.type('a');
		expect(list.drawn).toEqual(['', 'a']);
		expect(list.isAsking()).toBe(false);
		list.end();
	});
	it('has one question on its way, and asks for the newest word after it', () => {
		const answered = new Set(['']);
		const list = mounted(answered);
		list.type('');
		list.type('a');
		list.type('ab');
		expect(list.drawn.at(-1)).toBe('a');
		expect(list.isAsking()).toBe(true);
		answered.add('a');
		list.type('abc');
		expect(list.drawn.at(-1)).toBe('abc');
		list.end();
	});
});
