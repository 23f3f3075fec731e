// Reading events: the SSE byte stream, CloudEvents and rows of GET /v1/events, all to PlatformEvent.
import type { PlatformEvent } from '../api/types';

/** Kinds of proto/events.toml; a test compares. Others are shown, too, but refresh nothing in particular. */
export const EVENT_KINDS = [
	'app.created',
	'app.updated',
	'app.deleted',
	'app.version',
	'app.plan',
	'app.image',
	'machine.state',
	'instance.created',
	'instance.state',
	'instance.health',
	'instance.unknown',
	'instance.untold',
	'instance.preempted',
	'host.registered',
	'host.updated',
	'host.containers',
	'host_class.updated',
	'plan.updated',
	'team.updated',
	'mixing.updated',
	'host.state',
	'scheduler.refused',
	'host.copy_removed',
	'fleet.rebalance_pays',
	'placement.refused',
	'placement.found',
	'instance.host',
	'brake.state',
	'operation.state',
	'package.registered',
	'package.removed',
	'middleware.registered',
	'middleware.removed',
	'app.middleware',
	'group.updated',
	'group.deleted',
	'group.moved',
	'elastic.updated',
	'elastic.decision',
	'host.cleaned',
	'instance.disk',
	'image.registered',
	'image.added',
	'image.tested',
	'image.promoted',
	'image.retired',
	'image.removed',
	'vlan.created',
	'vlan.updated',
	'vlan.deleted',
	'subnet.created',
	'subnet.updated',
	'subnet.deleted',
	'subnet.utilisation',
	'pool.utilisation',
	'range.created',
	'range.deleted',
	'address.state',
	'address.conflict',
	'address.foreign',
	'address.missing',
	'address.moved',
	'address.leak',
	'ipam.brake',
	'ipam.quarantine',
	'import.applied',
	'ssh.certificate',
	'ssh.key.added',
	'ssh.revoked',
	'ssh.login',
	'ssh.logout',
	'exec.begin',
	'exec.end',
	'instance.rotation',
	'rollout.state',
	'instance.drift',
	'user.created',
	'user.updated',
	'user.deleted',
	'user.logged_out',
	'user.break_glass',
	'grant.created',
	'grant.deleted',
	'token.created',
	'token.revoked',
	'audit.head',
	'webhook.created',
	'webhook.updated',
	'webhook.deleted',
	'webhook.gave_up',
] as const;

export interface Cursor {
	stream: string;
	number: number;
}

/** "<stream>.<number>" -> parts; null when it is neither that nor a plain number. */
export function parseCursor(text: string): Cursor | null {
	const match = /^(?:(.+)\.)?(\d{1,16})$/.exec(text);
	return match ? { stream: match[1] ?? '', number: Number(match[2]) } : null;
}

export interface SseMessage {
	id: string;
	event: string;
	data: string;
}

/** Incremental parser of text/event-stream (WHATWG HTML, section 9.2.6). Feed chunks, take messages. */
export class SseParser {
	private rest = '';
	private id = '';
	private event = '';
	private data: string[] = [];

	feed(chunk: string): SseMessage[] {
		const messages: SseMessage[] = [];
		const lines = (this.rest + chunk).split(/\r\n|\n|\r(?!$)/);
		this.rest = lines.pop() ?? '';
		for (const line of lines) {
			const message = this.line(line);
			if (message) {
				messages.push(message);
			}
		}
		return messages;
	}

	private line(line: string): SseMessage | null {
		if (line === '') {
			return this.dispatch();
		}
		const colon = line.indexOf(':');
		if (colon === 0) {
			return null; // a comment: the heartbeat
		}
		const field = colon < 0 ? line : line.slice(0, colon);
		const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
		if (field === 'data') {
			this.data.push(value);
		} else if (field === 'event') {
			this.event = value;
		} else if (field === 'id' && !value.includes('\0')) {
			this.id = value;
		}
		return null;
	}

	private dispatch(): SseMessage | null {
		const event = this.event || 'message';
		this.event = '';
		if (this.data.length === 0 && event === 'message') {
			return null;
		}
		const message = { id: this.id, event, data: this.data.join('\n') };
		this.data = [];
		return message;
	}
}

function text(value: unknown): string {
	return typeof value === 'string' ? value : '';
}

function objectOf(value: unknown): Record<string, unknown> {
	return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {};
}

/** "cn.sotalia.instance.state.v1" -> "instance.state": the name in the catalogue. */
export function kindOf(type: string): string {
	return type.replace(/^cn\.sotalia\./, '').replace(/\.v\d+$/, '');
}

/** A CloudEvent of the stream. Null when it is not one: a stranger's message must not stop the page. */
export function fromCloudEvent(message: SseMessage): PlatformEvent | null {
	let body: Record<string, unknown>;
	try {
		body = objectOf(JSON.parse(message.data));
	} catch {
		return null;
	}
	const cursor = parseCursor(message.id || text(body['id']));
	if (!cursor) {
		return null;
	}
	return {
		stream: cursor.stream,
		number: cursor.number,
		at: text(body['time']),
		kind: kindOf(text(body['type']) || message.event),
		subject: text(body['subject']),
		app: text(body['sotaliaapp']),
		host: text(body['sotaliahost']),
		actor: text(body['sotaliaactor']),
		operationId: text(body['sotaliaop']),
		data: objectOf(body['data']),
	};
}

/** A row of GET /v1/events: either a row of core.event_v or the same CloudEvent as on the stream. */
export function fromListItem(item: unknown): PlatformEvent | null {
	const row = objectOf(item);
	if (typeof row['specversion'] === 'string') {
		return fromCloudEvent({ id: '', event: '', data: JSON.stringify(row) });
	}
	if (typeof row['number'] !== 'number') {
		return null;
	}
	return {
		stream: text(row['stream']),
		number: row['number'],
		at: text(row['at']),
		kind: text(row['kind']),
		subject: text(row['subject']),
		app: text(row['app']),
		host: text(row['host']),
		actor: text(row['actor']),
		operationId: text(row['operationId']),
		data: objectOf(row['data']),
	};
}
