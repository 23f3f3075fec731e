// A state as shape, colour and word: colour is never the only signal.
import { Tooltip } from 'antd';
import { apiWord } from '../i18n';

export type Tone = 'good' | 'busy' | 'warn' | 'bad' | 'off' | 'unknown';

const TONES: Record<string, Tone> = {
	online: 'good',
	running: 'good',
	healthy: 'good',
	done: 'good',
	bound: 'good',
	ready: 'good',
	requested: 'busy',
	placed: 'busy',
	creating: 'busy',
	starting: 'busy',
	stopping: 'busy',
	retiring: 'busy',
	queued: 'busy',
	reserved: 'busy',
	deleting: 'busy',
	registered: 'off',
	stopped: 'off',
	retired: 'off',
	cancelled: 'off',
	cooling: 'off',
	excluded: 'off',
	static: 'good',
	suspect: 'warn',
	cordoned: 'warn',
	degraded: 'warn',
	unhealthy: 'bad',
	failed: 'bad',
	agent_lost: 'bad',
	docker_sick: 'bad',
	conflict: 'bad',
	down: 'bad',
};

/** Words this console does not know are shown as unknown, grey: never as good. */
export function toneOf(state: string): Tone {
	return TONES[state] ?? 'unknown';
}

export function StateTag({ state, tone, hint }: { state: string; tone?: Tone; hint?: string }) {
	const tag = (
		<span className={`sot-state sot-tone-${tone ?? toneOf(state)}`} data-state={state}>
			<span>{apiWord('state', state || 'unknown')}</span>
		</span>
	);
	return hint ? <Tooltip title={hint}>{tag}</Tooltip> : tag;
}

/** An operation runs: that is work in progress, while a running instance is the good end. */
export function OperationState({ state }: { state: string }) {
	return <StateTag state={state} tone={state === 'running' ? 'busy' : undefined} />;
}
