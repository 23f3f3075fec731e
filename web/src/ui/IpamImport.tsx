// A file of VLANs, subnets, ranges and addresses: checked first, then applied as a whole or not at all.
import { useQueryClient } from '@tanstack/react-query';
import { Alert, Button, Drawer, Input, Segmented } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { ApiError, postFile, withQuery } from '../api/client';
import type { ImportReport, LineProblem } from '../api/types';
import { cliCommand } from '../lib/cli';
import { CopyButton } from './CopyButton';
import { WrongLines } from './WrongLines';

const EXAMPLE = 'kind,vlan,vlan_id,group,scopes,cidr,gateway\nvlan,front-a,100,front,az:a,,\nsubnet,front-a,,,,10.66.0.0/24,10.66.0.1\n';

function Report({ report }: { report: ImportReport }) {
	const { t } = useTranslation();
	const { vlans, subnets, ranges, addresses, unchanged, ignored } = report.changes;
	return <Alert type={report.state === 'applied' ? 'success' : 'info'} data-import={report.state} title={t(report.state === 'applied' ? 'addresses/imported' : 'addresses/wouldChange', { vlans, subnets, ranges, addresses, unchanged: unchanged + ignored })} />;
}

export function IpamImport({ onClose }: { onClose: () => void }) {
	const { t } = useTranslation();
	const client = useQueryClient();
	const [text, setText] = useState(EXAMPLE);
	const [file, setFile] = useState<File | null>(null);
	const [kind, setKind] = useState<'csv' | 'netbox'>('csv');
	const [busy, setBusy] = useState(false);
	const [report, setReport] = useState<ImportReport | null>(null);
	const [error, setError] = useState<ApiError | null>(null);
	const fresh = (): void => {
		setReport(null);
		setError(null);
	};
	const run = async (dryRun: boolean): Promise<void> => {
		setBusy(true);
		fresh();
		try {
			const name = file?.name ?? `pasted.${kind === 'csv' ? 'csv' : 'json'}`;
			setReport(await postFile<ImportReport>(withQuery('/v1/imports', { kind, dryRun: String(dryRun), file: name }), file ?? new Blob([text])));
			if (!dryRun) {
				void client.invalidateQueries({ queryKey: ['vlans'] });
				void client.invalidateQueries({ queryKey: ['addresses'] });
			}
		} catch (cause) {
			if (!(cause instanceof ApiError)) {
				throw cause;
			}
			setError(cause);
		} finally {
			setBusy(false);
		}
	};
	const wrong = (error?.problem.errors ?? []) as unknown as LineProblem[];
	return (
		<Drawer title={t('addresses/import')} open onClose={onClose} size={860}>
			<div className="sot-gap">
				<span className="sot-muted">{t('addresses/importHint')}</span>
				<div className="sot-row">
					<Segmented<'csv' | 'netbox'> aria-label={t('field/kind')} value={kind} onChange={(value) => { setKind(value); fresh(); }} options={[{ value: 'csv', label: 'CSV' }, { value: 'netbox', label: 'NetBox' }]} />
					<input type="file" aria-label={t('field/file')} accept={kind === 'csv' ? '.csv,text/csv' : '.json,application/json'} onChange={(event) => { setFile(event.target.files?.[0] ?? null); fresh(); }} />
				</div>
				{!file && <Input.TextArea aria-label={t('addresses/importText')} className="sot-mono" rows={10} value={text} onChange={(event) => { setText(event.target.value); fresh(); }} />}
				<div className="sot-row">
					<Button onClick={() => void run(true)} loading={busy}>{t('machines/check')}</Button>
					<Button type="primary" disabled={report?.state !== 'checked'} loading={busy} onClick={() => void run(false)}>{t('addresses/apply')}</Button>
					<CopyButton cli text={cliCommand('ipam', 'import', file?.name ?? 'FILE', ...(kind === 'netbox' ? ['--netbox'] : []), '--dry-run')} />
				</div>
				{report && <Report report={report} />}
				{error && <Alert type="error" title={error.problem.detail} />}
				{wrong.length > 0 && <WrongLines problems={wrong} />}
			</div>
		</Drawer>
	);
}
