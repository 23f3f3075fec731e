import { afterEach, describe, expect, it, vi } from 'vitest';
import { ApiError, change, getJson, path, setCsrfToken, withQuery } from './client';
import { appendLines, mergeEvents } from './queries';
import type { LogLine, PlatformEvent } from './types';
import { changesOf, commonVersion, newAppFrom, subjectLink, toneOf, versionFromFile } from '../lib/model';

const line = (number: number): LogLine => ({ line: number, at: '', level: 'info', text: `${number}` });
const event = (number: number, more: Partial<PlatformEvent> = {}): PlatformEvent => ({ stream: 's', number, at: '', kind: 'host.state', subject: 'node', app: '', host: '', actor: '', operationId: '', data: {}, ...more });

afterEach(() => vi.unstubAllGlobals());

describe('requests', () => {
	it('leave empty filters out and escape names', () => {
		expect(withQuery('/v1/instances', { app: 'shop', host: '', state: undefined })).toBe('/v1/instances?app=shop');
		expect(path('apps', '../me', 'scale')).toBe('/v1/apps/..%2Fme/scale');
	});
	it('carry the CSRF token and a new idempotency key for each change', async () => {
		const fetched = vi.fn((_url: string, _init: RequestInit) => Promise.resolve(new Response('{"resourceId":"r"}', { status: 202 })));
		vi.stubGlobal('fetch', fetched);
		setCsrfToken('token');
		await change('POST', '/v1/apps/a/scale', { count: 2 });
		await change('POST', '/v1/apps/a/scale', { count: 2 });
		const headers = fetched.mock.calls.map(([, init]) => new Headers(init.headers));
		expect(headers.map((one) => one.get('X-CSRF-Token'))).toEqual(['token', 'token']);
		expect(headers[0]?.get('Idempotency-Key')).toMatch(/^[0-9a-f]{32}$/);
		expect(headers[0]?.get('Idempotency-Key')).not.toBe(headers[1]?.get('Idempotency-Key'));
	});
	it('turn a problem document into an error with code, detail and request id', async () => {
		const body = '{"title":"Conflict","status":409,"code":"conflict","detail":"the app exists","requestId":"r-1"}';
		vi.stubGlobal('fetch', () => Promise.resolve(new Response(body, { status: 409 })));
		const error = await getJson('/v1/apps').catch((cause: unknown) => cause);
		expect(error).toBeInstanceOf(ApiError);
		expect((error as ApiError).problem).toMatchObject({ status: 409, code: 'conflict', detail: 'the app exists', requestId: 'r-1' });
	});
	it('explain an answer that is no problem document, and no answer at all', async () => {
		vi.stubGlobal('fetch', () => Promise.resolve(new Response('<html>', { status: 502, headers: { 'X-Request-Id': 'r-2' } })));
		await expect(getJson('/v1/apps')).rejects.toMatchObject({ problem: { code: 'http_502', requestId: 'r-2' } });
		vi.stubGlobal('fetch', () => Promise.reject(new TypeError('connection refused')));
		await expect(getJson('/v1/apps')).rejects.toMatchObject({ problem: { code: 'unreachable', status: 0 } });
	});
});

describe('data', () => {
	it('appends only lines that are new', () => {
		const held = [line(1), line(2)];
		expect(appendLines(held, [line(2), line(3)]).map((one) => one.line)).toEqual([1, 2, 3]);
		expect(appendLines(held, [line(1)])).toBe(held);
	});
	it('merges live and stored events, newest first, each once', () => {
		expect(mergeEvents([event(7), event(6)], [event(6), event(5)]).map((one) => one.number)).toEqual([7, 6, 5]);
	});
	it('reads changes and links of an event', () => {
		const changed = event(1, { kind: 'instance.state', subject: 'shop-01', data: { changed: { state: ['starting', 'running'] } } });
		expect(changesOf(changed)).toEqual([['state', 'starting', 'running']]);
		expect(changesOf(event(1, { data: { changed: 'x' } }))).toEqual([]);
		expect(subjectLink(changed)).toBe('/instances/shop-01');
		expect(subjectLink(event(1, { kind: 'operation.state', data: { id: 'o-1' } }))).toBe('/operations/o-1');
	});
	it('shows a state it does not know as unknown, never as good', () => {
		expect(toneOf('unknown')).toBe('unknown');
		expect(toneOf('brand_new_state')).toBe('unknown');
		expect(toneOf('running')).toBe('good');
	});
	it('finds the version most hosts have', () => {
		expect(commonVersion(['2', '1', '2', ''])).toBe('2');
		expect(commonVersion([])).toBe('');
	});
	it('proposes a version from a file name', () => {
		expect(['shop-1.4.2.war', 'shop-2.0.tar.gz', 'shop.war'].map(versionFromFile)).toEqual(['1.4.2', '2.0', '']);
	});
	it('sends only the health fields that apply', () => {
		const entered = { name: 'shop', image: 'redis', plan: 'tiny', vlan: 'n', count: 1, port: 6379, path: '/x', env: [undefined, { name: 'A' }] };
		expect(newAppFrom({ ...entered, healthKind: 'tcp' })).toMatchObject({ health: { kind: 'tcp', port: 6379 }, env: [{ name: 'A', value: '' }] });
		expect(newAppFrom({ ...entered, healthKind: 'none' }).health).toEqual({ kind: 'none' });
		expect(newAppFrom({ ...entered, healthKind: 'tcp' }).health).not.toHaveProperty('path');
		const command = { ...entered, healthKind: 'command' as const, healthCommand: 'redis-cli ping', restartAfter: 3 };
		expect(newAppFrom(command).health).toEqual({ kind: 'command', command: 'redis-cli ping', restartAfter: 3 });
		expect(newAppFrom({ ...command, healthKind: 'none' }).health).toEqual({ kind: 'none' });
		expect(newAppFrom({ ...command, restartAfter: null }).health).not.toHaveProperty('restartAfter');
	});
});
