// All instances, filtered by app, host, state and a part of the name, address or host.
import { Button, Select } from 'antd';
import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import { useApps, useHosts, useInstances } from '../api/queries';
import { apiWord } from '../i18n';
import { formatTotal } from '../lib/format';
import { useFilters } from '../lib/useFilters';
import { useAsked } from '../lib/useAsked';
import { FilterInput } from '../ui/FilterInput';
import { InstanceTable } from '../ui/InstanceTable';
import { NamePick } from '../ui/NamePick';
import { PageHead, useTitle } from '../ui/Page';

const STATES = ['requested', 'placed', 'creating', 'starting', 'running', 'stopping', 'stopped', 'retiring', 'retired', 'failed', 'moving', 'frozen', 'unknown'];

export default function InstancesPage() {
	const { t } = useTranslation();
	useTitle(t('instances/title'));
	const [get, set, clear] = useFilters();
	const name = get('name').trim().toLowerCase();
	const { answer: instances, isAsking } = useAsked(name, (text) => useInstances({ app: get('app'), host: get('host'), state: get('state'), text }));
	const rows = useMemo(() => instances.items.filter((instance) => `${instance.name} ${instance.address ?? ''} ${instance.host ?? ''}`.toLowerCase().includes(name)), [instances.items, name]);
	const filtered = ['app', 'host', 'state', 'name'].some((key) => get(key));
	return (
		<>
			<PageHead title={t('instances/title')} lead={t('instances/lead')} />
			<div className="sot-filters">
				<FilterInput name="name" label={t('common/filter')} width={230} />
				<NamePick label={t('instances/filterApp')} value={get('app')} onChange={(value) => set('app', value)} useNames={useApps} />
				<NamePick label={t('instances/filterHost')} value={get('host')} onChange={(value) => set('host', value)} useNames={useHosts} />
				<Select allowClear style={{ width: 170 }} aria-label={t('instances/filterState')} placeholder={t('instances/filterState')} value={get('state') || undefined} options={STATES.map((state) => ({ value: state, label: apiWord('state', state) }))} onChange={(value: string | undefined) => set('state', value ?? '')} />
				{filtered && (
					<Button type="link" onClick={clear}>
						{t('instances/clear')}
					</Button>
				)}
				<span className="sot-total">{t('common/shown', { shown: rows.length, total: formatTotal(instances.total) })}</span>
			</div>
			<InstanceTable list={instances} rows={rows} isSifted={filtered} isAsking={isAsking} />
		</>
	);
}
