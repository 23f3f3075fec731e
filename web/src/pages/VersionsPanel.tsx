// Versions of an app: upload with progress, deploy.
import { InboxOutlined } from '@ant-design/icons';
import { Button, Form, Input, Progress, type TableColumnsType } from 'antd';
import { useQueryClient } from '@tanstack/react-query';
import { useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { path, sha256Hex, upload, type UploadHandle, withQuery } from '../api/client';
import { useAppSettings, useVersions } from '../api/queries';
import type { App, AppVersion } from '../api/types';
import { useCan } from '../app/session';
import { cliCommand } from '../lib/cli';
import { formatBytes, percentOf } from '../lib/format';
import { versionFromFile } from '../lib/model';
import { CopyButton } from '../ui/CopyButton';
import { DataTable } from '../ui/DataTable';
import { DeployDialog } from '../ui/DeployDialog';
import { Origin } from '../ui/Origin';
import { Panel } from '../ui/Page';
import { useProblems } from '../ui/Problems';
import { Time } from '../ui/Time';

type Phase = { name: 'idle' } | { name: 'hashing' } | { name: 'sending'; percent: number } | { name: 'done'; version: string };

function useUpload(app: string) {
	const { t } = useTranslation();
	const { report } = useProblems();
	const client = useQueryClient();
	const [phase, setPhase] = useState<Phase>({ name: 'idle' });
	const running = useRef<UploadHandle | null>(null);
	const start = async (file: File, version: string): Promise<void> => {
		try {
			setPhase({ name: 'hashing' });
			const sha256 = await sha256Hex(file);
			setPhase({ name: 'sending', percent: 0 });
			const url = withQuery(path('apps', app, 'versions', version), { file: file.name });
			running.current = upload(url, file, (sent) => setPhase({ name: 'sending', percent: Math.floor(percentOf(sent, file.size)) }), sha256);
			await running.current.done;
			setPhase({ name: 'done', version });
			void client.invalidateQueries({ queryKey: ['versions'] });
		} catch (cause) {
			setPhase({ name: 'idle' });
			if (!(cause instanceof DOMException && cause.name === 'AbortError')) {
				report(t('apps/upload'), cause);
			}
		}
	};
	return { phase, start, stop: () => running.current?.abort() };
}

function UploadForm({ app }: { app: App }) {
	const { t } = useTranslation();
	const [file, setFile] = useState<File | null>(null);
	const [version, setVersion] = useState('');
	const picker = useRef<HTMLInputElement>(null);
	const { phase, start, stop } = useUpload(app.name);
	const busy = phase.name === 'hashing' || phase.name === 'sending';
	const valid = /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/.test(version);
	const choose = (chosen: File | undefined): void => {
		if (chosen) {
			setFile(chosen);
			setVersion((known) => known || versionFromFile(chosen.name));
		}
	};
	return (
		<Panel title={t('apps/upload')} extra={<CopyButton cli text={cliCommand('package', 'upload', app.name, version || 'VERSION', file?.name ?? 'FILE')} />}>
			<div className="sot-gap">
				<div className="sot-filters" onDragOver={(event) => event.preventDefault()} onDrop={(event) => { event.preventDefault(); choose(event.dataTransfer.files[0]); }}>
					<input ref={picker} type="file" hidden aria-label={t('apps/uploadFile')} onChange={(event) => choose(event.target.files?.[0])} />
					<Button icon={<InboxOutlined />} disabled={busy} onClick={() => picker.current?.click()}>
						{file ? `${file.name} (${formatBytes(file.size)})` : t('apps/uploadChoose')}
					</Button>
					<Form.Item noStyle validateStatus={version && !valid ? 'error' : ''}>
						<Input style={{ width: 220 }} disabled={busy} value={version} aria-label={t('apps/uploadVersion')} placeholder={t('apps/uploadVersion')} title={t('apps/uploadVersionHint')} onChange={(event) => setVersion(event.target.value)} />
					</Form.Item>
					<Button type="primary" loading={busy} disabled={!file || !valid} onClick={() => file && void start(file, version)}>
						{t('apps/upload')}
					</Button>
					{phase.name === 'sending' && <Button onClick={stop}>{t('apps/uploadStop')}</Button>}
				</div>
				{phase.name === 'hashing' && <span className="sot-muted">{t('apps/hashing')}</span>}
				{phase.name === 'sending' && <Progress percent={phase.percent} status="active" aria-label={t('apps/uploading', { percent: phase.percent })} />}
				{phase.name === 'done' && <span role="status">{t('apps/uploadDone', { version: phase.version })}</span>}
			</div>
		</Panel>
	);
}

export function VersionsPanel({ app }: { app: App }) {
	const { t } = useTranslation();
	const can = useCan({ app: app.name });
	const versions = useVersions(app.name);
	const settings = useAppSettings(app.name);
	const before = settings.data?.versionBefore ?? '';
	const [deploying, setDeploying] = useState('');
	const columns: TableColumnsType<AppVersion> = [
		{ title: t('field/version'), key: 'version', render: (_, row) => <span className="sot-row"><span className="sot-mono">{row.version}</span>{row.version === app.version && <span className="sot-badge">{t('apps/current')}</span>}{row.removed && <span className="sot-badge">{t('apps/notKept')}</span>}</span> },
		{ title: t('field/file'), key: 'file', dataIndex: 'fileName' },
		{ title: t('field/size'), key: 'size', align: 'right', render: (_, row) => <span className="sot-num">{formatBytes(row.sizeBytes)}</span> },
		{ title: t('field/sha256'), key: 'sha256', render: (_, row) => <span className="sot-row sot-mono">{row.sha256.slice(0, 12)}<CopyButton bare text={row.sha256} /></span> },
		{ title: t('field/instances'), key: 'instances', align: 'right', render: (_, row) => <span className="sot-num">{row.instances ?? 0}</span> },
		{ title: t('packages/origin'), key: 'origin', render: (_, row) => <Origin of={row} /> },
		{ title: t('field/created'), key: 'created', render: (_, row) => <Time at={row.createdAt} /> },
		{ title: t('field/actor'), key: 'by', dataIndex: 'createdBy' },
		{
			title: '',
			key: 'actions',
			align: 'right',
			render: (_, row) => (
				<span className="sot-row" style={{ justifyContent: 'flex-end' }}>
					{!row.removed && <CopyButton cli bare text={cliCommand('app', 'deploy', app.name, row.version)} />}
					{can('app_deploy') && !row.removed && (
						<Button size="small" disabled={row.version === app.version} aria-label={`${t(row.version === before ? 'apps/rollBack' : 'apps/deploy')}: ${row.version}`} onClick={() => setDeploying(row.version)}>
							{t(row.version === before ? 'apps/rollBack' : 'apps/deploy')}
						</Button>
					)}
				</span>
			),
		},
	];
	return (
		<div className="sot-gap">
			{can('version_upload') && <UploadForm app={app} />}
			<DataTable list={versions} columns={columns} rowKey={(row) => row.version} label={t('apps/versions')} empty={{ title: t('apps/noVersions'), hint: t('apps/noVersionsHint') }} />
			{deploying && <DeployDialog app={app} version={deploying} back={deploying === before} onClose={() => setDeploying('')} />}
		</div>
	);
}
