// Times in the browser's zone; UTC on hover. "Ago" times move by themselves.
import { useSyncExternalStore } from 'react';
import { useTranslation } from 'react-i18next';
import { formatClock, formatLocal, formatRelative, formatUtc } from '../lib/format';

const TICK_MS = 1_000;
let nowMs = Date.now();
const listeners = new Set<() => void>();
let timer = 0;

function subscribe(listener: () => void): () => void {
	listeners.add(listener);
	if (listeners.size === 1) {
		timer = window.setInterval(() => {
			nowMs = Date.now();
			listeners.forEach((tell) => tell());
		}, TICK_MS);
	}
	return () => {
		listeners.delete(listener);
		if (listeners.size === 0) {
			window.clearInterval(timer);
		}
	};
}

/** The clock of the page: one timer for all. */
export function useNow(): number {
	return useSyncExternalStore(subscribe, () => nowMs);
}

function Ago({ at }: { at: string }) {
	const { i18n } = useTranslation();
	return <>{formatRelative(at, Math.max(useNow(), Date.now() - TICK_MS), i18n.language)}</>;
}

export function Time({ at, as = 'local' }: { at: string | null | undefined; as?: 'local' | 'ago' | 'clock' }) {
	const { t } = useTranslation();
	if (!at) {
		return <span className="sot-muted">{t('common/never')}</span>;
	}
	const text = as === 'ago' ? <Ago at={at} /> : as === 'clock' ? formatClock(at) : formatLocal(at);
	return (
		<time dateTime={at} className="sot-num sot-nowrap" title={as === 'ago' ? `${formatLocal(at)} · ${formatUtc(at)}` : formatUtc(at)}>
			{text}
		</time>
	);
}
