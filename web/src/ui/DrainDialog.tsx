// Emptying a host that lives (drain) or is lost (evacuate): the plan is read and shown before anything is moved, and shown again when what is asked changes.
import { useQuery } from '@tanstack/react-query';
import { Checkbox, InputNumber } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router-dom';
import { change, path } from '../api/client';
import type { DrainPlan, Host } from '../api/types';
import { useChange } from '../app/actions';
import { cliCommand } from '../lib/cli';
import { ActionDialog } from './ActionDialog';
import { ReadError, Skeleton } from './Page';

function PlanTable({ plan }: { plan: DrainPlan }) {
	const { t } = useTranslation();
	return (
		<div className="sot-scroll">
			<table className="sot-runs words">
				<thead>
					<tr>
						<th scope="col">{t('field/name')}</th>
						<th scope="col">{t('hosts/goesTo')}</th>
						<th scope="col">{t('field/address')}</th>
					</tr>
				</thead>
				<tbody>
					{plan.instances.map((one) => (
						<tr key={one.instance} data-to={one.to ?? ''}>
							<td>{one.instance}</td>
							<td>{one.to ? <Link to={`/hosts/${one.to}`}>{one.to}</Link> : <span className="sot-badge sot-warned">{t('hosts/stays')}</span>}</td>
							<td className="sot-muted">{one.to ? t(one.keepsAddress ? 'hosts/keepsAddress' : 'hosts/newAddress') : one.why}</td>
						</tr>
					))}
				</tbody>
			</table>
		</div>
	);
}

export function DrainDialog({ host, verb, onClose }: { host: Host; verb: 'drain' | 'evacuate'; onClose: () => void }) {
	const { t } = useTranslation();
	const send = useChange();
	const [includePinned, setIncludePinned] = useState(false);
	const [parallel, setParallel] = useState(2);
	const [busy, setBusy] = useState(false);
	const url = path('hosts', host.name, verb);
	const drains = verb === 'drain';
	const body = drains ? { includePinned, parallel } : { includePinned };
	const plan = useQuery({
		queryKey: ['hosts', 'drainPlan', verb, host.name, includePinned],
		queryFn: () => change<DrainPlan>('POST', url, { ...body, dryRun: true }),
	});
	const drain = async (): Promise<void> => {
		setBusy(true);
		await send({ what: t(`hosts/${verb}`), url, body, follow: true });
		setBusy(false);
		onClose();
	};
	const words = plan.data && t('hosts/drainWords', { moves: plan.data.moves, stays: plan.data.stays });
	return (
		<ActionDialog title={t(`hosts/${verb}Ask`, { name: host.name })} submit={t(`hosts/${verb}`)} command={cliCommand('host', verb, host.name, ...(includePinned ? ['--include-pinned'] : []), ...(drains ? [`--parallel=${parallel}`] : []))} busy={busy} okButtonProps={{ disabled: !plan.data, danger: !drains }} onSubmit={() => void drain()} onClose={onClose} width={720}>
			<div className="sot-gap">
				<span className="sot-muted">{t(`hosts/${verb}Hint`)}</span>
				{plan.error && <ReadError error={plan.error} onRetry={() => void plan.refetch()} />}
				{plan.isLoading && <Skeleton rows={3} />}
				{plan.data && (
					<>
						<strong role="status">{words}</strong>
						{plan.data.instances.length > 0 && <PlanTable plan={plan.data} />}
					</>
				)}
				<div className="sot-row">
					<Checkbox checked={includePinned} onChange={(event) => setIncludePinned(event.target.checked)}>{t('hosts/includePinned')}</Checkbox>
					{drains && (
						<label className="sot-row">
							{t('hosts/parallel')} <InputNumber min={1} max={100} precision={0} value={parallel} onChange={(value) => setParallel(value ?? 2)} />
						</label>
					)}
				</div>
			</div>
		</ActionDialog>
	);
}
