// Packages: middleware with its versions and who runs them; the packages of apps are with their apps.
import { Button, type TableColumnsType } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router-dom';
import { useMiddleware, useMiddlewareApps, useMiddlewareInstances, useMiddlewareVersions } from '../api/queries';
import type { AppVersion, Middleware, MiddlewareApp, MiddlewareInstance } from '../api/types';
import { useMay } from '../app/session';
import { cliCommand } from '../lib/cli';
import { formatBytes } from '../lib/format';
import { useFilters } from '../lib/useFilters';
import { CopyButton } from '../ui/CopyButton';
import { DataTable } from '../ui/DataTable';
import { Origin } from '../ui/Origin';
import { PageHead, Panel, useTitle } from '../ui/Page';
import { InstanceState, StateTag } from '../ui/StateTag';
import { Time } from '../ui/Time';
import { WaveDialog } from '../ui/WaveDialog';

function Versions({ name }: { name: string }) {
	const { t } = useTranslation();
	const may = useMay('middleware_rollout');
	const [rolling, setRolling] = useState('');
	const versions = useMiddlewareVersions(name);
	const apps = useMiddlewareApps(name);
	const columns: TableColumnsType<AppVersion> = [
		{ title: t('field/version'), key: 'version', render: (_, row) => <span className="sot-row"><span className="sot-mono">{row.version}</span>{row.removed && <span className="sot-badge">{t('apps/notKept')}</span>}</span> },
		{ title: t('field/size'), key: 'size', align: 'right', render: (_, row) => <span className="sot-num">{formatBytes(row.sizeBytes)}</span> },
		{ title: t('field/instances'), key: 'instances', align: 'right', render: (_, row) => <span className="sot-num">{row.instances ?? 0}</span> },
		{ title: t('packages/origin'), key: 'origin', render: (_, row) => <Origin of={row} /> },
		{ title: t('field/created'), key: 'created', render: (_, row) => <Time at={row.createdAt} /> },
		{ title: t('field/actor'), key: 'by', dataIndex: 'createdBy' },
		{ title: '', key: 'actions', align: 'right', render: (_, row) => !row.removed && (
			<span className="sot-row sot-right">
				<CopyButton cli bare text={cliCommand('middleware', 'rollout', name, row.version, '--environment=test', '--plan')} />
				{may && <Button size="small" aria-label={`${t('packages/wave')}: ${row.version}`} onClick={() => setRolling(row.version)}>{t('packages/wave')}</Button>}
			</span>
		) },
	];
	return (
		<Panel title={`${name}: ${t('apps/versions')}`}>
			<DataTable list={versions} columns={columns} rowKey={(row) => row.version} label={t('apps/versions')} empty={{ title: t('apps/noVersions') }} />
			{rolling && <WaveDialog name={name} version={rolling} versions={versions.items.filter(({ removed }) => !removed).map(({ version }) => version)} apps={apps.items.map(({ app }) => app)} onClose={() => setRolling('')} />}
		</Panel>
	);
}

function Apps({ name }: { name: string }) {
	const { t } = useTranslation();
	const apps = useMiddlewareApps(name);
	const columns: TableColumnsType<MiddlewareApp> = [
		{ title: t('field/app'), key: 'app', render: (_, row) => <Link to={`/apps/${row.app}`}>{row.app}</Link> },
		{ title: t('field/team'), key: 'team', dataIndex: 'team' },
		{ title: t('field/version'), key: 'version', render: (_, row) => <span className="sot-mono">{row.version || '–'}</span> },
		{ title: t('packages/before'), key: 'before', render: (_, row) => <span className="sot-mono">{row.before || '–'}</span> },
		{
			title: t('field/instances'),
			key: 'instances',
			render: (_, row) => Object.entries(row.instancesByVersion).map(([version, count]) => (
				<span key={version} className={version === row.version ? 'sot-mono' : 'sot-badge sot-warned sot-mono'}>{`${count} × ${version} `}</span>
			)),
		},
		{ title: t('packages/ready'), key: 'healthy', align: 'right', dataIndex: 'healthy' },
		{ title: t('packages/windows'), key: 'windows', render: (_, row) => (row.optedOut ? <span className="sot-badge">{t('packages/optedOut')}</span> : row.windows.join('; ') || t('packages/anyTime')) },
		{ title: '', key: 'actions', align: 'right', render: (_, row) => <CopyButton cli bare text={cliCommand('app', 'middleware', row.app, name, '--back', '--plan')} /> },
	];
	return (
		<Panel title={`${name}: ${t('packages/appBoard')}`}>
			<DataTable list={apps} columns={columns} rowKey={(row) => row.app} label={t('packages/appBoard')} empty={{ title: t('packages/nobody') }} />
		</Panel>
	);
}

function Board({ name }: { name: string }) {
	const { t } = useTranslation();
	const board = useMiddlewareInstances(name);
	const columns: TableColumnsType<MiddlewareInstance> = [
		{ title: t('field/name'), key: 'instance', render: (_, row) => <Link to={`/apps/${row.app}`}>{row.instance}</Link> },
		{ title: t('field/app'), key: 'app', dataIndex: 'app' },
		{ title: t('field/host'), key: 'host', dataIndex: 'host' },
		{ title: t('field/version'), key: 'version', render: (_, row) => <span className={row.version === row.appVersion ? 'sot-mono' : 'sot-badge sot-warned sot-mono'}>{row.version}</span> },
		{ title: t('packages/appHas'), key: 'appVersion', render: (_, row) => <span className="sot-mono">{row.appVersion || '–'}</span> },
		{ title: t('field/state'), key: 'state', render: (_, row) => <InstanceState instance={row} /> },
		{ title: t('field/health'), key: 'health', render: (_, row) => <StateTag state={row.health} /> },
	];
	return (
		<Panel title={`${name}: ${t('packages/board')}`}>
			<DataTable list={board} columns={columns} rowKey={(row) => row.instance} label={t('packages/board')} empty={{ title: t('packages/nobody') }} />
		</Panel>
	);
}

export default function PackagesPage() {
	const { t } = useTranslation();
	useTitle(t('packages/title'));
	const [get, set] = useFilters();
	const middleware = useMiddleware();
	const chosen = get('name') || middleware.items[0]?.name || '';
	const columns: TableColumnsType<Middleware> = [
		{ title: t('field/name'), key: 'name', render: (_, row) => <a className="sot-rowlink" href={`?name=${row.name}`} onClick={(event) => { event.preventDefault(); set('name', row.name); }}>{row.name}</a> },
		{ title: t('field/kind'), key: 'kind', dataIndex: 'kind' },
		{ title: t('packages/latest'), key: 'latest', render: (_, row) => <span className="sot-mono">{row.latest}</span> },
		{ title: t('apps/versions'), key: 'versions', align: 'right', dataIndex: 'versions' },
		{ title: t('nav/apps'), key: 'apps', align: 'right', dataIndex: 'apps' },
		{ title: t('field/instances'), key: 'instances', align: 'right', dataIndex: 'instances' },
		{ title: t('field/updated'), key: 'created', render: (_, row) => <Time at={row.createdAt} /> },
	];
	return (
		<>
			<PageHead title={t('packages/title')} lead={t('packages/lead')} />
			<div className="sot-gap">
				<DataTable list={middleware} columns={columns} rowKey={(row) => row.name} label={t('packages/title')} empty={{ title: t('packages/empty'), hint: t('packages/emptyHint') }} />
				{chosen && <Versions name={chosen} />}
				{chosen && <Apps name={chosen} />}
				{chosen && <Board name={chosen} />}
			</div>
		</>
	);
}
