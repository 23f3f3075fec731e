// Light or dark, by choice or as the system has it; the choice is remembered.
import { createContext, type ReactNode, useContext, useEffect, useMemo, useState } from 'react';
import { recall, remember } from '../lib/storage';
import type { Mode } from './theme';

export type Choice = 'auto' | Mode;

interface Appearance {
	mode: Mode;
	choice: Choice;
	choose: (choice: Choice) => void;
	/** Dialogs grow and fade, unless the person has told the system that nothing may move. */
	moves: boolean;
}

const AppearanceContext = createContext<Appearance>({ mode: 'light', choice: 'auto', choose: () => undefined, moves: true });

export function useAppearance(): Appearance {
	return useContext(AppearanceContext);
}

function storedChoice(): Choice {
	const stored = recall('theme');
	return stored === 'light' || stored === 'dark' ? stored : 'auto';
}

function useMedia(what: string): boolean {
	const [matches, setMatches] = useState(() => matchMedia(what).matches);
	useEffect(() => {
		const query = matchMedia(what);
		const changed = (): void => setMatches(query.matches);
		query.addEventListener('change', changed);
		return () => query.removeEventListener('change', changed);
	}, [what]);
	return matches;
}

export function AppearanceProvider({ children }: { children: ReactNode }) {
	const [choice, setChoice] = useState<Choice>(storedChoice);
	const systemDark = useMedia('(prefers-color-scheme: dark)');
	const moves = !useMedia('(prefers-reduced-motion: reduce)');
	const mode: Mode = choice === 'auto' ? (systemDark ? 'dark' : 'light') : choice;
	useEffect(() => {
		document.documentElement.dataset['theme'] = mode;
		document.documentElement.style.colorScheme = mode;
	}, [mode]);
	const value = useMemo(
		() => ({
			mode,
			choice,
			moves,
			choose: (next: Choice) => {
				remember('theme', next);
				setChoice(next);
			},
		}),
		[mode, choice, moves],
	);
	return <AppearanceContext.Provider value={value}>{children}</AppearanceContext.Provider>;
}
