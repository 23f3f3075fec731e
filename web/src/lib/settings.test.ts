import { describe, expect, it } from 'vitest';
import { enteredFrom, given, options, quotaCommand, quotaFrom, reachOptions, reachWords } from './settings';

describe('settings', () => {
	it('leaves out what was not entered', () => {
		expect(given({ role: 'viewer', team: '', days: 0, app: undefined })).toEqual({ role: 'viewer', days: 0 });
		expect(options({ role: 'viewer', days: 30, user: '', app: undefined })).toEqual(['--role=viewer', '--days=30']);
		expect(reachOptions({ team: 'payments', app: '', environment: 'test' })).toEqual(['--team=payments', '--environment=test']);
	});
	it('says where a role is good', () => {
		expect(reachWords({ team: 'payments', app: '', environment: 'test' })).toBe('payments · test');
		expect(reachWords({ team: '', app: '', environment: '' })).toBe('');
	});
	it('takes a quota to cores and GiB and back without loss', () => {
		const quota = { cpuMilli: 40_500, memoryBytes: 100 * 1024 ** 3, diskBytes: 0, instances: 60 };
		expect(enteredFrom('payments', quota)).toEqual({ name: 'payments', cores: 40.5, memoryGib: 100, diskGib: 0, instances: 60 });
		expect(quotaFrom(enteredFrom('payments', quota))).toEqual(quota);
		expect(quotaFrom({ name: 'x', cores: null, memoryGib: null, diskGib: null, instances: null })).toEqual({ cpuMilli: 0, memoryBytes: 0, diskBytes: 0, instances: 0 });
	});
	it('writes the command of a quota: what is without limit is not named', () => {
		expect(quotaCommand(enteredFrom('payments', { cpuMilli: 40_000, memoryBytes: 100 * 1024 ** 3, diskBytes: 0, instances: 60 }))).toBe('sotalia team set payments --cpu=40 --memory=100G --instances=60');
	});
});
