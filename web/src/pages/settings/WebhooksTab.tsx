// Programs that are called with events: how far each is, what was given up, and how to send it again.
import { Button, type TableColumnsType } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { path } from '../../api/client';
import { useDeadLetters, useWebhooks } from '../../api/queries';
import type { DeadLetter, Webhook } from '../../api/types';
import { useAskedChange } from '../../app/actions';
import { useMay } from '../../app/session';
import { cliCommand } from '../../lib/cli';
import { given, options } from '../../lib/settings';
import { useFilters } from '../../lib/useFilters';
import { EVENT_KINDS } from '../../live/events';
import { DataTable } from '../../ui/DataTable';
import { FormDialog } from '../../ui/FormDialog';
import { SecretOnce } from '../../ui/SecretOnce';
import { StateTag } from '../../ui/StateTag';
import { Time } from '../../ui/Time';

interface EnteredWebhook {
	name: string;
	url: string;
	kinds: string[];
	app: string;
	host: string;
	changed: string;
}

function NewWebhook({ onMade, onClose }: { onMade: (secret: string) => void; onClose: () => void }) {
	const { t } = useTranslation();
	return (
		<FormDialog<EnteredWebhook>
			title={t('settings/newWebhook')}
			submit={t('common/create')}
			hint={t('settings/webhookHint')}
			fields={[
				{ name: 'name', label: t('field/name'), needed: true, max: 63 },
				{ name: 'url', label: t('settings/url'), needed: true, max: 500, pattern: /^https?:\/\/\S+$/, hint: t('settings/urlHint') },
				{ name: 'kinds', label: t('settings/kinds'), kind: 'many', options: [...EVENT_KINDS], hint: t('settings/kindsHint') },
				{ name: 'app', label: t('field/app'), max: 30 },
				{ name: 'host', label: t('field/host'), max: 63 },
				{ name: 'changed', label: t('settings/changed'), max: 100, hint: t('settings/changedHint') },
			]}
			initial={{ name: '', url: '', kinds: [], app: '', host: '', changed: '' }}
			toChange={(entered) => ({ what: t('settings/newWebhook'), url: path('webhooks'), body: given(entered), onAccepted: (accepted) => accepted?.token && onMade(accepted.token) })}
			toCommand={({ name, url, kinds, app, host, changed }) => cliCommand('webhook', 'create', name || 'NAME', url || 'URL', ...kinds.map((kind) => `--kind=${kind}`), ...options({ app, host, changed }))}
			onClose={onClose}
		/>
	);
}

function DeadLetters({ webhook }: { webhook: string }) {
	const { t } = useTranslation();
	const letters = useDeadLetters(webhook);
	const ask = useAskedChange();
	const may = useMay('dead_letter_send');
	const columns: TableColumnsType<DeadLetter> = [
		{ title: t('settings/events'), key: 'events', render: (_, row) => <span className="sot-num">{row.first} – {row.last}</span> },
		{ title: t('field/error'), key: 'error', dataIndex: 'error' },
		{ title: t('settings/tries'), key: 'tries', align: 'right', dataIndex: 'tries' },
		{ title: t('settings/givenUp'), key: 'at', render: (_, row) => <Time at={row.at} /> },
		...(may
			? [
					{
						title: '',
						key: 'actions',
						align: 'right' as const,
						render: (_: unknown, row: DeadLetter) => (
							<span className="sot-row sot-right">
								<Button size="small" onClick={() => ask({ title: t('settings/sendAgainAsk', { first: row.first, last: row.last }), hint: t('settings/sendAgainHint'), command: cliCommand('dead-letter', 'send', webhook, row.first) }, { what: t('settings/sendAgain'), url: path('webhooks', webhook, 'dead-letters', String(row.first), 'send') })}>{t('settings/sendAgain')}</Button>
							</span>
						),
					},
				]
			: []),
	];
	return <DataTable list={letters} columns={columns} rowKey={(row) => String(row.first)} label={t('settings/deadLetters')} title={t('settings/deadLettersOf', { name: webhook })} empty={{ title: t('settings/noDeadLetters') }} />;
}

