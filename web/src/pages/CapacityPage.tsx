// Is there room: where the machines stand and how full they are, what still fits, what is stranded, what one loss would cost.
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router-dom';
import { useCapacity, useHostsOfMap } from '../api/queries';
import type { Capacity } from '../api/types';
import { apiWord } from '../i18n';
import { cliCommand } from '../lib/cli';
import { formatBytes, formatCores, percentOf } from '../lib/format';
import { CopyButton } from '../ui/CopyButton';
import { Meter } from '../ui/Fill';
import { HostMap } from '../ui/HostMap';
import { PageHead, Panel, ReadError, Skeleton, StaleNotice, useTitle } from '../ui/Page';

const LOSSES_SHOWN = 8;
const VLANS_SHOWN = 12;

function Room({ capacity }: { capacity: Capacity }) {
	const { t } = useTranslation();
	const { total, booked, live } = capacity.all;
	const words = (part: string, whole: string): string => t('overview/booked', { booked: part, total: whole });
	return (
		<>
			<Meter label={t('field/cpu')} text={words(formatCores(booked.cpuMilli), formatCores(total.cpuMilli))} part={booked.cpuMilli} total={total.cpuMilli} />
			<Meter label={t('field/memory')} text={words(formatBytes(booked.memoryBytes), formatBytes(total.memoryBytes))} part={booked.memoryBytes} total={total.memoryBytes} />
			<Meter label={t('field/disk')} text={words(formatBytes(booked.diskBytes), formatBytes(total.diskBytes))} part={booked.diskBytes} total={total.diskBytes} />
			<p className="sot-muted sot-small">
				{live ? t('capacity/live', { cpu: Math.round(live.cpuPermille / 10), memory: Math.round(live.memoryPermille / 10), count: live.hosts }) : t('capacity/noLive')}
			</p>
		</>
	);
}

/** Bars of one scale, so that plans can be compared with each other. */
function Fits({ capacity }: { capacity: Capacity }) {
	const { t } = useTranslation();
	const most = Math.max(1, ...capacity.plans.map((plan) => plan.fits));
	return (
		<ul className="sot-bars" aria-label={t('capacity/fits')}>
			{capacity.plans.map((plan) => (
				<li key={plan.plan} data-plan={plan.plan}>
					<span>{plan.plan}</span>
					<span className="sot-bar tall" role="meter" aria-label={plan.plan} aria-valuenow={plan.fits} aria-valuemin={0} aria-valuemax={most}>
						<i className={plan.fits === 0 ? 'bad' : 'busy'} style={{ width: `${percentOf(plan.fits, most)}%` }} />
					</span>
					<b className="sot-num">{plan.fits}</b>
					<span className="sot-muted sot-small">{t('capacity/onHosts', { count: plan.hosts })}</span>
				</li>
			))}
		</ul>
	);
}

function Stranded({ capacity }: { capacity: Capacity }) {
	const { t } = useTranslation();
	const { hosts, free, lacks } = capacity.stranded;
	if (hosts === 0) {
		return <span className="sot-muted">{t('capacity/noneStranded')}</span>;
	}
	const left = [`${formatCores(free.cpuMilli)} ${t('field/cpu')}`, formatBytes(free.memoryBytes), `${formatBytes(free.diskBytes)} ${t('field/disk')}`].join(', ');
	return (
		<div className="sot-stack">
			<span>{t('capacity/strandedOn', { count: hosts, left })}</span>
			<span className="sot-muted">{lacks.map((lack) => t('capacity/lack', { of: apiWord('reason', lack.of), count: lack.hosts })).join(' · ')}</span>
		</div>
	);
}

function Losses({ capacity }: { capacity: Capacity }) {
	const { t } = useTranslation();
	const levels = ['host', 'rack', 'az'] as const;
	return (
		<table className="sot-runs words">
			<thead>
				<tr>
					<th scope="col">{t('field/app')}</th>
					{levels.map((level) => <th key={level} scope="col">{t(`capacity/lose_${level}`)}</th>)}
				</tr>
			</thead>
			<tbody>
				{capacity.apps.slice(0, LOSSES_SHOWN).map((app) => (
					<tr key={app.app}>
						<td><Link to={`/apps/${app.app}`}>{app.app}</Link></td>
						{levels.map((level) => (
							<td key={level} className="sot-num">
								<span className={app.worstLoss[level] === app.instances ? 'sot-badge sot-warned' : ''}>{t('common/of', { part: app.worstLoss[level], total: app.instances })}</span>
							</td>
						))}
					</tr>
				))}
			</tbody>
		</table>
	);
}

function Vlans({ capacity }: { capacity: Capacity }) {
	const { t } = useTranslation();
	const fewest = [...capacity.vlans].sort((a, b) => a.free - b.free).slice(0, VLANS_SHOWN);
	return (
		<ul className="sot-ops">
			{fewest.map((vlan) => (
				<li key={vlan.vlan}>
					<div className="sot-row">
						<Link to={`/addresses?vlan=${vlan.vlan}`}>{vlan.vlan}</Link>
						<span className={vlan.free === 0 ? 'sot-badge sot-warned' : 'sot-muted sot-num'}>{t('capacity/addressesFree', { count: vlan.free })}</span>
					</div>
				</li>
			))}
		</ul>
	);
}

export default function CapacityPage() {
	const { t } = useTranslation();
	useTitle(t('nav/capacity'));
	const hosts = useHostsOfMap();
	const query = useCapacity();
	const capacity = query.data;
	return (
		<>
			<PageHead title={t('nav/capacity')} lead={t('capacity/lead')}>
				<CopyButton cli size="middle" text={cliCommand('capacity')} />
			</PageHead>
			{query.error && <ReadError error={query.error} updatedAtMs={query.dataUpdatedAt} onRetry={() => void query.refetch()} />}
			<StaleNotice updatedAtMs={query.dataUpdatedAt} />
			<HostMap hosts={hosts} />
			{query.isLoading && <Skeleton />}
			{capacity && (
				<div className="sot-grid">
					<Panel className="sot-c4" title={t('overview/full')}><Room capacity={capacity} /></Panel>
					<Panel className="sot-c8" title={t('capacity/fits')}><Fits capacity={capacity} /></Panel>
					<Panel className="sot-c4" title={t('capacity/addresses')} flush><Vlans capacity={capacity} /></Panel>
					<Panel className="sot-c8" title={t('capacity/losses')}><Losses capacity={capacity} /></Panel>
					<Panel className="sot-c12" title={t('capacity/stranded')}><Stranded capacity={capacity} /></Panel>
				</div>
			)}
		</>
	);
}
