// The picture of a subnet: one square for each address, or for a group of neighbours; a key with counts says the same in words.
import { useTranslation } from 'react-i18next';
import { useSubnetMap } from '../api/queries';
import type { MapRun, SubnetMap as SubnetMapData } from '../api/types';
import { apiWord } from '../i18n';
import { addV4, cellSize, cellsOf, type MapCell, totalsOf } from '../lib/subnetMap';
import { Panel, ReadError, Skeleton } from './Page';

const CELLS_MAX = 4096;
const RUNS_SHOWN = 300;
const UNHELD = ['free', 'outside', 'kept', 'barred', 'gateway', 'unknown'];

function columnsOf(cells: number): number {
	return cells > 1024 ? 64 : cells > 64 ? 32 : 16;
}

function labelOf(cell: MapCell, first: string): string {
	const from = addV4(first, cell.offset);
	const to = cell.count > 1 ? ` – ${addV4(first, cell.offset + cell.count - 1)}` : '';
	return `${from}${to}: ${apiWord('state', cell.state)}${cell.count > 1 ? ` (${cell.share} / ${cell.count})` : ''}`;
}

function Picture({ map, label, onAddress }: { map: SubnetMapData; label: string; onAddress: (address: string) => void }) {
	const cells = cellsOf(map.runs, CELLS_MAX);
	const columns = columnsOf(cells.length);
	const first = map.runs[0]?.first ?? '';
	const rows = Math.ceil(cells.length / columns);
	return (
		<svg className="sot-map" role="img" aria-label={label} viewBox={`0 0 ${columns} ${rows}`}>
			{cells.map((cell, at) => {
				const known = cell.count === 1 && !UNHELD.includes(cell.state);
				const open = known ? () => onAddress(addV4(first, cell.offset)) : undefined;
				return (
					<rect key={cell.offset} className={`sot-map-${cell.state}`} x={at % columns} y={Math.floor(at / columns)} width={1} height={1} rx={0.16} data-one={known ? '' : undefined} onClick={open}>
						<title>{labelOf(cell, first)}</title>
					</rect>
				);
			})}
		</svg>
	);
}

function Runs({ runs }: { runs: MapRun[] }) {
	const { t } = useTranslation();
	return (
		<table className="sot-runs">
			<thead>
				<tr>
					<th scope="col">{t('field/range')}</th>
					<th scope="col">{t('field/state')}</th>
					<th scope="col">{t('field/count')}</th>
				</tr>
			</thead>
			<tbody>
				{runs.slice(0, RUNS_SHOWN).map((run) => (
					<tr key={run.first}>
						<td className="sot-mono">{run.first === run.last ? run.first : `${run.first} – ${run.last}`}</td>
						<td>{apiWord('state', run.state)}</td>
						<td>{run.count}</td>
					</tr>
				))}
			</tbody>
		</table>
	);
}

export function SubnetMap({ cidr, vrf, onAddress }: { cidr: string; vrf: string; onAddress: (address: string) => void }) {
	const { t } = useTranslation();
	const { data: map, error, isLoading, refetch } = useSubnetMap(cidr, vrf);
	if (isLoading) {
		return <Skeleton />;
	}
	if (!map) {
		return error ? <ReadError error={error} onRetry={() => void refetch()} /> : null;
	}
	const totals = totalsOf(map.runs);
	const words = totals.map(([state, count]) => `${count} ${apiWord('state', state)}`).join(', ');
	const canDraw = map.subnet.family === 4;
	const perCell = cellSize(totals.reduce((sum, [, count]) => sum + count, 0), CELLS_MAX);
	return (
		<div className="sot-gap" data-map={cidr}>
			{canDraw ? <Picture map={map} label={t('addresses/mapLabel', { cidr, totals: words })} onAddress={onAddress} /> : <p className="sot-muted">{t('addresses/mapWide')}</p>}
			{canDraw && perCell > 1 && <span className="sot-muted sot-small">{t('addresses/mapCell', { count: perCell })}</span>}
			{map.cut && <div className="sot-notice warn" role="status">{t('addresses/mapCut')}</div>}
			<div className="sot-legend">
				{totals.map(([state, count]) => (
					<span key={state} className="sot-key">
						<i className={`sot-map-${state}`} aria-hidden="true" />
						{apiWord('state', state)} <span className="sot-muted sot-num">{count}</span>
					</span>
				))}
			</div>
			{map.ranges.length > 0 && (
				<Panel title={t('addresses/ranges')}>
					{map.ranges.map((range) => (
						<div className="sot-row" key={range.first}>
							<span className="sot-mono">{range.first} – {range.last}</span>
							<span className="sot-badge">{range.kind}</span>
							<span className="sot-muted">{[range.owner, range.reason].filter(Boolean).join(': ')}</span>
						</div>
					))}
				</Panel>
			)}
			<details open={!canDraw}>
				<summary>{t('addresses/mapRuns')}</summary>
				<Runs runs={canDraw ? map.runs : map.runs.filter((run) => !UNHELD.includes(run.state))} />
			</details>
		</div>
	);
}
