// Hosts as a picture: zones hold racks, racks hold hosts, each host a square in the colour of what is asked. Pure.
import type { Host } from '../api/types';
import { percentOf } from './format';
import { toneOf } from './model';

export type Colouring = 'memory' | 'cpu' | 'disk' | 'state';

export interface RackOfHosts {
	rack: string;
	hosts: Host[];
}

export interface ZoneOfHosts {
	az: string;
	racks: RackOfHosts[];
	count: number;
}

const numerically = new Intl.Collator('en', { numeric: true });

function groupBy(hosts: Host[], of: (host: Host) => string): [string, Host[]][] {
	const groups = new Map<string, Host[]>();
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
export function zonesOf(hosts: Host[]): ZoneOfHosts[] {
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
export function fillOf(host: Host, colouring: Exclude<Colouring, 'state'>): number | null {
	const field = { memory: 'memoryBytes', cpu: 'cpuMilli', disk: 'diskBytes' } as const;
	const total = host.capacity[field[colouring]];
	return total > 0 ? percentOf(host.booked[field[colouring]], total) : null;
}

export const FILL_STEPS = [25, 50, 75, 90] as const;

/** The class of a host's square: "fill-0" (nearly empty) to "fill-4" (nearly full), or the tone of its state. A host that is
 * not well shows its state whatever is asked: an empty host that is lost is not room. */
export function squareOf(host: Host, colouring: Colouring): string {
	if (colouring === 'state' || host.state !== 'online') {
		return `tone-${toneOf(host.state)}`;
	}
	const fill = fillOf(host, colouring);
	return fill === null ? 'tone-unknown' : `fill-${FILL_STEPS.filter((step) => fill >= step).length}`;
}
