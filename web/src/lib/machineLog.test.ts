import { describe, expect, it } from 'vitest';
import type { MachineLine } from '../api/types';
import { asLogLine, runsOf } from './machineLog';

const line = (number: number, at: string, attempt: number, status: string, task = 'Docker runs', text = ''): MachineLine => ({ line: number, at: `2026-11-30T${at}Z`, attempt, status, task, text });

describe('the log of a machine', () => {
	it('has a run for each attempt, and one for an upgrade long after', () => {
		const runs = runsOf([
			line(1, '08:00:00', 1, 'ok'),
			line(2, '08:10:00', 1, 'failed'),
			line(3, '08:11:00', 2, 'changed'),
			line(4, '08:12:00', 2, 'note'),
			line(5, '09:30:00', 2, 'changed'),
			line(6, '09:31:00', 2, 'unreachable'),
		]);
		expect(runs.map(({ first, last, attempt, tasks, changed, failed }) => [first, last, attempt, tasks, changed, failed])).toEqual([
			[1, 2, 1, 2, 0, 1],
			[3, 4, 2, 1, 1, 0],
			[5, 6, 2, 2, 1, 1],
		]);
		expect(runsOf([])).toEqual([]);
	});
	it('is shown as any other log', () => {
		expect(asLogLine(line(7, '08:00:00', 1, 'failed', 'Docker runs', 'it does not'), (word) => word.toUpperCase())).toEqual({ line: 7, at: '2026-11-30T08:00:00Z', level: 'error', text: 'FAILED · Docker runs: it does not' });
		expect(asLogLine(line(8, '08:00:00', 1, 'ok'), (word) => word).text).toBe('ok · Docker runs');
	});
});
