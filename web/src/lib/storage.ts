// What the browser remembers between visits: language and theme. A browser that refuses storage just forgets.

export function remember(key: string, value: string): void {
	try {
		localStorage.setItem(`sotalia.${key}`, value);
	} catch {
		/* private mode: the choice lasts for this page only */
	}
}

export function recall(key: string): string | null {
	try {
		return localStorage.getItem(`sotalia.${key}`);
	} catch {
		return null;
	}
}
