// One instance: what it is and does, what it uses, what it wrote, why it stands where it stands, who had its address.
import { CodeOutlined } from '@ant-design/icons';
import { Button, Dropdown, Tabs } from 'antd';
import { useTranslation } from 'react-i18next';
import { Link, useParams } from 'react-router-dom';
import { useInstance } from '../api/queries';
import type { Instance } from '../api/types';
import { type InstanceVerb, useInstanceVerb } from '../app/instanceVerbs';
import { useMay, useCan } from '../app/session';
import { apiWord } from '../i18n';
import { cliCommand } from '../lib/cli';
import { formatBytes, formatCores, formatLocal } from '../lib/format';
import { useFilters } from '../lib/useFilters';
import { AddressHistory } from '../ui/AddressHistory';
import { CopyButton } from '../ui/CopyButton';
import { Inside } from '../ui/Inside';
import { askEarly, InstanceLog } from '../ui/InstanceLog';
import { VersionCell } from '../ui/InstanceTable';
import { InstanceLoad } from '../ui/Load';
import { Facts, PageHead, Panel, ReadError, Skeleton, StaleNotice, useTitle } from '../ui/Page';
import { InstanceState, StateTag } from '../ui/StateTag';
import { Time } from '../ui/Time';
import { Timeline } from '../ui/Timeline';
import { Why } from '../ui/Why';

function Actions({ instance }: { instance: Instance }) {
	const { t } = useTranslation();
	const can = useCan({ app: instance.app });
	const run = useInstanceVerb(instance.name);
	const gone = instance.desired === 'retired';
	const isStopped = instance.desired === 'stopped';
	const isFrozen = instance.state === 'frozen' || instance.desired === 'frozen';
	const verb = (name: InstanceVerb) => (
		can(`instance_${name}`) && <Button key={name} disabled={gone} onClick={() => run(name)}>{t(`instances/${name}`)}</Button>
	);
	const all: InstanceVerb[] = [isFrozen ? 'unfreeze' : 'freeze', 'rebuild', 'retire'];
	const more = all.filter((name) => can(`instance_${name}`));
	return (
		<>
			{can('exec_begin') && (
				<Link to={`/instances/${instance.name}/console`} data-key="s">
					<Button icon={<CodeOutlined />} disabled={instance.state !== 'running'} tabIndex={-1}>{t('instances/console')}</Button>
				</Link>
			)}
			{verb('restart')}
			{verb(isStopped ? 'start' : 'stop')}
			{more.length > 0 && <Dropdown
				trigger={['click']}
				disabled={gone}
				menu={{ onClick: ({ key }) => run(key as InstanceVerb), items: more.map((name) => ({ key: name, label: t(`instances/${name}`), danger: name === 'retire' })) }}
			>
				<Button>{t('field/actions')} ▾</Button>
			</Dropdown>}
			<CopyButton cli size="middle" text={cliCommand('instance', 'show', instance.name)} />
		</>
	);
}

function What({ instance }: { instance: Instance }) {
	const { t } = useTranslation();
	const address = (text: string | null) => (text ? <Link key={text} className="sot-mono" to={`/addresses?address=${text}`}>{text}</Link> : '–');
	return (
		<Facts
			items={[
				[t('field/app'), <Link key="app" to={`/apps/${instance.app}`}>{instance.app}</Link>],
				[t('field/group'), instance.group],
				[t('field/host'), instance.host ? <Link key="host" to={`/hosts/${instance.host}`}>{instance.host}</Link> : '–'],
				[t('field/version'), <VersionCell key="version" instance={instance} />],
				[t('field/image'), <span key="image" className="sot-mono">{instance.image}</span>],
				[t('field/plan'), `${instance.plan}: ${formatCores(instance.cpuMilli)} ${t('field/cpu')}, ${formatBytes(instance.memoryBytes)}, ${formatBytes(instance.diskBytes)} ${t('field/disk')}`],
				[t('field/address'), address(instance.address)],
				...(instance.addressV6 ? ([['IPv6', address(instance.addressV6)]] as [string, React.ReactNode][]) : []),
				[t('field/mac'), <span key="mac" className="sot-mono">{instance.mac ?? '–'}</span>],
				[t('field/vlan'), instance.vlanId ? `${instance.vlan} (${instance.vlanId})` : instance.vlan],
				[t('field/desired'), <StateTag key="desired" state={instance.desired} />],
				[t('field/restarts'), instance.restarts],
				[t('field/started'), <Time key="started" at={instance.startedAt} as="ago" />],
				[t('field/seen'), <Time key="seen" at={instance.observedAt} as="ago" />],
				[t('field/created'), <Time key="created" at={instance.createdAt} />],
				[t('field/container'), <span key="container" className="sot-mono">{instance.containerId.slice(0, 12) || '–'}</span>],
				[t('field/id'), <span key="id" className="sot-mono">{instance.id}</span>],
			]}
		/>
	);
}

export default function InstancePage() {
	const { t } = useTranslation();
	const { name = '' } = useParams();
	useTitle(name);
	const [get, set] = useFilters();
	const query = useInstance(name);
	const mayReadLogs = useMay('instance_logs', { app: query.data?.app ?? '' });
	const instance = query.data;
	if (query.isLoading) {
		return <Skeleton />;
	}
	return (
		<>
			{query.error && <ReadError error={query.error} updatedAtMs={query.dataUpdatedAt} onRetry={() => void query.refetch()} />}
			<StaleNotice updatedAtMs={query.dataUpdatedAt} />
			{instance && (
				<>
					<PageHead
						title={
							<>
								{instance.name} <span className="sot-head-states"><InstanceState instance={instance} /><StateTag state={instance.health} /></span>
							</>
						}
					>
						<Actions instance={instance} />
					</PageHead>
					{instance.unknownSince && (
						<div className="sot-notice" role="status">
							<div>{t('instances/unknownSince', { at: formatLocal(instance.unknownSince), state: apiWord('state', instance.state) })}</div>
						</div>
					)}
					{instance.error && <div className="sot-notice warn" role="status"><div>{instance.error}</div></div>}
					<Tabs
						activeKey={get('tab') || 'overview'}
						onTabClick={(tab) => tab === 'logs' && get('tab') !== 'logs' && askEarly(instance.name)}
						onChange={(tab) => set('tab', tab === 'overview' ? '' : tab)}
						destroyOnHidden
						items={[
							{
								key: 'overview',
								label: t('nav/overview'),
								children: (
									<div className="sot-grid">
										<Panel className="sot-c5" title={t('field/state')}><What instance={instance} /></Panel>
										<Panel className="sot-c7" title={t('instances/timeline')} flush><Timeline name={instance.name} app={instance.app} /></Panel>
									</div>
								),
							},
							{ key: 'load', label: t('load/title'), children: <InstanceLoad name={instance.name} /> },
							{ key: 'inside', label: t('inside/title'), disabled: instance.state !== 'running', children: <Inside name={instance.name} /> },
							...(mayReadLogs ? [{ key: 'logs', label: t('instances/logs'), children: <InstanceLog name={instance.name} /> }] : []),
							{ key: 'why', label: t('why/ask'), children: <Why name={instance.name} /> },
							{ key: 'address', label: t('instances/addressHistory'), disabled: !instance.address, children: instance.address && <Panel><AddressHistory address={instance.address} /></Panel> },
						]}
					/>
				</>
			)}
		</>
	);
}