function WebhookVerbs({ webhook }: { webhook: Webhook }) {
	const { t } = useTranslation();
	const ask = useAskedChange();
	const { name, paused } = webhook;
	const turn = paused ? 'goOn' : 'pause';
	return (
		<>
			<Button size="small" onClick={() => ask({ title: t(`settings/${turn}Ask`, { name }), hint: t(`settings/${turn}Hint`), command: cliCommand('webhook', 'update', name, `--paused=${paused ? 'no' : 'yes'}`) }, { what: t(`settings/${turn}`), method: 'PUT', url: path('webhooks', name), body: { paused: !paused } })}>{t(`settings/${turn}`)}</Button>
			<Button size="small" danger onClick={() => ask({ title: t('settings/deleteWebhookAsk', { name }), hint: t('settings/deleteWebhookHint'), danger: true, command: cliCommand('webhook', 'delete', name) }, { what: t('settings/delete'), method: 'DELETE', url: path('webhooks', name) })}>{t('settings/delete')}</Button>
		</>
	);
}

function stateOf(webhook: Webhook): string {
	return webhook.paused ? 'paused' : webhook.error ? 'failed' : 'running';
}

export function WebhooksTab() {
	const { t } = useTranslation();
	const webhooks = useWebhooks();
	const may = useMay('webhook_create');
	const [get, set] = useFilters();
	const [adding, setAdding] = useState(false);
	const [secret, setSecret] = useState('');
	const chosen = webhooks.items.find((one) => one.name === get('webhook'));
	const columns: TableColumnsType<Webhook> = [
		{ title: t('field/name'), key: 'name', render: (_, row) => <span className="sot-rowlink">{row.name}</span> },
		{ title: t('settings/url'), key: 'url', render: (_, row) => <span className="sot-mono">{row.url}</span> },
		{ title: t('field/state'), key: 'state', render: (_, row) => <StateTag state={stateOf(row)} hint={row.error} /> },
		{ title: t('settings/kinds'), key: 'kinds', render: (_, row) => [row.kinds.join(', ') || t('settings/allKinds'), row.app, row.host, row.changed].filter(Boolean).join(' · ') },
		{ title: t('settings/behind'), key: 'behind', align: 'right', dataIndex: 'behind' },
		{ title: t('settings/delivered'), key: 'delivered', render: (_, row) => <Time at={row.deliveredAt} as="ago" /> },
		{
			title: t('settings/deadLetters'),
			key: 'dead',
			render: (_, row) => (
				<Button size="small" type="link" onClick={() => set('webhook', get('webhook') === row.name ? '' : row.name)} aria-label={t('settings/deadLettersOf', { name: row.name })}>
					<span className={row.deadLetters > 0 ? 'sot-badge sot-warned sot-num' : 'sot-num'}>{row.deadLetters}</span>
				</Button>
			),
		},
		...(may ? [{ title: '', key: 'actions', align: 'right' as const, render: (_: unknown, row: Webhook) => <span className="sot-row sot-right"><WebhookVerbs webhook={row} /></span> }] : []),
	];
	return (
		<div className="sot-gap">
			<DataTable list={webhooks} columns={columns} rowKey={(row) => row.name} label={t('settings/webhooks')} title={t('settings/webhooks')} extra={may && <Button type="primary" size="small" onClick={() => setAdding(true)}>{t('settings/newWebhook')}</Button>} empty={{ title: t('settings/noWebhooks'), hint: t('settings/webhookHint') }} />
			{chosen && <DeadLetters webhook={chosen.name} />}
			{adding && <NewWebhook onMade={setSecret} onClose={() => setAdding(false)} />}
			{secret && <SecretOnce title={t('settings/webhookSecret')} secret={secret} onClose={() => setSecret('')} />}
		</div>
	);
}
