// Elastic scaling of an app: its rules, a plot of load, wanted and actual count, and what was decided and why.
import { Button, Select, type TableColumnsType } from 'antd';
import { lazy, Suspense, useMemo, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router-dom';
import { path, withQuery } from '../api/client';
import { useElastic, useElasticDecisions, useGroups } from '../api/queries';
import type { App, Elastic, ElasticDecision } from '../api/types';
import { useAskedChange } from '../app/actions';
import { useMay } from '../app/session';
import { cliCommand } from '../lib/cli';
import { useFilters } from '../lib/useFilters';
import { duration, ruleText, samplesOf } from '../lib/elastic';
import { figure, type Line } from '../lib/usage';
import { CopyButton } from '../ui/CopyButton';
import { DataTable } from '../ui/DataTable';
import { Empty, Facts, Panel, ReadError, Skeleton } from '../ui/Page';
import { StateTag } from '../ui/StateTag';
import { Time } from '../ui/Time';
import { ElasticEditor } from './ElasticEditor';

/** In the address of the view, which has no word for nothing; no group is called so. */
const WHOLE = '-';

const Plot = lazy(() => import('../ui/Plot'));
const percent = (value: number): string => `${Math.round(value)} %`;
const whole = (value: number): string => String(Math.round(value * 10) / 10);

function Plots({ decisions }: { decisions: ElasticDecision[] }) {
	const { t } = useTranslation();
	const samples = useMemo(() => samplesOf(decisions), [decisions]);
	const load = useMemo<Line[]>(() => [{ label: t('elastic/load'), of: figure('loadPercent') }, { label: t('elastic/target'), of: () => 100 }], [t]);
	const counts = useMemo<Line[]>(() => [{ label: t('elastic/actual'), of: figure('count') }, { label: t('elastic/wanted'), of: figure('wanted') }], [t]);
	return (
		<Suspense fallback={<Skeleton />}>
			<div className="sot-plots">
				<Plot title={t('elastic/loadOfTarget')} lines={load} samples={samples} count={samples.length} format={percent} top={120} />
				<Plot title={t('elastic/counts')} lines={counts} samples={samples} count={samples.length} format={whole} top={2} />
			</div>
		</Suspense>
	);
}

function Rules({ app, elastic, onEdit }: { app: App; elastic: Elastic; onEdit: () => void }) {
	const { t } = useTranslation();
	const may = useMay('elastic_set', { app: app.name });
	const ask = useAskedChange();
	const state = !elastic.enabled ? t('elastic/off') : elastic.dryRun ? t('elastic/dryRun') : t('elastic/on');
	return (
		<Panel
			title={t('elastic/rules')}
			extra={
				<span className="sot-row">
					{may && <Button onClick={onEdit}>{t('elastic/edit')}</Button>}
					{may && <Button danger onClick={() => ask({ title: t('elastic/deleteAsk', { name: elastic.group ? `${app.name} / ${elastic.group}` : app.name }), hint: t('elastic/deleteHint'), danger: true, command: cliCommand('elastic', 'delete', app.name, ...(elastic.group ? [`--group=${elastic.group}`] : [])) }, { what: t('elastic/delete'), method: 'DELETE', url: withQuery(path('apps', app.name, 'elastic'), { group: elastic.group }) })}>{t('elastic/delete')}</Button>}
					<CopyButton cli text={cliCommand('elastic', 'show', app.name, ...(elastic.group ? [`--group=${elastic.group}`] : []))} />
				</span>
			}
		>
			<Facts
				items={[
					[t('field/state'), state],
					[t('elastic/bounds'), <span key="b" className="sot-num">{elastic.min} – {elastic.max}</span>],
					[t('elastic/rules'), <span key="r" className="sot-stack">{elastic.rules.map((rule) => <span key={rule.name}><b>{rule.name}</b> <span className="sot-mono">{ruleText(rule)}</span></span>)}</span>],
					[t('elastic/waits'), <span key="w">{t('elastic/waitsText', { up: duration(elastic.upCooldownSeconds), down: duration(elastic.downCooldownSeconds), stable: duration(elastic.stableSeconds) })}</span>],
					[t('elastic/updated'), <span key="u"><Time at={elastic.updatedAt} as="ago" /> {elastic.updatedBy}</span>],
				]}
			/>
		</Panel>
	);
}

export function ElasticPanel({ app }: { app: App }) {
	const { t } = useTranslation();
	const may = useMay('elastic_set', { app: app.name });
	const groups = useGroups(app.name);
	const [get, set] = useFilters();
	const chosen = get('group');
	// Rules of the app as a whole and of its groups exclude each other: what there is is shown first.
	const group = chosen === WHOLE ? '' : chosen || (groups.items.find((one) => one.elastic)?.name ?? '');
	const query = useElastic(app.name, group);
	const decisions = useElasticDecisions(app.name, group);
	const [editing, setEditing] = useState(false);
	const columns: TableColumnsType<ElasticDecision> = [
		{ title: t('elastic/at'), key: 'at', width: 130, render: (_, row) => <Time at={row.at} as="ago" /> },
		{ title: t('elastic/outcome'), key: 'outcome', width: 150, render: (_, row) => <StateTag state={row.hold || row.outcome} tone={row.outcome === 'scaled' ? 'busy' : row.outcome === 'held' ? 'warn' : 'good'} /> },
		{ title: t('elastic/change'), key: 'change', width: 90, render: (_, row) => <span className="sot-num">{row.count} → {row.to}</span> },
		{ title: t('elastic/reason'), key: 'reason', render: (_, row) => (row.operation ? <Link to={`/operations/${row.operation}`}>{row.reason}</Link> : row.reason) },
	];
	if (query.isLoading || groups.isLoading) {
		return <Skeleton />;
	}
	return (
		<div className="sot-gap">
			{groups.items.length > 1 && (
				<Select
					aria-label={t('elastic/whose')}
					className="sot-elastic-whose"
					value={group}
					onChange={(value) => set('group', value || WHOLE)}
					options={[{ value: '', label: t('elastic/whole') }, ...groups.items.map((one) => ({ value: one.name, label: one.elastic ? `${one.name} (${one.elastic.min} – ${one.elastic.max})` : one.name }))]}
				/>
			)}
			{query.error && <ReadError error={query.error} updatedAtMs={query.dataUpdatedAt} onRetry={() => void query.refetch()} />}
			{query.data ? (
				<Rules app={app} elastic={query.data} onEdit={() => setEditing(true)} />
			) : (
				!query.error && <Empty title={t('elastic/none')} hint={t('elastic/noneHint')} action={may && <Button type="primary" disabled={app.deleting} onClick={() => setEditing(true)}>{t('elastic/edit')}</Button>} />
			)}
			{decisions.items.length > 1 && <Panel title={t('elastic/plot')}><Plots decisions={decisions.items} /></Panel>}
			{(query.data || decisions.items.length > 0) && (
				<DataTable list={decisions} columns={columns} rowKey={(row) => String(row.number)} label={t('elastic/decisions')} title={t('elastic/decisions')} empty={{ title: t('elastic/noDecisions') }} />
			)}
			{editing && <ElasticEditor app={app} group={group} now={query.data ?? null} onClose={() => setEditing(false)} />}
		</div>
	);
}
