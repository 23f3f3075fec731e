// Light or dark, by choice or as the system has it; the choice is remembered.
import { createContext, type ReactNode, useContext, useEffect, useMemo, useState } from 'react';
import { recall, remember } from '../lib/storage';
import type { Mode } from './theme';

export type Choice = 'auto' | Mode;

interface Appearance {
	mode: Mode;
	choice: Choice;
	choose: (choice: Choice) => void;
}

const AppearanceContext = createContext<Appearance>({ mode: 'light', choice: 'auto', choose: () => undefined });

export function useAppearance(): Appearance {
	return useContext(AppearanceContext);
}

function storedChoice(): Choice {
	const stored = recall('theme');
	return stored === 'light' || stored === 'dark' ? stored : 'auto';
}

export function AppearanceProvider({ children }: { children: ReactNode }) {
	const [choice, setChoice] = useState<Choice>(storedChoice);
	const [systemDark, setSystemDark] = useState(() => matchMedia('(prefers-color-scheme: dark)').matches);
	useEffect(() => {
		const query = matchMedia('(prefers-color-scheme: dark)');
		const changed = (): void => setSystemDark(query.matches);
		query.addEventListener('change', changed);
		return () => query.removeEventListener('change', changed);
	}, []);
	const mode: Mode = choice === 'auto' ? (systemDark ? 'dark' : 'light') : choice;
	useEffect(() => {
		document.documentElement.dataset['theme'] = mode;
		document.documentElement.style.colorScheme = mode;
	}, [mode]);
	const value = useMemo(
		() => ({
			mode,
			choice,
			choose: (next: Choice) => {
				remember('theme', next);
				setChoice(next);
			},
		}),
		[mode, choice],
	);
	return <AppearanceContext.Provider value={value}>{children}</AppearanceContext.Provider>;
}
