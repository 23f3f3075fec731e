import { describe, expect, it } from 'vitest';
import { cliCommand } from './cli';
import { elapsedMs, formatBytes, formatCores, formatCount, formatDuration, formatLocal, formatRelative, formatTotal, formatUtc, percentOf } from './format';

const NOW = Date.parse('2026-11-22T12:00:00Z');

describe('formatting', () => {
	it('shows bytes in binary units with three significant digits', () => {
		expect([0, 1023, 1536, 64 * 1024 ** 3, 960 * 1024 ** 3].map(formatBytes)).toEqual(['0 B', '1023 B', '1.5 KiB', '64 GiB', '960 GiB']);
	});
	it('shows thousandths of a core as cores', () => {
		expect([100, 1500, 16000, 251_290_200].map(formatCores)).toEqual(['0.1', '1.5', '16', '251,290']);
		expect([7, 10_002, 1_234_567].map(formatCount)).toEqual(['7', '10,002', '1,234,567']);
	});
	it('gives no share of an unknown total', () => {
		expect(percentOf(5, 0)).toBe(0);
		expect(percentOf(1, 4)).toBe(25);
	});
	it('shows durations from milliseconds to days', () => {
		expect([850, 1500, 61_000, 3_720_000, 90_000_000].map(formatDuration)).toEqual(['850 ms', '1.5 s', '1 m 01 s', '1 h 02 m', '1 d 01 h']);
		expect(formatDuration(null)).toBe('');
	});
	it('measures to the end, or to now while there is no end', () => {
		expect(elapsedMs('2026-11-22T11:59:00Z', null, NOW)).toBe(60_000);
		expect(elapsedMs('2026-11-22T11:59:00Z', '2026-11-22T11:59:05Z', NOW)).toBe(5_000);
		expect(elapsedMs(null, null, NOW)).toBeNull();
	});
	it('says how long ago in both languages', () => {
		expect(formatRelative('2026-11-22T11:57:00Z', NOW, 'en-US')).toBe('3 min. ago');
		expect(formatRelative('2026-11-22T11:57:00Z', NOW, 'zh-CN')).toBe('3分钟前');
		expect(formatRelative('2026-11-22T11:59:58Z', NOW, 'en-US')).toBe('now');
	});
	it('shows the zone of the browser and UTC beside it', () => {
		expect(formatLocal('2026-11-22T12:00:00Z', 'Asia/Shanghai')).toBe('2026-11-22 20:00:00');
		expect(formatUtc('2026-11-22T12:00:00.12Z')).toBe('2026-11-22 12:00:00.120 UTC');
		expect(formatLocal('nonsense')).toBe('nonsense');
	});
	it('quotes what a shell would take apart', () => {
		expect(cliCommand('app', 'scale', 'shop', 6)).toBe('sotalia app scale shop 6');
		expect(cliCommand('package', 'upload', 'shop', '1', "it's; rm.war")).toBe("sotalia package upload shop 1 'it'\\''s; rm.war'");
	});

	it('says of a total that was counted no further that there are more', () => {
		expect([9, 10_000, 10_001, 100_000].map(formatTotal)).toEqual(['9', '10000', '10000+', '100000']);
	});
});
