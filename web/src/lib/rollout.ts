// The steps of a rollout as people look at it: batches of instances.
import type { OperationStep } from '../api/types';
import { cliCommand } from './cli';

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

/** What a person says in the dialog of a deployment. */
export interface EnteredRollout {
	batch: number;
	canary: number;
	bakeSeconds: number;
	pause: 'never' | 'canary' | 'batch';
	onFailure: 'roll_back' | 'stop';
}

/** The strategy of the API: what is left as it is by default is left out. */
export function strategyOf(entered: EnteredRollout): Record<string, unknown> {
	return {
		batch: entered.batch,
		...(entered.canary > 0 ? { canary: entered.canary } : {}),
		...(entered.bakeSeconds > 0 ? { bakeSeconds: entered.bakeSeconds } : {}),
		...(entered.pause === 'never' ? {} : { pause: entered.pause }),
		onFailure: entered.onFailure,
	};
}

export function rolloutFlags(entered: EnteredRollout): string[] {
	return [
		`--batch=${entered.batch}`,
		...(entered.canary > 0 ? [`--canary=${entered.canary}`] : []),
		...(entered.bakeSeconds > 0 ? [`--bake-seconds=${entered.bakeSeconds}`] : []),
		...(entered.pause === 'never' ? [] : [`--pause=${entered.pause}`]),
		`--on-failure=${entered.onFailure}`,
	];
}

export function rolloutCommand(app: string, version: string, entered: EnteredRollout): string {
	return cliCommand('app', 'deploy', app, version, ...rolloutFlags(entered));
}
