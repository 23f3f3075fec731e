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
