// One app: its instances, its versions, its settings, and what can be done with it.
import { Button, Input, InputNumber, Tabs } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Link, useParams } from 'react-router-dom';
import { path } from '../api/client';
import { useApp, useAppSettings, useForecast, useGroups, useInstances, useOperations } from '../api/queries';
import type { App } from '../api/types';
import { useChange } from '../app/actions';
import { useCan, useMay } from '../app/session';
import { apiWord } from '../i18n';
import { cliCommand } from '../lib/cli';
import { useFilters } from '../lib/useFilters';
import { ActionDialog } from '../ui/ActionDialog';
import { CopyButton } from '../ui/CopyButton';
import { ForecastView } from '../ui/Forecast';
import { FormDialog } from '../ui/FormDialog';
import { GroupPick, groupBody, groupFlag } from '../ui/GroupPick';
import { InstanceTable } from '../ui/InstanceTable';
import { Facts, PageHead, Panel, ReadError, Skeleton, StaleNotice, useTitle } from '../ui/Page';
import { OperationState, StateTag } from '../ui/StateTag';
import { Time } from '../ui/Time';
import { appState } from './AppsPage';
import { ElasticPanel } from './ElasticPanel';
import { GroupsPanel } from './GroupsPanel';
import { VersionsPanel } from './VersionsPanel';

/** The forecast of a scale: where new ones would go, who would leave, or why no host takes them. */
function ScalePreview({ app, count, group }: { app: App; count: number; group: string }) {
	const { data, error, isFetching } = useForecast(app.name, count, group);
	return <ForecastView forecast={data} error={error} busy={isFetching} />;
}

function ScaleDialog({ app, onClose }: { app: App; onClose: () => void }) {
	const { t } = useTranslation();
	const send = useChange();
	const groups = useGroups(app.name);
	const [group, setGroup] = useState('');
	const [count, setCount] = useState(app.wanted);
	const [busy, setBusy] = useState(false);
	const wantedOf = (name: string): number => groups.items.find((one) => one.name === name)?.wanted ?? app.wanted;
	const now = wantedOf(group);
	const scale = async (): Promise<void> => {
		setBusy(true);
		await send({ what: t('apps/scale'), url: path('apps', app.name, 'scale'), body: { count, ...groupBody(group) }, follow: true });
		setBusy(false);
		onClose();
	};
	return (
		<ActionDialog title={t('apps/scale')} submit={t('apps/scale')} command={cliCommand('app', 'scale', app.name, count, ...groupFlag(group))} busy={busy} okButtonProps={{ disabled: count === now }} onSubmit={() => void scale()} onClose={onClose} width={560}>
			<div className="sot-gap">
				<GroupPick groups={groups.items} value={group} onChange={(name) => { setGroup(name); setCount(wantedOf(name)); }} />
				<label className="sot-stack">
					{t('apps/scaleTo', { name: app.name })}
					<InputNumber autoFocus className="sot-wide" min={0} max={10000} precision={0} value={count} onChange={(value) => setCount(value ?? 0)} onPressEnter={() => void scale()} />
				</label>
				<span className="sot-muted">{t('apps/scaleHint', { now })}</span>
				{count !== now && <ScalePreview app={app} count={count} group={group} />}
			</div>
		</ActionDialog>
	);
}

function DeleteDialog({ app, onClose }: { app: App; onClose: () => void }) {
	const { t } = useTranslation();
	const send = useChange();
	const [typed, setTyped] = useState('');
	const remove = async (): Promise<void> => {
		await send({ what: t('apps/delete'), method: 'DELETE', url: path('apps', app.name), follow: true });
		onClose();
	};
	return (
		<ActionDialog title={t('apps/deleteAsk', { name: app.name, count: app.wanted })} submit={t('apps/delete')} command={cliCommand('app', 'delete', app.name)} okButtonProps={{ danger: true, disabled: typed !== app.name }} onSubmit={() => void remove()} onClose={onClose} width={480}>
			<div className="sot-gap">
				<span>{t('apps/deleteHint')}</span>
				<Input value={typed} onChange={(event) => setTyped(event.target.value)} aria-label={t('apps/deleteHint')} autoComplete="off" />
			</div>
		</ActionDialog>
	);
}

