// Languages: English and Simplified Chinese, switched without a reload. Keys contain dots, so ":" and "/" stay free and the
// separator of levels is "/" (event kinds and operation kinds have dots in their names).
import i18next from 'i18next';
import { initReactI18next } from 'react-i18next';
import { recall, remember } from '../lib/storage';
import en from './en';
import zh from './zh';

export type Language = 'en-US' | 'zh-CN';

export function preferredLanguage(stored: string | null, wanted: readonly string[]): Language {
	if (stored === 'en-US' || stored === 'zh-CN') {
		return stored;
	}
	for (const tag of wanted) {
		if (/^zh\b/i.test(tag)) {
			return 'zh-CN';
		}
		if (/^en\b/i.test(tag)) {
			return 'en-US';
		}
	}
	return 'en-US';
}

export const i18n = i18next.createInstance();

export async function startI18n(): Promise<void> {
	const language = preferredLanguage(recall('language'), navigator.languages);
	await i18n.use(initReactI18next).init({
		lng: language,
		fallbackLng: 'en-US',
		keySeparator: '/',
		nsSeparator: false,
		interpolation: { escapeValue: false },
		resources: { 'en-US': { translation: en }, 'zh-CN': { translation: zh } },
	});
	document.documentElement.lang = language;
}

export async function switchLanguage(language: Language): Promise<void> {
	remember('language', language);
	await i18n.changeLanguage(language);
	document.documentElement.lang = language;
}

/** Translates a word of the API (state, kind); words this console does not know are shown as they are. */
export function apiWord(group: 'state' | 'kind' | 'event' | 'step' | 'reason' | 'task', word: string): string {
	const key = `${group}/${word}`;
	return i18n.exists(key) ? i18n.t(key) : word;
}
