// One image: its versions from candidate to removed, what changed, what its smoke test said, and which instance runs which.
import { Button, Drawer, Select, type TableColumnsType } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Link, useParams } from 'react-router-dom';
import { path } from '../api/client';
import { useImage, useImageInstances } from '../api/queries';
import type { ImageDetail, ImageInstance, ImageVersion } from '../api/types';
import { useAskedChange } from '../app/actions';
import { useCan, useMay } from '../app/session';
import { cliCommand } from '../lib/cli';
import { useFilters } from '../lib/useFilters';
import { CopyButton } from '../ui/CopyButton';
import { DataTable } from '../ui/DataTable';
import { Empty, Facts, PageHead, Panel, ReadError, Skeleton, StaleNotice, useTitle } from '../ui/Page';
import { StateTag } from '../ui/StateTag';
import { Time } from '../ui/Time';
import { Count } from './ImagesPage';

const isOver = (version: ImageVersion): boolean => version.state === 'retired' || version.state === 'removed';
const mayBePromoted = (version: ImageVersion): boolean => !isOver(version) && !version.current && (version.smoke === 'passed' || version.smoke === 'waived');
const mayBeRetired = (version: ImageVersion): boolean => !isOver(version) && !version.current && version.instances === 0;

function VersionActions({ image, version, onReport }: { image: string; version: ImageVersion; onReport: () => void }) {
	const { t } = useTranslation();
	const can = useCan();
	const ask = useAskedChange();
	const names = { name: image, version: version.version };
	return (
		<span className="sot-row" style={{ justifyContent: 'flex-end' }}>
			<Button size="small" onClick={onReport}>{t('images/details')}</Button>
			<Button size="small" disabled={!can('image_promote') || !mayBePromoted(version)} title={mayBePromoted(version) ? undefined : t('images/promoteNot')}
				onClick={() => ask({ title: t('images/promoteAsk', names), hint: t('images/promoteHint'), command: cliCommand('image', 'promote', image, version.version) }, { what: t('images/promote'), url: path('images', image, 'versions', version.version, 'promote') })}>
				{t('images/promote')}
			</Button>
			<Button size="small" danger disabled={!can('image_retire') || !mayBeRetired(version)} title={mayBeRetired(version) ? undefined : t('images/retireNot')}
				onClick={() => ask({ title: t('images/retireAsk', names), hint: t('images/retireHint'), danger: true, command: cliCommand('image', 'retire', image, version.version) }, { what: t('images/retire'), url: path('images', image, 'versions', version.version, 'retire') })}>
				{t('images/retire')}
			</Button>
		</span>
	);
}

function VersionDrawer({ version, onClose }: { version: ImageVersion | null; onClose: () => void }) {
	const { t } = useTranslation();
	return (
		<Drawer open={version !== null} onClose={onClose} size="large" title={version && <span className="sot-mono">{version.version}</span>}>
			{version && (
				<div className="sot-gap">
					<Facts
						items={[
							[t('field/state'), <StateTag key="state" state={version.state} />],
							[t('images/smoke'), <StateTag key="smoke" state={version.smoke} />],
							[t('images/reference'), <span key="reference" className="sot-mono">{version.reference}</span>],
							[t('images/digest'), <span key="digest" className="sot-mono">{version.digest || '–'}</span>],
							[t('field/actor'), version.createdBy],
							[t('field/created'), <Time key="created" at={version.createdAt} />],
							[t('images/promotedAt'), <Time key="promoted" at={version.promotedAt} />],
							[t('images/retiredAt'), <Time key="retired" at={version.retiredAt} />],
						]}
					/>
					<Panel title={t('images/changelog')}>{version.changelog ? <pre className="sot-pre">{version.changelog}</pre> : <span className="sot-muted">{t('common/none')}</span>}</Panel>
					<Panel title={t('images/smokeReport')}>{version.smokeReport ? <pre className="sot-pre">{version.smokeReport}</pre> : <span className="sot-muted">{t('common/none')}</span>}</Panel>
				</div>
			)}
		</Drawer>
	);
}

function Versions({ image }: { image: ImageDetail }) {
	const { t } = useTranslation();
	const [shown, setShown] = useState<string | null>(null);
	const list = { items: image.versions, total: image.versions.length, isLoading: false, isFetching: false, error: null, updatedAtMs: 0, hasMore: false, loadMore: () => undefined, retry: () => undefined };
	const columns: TableColumnsType<ImageVersion> = [
		{ title: t('field/version'), key: 'version', render: (_, row) => <span className="sot-row"><span className="sot-mono">{row.version}</span>{row.current && <span className="sot-badge">{t('images/current')}</span>}</span> },
		{ title: t('field/state'), key: 'state', render: (_, row) => <StateTag state={row.state} /> },
		{ title: t('images/smoke'), key: 'smoke', render: (_, row) => <StateTag state={row.smoke} /> },
		{ title: t('field/instances'), key: 'instances', align: 'right', render: (_, row) => <Count value={row.instances} /> },
		{ title: t('images/changelog'), key: 'changelog', render: (_, row) => <span className="sot-clip">{row.changelog.split('\n').find((line) => line.trim() && !line.startsWith('#')) ?? ''}</span> },
		{ title: t('field/created'), key: 'created', render: (_, row) => <Time at={row.createdAt} as="ago" /> },
		{ title: '', key: 'actions', align: 'right', fixed: 'end', render: (_, row) => <VersionActions image={image.name} version={row} onReport={() => setShown(row.version)} /> },
	];
	return (
		<>
			<DataTable list={list} columns={columns} rowKey={(row) => row.version} label={t('images/versions')} title={t('images/versions')} empty={{ title: t('images/noVersions') }} />
			<VersionDrawer version={image.versions.find((one) => one.version === shown) ?? null} onClose={() => setShown(null)} />
		</>
	);
}

