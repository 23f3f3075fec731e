// Bars: how full something is, and what it is made of.
import { percentOf } from '../lib/format';

function toneOf(percent: number): string {
	return percent >= 90 ? 'bad' : percent >= 75 ? 'warn' : '';
}

export function Fill({ label, part, total, title }: { label: string; part: number; total: number; title: string }) {
	const percent = percentOf(part, total);
	return (
		<div className="sot-fill" title={title}>
			<b>{label}</b>
			<span className="sot-bar" role="meter" aria-label={label} aria-valuenow={Math.round(percent)} aria-valuemin={0} aria-valuemax={100}>
				<i className={toneOf(percent)} style={{ width: `${Math.min(100, percent)}%` }} />
			</span>
			<em>{total > 0 ? `${Math.round(percent)} %` : '–'}</em>
		</div>
	);
}

export function Meter({ label, text, part, total }: { label: string; text: string; part: number; total: number }) {
	const percent = percentOf(part, total);
	return (
		<div className="sot-meter">
			<div>
				<strong>{label}</strong>
				<span className="sot-muted sot-num">{text}</span>
			</div>
			<span className="sot-bar tall" role="meter" aria-label={label} aria-valuenow={Math.round(percent)} aria-valuemin={0} aria-valuemax={100}>
				<i className={toneOf(percent)} style={{ width: `${Math.min(100, percent)}%` }} />
			</span>
		</div>
	);
}

export interface Share {
	key: string;
	value: number;
	tone: string;
	label: string;
}

export function StackedBar({ shares, total, label }: { shares: Share[]; total: number; label: string }) {
	return (
		<span className="sot-bar tall" role="img" aria-label={label} title={label}>
			{shares.map((share) => (
				<i key={share.key} className={share.tone} style={{ width: `${percentOf(share.value, total)}%` }} />
			))}
		</span>
	);
}
