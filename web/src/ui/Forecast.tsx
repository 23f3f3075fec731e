// What a change would do, before it is done: who goes where and why, who leaves, who would wait and for what (docs/explain.md).
import { useTranslation } from 'react-i18next';
import type { Decision, Forecast } from '../api/types';
import { partsOf, perHost } from '../lib/model';
import { Skeleton } from './Page';
import { problemOf, ProblemText } from './Problems';
import { Grounds, RefusalView } from './Why';

const ROWS_MAX = 50;

function Hosts({ title, hosts, sign }: { title: string; hosts: [string, number][]; sign: '+' | '−' }) {
	return (
		<div className="sot-stack">
			<strong role="status">{title}</strong>
			<span className="sot-legend">{hosts.map(([host, number]) => <span key={host} className="sot-badge sot-num" data-host={host}>{host || '–'}: {sign}{number}</span>)}</span>
		</div>
	);
}

function Placed({ decisions }: { decisions: Decision[] }) {
	const { t } = useTranslation();
	const placed = decisions.flatMap((one) => one.placed);
	const first = decisions[0];
	const row = first?.placed[0];
	return (
		<>
			<Hosts title={t('apps/wouldGo')} hosts={perHost(placed)} sign="+" />
			{typeof first?.candidates === 'number' && typeof first.hosts === 'number' && <span className="sot-muted">{t('create/candidates', { part: first.candidates, total: first.hosts })}</span>}
			<details>
				<summary>{t('create/which', { count: placed.length })}</summary>
				<div className="sot-scroll">
					<table className="sot-runs words">
						<thead><tr><th scope="col">{t('field/name')}</th><th scope="col">{t('field/host')}</th><th scope="col">{t('field/vlan')}</th></tr></thead>
						<tbody>{placed.slice(0, ROWS_MAX).map(([name, host, vlan]) => <tr key={name}><td>{name}</td><td>{host}</td><td>{vlan}</td></tr>)}</tbody>
					</table>
				</div>
			</details>
			{first && row && (
				<details>
					<summary>{t('create/grounds', { name: row[0], host: row[1] })}</summary>
					<div className="sot-gap"><Grounds chosen={partsOf(row)} runnersUp={(first.runnersUp ?? []).map(partsOf)} refused={first.refused ?? []} /></div>
				</details>
			)}
		</>
	);
}

export function ForecastView({ forecast, error, busy }: { forecast: Forecast | undefined; error: Error | null; busy: boolean }) {
	const { t } = useTranslation();
	if (error) {
		return <ProblemText problem={problemOf(error)} />;
	}
	if (!forecast) {
		return <Skeleton rows={2} />;
	}
	const placements = (forecast.placements ?? []).filter((one) => one.placed.length > 0);
	const leaving = forecast.leaving ?? [];
	return (
		<div className="sot-gap" aria-busy={busy} data-forecast={forecast.want}>
			{placements.length > 0 && <Placed decisions={placements} />}
			{leaving.length > 0 && <Hosts title={t('apps/wouldLeave')} hosts={perHost(leaving.map((one) => [one.instance, one.host]))} sign="−" />}
			{forecast.refusal && <RefusalView refusal={forecast.refusal} />}
			{(forecast.addresses ?? []).length > 0 && <span className="sot-muted sot-small">{(forecast.addresses ?? []).map((one) => t('create/addressesLeft', { vlan: one.vlan, count: one.free })).join(' · ')}</span>}
		</div>
	);
}
