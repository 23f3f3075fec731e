import { describe, expect, it } from 'vitest';
import type { Host } from '../api/types';
import { fillOf, squareOf, zonesOf } from './hostMap';

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
});
