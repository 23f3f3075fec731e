import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { EVENT_KINDS, fromCloudEvent, fromListItem, kindOf, parseCursor, SseParser } from './events';
import { knownKinds } from './refresh';

describe('the event catalogue', () => {
	it('is the one of proto/events.toml', () => {
		const declared = [...readFileSync('../proto/events.toml', 'utf8').matchAll(/^\[event\."([^"]+)"\]/gm)].map((match) => match[1]);
		expect(declared.length).toBeGreaterThan(5);
		expect([...EVENT_KINDS].sort()).toEqual(declared.sort());
		expect(knownKinds().sort()).toEqual(declared.sort());
	});
});

describe('SseParser', () => {
	const text = ': hello\n\nid: s.7\nevent: instance.state\ndata: {"a":\ndata: 1}\n\n: hb\n\nid: s.8\r\ndata: x\r\n\r\n';
	const wanted = [
		{ id: 's.7', event: 'instance.state', data: '{"a":\n1}' },
		{ id: 's.8', event: 'message', data: 'x' },
	];
	it('gives the same messages however the bytes are cut', () => {
		for (let size = 1; size <= text.length; size += 1) {
			const parser = new SseParser();
			const messages = [];
			for (let at = 0; at < text.length; at += size) {
				messages.push(...parser.feed(text.slice(at, at + size)));
			}
			expect(messages, `chunks of ${size}`).toEqual(wanted);
		}
	});
	it('gives nothing for an unfinished message', () => {
		expect(new SseParser().feed('id: s.9\ndata: x\n')).toEqual([]);
	});
	it('passes on a named event without data', () => {
		expect(new SseParser().feed('event: reset\n\n')).toEqual([{ id: '', event: 'reset', data: '' }]);
	});
});

describe('cursors and events', () => {
	it('reads stream and number, and refuses anything else', () => {
		expect(parseCursor('01a2042a-0828.1048577')).toEqual({ stream: '01a2042a-0828', number: 1048577 });
		expect(parseCursor('12')).toEqual({ stream: '', number: 12 });
		expect(parseCursor('s.x')).toBeNull();
		expect(parseCursor('')).toBeNull();
	});
	it('takes the catalogue name out of a CloudEvents type', () => {
		expect(kindOf('cn.sotalia.instance.state.v1')).toBe('instance.state');
		expect(kindOf('instance.state')).toBe('instance.state');
	});
	it('reads the same event from the stream and from a list', () => {
		const cloud = { specversion: '1.0', id: 's.3', type: 'cn.sotalia.host.state.v1', subject: 'node-a1', time: 'T', sotaliaactor: 'scheduler', sotaliaop: null, sotaliaapp: '', sotaliahost: 'node-a1', data: { reason: 'x' } };
		const row = { stream: 's', number: 3, at: 'T', kind: 'host.state', subject: 'node-a1', app: '', host: 'node-a1', actor: 'scheduler', operationId: null, data: { reason: 'x' } };
		const streamed = fromCloudEvent({ id: 's.3', event: 'host.state', data: JSON.stringify(cloud) });
		expect(streamed).not.toBeNull();
		expect(fromListItem(row)).toEqual(streamed);
		expect(fromListItem(cloud)).toEqual(streamed);
	});
	it('drops what is not an event', () => {
		expect(fromCloudEvent({ id: 's.1', event: 'x', data: 'not json' })).toBeNull();
		expect(fromCloudEvent({ id: '', event: 'x', data: '{}' })).toBeNull();
		expect(fromListItem({ kind: 'x' })).toBeNull();
		expect(fromListItem(null)).toBeNull();
	});
});
