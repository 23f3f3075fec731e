// What the settings pages send and say, without a component: words of the command line, bodies of requests.
import type { Quota, Reach } from '../api/types';
import { cliCommand } from './cli';

export const ROLES = ['viewer', 'developer', 'middleware', 'operator', 'admin'];
const GIB = 1024 ** 3;

/** Options of a command line: those without a value are left out. */
export function options(values: Record<string, string | number | undefined>): string[] {
	return Object.entries(values).flatMap(([name, value]) => (value === undefined || value === '' ? [] : [`--${name}=${value}`]));
}

export function reachOptions(reach: Partial<Reach>): string[] {
	return options({ team: reach.team, app: reach.app, environment: reach.environment });
}

/** Members that are empty are left out of a body. */
export function given<T extends object>(values: T): Partial<T> {
	return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined && value !== null && value !== '')) as Partial<T>;
}

/** "apps of payments, in test": where a role or token is good; nothing: everywhere. */
export function reachWords(reach: Reach): string {
	return [reach.team, reach.app, reach.environment].filter(Boolean).join(' · ');
}

/** A quota as a person enters it: cores and GiB, 0 without limit. */
export interface EnteredQuota {
	name: string;
	cores: number | null;
	memoryGib: number | null;
	diskGib: number | null;
	instances: number | null;
}

export function enteredFrom(name: string, quota: Quota): EnteredQuota {
	return { name, cores: quota.cpuMilli / 1000, memoryGib: quota.memoryBytes / GIB, diskGib: quota.diskBytes / GIB, instances: quota.instances };
}

export function quotaFrom(entered: EnteredQuota): Quota {
	return {
		cpuMilli: Math.round((entered.cores ?? 0) * 1000),
		memoryBytes: Math.round((entered.memoryGib ?? 0) * GIB),
		diskBytes: Math.round((entered.diskGib ?? 0) * GIB),
		instances: entered.instances ?? 0,
	};
}

export function quotaCommand(entered: EnteredQuota): string {
	const size = (gib: number | null): string | undefined => (gib ? `${gib}G` : undefined);
	return cliCommand('team', 'set', entered.name || 'NAME', ...options({ cpu: entered.cores || undefined, memory: size(entered.memoryGib), disk: size(entered.diskGib), instances: entered.instances || undefined }));
}
