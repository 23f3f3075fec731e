// What a host or an instance uses, as live plots. Samples are kept while the console is open, so that a plot goes on when
// one comes back to its page.
import { useQuery } from '@tanstack/react-query';
import { lazy, Suspense, useEffect, useMemo, useReducer } from 'react';
import { useTranslation } from 'react-i18next';
import { getJson, path } from '../api/client';
import type { HostUsage } from '../api/types';
import { formatBytes, formatCores } from '../lib/format';
import { addSample, figure, type Figures, type Line } from '../lib/usage';
import { Panel, ReadError, Skeleton } from './Page';
import type { PlotProps } from './Plot';

const Plot = lazy(() => import('./Plot'));

/** Agents report each 10 s; asked twice as often, no report is missed. */
const POLL_MS = 5_000;
const kept = new Map<string, Figures[]>();

function useSamples(key: string, figures: Figures | undefined): { samples: Figures[]; count: number } {
	const samples = useMemo(() => {
		const held = kept.get(key) ?? [];
		kept.set(key, held);
		return held;
	}, [key]);
	const [, drawAgain] = useReducer((turn: number) => turn + 1, 0);
	useEffect(() => {
		if (figures && addSample(samples, figures)) {
			drawAgain();
		}
	}, [samples, figures]);
	return { samples, count: samples.length };
}

const cores = (value: number): string => formatCores(value);
const bytes = (value: number): string => formatBytes(value);
const rate = (value: number): string => `${formatBytes(value)}/s`;
const percent = (value: number): string => `${Number(value.toFixed(1))} %`;
const plain = (value: number): string => String(Math.round(value * 100) / 100);

type Wanted = Omit<PlotProps, 'samples' | 'count'>;

function Plots({ plots, samples, count }: { plots: Wanted[]; samples: Figures[]; count: number }) {
	return (
		<Suspense fallback={<Skeleton />}>
			<div className="sot-plots">
				{plots.map((plot) => <Plot key={plot.title} {...plot} samples={samples} count={count} />)}
			</div>
		</Suspense>
	);
}

function number(figures: Figures | undefined, name: string): number | undefined {
	const value = figures?.[name];
	return typeof value === 'number' && value > 0 ? value : undefined;
}

export function useHostUsage(name: string) {
	return useQuery({
		queryKey: ['usage', 'hosts', name],
		refetchInterval: POLL_MS,
		queryFn: ({ signal }) => getJson<HostUsage>(path('hosts', name, 'usage'), signal),
	});
}

export function HostLoad({ name }: { name: string }) {
	const { t } = useTranslation();
	const query = useHostUsage(name);
	const figures = query.data?.host;
	const { samples, count } = useSamples(`host ${name}`, figures);
	const memory = number(figures, 'memoryTotalBytes');
	const plots = useMemo<Wanted[]>(() => {
		const line = (label: string, of: Line['of']): Line => ({ label, of });
		return [
			{ title: t('field/cpu'), format: percent, top: 100, lines: [line(t('load/user'), figure('cpuUserPermille', 0.1)), line(t('load/iowait'), figure('cpuIowaitPermille', 0.1)), line(t('load/system'), figure('cpuSystemPermille', 0.1))] },
			{ title: t('load/load'), format: plain, lines: [line('1 min', figure('load1Milli', 0.001)), line('15 min', figure('load15Milli', 0.001))] },
			{
				title: t('field/memory'),
				format: bytes, binary: true,
				...(memory ? { top: memory } : {}),
				lines: [line(t('load/used'), (one) => (typeof one['memoryTotalBytes'] === 'number' && typeof one['memoryAvailableBytes'] === 'number' ? one['memoryTotalBytes'] - one['memoryAvailableBytes'] : null))],
			},
			{ title: t('load/network'), format: rate, binary: true, lines: [line(t('load/in'), figure('rxBytesPerSecond')), line(t('load/out'), figure('txBytesPerSecond'))] },
			{ title: t('load/io'), format: rate, binary: true, lines: [line(t('load/read'), figure('readBytesPerSecond')), line(t('load/write'), figure('writeBytesPerSecond'))] },
			{ title: t('load/dockerPing'), format: (value) => `${plain(value)} ms`, lines: [line(t('field/docker'), figure('dockerPingMs'))] },
		];
	}, [t, memory]);
	return (
		<Panel title={t('load/title')} extra={<span className="sot-muted sot-small">{t('load/since')}</span>}>
			{query.error && <ReadError error={query.error} updatedAtMs={query.dataUpdatedAt} onRetry={() => void query.refetch()} />}
			<Plots plots={plots} samples={samples} count={count} />
		</Panel>
	);
}

export function InstanceLoad({ name }: { name: string }) {
	const { t } = useTranslation();
	const query = useQuery({
		queryKey: ['usage', 'instances', name],
		refetchInterval: POLL_MS,
		queryFn: ({ signal }) => getJson<Figures>(path('instances', name, 'usage'), signal),
	});
	const figures = query.data;
	const { samples, count } = useSamples(`instance ${name}`, figures);
	const cpu = number(figures, 'cpuLimitMilli');
	const memory = number(figures, 'memoryLimitBytes');
	const disk = number(figures, 'diskLimitBytes');
	const plots = useMemo<Wanted[]>(() => {
		const line = (label: string, of: Line['of']): Line => ({ label, of });
		return [
			{ title: t('load/cpuCores'), format: cores, ...(cpu ? { top: cpu } : {}), lines: [line(t('load/used'), figure('cpuMilli'))] },
			{ title: t('load/throttled'), format: percent, top: 100, lines: [line(t('load/throttled'), figure('cpuThrottledPermille', 0.1))] },
			{ title: t('field/memory'), format: bytes, binary: true, ...(memory ? { top: memory } : {}), lines: [line(t('load/workingSet'), figure('memoryWorkingSetBytes')), line(t('load/cache'), figure('memoryCacheBytes'))] },
			{ title: t('field/disk'), format: bytes, binary: true, ...(disk ? { top: disk } : {}), lines: [line(t('load/used'), figure('diskUsedBytes'))] },
			{ title: t('load/network'), format: rate, binary: true, lines: [line(t('load/in'), figure('rxBytesPerSecond')), line(t('load/out'), figure('txBytesPerSecond'))] },
			{ title: t('load/io'), format: rate, binary: true, lines: [line(t('load/read'), figure('readBytesPerSecond')), line(t('load/write'), figure('writeBytesPerSecond'))] },
			{ title: t('load/processes'), format: plain, lines: [line(t('load/processes'), figure('pids'))] },
		];
	}, [t, cpu, memory, disk]);
	return (
		<Panel title={t('load/title')} extra={<span className="sot-muted sot-small">{t('load/since')}</span>}>
			{query.error && <ReadError error={query.error} updatedAtMs={query.dataUpdatedAt} onRetry={() => void query.refetch()} />}
			<Plots plots={plots} samples={samples} count={count} />
		</Panel>
	);
}
