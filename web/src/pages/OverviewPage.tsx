// Three questions: is anything broken, is it full, is anything changing.
import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router-dom';
import { mergeEvents, useApps, useCapacity, useOperations, useOverview, useRecentEvents } from '../api/queries';
import type { Operation, Overview } from '../api/types';
import { apiWord } from '../i18n';
import { formatBytes, formatCores, formatCount } from '../lib/format';
import { toneOf } from '../lib/model';
import { zoneFill } from '../lib/zones';
import { useLive } from '../live/LiveProvider';
import { EventList } from '../ui/EventList';
import { Meter, StackedBar } from '../ui/Fill';
import { PageHead, Panel, ReadError, Skeleton, StaleNotice, useTitle } from '../ui/Page';
import { OperationState, StateTag } from '../ui/StateTag';
import { Time } from '../ui/Time';

const SHOWN = 8;

function Broken({ overview }: { overview: Overview }) {
	const { t } = useTranslation();
	const apps = useApps();
	const failed = overview.instances.byState['failed'] ?? 0;
	const away = overview.hosts.total - overview.hosts.online;
	const incomplete = apps.items.filter((app) => !app.deleting && app.ready < app.wanted);
	const unknown = overview.instances.byState['unknown'] ?? 0;
	const count = failed + away + incomplete.length;
	const tone = failed > 0 || away > 0 ? 'bad' : incomplete.length > 0 ? 'warn' : 'good';
	return (
		<section className={`sot-panel sot-answer ${tone}`}>
			<h2>{t('overview/broken')}</h2>
			<div className="sot-big">{count === 0 ? t('overview/allWell') : t('overview/someBroken', { count })}</div>
			<ul>
				{failed > 0 && (
					<li>
						<Link to="/instances?state=failed">
							<StateTag state="failed" />
						</Link>
						<span>{t('overview/notRunning', { count: failed })}</span>
					</li>
				)}
				{unknown > 0 && (
					<li>
						<Link to="/instances?state=unknown">
							<StateTag state="unknown" />
						</Link>
						<span>{t('overview/unheard', { count: unknown })}</span>
					</li>
				)}
				{away > 0 && (
					<li>
						<Link to="/hosts">{t('overview/hostsAway')}</Link>
						<span className="sot-num">{t('common/of', { part: away, total: overview.hosts.total })}</span>
					</li>
				)}
				{incomplete.slice(0, 3).map((app) => (
					<li key={app.id}>
						<Link to={`/apps/${app.name}`}>{app.name}</Link>
						<span className="sot-num">{t('common/of', { part: app.ready, total: app.wanted })}</span>
					</li>
				))}
				{count === 0 && <li className="sot-muted">{t('overview/allReady')}</li>}
			</ul>
		</section>
	);
}

function Changing({ overview, operations }: { overview: Overview; operations: Operation[] }) {
	const { t } = useTranslation();
	const open = operations.filter((operation) => operation.state === 'running' || operation.state === 'queued');
	return (
		<section className={`sot-panel sot-answer ${overview.openOperations > 0 ? 'busy' : 'off'}`}>
			<h2>{t('overview/changing')}</h2>
			<div className="sot-big">
				{overview.openOperations > 0 ? `${overview.openOperations} ${t('overview/openOperations')}` : t('overview/quiet')}
			</div>
			<ul>
				{open.slice(0, 4).map((operation) => (
					<li key={operation.id}>
						<Link to={`/operations/${operation.id}`}>
							{apiWord('kind', operation.kind)} {operation.target}
						</Link>
						<span className="sot-num">
							{t('common/of', { part: operation.progress.done, total: operation.progress.total })}
						</span>
					</li>
				))}
			</ul>
		</section>
	);
}

function Counts({ overview }: { overview: Overview }) {
	const { t } = useTranslation();
	return (
		<section className="sot-panel sot-answer off">
			<h2>{t('overview/instancesByState')}</h2>
			<div className="sot-kpis">
				<Link to="/instances">
					<b>{formatCount(overview.instances.total)}</b>
					<span>{t('nav/instances')}</span>
				</Link>
				<Link to="/apps">
					<b>{formatCount(overview.apps)}</b>
					<span>{t('nav/apps')}</span>
				</Link>
				<Link to="/hosts">
					<b>{formatCount(overview.hosts.total)}</b>
					<span>{t('nav/hosts')}</span>
				</Link>
			</div>
			<div>
				<StackedBar
					label={t('overview/instancesByState')}
					total={overview.instances.total}
					shares={Object.entries(overview.instances.byState).map(([state, value]) => ({
						key: state,
						value,
						tone: toneOf(state),
						label: apiWord('state', state),
					}))}
				/>
				<div className="sot-legend">
					{Object.entries(overview.instances.byState)
						.filter(([, count]) => count > 0)
						.map(([state, count]) => (
							<Link key={state} to={`/instances?state=${state}`}>
								<span className="sot-row">
									<StateTag state={state} /> <span className="sot-num">{formatCount(count)}</span>
								</span>
							</Link>
						))}
				</div>
			</div>
		</section>
	);
}

