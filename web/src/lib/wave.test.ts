import { describe, expect, it } from 'vitest';
import { type EnteredWave, waveBody, waveCommand, waveOver } from './wave';

const entered: EnteredWave = { version: '2.0', apps: [], environment: '', team: '', having: '', parallel: 3, batch: 1, failuresMax: 1 };

describe('a wave of a middleware', () => {
	it('leaves out what selects nothing', () => {
		expect(waveBody(entered)).toEqual({ version: '2.0', parallel: 3, failuresMax: 1, strategy: { batch: 1 } });
	});
	it('names all apps when none is selected', () => {
		expect(waveOver(entered, ['shop', 'pay']).apps).toEqual(['shop', 'pay']);
		expect(waveOver({ ...entered, having: '1.0' }, ['shop', 'pay']).apps).toEqual([]);
	});
	it('says the same to the API and as a command', () => {
		const some = { ...entered, apps: ['shop', 'pay'], environment: 'test', having: '1.0' };
		expect(waveBody(some)).toMatchObject({ apps: ['shop', 'pay'], environment: 'test', having: '1.0' });
		expect(waveCommand('jdk', some)).toBe('sotalia middleware rollout jdk 2.0 --app=shop --app=pay --environment=test --having=1.0 --parallel=3 --failures-max=1 --batch=1');
	});
});
