// The steps of a rollout as people look at it: batches of instances.
import type { OperationStep } from '../api/types';

/** What one instance goes through in one batch. */
export interface BatchUnit {
	key: string;
	subject: string;
	steps: OperationStep[];
	/** The step it is at; of one that is over, the one that says how it ended. */
	current: OperationStep;
	startedAt: string | null;
	finishedAt: string | null;
}

export interface Batch {
	number: number;
	units: BatchUnit[];
	done: number;
}

function currentOf(steps: OperationStep[]): OperationStep {
	return (
		steps.find((step) => step.state === 'failed' || step.state === 'cancelled' || step.state === 'running') ??
		steps.find((step) => step.state === 'queued') ??
		steps[steps.length - 1]!
	);
}

export function batchesOf(steps: OperationStep[]): Batch[] {
	const batches = new Map<number, Map<string, OperationStep[]>>();
	for (const step of [...steps].sort((a, b) => a.ordinal - b.ordinal)) {
		const number = step.batch ?? 0;
		const units = batches.get(number) ?? new Map<string, OperationStep[]>();
		batches.set(number, units);
		units.set(step.subject, [...(units.get(step.subject) ?? []), step]);
	}
	return [...batches].map(([number, units]) => {
		const list = [...units].map(([subject, own]) => {
			const current = currentOf(own);
			const over = own.every((step) => step.finishedAt !== null);
			return { key: `${number}/${subject}`, subject, steps: own, current, startedAt: own[0]!.startedAt, finishedAt: over ? own[own.length - 1]!.finishedAt : null };
		});
		return { number, units: list, done: list.filter((unit) => unit.current.state === 'done').length };
	});
}
