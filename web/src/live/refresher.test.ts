import { describe, expect, it } from 'vitest';
import { Refresher } from './refresher';

/** Reads that end when the test says so, on a clock that the test turns. */
function rig() {
	const state = { now: 0, timers: [] as { at: number; run: () => void }[], reads: [] as { topic: string; end: () => void }[] };
	const refresher = new Refresher({
		now: () => state.now,
		setTimeout: (run, ms) => {
			const timer = { at: state.now + ms, run };
			state.timers.push(timer);
			return timer;
		},
		clearTimeout: (timer) => void (state.timers = state.timers.filter((one) => one !== timer)),
		read: (topic) => new Promise<void>((end) => state.reads.push({ topic, end })),
	});
	const settle = async (): Promise<void> => {
		for (let turn = 0; turn < 5; turn += 1) {
			await Promise.resolve();
		}
	};
	const endRead = async (at: number, ms: number): Promise<void> => {
		state.now += ms;
		state.reads[at]?.end();
		await settle();
	};
	const pass = async (ms: number): Promise<void> => {
		state.now += ms;
		const due = state.timers.filter((timer) => timer.at <= state.now);
		state.timers = state.timers.filter((timer) => timer.at > state.now);
		due.forEach((timer) => timer.run());
		await settle();
	};
	return { state, refresher, endRead, pass };
}

describe('Refresher', () => {
	it('lets a read come to its end and reads once more for all that came meanwhile', async () => {
		const { state, refresher, endRead, pass } = rig();
		refresher.refresh(['hosts']);
		for (let event = 0; event < 50; event += 1) {
			refresher.refresh(['hosts']);
		}
		expect(state.reads.length).toBe(1);
		await endRead(0, 100);
		await pass(300);
		expect(state.reads.length).toBe(2);
		await endRead(1, 100);
		await pass(60_000);
		expect(state.reads.length).toBe(2);
	});
	it('rests three times as long as the read took, and no longer than a quarter of a minute', async () => {
		const { state, refresher, endRead, pass } = rig();
		refresher.refresh(['instances']);
		await endRead(0, 2_000);
		refresher.refresh(['instances']);
		await pass(5_999);
		expect(state.reads.length).toBe(1);
		await pass(1);
		expect(state.reads.length).toBe(2);
		await endRead(1, 60_000);
		refresher.refresh(['instances']);
		await pass(15_000);
		expect(state.reads.length).toBe(3);
	});
	it('does not let one topic wait for another', () => {
		const { state, refresher } = rig();
		refresher.refresh(['hosts']);
		refresher.refresh(['apps']);
		expect(state.reads.map(({ topic }) => topic)).toEqual(['hosts', 'apps']);
	});
	it('reads nothing more once it is stopped', async () => {
		const { state, refresher, endRead, pass } = rig();
		refresher.refresh(['hosts']);
		refresher.refresh(['hosts']);
		refresher.stop();
		await endRead(0, 100);
		await pass(60_000);
		expect(state.reads.length).toBe(1);
	});
});
