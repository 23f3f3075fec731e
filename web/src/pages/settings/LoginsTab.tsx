// Log-ins that are valid, and the own password.
import { Button, type TableColumnsType } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useLogins } from '../../api/queries';
import type { Login } from '../../api/types';
import { cliCommand, curlCommand } from '../../lib/cli';
import { CopyButton } from '../../ui/CopyButton';
import { DataTable } from '../../ui/DataTable';
import { FormDialog } from '../../ui/FormDialog';
import { Time } from '../../ui/Time';

function OwnPassword({ onClose }: { onClose: () => void }) {
	const { t } = useTranslation();
	return (
		<FormDialog<{ old: string; new: string }>
			title={t('settings/changePassword')}
			submit={t('settings/save')}
			hint={t('settings/changePasswordHint')}
			fields={[
				{ name: 'old', label: t('settings/oldPassword'), kind: 'password', needed: true },
				{ name: 'new', label: t('settings/newPassword'), kind: 'password', needed: true, length: 12, hint: t('settings/passwordLength') },
			]}
			initial={{ old: '', new: '' }}
			toChange={(entered) => ({ what: t('settings/changePassword'), url: '/v1/me/password', body: entered })}
			toCommand={() => curlCommand('POST', '/v1/me/password', '-')}
			onClose={onClose}
		/>
	);
}

export function LoginsTab() {
	const { t } = useTranslation();
	const logins = useLogins();
	const [changing, setChanging] = useState(false);
	const columns: TableColumnsType<Login> = [
		{ title: t('settings/user'), key: 'user', render: (_, row) => <span className="sot-rowlink">{row.user}</span> },
		{ title: t('settings/from'), key: 'from', render: (_, row) => <span className="sot-mono">{row.sourceAddress}</span> },
		{ title: t('settings/since'), key: 'since', render: (_, row) => <Time at={row.createdAt} /> },
		{ title: t('settings/ends'), key: 'ends', render: (_, row) => <Time at={row.expiresAt} as="ago" /> },
		{ title: t('field/id'), key: 'id', render: (_, row) => <span className="sot-mono">{row.id}</span> },
	];
	return (
		<>
			<DataTable
				list={logins}
				columns={columns}
				rowKey={(row) => row.id}
				label={t('settings/logins')}
				title={t('settings/logins')}
				extra={
					<span className="sot-row">
						<Button size="small" onClick={() => setChanging(true)}>{t('settings/changePassword')}</Button>
						<CopyButton cli bare text={cliCommand('login', 'list')} />
					</span>
				}
				empty={{ title: t('settings/noLogins') }}
			/>
			{changing && <OwnPassword onClose={() => setChanging(false)} />}
		</>
	);
}
