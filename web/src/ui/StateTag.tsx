// A state as shape, colour and word: colour is never the only signal.
import { Tooltip } from 'antd';
import { apiWord } from '../i18n';
import { type Tone, toneOf } from '../lib/model';

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
