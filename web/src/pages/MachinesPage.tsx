// Machines on their way into service: a list is pasted, looked at, imported; then each machine is a row of steps, with its log.
import { Alert, Button, Drawer, Input, Select, type TableColumnsType } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router-dom';
import { ApiError, change } from '../api/client';
import { useMachineLog, useMachines } from '../api/queries';
import type { Machine, MachineImport, LineProblem } from '../api/types';
import { apiWord } from '../i18n';
import { cliCommand } from '../lib/cli';
import { formatClock, formatUtc } from '../lib/format';
import type { Tone } from '../lib/model';
import { useFilters } from '../lib/useFilters';
import { CopyButton } from '../ui/CopyButton';
import { DataTable } from '../ui/DataTable';
import { LogLines } from '../ui/LogLines';
import { PageHead, ReadError, useTitle } from '../ui/Page';
import { StateTag } from '../ui/StateTag';
import { Time } from '../ui/Time';
import { WrongLines } from '../ui/WrongLines';

const STEPS = ['registered', 'installing', 'preflight', 'online'] as const;
const EXAMPLE = 'name,address,az,rack,labels,oob\nnode-1,10.0.0.11,a,a-1,ssd,ipmi://10.9.0.11\n';

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

function ImportDrawer({ open, onClose }: { open: boolean; onClose: (imported: boolean) => void }) {
	const { t } = useTranslation();
	const [csv, setCsv] = useState(EXAMPLE);
	const [busy, setBusy] = useState(false);
	const [checked, setChecked] = useState<MachineImport | null>(null);
	const [error, setError] = useState<ApiError | null>(null);
	const send = async (dryRun: boolean): Promise<void> => {
		setBusy(true);
		setError(null);
		try {
			const answer = await change<MachineImport>('POST', '/v1/machines', { csv, dryRun });
			setChecked(dryRun ? answer : null);
			if (!dryRun) {
				onClose(true);
			}
		} catch (cause) {
			setChecked(null);
			if (!(cause instanceof ApiError)) {
				throw cause;
			}
			setError(cause);
		} finally {
			setBusy(false);
		}
	};
	const wrong = (error?.problem.errors ?? []) as unknown as LineProblem[];
	return (
		<Drawer title={t('machines/import')} open={open} onClose={() => onClose(false)} size={860}>
			<p>{t('machines/importHint')}</p>
			<Input.TextArea
				aria-label={t('machines/list')}
				className="sot-mono"
				rows={14}
				value={csv}
				onChange={(event) => {
					setCsv(event.target.value);
					setChecked(null);
				}}
			/>
			<div className="sot-row" style={{ margin: '12px 0' }}>
				<Button onClick={() => void send(true)} loading={busy}>
					{t('machines/check')}
				</Button>
				<Button type="primary" disabled={checked === null || checked.imported === 0} onClick={() => void send(false)} loading={busy}>
					{t('machines/importNow', { count: checked?.imported ?? 0 })}
				</Button>
			</div>
			{checked && <Alert type="success" title={t('machines/checked', { imported: checked.imported, unchanged: checked.unchanged })} />}
			{error && <Alert type="error" title={error.problem.detail} />}
			{wrong.length > 0 && <WrongLines problems={wrong} />}
		</Drawer>
	);
}

function LogDrawer({ name, onClose }: { name: string | null; onClose: () => void }) {
	const { t } = useTranslation();
	const log = useMachineLog(name);
	return (
		<Drawer title={name && t('machines/logOf', { name })} open={name !== null} onClose={onClose} size={960} extra={<CopyButton cli text={cliCommand('machine', 'log', name ?? '', '--follow')} />}>
			{log.error && <ReadError error={log.error} onRetry={log.retry} />}
			<LogLines
				key={name}
				count={log.lines.length}
				label={t('machines/log')}
				note=""
				line={(at) => {
					const line = log.lines[at];
					return line && (
						<div key={line.line} className={`sot-line ${line.status === 'failed' || line.status === 'unreachable' ? 'error' : 'info'}`} data-line={line.line}>
							<span>{line.line}</span>
							<time dateTime={line.at} title={formatUtc(line.at)}>
								{formatClock(line.at)}
							</time>
							<span>
								{apiWord('task', line.status)} · {line.task}
								{line.text && `: ${line.text}`}
							</span>
						</div>
					);
				}}
			/>
		</Drawer>
	);
}

export default function MachinesPage() {
	const { t } = useTranslation();
	useTitle(t('machines/title'));
	const [get, set] = useFilters();
	const machines = useMachines({ state: get('state') || undefined });
	const [importing, setImporting] = useState(false);
	const [logOf, setLogOf] = useState<string | null>(null);
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
					<Button size="small" onClick={() => setLogOf(machine.name)}>{t('machines/log')}</Button>
					{machine.state === 'failed' && <Button size="small" onClick={() => retry([machine.name])}>{t('machines/retry')}</Button>}
				</span>
			),
		},
	];
	return (
		<>
			<PageHead title={t('machines/title')} lead={t('machines/lead')}>
				{failed > 0 && <Button onClick={() => retry([])}>{t('machines/retryAll', { count: failed })}</Button>}
				<Button type="primary" onClick={() => setImporting(true)}>{t('machines/import')}</Button>
			</PageHead>
			<div className="sot-filters">
				<Select allowClear style={{ width: 170 }} aria-label={t('instances/filterState')} placeholder={t('instances/filterState')} value={get('state') || undefined} onChange={(state: string | undefined) => set('state', state ?? '')} options={[...STEPS, 'failed'].map((state) => ({ value: state, label: apiWord('state', state) }))} />
				<span className="sot-total">{t('common/shown', { shown: machines.items.length, total: machines.total })}</span>
			</div>
			{retryError && <ReadError error={retryError} onRetry={() => setRetryError(null)} />}
			<DataTable list={machines} columns={columns} rowKey={(machine) => machine.name} label={t('machines/title')} empty={{ title: t('machines/empty'), hint: t('machines/emptyHint') }} />
			<ImportDrawer
				open={importing}
				onClose={(imported) => {
					setImporting(false);
					if (imported) {
						machines.retry();
					}
				}}
			/>
			<LogDrawer name={logOf} onClose={() => setLogOf(null)} />
		</>
	);
}
