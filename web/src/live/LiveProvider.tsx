// Live data for React: the lamp's state, the newest events, and the refresh of what the events made old.
import { useQueryClient } from '@tanstack/react-query';
import { createContext, type ReactNode, useContext, useEffect, useMemo, useRef, useState } from 'react';
import type { PlatformEvent } from '../api/types';
import { Coalescer } from './coalesce';
import { connectLive } from './connect';
import type { LiveMessage, LiveState } from './engine';
import { allTopics, topicsOf } from './refresh';
import { Refresher } from './refresher';

/** Enough for the events page; older ones are read from the server. */
const KEPT_EVENTS = 500;

interface Live {
	state: LiveState;
	/** Newest first. */
	events: PlatformEvent[];
}

const LiveContext = createContext<Live>({ state: 'stopped', events: [] });

export function useLive(): Live {
	return useContext(LiveContext);
}

export function LiveProvider({ onSignedOut, children }: { onSignedOut: () => void; children: ReactNode }) {
	const client = useQueryClient();
	const [state, setState] = useState<LiveState>('connecting');
	const [events, setEvents] = useState<PlatformEvent[]>([]);
	const signedOut = useRef(onSignedOut);
	signedOut.current = onSignedOut;

	useEffect(() => {
		let fresh: PlatformEvent[] = [];
		const refresher = new Refresher({
			now: () => performance.now(),
			setTimeout: (run, ms) => window.setTimeout(run, ms),
			clearTimeout: (timer) => window.clearTimeout(timer),
			read: async (topic) => {
				const again = (): Promise<void> => client.invalidateQueries({ queryKey: [topic] }, { cancelRefetch: false });
				if (client.isFetching({ queryKey: [topic] }) > 0) {
					await again(); // begun before the event: its answer may be older
				}
				await again();
			},
		});
		const coalescer = new Coalescer(
			{
				now: () => performance.now(),
				setTimeout: (run, ms) => window.setTimeout(run, ms),
				clearTimeout: (timer) => window.clearTimeout(timer),
				isHidden: () => document.hidden,
			},
			(topics) => {
				const arrived = fresh;
				fresh = [];
				if (arrived.length > 0) {
					setEvents((known) => [...arrived.reverse(), ...known].slice(0, KEPT_EVENTS));
				}
				refresher.refresh(topics);
			},
		);
		const listen = (message: LiveMessage): void => {
			if (message.type === 'state') {
				setState(message.state);
				if (message.state === 'signedOut') {
					signedOut.current();
				}
			} else if (message.type === 'events') {
				fresh.push(...message.events);
				coalescer.add(message.events.flatMap(topicsOf));
			} else {
				coalescer.add(allTopics());
			}
		};
		const connection = connectLive(listen);
		const wake = (): void => coalescer.wake();
		document.addEventListener('visibilitychange', wake);
		return () => {
			document.removeEventListener('visibilitychange', wake);
			coalescer.stop();
			refresher.stop();
			connection.close();
		};
	}, [client]);

	const live = useMemo(() => ({ state, events }), [state, events]);
	return <LiveContext.Provider value={live}>{children}</LiveContext.Provider>;
}
