// The packages that are unpacked on a host: what they are, who needs them, what clean-up will free. Asked of its agent, not stored.
import { useQuery } from '@tanstack/react-query';
import { Table, type TableColumnsType } from 'antd';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router-dom';
import { getJson, path } from '../api/client';
import type { HostPackage, HostPackages as Seen } from '../api/types';
import { cliCommand } from '../lib/cli';
import { formatBytes, formatDuration, shortId } from '../lib/format';
import { packageSums } from '../lib/hostPackages';
import { CopyButton } from './CopyButton';
import { Empty, Panel, ReadError, Skeleton } from './Page';

/** A look walks over every file of every package: not more often than it is worth. */
const LOOK_MS = 60_000;

function Names({ of }: { of: HostPackage }) {
	const { t } = useTranslation();
	if (of.versions.length === 0) {
		return <span className="sot-muted" title={of.sha256}>{t('hosts/packageUnknown')} <span className="sot-mono">{shortId(of.sha256)}</span></span>;
	}
	return (
		<span className="sot-stack" title={of.sha256}>
			{of.versions.map(({ kind, name, version }) => (
				<span key={`${kind} ${name} ${version}`}>
					<Link to={kind === 'app' ? `/apps/${name}?tab=versions` : `/packages?name=${encodeURIComponent(name)}`}>{name}</Link> <span className="sot-mono">{version}</span>
					{kind === 'middleware' && <>{' '}<span className="sot-badge">{t('hosts/packageMiddleware')}</span></>}
				</span>
			))}
		</span>
	);
}

function Users({ of }: { of: HostPackage }) {
	const { t } = useTranslation();
	const more = of.instancesTotal - of.instances.length;
	if (of.instancesTotal === 0) {
		return <span className="sot-muted">{of.needed ? t('hosts/packageRuns') : t('common/none')}</span>;
	}
	return (
		<span className="sot-row sot-wrap">
			{of.instances.map((name) => <Link key={name} to={`/instances/${name}`}>{name}</Link>)}
			{more > 0 && <span className="sot-muted">{t('hosts/packageMore', { count: more })}</span>}
		</span>
	);
}

function Fate({ of }: { of: HostPackage }) {
	const { t } = useTranslation();
	if (of.removableInSeconds === null) {
		return <span className="sot-muted">{of.needed ? t('hosts/packageNeeded') : t('hosts/packageKept')}</span>;
	}
	return <span className="sot-badge sot-warned">{of.removableInSeconds === 0 ? t('hosts/packageNext') : t('hosts/packageIn', { time: formatDuration(of.removableInSeconds * 1000) })}</span>;
}

export function HostPackages({ name }: { name: string }) {
	const { t } = useTranslation();
	const query = useQuery({
		queryKey: ['hostPackages', name],
		staleTime: LOOK_MS / 2,
		refetchInterval: LOOK_MS,
		queryFn: ({ signal }) => getJson<Seen>(path('hosts', name, 'packages'), signal),
	});
	const columns: TableColumnsType<HostPackage> = [
		{ title: t('hosts/package'), key: 'name', render: (_, row) => <Names of={row} /> },
		{ title: t('field/size'), key: 'size', align: 'right', sorter: (a, b) => (a.sizeBytes ?? 0) - (b.sizeBytes ?? 0), render: (_, row) => <span className="sot-num">{row.sizeBytes === null ? '–' : formatBytes(row.sizeBytes)}</span> },
		{ title: t('hosts/packageUsers'), key: 'users', render: (_, row) => <Users of={row} /> },
		{ title: t('hosts/packageAge'), key: 'age', align: 'right', sorter: (a, b) => a.ageSeconds - b.ageSeconds, render: (_, row) => <span className="sot-num">{formatDuration(row.ageSeconds * 1000)}</span> },
		{ title: t('hosts/cleanup'), key: 'fate', render: (_, row) => <Fate of={row} /> },
	];
	const seen = query.data;
	const sums = packageSums(seen?.items ?? []);
	return (
		<>
			{query.error && <ReadError error={query.error} updatedAtMs={query.dataUpdatedAt} onRetry={() => void query.refetch()} />}
			<Panel
				name="packages"
				title={t('hosts/packages') + (seen && seen.total > seen.items.length ? ` (${seen.items.length} / ${seen.total})` : '')}
				extra={<CopyButton cli bare text={cliCommand('host', 'packages', name)} />}
				flush
			>
				{query.isLoading && <Skeleton rows={3} />}
				{seen?.items.length === 0 && <Empty title={t('hosts/noPackages')} hint={t('hosts/noPackagesHint')} />}
				{seen && seen.items.length > 0 && (
					<>
						<div className="sot-body sot-row sot-wrap">
							{t('hosts/packageSums', { bytes: formatBytes(sums.bytes), freed: formatBytes(sums.freed), later: formatBytes(sums.freedLater) })}
							{seen.cleanup !== 'on' && <span className="sot-badge sot-warned">{t(`hosts/cleanupIs/${seen.cleanup}`)}</span>}
						</div>
						<Table size="small" rowKey="sha256" pagination={false} columns={columns} dataSource={seen.items} scroll={{ x: 'max-content' }} showSorterTooltip={false} aria-label={t('hosts/packages')} />
					</>
				)}
			</Panel>
		</>
	);
}
