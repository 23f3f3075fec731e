// Every change that was asked for, newest first.
import { Progress, Select, type TableColumnsType } from 'antd';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router-dom';
import { useApps, useOperations } from '../api/queries';
import type { Operation } from '../api/types';
import { apiWord } from '../i18n';
import { elapsedMs, formatDuration, percentOf } from '../lib/format';
import { useFilters } from '../lib/useFilters';
import { DataTable } from '../ui/DataTable';
import { PageHead, useTitle } from '../ui/Page';
import { OperationState } from '../ui/StateTag';
import { Time, useNow } from '../ui/Time';

const STATES = ['queued', 'running', 'done', 'failed', 'cancelled'];

export function Took({ operation }: { operation: Pick<Operation, 'createdAt' | 'finishedAt'> }) {
	const now = useNow();
	return <span className="sot-num">{formatDuration(elapsedMs(operation.createdAt, operation.finishedAt, now))}</span>;
}

export function OperationProgress({ operation }: { operation: Operation }) {
	const { t } = useTranslation();
	const { done, total } = operation.progress;
	const status = operation.state === 'failed' ? 'exception' : operation.state === 'done' ? 'success' : operation.state === 'cancelled' ? 'normal' : 'active';
	return (
		<Progress
			percent={operation.state === 'done' ? 100 : Math.round(percentOf(done, total))}
			status={status}
			size="small"
			format={() => <span className="sot-num">{t('common/of', { part: done, total })}</span>}
			aria-label={t('field/progress')}
		/>
	);
}

export default function OperationsPage() {
	const { t } = useTranslation();
	useTitle(t('operations/title'));
	const [get, set] = useFilters();
	const apps = useApps();
	const operations = useOperations({ state: get('state'), app: get('app') });
	const columns: TableColumnsType<Operation> = [
		{ title: t('field/operation'), key: 'kind', render: (_, row) => <Link className="sot-rowlink" to={`/operations/${row.id}`}>{apiWord('kind', row.kind)} {row.target}</Link> },
		{ title: t('field/state'), key: 'state', render: (_, row) => <OperationState state={row.state} /> },
		{ title: t('field/progress'), key: 'progress', width: 190, render: (_, row) => <div style={{ width: 170 }}><OperationProgress operation={row} /></div> },
		{ title: t('field/app'), key: 'app', render: (_, row) => (row.app ? <Link to={`/apps/${row.app}`}>{row.app}</Link> : <span className="sot-muted">–</span>) },
		{ title: t('field/actor'), key: 'actor', dataIndex: 'actor' },
		{ title: t('field/started'), key: 'created', render: (_, row) => <Time at={row.createdAt} as="ago" /> },
		{ title: t('field/took'), key: 'took', align: 'right', render: (_, row) => <Took operation={row} /> },
		{ title: t('field/error'), key: 'error', render: (_, row) => <span className={row.error ? 'sot-tone-bad' : 'sot-muted'}>{row.error || (row.waitsFor && t('operations/waits', { reason: row.waitsFor }))}</span> },
	];
	return (
		<>
			<PageHead title={t('operations/title')} lead={t('operations/lead')} />
			<div className="sot-filters">
				<Select allowClear style={{ width: 170 }} aria-label={t('instances/filterState')} placeholder={t('instances/filterState')} value={get('state') || undefined} onChange={(state: string | undefined) => set('state', state ?? '')} options={STATES.map((state) => ({ value: state, label: apiWord('state', state) }))} />
				<Select allowClear showSearch style={{ width: 170 }} aria-label={t('instances/filterApp')} placeholder={t('instances/filterApp')} value={get('app') || undefined} onChange={(app: string | undefined) => set('app', app ?? '')} options={apps.items.map((app) => ({ value: app.name, label: app.name }))} />
				<span className="sot-total">{t('common/shown', { shown: operations.items.length, total: operations.total })}</span>
			</div>
			<DataTable list={operations} columns={columns} rowKey={(row) => row.id} label={t('operations/title')} empty={{ title: t('operations/empty'), hint: t('operations/emptyHint') }} />
		</>
	);
}
