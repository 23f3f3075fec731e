// The way to the company's own log-in and back: what the gateway says in the address when it did not let somebody in.
const REASONS = ['provider', 'token', 'expired', 'refused', 'groups', 'name', 'taken', 'disabled'] as const;
export type Refusal = { reason: (typeof REASONS)[number] | 'other'; request: string };

/** "?logIn=groups&request=..." of the gateway; nothing of the address is shown but what is known, and a request's id. */
export function refusalOf(search: string): Refusal | null {
	const words = new URLSearchParams(search);
	const said = words.get('logIn');
	if (said === null) {
		return null;
	}
	const request = words.get('request') ?? '';
	return { reason: REASONS.find((known) => known === said) ?? 'other', request: /^[0-9a-f-]{36}$/.test(request) ? request : '' };
}

/** The page to come back to: this one, without what the last refusal said. */
export function wayBack({ pathname, search }: { pathname: string; search: string }): string {
	const words = new URLSearchParams(search);
	words.delete('logIn');
	words.delete('request');
	const rest = words.toString();
	const back = rest ? `${pathname}?${rest}` : pathname;
	return back.length <= 200 ? back : '/';
}
