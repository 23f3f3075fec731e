// Users with their role on the whole platform, and roles within a team, an app or an environment.
import { Button, type TableColumnsType } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { path } from '../../api/client';
import { useGrants, useUsers } from '../../api/queries';
import type { Grant, Reach, User } from '../../api/types';
import { useAskedChange } from '../../app/actions';
import { useMay, useSession } from '../../app/session';
import { cliCommand } from '../../lib/cli';
import { given, options, reachOptions, reachWords, ROLES } from '../../lib/settings';
import { DataTable } from '../../ui/DataTable';
import { FormDialog } from '../../ui/FormDialog';
import { StateTag } from '../../ui/StateTag';
import { Time } from '../../ui/Time';

interface EnteredUser {
	name: string;
	role: string;
	password: string;
}

function NewUser({ onClose }: { onClose: () => void }) {
	const { t } = useTranslation();
	return (
		<FormDialog<EnteredUser>
			title={t('settings/newUser')}
			submit={t('common/create')}
			fields={[
				{ name: 'name', label: t('field/name'), needed: true, max: 63 },
				{ name: 'role', label: t('settings/role'), kind: 'select', options: ['none', ...ROLES], needed: true, hint: t('settings/roleHint') },
				{ name: 'password', label: t('settings/password'), kind: 'password', length: 12, hint: t('settings/passwordHint') },
			]}
			initial={{ name: '', role: 'viewer', password: '' }}
			toChange={(entered) => ({ what: t('settings/newUser'), url: path('users'), body: given(entered) })}
			toCommand={({ name, role, password }) => cliCommand('user', 'create', name || 'NAME', ...options({ role }), ...(password ? ['--password'] : []))}
			onClose={onClose}
		/>
	);
}

function EditUser({ user, onClose }: { user: User; onClose: () => void }) {
	const { t } = useTranslation();
	return (
		<FormDialog<Omit<EnteredUser, 'name'>>
			title={t('settings/editUser', { name: user.name })}
			submit={t('settings/save')}
			fields={[
				{ name: 'role', label: t('settings/role'), kind: 'select', options: ['none', ...ROLES], needed: true, hint: t('settings/roleHint') },
				{ name: 'password', label: t('settings/newPassword'), kind: 'password', length: 12, hint: t('settings/newPasswordHint') },
			]}
			initial={{ role: user.role, password: '' }}
			toChange={(entered) => ({ what: t('settings/editUser', { name: user.name }), method: 'PUT', url: path('users', user.name), body: given(entered) })}
			toCommand={({ role, password }) => cliCommand('user', 'update', user.name, ...options({ role }), ...(password ? ['--password'] : []))}
			onClose={onClose}
		/>
	);
}

function UserVerbs({ user, onEdit }: { user: User; onEdit: () => void }) {
	const { t } = useTranslation();
	const ask = useAskedChange();
	const isMe = useSession().me?.name === user.name;
	const { name, disabled } = user;
	const turn = disabled ? 'enable' : 'disable';
	return (
		<span className="sot-row sot-right">
			<Button size="small" onClick={onEdit}>{t('settings/edit')}</Button>
			<Button size="small" onClick={() => ask({ title: t('settings/logOutAsk', { name }), hint: t('settings/logOutHint', { count: user.sessions }), command: cliCommand('user', 'log-out', name) }, { what: t('settings/logOut'), url: path('users', name, 'log-out') })}>{t('settings/logOut')}</Button>
			<Button size="small" disabled={isMe} onClick={() => ask({ title: t(`settings/${turn}Ask`, { name }), hint: t(`settings/${turn}Hint`), danger: !disabled, command: cliCommand('user', 'update', name, `--disabled=${disabled ? 'no' : 'yes'}`) }, { what: t(`settings/${turn}`), method: 'PUT', url: path('users', name), body: { disabled: !disabled } })}>{t(`settings/${turn}`)}</Button>
			<Button size="small" danger disabled={isMe} onClick={() => ask({ title: t('settings/deleteUserAsk', { name }), hint: t('settings/deleteUserHint', { grants: user.grants, tokens: user.tokens }), danger: true, command: cliCommand('user', 'delete', name) }, { what: t('settings/delete'), method: 'DELETE', url: path('users', name) })}>{t('settings/delete')}</Button>
		</span>
	);
}

