// Hosts: state, place, fill, versions (those that differ from most are marked), last seen.
import { Select, type TableColumnsType } from 'antd';
import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router-dom';
import { useHosts } from '../api/queries';
import type { Host } from '../api/types';
import { apiWord } from '../i18n';
import { formatBytes, formatCores } from '../lib/format';
import { commonVersion } from '../lib/model';
import { useFilters } from '../lib/useFilters';
import { useAsked } from '../lib/useAsked';
import { DataTable } from '../ui/DataTable';
import { Fill } from '../ui/Fill';
import { FilterInput } from '../ui/FilterInput';
import { PageHead, useTitle } from '../ui/Page';
import { StateTag } from '../ui/StateTag';
import { Time } from '../ui/Time';

export function HostFill({ host }: { host: Host }) {
	const { t } = useTranslation();
	const { capacity, booked } = host;
	return (
		<div style={{ minWidth: 190 }}>
			<Fill label={t('field/cpu')} part={booked.cpuMilli} total={capacity.cpuMilli} title={`${formatCores(booked.cpuMilli)} / ${formatCores(capacity.cpuMilli)}`} />
			<Fill label={t('field/memory')} part={booked.memoryBytes} total={capacity.memoryBytes} title={`${formatBytes(booked.memoryBytes)} / ${formatBytes(capacity.memoryBytes)}`} />
			<Fill label={t('field/disk')} part={booked.diskBytes} total={capacity.diskBytes} title={`${formatBytes(booked.diskBytes)} / ${formatBytes(capacity.diskBytes)}`} />
		</div>
	);
}

export function HostState({ host }: { host: Host }) {
	return (
		<div className="sot-stack">
			<StateTag state={host.state} />
			{!host.schedulable && <StateTag state="cordoned" />}
		</div>
	);
}

function Version({ value, common }: { value: string; common: string }) {
	const { t } = useTranslation();
	if (!value) {
		return <span className="sot-muted">–</span>;
	}
	return value === common ? (
		<span className="sot-mono">{value}</span>
	) : (
		<span className="sot-badge sot-warned sot-mono" title={`${t('hosts/skew')}: ${common}`}>{value}</span>
	);
}

const idOf = (host: Host): string => host.id;

export default function HostsPage() {
	const { t } = useTranslation();
	useTitle(t('hosts/title'));
	const [get, set] = useFilters();
	const wanted = get('name').toLowerCase();
	const { answer: hosts, isAsking } = useAsked(get('name').trim(), (text) => useHosts({ state: get('state'), text }));
	const rows = useMemo(
		() => hosts.items.filter((host) => [host.name, host.hostname, host.az, host.rack].join(' ').toLowerCase().includes(wanted.trim()) && (!get('state') || host.state === get('state'))),
		[hosts.items, wanted, get],
	);
	const agent = commonVersion(hosts.items.map((host) => host.agentVersion));
	const docker = commonVersion(hosts.items.map((host) => host.dockerVersion));
	const columns = useMemo((): TableColumnsType<Host> => [
		{ title: t('field/name'), key: 'name', sorter: (a, b) => a.name.localeCompare(b.name), render: (_, host) => <Link className="sot-rowlink" to={`/hosts/${host.name}`}>{host.name}</Link> },
		{ title: t('field/state'), key: 'state', width: 130, render: (_, host) => <HostState host={host} /> },
		{ title: t('field/location'), key: 'location', sorter: (a, b) => `${a.az}/${a.rack}`.localeCompare(`${b.az}/${b.rack}`), render: (_, host) => <>{host.az} <span className="sot-muted">/ {host.rack}</span></> },
		{ title: t('hosts/booked'), key: 'fill', width: 290, render: (_, host) => <HostFill host={host} /> },
		{ title: t('field/instances'), key: 'instances', align: 'right', sorter: (a, b) => a.instances - b.instances, render: (_, host) => <Link className="sot-num" to={`/instances?host=${host.name}`}>{host.instances}</Link> },
		{ title: t('field/agent'), key: 'agent', render: (_, host) => <Version value={host.agentVersion} common={agent} /> },
		{ title: t('field/docker'), key: 'docker', render: (_, host) => <Version value={host.dockerVersion} common={docker} /> },
		{ title: t('field/seen'), key: 'seen', render: (_, host) => (host.seenAt ? <Time at={host.seenAt} as="ago" /> : <span className="sot-muted">{t('common/never_seen')}</span>) },
	], [t, agent, docker]);
	return (
		<>
			<PageHead title={t('hosts/title')} lead={t('hosts/lead')} />
			<div className="sot-filters">
				<FilterInput name="name" label={t('common/filter')} width={240} />
				<Select allowClear style={{ width: 170 }} aria-label={t('instances/filterState')} placeholder={t('instances/filterState')} value={get('state') || undefined} onChange={(state: string | undefined) => set('state', state ?? '')} options={['online', 'suspect', 'agent_lost', 'host_lost', 'docker_sick', 'draining', 'maintenance', 'registered', 'retired'].map((state) => ({ value: state, label: apiWord('state', state) }))} />
				<span className="sot-total">{t('common/shown', { shown: rows.length, total: hosts.total })}</span>
			</div>
			<DataTable list={hosts} rows={rows} columns={columns} rowKey={idOf} label={t('hosts/title')} isAsking={isAsking} empty={get('name') || get('state') ? { title: t('common/nothingFits') } : { title: t('hosts/empty'), hint: t('hosts/emptyHint') }} />
		</>
	);
}
