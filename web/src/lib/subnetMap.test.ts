import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { MapRun } from '../api/types';
import { addV4, cellSize, cellsOf, totalsOf, URGENCY } from './subnetMap';

const run = (state: string, count: number): MapRun => ({ first: '', last: '', state, count });

describe('a subnet as a picture', () => {
	it('has a cell for each address as long as there is room', () => {
		const cells = cellsOf([run('outside', 1), run('gateway', 1), run('bound', 2), run('free', 3), run('outside', 1)], 4096);
		expect(cells.map((cell) => cell.state)).toEqual(['outside', 'gateway', 'bound', 'bound', 'free', 'free', 'free', 'outside']);
		expect(cells[4]).toEqual({ offset: 4, count: 1, state: 'free', share: 1 });
	});
	it('covers a whole /16 with cells of one size, and loses no address', () => {
		const cells = cellsOf([run('outside', 1), run('bound', 40_000), run('conflict', 1), run('free', 25_533), run('outside', 1)], 4096);
		expect(cells.length).toBe(4096);
		expect(cells.every((cell) => cell.count === 16)).toBe(true);
		expect(cells.filter((cell) => cell.state === 'conflict').length).toBe(1);
	});
	it('shows the most urgent state of a cell, whichever comes first', () => {
		expect(cellsOf([run('free', 7), run('conflict', 1)], 4).map((cell) => cell.state)).toEqual(['free', 'free', 'free', 'conflict']);
		expect(cellsOf([run('suspect', 1), run('bound', 7)], 1)).toEqual([{ offset: 0, count: 8, state: 'suspect', share: 1 }]);
	});
	it('has cells that begin at round addresses', () => {
		expect(cellSize(256, 4096)).toBe(1);
		expect(cellSize(65_536, 4096)).toBe(16);
		expect(cellSize(65_537, 4096)).toBe(32);
	});
	it('counts by state, the most urgent first', () => {
		expect(totalsOf([run('free', 2), run('bound', 3), run('free', 4), run('conflict', 1)])).toEqual([['conflict', 1], ['bound', 3], ['free', 6]]);
	});
	it('counts addresses across octets', () => {
		expect(addV4('10.66.0.250', 10)).toBe('10.66.1.4');
		expect(addV4('223.255.255.255', 1)).toBe('224.0.0.0');
	});
	it('knows every state that the API describes', () => {
		const described = JSON.parse(readFileSync('../services/api-gateway/openapi.json', 'utf8')).paths['/v1/subnets/{cidr}/map'].get.responses['200'].content['application/json'].schema.properties.runs.items.properties.state.enum as string[];
		expect([...URGENCY].sort()).toEqual([...described].sort());
	});
});
