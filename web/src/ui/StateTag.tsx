// A state as shape, colour and word: colour is never the only signal.
import { useTranslation } from 'react-i18next';
import { apiWord } from '../i18n';
import { formatLocal } from '../lib/format';
import { type Tone, shownState, toneOf } from '../lib/model';

/** The hint is the browser's own: a table has a hundred of them, and each one of antd's is a machine. */
export function StateTag({ state, tone, hint }: { state: string; tone?: Tone; hint?: string }) {
	return (
		<span className={`sot-state sot-tone-${tone ?? toneOf(state)}`} data-state={state} title={hint || undefined}>
			<span>{apiWord('state', state || 'unknown')}</span>
		</span>
	);
}

/** Of an instance: unknown and grey while its host is silent, never the colour that it had last. */
export function InstanceState({ instance }: { instance: { state: string; unknownSince: string | null; error?: string } }) {
	const { t } = useTranslation();
	const since = instance.unknownSince;
	return <StateTag state={shownState(instance)} hint={since ? t('instances/unknownSince', { at: formatLocal(since), state: apiWord('state', instance.state) }) : instance.error} />;
}

/** An operation runs: that is work in progress, while a running instance is the good end. */
export function OperationState({ state }: { state: string }) {
	return <StateTag state={state} tone={state === 'running' ? 'busy' : undefined} />;
}
