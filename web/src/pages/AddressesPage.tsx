// VLANs and subnets with what is used of them, what is wrong, addresses with their owners, maps, and the history of each address.
import { HistoryOutlined } from '@ant-design/icons';
import { Button, Drawer, Input, Select, type TableColumnsType, Tooltip } from 'antd';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router-dom';
import { useAddresses, useVlans } from '../api/queries';
import type { Address } from '../api/types';
import { apiWord } from '../i18n';
import { useFilters } from '../lib/useFilters';
import { AddressHistory } from '../ui/AddressHistory';
import { DataTable } from '../ui/DataTable';
import { Findings, GuardNotices } from '../ui/IpamNotices';
import { PageHead, useTitle } from '../ui/Page';
import { StateTag } from '../ui/StateTag';
import { SubnetMap } from '../ui/SubnetMap';
import { Time } from '../ui/Time';
import { VlanPanel } from '../ui/VlanPanel';

const STATES = ['reserved', 'bound', 'cooling', 'static', 'excluded', 'conflict', 'suspect'];

export default function AddressesPage() {
	const { t } = useTranslation();
	useTitle(t('addresses/title'));
	const [get, set] = useFilters();
	const vlans = useVlans();
	const addresses = useAddresses({ vlan: get('vlan'), state: get('state'), address: get('address'), host: get('host') });
	const shown = get('history');
	const mapOf = get('map');
	const showHistory = (address: string): void => set('history', address);
	const columns: TableColumnsType<Address> = [
		{ title: t('field/address'), key: 'address', render: (_, row) => <span className="sot-mono sot-rowlink">{row.address}</span> },
		{ title: t('field/state'), key: 'state', render: (_, row) => <StateTag state={row.state} hint={row.reason} /> },
		{ title: t('field/owner'), key: 'owner', render: (_, row) => (row.instance ? <Link to={`/instances/${row.instance}`}>{row.instance}</Link> : <span className="sot-muted">{row.ownerName || row.owner || '–'}</span>) },
		{ title: t('field/host'), key: 'host', render: (_, row) => (row.host ? <Link to={`/hosts/${row.host}`}>{row.host}</Link> : <span className="sot-muted">–</span>) },
		{ title: t('field/vlan'), key: 'vlan', dataIndex: 'vlan' },
		{ title: t('field/subnet'), key: 'subnet', render: (_, row) => <span className="sot-mono">{row.subnet}</span> },
		{ title: t('field/mac'), key: 'mac', render: (_, row) => <span className="sot-mono">{row.mac ?? '–'}</span> },
		{ title: t('field/freeAfter'), key: 'freeAfter', render: (_, row) => (row.freeAfter ? <Time at={row.freeAfter} as="ago" /> : <span className="sot-muted">–</span>) },
		{ title: t('field/updated'), key: 'updated', render: (_, row) => <Time at={row.updatedAt} as="ago" /> },
		{
			title: '',
			key: 'actions',
			align: 'right',
			render: (_, row) => (
				<Tooltip title={t('addresses/history', { address: row.address })}>
					<Button type="text" size="small" icon={<HistoryOutlined />} aria-label={t('addresses/history', { address: row.address })} onClick={() => set('history', row.address)} />
				</Tooltip>
			),
		},
	];
	return (
		<>
			<PageHead title={t('addresses/title')} lead={t('addresses/lead')} />
			<GuardNotices />
			<Findings onAddress={showHistory} />
			<VlanPanel onMap={(subnet) => set('map', `${subnet.vrf} ${subnet.cidr}`)} />
			<div className="sot-filters">
				<Input.Search key={get('address')} allowClear style={{ width: 230 }} aria-label={t('addresses/filterAddress')} placeholder={t('addresses/filterAddress')} defaultValue={get('address')} onSearch={(value) => set('address', value.trim())} />
				<Select allowClear style={{ width: 170 }} aria-label={t('addresses/filterVlan')} placeholder={t('addresses/filterVlan')} value={get('vlan') || undefined} onChange={(value: string | undefined) => set('vlan', value ?? '')} options={vlans.items.map((vlan) => ({ value: vlan.name, label: vlan.name }))} />
				<Select allowClear style={{ width: 170 }} aria-label={t('instances/filterState')} placeholder={t('instances/filterState')} value={get('state') || undefined} onChange={(value: string | undefined) => set('state', value ?? '')} options={STATES.map((state) => ({ value: state, label: apiWord('state', state) }))} />
				<span className="sot-total">{t('common/shown', { shown: addresses.items.length, total: addresses.total })}</span>
			</div>
			<DataTable list={addresses} columns={columns} rowKey={(row) => `${row.vrf} ${row.address}`} label={t('addresses/title')} empty={{ title: t('addresses/empty'), hint: t('addresses/emptyHint') }} />
			<Drawer title={t('addresses/history', { address: shown })} open={shown !== ''} onClose={() => set('history', '')} size={560}>
				{shown && <AddressHistory address={shown} />}
			</Drawer>
			<Drawer title={t('addresses/mapOf', { cidr: mapOf.split(' ')[1] ?? '' })} open={mapOf !== ''} onClose={() => set('map', '')} size={720}>
				{mapOf && <SubnetMap vrf={mapOf.split(' ')[0] ?? ''} cidr={mapOf.split(' ')[1] ?? ''} onAddress={showHistory} />}
			</Drawer>
		</>
	);
}
