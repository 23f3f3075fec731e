// VLANs with where they reach, and their subnets with what is used, how urgent that is, and for how long it lasts.
import { Button } from 'antd';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router-dom';
import { useSubnets, useVlans } from '../api/queries';
import type { Subnet, Vlan } from '../api/types';
import { StackedBar } from './Fill';
import { Empty, Panel, ReadError, Skeleton } from './Page';
import { StateTag } from './StateTag';

export function freeOf(subnet: Subnet): number {
	return Math.max(0, subnet.size - subnet.used - subnet.cooling - subnet.unusable);
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
			<StackedBar
				label={words}
				total={subnet.size}
				shares={[
					{ key: 'used', value: subnet.used, tone: subnet.level === 'critical' ? 'bad' : subnet.level === 'warning' ? 'warn' : 'good', label: t('addresses/used') },
					{ key: 'cooling', value: subnet.cooling, tone: 'cooling', label: t('addresses/cooling') },
					{ key: 'unusable', value: subnet.unusable, tone: 'off', label: t('addresses/unusable') },
				]}
			/>
		</div>
	);
}

function VlanBlock({ vlan, subnets, onMap }: { vlan: Vlan; subnets: Subnet[]; onMap: (subnet: Subnet) => void }) {
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
			{subnets.length === 0 && <span className="sot-muted">{t('addresses/noSubnet')}</span>}
		</section>
	);
}

export function VlanPanel({ onMap }: { onMap: (subnet: Subnet) => void }) {
	const { t } = useTranslation();
	const vlans = useVlans();
	const subnets = useSubnets();
	const error = vlans.error ?? subnets.error;
	const retry = (): void => {
		vlans.retry();
		subnets.retry();
	};
	return (
		<Panel title={t('addresses/vlans')} flush>
			{error && <ReadError error={error} updatedAtMs={vlans.updatedAtMs} onRetry={retry} />}
			{vlans.isLoading || subnets.isLoading ? <Skeleton rows={3} /> : vlans.items.map((vlan) => <VlanBlock key={vlan.id} vlan={vlan} subnets={subnets.items.filter((subnet) => subnet.vlan === vlan.name)} onMap={onMap} />)}
			{!vlans.isLoading && !error && vlans.items.length === 0 && <Empty title={t('addresses/noVlans')} hint={t('addresses/noVlansHint')} />}
		</Panel>
	);
}
