// Who had an address, when, and why.
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router-dom';
import { useAddressHistory } from '../api/queries';
import { apiWord } from '../i18n';
import { Empty, ReadError, Skeleton } from './Page';
import { Time } from './Time';

const HELD = ['reserved', 'bound', 'static', 'suspect', 'conflict'];

/** "Who had this address at this time", answered by the history. */
function HeldAt({ address }: { address: string }) {
	const { t } = useTranslation();
	const [at, setAt] = useState('');
	const moment = at ? new Date(at).toISOString() : '';
	return (
		<div className="sot-filters">
			<label className="sot-row">
				<span className="sot-muted">{t('addresses/heldAt')}</span>
				<input type="datetime-local" step={1} value={at} onChange={(event) => setAt(event.target.value)} />
			</label>
			{moment && <Holder address={address} at={moment} />}
		</div>
	);
}

function Holder({ address, at }: { address: string; at: string }) {
	const { t } = useTranslation();
	const then = useAddressHistory(address, { at });
	const event = then.items[0];
	if (then.isLoading) {
		return null;
	}
	if (then.error) {
		return <ReadError error={then.error} onRetry={then.retry} />;
	}
	const held = event !== undefined && HELD.includes(event.event);
	return <strong>{held ? t('addresses/heldThen', { who: event.instance ?? event.owner ?? (event.reason || apiWord('state', event.event)) }) : t('addresses/nobodyThen')}</strong>;
}

export function AddressHistory({ address }: { address: string }) {
	const { t } = useTranslation();
	const history = useAddressHistory(address);
	if (history.isLoading) {
		return <Skeleton />;
	}
	return (
		<>
			<HeldAt address={address} />
			{history.error && <ReadError error={history.error} onRetry={history.retry} />}
			{!history.error && history.items.length === 0 && <Empty title={t('addresses/historyEmpty')} />}
			<ol className="sot-steps" tabIndex={0}>
				{history.items.map((event, row) => (
					<li key={`${event.at}-${row}`} className={event.event === 'bound' ? 'done' : event.event === 'conflict' ? 'failed' : ''}>
						<div className="sot-row">
							<strong>{apiWord('state', event.event)}</strong>
							{event.instance && <Link to={`/instances/${event.instance}`}>{event.instance}</Link>}
							{event.host && <span className="sot-muted">{event.host}</span>}
							<Time at={event.at} />
						</div>
						<div className="sot-row sot-small sot-muted">
							<span>{event.actor}</span>
							{event.mac && <span className="sot-mono">{event.mac}</span>}
							{event.operationId && <Link to={`/operations/${event.operationId}`}>{t('field/operation')}</Link>}
						</div>
					</li>
				))}
			</ol>
		</>
	);
}
