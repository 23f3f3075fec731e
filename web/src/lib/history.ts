// Operations, audit and events as one time line. Pure: rows in, rows out.
import type { AuditRow, Operation, PlatformEvent } from '../api/types';
import { changesOf, subjectLink } from './model';

export type Source = 'operation' | 'audit' | 'event';

export interface Moment {
	key: string;
	source: Source;
	at: string;
	who: string;
	/** kind of an operation or event, action of an audit row */
	what: string;
	target: string;
	link: string | null;
	/** state or result; '' when there is none */
	outcome: string;
	detail: string;
	operation: string;
	from: string;
}

export interface Asked {
	text: string;
	who: string;
	what: string;
	about: string;
	from: string;
	until: string;
}

/** The page of what an action was about, by its first word. */
export function targetLink(action: string, target: string): string | null {
	const pages: Record<string, string> = { app: '/apps', group: '/apps', host: '/hosts', instance: '/instances', image: '/images' };
	const page = pages[action.split('.')[0] ?? ''];
	return page && target && !target.includes('/') ? `${page}/${encodeURIComponent(target)}` : null;
}

export function momentOfOperation(row: Operation): Moment {
	return { key: `o${row.id}`, source: 'operation', at: row.createdAt, who: row.actor, what: row.kind, target: row.target, link: `/operations/${row.id}`, outcome: row.state, detail: row.error, operation: row.id, from: '' };
}

/** What an audit row says beside its columns, in words: "reason: full; count: 3". */
export function detailWords(detail: Record<string, unknown>): string {
	return Object.entries(detail)
		.map(([name, value]) => `${name}: ${typeof value === 'string' ? value : JSON.stringify(value)}`)
		.join('; ');
}

export function momentOfAudit(row: AuditRow): Moment {
	return { key: `a${row.id}`, source: 'audit', at: row.at, who: row.actor, what: row.action, target: row.target, link: targetLink(row.action, row.target), outcome: row.result === 'ok' ? 'done' : row.result, detail: detailWords(row.detail), operation: row.operationId ?? '', from: row.sourceAddress };
}

export function momentOfEvent(row: PlatformEvent): Moment {
	const error = typeof row.data['error'] === 'string' ? row.data['error'] : '';
	const outcome = changesOf(row).find(([field]) => field === 'state' || field === 'health')?.[2] ?? '';
	return { key: `e${row.stream}.${row.number}`, source: 'event', at: row.at, who: row.actor, what: row.kind, target: row.subject, link: subjectLink(row), outcome, detail: error, operation: row.operationId, from: '' };
}

const nameOf = (actor: string): string => actor.slice(actor.indexOf(':') + 1);

/** What the server did not sift already: each list of it knows other filters. */
export function fits(moment: Moment, asked: Asked): boolean {
	const at = Date.parse(moment.at);
	const words = asked.text.toLowerCase().split(/\s+/).filter(Boolean);
	const all = [moment.who, moment.what, moment.target, moment.detail, moment.outcome, moment.operation, moment.from].join(' ').toLowerCase();
	return (
		(!asked.who || moment.who === asked.who || nameOf(moment.who) === asked.who) &&
		(!asked.what || moment.what === asked.what || moment.what.split('.')[0] === asked.what) &&
		(!asked.about || moment.target === asked.about) &&
		(!asked.from || at >= Date.parse(asked.from)) &&
		(!asked.until || at < Date.parse(asked.until)) &&
		words.every((word) => all.includes(word))
	);
}

export interface Stretch {
	moments: Moment[];
	/** Older ones exist that were not read. */
	hasMore: boolean;
}

/**
 * Newest first. A list that was read only in part ends the line where it ends: below that time others would look as if
 * nothing of it had happened there. What is open stands first in the list of operations, whatever its age: it does not count.
 */
export function timeLine(stretches: Stretch[], asked: Asked): { shown: Moment[]; readTo: string } {
	const ends = stretches
		.filter(({ hasMore, moments }) => hasMore && moments.length > 0)
		.map(({ moments }) => moments[moments.length - 1]?.at ?? '');
	const readTo = ends.sort().at(-1) ?? '';
	const shown = stretches
		.flatMap(({ moments }) => moments)
		.filter((moment) => moment.at >= readTo && fits(moment, asked))
		.sort((a, b) => (a.at === b.at ? a.key.localeCompare(b.key) : a.at < b.at ? 1 : -1));
	return { shown, readTo };
}
