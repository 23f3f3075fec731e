// A wave of a middleware as a person enters it, as the API takes it, and as a command. Pure.
import { cliCommand } from './cli';

export interface EnteredWave {
	version: string;
	/** None: all that the other fields select. */
	apps: string[];
	environment: string;
	team: string;
	having: string;
	/** Apps at a time. */
	parallel: number;
	/** Instances of an app at a time. */
	batch: number;
	failuresMax: number;
}

/** Who selects nothing means all that have the package; they are named, so that none is hit that was not shown. */
export function waveOver(entered: EnteredWave, all: string[]): EnteredWave {
	const isSelected = entered.apps.length > 0 || entered.environment || entered.team || entered.having;
	return isSelected ? entered : { ...entered, apps: all };
}

export function waveBody(entered: EnteredWave): Record<string, unknown> {
	return {
		version: entered.version,
		...(entered.apps.length > 0 ? { apps: entered.apps } : {}),
		...(entered.environment ? { environment: entered.environment } : {}),
		...(entered.team ? { team: entered.team } : {}),
		...(entered.having ? { having: entered.having } : {}),
		parallel: entered.parallel,
		failuresMax: entered.failuresMax,
		strategy: { batch: entered.batch },
	};
}

export function waveCommand(name: string, entered: EnteredWave): string {
	return cliCommand(
		'middleware', 'rollout', name, entered.version,
		...entered.apps.map((app) => `--app=${app}`),
		...(entered.environment ? [`--environment=${entered.environment}`] : []),
		...(entered.team ? [`--team=${entered.team}`] : []),
		...(entered.having ? [`--having=${entered.having}`] : []),
		`--parallel=${entered.parallel}`, `--failures-max=${entered.failuresMax}`, `--batch=${entered.batch}`,
	);
}
