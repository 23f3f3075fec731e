import { describe, expect, it } from 'vitest';
import type { OperationStep } from '../api/types';
import { batchesOf, type EnteredRollout, rolloutCommand, strategyOf } from './rollout';

const step = (ordinal: number, subject: string, name: string, state: string, batch: number): OperationStep => ({
	ordinal, subject, name, state, batch, detail: '', startedAt: state === 'queued' ? null : '2026-01-01T00:00:00Z',
	finishedAt: state === 'done' || state === 'failed' ? '2026-01-01T00:00:05Z' : null,
});

describe('the batches of a rollout', () => {
	const steps = [
		step(0, 'shop-01', 'deploy', 'done', 1), step(1, 'shop-01', 'healthy', 'done', 1),
		step(2, 'shop-02', 'deploy', 'done', 2), step(3, 'shop-02', 'healthy', 'running', 2),
		step(4, 'shop-03', 'deploy', 'failed', 2), step(5, 'shop-03', 'healthy', 'queued', 2),
		step(6, 'shop-01', 'roll_back', 'queued', 3), step(7, 'shop-01', 'healthy', 'queued', 3),
	];
	it('groups by batch and instance, an instance once in each batch', () => {
		expect(batchesOf(steps).map((b) => [b.number, b.done, b.units.map((u) => u.subject)])).toEqual([
			[1, 1, ['shop-01']], [2, 0, ['shop-02', 'shop-03']], [3, 0, ['shop-01']],
		]);
	});
	it('says what each instance is at', () => {
		expect(batchesOf(steps)[1]!.units.map((u) => `${u.current.name} ${u.current.state}`)).toEqual(['healthy running', 'deploy failed']);
		expect(batchesOf(steps)[0]!.units[0]!.finishedAt).not.toBeNull();
		expect(batchesOf(steps)[1]!.units[0]!.finishedAt).toBeNull();
	});
});

describe('a rollout as a person enters it', () => {
	const plain: EnteredRollout = { batch: 1, canary: 0, bakeSeconds: 0, pause: 'never', onFailure: 'roll_back' };
	it('leaves out what is as it is by default', () => {
		expect(strategyOf(plain)).toEqual({ batch: 1, onFailure: 'roll_back' });
	});
	it('says the same to the API and as a command', () => {
		const full: EnteredRollout = { batch: 4, canary: 1, bakeSeconds: 60, pause: 'canary', onFailure: 'stop' };
		expect(strategyOf(full)).toEqual({ batch: 4, canary: 1, bakeSeconds: 60, pause: 'canary', onFailure: 'stop' });
		expect(rolloutCommand('shop', '2.0', full)).toBe('sotalia app deploy shop 2.0 --batch=4 --canary=1 --bake-seconds=60 --pause=canary --on-failure=stop');
	});
});
