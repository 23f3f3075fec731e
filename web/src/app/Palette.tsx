// One box for everything that has a name: Ctrl-K anywhere. Lists that were read already are sifted at once; whole names, addresses
// and ids are asked for, so that what lies beyond the first page of a list is found, too.
import { SearchOutlined } from '@ant-design/icons';
import { keepPreviousData, useQueries, useQuery } from '@tanstack/react-query';
import { Button, Input, Modal, Tooltip } from 'antd';
import { useCallback, useDeferredValue, useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useNavigate } from 'react-router-dom';
import { getJson, path, withQuery } from '../api/client';
import type { Address, App, Host, Instance, Operation, Page, User } from '../api/types';
import { apiWord } from '../i18n';
import { type Found, isAddress, isOperationId, rank } from '../lib/palette';
import { useAsked } from '../lib/useAsked';
import { useMay } from './session';

const PAGES = ['overview', 'apps', 'packages', 'instances', 'images', 'hosts', 'machines', 'capacity', 'operations', 'addresses', 'events', 'history', 'monitoring', 'settings'] as const;
/** More than the list shows are not needed: the next letter asks again. */
const FIRST = 50;
/** A part of a name of an instance is asked for from so many letters on. */
const PART_MIN = 2;

const hostFound = (host: Host): Found => ({ kind: 'host', name: host.name, to: `/hosts/${host.name}`, hint: [host.az, host.rack].join(' / ') });
const appFound = (app: App): Found => ({ kind: 'app', name: app.name, to: `/apps/${app.name}`, hint: `${app.ready} / ${app.wanted}` });
const instanceFound = (one: Instance): Found => ({ kind: 'instance', name: one.name, to: `/instances/${one.name}`, hint: [one.address, one.host].filter(Boolean).join(' · ') });
const addressFound = (one: Address): Found => ({ kind: 'address', name: one.address, to: `/addresses?address=${encodeURIComponent(one.address)}&history=${encodeURIComponent(one.address)}`, hint: one.instance ?? one.ownerName });
const operationFound = (one: Operation): Found => ({ kind: 'operation', name: `${apiWord('kind', one.kind)} ${one.target}`, to: `/operations/${one.id}`, hint: apiWord('state', one.state) });
const userFound = (user: User): Found => ({ kind: 'user', name: user.name, to: `/history?who=${encodeURIComponent(user.name)}`, hint: user.role });

/** The first page of a list, kept for a while: the palette opens many times. */
function useFirst<T>(name: string, url: string, enabled: boolean): { items: T[]; isOld: boolean } {
	const query = useQuery({
		queryKey: ['palette', name, url],
		enabled,
		staleTime: 30_000,
		refetchInterval: false,
		placeholderData: keepPreviousData,
		queryFn: ({ signal }) => getJson<Page<T>>(url, signal),
	});
	return { items: query.data?.items ?? [], isOld: query.isPlaceholderData && query.isFetching };
}

/** What has a part of a name; of apps and hosts with more than are shown, `full`: the one of this very name may be missing. */
function useWithPart(part: string): { found: Found[]; isOld: boolean; full: { apps: boolean; hosts: boolean } } {
	const hosts = useFirst<Host>('hosts', withQuery('/v1/hosts', { text: part, limit: FIRST }), true);
	const apps = useFirst<App>('apps', withQuery('/v1/apps', { text: part, limit: FIRST }), true);
	const instances = useFirst<Instance>('instances', withQuery('/v1/instances', { text: part, limit: FIRST }), part.length >= PART_MIN);
	return {
		found: [...apps.items.map(appFound), ...hosts.items.map(hostFound), ...instances.items.map(instanceFound)],
		isOld: hosts.isOld || apps.isOld || instances.isOld,
		full: { apps: apps.items.length === FIRST, hosts: hosts.items.length === FIRST },
	};
}

/** Asked for by its whole name; that there is none is an answer. What lists that were read whole do not have is not asked for: a browser
 * asks for a few things at a time only, and each is work for the platform. */
function useByName(word: string, full: { apps: boolean; hosts: boolean; users: boolean }): Found[] {
	const plain = /^[a-z0-9][a-z0-9.-]*$/i.test(word) && !isAddress(word) && !isOperationId(word);
	const ask = <T,>(url: string, enabled: boolean, toFound: (one: T) => Found) => ({
		queryKey: ['palette', 'one', url],
		enabled,
		retry: false,
		staleTime: 10_000,
		refetchInterval: false as const,
		queryFn: async ({ signal }: { signal: AbortSignal }): Promise<Found | null> => {
			try {
				return toFound(await getJson<T>(url, signal));
			} catch (cause) {
				if (signal.aborted) {
					throw cause;
				}
				return null;
			}
		},
	});
	const answers = useQueries({
		queries: [
			ask<Instance>(path('instances', word), plain, instanceFound),
			ask<App>(path('apps', word), plain && full.apps, appFound),
			ask<Host>(path('hosts', word), plain && full.hosts, hostFound),
			ask<User>(path('users', word), plain && full.users, userFound),
			ask<Operation>(path('operations', word), isOperationId(word), (one) => ({ ...operationFound(one), name: one.id, hint: operationFound(one).name })),
			ask<Page<Address>>(withQuery('/v1/addresses', { address: word, limit: 1 }), isAddress(word), ({ items }) => {
				const [first] = items;
				if (!first) {
					throw new Error('no such address');
				}
				return addressFound(first);
			}),
		],
	});
	return answers.flatMap(({ data }) => (data ? [data] : []));
}

