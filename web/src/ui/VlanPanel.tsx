// VLANs with where they reach, and their subnets and named pools with what is used, how urgent that is, and for how long it lasts.
import { Button } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router-dom';
import { path, withQuery } from '../api/client';
import { usePools, useSubnets, useVlans } from '../api/queries';
import type { Pool, Subnet, UseLevel, Vlan } from '../api/types';
import { useAskedChange } from '../app/actions';
import { useMay } from '../app/session';
import { cliCommand } from '../lib/cli';
import { subnetBody } from '../lib/vlan';
import { CopyButton } from './CopyButton';
import { StackedBar } from './Fill';
import { Empty, Panel, ReadError, Skeleton } from './Page';
import { IpamImport } from './IpamImport';
import { StateTag } from './StateTag';
import { SubnetDialog, VlanDialog } from './VlanDialogs';

export function freeOf(subnet: Subnet): number {
	return Math.max(0, subnet.size - subnet.used - subnet.cooling - subnet.unusable);
}

function UseBar({ label, use }: { label: string; use: { size: number; used: number; cooling: number; unusable: number; level: UseLevel } }) {
	const { t } = useTranslation();
	return (
		<StackedBar
			label={label}
			total={use.size}
			shares={[
				{ key: 'used', value: use.used, tone: use.level === 'critical' ? 'bad' : use.level === 'warning' ? 'warn' : 'good', label: t('addresses/used') },
				{ key: 'cooling', value: use.cooling, tone: 'cooling', label: t('addresses/cooling') },
				{ key: 'unusable', value: use.unusable, tone: 'off', label: t('addresses/unusable') },
			]}
		/>
	);
}

function SubnetVerbs({ subnet }: { subnet: Subnet }) {
	const { t } = useTranslation();
	const ask = useAskedChange();
	const url = withQuery(path('subnets', subnet.cidr), { vrf: subnet.vrf });
	const turn = subnet.open ? 'close' : 'open';
	const { cidr } = subnet;
	const vrf = subnet.vrf === 'default' ? [] : [`--vrf=${subnet.vrf}`];
	return (
		<>
			<Button size="small" onClick={() => ask({ title: t(`addresses/${turn}Ask`, { cidr }), hint: t(`addresses/${turn}Hint`), command: cliCommand('subnet', 'update', cidr, `--open=${subnet.open ? 'no' : 'yes'}`, ...vrf) }, { what: t(`addresses/${turn}`), method: 'PUT', url, body: subnetBody(subnet, !subnet.open) })}>{t(`addresses/${turn}`)}</Button>
			<Button size="small" danger disabled={subnet.used + subnet.cooling > 0} onClick={() => ask({ title: t('addresses/deleteSubnetAsk', { cidr }), hint: t('addresses/deleteSubnetHint'), danger: true, command: cliCommand('subnet', 'delete', cidr, ...vrf) }, { what: t('settings/delete'), method: 'DELETE', url })}>{t('settings/delete')}</Button>
		</>
	);
}

function SubnetRow({ subnet, onMap }: { subnet: Subnet; onMap: (subnet: Subnet) => void }) {
	const { t } = useTranslation();
	const free = freeOf(subnet);
	const may = useMay('subnet_update');
	const words = subnet.family === 4 ? t('addresses/usage', { used: subnet.used, cooling: subnet.cooling, unusable: subnet.unusable, free, size: subnet.size }) : t('addresses/usageV6', { used: subnet.used, cooling: subnet.cooling, unusable: subnet.unusable });
	return (
		<div className="sot-meter">
			<div>
				<span className="sot-row">
					<span className="sot-mono sot-rowlink">{subnet.cidr}</span>
					<StateTag state={subnet.level} />
					{subnet.daysLeft !== null && <span className="sot-muted sot-small">{t('addresses/daysLeft', { days: Math.max(0, Math.round(subnet.daysLeft)) })}</span>}
					{!subnet.open && <span className="sot-badge sot-warned">{t('addresses/closed')}</span>}
					<span className="sot-muted sot-small">
						{t('field/range')} <span className="sot-mono">{subnet.first} – {subnet.last}</span>
					</span>
				</span>
				<span className="sot-row">
					<span className="sot-muted sot-num">{words}</span>
					<Button size="small" onClick={() => onMap(subnet)} aria-label={t('addresses/mapOf', { cidr: subnet.cidr })}>
						{t('addresses/map')}
					</Button>
					{may && <SubnetVerbs subnet={subnet} />}
				</span>
			</div>
			<UseBar label={words} use={subnet} />
		</div>
	);
}