export function UsersTab() {
	const { t } = useTranslation();
	const users = useUsers();
	const may = useMay('user_create');
	const [open, setOpen] = useState<'new' | User | null>(null);
	const columns: TableColumnsType<User> = [
		{ title: t('field/name'), key: 'name', render: (_, row) => <span className="sot-rowlink">{row.name}</span> },
		{ title: t('settings/role'), key: 'role', dataIndex: 'role' },
		{ title: t('field/state'), key: 'state', render: (_, row) => <StateTag state={row.disabled ? 'disabled' : 'enabled'} /> },
		{ title: t('settings/origin'), key: 'origin', render: (_, row) => `${row.origin}${row.hasPassword ? '' : ` · ${t('settings/noPassword')}`}` },
		{ title: t('settings/grants'), key: 'grants', align: 'right', dataIndex: 'grants' },
		{ title: t('settings/tokens'), key: 'tokens', align: 'right', dataIndex: 'tokens' },
		{ title: t('settings/logins'), key: 'sessions', align: 'right', dataIndex: 'sessions' },
		{ title: t('settings/lastLogin'), key: 'last', render: (_, row) => <Time at={row.lastLoginAt} as="ago" /> },
		...(may ? [{ title: '', key: 'actions', align: 'right' as const, render: (_: unknown, row: User) => <UserVerbs user={row} onEdit={() => setOpen(row)} /> }] : []),
	];
	return (
		<>
			<DataTable list={users} columns={columns} rowKey={(row) => row.name} label={t('settings/users')} title={t('settings/users')} extra={may && <Button type="primary" size="small" onClick={() => setOpen('new')}>{t('settings/newUser')}</Button>} empty={{ title: t('settings/noUsers') }} />
			{open === 'new' && <NewUser onClose={() => setOpen(null)} />}
			{open !== null && open !== 'new' && <EditUser user={open} onClose={() => setOpen(null)} />}
		</>
	);
}

interface EnteredGrant extends Reach {
	user: string;
	role: string;
}

function NewGrant({ users, onClose }: { users: string[]; onClose: () => void }) {
	const { t } = useTranslation();
	return (
		<FormDialog<EnteredGrant>
			title={t('settings/newGrant')}
			submit={t('common/create')}
			hint={t('settings/grantHint')}
			fields={[
				{ name: 'user', label: t('settings/user'), kind: 'select', options: users, needed: true },
				{ name: 'role', label: t('settings/role'), kind: 'select', options: ROLES, needed: true },
				{ name: 'team', label: t('field/team'), max: 30 },
				{ name: 'app', label: t('field/app'), max: 30 },
				{ name: 'environment', label: t('packages/environment'), max: 63 },
			]}
			initial={{ user: '', role: 'developer', team: '', app: '', environment: '' }}
			toChange={(entered) => ({ what: t('settings/newGrant'), url: path('grants'), body: given(entered) })}
			toCommand={({ user, role, ...reach }) => cliCommand('grant', 'add', user || 'USER', role, ...reachOptions(reach))}
			onClose={onClose}
		/>
	);
}

export function GrantsTab() {
	const { t } = useTranslation();
	const grants = useGrants();
	const users = useUsers();
	const ask = useAskedChange();
	const may = useMay('grant_create');
	const [adding, setAdding] = useState(false);
	const columns: TableColumnsType<Grant> = [
		{ title: t('settings/user'), key: 'user', render: (_, row) => <span className="sot-rowlink">{row.user}</span> },
		{ title: t('settings/role'), key: 'role', dataIndex: 'role' },
		{ title: t('field/team'), key: 'team', dataIndex: 'team' },
		{ title: t('field/app'), key: 'app', dataIndex: 'app' },
		{ title: t('packages/environment'), key: 'environment', dataIndex: 'environment' },
		{ title: t('field/created'), key: 'created', render: (_, row) => <Time at={row.createdAt} /> },
		{ title: t('field/actor'), key: 'by', dataIndex: 'createdBy' },
		...(may
			? [
					{
						title: '',
						key: 'actions',
						align: 'right' as const,
						render: (_: unknown, row: Grant) => (
							<span className="sot-row sot-right">
								<Button size="small" danger onClick={() => ask({ title: t('settings/deleteGrantAsk', { role: row.role, user: row.user }), hint: t('settings/deleteGrantHint', { reach: reachWords(row) }), danger: true, command: cliCommand('grant', 'delete', row.id) }, { what: t('settings/takeBack'), method: 'DELETE', url: path('grants', row.id) })}>{t('settings/takeBack')}</Button>
							</span>
						),
					},
				]
			: []),
	];
	return (
		<>
			<DataTable list={grants} columns={columns} rowKey={(row) => row.id} label={t('settings/grants')} title={t('settings/grants')} extra={may && <Button type="primary" size="small" onClick={() => setAdding(true)}>{t('settings/newGrant')}</Button>} empty={{ title: t('settings/noGrants'), hint: t('settings/grantHint') }} />
			{adding && <NewGrant users={users.items.map((user) => user.name)} onClose={() => setAdding(false)} />}
		</>
	);
}
