// Who is signed in, and what the role may do. The cookie is the browser's; the CSRF token lives in memory only.
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { createContext, type ReactNode, useCallback, useContext, useEffect, useMemo, useState } from 'react';
import { ApiError, change, getJson, setCsrfToken, withQuery } from '../api/client';
import type { Me, Permissions } from '../api/types';
import { isOpenOn, type Rights, rightsOf } from '../lib/rights';

export type SessionState = 'asking' | 'signedIn' | 'signedOut' | 'unreachable';

interface Session {
	state: SessionState;
	me: Me | null;
	rights: Rights;
	/** The session was there and is gone: the sign-in page says so. */
	ended: boolean;
	ask: () => Promise<void>;
	signIn: (name: string, password: string) => Promise<void>;
	signOut: () => Promise<void>;
	expire: () => void;
}

const SessionContext = createContext<Session | null>(null);

export function useSession(): Session {
	const session = useContext(SessionContext);
	if (!session) {
		throw new Error('useSession outside SessionProvider');
	}
	return session;
}

/** What the gateway would let the caller do; what it would refuse is not offered. With an app (or an instance): there;
 * without: on anything. The gateway decides again at each call. */
export function useCan(on: { app?: string; instance?: string } = {}): (route: string) => boolean {
	const { rights } = useSession();
	const { app = '', instance = '' } = on;
	const isLimited = [...rights.values()].some(({ permitted, everywhere }) => permitted && !everywhere);
	const asksOne = isLimited && (app !== '' || instance !== '');
	const own = useQuery({
		queryKey: ['accounts', 'permissions', app, instance],
		enabled: asksOne,
		staleTime: 60_000,
		refetchInterval: false,
		queryFn: async ({ signal }) => rightsOf(await getJson<Permissions>(withQuery('/v1/me/permissions', { app, instance }), signal)),
	});
	const there = own.data;
	return useCallback((route) => (asksOne ? isOpenOn(route, rights, there) : rights.get(route)?.permitted === true), [asksOne, rights, there]);
}

/** One route; see useCan. */
export function useMay(route: string, on: { app?: string; instance?: string } = {}): boolean {
	return useCan(on)(route);
}

export function SessionProvider({ children }: { children: ReactNode }) {
	const client = useQueryClient();
	const [state, setState] = useState<SessionState>('asking');
	const [me, setMe] = useState<Me | null>(null);
	const [rights, setRights] = useState<Rights>(new Map());
	const [ended, setEnded] = useState(false);

	const ask = useCallback(async () => {
		try {
			const answer = await getJson<Me>('/v1/me');
			setCsrfToken(answer.csrfToken);
			setRights(rightsOf(await getJson<Permissions>('/v1/me/permissions')));
			setMe(answer);
			setEnded(false);
			setState('signedIn');
		} catch (cause) {
			const signedOut = cause instanceof ApiError && (cause.problem.status === 401 || cause.problem.status === 403);
			setMe(null);
			setState(signedOut ? 'signedOut' : 'unreachable');
		}
	}, []);

	const signIn = useCallback(
		async (name: string, password: string) => {
			await change('POST', '/v1/sessions', { name, password });
			await ask();
		},
		[ask],
	);

	const leave = useCallback(
		(hasEnded: boolean) => {
			setCsrfToken('');
			setMe(null);
			setEnded(hasEnded);
			setState('signedOut');
			client.clear();
		},
		[client],
	);

	const signOut = useCallback(async () => {
		await change('DELETE', '/v1/sessions');
		leave(false);
	}, [leave]);
	const expire = useCallback(() => leave(true), [leave]);

	useEffect(() => void ask(), [ask]);
	// A read that is refused for want of a session ends it here too, for example after a sign-out in another tab.
	useEffect(
		() =>
			client.getQueryCache().subscribe((event) => {
				const refused = event.type === 'updated' && event.action.type === 'error' ? event.action.error : null;
				if (refused instanceof ApiError && refused.problem.status === 401) {
					queueMicrotask(expire);
				}
			}),
		[client, expire],
	);

	const value = useMemo(
		() => ({ state, me, rights, ended, ask, signIn, signOut, expire }),
		[state, me, rights, ended, ask, signIn, signOut, expire],
	);
	return <SessionContext.Provider value={value}>{children}</SessionContext.Provider>;
}
