// Why something is where it is, or nowhere yet: the placer's own words and figures (docs/explain.md).
import { Drawer } from 'antd';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router-dom';
import { useInstanceWhy } from '../api/queries';
import type { PlacementCost, PlacementParts, Refusal } from '../api/types';
import { apiWord } from '../i18n';
import { cliCommand } from '../lib/cli';
import { formatBytes, formatCores, percentOf } from '../lib/format';
import { CopyButton } from './CopyButton';
import { Facts, Panel, ReadError, Skeleton } from './Page';
import { Time } from './Time';

const PARTS = ['open', 'load', 'fit', 'pressure', 'preference'] as const;

/** Parts of the cost as bars of one scale; a part below zero speaks for the host. */
function Cost({ cost, most }: { cost: PlacementCost; most: number }) {
	const { t } = useTranslation();
	return (
		<ul className="sot-bars">
			{PARTS.filter((part) => cost[part] !== 0).map((part) => (
				<li key={part}>
					<span>{t(`why/${part}`)}</span>
					<span className="sot-bar tall">
						<i className={cost[part] < 0 ? '' : 'busy'} style={{ width: `${percentOf(Math.abs(cost[part]), most)}%` }} />
					</span>
					<b className="sot-num">{cost[part].toFixed(3)}</b>
				</li>
			))}
		</ul>
	);
}

function Candidate({ parts, most, isChosen }: { parts: PlacementParts; most: number; isChosen: boolean }) {
	const { t } = useTranslation();
	const { az, rack, host } = parts.crowding;
	return (
		<div className={`sot-candidate${isChosen ? ' chosen' : ''}`} data-host={parts.host}>
			<div className="sot-row">
				<Link to={`/hosts/${parts.host}`}><strong>{parts.host}</strong></Link>
				{parts.az && <span className="sot-muted">{parts.az} / {parts.rack}</span>}
				<span className="sot-num">{t('why/total', { cost: parts.cost.total.toFixed(3) })}</span>
			</div>
			<span className="sot-muted sot-small">{t('why/crowding', { az, rack, host })}</span>
			<Cost cost={parts.cost} most={most} />
		</div>
	);
}

export function RefusalView({ refusal }: { refusal: Refusal }) {
	const { t } = useTranslation();
	return (
		<div className="sot-gap">
			<div className="sot-notice warn" role="status"><div>{refusal.text}</div></div>
			<ul className="sot-bars" aria-label={t('why/reasons')}>
				{refusal.reasons.map((reason) => (
					<li key={reason.reason + reason.name}>
						<span>{apiWord('reason', reason.reason)}</span>
						<span className="sot-bar tall"><i className="bad" style={{ width: `${percentOf(reason.hosts, refusal.hosts)}%` }} /></span>
						<b className="sot-num">{t('capacity/hosts', { count: reason.hosts })}</b>
					</li>
				))}
			</ul>
			{refusal.nearest && (
				<div className="sot-stack">
					<strong>{t('why/nearest', { host: refusal.nearest.host })}</strong>
					<ul>{refusal.nearest.changes.map((one) => <li key={one.text}>{one.text}</li>)}</ul>
				</div>
			)}
		</div>
	);
}

/** Who was taken, who came next, and why the others could not. */
export function Grounds({ chosen, runnersUp, refused }: { chosen: PlacementParts; runnersUp: PlacementParts[]; refused: { reason: string; hosts: number }[] }) {
	const { t } = useTranslation();
	const most = Math.max(...[chosen, ...runnersUp].flatMap((one) => PARTS.map((part) => Math.abs(one.cost[part]))), 0.001);
	return (
		<>
			<Panel title={t('why/chosen')}><Candidate parts={chosen} most={most} isChosen /></Panel>
			{runnersUp.length > 0 && (
				<Panel title={t('why/runnersUp')}>
					<div className="sot-gap">{runnersUp.map((one) => <Candidate key={one.host} parts={one} most={most} isChosen={false} />)}</div>
				</Panel>
			)}
			{refused.length > 0 && (
				<Panel title={t('why/reasons')}>
					{refused.map((one) => <div key={one.reason} className="sot-row"><span>{apiWord('reason', one.reason)}</span><span className="sot-muted sot-num">{t('capacity/hosts', { count: one.hosts })}</span></div>)}
				</Panel>
			)}
		</>
	);
}

export function Why({ name }: { name: string }) {
	const { t } = useTranslation();
	const { data: why, error, isLoading, refetch } = useInstanceWhy(name);
	if (isLoading) {
		return <Skeleton />;
	}
	if (!why) {
		return error ? <ReadError error={error} onRetry={() => void refetch()} /> : null;
	}
	if (why.refusal) {
		return <RefusalView refusal={why.refusal} />;
	}
	if (!why.chosen) {
		return <span className="sot-muted">{t('why/unknown')}</span>;
	}
	const { need } = why;
	return (
		<div className="sot-gap">
			<Facts
				items={[
					[t('why/decided'), why.decidedAt ? <Time key="at" at={why.decidedAt} /> : '–'],
					[t('why/need'), need ? `${formatCores(need.cpuMilli)} ${t('field/cpu')}, ${formatBytes(need.memoryBytes)}, ${formatBytes(need.diskBytes)} ${t('field/disk')}` : '–'],
					[t('why/candidates'), t('common/of', { part: why.candidates ?? 0, total: why.hosts ?? 0 })],
					[t('field/operation'), why.operationId ? <Link key="op" to={`/operations/${why.operationId}`}>{why.operationId.slice(0, 8)}</Link> : '–'],
				]}
			/>
			<Grounds chosen={why.chosen} runnersUp={why.runnersUp ?? []} refused={why.refused ?? []} />
		</div>
	);
}

export function WhyDrawer({ name, onClose }: { name: string | null; onClose: () => void }) {
	const { t } = useTranslation();
	return (
		<Drawer title={name && t('why/of', { name })} open={name !== null} onClose={onClose} size={640} extra={<CopyButton cli text={cliCommand('why', name ?? '')} />}>
			{name && <Why name={name} />}
		</Drawer>
	);
}
