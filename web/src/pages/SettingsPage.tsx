// Who may do what, and who is told: users and their roles, teams and their quotas, tokens, log-ins, webhooks.
import { Tabs } from 'antd';
import { useTranslation } from 'react-i18next';
import { useMay } from '../app/session';
import { useFilters } from '../lib/useFilters';
import { PageHead, useTitle } from '../ui/Page';
import { LoginsTab } from './settings/LoginsTab';
import { TeamsTab } from './settings/TeamsTab';
import { TokensTab } from './settings/TokensTab';
import { GrantsTab, UsersTab } from './settings/UsersTab';
import { WebhooksTab } from './settings/WebhooksTab';

export default function SettingsPage() {
	const { t } = useTranslation();
	useTitle(t('settings/title'));
	const [get, set] = useFilters();
	const operator = useMay('user_list');
	const tabs = [
		{ key: 'tokens', label: t('settings/tokens'), children: <TokensTab /> },
		{ key: 'logins', label: t('settings/logins'), children: <LoginsTab /> },
		{ key: 'teams', label: t('settings/teams'), children: <TeamsTab /> },
		...(operator
			? [
					{ key: 'users', label: t('settings/users'), children: <UsersTab /> },
					{ key: 'grants', label: t('settings/grants'), children: <GrantsTab /> },
					{ key: 'webhooks', label: t('settings/webhooks'), children: <WebhooksTab /> },
				]
			: []),
	];
	const shown = tabs.find(({ key }) => key === get('tab')) ?? tabs[0];
	return (
		<>
			<PageHead title={t('settings/title')} lead={t('settings/lead')} />
			<Tabs activeKey={shown?.key} onChange={(key) => set('tab', key)} destroyOnHidden items={tabs} />
		</>
	);
}
