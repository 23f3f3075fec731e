// What preflight finds on a host, with how to mend it, and what clean-up has freed there.
import { type TableColumnsType } from 'antd';
import { useTranslation } from 'react-i18next';
import { useHostCleanup } from '../api/queries';
import type { HostCleanup } from '../api/types';
import { formatBytes } from '../lib/format';
import { DataTable } from './DataTable';
import { useHostUsage } from './Load';
import { Empty, Panel, Skeleton } from './Page';
import { Time } from './Time';

const TONE = { error: 'bad', warning: 'warn', note: '' } as const;

export function HostFindings({ name }: { name: string }) {
	const { t } = useTranslation();
	const query = useHostUsage(name);
	const findings = query.data?.findings;
	return (
		<Panel title={t('hosts/findings')}>
			{query.isLoading && <Skeleton rows={3} />}
			{findings?.length === 0 && <Empty title={t('hosts/noFindings')} />}
			{!findings && !query.isLoading && <span className="sot-muted">{t('hosts/findingsUnknown')}</span>}
			<div className="sot-gap">
				{findings?.map((one) => (
					<div key={one.id} className={`sot-notice ${TONE[one.severity]}`} data-finding={one.id}>
						<div className="sot-stack">
							<strong>{t(`severity/${one.severity}`)}: {one.what}</strong>
							<span>{one.why}</span>
							<span>{t('hosts/mend')}: {one.mend}</span>
							{one.seen && <span className="sot-muted sot-small sot-mono">{one.seen}</span>}
						</div>
					</div>
				))}
			</div>
		</Panel>
	);
}

export function HostCleanups({ name }: { name: string }) {
	const { t } = useTranslation();
	const list = useHostCleanup(name);
	const columns: TableColumnsType<HostCleanup> = [
		{ title: t('hosts/policy'), key: 'policy', render: (_, row) => <span className="sot-mono">{row.policy}</span> },
		{ title: t('hosts/mode'), key: 'mode', dataIndex: 'mode' },
		{ title: t('hosts/freed'), key: 'bytes', align: 'right', render: (_, row) => <span className="sot-num">{formatBytes(row.bytes)}</span> },
		{ title: t('hosts/entries'), key: 'entries', align: 'right', render: (_, row) => <span className="sot-num">{row.entries}</span> },
		{ title: t('hosts/lastFreed'), key: 'last', align: 'right', render: (_, row) => <span className="sot-num">{formatBytes(row.lastBytes)}</span> },
		{ title: t('hosts/lastRun'), key: 'at', render: (_, row) => <Time at={row.lastAt} as="ago" /> },
	];
	return <DataTable list={list} columns={columns} rowKey={(row) => `${row.policy} ${row.mode}`} label={t('hosts/cleanup')} title={t('hosts/cleanup')} empty={{ title: t('hosts/noCleanup') }} />;
}
