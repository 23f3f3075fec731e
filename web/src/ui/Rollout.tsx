// A rollout: where it is, what may be said to it, and its steps batch by batch, instance by instance.
import { Button } from 'antd';
import { useTranslation } from 'react-i18next';
import { path } from '../api/client';
import { isOpen } from '../api/queries';
import type { Operation, OperationStep, Rollout } from '../api/types';
import { useAskedChange } from '../app/actions';
import { useCan } from '../app/session';
import { apiWord } from '../i18n';
import { cliCommand } from '../lib/cli';
import { elapsedMs, formatDuration } from '../lib/format';
import { type Batch, type BatchUnit, batchesOf } from '../lib/rollout';
import { Facts } from './Page';
import { OperationState } from './StateTag';
import { useNow } from './Time';

export function RolloutActions({ operation, rollout }: { operation: Operation; rollout: Rollout }) {
	const { t } = useTranslation();
	const ask = useAskedChange();
	const can = useCan({ app: operation.app ?? '' });
	const act = (word: 'pause' | 'resume' | 'rollback', danger = false): void =>
		ask({ title: t(`rollout/${word}Ask`), hint: t(`rollout/${word}Hint`), danger, command: cliCommand('rollout', word === 'rollback' ? 'back' : word, operation.id) }, { what: t(`rollout/${word}`), url: path('operations', operation.id, word) });
	if (!isOpen(operation)) {
		return null;
	}
	return (
		<>
			{rollout.pausedBy ? can('rollout_resume') && (
				<Button type="primary" onClick={() => act('resume')}>{t('rollout/resume')}</Button>
			) : can('rollout_pause') && (
				<Button onClick={() => act('pause')}>{t('rollout/pause')}</Button>
			)}
			{can('rollout_back') && <Button danger disabled={rollout.goesBack} onClick={() => act('rollback', true)}>{t('rollout/rollback')}</Button>}
		</>
	);
}

export function RolloutFacts({ operation, rollout }: { operation: Operation; rollout: Rollout }) {
	const { t } = useTranslation();
	const s = rollout.strategy;
	const ended = !isOpen(operation);
	return (
		<>
			{rollout.cause && <div className="sot-notice bad" role="status"><div>{t('rollout/goesBack', { cause: rollout.cause })}</div></div>}
			{rollout.pausedBy && !ended && <div className="sot-notice warn" role="status" data-paused-batch={rollout.batch}><div>{t('rollout/pausedBy', { by: rollout.pausedBy })}</div></div>}
			<Facts
				items={[
					[t('rollout/phase'), ended ? apiWord('state', operation.state) : t(`rollout/phase_${rollout.phase}`)],
					[t('rollout/batch'), t('rollout/batchOf', { batch: rollout.batch, batches: rollout.batches })],
					[t('rollout/strategy'), s.batch ? t('rollout/atATime', { count: s.batch }) : s.batchPercent ? `${s.batchPercent} %` : t('rollout/atATime', { count: 1 })],
					...(s.canary ? [[t('rollout/canary'), String(s.canary)] as [string, string]] : []),
					...(s.surge ? [[t('rollout/surge'), String(s.surge)] as [string, string]] : []),
					...(s.bakeSeconds ? [[t('rollout/bake'), `${s.bakeSeconds} s`] as [string, string]] : []),
					...(s.rotationCommand ? [[t('rollout/rotationCommand'), s.rotationCommand] as [string, string]] : []),
					...(s.drainSeconds ? [[t('rollout/drain'), `${s.drainSeconds} s`] as [string, string]] : []),
					[t('rollout/onFailure'), t(`rollout/on_${s.onFailure}`)],
				]}
			/>
		</>
	);
}

function Unit({ unit }: { unit: BatchUnit }) {
	const now = useNow();
	const current = unit.current;
	return (
		<li className={current.state} data-instance={unit.subject} data-state={current.state}>
			<div className="sot-row">
				<strong>{unit.subject}</strong>
				<OperationState state={current.state} />
				<span className="sot-muted sot-small">{unit.steps.map((step: OperationStep) => `${apiWord('step', step.name)}${step.state === 'done' ? ' ✓' : ''}`).join(' → ')}</span>
				<span className="sot-muted sot-small sot-num">{formatDuration(elapsedMs(unit.startedAt, unit.finishedAt, now))}</span>
			</div>
			{current.detail && <div className="sot-small sot-muted">{current.detail}</div>}
		</li>
	);
}

export function RolloutBatches({ steps, rollout }: { steps: OperationStep[]; rollout: Rollout }) {
	const { t } = useTranslation();
	return (
		<div aria-label={t('operations/steps')}>
			{batchesOf(steps).map((batch: Batch) => (
				<section key={batch.number} data-batch={batch.number}>
					<h3 className="sot-small" style={{ margin: '12px 16px 4px' }}>
						{t('rollout/batchTitle', { number: batch.number, done: batch.done, total: batch.units.length })}
						{batch.number === rollout.batch && ' ◂'}
					</h3>
					<ol className="sot-steps" tabIndex={0}>
						{batch.units.map((unit) => <Unit key={unit.key} unit={unit} />)}
					</ol>
				</section>
			))}
			{steps.length === 0 && <p className="sot-muted">{t('operations/noSteps')}</p>}
		</div>
	);
}
