// Teams with what they may book and what they have booked.
import { Button, type TableColumnsType } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { path } from '../../api/client';
import { useTeams } from '../../api/queries';
import type { Quota, Team } from '../../api/types';
import { useAskedChange } from '../../app/actions';
import { useMay } from '../../app/session';
import { cliCommand } from '../../lib/cli';
import { formatBytes, formatCores } from '../../lib/format';
import { type EnteredQuota, enteredFrom, quotaCommand, quotaFrom } from '../../lib/settings';
import { CopyButton } from '../../ui/CopyButton';
import { DataTable } from '../../ui/DataTable';
import { FormDialog } from '../../ui/FormDialog';

const NO_QUOTA: Quota = { cpuMilli: 0, memoryBytes: 0, diskBytes: 0, instances: 0 };

function QuotaDialog({ team, onClose }: { team: Team | null; onClose: () => void }) {
	const { t } = useTranslation();
	const title = team ? t('settings/quotaOf', { name: team.name }) : t('settings/newTeam');
	return (
		<FormDialog<EnteredQuota>
			title={title}
			submit={team ? t('settings/save') : t('common/create')}
			hint={t('settings/quotaHint')}
			fields={[
				...(team ? [] : [{ name: 'name' as const, label: t('field/name'), needed: true, pattern: /^[a-z]([a-z0-9-]*[a-z0-9])?$/, hint: t('create/nameHint'), max: 30 }]),
				{ name: 'cores', label: t('settings/cores'), kind: 'number' },
				{ name: 'memoryGib', label: t('settings/memoryGib'), kind: 'number' },
				{ name: 'diskGib', label: t('settings/diskGib'), kind: 'number' },
				{ name: 'instances', label: t('field/instances'), kind: 'number' },
			]}
			initial={enteredFrom(team?.name ?? '', team?.quota ?? NO_QUOTA)}
			toChange={(entered) => ({ what: title, method: 'PUT', url: path('teams', entered.name), body: { quota: quotaFrom(entered) } })}
			toCommand={quotaCommand}
			onClose={onClose}
		/>
	);
}

function Share({ booked, quota, words }: { booked: number; quota: number; words: (value: number) => string }) {
	const { t } = useTranslation();
	const over = quota > 0 && booked > quota;
	return <span className={over ? 'sot-badge sot-warned sot-num' : 'sot-num'}>{quota > 0 ? t('common/of', { part: words(booked), total: words(quota) }) : `${words(booked)} · ${t('settings/noLimit')}`}</span>;
}

export function TeamsTab() {
	const { t } = useTranslation();
	const teams = useTeams();
	const ask = useAskedChange();
	const may = useMay('team_set');
	const [open, setOpen] = useState<'new' | Team | null>(null);
	const columns: TableColumnsType<Team> = [
		{ title: t('field/name'), key: 'name', render: (_, row) => <span className="sot-rowlink">{row.name}</span> },
		{ title: t('nav/apps'), key: 'apps', align: 'right', dataIndex: 'apps' },
		{ title: t('field/cpu'), key: 'cpu', render: (_, row) => <Share booked={row.booked.cpuMilli} quota={row.quota.cpuMilli} words={formatCores} /> },
		{ title: t('field/memory'), key: 'memory', render: (_, row) => <Share booked={row.booked.memoryBytes} quota={row.quota.memoryBytes} words={formatBytes} /> },
		{ title: t('field/disk'), key: 'disk', render: (_, row) => <Share booked={row.booked.diskBytes} quota={row.quota.diskBytes} words={formatBytes} /> },
		{ title: t('field/instances'), key: 'instances', render: (_, row) => <Share booked={row.booked.instances} quota={row.quota.instances} words={String} /> },
		...(may
			? [
					{
						title: '',
						key: 'actions',
						align: 'right' as const,
						render: (_: unknown, row: Team) => (
							<span className="sot-row sot-right">
								<Button size="small" onClick={() => setOpen(row)}>{t('settings/quota')}</Button>
								<Button size="small" danger disabled={row.apps > 0} onClick={() => ask({ title: t('settings/deleteTeamAsk', { name: row.name }), hint: t('settings/deleteTeamHint'), danger: true, command: cliCommand('team', 'delete', row.name) }, { what: t('settings/delete'), method: 'DELETE', url: path('teams', row.name) })}>{t('settings/delete')}</Button>
								<CopyButton cli bare text={quotaCommand(enteredFrom(row.name, row.quota))} />
							</span>
						),
					},
				]
			: []),
	];
	return (
		<>
			<DataTable list={teams} columns={columns} rowKey={(row) => row.name} label={t('settings/teams')} title={t('settings/teams')} extra={may ? <Button type="primary" size="small" onClick={() => setOpen('new')}>{t('settings/newTeam')}</Button> : <CopyButton cli bare text={cliCommand('team', 'list')} />} empty={{ title: t('settings/noTeams'), hint: t('settings/noTeamsHint') }} />
			{open !== null && <QuotaDialog team={open === 'new' ? null : open} onClose={() => setOpen(null)} />}
		</>
	);
}
