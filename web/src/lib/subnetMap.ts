// A subnet as a picture: runs of neighbours (GET /v1/subnets/{cidr}/map) to cells of equal size. Pure.
import type { MapRun } from '../api/types';

export interface MapCell {
	/** First address of the cell, as an offset from the subnet's first. */
	offset: number;
	count: number;
	/** What the cell is shown as: the most urgent state in it. */
	state: string;
	/** How many addresses of the cell are in that state. */
	share: number;
}

/** The most urgent first: one conflict among 16 bound addresses must be seen. */
export const URGENCY = ['conflict', 'suspect', 'static', 'bound', 'reserved', 'cooling', 'excluded', 'gateway', 'kept', 'barred', 'free', 'unknown', 'outside'];

function rankOf(state: string): number {
	const rank = URGENCY.indexOf(state);
	return rank < 0 ? URGENCY.length : rank;
}

/** Addresses in one cell: a power of two, so that cells begin at round addresses. */
export function cellSize(total: number, cellsMax: number): number {
	let size = 1;
	while (total / size > cellsMax) {
		size *= 2;
	}
	return size;
}

export function cellsOf(runs: MapRun[], cellsMax: number): MapCell[] {
	const total = runs.reduce((sum, run) => sum + run.count, 0);
	const size = cellSize(total, cellsMax);
	const cells: MapCell[] = [];
	let offset = 0;
	for (const run of runs) {
		for (let left = run.count; left > 0; ) {
			const at = Math.floor(offset / size);
			const part = Math.min(left, (at + 1) * size - offset);
			const cell = (cells[at] ??= { offset: at * size, count: 0, state: run.state, share: 0 });
			cell.count += part;
			if (cell.state === run.state) {
				cell.share += part;
			} else if (rankOf(run.state) < rankOf(cell.state)) {
				cell.state = run.state;
				cell.share = part;
			}
			offset += part;
			left -= part;
		}
	}
	return cells;
}

/** How many addresses are in each state, the most urgent first. */
export function totalsOf(runs: MapRun[]): [string, number][] {
	const totals = new Map<string, number>();
	runs.forEach((run) => totals.set(run.state, (totals.get(run.state) ?? 0) + run.count));
	return [...totals].sort((a, b) => rankOf(a[0]) - rankOf(b[0]));
}

/** "10.66.0.250" + 10 -> "10.66.1.4" */
export function addV4(address: string, count: number): string {
	const number = address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0) + count;
	return [24, 16, 8, 0].map((shift) => Math.floor(number / 2 ** shift) % 256).join('.');
}
