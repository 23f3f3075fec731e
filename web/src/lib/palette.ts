// What the palette finds. Pure: the lists that were read, and what was typed.

export type FoundKind = 'page' | 'host' | 'app' | 'instance' | 'address' | 'operation' | 'user';

export interface Found {
	kind: FoundKind;
	name: string;
	to: string;
	hint: string;
}

const MOST = 20;

/** Best first: the whole name, then its beginning, then anywhere; what is alike stays in its order. */
export function rank(found: Found[], typed: string): Found[] {
	const word = typed.trim().toLowerCase();
	const score = ({ name }: Found): number => {
		const lower = name.toLowerCase();
		return lower === word ? 0 : lower.startsWith(word) ? 1 : lower.includes(word) ? 2 : 3;
	};
	const seen = new Set<string>();
	return found
		.map((one, order) => ({ one, order, score: score(one) }))
		.filter(({ one, score: points }) => points < 3 && !seen.has(one.to) && seen.add(one.to))
		.sort((a, b) => a.score - b.score || a.order - b.order)
		.slice(0, MOST)
		.map(({ one }) => one);
}

/** A whole address; a part of one is not asked for. */
export function isAddress(typed: string): boolean {
	return /^\d{1,3}(\.\d{1,3}){3}$|^[0-9a-f]*:[0-9a-f:.]+$/i.test(typed.trim());
}

export function isOperationId(typed: string): boolean {
	return /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(typed.trim());
}
