// What is unpacked on a host, summed up.
import type { HostPackage } from '../api/types';

export interface PackageSums {
	bytes: number;
	/** What the next run of clean-up would free. */
	freed: number;
	/** What it would free later, when it stays as it is. */
	freedLater: number;
}

export function packageSums(packages: HostPackage[]): PackageSums {
	const sums = { bytes: 0, freed: 0, freedLater: 0 };
	for (const { sizeBytes, removableInSeconds } of packages) {
		const bytes = sizeBytes ?? 0;
		sums.bytes += bytes;
		sums.freed += removableInSeconds === 0 ? bytes : 0;
		sums.freedLater += (removableInSeconds ?? 0) > 0 ? bytes : 0;
	}
	return sums;
}
