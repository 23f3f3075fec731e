// All instances, filtered by app, host and state (server) and by name (here).
import { Button, Input, Select } from 'antd';
import { useTranslation } from 'react-i18next';
import { useApps, useHosts, useInstances } from '../api/queries';
import { apiWord } from '../i18n';
import { useFilters } from '../lib/useFilters';
import { InstanceTable } from '../ui/InstanceTable';
import { PageHead, useTitle } from '../ui/Page';

const STATES = ['requested', 'placed', 'creating', 'starting', 'running', 'stopping', 'stopped', 'retiring', 'retired', 'failed', 'moving', 'frozen'];

export default function InstancesPage() {
	const { t } = useTranslation();
	useTitle(t('instances/title'));
	const [get, set, clear] = useFilters();
	const apps = useApps();
	const hosts = useHosts();
	const instances = useInstances({ app: get('app'), host: get('host'), state: get('state') });
	const name = get('name').toLowerCase();
	const rows = instances.items.filter((instance) => instance.name.toLowerCase().includes(name) || instance.address?.includes(name));
	const filter = (key: 'app' | 'host' | 'state', label: string, options: { value: string; label: string }[]) => (
		<Select allowClear showSearch style={{ width: 170 }} aria-label={label} placeholder={label} value={get(key) || undefined} options={options} onChange={(value: string | undefined) => set(key, value ?? '')} />
	);
	const filtered = ['app', 'host', 'state', 'name'].some((key) => get(key));
	return (
		<>
			<PageHead title={t('instances/title')} lead={t('instances/lead')} />
			<div className="sot-filters">
				<Input.Search allowClear style={{ width: 230 }} aria-label={t('common/filter')} placeholder={t('common/filter')} value={get('name')} onChange={(event) => set('name', event.target.value)} />
				{filter('app', t('instances/filterApp'), apps.items.map((app) => ({ value: app.name, label: app.name })))}
				{filter('host', t('instances/filterHost'), hosts.items.map((host) => ({ value: host.name, label: host.name })))}
				{filter('state', t('instances/filterState'), STATES.map((state) => ({ value: state, label: apiWord('state', state) })))}
				{filtered && (
					<Button type="link" onClick={clear}>
						{t('instances/clear')}
					</Button>
				)}
				<span className="sot-total">{t('common/shown', { shown: rows.length, total: instances.total })}</span>
			</div>
			<InstanceTable list={instances} rows={rows} />
		</>
	);
}
