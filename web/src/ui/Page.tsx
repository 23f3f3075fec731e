// The frame of a page and its designed states: loading, empty, error, stale.
import { Button } from 'antd';
import type { ReactNode } from 'react';
import { useEffect } from 'react';
import { useTranslation } from 'react-i18next';
import { formatClock } from '../lib/format';
import { useLive } from '../live/LiveProvider';
import { problemOf, ProblemText } from './Problems';

export function PageHead({ title, lead, children }: { title: ReactNode; lead?: ReactNode; children?: ReactNode }) {
	return (
		<div className="sot-head">
			<div>
				<h1>{title}</h1>
				{lead && <p>{lead}</p>}
			</div>
			{children && <div className="sot-actions">{children}</div>}
		</div>
	);
}

export function useTitle(title: string): void {
	useEffect(() => {
		document.title = `${title} · Sotalia`;
	}, [title]);
}

export function Panel({ title, extra, children, className = '', flush = false, name }: {
	/** What tests and style sheets find it by. */
	name?: string;
	title?: ReactNode;
	extra?: ReactNode;
	children: ReactNode;
	className?: string;
	flush?: boolean;
}) {
	return (
		<section className={`sot-panel ${className}`} data-panel={name}>
			{(title || extra) && (
				<header>
					<h2>{title}</h2>
					{extra}
				</header>
			)}
			{flush ? children : <div className="sot-body">{children}</div>}
		</section>
	);
}

/** A calm river with nothing in it. */
export function Empty({ title, hint, action }: { title: string; hint?: string; action?: ReactNode }) {
	return (
		<div className="sot-empty">
			<svg viewBox="0 0 96 54" aria-hidden="true" fill="none" stroke="currentColor" strokeWidth="2" strokeLinecap="round">
				<path d="M4 38c8-6 14-6 22 0s14 6 22 0 14-6 22 0 14 6 22 0" opacity=".8" />
				<path d="M14 47c6-4 11-4 17 0s11 4 17 0 11-4 17 0 11 4 17 0" opacity=".4" />
				<path d="M34 29c4-9 11-14 19-14 1-4 4-6 7-7-1 3-1 6 1 8 3 3 5 7 5 12" opacity=".6" />
			</svg>
			<strong>{title}</strong>
			{hint && <span>{hint}</span>}
			{action}
		</div>
	);
}

export function Skeleton({ rows = 6 }: { rows?: number }) {
	const { t } = useTranslation();
	return (
		<div className="sot-skeleton" role="status" aria-label={t('common/loading')}>
			{Array.from({ length: rows }, (_, row) => (
				<i key={row} style={{ width: `${96 - ((row * 17) % 38)}%` }} />
			))}
		</div>
	);
}

/** A read that failed. When older data is on the page, it says so instead of taking the data away. */
export function ReadError({ error, updatedAtMs, onRetry }: { error: Error; updatedAtMs?: number; onRetry: () => void }) {
	const { t } = useTranslation();
	return (
		<div className="sot-notice bad" role="alert">
			<div className="sot-stack">
				<span className="sot-muted sot-small">
					{t('problem/loading')}
					{updatedAtMs ? ` ${t('problem/kept', { time: formatClock(new Date(updatedAtMs).toISOString()) })}` : ''}
				</span>
				<ProblemText problem={problemOf(error)} />
			</div>
			<Button size="small" onClick={onRetry}>
				{t('common/retry')}
			</Button>
		</div>
	);
}

/** Shown while the stream is lost: old data must not look new. */
export function StaleNotice({ updatedAtMs }: { updatedAtMs: number }) {
	const { t } = useTranslation();
	const { state } = useLive();
	if (state !== 'reconnecting' || updatedAtMs === 0) {
		return null;
	}
	return (
		<div className="sot-notice warn" role="status">
			<div>{t('live/stale', { time: formatClock(new Date(updatedAtMs).toISOString()) })}</div>
		</div>
	);
}

export function Facts({ items }: { items: [string, ReactNode][] }) {
	return (
		<dl className="sot-facts">
			{items.map(([label, value]) => (
				<div key={label}>
					<dt>{label}</dt>
					<dd>{value}</dd>
				</div>
			))}
		</dl>
	);
}
