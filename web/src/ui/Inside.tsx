// What runs in an instance now, and what is mounted there: asked of its host, not stored.
import { useQuery } from '@tanstack/react-query';
import { Table, type TableColumnsType } from 'antd';
import { useTranslation } from 'react-i18next';
import { getJson, path } from '../api/client';
import type { Inside as Seen, InsideMount, InsideProcess } from '../api/types';
import { formatBytes, formatDuration } from '../lib/format';
import { Panel, ReadError, Skeleton } from './Page';

const LOOK_MS = 5_000;

function cut(shown: number, total: number): string {
	return total > shown ? ` (${shown} / ${total})` : ` (${total})`;
}

export function Inside({ name }: { name: string }) {
	const { t } = useTranslation();
	const query = useQuery({
		queryKey: ['inside', name],
		refetchInterval: LOOK_MS,
		queryFn: ({ signal }) => getJson<Seen>(path('instances', name, 'inside'), signal),
	});
	const processes: TableColumnsType<InsideProcess> = [
		{ title: 'PID', key: 'pid', align: 'right', width: 80, sorter: (a, b) => a.pid - b.pid, render: (_, row) => <span className="sot-num">{row.pid}</span> },
		{ title: t('inside/parent'), key: 'parent', align: 'right', width: 90, render: (_, row) => <span className="sot-num">{row.parent || '–'}</span> },
		{ title: 'UID', key: 'uid', align: 'right', width: 80, render: (_, row) => <span className="sot-num">{row.uid}</span> },
		{ title: t('field/state'), key: 'state', width: 70, render: (_, row) => <span className="sot-mono">{row.state}</span> },
		{ title: t('inside/threads'), key: 'threads', align: 'right', width: 90, render: (_, row) => <span className="sot-num">{row.threads}</span> },
		{ title: t('field/memory'), key: 'memory', align: 'right', width: 110, sorter: (a, b) => a.memoryRssBytes - b.memoryRssBytes, render: (_, row) => <span className="sot-num">{formatBytes(row.memoryRssBytes)}</span> },
		{ title: t('field/cpu'), key: 'cpu', align: 'right', width: 110, sorter: (a, b) => a.cpuMs - b.cpuMs, render: (_, row) => <span className="sot-num">{formatDuration(row.cpuMs)}</span> },
		{ title: t('inside/command'), key: 'command', render: (_, row) => <span className="sot-mono">{row.command}</span> },
	];
	const mounts: TableColumnsType<InsideMount> = [
		{ title: t('inside/target'), key: 'target', render: (_, row) => <span className="sot-mono">{row.target}</span> },
		{ title: t('inside/type'), key: 'type', width: 120, render: (_, row) => row.type },
		{ title: t('inside/source'), key: 'source', render: (_, row) => <span className="sot-mono">{row.source}</span> },
		{ title: t('inside/options'), key: 'options', render: (_, row) => <span className="sot-mono sot-small">{row.options}</span> },
	];
	const seen = query.data;
	if (query.isLoading) {
		return <Skeleton />;
	}
	return (
		<>
			{query.error && <ReadError error={query.error} updatedAtMs={query.dataUpdatedAt} onRetry={() => void query.refetch()} />}
			{seen && (
				<>
					<Panel title={t('inside/processes') + cut(seen.processes.length, seen.processesTotal)} flush>
						<Table size="small" rowKey="pid" pagination={false} columns={processes} dataSource={seen.processes} scroll={{ x: 'max-content' }} />
					</Panel>
					<Panel title={t('inside/mounts') + cut(seen.mounts.length, seen.mountsTotal)} flush>
						<Table size="small" rowKey={(row) => `${row.target} ${row.source} ${row.options}`} pagination={false} columns={mounts} dataSource={seen.mounts} scroll={{ x: 'max-content' }} />
					</Panel>
				</>
			)}
		</>
	);
}
