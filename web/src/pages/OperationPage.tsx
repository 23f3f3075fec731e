// One operation: how far it is, its steps, its log as it grows. The URL is a permalink and replays for ever.
import { Button } from 'antd';
import { useTranslation } from 'react-i18next';
import { Link, useParams } from 'react-router-dom';
import { path } from '../api/client';
import { isOpen, useOperation, useOperationLog } from '../api/queries';
import type { Operation, OperationStep } from '../api/types';
import { useAskedChange } from '../app/actions';
import { useMay } from '../app/session';
import { apiWord } from '../i18n';
import { cliCommand } from '../lib/cli';
import { elapsedMs, formatDuration } from '../lib/format';
import { CopyButton } from '../ui/CopyButton';
import { LogView } from '../ui/LogView';
import { Facts, PageHead, Panel, ReadError, Skeleton, StaleNotice, useTitle } from '../ui/Page';
import { RolloutActions, RolloutBatches, RolloutFacts } from '../ui/Rollout';
import { OperationState } from '../ui/StateTag';
import { Time, useNow } from '../ui/Time';
import { OperationProgress, Took } from './OperationsPage';

function Step({ step }: { step: OperationStep }) {
	const now = useNow();
	return (
		<li className={step.state} data-step={step.name} data-state={step.state}>
			<div className="sot-row">
				<strong>{apiWord('step', step.name)}</strong>
				{step.subject && <span className="sot-muted">{step.subject}</span>}
				<span className="sot-muted sot-small sot-num">{formatDuration(elapsedMs(step.startedAt, step.finishedAt, now))}</span>
			</div>
			<div className="sot-row sot-small">
				{step.state !== 'queued' && <OperationState state={step.state} />}
				{step.detail && <span className="sot-muted">{step.detail}</span>}
			</div>
		</li>
	);
}

function Steps({ steps }: { steps: OperationStep[] }) {
	const { t } = useTranslation();
	return (
		<ol className="sot-steps" tabIndex={0} aria-label={t('operations/steps')}>
			{steps.map((step) => (
				<Step key={step.ordinal} step={step} />
			))}
			{steps.length === 0 && <li className="sot-muted">{t('operations/noSteps')}</li>}
		</ol>
	);
}

function OperationHead({ operation }: { operation: Operation }) {
	const { t } = useTranslation();
	const ask = useAskedChange();
	const mayCancel = useMay('operation_cancel', { app: operation.app ?? '' });
	return (
		<PageHead
			title={
				<>
					{apiWord('kind', operation.kind)} {operation.target}
					<span style={{ fontSize: 13, fontWeight: 400 }}>
						<OperationState state={operation.state} />
					</span>
				</>
			}
		>
			{operation.rollout && <RolloutActions operation={operation} rollout={operation.rollout} />}
			{isOpen(operation) && mayCancel && (
				<Button danger onClick={() => ask({ title: t('operations/cancelAsk'), hint: t('operations/cancelHint'), danger: true, command: cliCommand('operation', 'cancel', operation.id) }, { what: t('operations/cancelAction'), url: path('operations', operation.id, 'cancel') })}>
					{t('operations/cancelAction')}
				</Button>
			)}
			<CopyButton size="middle" label={t('operations/link')} text={location.href} />
			<CopyButton cli size="middle" text={cliCommand('operation', 'watch', operation.id)} />
		</PageHead>
	);
}

export default function OperationPage() {
	const { t } = useTranslation();
	const { id = '' } = useParams();
	const query = useOperation(id);
	const operation = query.data;
	const log = useOperationLog(id, operation ? isOpen(operation) : undefined);
	useTitle(operation ? `${apiWord('kind', operation.kind)} ${operation.target}` : t('operations/title'));
	if (query.isLoading) {
		return <Skeleton />;
	}
	const error = query.error ?? log.error;
	return (
		<>
			{error && <ReadError error={error} updatedAtMs={query.dataUpdatedAt} onRetry={() => void query.refetch()} />}
			<StaleNotice updatedAtMs={query.dataUpdatedAt} />
			{operation && (
				<>
					<OperationHead operation={operation} />
					{operation.error && <div className="sot-notice bad" role="alert"><div>{operation.error}</div></div>}
					{operation.waitsFor && isOpen(operation) && !operation.rollout?.pausedBy && <div className="sot-notice warn" role="status"><div>{t('operations/waits', { reason: operation.waitsFor })}</div></div>}
					<Panel>
						<div className="sot-gap">
							<OperationProgress operation={operation} />
							{operation.rollout && <RolloutFacts operation={operation} rollout={operation.rollout} />}
							<Facts
								items={[
									[t('field/app'), operation.app ? <Link key="a" to={`/apps/${operation.app}`}>{operation.app}</Link> : '–'],
									[t('field/actor'), operation.actor],
									[t('field/started'), <Time key="s" at={operation.createdAt} />],
									[t('field/took'), <Took key="t" operation={operation} />],
									[t('field/id'), <span key="i" className="sot-mono">{operation.id}</span>],
								]}
							/>
						</div>
					</Panel>
					<div className="sot-grid">
						<Panel className="sot-c5" title={t('operations/steps')} flush>
							{operation.rollout ? <RolloutBatches steps={operation.steps ?? []} rollout={operation.rollout} /> : <Steps steps={operation.steps ?? []} />}
						</Panel>
						<Panel className="sot-c7" title={t('operations/log')} extra={<span className="sot-muted sot-small">{t('operations/lines', { count: log.lines.length })}</span>} flush>
							<LogView key={operation.id} name={operation.id} lines={log.lines} note={isOpen(operation) ? t('operations/logGrowing') : t('operations/logEnd')} />
						</Panel>
					</div>
				</>
			)}
		</>
	);
}
