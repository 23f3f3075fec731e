// The picture of all hosts: a square each, by zone and rack, in the colour of what is asked. Drawn on a canvas, so that ten
// thousand are one picture; the square under the pointer or the keyboard is a link of its own, with its words.
import { Segmented } from 'antd';
import { useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router-dom';
import type { List } from '../api/queries';
import { useAppearance } from '../app/appearance';
import { apiWord } from '../i18n';
import { type Colouring, FILL_STEPS, fillOf, type HostOfMap, layOut, neighbourOf, type Place, placeAt, RACK_LABEL_PX, SQUARE_PX, squareOf, type ZoneLayout, type ZoneOfHosts, zonesOf } from '../lib/hostMap';
import { commonVersion } from '../lib/model';
import { useFilters } from '../lib/useFilters';
import { Panel, ReadError, Skeleton } from './Page';

const COLOURINGS: Colouring[] = ['memory', 'cpu', 'disk', 'state', 'version'];
const CLASSES = [...[0, 1, 2, 3, 4].map((step) => `fill-${step}`), ...['good', 'busy', 'warn', 'bad', 'off', 'unknown'].map((tone) => `tone-${tone}`)];

function labelOf(host: HostOfMap, colouring: Colouring): string {
	const words = [host.name, apiWord('state', host.state)];
	if (!host.schedulable) {
		words.push(apiWord('state', 'cordoned'));
	}
	if (colouring === 'version') {
		words.push(host.agentVersion || '–');
	} else if (colouring !== 'state') {
		const fill = fillOf(host, colouring);
		words.push(fill === null ? '–' : `${Math.round(fill)} %`);
	}
	return words.join(', ');
}

/** What the classes of squares look like in these colours: the style sheet says it once, for the canvas too. */
function useColours(): { probe: React.RefObject<HTMLDivElement>; colours: Map<string, string> } {
	const { mode } = useAppearance();
	const probe = useRef<HTMLDivElement>(null);
	const [colours, setColours] = useState(new Map<string, string>());
	useLayoutEffect(() => {
		const read = (): void => {
			const box = probe.current;
			if (!box) {
				return;
			}
			const found = new Map([...box.children].map((child) => [child.getAttribute('data-class') ?? '', getComputedStyle(child).backgroundColor]));
			const own = getComputedStyle(box);
			found.set('text', own.color).set('panel', own.backgroundColor).set('font', own.fontFamily);
			setColours(found);
		};
		read();
		// The attribute on the root changes after this effect: once more, when it has.
		const frame = requestAnimationFrame(read);
		return () => cancelAnimationFrame(frame);
	}, [mode]);
	return { probe, colours };
}

/** Setting a size clears the canvas and gets new memory for it, even when it is the same. */
function setSize(canvas: HTMLCanvasElement, layout: ZoneLayout, scale: number): void {
	const width = Math.ceil(layout.width * scale);
	const height = Math.ceil(layout.height * scale);
	if (canvas.width !== width || canvas.height !== height) {
		canvas.width = width;
		canvas.height = height;
		canvas.style.width = `${layout.width}px`;
		canvas.style.height = `${layout.height}px`;
	}
}

function draw(canvas: HTMLCanvasElement, layout: ZoneLayout, classOf: (host: HostOfMap) => string, colours: Map<string, string>): void {
	const scale = window.devicePixelRatio || 1;
	setSize(canvas, layout, scale);
	const pen = canvas.getContext('2d');
	if (!pen) {
		return;
	}
	pen.setTransform(scale, 0, 0, scale, 0, 0);
	pen.clearRect(0, 0, layout.width, layout.height);
	pen.font = `12px ${colours.get('font') ?? 'sans-serif'}`;
	pen.fillStyle = colours.get('text') ?? '#555';
	pen.textBaseline = 'middle';
	for (const { rack, y } of layout.racks) {
		pen.fillText(rack, 0, y + SQUARE_PX / 2, RACK_LABEL_PX - 8);
	}
	// A colour is a text that is read each time it is set: once for all squares that have it.
	const byClass = new Map<string, Place[]>();
	for (const place of layout.places) {
		const name = classOf(place.host);
		const own = byClass.get(name);
		if (own) {
			own.push(place);
		} else {
			byClass.set(name, [place]);
		}
	}
	for (const [name, places] of byClass) {
		pen.fillStyle = colours.get(name) ?? '#888';
		for (const { x, y } of places) {
			pen.fillRect(x, y, SQUARE_PX, SQUARE_PX);
		}
	}
	pen.strokeStyle = colours.get('panel') ?? '#fff';
	pen.lineWidth = 2;
	pen.beginPath();
	for (const { host, x, y } of layout.places) {
		for (let at = 5; !host.schedulable && at < 2 * SQUARE_PX; at += 7) {
			pen.moveTo(x + Math.max(0, at - SQUARE_PX), y + Math.min(at, SQUARE_PX));
			pen.lineTo(x + Math.min(at, SQUARE_PX), y + Math.max(0, at - SQUARE_PX));
		}
	}
	pen.stroke();
}

function Zone({ zone, width, colouring, common, colours }: { zone: ZoneOfHosts; width: number; colouring: Colouring; common: string; colours: Map<string, string> }) {
	const { t } = useTranslation();
	const canvas = useRef<HTMLCanvasElement>(null);
	const [at, setAt] = useState(0);
	const layout = useMemo(() => layOut(zone, width), [zone, width]);
	const classOf = useCallback((host: HostOfMap) => squareOf(host, colouring, common), [colouring, common]);
	useLayoutEffect(() => {
		if (canvas.current && colours.size > 0) {
			draw(canvas.current, layout, classOf, colours);
		}
	}, [layout, classOf, colours]);
	const place = layout.places[Math.min(at, layout.places.length - 1)];
	const onPointerMove = (event: React.PointerEvent<HTMLDivElement>): void => {
		const box = event.currentTarget.getBoundingClientRect();
		const under = placeAt(layout, event.clientX - box.x, event.clientY - box.y);
		if (under >= 0) {
			setAt(under);
		}
	};
	const onKeyDown = (event: React.KeyboardEvent): void => {
		if (event.key.startsWith('Arrow')) {
			event.preventDefault();
			setAt(neighbourOf(layout, at, event.key));
		}
	};
	return (
		<section className="sot-zone" aria-label={`${t('field/zone')} ${zone.az}`}>
			<h3>
				{zone.az} <span className="sot-muted sot-num">{t('capacity/hosts', { count: zone.count })}</span>
			</h3>
			<div className="sot-canvas" onPointerMove={onPointerMove} onKeyDown={onKeyDown}>
				<canvas ref={canvas} aria-hidden="true" data-drawn={colours.size > 0 ? layout.places.length : 0} data-colouring={colouring} />
				{place && (
					<Link
						className={`sot-square ${classOf(place.host)}${place.host.schedulable ? '' : ' cordoned'}`}
						to={`/hosts/${place.host.name}`}
						title={labelOf(place.host, colouring)}
						aria-label={labelOf(place.host, colouring)}
						aria-live="polite"
						data-host={place.host.name}
						style={{ left: place.x, top: place.y }}
					/>
				)}
			</div>
		</section>
	);
}

function Key({ colouring }: { colouring: Colouring }) {
	const { t } = useTranslation();
	const cordoned = (
		<span className="sot-key">
			<i className="sot-square fill-0 cordoned" aria-hidden="true" /> {apiWord('state', 'cordoned')}
		</span>
	);
	if (colouring === 'state') {
		return null;
	}
	if (colouring === 'version') {
		return (
			<div className="sot-legend">
				<span className="sot-key"><i className="sot-square tone-good" aria-hidden="true" /> {t('capacity/versionCommon')}</span>
				<span className="sot-key"><i className="sot-square tone-warn" aria-hidden="true" /> {t('capacity/versionOther')}</span>
				{cordoned}
			</div>
		);
	}
	const words = [...FILL_STEPS.map((step) => t('capacity/below', { percent: step })), t('capacity/from', { percent: FILL_STEPS[FILL_STEPS.length - 1] })];
	return (
		<div className="sot-legend">
			{words.map((word, at) => (
				<span key={word} className="sot-key">
					<i className={`sot-square fill-${at}`} aria-hidden="true" /> {word}
				</span>
			))}
			{cordoned}
		</div>
	);
}

/** Reads all pages of the list: a map with holes would be wrong. */
function useWhole(list: List<HostOfMap>): boolean {
	const { hasMore, isFetching, loadMore } = list;
	useEffect(() => {
		if (hasMore && !isFetching) {
			loadMore();
		}
	}, [hasMore, isFetching, loadMore]);
	return !hasMore;
}

function useWidth(): { box: React.RefObject<HTMLDivElement>; width: number } {
	const box = useRef<HTMLDivElement>(null);
	const [width, setWidth] = useState(0);
	useLayoutEffect(() => {
		const element = box.current;
		if (!element) {
			return undefined;
		}
		const measure = (): void => setWidth(element.clientWidth);
		measure();
		const observer = new ResizeObserver(measure);
		observer.observe(element);
		return () => observer.disconnect();
	}, []);
	return { box, width };
}

const ZONE_GAP_PX = 22;
const ZONE_MIN_PX = 320;

export function HostMap({ hosts }: { hosts: List<HostOfMap> }) {
	const { t } = useTranslation();
	const [get, set] = useFilters();
	const whole = useWhole(hosts);
	const { box, width } = useWidth();
	const { probe, colours } = useColours();
	const colouring = COLOURINGS.find((one) => one === get('colour')) ?? 'memory';
	const zones = useMemo(() => zonesOf(hosts.items), [hosts.items]);
	const common = useMemo(() => commonVersion(hosts.items.map((host) => host.agentVersion)), [hosts.items]);
	const beside = Math.max(1, Math.min(zones.length, Math.floor((width + ZONE_GAP_PX) / (ZONE_MIN_PX + ZONE_GAP_PX))));
	const choice = (
		<Segmented size="small" aria-label={t('capacity/colour')} value={colouring} onChange={(value) => set('colour', value === 'memory' ? '' : value)} options={COLOURINGS.map((one) => ({ value: one, label: t(`field/${one}`) }))} />
	);
	return (
		<Panel title={t('capacity/map')} extra={choice}>
			{hosts.error && <ReadError error={hosts.error} updatedAtMs={hosts.updatedAtMs} onRetry={hosts.retry} />}
			{hosts.isLoading && <Skeleton rows={4} />}
			<div className="sot-gap" data-whole={whole ? '' : undefined}>
				<div className="sot-probe" ref={probe} aria-hidden="true">
					{CLASSES.map((name) => <i key={name} className={`sot-square ${name}`} data-class={name} />)}
				</div>
				<div className="sot-zones" ref={box}>
					{width > 0 && zones.map((zone) => <Zone key={zone.az} zone={zone} width={(width - ZONE_GAP_PX * (beside - 1)) / beside} colouring={colouring} common={common} colours={colours} />)}
				</div>
				<Key colouring={colouring} />
			</div>
		</Panel>
	);
}
