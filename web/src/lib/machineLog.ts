// What runs of the playbook told about a machine, as runs and as lines of a log. Pure.
import type { LogLine, MachineLine } from '../api/types';

/** Nobody tells a task for so long within one run. */
const SILENCE_MS = 30 * 60_000;

export interface MachineRun {
	attempt: number;
	first: number;
	last: number;
	begunAt: string;
	tasks: number;
	changed: number;
	failed: number;
}

const isFailed = ({ status }: MachineLine): boolean => status === 'failed' || status === 'unreachable';

/** An installation, another attempt of it, an upgrade long after: each is a run, the newest last. */
export function runsOf(lines: readonly MachineLine[]): MachineRun[] {
	const runs: MachineRun[] = [];
	let before: MachineLine | undefined;
	for (const line of lines) {
		if (!before || line.attempt !== before.attempt || Date.parse(line.at) - Date.parse(before.at) > SILENCE_MS) {
			runs.push({ attempt: line.attempt, first: line.line, last: line.line, begunAt: line.at, tasks: 0, changed: 0, failed: 0 });
		}
		const run = runs[runs.length - 1]!;
		run.last = line.line;
		run.tasks += line.status === 'note' ? 0 : 1;
		run.changed += line.status === 'changed' ? 1 : 0;
		run.failed += isFailed(line) ? 1 : 0;
		before = line;
	}
	return runs;
}

/** `word` says a status in the reader's language. */
export function asLogLine(line: MachineLine, word: (status: string) => string): LogLine {
	return { line: line.line, at: line.at, level: isFailed(line) ? 'error' : 'info', text: `${word(line.status)} · ${line.task}${line.text && `: ${line.text}`}` };
}
