// Operations, audit and events in one search: who did what, when, from where, with what result.
import { Button, Checkbox, Select } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router-dom';
import { getJson, withQuery } from '../api/client';
import { type Filter, type List, useAudit, useOperations, usePastEvents } from '../api/queries';
import type { AuditCheck, AuditRow, Page } from '../api/types';
import { useMay } from '../app/session';
import { apiWord } from '../i18n';
import { cliCommand } from '../lib/cli';
import { type Asked, type Moment, momentOfAudit, momentOfEvent, momentOfOperation, type Source, timeLine } from '../lib/history';
import { options } from '../lib/settings';
import { useFilters } from '../lib/useFilters';
import { EVENT_KINDS } from '../live/events';
import { CopyButton } from '../ui/CopyButton';
import { FilterInput } from '../ui/FilterInput';
import { Empty, PageHead, Panel, ReadError, Skeleton, StaleNotice, useTitle } from '../ui/Page';
import { useProblems } from '../ui/Problems';
import { StateTag } from '../ui/StateTag';
import { Time } from '../ui/Time';

const SOURCES: Source[] = ['operation', 'audit', 'event'];

/** "2026-11-29T09:30" as the browser's clock says -> an instant; '' for what is none. */
function instant(local: string): string {
	const at = new Date(local);
	return local && !Number.isNaN(at.getTime()) ? at.toISOString() : '';
}

function whatWord({ source, what }: Moment): string {
	return source === 'event' ? apiWord('event', what) : apiWord('kind', what);
}

function Line({ moment }: { moment: Moment }) {
	const { t } = useTranslation();
	return (
		<li data-source={moment.source}>
			<Time at={moment.at} />
			<span className="sot-badge">{t(`history/${moment.source}`)}</span>
			<span className="sot-what">
				{whatWord(moment)} {moment.link ? <Link to={moment.link}>{moment.target || moment.what}</Link> : <span className="sot-mono">{moment.target}</span>} {moment.outcome && <StateTag state={moment.outcome} />}
				{moment.detail && <span className="sot-muted sot-small"> {moment.detail}</span>}
				{moment.operation && moment.source !== 'operation' && (
					<>
						{' '}
						<Link className="sot-small" to={`/operations/${moment.operation}`}>{t('field/operation')}</Link>
					</>
				)}
			</span>
			<span className="sot-muted sot-small">{moment.from ? t('history/whoFrom', { who: moment.who, from: moment.from }) : moment.who}</span>
		</li>
	);
}

/** Reads every page of what is asked for: one JSON object a line, as `sotalia audit export` writes. */
async function auditText(filter: Filter): Promise<string> {
	const lines: string[] = [];
	let after = '';
	do {
		const page: Page<AuditRow> = await getJson(withQuery('/v1/audit', { ...filter, limit: 500, after }));
		lines.push(...page.items.map((row) => JSON.stringify(row)));
		after = page.next ?? '';
	} while (after);
	return lines.map((line) => `${line}\n`).join('');
}

function ExportButton({ filter }: { filter: Filter }) {
	const { t } = useTranslation();
	const { report } = useProblems();
	const [busy, setBusy] = useState(false);
	const save = async (): Promise<void> => {
		setBusy(true);
		try {
			const url = URL.createObjectURL(new Blob([await auditText(filter)], { type: 'application/x-ndjson' }));
			const link = document.createElement('a');
			link.href = url;
			link.download = 'audit.ndjson';
			link.click();
			URL.revokeObjectURL(url);
		} catch (cause) {
			report(t('history/export'), cause);
		}
		setBusy(false);
	};
	return <Button onClick={() => void save()} loading={busy}>{t('history/export')}</Button>;
}

/** Goes over the whole chain, stretch by stretch, to its head or its first fault. */
async function checkChain(onStep: (check: AuditCheck) => void): Promise<void> {
	let checked = 0;
	let after = 0;
	for (;;) {
		const step: AuditCheck = await getJson(withQuery('/v1/audit/check', { after }));
		checked += step.checked;
		onStep({ ...step, checked });
		if (step.fault || step.next >= step.head || step.checked === 0) {
			return;
		}
		after = step.next;
	}
}

function ChainCheck() {
	const { t } = useTranslation();
	const { report } = useProblems();
	const [found, setFound] = useState<AuditCheck | null>(null);
	const [busy, setBusy] = useState(false);
	const run = async (): Promise<void> => {
		setBusy(true);
		try {
			await checkChain(setFound);
		} catch (cause) {
			report(t('history/check'), cause);
		}
		setBusy(false);
	};
	const words = found && (found.fault ? t('history/chainBroken', { fault: found.fault }) : t(busy ? 'history/chainGoing' : 'history/chainWhole', { checked: found.checked, head: found.head }));
	return (
		<>
			{words && <span role="status" data-chain={found.fault ? 'broken' : busy ? 'going' : 'whole'} className={found.fault ? 'sot-tone-bad' : 'sot-muted'}>{words}</span>}
			<Button onClick={() => void run()} loading={busy}>{t('history/check')}</Button>
			<CopyButton cli bare text={cliCommand('audit', 'check')} />
		</>
	);
}

