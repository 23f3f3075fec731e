// Numbers and times as people read them. Pure functions; the language is given by the caller.

const BINARY_UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'] as const;

/** 1536 -> "1.5 KiB". At most three significant digits. */
export function formatBytes(bytes: number): string {
	let value = Math.max(0, bytes);
	let unit = 0;
	while (value >= 1024 && unit < BINARY_UNITS.length - 1) {
		value /= 1024;
		unit += 1;
	}
	const digits = unit === 0 || value >= 100 ? 0 : value >= 10 ? 1 : 2;
	return `${Number(value.toFixed(digits))} ${BINARY_UNITS[unit] ?? 'B'}`;
}

/** 1234567 -> "1,234,567": digits of large numbers in groups, alike in both languages. */
export function formatCount(count: number): string {
	return count.toLocaleString('en-US');
}

/** 1500 -> "1.5": thousandths of a core as cores. */
export function formatCores(cpuMilli: number): string {
	const cores = cpuMilli / 1000;
	return cores >= 1000 ? formatCount(Math.round(cores)) : String(Number(cores.toFixed(cores >= 10 ? 1 : 2)));
}

/** What the platform counts no further than (`text` of GET /v1/instances). */
const COUNTED_MAX = 10_001;

/** 10001 -> "10000+". */
export function formatTotal(total: number): string {
	return total === COUNTED_MAX ? `${COUNTED_MAX - 1}+` : String(total);
}

/** Share of total in percent, 0..; 0 when the total is unknown. */
export function percentOf(part: number, total: number): number {
	return total > 0 ? (part / total) * 100 : 0;
}

/** Milliseconds between two instants; null when either is missing. */
export function elapsedMs(from: string | null | undefined, to: string | null | undefined, nowMs: number): number | null {
	if (!from) {
		return null;
	}
	const start = Date.parse(from);
	const end = to ? Date.parse(to) : nowMs;
	return Number.isNaN(start) || Number.isNaN(end) ? null : Math.max(0, end - start);
}

/** 850 -> "850 ms", 61000 -> "1 m 01 s", 3720000 -> "1 h 02 m". */
export function formatDuration(ms: number | null): string {
	if (ms === null) {
		return '';
	}
	if (ms < 1000) {
		return `${Math.round(ms)} ms`;
	}
	const seconds = ms / 1000;
	if (seconds < 60) {
		return `${Number(seconds.toFixed(seconds < 10 ? 1 : 0))} s`;
	}
	const total = Math.floor(seconds);
	const two = (value: number): string => String(value).padStart(2, '0');
	if (total < 3600) {
		return `${Math.floor(total / 60)} m ${two(total % 60)} s`;
	}
	if (total < 86400) {
		return `${Math.floor(total / 3600)} h ${two(Math.floor((total % 3600) / 60))} m`;
	}
	return `${Math.floor(total / 86400)} d ${two(Math.floor((total % 86400) / 3600))} h`;
}

const RELATIVE_STEPS: [Intl.RelativeTimeFormatUnit, number][] = [
	['day', 86400],
	['hour', 3600],
	['minute', 60],
	['second', 1],
];

/** "3 minutes ago" in the given language; within 5 s it is "now". */
export function formatRelative(at: string, nowMs: number, language: string): string {
	const seconds = Math.round((Date.parse(at) - nowMs) / 1000);
	if (Number.isNaN(seconds)) {
		return at;
	}
	const words = new Intl.RelativeTimeFormat(language, { numeric: 'auto', style: 'short' });
	if (Math.abs(seconds) < 5) {
		return words.format(0, 'second');
	}
	for (const [unit, size] of RELATIVE_STEPS) {
		if (Math.abs(seconds) >= size) {
			return words.format(Math.trunc(seconds / size), unit);
		}
	}
	return words.format(0, 'second');
}

/** "2026-11-22 19:04:31" in the browser's zone (or the zone given, for tests). */
export function formatLocal(at: string, timeZone?: string): string {
	const date = new Date(at);
	return Number.isNaN(date.getTime()) ? at : date.toLocaleString('sv-SE', { timeZone });
}

/** "19:04:31" in the browser's zone. */
export function formatClock(at: string, timeZone?: string): string {
	return formatLocal(at, timeZone).slice(11);
}

/** "2026-11-22 19:04:31.120 UTC". */
export function formatUtc(at: string): string {
	const date = new Date(at);
	return Number.isNaN(date.getTime()) ? at : `${date.toISOString().replace('T', ' ').replace('Z', '')} UTC`;
}

/** First 8 characters of a uuid: enough to tell rows apart by eye. */
export function shortId(id: string): string {
	return id.slice(0, 8);
}
