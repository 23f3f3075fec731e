// Which keys are keys, and which are text. Pure but for the element it is asked about.

/** Where "g" and a second key lead. */
export const PLACES: Record<string, string> = { h: '/hosts', a: '/apps', i: '/instances', o: '/operations', v: '/' };

/** Somebody writes: a key is a letter there, also in the terminal. */
export function isTyping(target: EventTarget | null): boolean {
	return target instanceof HTMLElement && (target.isContentEditable || target.matches('input, textarea, select') || target.closest('.xterm, [role="combobox"], [role="menu"], [role="listbox"]') !== null);
}

/** A key as the list names it: letters small, whatever Caps Lock says. */
export function plainKey(key: string): string {
	return key.length === 1 ? key.toLowerCase() : key;
}
