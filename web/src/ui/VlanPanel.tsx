// VLANs with where they reach, and their subnets and named pools with what is used, how urgent that is, and for how long it lasts.
import { Button } from 'antd';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router-dom';
import { usePools, useSubnets, useVlans } from '../api/queries';
import type { Pool, Subnet, UseLevel, Vlan } from '../api/types';
import { StackedBar } from './Fill';
import { Empty, Panel, ReadError, Skeleton } from './Page';
import { StateTag } from './StateTag';

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

function SubnetRow({ subnet, onMap }: { subnet: Subnet; onMap: (subnet: Subnet) => void }) {
	const { t } = useTranslation();
	const free = freeOf(subnet);
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

function VlanBlock({ vlan, subnets, pools, onMap }: { vlan: Vlan; subnets: Subnet[]; pools: Pool[]; onMap: (subnet: Subnet) => void }) {
	const { t } = useTranslation();
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
	const error = vlans.error ?? subnets.error ?? pools.error;
	const retry = (): void => {
		vlans.retry();
		subnets.retry();
		pools.retry();
	};
	return (
		<Panel title={t('addresses/vlans')} flush>
			{error && <ReadError error={error} updatedAtMs={vlans.updatedAtMs} onRetry={retry} />}
			{vlans.isLoading || subnets.isLoading ? <Skeleton rows={3} /> : vlans.items.map((vlan) => <VlanBlock key={vlan.id} vlan={vlan} subnets={subnets.items.filter((subnet) => subnet.vlan === vlan.name)} pools={pools.items.filter((pool) => pool.vlan === vlan.name)} onMap={onMap} />)}
			{!vlans.isLoading && !error && vlans.items.length === 0 && <Empty title={t('addresses/noVlans')} hint={t('addresses/noVlansHint')} />}
		</Panel>
	);
}
