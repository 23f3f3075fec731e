// Replaces @rc-component/util/es/Dom/dynamicCSS in the build (vite.config.ts). The original inserts <style> tags, which a
// strict `style-src 'self'` refuses; constructable style sheets are made by script and are not inline styles, so antd's
// css-in-js works without 'unsafe-inline' and without a nonce. Same exports, same order rules.

type Prepend = boolean | 'queue';
export interface DynamicCssOptions {
	prepend?: Prepend;
	priority?: number;
	mark?: string;
	attachTo?: Element;
}

interface Entry {
	sheet: CSSStyleSheet;
	/** Never in the document: callers keep marks and attributes on it. */
	handle: HTMLStyleElement;
	/** Sheets of the queue come first, by priority; the others follow in order of arrival. */
	rank: number;
}

const entries = new Map<string, Entry>();
const ranks = new WeakMap<CSSStyleSheet, number>();
const NOT_QUEUED = Number.MAX_SAFE_INTEGER;

function rankOf(options: DynamicCssOptions): number {
	return options.prepend ? (options.priority ?? 0) : NOT_QUEUED;
}

function insert(entry: Entry): void {
	const sheets = [...document.adoptedStyleSheets];
	let at = sheets.findIndex((sheet) => (ranks.get(sheet) ?? NOT_QUEUED) > entry.rank);
	if (at < 0) {
		at = sheets.length;
	}
	sheets.splice(at, 0, entry.sheet);
	document.adoptedStyleSheets = sheets;
}

export function updateCSS(css: string, key: string, options: DynamicCssOptions = {}): HTMLStyleElement {
	const known = entries.get(key);
	if (known) {
		if (known.handle.textContent !== css) {
			known.sheet.replaceSync(css);
			known.handle.textContent = css;
		}
		return known.handle;
	}
	const entry: Entry = { sheet: new CSSStyleSheet(), handle: document.createElement('style'), rank: rankOf(options) };
	entry.sheet.replaceSync(css);
	entry.handle.textContent = css;
	ranks.set(entry.sheet, entry.rank);
	entries.set(key, entry);
	insert(entry);
	return entry.handle;
}

export function removeCSS(key: string): void {
	const known = entries.get(key);
	if (!known) {
		return;
	}
	entries.delete(key);
	document.adoptedStyleSheets = document.adoptedStyleSheets.filter((sheet) => sheet !== known.sheet);
}

let anonymous = 0;
export function injectCSS(css: string, options: DynamicCssOptions = {}): HTMLStyleElement {
	anonymous += 1;
	return updateCSS(css, `anonymous-${anonymous}`, options);
}

export function clearContainerCache(): void {
	for (const key of [...entries.keys()]) {
		removeCSS(key);
	}
}

/** Asked for by @ant-design/icons: the console uses no shadow roots. */
export function getShadowRoot(): null {
	return null;
}

/** Asked for by @ant-design/icons. */
export function warningOnce(valid: boolean, message: string): void {
	if (!valid) {
		console.warn(message);
	}
}