function Settings({ app }: { app: App }) {
	const { t } = useTranslation();
	const { health } = app;
	return (
		<div className="sot-grid">
			<Panel className="sot-c7" title={t('apps/settings')}>
				<Facts
					items={[
						[t('field/image'), app.image],
						[t('field/plan'), app.plan],
						[t('field/vlan'), <Link key="n" to={`/addresses?vlan=${app.vlan}`}>{app.vlan}</Link>],
						[t('field/command'), <span key="c" className="sot-mono">{app.command || '–'}</span>],
						[t('apps/healthCheck'), <span key="h" className="sot-mono">{[health.kind, health.port ? `:${health.port}` : '', health.path ?? '', health.command ?? ''].join(' ')}</span>],
						[t('apps/restartAfter'), health.restartAfter ? t('apps/restartAfterFailures', { count: health.restartAfter }) : t('apps/restartNever')],
						[t('field/created'), <Time key="t" at={app.createdAt} />],
						[t('field/id'), <span key="i" className="sot-mono">{app.id}</span>],
					]}
				/>
			</Panel>
			<Panel className="sot-c5" title={t('apps/environment')}>
				{app.env.length === 0 ? <span className="sot-muted">{t('common/none')}</span> : <Facts items={app.env.map(({ name, value }) => [name, <span key={name} className="sot-mono">{value}</span>])} />}
			</Panel>
			<Maintenance app={app} />
		</div>
	);
}

/** When, and which, middleware others may roll over the app. */
function Maintenance({ app }: { app: App }) {
	const { t } = useTranslation();
	const may = useMay('app_maintenance_set', { app: app.name });
	const [open, setOpen] = useState(false);
	const query = useAppSettings(app.name);
	const settings = query.data;
	return (
		<Panel className="sot-c7" title={t('apps/maintenance')} extra={may && settings && <Button size="small" onClick={() => setOpen(true)}>{t('common/change')}</Button>}>
			{query.error && <ReadError error={query.error} updatedAtMs={query.dataUpdatedAt} onRetry={() => void query.refetch()} />}
			{settings && (
				<Facts
					items={[
						[t('packages/windows'), settings.windows.length > 0 ? settings.windows.map((one) => <div key={one} className="sot-mono">{one} UTC</div>) : t('packages/anyTime')],
						[t('apps/optOuts'), settings.optOuts.length > 0 ? settings.optOuts.map((one) => <span key={one} className="sot-badge sot-mono">{one === '*' ? t('apps/optOutAll') : one}</span>) : t('common/none')],
						[t('apps/keeps'), settings.keepVersions === 0 ? t('apps/keepsAll') : t('apps/keepsWords', { versions: settings.keepVersions, days: settings.keepDays })],
					]}
				/>
			)}
			{open && settings && (
				<FormDialog<{ windows: string[]; optOuts: string[] }>
					title={t('apps/maintenanceOf', { name: app.name })}
					submit={t('settings/save')}
					hint={t('apps/maintenanceHint')}
					fields={[
						{ name: 'windows', label: t('packages/windows'), kind: 'many', separators: [';'], hint: t('apps/windowHint'), each: /^(daily|(mon|tue|wed|thu|fri|sat|sun)(,(mon|tue|wed|thu|fri|sat|sun))*) \d\d:\d\d-\d\d:\d\d$/ },
						{ name: 'optOuts', label: t('apps/optOuts'), kind: 'many', hint: t('apps/optOutsHint'), each: /^(\*|[a-z][a-z0-9-]*)$/ },
					]}
					initial={{ windows: settings.windows, optOuts: settings.optOuts }}
					toChange={(body) => ({ what: t('apps/maintenance'), method: 'PUT', url: path('apps', app.name, 'maintenance'), body })}
					toCommand={({ windows, optOuts }) => cliCommand('app', 'maintenance', app.name, ...windows.map((one) => `--window=${one}`), ...optOuts.map((one) => `--opt-out=${one}`))}
					onClose={() => setOpen(false)}
				/>
			)}
		</Panel>
	);
}