function Capacity({ overview }: { overview: Overview }) {
	const { t } = useTranslation();
	const { capacity: total, booked } = overview;
	const words = (part: string, whole: string): string => t('overview/booked', { booked: part, total: whole });
	if (total.cpuMilli === 0 && total.memoryBytes === 0) {
		return <p className="sot-muted">{t('overview/noCapacity')}</p>;
	}
	return (
		<>
			<Meter label={t('field/cpu')} text={words(formatCores(booked.cpuMilli), formatCores(total.cpuMilli))} part={booked.cpuMilli} total={total.cpuMilli} />
			<Meter label={t('field/memory')} text={words(formatBytes(booked.memoryBytes), formatBytes(total.memoryBytes))} part={booked.memoryBytes} total={total.memoryBytes} />
			<Meter label={t('field/disk')} text={words(formatBytes(booked.diskBytes), formatBytes(total.diskBytes))} part={booked.diskBytes} total={total.diskBytes} />
			<p className="sot-muted sot-small">{t('overview/overcommit')}</p>
		</>
	);
}

/** How full each zone is, and its fullest rack: what a total hides. */
function Zones() {
	const { t } = useTranslation();
	const capacity = useCapacity();
	const zones = useMemo(() => zoneFill(capacity.data?.groups ?? []), [capacity.data]);
	return (
		<>
			{capacity.error && <ReadError error={capacity.error} updatedAtMs={capacity.dataUpdatedAt} onRetry={() => void capacity.refetch()} />}
			{zones.map((zone) => (
				<Meter
					key={zone.az}
					label={`${zone.az}: ${t('field/memory')}`}
					text={`${t('overview/booked', { booked: formatBytes(zone.booked), total: formatBytes(zone.total) })} · ${t('overview/fullestRack', { rack: zone.rack, percent: Math.round(zone.rackPercent) })}`}
					part={zone.booked}
					total={zone.total}
				/>
			))}
			{capacity.isLoading && <Skeleton rows={3} />}
			{capacity.data && zones.length === 0 && <p className="sot-muted">{t('overview/noCapacity')}</p>}
		</>
	);
}

function Addresses({ overview }: { overview: Overview }) {
	const { t } = useTranslation();
	const { size, used, cooling } = overview.addresses;
	return <Meter label={t('nav/addresses')} text={t('overview/addressesUsed', { used, size, cooling })} part={used + cooling} total={size} />;
}

function RecentOperations({ operations }: { operations: Operation[] }) {
	return (
		<ul className="sot-ops">
			{operations.slice(0, 6).map((operation) => (
				<li key={operation.id}>
					<div className="sot-row">
						<Link className="sot-rowlink" to={`/operations/${operation.id}`}>
							{apiWord('kind', operation.kind)} {operation.target}
						</Link>
						<span className="sot-muted sot-small">{operation.actor}</span>
						<span className="sot-row">
							<span className="sot-muted sot-small">
								<Time at={operation.createdAt} as="ago" />
							</span>
							<span style={{ width: 92 }}>
								<OperationState state={operation.state} />
							</span>
						</span>
					</div>
				</li>
			))}
		</ul>
	);
}

export default function OverviewPage() {
	const { t } = useTranslation();
	useTitle(t('nav/overview'));
	const overview = useOverview();
	const operations = useOperations();
	const failures = useOperations({ state: 'failed' });
	const live = useLive();
	const recent = useRecentEvents();
	const events = mergeEvents(live.events, recent.data ?? []).slice(0, SHOWN);
	if (overview.isLoading) {
		return <Skeleton rows={10} />;
	}
	return (
		<>
			<PageHead title={t('nav/overview')} />
			{overview.error && <ReadError error={overview.error} updatedAtMs={overview.dataUpdatedAt} onRetry={() => void overview.refetch()} />}
			<StaleNotice updatedAtMs={overview.dataUpdatedAt} />
			{overview.data && (
				<div className="sot-grid">
					<div className="sot-c4"><Broken overview={overview.data} /></div>
					<div className="sot-c4"><Changing overview={overview.data} operations={operations.items} /></div>
					<div className="sot-c4"><Counts overview={overview.data} /></div>
					<Panel className="sot-c5" title={t('overview/full')} extra={<Link to="/hosts">{t('nav/hosts')}</Link>}>
						<Capacity overview={overview.data} />
						<Addresses overview={overview.data} />
					</Panel>
					<Panel className="sot-c7" title={t('overview/recentOperations')} extra={<Link to="/operations">{t('common/more')}</Link>} flush>
						<RecentOperations operations={operations.items} />
					</Panel>
					<Panel className="sot-c5" title={t('overview/byZone')} extra={<Link to="/capacity">{t('nav/capacity')}</Link>}>
						<Zones />
					</Panel>
					<Panel className="sot-c7" title={t('overview/recentFailures')} extra={<Link to="/operations?state=failed">{t('common/more')}</Link>} flush>
						{failures.items.length > 0 ? <RecentOperations operations={failures.items} /> : <p className="sot-body sot-muted">{t('overview/noFailures')}</p>}
					</Panel>
					<Panel className="sot-c12" title={t('overview/recentEvents')} extra={<Link to="/events">{t('common/more')}</Link>} flush>
						<EventList events={events} />
					</Panel>
				</div>
			)}
		</>
	);
}
