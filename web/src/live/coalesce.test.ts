import { describe, expect, it } from 'vitest';
import { Coalescer } from './coalesce';

function rig() {
	const state = { now: 0, hidden: false, timer: null as { at: number; run: () => void } | null, flushed: [] as { at: number; keys: string[] }[] };
	const coalescer = new Coalescer(
		{
			now: () => state.now,
			setTimeout: (run, ms) => (state.timer = { at: state.now + ms, run }),
			clearTimeout: () => (state.timer = null),
			isHidden: () => state.hidden,
		},
		(keys) => state.flushed.push({ at: state.now, keys }),
	);
	const passTo = (end: number): void => {
		while (state.timer && state.timer.at <= end) {
			const { at, run } = state.timer;
			state.now = at;
			state.timer = null;
			run();
		}
		state.now = end;
	};
	return { state, coalescer, passTo };
}

describe('Coalescer', () => {
	it('hands over at most four times a second, however many events come', () => {
		const { state, coalescer, passTo } = rig();
		for (let ms = 0; ms < 1000; ms += 1) {
			passTo(ms);
			coalescer.add(['instances', 'apps']);
		}
		passTo(2000);
		expect(state.flushed.length).toBeGreaterThanOrEqual(4);
		expect(state.flushed.length).toBeLessThanOrEqual(5);
		for (let at = 1; at < state.flushed.length; at += 1) {
			expect((state.flushed[at]?.at ?? 0) - (state.flushed[at - 1]?.at ?? 0)).toBeGreaterThanOrEqual(250);
		}
		expect(state.flushed[0]?.keys).toEqual(['instances', 'apps']);
	});
	it('hands the first event over at once', () => {
		const { state, coalescer, passTo } = rig();
		coalescer.add(['hosts']);
		passTo(0);
		expect(state.flushed).toEqual([{ at: 0, keys: ['hosts'] }]);
	});
	it('waits while the tab is hidden and catches up when it is seen', () => {
		const { state, coalescer, passTo } = rig();
		state.hidden = true;
		coalescer.add(['hosts']);
		coalescer.add(['apps']);
		passTo(10_000);
		expect(state.flushed).toEqual([]);
		state.hidden = false;
		coalescer.wake();
		passTo(10_000);
		expect(state.flushed).toEqual([{ at: 10_000, keys: ['hosts', 'apps'] }]);
	});
});
