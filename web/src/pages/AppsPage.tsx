// Apps: how many instances are ready of how many wanted, in which version.
import { PlusOutlined } from '@ant-design/icons';
import { Button, type TableColumnsType } from 'antd';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router-dom';
import { useApps } from '../api/queries';
import type { App } from '../api/types';
import { useMay } from '../app/session';
import { useFilters } from '../lib/useFilters';
import { useAsked } from '../lib/useAsked';
import { CreateAppDrawer } from './CreateAppDrawer';
import { DataTable } from '../ui/DataTable';
import { StackedBar } from '../ui/Fill';
import { FilterInput } from '../ui/FilterInput';
import { PageHead, useTitle } from '../ui/Page';
import { StateTag } from '../ui/StateTag';
import { Time } from '../ui/Time';

/** One word for an app: made from what its instances are, never guessed. */
export function appState(app: App): string {
	if (app.deleting) {
		return 'deleting';
	}
	if (app.wanted === 0) {
		return 'stopped';
	}
	return app.ready >= app.wanted ? 'ready' : app.ready === 0 ? 'down' : 'degraded';
}

function Ready({ app }: { app: App }) {
	const { t } = useTranslation();
	const words = t('common/of', { part: app.ready, total: app.wanted });
	return (
		<div className="sot-row">
			<span className="sot-num" style={{ minWidth: 52 }}>
				{words}
			</span>
			<span style={{ width: 90 }}>
				<StackedBar label={words} total={Math.max(app.wanted, app.ready)} shares={[{ key: 'ready', value: app.ready, tone: app.ready < app.wanted ? 'warn' : 'good', label: words }]} />
			</span>
		</div>
	);
}

export default function AppsPage() {
	const { t } = useTranslation();
	useTitle(t('apps/title'));
	const may = useMay('app_create');
	const [get, set] = useFilters();
	const { answer: apps, isAsking } = useAsked(get('name').trim(), (text) => useApps({ text }));
	const rows = apps.items.filter((app) => app.name.includes(get('name').trim().toLowerCase()));
	const creating = get('create') === '1';
	const columns: TableColumnsType<App> = [
		{ title: t('field/name'), key: 'name', sorter: (a, b) => a.name.localeCompare(b.name), render: (_, app) => <Link className="sot-rowlink" to={`/apps/${app.name}`}>{app.name}</Link> },
		{ title: t('field/state'), key: 'state', render: (_, app) => <StateTag state={appState(app)} /> },
		{ title: t('field/instances'), key: 'instances', sorter: (a, b) => a.wanted - b.wanted, render: (_, app) => <Link to={`/instances?app=${app.name}`}><Ready app={app} /></Link> },
		{ title: t('field/version'), key: 'version', render: (_, app) => (app.version ? <span className="sot-mono">{app.version}</span> : <span className="sot-muted">{t('apps/noVersion')}</span>) },
		{ title: t('field/image'), key: 'image', dataIndex: 'image' },
		{ title: t('field/plan'), key: 'plan', dataIndex: 'plan' },
		{ title: t('field/vlan'), key: 'vlan', render: (_, app) => <Link to={`/addresses?vlan=${app.vlan}`}>{app.vlan}</Link> },
		{ title: t('field/updated'), key: 'updated', render: (_, app) => <Time at={app.updatedAt} as="ago" /> },
	];
	const create = may && (
		<Button type="primary" icon={<PlusOutlined />} onClick={() => set('create', '1')}>
			{t('apps/create')}
		</Button>
	);
	return (
		<>
			<PageHead title={t('apps/title')} lead={t('apps/lead')}>
				{create}
			</PageHead>
			<div className="sot-filters">
				<FilterInput name="name" label={t('common/filter')} width={240} />
				<span className="sot-total">{t('common/shown', { shown: rows.length, total: apps.total })}</span>
			</div>
			<DataTable list={apps} rows={rows} columns={columns} rowKey={(app) => app.id} label={t('apps/title')} isAsking={isAsking} empty={get('name') ? { title: t('common/nothingFits') } : { title: t('apps/empty'), hint: t('apps/emptyHint'), action: create }} />
			<CreateAppDrawer open={creating} onClose={() => set('create', '')} />
		</>
	);
}
