// Hosts as a picture: zones hold racks, racks hold hosts, each host a square in the colour of what is asked. Pure.
import type { Host } from '../api/types';
import { percentOf } from './format';
import { toneOf } from './model';

export type Colouring = 'memory' | 'cpu' | 'disk' | 'state' | 'version';

/** What the map needs of a host: little, because it reads all of them. */
export type HostOfMap = Pick<Host, 'id' | 'name' | 'az' | 'rack' | 'state' | 'schedulable' | 'agentVersion' | 'capacity' | 'booked'>;
export const MAP_FIELDS = 'id,name,az,rack,state,schedulable,agentVersion,capacity,booked';

export interface RackOfHosts {
	rack: string;
	hosts: HostOfMap[];
}

export interface ZoneOfHosts {
	az: string;
	racks: RackOfHosts[];
	count: number;
}

const numerically = new Intl.Collator('en', { numeric: true });

function groupBy(hosts: HostOfMap[], of: (host: HostOfMap) => string): [string, HostOfMap[]][] {
	const groups = new Map<string, HostOfMap[]>();
	for (const host of hosts) {
		const group = groups.get(of(host));
		if (group) {
			group.push(host);
		} else {
			groups.set(of(host), [host]);
		}
	}
	return [...groups].sort(([a], [b]) => numerically.compare(a, b));
}

/** Retired hosts are not in the picture; "r2" stands before "r10". */
export function zonesOf(hosts: HostOfMap[]): ZoneOfHosts[] {
	const present = hosts.filter((host) => host.state !== 'retired');
	return groupBy(present, (host) => host.az).map(([az, inZone]) => ({
		az,
		count: inZone.length,
		racks: groupBy(inZone, (host) => host.rack).map(([rack, inRack]) => ({
			rack,
			hosts: inRack.sort((a, b) => numerically.compare(a.name, b.name)),
		})),
	}));
}

/** How full a host is, in percent of what it has; null while it has not told its size. */
export function fillOf(host: HostOfMap, colouring: Exclude<Colouring, 'state' | 'version'>): number | null {
	const field = { memory: 'memoryBytes', cpu: 'cpuMilli', disk: 'diskBytes' } as const;
	const total = host.capacity[field[colouring]];
	return total > 0 ? percentOf(host.booked[field[colouring]], total) : null;
}

export const FILL_STEPS = [25, 50, 75, 90] as const;

/** The class of a host's square: "fill-0" (nearly empty) to "fill-4" (nearly full), the tone of its state, or whether it has the
 * agent that most have. A host that is not well shows its state whatever is asked: an empty host that is lost is not room. */
export function squareOf(host: HostOfMap, colouring: Colouring, commonVersion = ''): string {
	if (colouring === 'state' || host.state !== 'online') {
		return `tone-${toneOf(host.state)}`;
	}
	if (colouring === 'version') {
		return host.agentVersion === '' ? 'tone-unknown' : host.agentVersion === commonVersion ? 'tone-good' : 'tone-warn';
	}
	const fill = fillOf(host, colouring);
	return fill === null ? 'tone-unknown' : `fill-${FILL_STEPS.filter((step) => fill >= step).length}`;
}

export const SQUARE_PX = 20;
const GAP_PX = 4;
const RACK_GAP_PX = 6;
export const RACK_LABEL_PX = 60;

export interface Place {
	host: HostOfMap;
	x: number;
	y: number;
}

export interface ZoneLayout {
	places: Place[];
	racks: { rack: string; y: number }[];
	perRow: number;
	width: number;
	height: number;
}

/** Where each square of a zone goes: a rack begins a row, and goes on below when the width ends. */
export function layOut(zone: ZoneOfHosts, width: number): ZoneLayout {
	const pitch = SQUARE_PX + GAP_PX;
	const most = Math.max(1, ...zone.racks.map(({ hosts }) => hosts.length));
	const perRow = Math.max(1, Math.min(most, Math.floor((width - RACK_LABEL_PX + GAP_PX) / pitch)));
	const places: Place[] = [];
	const racks: { rack: string; y: number }[] = [];
	let y = 0;
	for (const { rack, hosts } of zone.racks) {
		racks.push({ rack, y });
		hosts.forEach((host, at) => places.push({ host, x: RACK_LABEL_PX + (at % perRow) * pitch, y: y + Math.floor(at / perRow) * pitch }));
		y += Math.ceil(hosts.length / perRow) * pitch + RACK_GAP_PX - GAP_PX;
	}
	return { places, racks, perRow, width: RACK_LABEL_PX + perRow * pitch - GAP_PX, height: Math.max(SQUARE_PX, y - RACK_GAP_PX + GAP_PX) };
}

/** The square under a point, or -1. */
export function placeAt(layout: ZoneLayout, x: number, y: number): number {
	return layout.places.findIndex((place) => x >= place.x && x < place.x + SQUARE_PX && y >= place.y && y < place.y + SQUARE_PX);
}

/** The square that an arrow key leads to: beside, or the nearest one in the row above or below. */
export function neighbourOf(layout: ZoneLayout, at: number, key: string): number {
	const here = layout.places[at];
	if (!here) {
		return 0;
	}
	if (key === 'ArrowLeft' || key === 'ArrowRight') {
		return Math.min(layout.places.length - 1, Math.max(0, at + (key === 'ArrowLeft' ? -1 : 1)));
	}
	const rows = layout.places.map(({ y }) => y).filter((y) => (key === 'ArrowUp' ? y < here.y : y > here.y));
	if (rows.length === 0) {
		return at;
	}
	const row = key === 'ArrowUp' ? Math.max(...rows) : Math.min(...rows);
	let best = at;
	layout.places.forEach((place, index) => {
		const known = layout.places[best];
		if (place.y === row && (best === at || Math.abs(place.x - here.x) < Math.abs((known?.x ?? 0) - here.x))) {
			best = index;
		}
	});
	return best;
}
