// One host: what it is, how full, what runs on it, and placement on or off.
import { Button, Tag } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useParams } from 'react-router-dom';
import { path } from '../api/client';
import { useHost, useInstances } from '../api/queries';
import type { Host } from '../api/types';
import { useAskedChange } from '../app/actions';
import { useCan } from '../app/session';
import { cliCommand } from '../lib/cli';
import { formatBytes, formatCores, shortId } from '../lib/format';
import { CopyButton } from '../ui/CopyButton';
import { DrainDialog } from '../ui/DrainDialog';
import { Meter } from '../ui/Fill';
import { FormDialog } from '../ui/FormDialog';
import { HostContainers } from '../ui/HostContainers';
import { HostCleanups, HostFindings } from '../ui/HostHealth';
import { InstanceTable } from '../ui/InstanceTable';
import { HostPackages } from '../ui/HostPackages';
import { HostLoad } from '../ui/Load';
import { HostInstallation } from '../ui/MachineLog';
import { Facts, PageHead, Panel, ReadError, Skeleton, StaleNotice, useTitle } from '../ui/Page';
import { StateTag } from '../ui/StateTag';
import { Time } from '../ui/Time';

function Placement({ host }: { host: Host }) {
	const { t } = useTranslation();
	const ask = useAskedChange();
	const can = useCan();
	const [emptying, setEmptying] = useState<'drain' | 'evacuate' | null>(null);
	const [declaring, setDeclaring] = useState(false);
	const isSilent = host.state === 'suspect' || host.state === 'agent_lost';
	const isLost = host.state === 'host_lost';
	const isGone = host.state === 'retired';
	const isEmptied = host.state === 'draining' || host.state === 'maintenance';
	const verb = host.schedulable && !isEmptied ? 'cordon' : 'uncordon';
	const what = t(`hosts/${verb}`);
	return (
		<>
			{can('host_drain') && !isLost && (
				<Button disabled={isGone || isEmptied} onClick={() => setEmptying('drain')}>
					{t('hosts/drain')}
				</Button>
			)}
			{can('host_declare_lost') && isSilent && <Button danger onClick={() => setDeclaring(true)}>{t('hosts/declareLost')}</Button>}
			{can('host_evacuate') && (isLost || isSilent) && <Button danger disabled={!isLost} title={isLost ? undefined : t('hosts/evacuateFirst')} onClick={() => setEmptying('evacuate')}>{t('hosts/evacuate')}</Button>}
			{can(`host_${verb}`) && <Button disabled={isGone} onClick={() => ask({ title: t(`hosts/${verb}Ask`, { name: host.name }), hint: t(`hosts/${verb}Hint`), command: cliCommand('host', verb, host.name) }, { what, url: path('hosts', host.name, verb) })}>
				{what}
			</Button>}
			{can('host_retire') && <Button danger disabled={isGone || host.instances > 0} title={host.instances > 0 ? t('hosts/retireFull') : undefined} onClick={() => ask({ title: t('hosts/retireAsk', { name: host.name }), hint: t('hosts/retireHint'), danger: true, command: cliCommand('host', 'retire', host.name) }, { what: t('hosts/retire'), url: path('hosts', host.name, 'retire') })}>
				{t('hosts/retire')}
			</Button>}
			<CopyButton cli size="middle" text={cliCommand('host', 'show', host.name)} />
			{emptying && <DrainDialog host={host} verb={emptying} onClose={() => setEmptying(null)} />}
			{declaring && (
				<FormDialog<{ reason: string }>
					title={t('hosts/declareLostAsk', { name: host.name })}
					submit={t('hosts/declareLost')}
					hint={t('hosts/declareLostHint')}
					danger
					fields={[{ name: 'reason', label: t('field/reason'), needed: true, max: 200 }]}
					initial={{ reason: '' }}
					toChange={({ reason }) => ({ what: t('hosts/declareLost'), url: path('hosts', host.name, 'declare-lost'), body: { reason } })}
					toCommand={({ reason }) => cliCommand('host', 'declare-lost', host.name, `--reason=${reason}`)}
					onClose={() => setDeclaring(false)}
				/>
			)}
		</>
	);
}

