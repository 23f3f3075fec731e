import { expect, it } from 'vitest';
import type { HostPackage } from '../api/types';
import { packageSums } from './hostPackages';

const one = (sizeBytes: number | null, removableInSeconds: number | null): HostPackage => ({ sha256: '', versions: [], sizeBytes, ageSeconds: 0, needed: removableInSeconds === null, removableInSeconds, instances: [], instancesTotal: 0 });

it('sums what lies there, what goes with the next run and what goes later', () => {
	expect(packageSums([one(100, null), one(30, 0), one(7, 3600), one(null, 0)])).toEqual({ bytes: 137, freed: 30, freedLater: 7 });
	expect(packageSums([])).toEqual({ bytes: 0, freed: 0, freedLater: 0 });
});