function Filters({ mayAudit, shown }: { mayAudit: boolean; shown: Source[] }) {
	const { t } = useTranslation();
	const [get, set] = useFilters();
	const time = (name: string, label: string) => (
		<label className="sot-row">
			<span className="sot-muted">{label}</span>
			<input type="datetime-local" value={get(name)} onChange={(event) => set(name, event.target.value)} />
		</label>
	);
	return (
		<div className="sot-filters">
			<FilterInput name="text" label={t('history/text')} width={280} />
			<FilterInput name="who" label={t('history/who')} width={140} />
			<Select allowClear showSearch style={{ width: 180 }} aria-label={t('history/what')} placeholder={t('history/what')} value={get('what') || undefined} onChange={(what: string | undefined) => set('what', what ?? '')} options={[...new Set([...EVENT_KINDS, ...EVENT_KINDS.map((kind) => kind.split('.')[0] ?? '')])].sort().map((kind) => ({ value: kind, label: kind }))} />
			<FilterInput name="about" label={t('history/about')} width={160} />
			{time('from', t('history/from'))}
			{time('until', t('history/until'))}
			<Checkbox.Group aria-label={t('history/sources')} value={shown} onChange={(chosen) => set('sources', chosen.length === SOURCES.length ? '' : chosen.join(','))} options={SOURCES.filter((source) => mayAudit || source !== 'audit').map((source) => ({ value: source, label: t(`history/${source}`) }))} />
		</div>
	);
}

export default function HistoryPage() {
	const { t } = useTranslation();
	useTitle(t('history/title'));
	const [get] = useFilters();
	const mayAudit = useMay('audit_list');
	const asked: Asked = { text: get('text'), who: get('who'), what: get('what'), about: get('about'), from: instant(get('from')), until: instant(get('until')) };
	const wanted = get('sources') ? SOURCES.filter((source) => get('sources').split(',').includes(source)) : SOURCES;
	const sources = wanted.filter((source) => mayAudit || source !== 'audit');
	const times = { since: asked.from, until: asked.until };
	const isKind = (EVENT_KINDS as readonly string[]).includes(asked.what);
	const auditFilter = { actor: asked.who, action: asked.what, target: asked.about, ...times };
	const operations = useOperations({ kind: asked.what, parent: 'any', ...times });
	const audit = useAudit(auditFilter, mayAudit);
	const events = usePastEvents({ kind: isKind ? asked.what : '' });
	const lists: [Source, List<unknown>, Moment[]][] = [
		['operation', operations, operations.items.map(momentOfOperation)],
		['audit', audit, audit.items.map(momentOfAudit)],
		['event', events, events.items.map(momentOfEvent)],
	];
	const used = lists.filter(([source]) => sources.includes(source));
	const { shown, readTo } = timeLine(used.map(([, list, moments]) => ({ moments, hasMore: list.hasMore })), asked);
	const loading = used.some(([, list]) => list.isLoading);
	const more = used.filter(([, list, moments]) => list.hasMore && (moments.at(-1)?.at ?? '') >= readTo);
	return (
		<>
			<PageHead title={t('history/title')} lead={t('history/lead')}>
				{mayAudit && (
					<>
						<ChainCheck />
						<ExportButton filter={auditFilter} />
						<CopyButton cli text={cliCommand('audit', 'export', ...options(auditFilter))} />
					</>
				)}
			</PageHead>
			<Filters mayAudit={mayAudit} shown={sources} />
			{used.map(([source, list]) => list.error && <ReadError key={source} error={list.error} onRetry={list.retry} />)}
			<StaleNotice updatedAtMs={operations.updatedAtMs} />
			<Panel title={t('history/found', { count: shown.length })} flush>
				{loading ? <Skeleton /> : shown.length === 0 ? <Empty title={t('history/empty')} hint={t('history/emptyHint')} /> : <ul className="sot-events sot-history">{shown.map((moment) => <Line key={moment.key} moment={moment} />)}</ul>}
				{more.length > 0 && (
					<div className="sot-table-foot">
						<Button size="small" loading={more.some(([, list]) => list.isFetching)} onClick={() => more.forEach(([, list]) => list.loadMore())}>{t('common/loadMore')}</Button>
						<span className="sot-muted sot-small"> {t('history/readTo')} <Time at={readTo} /></span>
					</div>
				)}
			</Panel>
		</>
	);
}