function Booked({ host }: { host: Host }) {
	const { t } = useTranslation();
	const { capacity, booked } = host;
	const words = (part: string, total: string): string => t('overview/booked', { booked: part, total });
	return (
		<>
			<Meter label={t('field/cpu')} text={words(formatCores(booked.cpuMilli), formatCores(capacity.cpuMilli))} part={booked.cpuMilli} total={capacity.cpuMilli} />
			<Meter label={t('field/memory')} text={words(formatBytes(booked.memoryBytes), formatBytes(capacity.memoryBytes))} part={booked.memoryBytes} total={capacity.memoryBytes} />
			<Meter label={t('field/disk')} text={words(formatBytes(booked.diskBytes), formatBytes(capacity.diskBytes))} part={booked.diskBytes} total={capacity.diskBytes} />
		</>
	);
}

const windowsOf = (host: Host) => (host.windows.length > 0 ? host.windows : host.rackWindows);

function Machine({ host }: { host: Host }) {
	const { t } = useTranslation();
	return (
		<Facts
			items={[
				[t('field/location'), `${host.az} / ${host.rack}`],
				[t('field/hostname'), host.hostname || '–'],
				[t('field/kernel'), host.kernel || '–'],
				[t('field/docker'), host.dockerVersion || '–'],
				[t('field/agent'), host.agentVersion || '–'],
				[t('field/seen'), <Time key="seen" at={host.seenAt} as="ago" />],
				[t('field/tags'), host.tags.length > 0 ? host.tags.map((tag) => <Tag key={tag}>{tag}</Tag>) : t('common/none')],
				[t('field/unknownContainers'), host.unknownContainers],
				[t('field/maintenance'), windowsOf(host).length > 0 ? `${windowsOf(host).join('; ')} UTC (${t(host.windowOpen ? 'hosts/windowOpen' : 'hosts/windowClosed')})` : t('hosts/anyTime')],
				[t('field/created'), <Time key="created" at={host.createdAt} />],
				[t('field/bootId'), <span key="boot" className="sot-mono">{shortId(host.bootId) || '–'}</span>],
				[t('field/id'), <span key="id" className="sot-mono">{host.id}</span>],
			]}
		/>
	);
}

export default function HostPage() {
	const { t } = useTranslation();
	const { name = '' } = useParams();
	useTitle(name);
	const can = useCan();
	const query = useHost(name);
	const instances = useInstances({ host: name });
	const host = query.data;
	if (query.isLoading) {
		return <Skeleton />;
	}
	return (
		<>
			{query.error && <ReadError error={query.error} updatedAtMs={query.dataUpdatedAt} onRetry={() => void query.refetch()} />}
			<StaleNotice updatedAtMs={query.dataUpdatedAt} />
			{host && (
				<>
					<PageHead
						title={
							<>
								{host.name} <span style={{ fontSize: 13, fontWeight: 400 }}><StateTag state={host.state} /></span>
								{!host.schedulable && <span className="sot-badge sot-warned">{t('state/cordoned')}</span>}
							</>
						}
					>
						<Placement host={host} />
					</PageHead>
					<div className="sot-grid">
						<Panel className="sot-c5" title={t('hosts/booked')}><Booked host={host} /></Panel>
						<Panel className="sot-c7" title={t('hosts/machine')}><Machine host={host} /></Panel>
					</div>
				</>
			)}
			<InstanceTable list={instances} title={t('hosts/on')} hide={['host']} />
			{host && host.state !== 'retired' && (
				<>
					<HostLoad name={host.name} />
					{host.unknownContainers > 0 && <HostContainers host={host.name} />}
					<div className="sot-grid">
						<div className="sot-c6"><HostFindings name={host.name} /></div>
						<div className="sot-c6"><HostCleanups name={host.name} /></div>
					</div>
					<HostPackages name={host.name} />
					{can('machine_log') && <HostInstallation name={host.name} />}
				</>
			)}
		</>
	);
}
