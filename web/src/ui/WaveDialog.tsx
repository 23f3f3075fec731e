// A version of a middleware over many apps, so many at a time: whom it would hit, and whom it leaves alone and why, is shown first.
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { Input, InputNumber, Select } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { change, path } from '../api/client';
import type { WavePlan } from '../api/types';
import { useChange } from '../app/actions';
import { type EnteredWave, waveBody, waveCommand, waveOver } from '../lib/wave';
import { ActionDialog } from './ActionDialog';
import { ReadError, Skeleton } from './Page';

function Matched({ plan }: { plan: WavePlan }) {
	const { t } = useTranslation();
	const { count, names, skipped } = plan.matched;
	return (
		<div className="sot-stack" data-wave={count}>
			<strong role="status">{t('packages/waveHits', { count })}</strong>
			{names.length > 0 && <span className="sot-legend">{names.map((name) => <span key={name} className="sot-badge">{name}</span>)}</span>}
			{(skipped ?? []).length > 0 && (
				<>
					<span className="sot-muted">{t('packages/waveSkips')}</span>
					<ul className="sot-scroll">{(skipped ?? []).map((line) => <li key={line}>{line}</li>)}</ul>
				</>
			)}
		</div>
	);
}

export function WaveDialog({ name, version, versions, apps, onClose }: { name: string; version: string; versions: string[]; apps: string[]; onClose: () => void }) {
	const { t } = useTranslation();
	const send = useChange();
	const [entered, setEntered] = useState<EnteredWave>({ version, apps: [], environment: '', team: '', having: '', parallel: 1, batch: 1, failuresMax: 1 });
	const [busy, setBusy] = useState(false);
	const url = path('middleware', name, 'rollout');
	const asked = waveOver(entered, apps);
	const plan = useQuery({
		queryKey: ['versions', 'wavePlan', name, asked],
		queryFn: () => change<WavePlan>('POST', url, { ...waveBody(asked), dryRun: true }),
		enabled: apps.length > 0,
		placeholderData: keepPreviousData,
		refetchInterval: false,
		retry: false,
	});
	const hit = plan.data?.matched.count ?? 0;
	const begin = async (): Promise<void> => {
		setBusy(true);
		const done = await send({ what: t('packages/wave'), url, body: { ...waveBody(asked), expect: hit }, follow: true });
		setBusy(false);
		if (done) {
			onClose();
		}
	};
	const set = (more: Partial<EnteredWave>): void => setEntered({ ...entered, ...more });
	const text = (key: 'environment' | 'team', label: string) => (
		<label className="sot-stack">
			{label}
			<Input allowClear style={{ width: 150 }} value={entered[key]} onChange={(event) => set({ [key]: event.target.value.trim() })} />
		</label>
	);
	const number = (key: 'parallel' | 'batch' | 'failuresMax', label: string, min: number) => (
		<label className="sot-stack">
			{label}
			<InputNumber min={min} max={100} precision={0} value={entered[key]} onChange={(value) => set({ [key]: value ?? min })} />
		</label>
	);
	return (
		<ActionDialog title={t('packages/waveAsk', { name, version: entered.version })} submit={t('packages/wave')} command={waveCommand(name, asked)} busy={busy} okButtonProps={{ disabled: hit === 0 || plan.isFetching || plan.error !== null }} onSubmit={() => void begin()} onClose={onClose} width={720}>
			<div className="sot-gap">
				<span className="sot-muted">{t('packages/waveHint')}</span>
				<div className="sot-row sot-wrap">
					<label className="sot-stack">
						{t('field/version')}
						<Select style={{ width: 150 }} aria-label={t('field/version')} value={entered.version} onChange={(value: string) => set({ version: value })} options={versions.map((value) => ({ value, label: value }))} />
					</label>
					<label className="sot-stack">
						{t('packages/waveApps')}
						<Select mode="multiple" allowClear style={{ minWidth: 220 }} aria-label={t('packages/waveApps')} placeholder={t('packages/waveAll')} value={entered.apps} onChange={(value: string[]) => set({ apps: value })} options={apps.map((value) => ({ value, label: value }))} />
					</label>
					{text('environment', t('packages/environment'))}
					{text('team', t('field/team'))}
					<label className="sot-stack">
						{t('packages/having')}
						<Select allowClear style={{ width: 150 }} aria-label={t('packages/having')} value={entered.having || undefined} onChange={(value: string | undefined) => set({ having: value ?? '' })} options={versions.map((value) => ({ value, label: value }))} />
					</label>
					{number('parallel', t('packages/atATime'), 1)}
					{number('batch', t('rollout/perBatch'), 1)}
					{number('failuresMax', t('packages/failuresMax'), 0)}
				</div>
				{plan.error && <ReadError error={plan.error} onRetry={() => void plan.refetch()} />}
				{plan.isLoading && <Skeleton rows={2} />}
				{plan.data && !plan.error && <Matched plan={plan.data} />}
			</div>
		</ActionDialog>
	);
}