/** The apps with outdated instances, most of them first; instances are read page by page, so these are of what is listed. */
export function outdatedApps(instances: ImageInstance[]): [string, number][] {
	const counts = new Map<string, number>();
	instances.filter((one) => one.outdated).forEach((one) => counts.set(one.app, (counts.get(one.app) ?? 0) + 1));
	return [...counts].sort((a, b) => b[1] - a[1] || a[0].localeCompare(b[0]));
}

function RollOut({ image }: { image: ImageDetail }) {
	const { t } = useTranslation();
	const may = useMay('app_rebuild');
	const ask = useAskedChange();
	const outdated = useImageInstances(image.name, { outdated: 'true' });
	const apps = outdatedApps(outdated.items);
	return (
		<Panel className="sot-c5" title={t('images/rollout')} extra={<CopyButton cli text={cliCommand('image', 'rollout', image.name, '--wait')} />}>
			{apps.length === 0 ? (
				<Empty title={t('images/allCurrent')} />
			) : (
				<ul className="sot-plain">
					{apps.map(([app, count]) => (
						<li key={app} className="sot-row" style={{ justifyContent: 'space-between' }}>
							<span><Link to={`/apps/${app}`}>{app}</Link> <span className="sot-muted">{t('images/outdatedCount', { count })}</span></span>
							<Button size="small" type="primary" disabled={!may} aria-label={`${t('images/rollout')}: ${app}`}
								onClick={() => ask({ title: t('images/rolloutAsk', { app, version: image.version }), hint: t('images/rolloutHint'), command: cliCommand('app', 'rebuild', app) }, { what: t('images/rollout'), url: path('apps', app, 'rebuild'), body: {}, follow: true })}>
								{t('images/rollout')}
							</Button>
						</li>
					))}
				</ul>
			)}
		</Panel>
	);
}

function Instances({ image }: { image: string }) {
	const { t } = useTranslation();
	const [get, set] = useFilters();
	const list = useImageInstances(image, { outdated: get('outdated') });
	const columns: TableColumnsType<ImageInstance> = [
		{ title: t('field/name'), key: 'name', render: (_, row) => <Link className="sot-rowlink" to={`/instances?name=${row.name}`}>{row.name}</Link> },
		{ title: t('field/app'), key: 'app', render: (_, row) => <Link to={`/apps/${row.app}`}>{row.app}</Link> },
		{ title: t('field/host'), key: 'host', render: (_, row) => (row.host ? <Link to={`/hosts/${row.host}`}>{row.host}</Link> : <span className="sot-muted">–</span>) },
		{ title: t('field/state'), key: 'state', render: (_, row) => <StateTag state={row.state} /> },
		{ title: t('images/runs'), key: 'version', render: (_, row) => <span className={`sot-mono ${row.outdated ? 'sot-badge sot-warned' : ''}`}>{row.imageVersion ?? row.reference}</span> },
	];
	const filter = (
		<Select allowClear size="small" style={{ width: 180 }} aria-label={t('images/filterOutdated')} placeholder={t('images/filterOutdated')} value={get('outdated') || undefined} onChange={(value: string | undefined) => set('outdated', value ?? '')}
			options={[{ value: 'true', label: t('images/outdated') }, { value: 'false', label: t('images/upToDate') }]} />
	);
	return <DataTable list={list} columns={columns} rowKey={(row) => row.id} label={t('images/instances')} title={t('images/instances')} extra={filter} empty={{ title: t('images/noInstances') }} />;
}

export default function ImagePage() {
	const { t } = useTranslation();
	const { name = '' } = useParams();
	useTitle(name);
	const query = useImage(name);
	const image = query.data;
	if (query.isLoading) {
		return <Skeleton />;
	}
	return (
		<>
			{query.error && <ReadError error={query.error} updatedAtMs={query.dataUpdatedAt} onRetry={() => void query.refetch()} />}
			<StaleNotice updatedAtMs={query.dataUpdatedAt} />
			{image && (
				<>
					<PageHead title={image.name} lead={t('images/leadOne')}>
						<CopyButton cli size="middle" text={cliCommand('image', 'show', image.name)} />
					</PageHead>
					<div className="sot-grid">
						<Panel className="sot-c7" title={t('images/about')}>
							<Facts
								items={[
									[t('images/current'), image.version ? <span key="version" className="sot-mono">{image.version}</span> : t('images/noCurrent')],
									[t('images/reference'), <span key="reference" className="sot-mono">{image.reference}</span>],
									[t('images/ownerDev'), image.ownerDev || '–'],
									[t('images/ownerOps'), image.ownerOps || '–'],
									[t('nav/apps'), image.apps.length > 0 ? image.apps.map((app, at) => <span key={app}>{at > 0 && ', '}<Link to={`/apps/${app}`}>{app}</Link></span>) : t('common/none')],
									[t('field/instances'), t('images/ofThem', { count: image.instances, outdated: image.outdated })],
								]}
							/>
						</Panel>
						<RollOut image={image} />
					</div>
					<Versions image={image} />
					<Instances image={image.name} />
				</>
			)}
		</>
	);
}
