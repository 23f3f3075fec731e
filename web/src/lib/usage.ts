// What hosts and instances use, as the plots need it: samples in the order of their times, each report once, the oldest
// dropped. Pure.

/** The numbers that GET /v1/instances/{name}/usage and the host of GET /v1/hosts/{name}/usage have. */
export type Figures = Record<string, unknown> & { atUnixMs: number };

export interface Line {
	label: string;
	/** Of one sample, in the unit of the plot; null: the report lacks it. */
	of: (figures: Figures) => number | null;
}

/** One hour of reports each 10 s. */
export const SAMPLES_MAX = 360;

/** True when the sample is new; an answer that repeats or is older than the last one changes nothing. */
export function addSample(samples: Figures[], sample: Figures): boolean {
	const last = samples[samples.length - 1];
	if (last && sample.atUnixMs <= last.atUnixMs) {
		return false;
	}
	samples.push(sample);
	if (samples.length > SAMPLES_MAX) {
		samples.shift();
	}
	return true;
}

/** The member as a number times `scale`. */
export function figure(name: string, scale = 1): Line['of'] {
	return (figures) => {
		const value = figures[name];
		return typeof value === 'number' ? value * scale : null;
	};
}

/** Columns as uPlot takes them: times in seconds, then one column for each line. */
export function columnsOf(samples: readonly Figures[], lines: readonly Line[]): [number[], ...(number | null)[][]] {
	return [samples.map((one) => one.atUnixMs / 1000), ...lines.map((line) => samples.map(line.of))];
}

/** A plot shows two minutes at least: one sample alone is no stretch of time. */
export const SPAN_MIN_S = 120;
/** What the library makes of one sample: a day that begins with it. */
const LONE_SPAN_S = 86_400;

/** From when to when a plot goes, in seconds; null: there is no sample. */
export function span(min: number | null, max: number | null, now: number): [number, number] {
	if (min === null || max === null) {
		return [now - SPAN_MIN_S, now];
	}
	const last = max - min >= LONE_SPAN_S ? min : max;
	return [Math.min(min, last - SPAN_MIN_S), last];
}