/** A named pool: which ranges, and how full. */
function PoolRow({ pool }: { pool: Pool }) {
	const { t } = useTranslation();
	const use = { size: pool.size, used: pool.reserved + pool.bound + pool.static, cooling: pool.cooling, unusable: pool.excluded + pool.conflict + pool.suspect, level: pool.level };
	const words = t('addresses/usage', { ...use, free: Math.max(0, use.size - use.used - use.cooling - use.unusable) });
	return (
		<div className="sot-meter">
			<div>
				<span className="sot-row">
					<span className="sot-mono sot-rowlink">{pool.name}</span>
					<StateTag state={pool.level} />
					<span className="sot-muted sot-small sot-mono">{pool.ranges.map((range) => `${range.first} – ${range.last}`).join(', ')}</span>
				</span>
				<span className="sot-muted sot-num">{words}</span>
			</div>
			<UseBar label={words} use={use} />
		</div>
	);
}

function VlanVerbs({ vlan, empty }: { vlan: Vlan; empty: boolean }) {
	const { t } = useTranslation();
	const ask = useAskedChange();
	const [open, setOpen] = useState<'edit' | 'subnet' | null>(null);
	const { name } = vlan;
	return (
		<span className="sot-row sot-right sot-verbs">
			<Button size="small" onClick={() => setOpen('edit')}>{t('settings/edit')}</Button>
			<Button size="small" onClick={() => setOpen('subnet')}>{t('addresses/addSubnet')}</Button>
			<Button size="small" danger disabled={!empty} onClick={() => ask({ title: t('addresses/deleteVlanAsk', { name }), hint: t('addresses/deleteVlanHint'), danger: true, command: cliCommand('vlan', 'delete', name) }, { what: t('settings/delete'), method: 'DELETE', url: path('vlans', name) })}>{t('settings/delete')}</Button>
			<CopyButton cli bare text={cliCommand('vlan', 'show', name)} />
			{open === 'edit' && <VlanDialog vlan={vlan} onClose={() => setOpen(null)} />}
			{open === 'subnet' && <SubnetDialog vlan={vlan} onClose={() => setOpen(null)} />}
		</span>
	);
}

function VlanBlock({ vlan, subnets, pools, onMap }: { vlan: Vlan; subnets: Subnet[]; pools: Pool[]; onMap: (subnet: Subnet) => void }) {
	const { t } = useTranslation();
	const may = useMay('vlan_update');
	return (
		<section className="sot-vlan" aria-label={vlan.name}>
			<header>
				<strong><Link to={`/addresses?vlan=${encodeURIComponent(vlan.name)}`}>{vlan.name}</Link></strong>
				<span className="sot-badge">{t('field/vlan')} {vlan.vlanId}</span>
				{vlan.group && <span className="sot-badge">{t('field/group')}: {vlan.group}</span>}
				{vlan.vrf !== 'default' && <span className="sot-badge">VRF: {vlan.vrf}</span>}
				<span className="sot-muted sot-small">
					{t('addresses/reaches')}: {vlan.scopes.length > 0 ? vlan.scopes.map((scope) => `${scope.kind} ${scope.name}`).join(', ') : t('addresses/everywhere')}
				</span>
				{vlan.description && <span className="sot-muted sot-small">{vlan.description}</span>}
				{may && <VlanVerbs vlan={vlan} empty={subnets.length === 0} />}
			</header>
			{subnets.map((subnet) => <SubnetRow key={subnet.id} subnet={subnet} onMap={onMap} />)}
			{pools.map((pool) => <PoolRow key={pool.name} pool={pool} />)}
			{subnets.length === 0 && <span className="sot-muted">{t('addresses/noSubnet')}</span>}
		</section>
	);
}

export function VlanPanel({ onMap }: { onMap: (subnet: Subnet) => void }) {
	const { t } = useTranslation();
	const vlans = useVlans();
	const subnets = useSubnets();
	const pools = usePools();
	const may = useMay('vlan_create');
	const [open, setOpen] = useState<'vlan' | 'import' | null>(null);
	const error = vlans.error ?? subnets.error ?? pools.error;
	const retry = (): void => {
		vlans.retry();
		subnets.retry();
		pools.retry();
	};
	return (
		<Panel
			title={t('addresses/vlans')}
			flush
			extra={
				may && (
					<span className="sot-row">
						<Button size="small" onClick={() => setOpen('import')}>{t('addresses/import')}</Button>
						<Button size="small" type="primary" onClick={() => setOpen('vlan')}>{t('addresses/newVlan')}</Button>
					</span>
				)
			}
		>
			{open === 'vlan' && <VlanDialog vlan={null} onClose={() => setOpen(null)} />}
			{open === 'import' && <IpamImport onClose={() => setOpen(null)} />}
			{error && <ReadError error={error} updatedAtMs={vlans.updatedAtMs} onRetry={retry} />}
			{vlans.isLoading || subnets.isLoading ? <Skeleton rows={3} /> : vlans.items.map((vlan) => <VlanBlock key={vlan.id} vlan={vlan} subnets={subnets.items.filter((subnet) => subnet.vlan === vlan.name)} pools={pools.items.filter((pool) => pool.vlan === vlan.name)} onMap={onMap} />)}
			{!vlans.isLoading && !error && vlans.items.length === 0 && <Empty title={t('addresses/noVlans')} hint={t('addresses/noVlansHint')} />}
		</Panel>
	);
}
