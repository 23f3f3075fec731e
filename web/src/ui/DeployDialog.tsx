// Rolling a version out: how, and before anything is changed which instances in which batches, from what to what.
import { useQuery, keepPreviousData } from '@tanstack/react-query';
import { InputNumber, Select } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { change, path } from '../api/client';
import { useGroups } from '../api/queries';
import type { App, RolloutPlan } from '../api/types';
import { useChange } from '../app/actions';
import { type EnteredRollout, rolloutCommand, strategyOf } from '../lib/rollout';
import { ActionDialog } from './ActionDialog';
import { GroupPick, groupBody, groupFlag } from './GroupPick';
import { ReadError, Skeleton } from './Page';

export function PlanOfBatches({ plan }: { plan: RolloutPlan }) {
	const { t } = useTranslation();
	const count = plan.batches.reduce((sum, batch) => sum + batch.instances.length, 0);
	return (
		<>
			<strong role="status">{t('rollout/planWords', { count, batches: plan.batches.length })}</strong>
			<div className="sot-scroll">
				<table className="sot-runs words">
					<thead>
						<tr>
							<th scope="col">{t('rollout/batch')}</th>
							<th scope="col">{t('field/name')}</th>
							<th scope="col">{t('field/host')}</th>
							<th scope="col">{t('field/version')}</th>
						</tr>
					</thead>
					<tbody>
						{plan.batches.flatMap((batch) =>
							batch.instances.map((one) => (
								<tr key={one.name} data-planned={one.name}>
									<td className="sot-num">{batch.number}{batch.canary ? ` (${t('rollout/canary')})` : ''}</td>
									<td>{one.name}</td>
									<td>{one.host}</td>
									<td className="sot-mono">{one.from || '–'} → {one.to}</td>
								</tr>
							)),
						)}
					</tbody>
				</table>
			</div>
		</>
	);
}

/** `back`: what it is called when the version is one the app had before. */
export function DeployDialog({ app, version, back, onClose }: { app: App; version: string; back: boolean; onClose: () => void }) {
	const { t } = useTranslation();
	const send = useChange();
	const [entered, setEntered] = useState<EnteredRollout>({ batch: 1, canary: 0, bakeSeconds: 0, pause: 'never', onFailure: 'roll_back' });
	const [busy, setBusy] = useState(false);
	const groups = useGroups(app.name);
	const [group, setGroup] = useState('');
	const url = path('apps', app.name, 'deploy');
	const body = { version, strategy: strategyOf(entered), ...groupBody(group) };
	const plan = useQuery({
		queryKey: ['apps', 'rolloutPlan', app.name, version, entered, group],
		queryFn: () => change<RolloutPlan>('POST', url, { ...body, dryRun: true }),
		placeholderData: keepPreviousData,
		refetchInterval: false,
	});
	const what = t(back ? 'apps/rollBack' : 'apps/deploy');
	const deploy = async (): Promise<void> => {
		setBusy(true);
		await send({ what, url, body, follow: true });
		setBusy(false);
		onClose();
	};
	const number = (name: 'batch' | 'canary' | 'bakeSeconds', label: string, min: number) => (
		<label className="sot-stack">
			{label}
			<InputNumber min={min} max={10000} precision={0} value={entered[name]} onChange={(value) => setEntered({ ...entered, [name]: value ?? min })} />
		</label>
	);
	return (
		<ActionDialog title={t(back ? 'apps/rollBackAsk' : 'apps/deployAsk', { version, name: app.name })} submit={what} command={[rolloutCommand(app.name, version, entered), ...groupFlag(group)].join(' ')} busy={busy} okButtonProps={{ disabled: !plan.data }} onSubmit={() => void deploy()} onClose={onClose} width={720}>
			<div className="sot-gap">
				<span className="sot-muted">{t('apps/deployHint')}</span>
				<div className="sot-row sot-wrap">
					<GroupPick groups={groups.items} value={group} onChange={setGroup} />
					{number('canary', t('rollout/canary'), 0)}
					{number('batch', t('rollout/perBatch'), 1)}
					{number('bakeSeconds', t('rollout/bakeSeconds'), 0)}
					<label className="sot-stack">
						{t('rollout/pauses')}
						<Select style={{ width: 190 }} aria-label={t('rollout/pauses')} value={entered.pause} onChange={(pause) => setEntered({ ...entered, pause })} options={(['never', 'canary', 'batch'] as const).map((value) => ({ value, label: t(`rollout/pause_${value}`) }))} />
					</label>
					<label className="sot-stack">
						{t('rollout/onFailure')}
						<Select style={{ width: 150 }} aria-label={t('rollout/onFailure')} value={entered.onFailure} onChange={(onFailure) => setEntered({ ...entered, onFailure })} options={(['roll_back', 'stop'] as const).map((value) => ({ value, label: t(`rollout/on_${value}`) }))} />
					</label>
				</div>
				{plan.error && <ReadError error={plan.error} onRetry={() => void plan.refetch()} />}
				{plan.isLoading && <Skeleton rows={3} />}
				{plan.data && <PlanOfBatches plan={plan.data} />}
			</div>
		</ActionDialog>
	);
}
