// VLANs with what is used of them, addresses with their owners, and the history of each address.
import { HistoryOutlined } from '@ant-design/icons';
import { Button, Drawer, Input, Select, type TableColumnsType, Tooltip } from 'antd';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router-dom';
import { useAddresses, useAddressHistory, useSubnets } from '../api/queries';
import type { Address, Subnet } from '../api/types';
import { apiWord } from '../i18n';
import { useFilters } from '../lib/useFilters';
import { DataTable } from '../ui/DataTable';
import { StackedBar } from '../ui/Fill';
import { Empty, PageHead, Panel, ReadError, Skeleton, useTitle } from '../ui/Page';
import { StateTag } from '../ui/StateTag';
import { Time } from '../ui/Time';

const STATES = ['reserved', 'bound', 'cooling', 'static', 'excluded', 'conflict', 'suspect'];

export function freeOf(subnet: Subnet): number {
	return Math.max(0, subnet.size - subnet.used - subnet.cooling - subnet.unusable);
}

function SubnetRow({ subnet }: { subnet: Subnet }) {
	const { t } = useTranslation();
	const free = freeOf(subnet);
	const words = t('addresses/usage', { used: subnet.used, cooling: subnet.cooling, unusable: subnet.unusable, free, size: subnet.size });
	return (
		<div className="sot-meter">
			<div>
				<span className="sot-row">
					<Link className="sot-rowlink" to={`/addresses?vlan=${subnet.vlan}`}>{subnet.vlan}</Link>
					<span className="sot-mono">{subnet.cidr}</span>
					<span className="sot-badge">{t('field/vlan')} {subnet.vlanId}</span>
					<span className="sot-muted sot-small">
						{t('field/range')} <span className="sot-mono">{subnet.first} – {subnet.last}</span>
					</span>
				</span>
				<span className="sot-muted sot-num">{words}</span>
			</div>
			<StackedBar
				label={words}
				total={subnet.size}
				shares={[
					{ key: 'used', value: subnet.used, tone: 'good', label: t('addresses/used') },
					{ key: 'cooling', value: subnet.cooling, tone: 'cooling', label: t('addresses/cooling') },
					{ key: 'unusable', value: subnet.unusable, tone: 'off', label: t('addresses/unusable') },
				]}
			/>
		</div>
	);
}

function Subnets() {
	const { t } = useTranslation();
	const subnets = useSubnets();
	return (
		<Panel title={t('addresses/vlans')}>
			{subnets.error && <ReadError error={subnets.error} updatedAtMs={subnets.updatedAtMs} onRetry={subnets.retry} />}
			{subnets.isLoading ? <Skeleton rows={2} /> : subnets.items.map((subnet) => <SubnetRow key={subnet.id} subnet={subnet} />)}
			{!subnets.isLoading && !subnets.error && subnets.items.length === 0 && <Empty title={t('addresses/noVlans')} hint={t('addresses/noVlansHint')} />}
		</Panel>
	);
}

function History({ address }: { address: string }) {
	const { t } = useTranslation();
	const history = useAddressHistory(address);
	if (history.isLoading) {
		return <Skeleton />;
	}
	return (
		<>
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
	const subnets = useSubnets();
	const addresses = useAddresses({ vlan: get('vlan'), state: get('state'), address: get('address') });
	const shown = get('history');
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
			<Subnets />
			<div className="sot-filters">
				<Input.Search key={get('address')} allowClear style={{ width: 230 }} aria-label={t('addresses/filterAddress')} placeholder={t('addresses/filterAddress')} defaultValue={get('address')} onSearch={(value) => set('address', value.trim())} />
				<Select allowClear style={{ width: 170 }} aria-label={t('addresses/filterVlan')} placeholder={t('addresses/filterVlan')} value={get('vlan') || undefined} onChange={(value: string | undefined) => set('vlan', value ?? '')} options={[...new Set(subnets.items.map((subnet) => subnet.vlan))].map((name) => ({ value: name, label: name }))} />
				<Select allowClear style={{ width: 170 }} aria-label={t('instances/filterState')} placeholder={t('instances/filterState')} value={get('state') || undefined} onChange={(value: string | undefined) => set('state', value ?? '')} options={STATES.map((state) => ({ value: state, label: apiWord('state', state) }))} />
				<span className="sot-total">{t('common/shown', { shown: addresses.items.length, total: addresses.total })}</span>
			</div>
			<DataTable list={addresses} columns={columns} rowKey={(row) => row.address + row.subnet} label={t('addresses/title')} empty={{ title: t('addresses/empty'), hint: t('addresses/emptyHint') }} />
			<Drawer title={t('addresses/history', { address: shown })} open={shown !== ''} onClose={() => set('history', '')} size={560}>
				{shown && <History address={shown} />}
			</Drawer>
		</>
	);
}
