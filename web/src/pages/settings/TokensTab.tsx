// API tokens: own ones, and those of others for operators.
import { Button, type TableColumnsType } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { path } from '../../api/client';
import { useTokens } from '../../api/queries';
import type { Reach, Token } from '../../api/types';
import { useAskedChange } from '../../app/actions';
import { useMay, useSession } from '../../app/session';
import { cliCommand } from '../../lib/cli';
import { given, options, reachOptions, reachWords, ROLES } from '../../lib/settings';
import { DataTable } from '../../ui/DataTable';
import { FormDialog } from '../../ui/FormDialog';
import { SecretOnce } from '../../ui/SecretOnce';
import { Time } from '../../ui/Time';

interface EnteredToken extends Reach {
	description: string;
	days: number;
	role: string;
	user: string;
}

function NewToken({ onMade, onClose }: { onMade: (secret: string) => void; onClose: () => void }) {
	const { t } = useTranslation();
	const forOthers = useMay('user_create');
	const me = useSession().me;
	return (
		<FormDialog<EnteredToken>
			title={t('settings/newToken')}
			submit={t('common/create')}
			hint={t('settings/tokenHint')}
			fields={[
				{ name: 'description', label: t('settings/description'), needed: true, max: 200 },
				{ name: 'days', label: t('settings/days'), kind: 'number', min: 1, max: 90, needed: true },
				{ name: 'role', label: t('settings/roleAtMost'), kind: 'select', options: ROLES, needed: true },
				{ name: 'team', label: t('field/team'), max: 30 },
				{ name: 'app', label: t('field/app'), max: 30 },
				{ name: 'environment', label: t('packages/environment'), max: 63 },
				...(forOthers ? [{ name: 'user' as const, label: t('settings/user'), max: 63, hint: t('settings/tokenUserHint') }] : []),
			]}
			initial={{ description: '', days: 90, role: me?.role && ROLES.includes(me.role) ? me.role : 'viewer', team: '', app: '', environment: '', user: '' }}
			toChange={(entered) => ({ what: t('settings/newToken'), url: path('tokens'), body: given(entered), onAccepted: (accepted) => accepted?.token && onMade(accepted.token) })}
			toCommand={({ description, days, role, user, ...reach }) => cliCommand('token', 'create', description || 'DESCRIPTION', ...options({ days, role, user }), ...reachOptions(reach))}
			onClose={onClose}
		/>
	);
}

export function TokensTab() {
	const { t } = useTranslation();
	const tokens = useTokens();
	const ask = useAskedChange();
	const { me } = useSession();
	const others = useMay('user_create');
	const [adding, setAdding] = useState(false);
	const [secret, setSecret] = useState('');
	const columns: TableColumnsType<Token> = [
		{ title: t('settings/description'), key: 'description', render: (_, row) => <span className="sot-rowlink">{row.description}</span> },
		{ title: t('settings/user'), key: 'user', dataIndex: 'user' },
		{ title: t('settings/roleAtMost'), key: 'role', dataIndex: 'role' },
		{ title: t('settings/reach'), key: 'reach', render: (_, row) => reachWords(row) || <span className="sot-muted">{t('settings/everywhere')}</span> },
		{ title: t('field/created'), key: 'created', render: (_, row) => <Time at={row.createdAt} /> },
		{ title: t('settings/lastUsed'), key: 'used', render: (_, row) => <Time at={row.lastUsedAt} as="ago" /> },
		{ title: t('settings/ends'), key: 'ends', render: (_, row) => (row.expired ? <span className="sot-badge sot-warned">{t('settings/ended')}</span> : <Time at={row.expiresAt} as="ago" />) },
		{
			title: '',
			key: 'actions',
			align: 'right',
			render: (_, row) =>
				(others || row.user === me?.name) && (
					<span className="sot-row sot-right">
						<Button size="small" danger onClick={() => ask({ title: t('settings/revokeAsk', { name: row.description }), hint: t('settings/revokeHint'), danger: true, command: cliCommand('token', 'revoke', row.id) }, { what: t('settings/revoke'), method: 'DELETE', url: path('tokens', row.id) })}>{t('settings/revoke')}</Button>
					</span>
				),
		},
	];
	return (
		<>
			<DataTable list={tokens} columns={columns} rowKey={(row) => row.id} label={t('settings/tokens')} title={t('settings/tokens')} extra={<Button type="primary" size="small" onClick={() => setAdding(true)}>{t('settings/newToken')}</Button>} empty={{ title: t('settings/noTokens'), hint: t('settings/tokenHint') }} />
			{adding && <NewToken onMade={setSecret} onClose={() => setAdding(false)} />}
			{secret && <SecretOnce title={t('settings/newToken')} secret={secret} onClose={() => setSecret('')} />}
		</>
	);
}
