// Instances as rows, with start, stop, restart, retire and logs. Used by three pages.
import { CodeOutlined, FileTextOutlined, MoreOutlined, PlayCircleOutlined, PoweroffOutlined, QuestionCircleOutlined, ReloadOutlined } from '@ant-design/icons';
import { Button, Dropdown, type TableColumnsType } from 'antd';
import { useMemo, useState, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router-dom';
import type { List } from '../api/queries';
import type { Instance } from '../api/types';
import { type InstanceVerb, useInstanceVerb } from '../app/instanceVerbs';
import { useCan } from '../app/session';
import { cliCommand } from '../lib/cli';
import { DataTable } from './DataTable';
import { IconButton } from './IconButton';
import { LogsDrawer } from './LogsDrawer';
import { shownState } from '../lib/model';
import { InstanceState, StateTag } from './StateTag';
import { Time } from './Time';
import { WhyDrawer } from './Why';

/** The menu of a row is made when it is opened: a table has hundreds of rows. */
function MoreActions({ instance, mayRetire, onRetire }: { instance: Instance; mayRetire: boolean; onRetire: () => void }) {
	const { t } = useTranslation();
	const [open, setOpen] = useState<boolean | null>(null);
	const label = `${t('field/actions')}: ${instance.name}`;
	if (open === null) {
		return <IconButton icon={<MoreOutlined />} menu label={label} onClick={() => setOpen(true)} />;
	}
	return (
		<Dropdown
			trigger={['click']}
			open={open}
			onOpenChange={setOpen}
			menu={{
				onClick: ({ key }) => {
					setOpen(false);
					if (key === 'retire') {
						onRetire();
					} else {
						void navigator.clipboard?.writeText(cliCommand('instance', key, instance.name));
					}
				},
				items: [
					{ key: 'restart', label: `${t('common/copyCli')}: ${t('instances/restart')}` },
					{ key: 'logs', label: `${t('common/copyCli')}: ${t('instances/logs')}` },
					{ key: 'show', label: `${t('common/copyCli')}: ${t('common/details')}` },
					...(mayRetire ? [{ type: 'divider' as const }, { key: 'retire', label: t('instances/retire'), danger: true, disabled: instance.desired === 'retired' }] : []),
				],
			}}
		>
			<Button type="text" size="small" icon={<MoreOutlined />} aria-haspopup="menu" aria-label={label} autoFocus />
		</Dropdown>
	);
}

/** Hints are the browser's own (title): drawing a row costs half of what it does with those of antd. */
function InstanceActions({ instance, onLogs, onWhy }: { instance: Instance; onLogs: () => void; onWhy: () => void }) {
	const { t } = useTranslation();
	const can = useCan({ app: instance.app });
	const run = useInstanceVerb(instance.name);
	const stopped = instance.desired === 'stopped';
	const gone = instance.desired === 'retired';
	const button = (verb: InstanceVerb, icon: ReactNode) => can(`instance_${verb}`) && (
		<IconButton icon={icon} disabled={gone} title={t(`instances/${verb}`)} label={`${t(`instances/${verb}`)}: ${instance.name}`} onClick={() => run(verb)} />
	);
	return (
		<span className="sot-nowrap">
			{can('instance_logs') && (
				<IconButton icon={<FileTextOutlined />} keyName="l" title={t('instances/logs')} label={`${t('instances/logs')}: ${instance.name}`} onClick={onLogs} />
			)}
			<IconButton icon={<QuestionCircleOutlined />} title={t('why/ask')} label={`${t('why/ask')}: ${instance.name}`} onClick={onWhy} />
			{can('exec_begin') && (
				<Link className={`sot-icon${instance.state === 'running' ? '' : ' off'}`} to={`/instances/${instance.name}/console`} data-key="s" title={t('instances/console')} aria-label={`${t('instances/console')}: ${instance.name}`}>
					<CodeOutlined />
				</Link>
			)}
			{button('restart', <ReloadOutlined />)}
			{stopped ? button('start', <PlayCircleOutlined />) : button('stop', <PoweroffOutlined />)}
			<MoreActions instance={instance} mayRetire={can('instance_retire')} onRetire={() => run('retire')} />
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
				<span className="sot-badge sot-warned sot-mono" title={t('instances/switching', { version: instance.wantedVersion })}>→ {instance.wantedVersion}</span>
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
	isAsking?: boolean;
}

const NONE: never[] = [];
const idOf = (row: Instance): string => row.id;

export function InstanceTable({ list, rows, title, hide = NONE, extra, isSifted = false, isAsking = false }: Props) {
	const { t } = useTranslation();
	const [logsOf, setLogsOf] = useState<string | null>(null);
	const [whyOf, setWhyOf] = useState<string | null>(null);
	const hidden = hide.join();
	const columns = useMemo((): TableColumnsType<Instance> => {
		const all: TableColumnsType<Instance> = [
			{ title: t('field/name'), key: 'name', width: 200, sorter: (a, b) => a.name.localeCompare(b.name), render: (_, row) => <Link className="sot-rowlink" to={`/instances/${row.name}`}>{row.name}</Link> },
			{ title: t('field/state'), key: 'state', sorter: (a, b) => shownState(a).localeCompare(shownState(b)), render: (_, row) => <InstanceState instance={row} /> },
			{ title: t('field/health'), key: 'health', render: (_, row) => <StateTag state={row.health} /> },
			{ title: t('field/address'), key: 'address', render: (_, row) => (row.address ? <Link className="sot-mono" to={`/addresses?address=${row.address}`}>{row.address}</Link> : <span className="sot-muted">–</span>) },
			{ title: t('field/app'), key: 'app', render: (_, row) => <Link to={`/apps/${row.app}`}>{row.app}</Link> },
			{ title: t('field/host'), key: 'host', sorter: (a, b) => (a.host ?? '').localeCompare(b.host ?? ''), render: (_, row) => (row.host ? <Link to={`/hosts/${row.host}`}>{row.host}</Link> : <span className="sot-muted">–</span>) },
			{ title: t('field/version'), key: 'version', render: (_, row) => <VersionCell instance={row} /> },
			{ title: t('field/restarts'), key: 'restarts', align: 'right', render: (_, row) => <span className="sot-num">{row.restarts}</span> },
			{ title: t('field/started'), key: 'started', render: (_, row) => <Time at={row.startedAt} as="ago" /> },
			{ title: '', key: 'actions', align: 'right', fixed: 'end', width: 210, render: (_, row) => <InstanceActions instance={row} onLogs={() => setLogsOf(row.name)} onWhy={() => setWhyOf(row.name)} /> },
		];
		return all.filter((column) => !hidden.split(',').includes(String(column.key)));
	}, [t, hidden]);
	return (
		<>
			<DataTable
				list={list}
				rows={rows}
				columns={columns}
				rowKey={idOf}
				label={title ?? t('instances/title')}
				title={title}
				extra={extra}
				isAsking={isAsking}
				empty={isSifted ? { title: t('common/nothingFits') } : { title: t('instances/empty'), hint: t('instances/emptyHint') }}
			/>
			<LogsDrawer name={logsOf} onClose={() => setLogsOf(null)} />
			<WhyDrawer name={whyOf} onClose={() => setWhyOf(null)} />
		</>
	);
}
