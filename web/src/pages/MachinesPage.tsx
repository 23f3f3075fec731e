// Machines on their way into service: a list is pasted, looked at, imported; then each machine is a row of steps, with its log.
import { Button, Drawer, Select, type TableColumnsType } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router-dom';
import { change } from '../api/client';
import { useMachines } from '../api/queries';
import type { Machine } from '../api/types';
import { useCan } from '../app/session';
import { apiWord } from '../i18n';
import { cliCommand } from '../lib/cli';
import type { Tone } from '../lib/model';
import { useFilters } from '../lib/useFilters';
import { CopyButton } from '../ui/CopyButton';
import { DataTable } from '../ui/DataTable';
import { MachineImport } from '../ui/MachineImport';
import { MachineLog } from '../ui/MachineLog';
import { PageHead, ReadError, useTitle } from '../ui/Page';
import { StateTag } from '../ui/StateTag';
import { Time } from '../ui/Time';

const STEPS = ['registered', 'installing', 'preflight', 'online'] as const;

/** How far a machine is at one of the steps. A failed one does not say where in its state: its log does. */
function stepTone(machine: Machine, step: (typeof STEPS)[number]): { tone: Tone; word: string } {
	if (machine.state === 'failed') {
		return step === 'registered' ? { tone: 'good', word: 'done' } : step === 'installing' ? { tone: 'bad', word: 'failed' } : { tone: 'off', word: 'cancelled' };
	}
	const at = STEPS.indexOf(machine.state);
	const here = STEPS.indexOf(step);
	if (here < at || machine.state === 'online') {
		return { tone: 'good', word: 'done' };
	}
	return here === at ? { tone: 'busy', word: 'running' } : { tone: 'off', word: 'queued' };
}

function LogDrawer({ name, onClose }: { name: string; onClose: () => void }) {
	const { t } = useTranslation();
	return (
		<Drawer title={name && t('machines/logOf', { name })} open={name !== ''} onClose={onClose} size={960} extra={<CopyButton cli text={cliCommand('machine', 'log', name, '--follow')} />}>
			{name && <MachineLog name={name} />}
		</Drawer>
	);
}

export default function MachinesPage() {
	const { t } = useTranslation();
	useTitle(t('machines/title'));
	const [get, set] = useFilters();
	const machines = useMachines({ state: get('state') || undefined });
	const [importing, setImporting] = useState(false);
	const can = useCan();
	const [retryError, setRetryError] = useState<Error | null>(null);
	const retry = (names: string[]): void => {
		setRetryError(null);
		change('POST', '/v1/machine-retries', { names }).then(machines.retry, setRetryError);
	};
	const failed = machines.items.filter((machine) => machine.state === 'failed').length;
	const columns: TableColumnsType<Machine> = [
		{ title: t('field/name'), key: 'name', render: (_, machine) => (machine.state === 'online' ? <Link className="sot-rowlink" to={`/hosts/${machine.name}`}>{machine.name}</Link> : machine.name) },
		{ title: t('field/address'), key: 'address', render: (_, machine) => <span className="sot-mono">{machine.address}</span> },
		{ title: t('field/location'), key: 'location', render: (_, machine) => <>{machine.az} <span className="sot-muted">/ {machine.rack}</span></> },
		...STEPS.map((step) => ({
			title: apiWord('state', step),
			key: step,
			render: (_: unknown, machine: Machine) => {
				const { tone, word } = stepTone(machine, step);
				return <StateTag state={word} tone={tone} hint={machine.state === 'failed' && step === 'installing' ? machine.error : undefined} />;
			},
		})),
		{ title: t('machines/task'), key: 'task', width: '24%', render: (_, machine) => <span className={machine.error ? 'sot-warned' : 'sot-muted'}>{machine.error || machine.task}</span> },
		{ title: t('machines/updated'), key: 'updated', render: (_, machine) => <Time at={machine.updatedAt} as="ago" /> },
		{
			title: '',
			key: 'do',
			render: (_, machine) => (
				<span className="sot-row">
					<Button size="small" onClick={() => set('log', machine.name)}>{t('machines/log')}</Button>
					{machine.state === 'failed' && can('machine_retry') && <><Button size="small" onClick={() => retry([machine.name])}>{t('machines/retry')}</Button><CopyButton cli bare text={cliCommand('host', 'retry', machine.name)} /></>}
				</span>
			),
		},
	];
	return (
		<>
			<PageHead title={t('machines/title')} lead={t('machines/lead')}>
				{failed > 0 && can('machine_retry') && <><Button onClick={() => retry([])}>{t('machines/retryAll', { count: failed })}</Button><CopyButton cli size="middle" text={cliCommand('host', 'retry', '--failed')} /></>}
				{can('machine_import') && <Button type="primary" onClick={() => setImporting(true)}>{t('machines/import')}</Button>}
			</PageHead>
			<div className="sot-filters">
				<Select allowClear style={{ width: 170 }} aria-label={t('instances/filterState')} placeholder={t('instances/filterState')} value={get('state') || undefined} onChange={(state: string | undefined) => set('state', state ?? '')} options={[...STEPS, 'failed'].map((state) => ({ value: state, label: apiWord('state', state) }))} />
				<span className="sot-total">{t('common/shown', { shown: machines.items.length, total: machines.total })}</span>
			</div>
			{retryError && <ReadError error={retryError} onRetry={() => setRetryError(null)} />}
			<DataTable list={machines} columns={columns} rowKey={(machine) => machine.name} label={t('machines/title')} empty={{ title: t('machines/empty'), hint: t('machines/emptyHint') }} />
			<MachineImport
				open={importing}
				onClose={(imported) => {
					setImporting(false);
					if (imported) {
						machines.retry();
					}
				}}
			/>
			<LogDrawer name={get('log')} onClose={() => set('log', '', 'find')} />
		</>
	);
}