function AppOperations({ name }: { name: string }) {
	const { t } = useTranslation();
	const operations = useOperations({ app: name });
	return (
		<Panel title={t('apps/operations')} flush>
			<ul className="sot-ops">
				{operations.items.map((operation) => (
					<li key={operation.id}>
						<div className="sot-row">
							<Link className="sot-rowlink" to={`/operations/${operation.id}`}>
								{apiWord('kind', operation.kind)} {operation.target}
							</Link>
							<span className="sot-muted">{operation.actor}</span>
							<Time at={operation.createdAt} as="ago" />
							<OperationState state={operation.state} />
						</div>
					</li>
				))}
			</ul>
		</Panel>
	);
}

function AppHead({ app }: { app: App }) {
	const { t } = useTranslation();
	const can = useCan({ app: app.name });
	const [open, setOpen] = useState<'scale' | 'delete' | null>(null);
	const lead = [`${app.image} · ${app.plan} · ${app.vlan}`, app.version || t('apps/noVersion')].join(' · ');
	return (
		<>
			<PageHead
				title={
					<>
						{app.name}{' '}
						<span style={{ fontSize: 13, fontWeight: 400 }}>
							<StateTag state={appState(app)} />
						</span>
						<span className="sot-badge sot-num">{t('common/of', { part: app.ready, total: app.wanted })}</span>
					</>
				}
				lead={lead}
			>
				{can('app_scale') && (
					<Button type="primary" disabled={app.deleting} onClick={() => setOpen('scale')}>
						{t('apps/scale')}
					</Button>
				)}
				{can('app_delete') && (
					<Button danger disabled={app.deleting} onClick={() => setOpen('delete')}>
						{t('apps/delete')}
					</Button>
				)}
				<CopyButton cli size="middle" text={cliCommand('app', 'show', app.name)} />
			</PageHead>
			{open === 'scale' && <ScaleDialog app={app} onClose={() => setOpen(null)} />}
			{open === 'delete' && <DeleteDialog app={app} onClose={() => setOpen(null)} />}
		</>
	);
}

export default function AppPage() {
	const { t } = useTranslation();
	const { name = '' } = useParams();
	useTitle(name);
	const [get, set] = useFilters();
	const query = useApp(name);
	const instances = useInstances({ app: name });
	const app = query.data;
	if (query.isLoading) {
		return <Skeleton />;
	}
	return (
		<>
			{query.error && <ReadError error={query.error} updatedAtMs={query.dataUpdatedAt} onRetry={() => void query.refetch()} />}
			<StaleNotice updatedAtMs={query.dataUpdatedAt} />
			{app && (
				<>
					<AppHead app={app} />
					<Tabs
						activeKey={get('tab') || 'instances'}
						onChange={(tab) => set('tab', tab === 'instances' ? '' : tab)}
						items={[
							{ key: 'instances', label: t('apps/instances'), children: <InstanceTable list={instances} hide={['app']} /> },
							{ key: 'versions', label: t('apps/versions'), children: <VersionsPanel app={app} /> },
							{ key: 'groups', label: t('packages/groups'), children: <GroupsPanel app={app} /> },
							{ key: 'elastic', label: t('elastic/title'), children: <ElasticPanel app={app} /> },
							{ key: 'operations', label: t('nav/operations'), children: <AppOperations name={name} /> },
							{ key: 'settings', label: t('apps/settings'), children: <Settings app={app} /> },
						]}
					/>
				</>
			)}
		</>
	);
}
