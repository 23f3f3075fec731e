// What the caller may do, from what the gateway says of its routes. Pure.
import type { Permissions } from '../api/types';

/** Which routes (by the names of openapi.json) are open: everywhere, or at least on something. */
export type Rights = Map<string, { permitted: boolean; everywhere: boolean }>;

export function rightsOf(answer: Permissions): Rights {
	return new Map(answer.routes.map(({ operation, permitted, everywhere }) => [operation, { permitted, everywhere }]));
}

/** Open on one app: everywhere, or as the answer that was asked about this app says. While that is not there: no. */
export function isOpenOn(route: string, all: Rights, own: Rights | undefined): boolean {
	const right = all.get(route);
	return right?.everywhere === true || (right?.permitted === true && own?.get(route)?.permitted === true);
}
