// A plot over time (uPlot, a chunk of its own): lines of one unit, the newest sample in words above it.
import { useEffect, useMemo, useRef } from 'react';
import { useTranslation } from 'react-i18next';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { useAppearance } from '../app/appearance';
import { formatClock } from '../lib/format';
import { columnsOf, type Figures, type Line, span } from '../lib/usage';

export interface PlotProps {
	title: string;
	lines: Line[];
	samples: readonly Figures[];
	/** Grows with each sample: the array is the same object. */
	count: number;
	format: (value: number) => string;
	/** The least top of the scale (a limit); without it, or above it, the largest sample decides. */
	top?: number;
	/** Steps of the scale in powers of two: bytes. */
	binary?: boolean;
}

const HEIGHT_PX = 132;
const BINARY_STEPS = Array.from({ length: 50 }, (_, power) => 2 ** power);
const COLOURS = ['--sot-primary', '--sot-warn', '--sot-busy', '--sot-bad'];

function colourOf(element: Element, index: number): string {
	const value = getComputedStyle(element).getPropertyValue(COLOURS[index % COLOURS.length] ?? '').trim();
	return value || '#0b7a75';
}

export default function Plot({ title, lines, samples, count, format, top, binary = false }: PlotProps) {
	const box = useRef<HTMLDivElement>(null);
	const plot = useRef<uPlot | null>(null);
	const { mode } = useAppearance();
	const { t } = useTranslation();
	const last = samples[count - 1];
	const newest = useMemo(() => lines.map((line) => (last ? line.of(last) : null)), [lines, last]);

	useEffect(() => {
		const element = box.current;
		if (!element) {
			return undefined;
		}
		const styles = getComputedStyle(element);
		const grid = { stroke: styles.getPropertyValue('--sot-line-soft').trim(), width: 1 };
		const axis = { stroke: styles.getPropertyValue('--sot-muted').trim(), grid, ticks: { show: false }, font: '11px sans-serif' };
		const made = new uPlot(
			{
				width: Math.max(element.clientWidth, 120),
				height: HEIGHT_PX,
				legend: { show: false },
				cursor: { y: false },
				scales: { x: { range: (_plot, min, max) => span(min, max, Date.now() / 1000) }, y: { range: (_plot, _min, max) => [0, Math.max(top ?? Number.EPSILON, max > (top ?? 0) ? max * 1.15 : 0)] } },
				axes: [
					{ ...axis, space: 80, size: 24, values: (_plot, splits) => splits.map((second) => formatClock(new Date(second * 1000).toISOString())) },
					{ ...axis, size: 66, space: 34, values: (_plot, splits) => splits.map(format), ...(binary ? { incrs: BINARY_STEPS } : {}) },
				],
				series: [{}, ...lines.map((line, index) => ({ label: line.label, stroke: colourOf(element, index), width: 1.5, points: { show: (plot: uPlot) => plot.data[0].length === 1 } }))],
			},
			columnsOf([], lines) as uPlot.AlignedData,
			element,
		);
		plot.current = made;
		const watch = new ResizeObserver(() => made.setSize({ width: Math.max(element.clientWidth, 120), height: HEIGHT_PX }));
		watch.observe(element);
		return () => {
			watch.disconnect();
			made.destroy();
			plot.current = null;
		};
		// The colours of the theme are read when the plot is made.
	}, [lines, format, top, binary, mode]);

	useEffect(() => {
		plot.current?.setData(columnsOf(samples, lines) as uPlot.AlignedData);
	}, [samples, count, lines, format, top, binary, mode]);

	return (
		<figure className="sot-plot">
			<figcaption>
				<strong>{title}</strong>
				{lines.map((line, index) => (
					<span key={line.label} className={`sot-plot-key k${index}`}>
						{line.label} <b className="sot-num">{typeof newest[index] === 'number' ? format(newest[index]) : '–'}</b>
					</span>
				))}
			</figcaption>
			<div className="sot-plot-box">
				<div ref={box} aria-hidden="true" />
				{count === 0 && <span className="sot-muted sot-small" role="status">{t('load/none')}</span>}
			</div>
		</figure>
	);
}
