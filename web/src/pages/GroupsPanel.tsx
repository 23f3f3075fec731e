// Groups of an app: environment, version, how many are ready.
import type { TableColumnsType } from 'antd';
import { useTranslation } from 'react-i18next';
import { useGroups } from '../api/queries';
import type { App, Group } from '../api/types';
import { cliCommand } from '../lib/cli';
import { CopyButton } from '../ui/CopyButton';
import { DataTable } from '../ui/DataTable';

export function GroupsPanel({ app }: { app: App }) {
	const { t } = useTranslation();
	const groups = useGroups(app.name);
	const columns: TableColumnsType<Group> = [
		{ title: t('field/group'), key: 'name', dataIndex: 'name' },
		{ title: t('packages/environment'), key: 'environment', render: (_, row) => row.environment || <span className="sot-muted">–</span> },
		{ title: t('field/version'), key: 'version', render: (_, row) => <span className="sot-mono">{row.version || '–'}</span> },
		{ title: t('packages/ready'), key: 'ready', align: 'right', render: (_, row) => <span className="sot-num">{row.ready} / {row.wanted}</span> },
		{ title: t('elastic/title'), key: 'elastic', render: (_, row) => (row.elastic ? <span className="sot-num">{row.elastic.min} – {row.elastic.max}</span> : <span className="sot-muted">–</span>) },
		{ title: '', key: 'actions', align: 'right', render: (_, row) => <CopyButton cli bare text={cliCommand('app', 'scale', app.name, 'COUNT', `--group=${row.name}`)} /> },
	];
	return <DataTable list={groups} columns={columns} rowKey={(row) => row.id} label={t('packages/groups')} empty={{ title: t('packages/noGroups') }} />;
}
