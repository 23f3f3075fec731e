// Instances as rows, with start, stop, restart, retire and logs. Used by three pages.
import { CodeOutlined, FileTextOutlined, MoreOutlined, PlayCircleOutlined, PoweroffOutlined, QuestionCircleOutlined, ReloadOutlined } from '@ant-design/icons';
import { Button, Dropdown, type TableColumnsType, Tooltip } from 'antd';
import { useState, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router-dom';
import type { List } from '../api/queries';
import type { Instance } from '../api/types';
import { type InstanceVerb, useInstanceVerb } from '../app/instanceVerbs';
import { useCan } from '../app/session';
import { cliCommand } from '../lib/cli';
import { DataTable } from './DataTable';
import { LogsDrawer } from './LogsDrawer';
import { StateTag } from './StateTag';
import { Time } from './Time';
import { WhyDrawer } from './Why';

function InstanceActions({ instance, onLogs, onWhy }: { instance: Instance; onLogs: () => void; onWhy: () => void }) {
	const { t } = useTranslation();
	const can = useCan({ app: instance.app });
	const run = useInstanceVerb(instance.name);
	const stopped = instance.desired === 'stopped';
	const gone = instance.desired === 'retired';
	const button = (verb: InstanceVerb, icon: ReactNode) => can(`instance_${verb}`) && (
		<Tooltip title={t(`instances/${verb}`)}>
			<Button type="text" size="small" icon={icon} disabled={gone} aria-label={`${t(`instances/${verb}`)}: ${instance.name}`} onClick={() => run(verb)} />
		</Tooltip>
	);
	return (
		<span className="sot-nowrap">
			{can('instance_logs') && (
				<Tooltip title={t('instances/logs')}>
					<Button type="text" size="small" icon={<FileTextOutlined />} data-key="l" aria-label={`${t('instances/logs')}: ${instance.name}`} onClick={onLogs} />
				</Tooltip>
			)}
			<Tooltip title={t('why/ask')}>
				<Button type="text" size="small" icon={<QuestionCircleOutlined />} aria-label={`${t('why/ask')}: ${instance.name}`} onClick={onWhy} />
			</Tooltip>
			{can('exec_begin') && (
				<Tooltip title={t('instances/console')}>
					<Link to={`/instances/${instance.name}/console`} data-key="s" aria-label={`${t('instances/console')}: ${instance.name}`}>
						<Button type="text" size="small" icon={<CodeOutlined />} disabled={instance.state !== 'running'} tabIndex={-1} />
					</Link>
				</Tooltip>
			)}
			{button('restart', <ReloadOutlined />)}
			{stopped ? button('start', <PlayCircleOutlined />) : button('stop', <PoweroffOutlined />)}
			<Dropdown
				trigger={['click']}
				menu={{
					onClick: ({ key }) => {
						if (key === 'retire') {
							run('retire');
						} else {
							void navigator.clipboard?.writeText(cliCommand('instance', key, instance.name));
						}
					},
					items: [
						{ key: 'restart', label: `${t('common/copyCli')}: ${t('instances/restart')}` },
						{ key: 'logs', label: `${t('common/copyCli')}: ${t('instances/logs')}` },
						{ key: 'show', label: `${t('common/copyCli')}: ${t('common/details')}` },
						...(can('instance_retire') ? [{ type: 'divider' as const }, { key: 'retire', label: t('instances/retire'), danger: true, disabled: gone }] : []),
					],
				}}
			>
				<Button type="text" size="small" icon={<MoreOutlined />} aria-label={`${t('field/actions')}: ${instance.name}`} />
			</Dropdown>
		</span>
	);
}

export function VersionCell({ instance }: { instance: Instance }) {
	const { t } = useTranslation();
	const switching = instance.wantedVersion !== instance.version && instance.desired !== 'retired';
	return (
		<span className="sot-row">
			<span className="sot-mono">{instance.version || '–'}</span>
			{switching && (
				<Tooltip title={t('instances/switching', { version: instance.wantedVersion })}>
					<span className="sot-badge sot-warned sot-mono">→ {instance.wantedVersion}</span>
				</Tooltip>
			)}
		</span>
	);
}

interface Props {
	list: List<Instance>;
	rows?: Instance[];
	title?: string;
	hide?: ('app' | 'host')[];
	extra?: ReactNode;
	/** Filters are set: none found is not none there. */
	isSifted?: boolean;
}

export function InstanceTable({ list, rows, title, hide = [], extra, isSifted = false }: Props) {
	const { t } = useTranslation();
	const [logsOf, setLogsOf] = useState<string | null>(null);
	const [whyOf, setWhyOf] = useState<string | null>(null);
	const columns: TableColumnsType<Instance> = [
		{ title: t('field/name'), key: 'name', width: 200, sorter: (a, b) => a.name.localeCompare(b.name), render: (_, row) => <Link className="sot-rowlink" to={`/instances/${row.name}`}>{row.name}</Link> },
		{ title: t('field/state'), key: 'state', sorter: (a, b) => a.state.localeCompare(b.state), render: (_, row) => <StateTag state={row.state} hint={row.error} /> },
		{ title: t('field/health'), key: 'health', render: (_, row) => <StateTag state={row.health} /> },
		{ title: t('field/address'), key: 'address', render: (_, row) => (row.address ? <Link className="sot-mono" to={`/addresses?address=${row.address}`}>{row.address}</Link> : <span className="sot-muted">–</span>) },
		{ title: t('field/app'), key: 'app', render: (_, row) => <Link to={`/apps/${row.app}`}>{row.app}</Link> },
		{ title: t('field/host'), key: 'host', sorter: (a, b) => (a.host ?? '').localeCompare(b.host ?? ''), render: (_, row) => (row.host ? <Link to={`/hosts/${row.host}`}>{row.host}</Link> : <span className="sot-muted">–</span>) },
		{ title: t('field/version'), key: 'version', render: (_, row) => <VersionCell instance={row} /> },
		{ title: t('field/restarts'), key: 'restarts', align: 'right', render: (_, row) => <span className="sot-num">{row.restarts}</span> },
		{ title: t('field/started'), key: 'started', render: (_, row) => <Time at={row.startedAt} as="ago" /> },
		{ title: '', key: 'actions', align: 'right', fixed: 'end', width: 210, render: (_, row) => <InstanceActions instance={row} onLogs={() => setLogsOf(row.name)} onWhy={() => setWhyOf(row.name)} /> },
	];
	return (
		<>
			<DataTable
				list={list}
				rows={rows}
				columns={columns.filter((column) => !hide.some((name) => name === column.key))}
				rowKey={(row) => row.id}
				label={title ?? t('instances/title')}
				title={title}
				extra={extra}
				empty={isSifted ? { title: t('common/nothingFits') } : { title: t('instances/empty'), hint: t('instances/emptyHint') }}
			/>
			<LogsDrawer name={logsOf} onClose={() => setLogsOf(null)} />
			<WhyDrawer name={whyOf} onClose={() => setWhyOf(null)} />
		</>
	);
}
