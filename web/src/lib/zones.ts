// How full zones are, from the sums of racks that the platform gives. Pure.
import type { Capacity } from '../api/types';
import { percentOf } from './format';

export interface ZoneFill {
	az: string;
	booked: number;
	total: number;
	/** The fullest rack, and how full it is. */
	rack: string;
	rackPercent: number;
}

type Group = Pick<Capacity['groups'][number], 'az' | 'rack'> & { booked: { memoryBytes: number }; total: { memoryBytes: number } };

export function zoneFill(groups: Group[]): ZoneFill[] {
	const zones = new Map<string, Map<string, { booked: number; total: number }>>();
	for (const { az, rack, booked, total } of groups) {
		const racks = zones.get(az) ?? new Map<string, { booked: number; total: number }>();
		zones.set(az, racks);
		const sums = racks.get(rack) ?? { booked: 0, total: 0 };
		racks.set(rack, { booked: sums.booked + booked.memoryBytes, total: sums.total + total.memoryBytes });
	}
	return [...zones].sort(([a], [b]) => a.localeCompare(b)).map(([az, racks]) => {
		const fill = [...racks].map(([rack, sums]) => ({ rack, percent: percentOf(sums.booked, sums.total) })).sort((a, b) => b.percent - a.percent)[0];
		const all = [...racks.values()].reduce((sum, one) => ({ booked: sum.booked + one.booked, total: sum.total + one.total }), { booked: 0, total: 0 });
		return { az, ...all, rack: fill?.rack ?? '', rackPercent: fill?.percent ?? 0 };
	});
}
