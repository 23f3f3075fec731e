import { describe, expect, it } from 'vitest';
import type { PlatformEvent } from '../api/types';
import { type Asked, detailWords, fits, type Moment, momentOfEvent, targetLink, timeLine } from './history';

const none: Asked = { text: '', who: '', what: '', about: '', from: '', until: '' };
const moment = (at: string, more: Partial<Moment> = {}): Moment => ({ key: `${more.source ?? 'event'}${at}`, source: 'event', at, who: 'user:li', what: 'app.scale', target: 'shop', link: null, outcome: 'done', detail: '', operation: '', from: '10.0.0.7', ...more });

describe('the time line', () => {
	it('puts all lists into one order, the newest first', () => {
		const line = timeLine([{ moments: [moment('2026-11-29T09:00:03Z'), moment('2026-11-29T09:00:01Z')], hasMore: false }, { moments: [moment('2026-11-29T09:00:02Z', { source: 'audit' })], hasMore: false }], none);
		expect(line.shown.map(({ at }) => at.slice(-3, -1))).toEqual(['03', '02', '01']);
		expect(line.readTo).toBe('');
	});
	it('ends where a list that was read in part ends', () => {
		const line = timeLine([{ moments: [moment('2026-11-29T09:00:09Z'), moment('2026-11-29T09:00:05Z')], hasMore: true }, { moments: [moment('2026-11-29T09:00:06Z', { source: 'audit' }), moment('2026-11-29T09:00:02Z', { source: 'audit' })], hasMore: false }], none);
		expect(line.readTo).toBe('2026-11-29T09:00:05Z');
		expect(line.shown).toHaveLength(3);
	});
	it('sifts by who, what, about, time and words', () => {
		const one = moment('2026-11-29T09:00:00Z');
		for (const asked of [{ who: 'li' }, { who: 'user:li' }, { what: 'app' }, { what: 'app.scale' }, { about: 'shop' }, { from: '2026-11-29T09:00:00Z' }, { until: '2026-11-29T09:00:01Z' }, { text: 'SCALE 10.0.0' }]) {
			expect(fits(one, { ...none, ...asked }), JSON.stringify(asked)).toBe(true);
		}
		for (const asked of [{ who: 'l' }, { what: 'ap' }, { about: 'sho' }, { from: '2026-11-29T09:00:01Z' }, { until: '2026-11-29T09:00:00Z' }, { text: 'scale ada' }]) {
			expect(fits(one, { ...none, ...asked }), JSON.stringify(asked)).toBe(false);
		}
	});
	it('says what an event led to, of state or of health', () => {
		const event = (changed: object): PlatformEvent => ({ stream: 's', number: 1, kind: 'instance.health', subject: 'shop-01', app: 'shop', host: 'h1', actor: 'host:h1', operationId: '', at: '2026-11-29T09:00:00Z', data: { changed } });
		expect(momentOfEvent(event({ health: ['healthy', 'unhealthy'] })).outcome).toBe('unhealthy');
		expect(momentOfEvent(event({ state: ['starting', 'running'] })).outcome).toBe('running');
		expect(momentOfEvent(event({ version: ['1', '2'] })).outcome).toBe('');
	});
	it('links to the page of what it was about, when there is one', () => {
		expect(targetLink('app.scale', 'shop')).toBe('/apps/shop');
		expect(targetLink('host.drain', 'h1')).toBe('/hosts/h1');
		expect(targetLink('token.create', 'x')).toBe(null);
		expect(targetLink('version.upload', 'shop/1.0')).toBe(null);
	});
	it('says what an audit row holds in words, whatever it holds', () => {
		expect(detailWords({})).toBe('');
		expect(detailWords({ why: 'full', count: 3, was: { open: true } })).toBe('why: full; count: 3; was: {"open":true}');
	});
});
