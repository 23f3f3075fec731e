// Containers on a host that no assignment knows: what they are, and what can be said about them.
import { Button, type TableColumnsType } from 'antd';
import { useTranslation } from 'react-i18next';
import { path } from '../api/client';
import { useHostContainers } from '../api/queries';
import type { HostContainer } from '../api/types';
import { useAskedChange } from '../app/actions';
import { useCan } from '../app/session';
import { cliCommand } from '../lib/cli';
import { DataTable } from './DataTable';
import { Time } from './Time';

export function HostContainers({ host }: { host: string }) {
	const { t } = useTranslation();
	const list = useHostContainers(host);
	const ask = useAskedChange();
	const can = useCan();
	const button = (row: HostContainer, verb: 'adopt' | 'ignore' | 'watch') =>
		can(`host_container_${verb}`) && (
			<Button size="small" onClick={() => ask({ title: t(`hosts/${verb}Ask`, { name: row.instanceName || row.name }), hint: t(`hosts/${verb}Hint`), command: cliCommand('host', verb, host, row.name) }, { what: t(`hosts/${verb}`), url: path('hosts', host, 'containers', row.id, verb) })}>
				{t(`hosts/${verb}`)}
			</Button>
		);
	const columns: TableColumnsType<HostContainer> = [
		{ title: t('field/name'), key: 'name', render: (_, row) => <span className="sot-mono" title={row.id}>{row.instanceName || row.name}</span> },
		{ title: t('field/kind'), key: 'kind', render: (_, row) => `${t(`hosts/containerKinds/${row.kind}`)}${row.ignored ? ` (${t('hosts/ignored')})` : ''}` },
		{ title: t('field/state'), key: 'state', dataIndex: 'state' },
		{ title: t('field/image'), key: 'image', render: (_, row) => <span className="sot-mono">{row.image}</span> },
		{ title: t('field/created'), key: 'created', render: (_, row) => (row.createdAt ? <Time at={row.createdAt} as="ago" /> : '–') },
		{ title: '', key: 'verbs', render: (_, row) => <>{row.kind === 'lost' && button(row, 'adopt')} {button(row, row.ignored ? 'watch' : 'ignore')}</> },
	];
	return <DataTable list={list} columns={columns} rowKey={(row) => row.id} label={t('hosts/containers')} title={t('hosts/containers')} empty={{ title: t('hosts/containersHint') }} />;
}
