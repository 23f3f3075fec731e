// Making and changing VLANs and subnets.
import { useTranslation } from 'react-i18next';
import { path } from '../api/client';
import type { Vlan } from '../api/types';
import { given } from '../lib/settings';
import { type EnteredSubnet, enteredVlan, type EnteredVlan, SCOPE, subnetCommand, vlanBody, vlanCommand } from '../lib/vlan';
import { type Field, FormDialog } from './FormDialog';

export function VlanDialog({ vlan, onClose }: { vlan: Vlan | null; onClose: () => void }) {
	const { t } = useTranslation();
	const isNew = vlan === null;
	const title = isNew ? t('addresses/newVlan') : t('addresses/editVlan', { name: vlan.name });
	const fixed: Field<EnteredVlan>[] = [
		{ name: 'name', label: t('field/name'), needed: true, max: 32, pattern: /^[a-z]([a-z0-9-]*[a-z0-9])?$/, hint: t('addresses/vlanNameHint') },
		{ name: 'vlanId', label: t('addresses/vlanId'), kind: 'number', min: 0, max: 4094, needed: true },
		{ name: 'vrf', label: 'VRF', max: 32 },
	];
	return (
		<FormDialog<EnteredVlan>
			title={title}
			submit={isNew ? t('common/create') : t('settings/save')}
			hint={isNew ? t('addresses/newVlanHint') : t('addresses/editVlanHint')}
			fields={[
				...(isNew ? fixed : []),
				{ name: 'group', label: t('field/group'), max: 32 },
				{ name: 'scopes', label: t('addresses/reaches'), kind: 'many', hint: t('addresses/scopesHint'), each: SCOPE },
				{ name: 'mtu', label: t('addresses/mtu'), kind: 'number', min: 0, max: 9216 },
				{ name: 'isolated', label: t('addresses/isolated'), kind: 'switch' },
				{ name: 'dnsZone', label: t('addresses/dnsZone'), max: 200 },
				{ name: 'description', label: t('settings/description'), max: 200 },
			]}
			initial={enteredVlan(vlan)}
			toChange={(entered) => ({ what: title, method: isNew ? 'POST' : 'PUT', url: isNew ? path('vlans') : path('vlans', vlan.name), body: vlanBody(entered, isNew) })}
			toCommand={(entered) => vlanCommand(entered, isNew)}
			onClose={onClose}
		/>
	);
}

export function SubnetDialog({ vlan, onClose }: { vlan: Vlan; onClose: () => void }) {
	const { t } = useTranslation();
	const title = t('addresses/newSubnet', { name: vlan.name });
	return (
		<FormDialog<EnteredSubnet>
			title={title}
			submit={t('common/create')}
			hint={t('addresses/newSubnetHint')}
			fields={[
				{ name: 'cidr', label: 'CIDR', needed: true, max: 64, pattern: /^[0-9a-fA-F.:]+\/\d{1,3}$/, hint: t('addresses/cidrHint') },
				{ name: 'gateway', label: t('field/gateway'), max: 64 },
				{ name: 'first', label: t('addresses/first'), max: 64 },
				{ name: 'last', label: t('addresses/last'), max: 64 },
				{ name: 'dns', label: 'DNS', kind: 'many' },
				{ name: 'description', label: t('settings/description'), max: 200 },
			]}
			initial={{ cidr: '', gateway: '', first: '', last: '', dns: [], description: '' }}
			toChange={(entered) => ({ what: title, url: path('subnets'), body: { vlan: vlan.name, ...given(entered) } })}
			toCommand={(entered) => subnetCommand(vlan.name, entered)}
			onClose={onClose}
		/>
	);
}
