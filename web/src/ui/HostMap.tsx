// The picture of all hosts: a square each, by zone and rack, in the colour of what is asked.
import { Segmented } from 'antd';
import { useEffect } from 'react';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router-dom';
import type { List } from '../api/queries';
import type { Host } from '../api/types';
import { apiWord } from '../i18n';
import { type Colouring, FILL_STEPS, fillOf, squareOf, zonesOf } from '../lib/hostMap';
import { useFilters } from '../lib/useFilters';
import { Panel, ReadError, Skeleton } from './Page';

const COLOURINGS: Colouring[] = ['memory', 'cpu', 'disk', 'state'];

function labelOf(host: Host, colouring: Colouring): string {
	const fill = colouring === 'state' ? null : fillOf(host, colouring);
	const words = [host.name, apiWord('state', host.state)];
	if (!host.schedulable) {
		words.push(apiWord('state', 'cordoned'));
	}
	return fill === null ? words.join(', ') : `${words.join(', ')}, ${Math.round(fill)} %`;
}

function Square({ host, colouring }: { host: Host; colouring: Colouring }) {
	const label = labelOf(host, colouring);
	return (
		<Link className={`sot-square ${squareOf(host, colouring)}${host.schedulable ? '' : ' cordoned'}`} to={`/hosts/${host.name}`} title={label} aria-label={label} data-host={host.name} />
	);
}

function Key({ colouring }: { colouring: Colouring }) {
	const { t } = useTranslation();
	if (colouring === 'state') {
		return null;
	}
	const words = [...FILL_STEPS.map((step) => t('capacity/below', { percent: step })), t('capacity/from', { percent: FILL_STEPS[FILL_STEPS.length - 1] })];
	return (
		<div className="sot-legend">
			{words.map((word, at) => (
				<span key={word} className="sot-key">
					<i className={`sot-square fill-${at}`} aria-hidden="true" /> {word}
				</span>
			))}
			<span className="sot-key">
				<i className="sot-square fill-0 cordoned" aria-hidden="true" /> {apiWord('state', 'cordoned')}
			</span>
		</div>
	);
}

/** Reads all pages of the list: a map with holes would be wrong. */
function useWhole(list: List<Host>): boolean {
	const { hasMore, isFetching, loadMore } = list;
	useEffect(() => {
		if (hasMore && !isFetching) {
			loadMore();
		}
	}, [hasMore, isFetching, loadMore]);
	return !hasMore;
}

export function HostMap({ hosts }: { hosts: List<Host> }) {
	const { t } = useTranslation();
	const [get, set] = useFilters();
	const whole = useWhole(hosts);
	const colouring = COLOURINGS.find((one) => one === get('colour')) ?? 'memory';
	const choice = (
		<Segmented size="small" aria-label={t('capacity/colour')} value={colouring} onChange={(value) => set('colour', value === 'memory' ? '' : value)} options={COLOURINGS.map((one) => ({ value: one, label: t(`field/${one}`) }))} />
	);
	return (
		<Panel title={t('capacity/map')} extra={choice}>
			{hosts.error && <ReadError error={hosts.error} updatedAtMs={hosts.updatedAtMs} onRetry={hosts.retry} />}
			{hosts.isLoading && <Skeleton rows={4} />}
			<div className="sot-gap" data-whole={whole ? '' : undefined}>
				<div className="sot-zones">
					{zonesOf(hosts.items).map((zone) => (
						<section key={zone.az} className="sot-zone" aria-label={`${t('field/zone')} ${zone.az}`}>
							<h3>
								{zone.az} <span className="sot-muted sot-num">{t('capacity/hosts', { count: zone.count })}</span>
							</h3>
							{zone.racks.map((rack) => (
								<div key={rack.rack} className="sot-rack">
									<span className="sot-muted">{rack.rack}</span>
									<div>{rack.hosts.map((host) => <Square key={host.id} host={host} colouring={colouring} />)}</div>
								</div>
							))}
						</section>
					))}
				</div>
				<Key colouring={colouring} />
			</div>
		</Panel>
	);
}
