// Who is signed in, and what the role may do. The cookie is the browser's; the CSRF token lives in memory only.
import { useQueryClient } from '@tanstack/react-query';
import { createContext, type ReactNode, useCallback, useContext, useEffect, useMemo, useState } from 'react';
import { ApiError, change, getJson, setCsrfToken } from '../api/client';
import type { Me } from '../api/types';

export type SessionState = 'asking' | 'signedIn' | 'signedOut' | 'unreachable';

interface Session {
	state: SessionState;
	me: Me | null;
	/** The session was there and is gone: the sign-in page says so. */
	ended: boolean;
	ask: () => Promise<void>;
	signIn: (name: string, password: string) => Promise<void>;
	signOut: () => Promise<void>;
	expire: () => void;
}

const SessionContext = createContext<Session | null>(null);

const RANK: Record<string, number> = { viewer: 0, developer: 1, middleware: 2, operator: 3, admin: 4 };

/** The gateway decides; the console only greys out what it would refuse. */
type Needed = 'developer' | 'operator' | 'admin';

export function roleAllows(role: string, needed: Needed): boolean {
	return (RANK[role] ?? 0) >= (RANK[needed] ?? 0);
}

export function useSession(): Session {
	const session = useContext(SessionContext);
	if (!session) {
		throw new Error('useSession outside SessionProvider');
	}
	return session;
}

export function useMay(needed: Needed = 'developer'): boolean {
	return roleAllows(useSession().me?.role ?? '', needed);
}

export function SessionProvider({ children }: { children: ReactNode }) {
	const client = useQueryClient();
	const [state, setState] = useState<SessionState>('asking');
	const [me, setMe] = useState<Me | null>(null);
	const [ended, setEnded] = useState(false);

	const ask = useCallback(async () => {
		try {
			const answer = await getJson<Me>('/v1/me');
			setCsrfToken(answer.csrfToken);
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
		() => ({ state, me, ended, ask, signIn, signOut, expire }),
		[state, me, ended, ask, signIn, signOut, expire],
	);
	return <SessionContext.Provider value={value}>{children}</SessionContext.Provider>;
}