function useFound(typed: string): Found[] {
	const { t } = useTranslation();
	const operator = useMay('user_list');
	const word = useDeferredValue(typed.trim());
	const { answer: withPart } = useAsked(word.toLowerCase(), useWithPart);
	const operations = useFirst<Operation>('operations', '/v1/operations?limit=100', true);
	const users = useFirst<User>('users', `/v1/users?limit=${FIRST}`, operator);
	const named = useByName(word.toLowerCase(), { ...withPart.full, users: operator && users.items.length === FIRST });
	if (!word) {
		return PAGES.map((page) => ({ kind: 'page', name: t(`nav/${page}`), to: page === 'overview' ? '/' : `/${page}`, hint: '' }));
	}
	return rank(
		[...named, ...withPart.found, ...users.items.map(userFound), ...operations.items.map(operationFound), ...PAGES.map((page): Found => ({ kind: 'page', name: t(`nav/${page}`), to: page === 'overview' ? '/' : `/${page}`, hint: '' }))],
		word,
	);
}

function Finder({ onClose }: { onClose: () => void }) {
	const { t } = useTranslation();
	const navigate = useNavigate();
	const [typed, setTyped] = useState('');
	const [at, setAt] = useState(0);
	const found = useFound(typed);
	const chosen = Math.min(at, Math.max(0, found.length - 1));
	const go = (one: Found | undefined): void => {
		if (one) {
			onClose();
			navigate(one.to);
		}
	};
	const onKey = (event: React.KeyboardEvent): void => {
		const step = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0;
		if (step !== 0) {
			event.preventDefault();
			setAt(found.length > 0 ? (chosen + step + found.length) % found.length : 0);
		} else if (event.key === 'Enter' && !event.nativeEvent.isComposing) {
			go(found[chosen]);
		}
	};
	return (
		<>
			<Input
				autoFocus
				size="large"
				prefix={<SearchOutlined />}
				role="combobox"
				aria-expanded
				aria-controls="sot-found"
				aria-activedescendant={found.length > 0 ? `sot-found-${chosen}` : undefined}
				aria-label={t('palette/label')}
				placeholder={t('palette/label')}
				value={typed}
				onChange={(event) => {
					setTyped(event.target.value);
					setAt(0);
				}}
				onKeyDown={onKey}
			/>
			<ul className="sot-found" id="sot-found" role="listbox" aria-label={t('palette/found')}>
				{found.map((one, row) => (
					<li key={one.to} id={`sot-found-${row}`} role="option" aria-selected={row === chosen} data-kind={one.kind} onClick={() => go(one)} onMouseEnter={() => setAt(row)}>
						<span className="sot-badge">{t(`palette/${one.kind}`)}</span>
						<strong>{one.name}</strong>
						<span className="sot-muted sot-small">{one.hint}</span>
					</li>
				))}
			</ul>
			{found.length === 0 && <p className="sot-muted" role="status">{t('palette/nothing')}</p>}
		</>
	);
}

export function Palette() {
	const { t } = useTranslation();
	/* Each time it opens it is empty, also when the one before is still fading away. */
	const [{ open, times }, setShown] = useState({ open: false, times: 0 });
	const show = useCallback(() => setShown((was) => (was.open ? was : { open: true, times: was.times + 1 })), []);
	useEffect(() => {
		const onKey = (event: KeyboardEvent): void => {
			if ((event.ctrlKey || event.metaKey) && !event.shiftKey && !event.altKey && event.key.toLowerCase() === 'k' && !(event.target instanceof Element && event.target.closest('.xterm'))) {
				event.preventDefault();
				show();
			}
		};
		document.addEventListener('keydown', onKey);
		return () => document.removeEventListener('keydown', onKey);
	}, [show]);
	const close = (): void => setShown((was) => ({ ...was, open: false }));
	return (
		<>
			<Tooltip title="Ctrl-K">
				<Button type="text" icon={<SearchOutlined />} aria-label={t('palette/label')} onClick={show} />
			</Tooltip>
			<Modal open={open} onCancel={close} footer={null} closable={false} destroyOnHidden width={640} title={t('palette/title')}>
				<Finder key={times} onClose={close} />
			</Modal>
		</>
	);
}
