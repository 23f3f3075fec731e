// Every read of the console. The first word of a key is the topic that events refresh (live/refresh.ts).
import { keepPreviousData, useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { useEffect, useMemo, useRef, useState } from 'react';
import { type HostOfMap, MAP_FIELDS } from '../lib/hostMap';
import type { Topic } from '../live/refresh';
import { fromListItem, parseCursor } from '../live/events';
import { ApiError, change, getJson, path, withQuery } from './client';
import type {
	Address,
	AddressEvent,
	App,
	AppSettings,
	AppVersion,
	AuditRow,
	Capacity,
	DeadLetter,
	Elastic,
	ElasticDecision,
	Finding,
	Forecast,
	Grant,
	Group,
	Host,
	HostCleanup,
	HostContainer,
	Image,
	ImageDetail,
	ImageInstance,
	Instance,
	InstanceWhy,
	Ipam,
	LogLine,
	Login,
	Middleware,
	MiddlewareApp,
	MiddlewareInstance,
	MonitorRequest,
	Monitoring,
	Machine,
	MachineLine,
	NewApp,
	Operation,
	Overview,
	Page,
	Plan,
	Pool,
	PlatformEvent,
	Subnet,
	SubnetMap,
	Team,
	Token,
	User,
	Vlan,
	Webhook,
} from './types';

const PAGE_SIZE = 200;
/** What the API gives at most. */
const PAGE_MAX = 500;
/** Open operations move without an event for each step and line: they are read this often while they are looked at. */
export const OPERATION_POLL_MS = 700;

export type Filter = Record<string, string | undefined>;

export interface List<T> {
	items: T[];
	total: number;
	isLoading: boolean;
	isFetching: boolean;
	error: Error | null;
	updatedAtMs: number;
	/** What is shown was read for another filter: the answer to this one is on its way. */
	isOld?: boolean;
	hasMore: boolean;
	loadMore: () => void;
	retry: () => void;
}

function useList<T>(topic: Topic, url: string, filter: Filter = {}, enabled = true, pageSize = PAGE_SIZE): List<T> {
	const query = useInfiniteQuery({
		enabled,
		queryKey: [topic, 'list', url, filter],
		queryFn: ({ pageParam, signal }) =>
			getJson<Page<T>>(withQuery(url, { ...filter, limit: pageSize, after: pageParam }), signal),
		initialPageParam: '',
		getNextPageParam: (last) => last.next ?? undefined,
		placeholderData: keepPreviousData,
	});
	const pages = query.data?.pages;
	const items = useMemo(() => (pages ?? []).flatMap((page) => page.items), [pages]);
	return {
		items,
		total: pages?.[0]?.total ?? items.length,
		isLoading: query.isLoading,
		isFetching: query.isFetching,
		error: query.error,
		updatedAtMs: query.dataUpdatedAt,
		isOld: query.isPlaceholderData && query.isFetching,
		hasMore: query.hasNextPage,
		loadMore: () => void query.fetchNextPage(),
		retry: () => void query.refetch(),
	};
}

export const useHosts = (filter: Filter = {}) => useList<Host>('hosts', '/v1/hosts', filter);
export const useHostsOfMap = () => useList<HostOfMap>('hosts', '/v1/hosts', { fields: MAP_FIELDS }, true, PAGE_MAX);
export const useMachines = (filter: Filter = {}) => useList<Machine>('machines', '/v1/machines', filter);
export const useApps = (filter: Filter = {}) => useList<App>('apps', '/v1/apps', filter);
export const useInstances = (filter: Filter = {}) => useList<Instance>('instances', '/v1/instances', filter);
export const useOperations = (filter: Filter = {}) => useList<Operation>('operations', '/v1/operations', filter);
export const useAudit = (filter: Filter, enabled: boolean) => useList<AuditRow>('audit', '/v1/audit', filter, enabled);
export const useVlans = () => useList<Vlan>('vlans', '/v1/vlans');
export const usePools = () => useList<Pool>('vlans', '/v1/pools');
export const useSubnets = (filter: Filter = {}) => useList<Subnet>('vlans', '/v1/subnets', filter);
export const useAddresses = (filter: Filter = {}) => useList<Address>('addresses', '/v1/addresses', filter);
export const useImages = () => useList<Image>('images', '/v1/images');
export const useImageInstances = (image: string, filter: Filter = {}) => useList<ImageInstance>('images', path('images', image, 'instances'), filter);
export const usePlans = () => useList<Plan>('images', '/v1/plans');
export const useGroups = (app: string) => useList<Group>('apps', path('apps', app, 'groups'));
export const useMiddleware = () => useList<Middleware>('versions', '/v1/middleware');
export const useMiddlewareVersions = (name: string) => useList<AppVersion>('versions', path('middleware', name, 'versions'));
export const useMiddlewareInstances = (name: string) => useList<MiddlewareInstance>('instances', path('middleware', name, 'instances'));
export const useMiddlewareApps = (name: string) => useList<MiddlewareApp>('instances', path('middleware', name, 'apps'));
export const useVersions = (app: string) => useList<AppVersion>('versions', path('apps', app, 'versions'));

export const useUsers = () => useList<User>('accounts', '/v1/users');
export const useGrants = (filter: Filter = {}) => useList<Grant>('accounts', '/v1/grants', filter);
export const useTokens = () => useList<Token>('accounts', '/v1/tokens');
export const useLogins = () => useList<Login>('accounts', '/v1/sessions');
export const useTeams = () => useList<Team>('teams', '/v1/teams');
export const useWebhooks = () => useList<Webhook>('webhooks', '/v1/webhooks');
export const useDeadLetters = (webhook: string) => useList<DeadLetter>('webhooks', path('webhooks', webhook, 'dead-letters'));

export const useFindings = () => useList<Finding>('addresses', '/v1/ipam/findings');

/** With a time: only the event that was in force then. */
export function useAddressHistory(address: string, filter: Filter = {}) {
	return useList<AddressEvent>('addresses', path('addresses', address, 'history'), filter);
}

export function useIpam() {
	return useQuery({ queryKey: ['addresses', 'ipam'], queryFn: ({ signal }) => getJson<Ipam>('/v1/ipam', signal) });
}

export function useSubnetMap(cidr: string, vrf: string) {
	return useQuery({
		queryKey: ['addresses', 'map', cidr, vrf],
		queryFn: ({ signal }) => getJson<SubnetMap>(withQuery(path('subnets', cidr, 'map'), { vrf }), signal),
	});
}

export function useOverview() {
	return useQuery({ queryKey: ['overview'], queryFn: ({ signal }) => getJson<Overview>('/v1/overview', signal) });
}

export function useCapacity() {
	return useQuery({ queryKey: ['hosts', 'capacity'], queryFn: ({ signal }) => getJson<Capacity>('/v1/capacity', signal) });
}

/** Bridges tell of themselves with every renewal of their lease, not by events. */
export const MONITOR_POLL_MS = 3000;
/** An answer takes a bridge's next look at its questions, about a second. */
const ANSWER_POLL_MS = 500;

export function useMonitoring() {
	return useQuery({
		queryKey: ['monitor', 'status'],
		queryFn: ({ signal }) => getJson<Monitoring>('/v1/monitor', signal),
		refetchInterval: MONITOR_POLL_MS,
	});
}

/** What was asked, until it is answered; undefined id: nothing was asked. */
export function useMonitorRequest(id: string | undefined) {
	return useQuery({
		queryKey: ['monitor', 'request', id],
		queryFn: ({ signal }) => getJson<MonitorRequest>(path('monitor', 'requests', id ?? ''), signal),
		enabled: id !== undefined,
		refetchInterval: (query) => (query.state.data?.answer ? false : ANSWER_POLL_MS),
	});
}

export function useInstanceWhy(name: string) {
	return useQuery({
		queryKey: ['instances', 'why', name],
		queryFn: ({ signal }) => getJson<InstanceWhy>(path('instances', name, 'why'), signal),
	});
}

/** What `count` instances of the app would mean now; nothing is changed. */
export function useForecast(app: string, count: number, group = '') {
	return useQuery({
		queryKey: ['instances', 'forecast', app, count, group],
		queryFn: () => change<Forecast>('POST', path('apps', app, 'scale'), { count, ...(group ? { group } : {}), dryRun: true }),
		placeholderData: keepPreviousData,
	});
}

/** What the app of this body would mean now; null: there is not enough to ask for. */
export function useNewAppForecast(body: NewApp | null) {
	return useQuery({
		enabled: body !== null,
		queryKey: ['instances', 'newAppForecast', body],
		queryFn: () => change<Forecast>('POST', path('apps'), { ...body, dryRun: true }),
		placeholderData: keepPreviousData,
		retry: false,
	});
}

export function useHost(name: string) {
	return useQuery({
		queryKey: ['hosts', 'one', name],
		queryFn: ({ signal }) => getJson<Host>(path('hosts', name), signal),
	});
}

export function useImage(name: string) {
	return useQuery({
		queryKey: ['images', 'one', name],
		queryFn: ({ signal }) => getJson<ImageDetail>(path('images', name), signal),
	});
}

export function useApp(name: string) {
	return useQuery({
		queryKey: ['apps', 'one', name],
		queryFn: ({ signal }) => getJson<App>(path('apps', name), signal),
	});
}

export function useAppSettings(name: string) {
	return useQuery({
		queryKey: ['apps', 'settings', name],
		queryFn: ({ signal }) => getJson<AppSettings>(path('apps', name, 'settings'), signal),
	});
}

/** Of a group, or with '' of the app as a whole; null: it has no rules. */
export function useElastic(app: string, group: string) {
	return useQuery({
		queryKey: ['elastic', 'one', app, group],
		queryFn: async ({ signal }) => {
			try {
				return await getJson<Elastic>(withQuery(path('apps', app, 'elastic'), { group }), signal);
			} catch (cause) {
				if (cause instanceof ApiError && cause.problem.status === 404) {
					return null;
				}
				throw cause;
			}
		},
	});
}
export const useElasticDecisions = (app: string, group: string) => useList<ElasticDecision>('elastic', path('apps', app, 'elastic', 'decisions'), { group });

export const useHostCleanup = (name: string) => useList<HostCleanup>('hosts', path('hosts', name, 'cleanup'));

export const useHostContainers = (name: string) => useList<HostContainer>('hosts', path('hosts', name, 'containers'));

export function useInstance(name: string) {
	return useQuery({
		queryKey: ['instances', 'one', name],
		queryFn: ({ signal }) => getJson<Instance>(path('instances', name), signal),
	});
}

export function isOpen(operation: Operation | undefined): boolean {
	return operation?.state === 'queued' || operation?.state === 'running';
}

export function useOperation(id: string) {
	return useQuery({
		queryKey: ['operations', 'one', id],
		queryFn: ({ signal }) => getJson<Operation>(path('operations', id), signal),
		refetchInterval: (query) => (isOpen(query.state.data) ? OPERATION_POLL_MS : false),
	});
}

/** Appends lines that are newer than the last one held: a repeated or late answer changes nothing. */
export function appendLines(held: LogLine[], arrived: LogLine[]): LogLine[] {
	const last = held[held.length - 1]?.line ?? -1;
	const fresh = arrived.filter((line) => line.line > last);
	return fresh.length > 0 ? [...held, ...fresh] : held;
}

/** The log of an operation from its first line, growing by cursor while the operation is open. */
export function useOperationLog(id: string, open: boolean | undefined): { lines: LogLine[]; error: Error | null } {
	const [lines, setLines] = useState<LogLine[]>([]);
	const [error, setError] = useState<Error | null>(null);
	const held = useRef<LogLine[]>([]);
	useEffect(() => {
		held.current = [];
		setLines([]);
	}, [id]);
	useEffect(() => {
		if (open === undefined) {
			return undefined;
		}
		const over = new AbortController();
		let timer = 0;
		let showsEnd = false;
		const part = (after: number | undefined, limit: number): Promise<Page<LogLine>> => getJson<Page<LogLine>>(withQuery(path('operations', id, 'log'), { after, limit }), over.signal);
		/** Of a long log the end is there at once; the rest is read behind it. */
		const showEnd = async (): Promise<void> => {
			const { total } = await part(undefined, 1);
			if (total > 2 * PAGE_MAX) {
				setLines((await part(total - PAGE_MAX, PAGE_MAX)).items);
				showsEnd = true;
			}
		};
		const read = async (): Promise<void> => {
			try {
				if (held.current.length === 0 && !showsEnd) {
					await showEnd();
				}
				const page = await part(held.current[held.current.length - 1]?.line, PAGE_MAX);
				held.current = appendLines(held.current, page.items);
				const isWhole = page.items.length < PAGE_MAX;
				if (isWhole || !showsEnd) {
					setLines(held.current);
				}
				setError(null);
				if (!isWhole) {
					return await read();
				}
				showsEnd = false;
			} catch (cause) {
				if (over.signal.aborted) {
					return;
				}
				setError(cause instanceof Error ? cause : new Error(String(cause)));
			}
			if (open && !over.signal.aborted) {
				timer = window.setTimeout(() => void read(), OPERATION_POLL_MS);
			}
		};
		void read();
		return () => {
			over.abort();
			window.clearTimeout(timer);
		};
	}, [id, open]);
	return { lines, error };
}

const RECENT_EVENTS = 200;

/** The newest events, newest first: where the stream stands now (any list says), and what came before. */
export function useRecentEvents() {
	return useQuery({
		queryKey: ['recentEvents'],
		staleTime: Infinity,
		queryFn: async ({ signal }): Promise<PlatformEvent[]> => {
			const head = await getJson<Page<unknown>>('/v1/apps?limit=1', signal);
			const end = parseCursor(head.cursor)?.number ?? 0;
			const after = Math.max(0, end - RECENT_EVENTS);
			const page = await getJson<Page<unknown>>(withQuery('/v1/events', { after, limit: RECENT_EVENTS }), signal);
			return page.items
				.map(fromListItem)
				.filter((event) => event !== null)
				.reverse();
		},
	});
}

/** A stretch of events; what is not kept any more is left out: it is the end of the way back. */
async function eventStretch(filter: Filter, after: number, limit: number, signal: AbortSignal): Promise<{ items: unknown[]; isEnd: boolean }> {
	try {
		const { items } = await getJson<Page<unknown>>(withQuery('/v1/events', { ...filter, after, limit }), signal);
		return { items, isEnd: after === 0 };
	} catch (cause) {
		if (!(cause instanceof ApiError && cause.problem.status === 410)) {
			throw cause;
		}
		const { items } = await getJson<Page<unknown>>(withQuery('/v1/events', { ...filter, limit }), signal);
		return { items, isEnd: true };
	}
}

/** Committed events from the newest back, a stretch of numbers at a time. */
export function usePastEvents(filter: Filter, stretch = RECENT_EVENTS): List<PlatformEvent> & { pages: number } {
	const query = useInfiniteQuery({
		queryKey: ['events', 'past', filter, stretch],
		initialPageParam: -1,
		queryFn: async ({ pageParam, signal }) => {
			const head = pageParam < 0 ? await getJson<Page<unknown>>('/v1/apps?limit=1', signal) : null;
			const before = head ? (parseCursor(head.cursor)?.number ?? 0) + 1 : pageParam;
			const after = Math.max(0, before - 1 - stretch);
			const read = await eventStretch(filter, after, stretch, signal);
			const items = read.items.map(fromListItem).filter((event) => event !== null && event.number < before) as PlatformEvent[];
			return { items: items.reverse(), first: read.isEnd ? 1 : after + 1 };
		},
		getNextPageParam: (last) => (last.first > 1 ? last.first : undefined),
		placeholderData: keepPreviousData,
	});
	const pages = query.data?.pages;
	const items = useMemo(() => (pages ?? []).flatMap((page) => page.items), [pages]);
	return {
		items,
		pages: pages?.length ?? 0,
		total: items.length,
		isLoading: query.isLoading,
		isFetching: query.isFetching,
		error: query.error,
		updatedAtMs: query.dataUpdatedAt,
		hasMore: query.hasNextPage,
		loadMore: () => void query.fetchNextPage(),
		retry: () => void query.refetch(),
	};
}

/** Live events before stored ones, each number once, newest first. */
export function mergeEvents(live: PlatformEvent[], stored: PlatformEvent[]): PlatformEvent[] {
	const seen = new Set<string>();
	return [...live, ...stored]
		.sort((a, b) => (a.stream === b.stream ? b.number - a.number : 0))
		.filter((event) => {
			const key = `${event.stream}.${event.number}`;
			return !seen.has(key) && seen.add(key);
		});
}

/** A machine as it was imported; null: this host was taken in by hand. */
export function useMachine(name: string) {
	return useQuery({
		queryKey: ['machines', 'one', name],
		queryFn: async ({ signal }) => {
			try {
				return await getJson<Machine>(path('machines', name), signal);
			} catch (cause) {
				if (cause instanceof ApiError && cause.problem.status === 404) {
					return null;
				}
				throw cause;
			}
		},
	});
}

/** A log that nothing was written into for so long is asked for less often. */
const LOG_RESTS_MS = 60_000;
const RESTING_POLL_MS = 5_000;

/** Every line that runs of the playbook told about a machine, read on while it is looked at. */
export function useMachineLog(name: string | null): { lines: MachineLine[]; error: Error | null; retry: () => void } {
	const seen = useRef<{ name: string | null; lines: MachineLine[] }>({ name: null, lines: [] });
	const query = useQuery<MachineLine[]>({
		queryKey: ['machineLog', name],
		enabled: name !== null,
		refetchInterval: ({ state }) => (Date.now() - Date.parse(state.data?.at(-1)?.at ?? '') < LOG_RESTS_MS ? OPERATION_POLL_MS : RESTING_POLL_MS),
		queryFn: async ({ signal }) => {
			let lines = seen.current.name === name ? seen.current.lines : [];
			for (let isWhole = false; !isWhole; ) {
				const page = await getJson<Page<MachineLine>>(withQuery(path('machines', name ?? '', 'log'), { limit: PAGE_MAX, after: lines.at(-1)?.line }), signal);
				lines = page.items.length > 0 ? [...lines, ...page.items] : lines;
				isWhole = page.items.length < PAGE_MAX;
			}
			seen.current = { name, lines };
			return lines;
		},
	});
	return { lines: query.data ?? [], error: query.error, retry: () => void query.refetch() };
}
