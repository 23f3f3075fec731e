// What runs of the playbook did on a machine, live: its installation, further attempts, upgrades.
import { Select } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useMachine, useMachineLog } from '../api/queries';
import { apiWord } from '../i18n';
import { cliCommand } from '../lib/cli';
import { formatLocal } from '../lib/format';
import { asLogLine, runsOf } from '../lib/machineLog';
import { CopyButton } from './CopyButton';
import { LogView } from './LogView';
import { Empty, Panel, ReadError, Skeleton } from './Page';
import { StateTag } from './StateTag';

export function MachineLog({ name }: { name: string | null }) {
	const { t } = useTranslation();
	const log = useMachineLog(name);
	const [chosen, setChosen] = useState<number | null>(null);
	const runs = runsOf(log.lines);
	const run = runs.find(({ first }) => first === chosen);
	const shown = run ? log.lines.filter(({ line }) => line >= run.first && line <= run.last) : log.lines;
	return (
		<>
			{log.error && <ReadError error={log.error} onRetry={log.retry} />}
			<LogView
				key={`${name} ${run?.first ?? ''}`}
				name={`${name}-installation`}
				label={t('machines/installation')}
				lines={shown.map((line) => asLogLine(line, (status) => apiWord('task', status)))}
				note=""
				tools={runs.length > 1 && (
					<Select
						aria-label={t('machines/runs')}
						style={{ minWidth: 260 }}
						value={run?.first ?? 0}
						onChange={setChosen}
						options={[{ value: 0, label: t('machines/allRuns', { count: runs.length }) }, ...[...runs].reverse().map(({ first, begunAt, attempt, tasks, failed }) => ({ value: first, label: t(failed > 0 ? 'machines/runFailed' : 'machines/run', { at: formatLocal(begunAt), attempt, tasks, failed }) }))]}
					/>
				)}
			/>
		</>
	);
}

export function HostInstallation({ name }: { name: string }) {
	const { t } = useTranslation();
	const query = useMachine(name);
	const machine = query.data;
	return (
		<Panel
			flush
			title={<>{t('machines/installation')} {machine && <StateTag state={machine.state} hint={machine.error} />}</>}
			extra={machine && <CopyButton cli text={cliCommand('machine', 'log', name, '--follow')} />}
		>
			{query.isLoading && <Skeleton rows={3} />}
			{query.error && <ReadError error={query.error} onRetry={() => void query.refetch()} />}
			{machine === null && <Empty title={t('machines/byHand')} hint={t('machines/byHandHint')} />}
			{machine && <MachineLog name={name} />}
		</Panel>
	);
}
