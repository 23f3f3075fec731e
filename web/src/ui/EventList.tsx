// Events as readable lines: when, what, about whom, from which state to which.
import { Fragment } from 'react';
import { Link } from 'react-router-dom';
import type { PlatformEvent } from '../api/types';
import { apiWord } from '../i18n';
import { changesOf, subjectLink } from '../lib/model';
import { StateTag } from './StateTag';
import { Time } from './Time';

function EventLine({ event, dated, about }: { event: PlatformEvent; dated: boolean; about: string | undefined }) {
	const link = subjectLink(event);
	const error = typeof event.data['error'] === 'string' ? event.data['error'] : '';
	const operationKind = event.kind === 'operation.state' ? String(event.data['kind'] ?? '') : '';
	return (
		<li data-number={event.number}>
			<Time at={event.at} as={dated ? 'local' : 'clock'} />
			<span className="sot-muted">{apiWord('event', event.kind)}</span>
			<span className="sot-what">
				{operationKind && <>{apiWord('kind', operationKind)} </>}
				{event.subject !== about && (link ? <Link to={link}>{event.subject || event.kind}</Link> : event.subject)}{' '}
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

/** `dated`: of more than a day, each says its day. `about`: whose page it is; its name is not said in each line. */
export function EventList({ events, dated = false, about }: { events: PlatformEvent[]; dated?: boolean; about?: string }) {
	return (
		<ul className={`sot-events${dated ? ' dated' : ''}`} aria-live="off">
			{events.map((event) => (
				<EventLine key={`${event.stream}.${event.number}`} event={event} dated={dated} about={about} />
			))}
		</ul>
	);
}
