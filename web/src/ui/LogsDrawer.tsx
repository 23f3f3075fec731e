// What an instance wrote: the last lines, followed while the drawer is open.
import { useQuery } from '@tanstack/react-query';
import { Drawer, Select, Switch } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { getText, path, withQuery } from '../api/client';
import { cliCommand } from '../lib/cli';
import { CopyButton } from './CopyButton';
import { useFollow } from './LogView';
import { ReadError, Skeleton } from './Page';

const FOLLOW_MS = 2_000;

export function LogsDrawer({ name, onClose }: { name: string | null; onClose: () => void }) {
	const { t } = useTranslation();
	const [tail, setTail] = useState(200);
	const [follow, setFollow] = useState(true);
	const query = useQuery({
		queryKey: ['instanceLogs', name, tail],
		enabled: name !== null,
		refetchInterval: follow ? FOLLOW_MS : false,
		queryFn: ({ signal }) => getText(withQuery(path('instances', name ?? '', 'logs'), { tail }), signal),
	});
	const { box, onScroll } = useFollow(query.data?.length ?? 0);
	return (
		<Drawer
			title={name && t('instances/logsOf', { name })}
			open={name !== null}
			onClose={onClose}
			size={860}
			extra={
				<span className="sot-row">
					<label className="sot-row">
						<Switch size="small" checked={follow} onChange={setFollow} aria-label={t('instances/follow')} /> {t('instances/follow')}
					</label>
					<Select size="small" aria-label={t('instances/logs')} value={tail} onChange={setTail} options={[200, 1000, 5000].map((count) => ({ value: count, label: t('instances/logsLines', { count }) }))} />
					<CopyButton cli text={cliCommand('instance', 'logs', name ?? '')} />
				</span>
			}
		>
			{query.error && <ReadError error={query.error} updatedAtMs={query.dataUpdatedAt} onRetry={() => void query.refetch()} />}
			{query.isLoading ? (
				<Skeleton />
			) : (
				<div className="sot-log plain" ref={box} onScroll={onScroll} role="log" tabIndex={0} aria-label={t('instances/logs')}>
					{query.data || <span className="sot-quiet">{t('instances/logsEmpty')}</span>}
				</div>
			)}
		</Drawer>
	);
}
