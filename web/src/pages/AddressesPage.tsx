// VLANs and subnets with what is used of them, what is wrong, addresses with their owners, maps, and the history of each address.
import { HistoryOutlined } from '@ant-design/icons';
import { Button, Drawer, Input, Select, type TableColumnsType, Tooltip } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router-dom';
import { useAddresses, useAddressHistory, useVlans } from '../api/queries';
import type { Address } from '../api/types';
import { apiWord } from '../i18n';
import { useFilters } from '../lib/useFilters';
import { DataTable } from '../ui/DataTable';
import { Findings, GuardNotices } from '../ui/IpamNotices';
import { Empty, PageHead, ReadError, Skeleton, useTitle } from '../ui/Page';
import { StateTag } from '../ui/StateTag';
import { SubnetMap } from '../ui/SubnetMap';
import { Time } from '../ui/Time';
import { VlanPanel } from '../ui/VlanPanel';

const STATES = ['reserved', 'bound', 'cooling', 'static', 'excluded', 'conflict', 'suspect'];
const HELD = ['reserved', 'bound', 'static', 'suspect', 'conflict'];

/** "Who had this address at this time", answered by the history. */
function HeldAt({ address }: { address: string }) {
	const { t } = useTranslation();
	const [at, setAt] = useState('');
	const moment = at ? new Date(at).toISOString() : '';
	return (
		<div className="sot-filters">
			<label className="sot-row">
				<span className="sot-muted">{t('addresses/heldAt')}</span>
				<input type="datetime-local" step={1} value={at} onChange={(event) => setAt(event.target.value)} />
			</label>
			{moment && <Holder address={address} at={moment} />}
		</div>
	);
}

function Holder({ address, at }: { address: string; at: string }) {
	const { t } = useTranslation();
	const then = useAddressHistory(address, { at });
	const event = then.items[0];
	if (then.isLoading) {
		return null;
	}
	if (then.error) {
		return <ReadError error={then.error} onRetry={then.retry} />;
	}
	const held = event !== undefined && HELD.includes(event.event);
	return <strong>{held ? t('addresses/heldThen', { who: event.instance ?? event.owner ?? (event.reason || apiWord('state', event.event)) }) : t('addresses/nobodyThen')}</strong>;
}

function History({ address }: { address: string }) {
	const { t } = useTranslation();
	const history = useAddressHistory(address);
	if (history.isLoading) {
		return <Skeleton />;
	}
	return (
		<>
			<HeldAt address={address} />
			{history.error && <ReadError error={history.error} onRetry={history.retry} />}
			{!history.error && history.items.length === 0 && <Empty title={t('addresses/historyEmpty')} />}
			<ol className="sot-steps">
				{history.items.map((event, row) => (
					<li key={`${event.at}-${row}`} className={event.event === 'bound' ? 'done' : event.event === 'conflict' ? 'failed' : ''}>
						<div className="sot-row">
							<strong>{apiWord('state', event.event)}</strong>
							{event.instance && <Link to={`/instances?name=${event.instance}`}>{event.instance}</Link>}
							{event.host && <span className="sot-muted">{event.host}</span>}
							<Time at={event.at} />
						</div>
						<div className="sot-row sot-small sot-muted">
							<span>{event.actor}</span>
							{event.mac && <span className="sot-mono">{event.mac}</span>}
							{event.operationId && <Link to={`/operations/${event.operationId}`}>{t('field/operation')}</Link>}
						</div>
					</li>
				))}
			</ol>
		</>
	);
}

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
		{ title: t('field/owner'), key: 'owner', render: (_, row) => (row.instance ? <Link to={`/instances?name=${row.instance}`}>{row.instance}</Link> : <span className="sot-muted">{row.ownerName || row.owner || '–'}</span>) },
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
				{shown && <History address={shown} />}
			</Drawer>
			<Drawer title={t('addresses/mapOf', { cidr: mapOf.split(' ')[1] ?? '' })} open={mapOf !== ''} onClose={() => set('map', '')} size={720}>
				{mapOf && <SubnetMap vrf={mapOf.split(' ')[0] ?? ''} cidr={mapOf.split(' ')[1] ?? ''} onAddress={showHistory} />}
			</Drawer>
		</>
	);
}
