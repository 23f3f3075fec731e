import { describe, expect, it } from 'vitest';
import type { Host } from '../api/types';
import { fillOf, layOut, neighbourOf, placeAt, SQUARE_PX, squareOf, zonesOf } from './hostMap';

function host(name: string, more: Partial<Host> = {}): Host {
	const size = { cpuMilli: 1000, memoryBytes: 100, diskBytes: 0 };
	return {
		id: name, name, az: 'az1', rack: 'r1', tags: [], state: 'online', schedulable: true, hostname: '', kernel: '', dockerVersion: '',
		agentVersion: '', bootId: '', generation: 1, unknownContainers: 0, windows: [], rackWindows: [], windowOpen: true, capacity: size, booked: { cpuMilli: 500, memoryBytes: 90, diskBytes: 0 },
		instances: 0, createdAt: '', seenAt: null, ...more,
	};
}

describe('the map of hosts', () => {
	it('puts racks and hosts in the order of their numbers, and leaves retired ones out', () => {
		const zones = zonesOf([host('n10', { rack: 'r10' }), host('n2'), host('n11'), host('n1', { az: 'az2' }), host('old', { state: 'retired' })]);
		expect(zones.map((zone) => [zone.az, zone.count])).toEqual([['az1', 3], ['az2', 1]]);
		expect(zones[0]?.racks.map((rack) => [rack.rack, rack.hosts.map((one) => one.name)])).toEqual([['r1', ['n2', 'n11']], ['r10', ['n10']]]);
	});

	it('colours by fill, and a host that is not well by its state', () => {
		expect(fillOf(host('a'), 'memory')).toBe(90);
		expect(squareOf(host('a'), 'memory')).toBe('fill-4');
		expect(squareOf(host('a'), 'cpu')).toBe('fill-2');
		expect(squareOf(host('a'), 'disk')).toBe('tone-unknown');
		expect(squareOf(host('a'), 'state')).toBe('tone-good');
		expect(squareOf(host('a', { state: 'host_lost' }), 'memory')).toBe('tone-bad');
	});

	it('tells hosts with another agent from those that have what most have', () => {
		expect(squareOf(host('a', { agentVersion: '2' }), 'version', '2')).toBe('tone-good');
		expect(squareOf(host('a', { agentVersion: '1' }), 'version', '2')).toBe('tone-warn');
		expect(squareOf(host('a'), 'version', '2')).toBe('tone-unknown');
	});

	it('gives each host a square of its own, found again by its middle and by the arrow keys', () => {
		const [zone] = zonesOf(['r1', 'r2'].flatMap((rack) => Array.from({ length: 7 }, (_, at) => host(`${rack}n${at}`, { rack }))));
		const layout = layOut(zone!, 60 + 24 * 3);
		expect(layout.perRow).toBe(3);
		expect(new Set(layout.places.map(({ x, y }) => `${x},${y}`)).size).toBe(14);
		layout.places.forEach((place, at) => expect(placeAt(layout, place.x + SQUARE_PX / 2, place.y + SQUARE_PX / 2)).toBe(at));
		expect(placeAt(layout, 1, 1)).toBe(-1);
		const named = (at: number): string | undefined => layout.places[at]?.host.name;
		expect(named(neighbourOf(layout, 0, 'ArrowRight'))).toBe('r1n1');
		expect(named(neighbourOf(layout, 1, 'ArrowDown'))).toBe('r1n4');
		expect(named(neighbourOf(layout, 6, 'ArrowDown'))).toBe('r2n0');
		expect(named(neighbourOf(layout, 7, 'ArrowUp'))).toBe('r1n6');
		expect(named(neighbourOf(layout, 0, 'ArrowUp'))).toBe('r1n0');
		expect(layout.height).toBeGreaterThanOrEqual(Math.max(...layout.places.map(({ y }) => y)) + SQUARE_PX);
	});

	it('lays ten thousand hosts out, each once', () => {
		const many = Array.from({ length: 10_000 }, (_, at) => host(`n${at}`, { az: `az${at % 3}`, rack: `r${at % 240}` }));
		const count = zonesOf(many).map((zone) => layOut(zone, 600).places.length).reduce((sum, one) => sum + one, 0);
		expect(count).toBe(10_000);
	});
});
