// Events as readable lines: when, what, about whom, from which state to which.
import { Fragment } from 'react';
import { Link } from 'react-router-dom';
import type { PlatformEvent } from '../api/types';
import { apiWord } from '../i18n';
import { changesOf, subjectLink } from '../lib/model';
import { StateTag } from './StateTag';
import { Time } from './Time';

function EventLine({ event }: { event: PlatformEvent }) {
	const link = subjectLink(event);
	const error = typeof event.data['error'] === 'string' ? event.data['error'] : '';
	const operationKind = event.kind === 'operation.state' ? String(event.data['kind'] ?? '') : '';
	return (
		<li data-number={event.number}>
			<Time at={event.at} as="clock" />
			<span className="sot-muted">{apiWord('event', event.kind)}</span>
			<span className="sot-what">
				{operationKind && <>{apiWord('kind', operationKind)} </>}
				{link ? <Link to={link}>{event.subject || event.kind}</Link> : event.subject}{' '}
				{changesOf(event).map(([field, before, after]) => (
					<Fragment key={field}>
						{before && (
							<>
								<span className="sot-muted"> {apiWord('state', before)}</span>
								<span className="sot-arrow">→</span>
							</>
						)}
						{field === 'version' ? <span className="sot-mono">{after}</span> : <StateTag state={after} tone={event.kind === 'operation.state' && after === 'running' ? 'busy' : undefined} />}
					</Fragment>
				))}
				{error && <span className="sot-tone-bad"> {error}</span>}
			</span>
			<span className="sot-muted sot-small">{event.actor}</span>
		</li>
	);
}

export function EventList({ events }: { events: PlatformEvent[] }) {
	return (
		<ul className="sot-events" aria-live="off">
			{events.map((event) => (
				<EventLine key={`${event.stream}.${event.number}`} event={event} />
			))}
		</ul>
	);
}
