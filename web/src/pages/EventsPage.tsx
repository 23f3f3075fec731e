// Events as they happen. Pausing keeps what is on the page; nothing is lost meanwhile.
import { PauseCircleOutlined, PlayCircleOutlined } from '@ant-design/icons';
import { Button, Select } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { mergeEvents, useRecentEvents } from '../api/queries';
import type { PlatformEvent } from '../api/types';
import { apiWord } from '../i18n';
import { useFilters } from '../lib/useFilters';
import { EVENT_KINDS } from '../live/events';
import { useLive } from '../live/LiveProvider';
import { EventList } from '../ui/EventList';
import { FilterInput } from '../ui/FilterInput';
import { Empty, PageHead, Panel, ReadError, Skeleton, useTitle } from '../ui/Page';

function matches(event: PlatformEvent, kind: string, word: string): boolean {
	return (!kind || event.kind === kind) && (!word || [event.subject, event.app, event.host, event.actor].some((value) => value.includes(word)));
}

export default function EventsPage() {
	const { t } = useTranslation();
	useTitle(t('events/title'));
	const [get, set] = useFilters();
	const live = useLive();
	const recent = useRecentEvents();
	const [frozen, setFrozen] = useState<PlatformEvent[] | null>(null);
	const all = mergeEvents(live.events, recent.data ?? []);
	const shown = (frozen ?? all).filter((event) => matches(event, get('kind'), get('text')));
	return (
		<>
			<PageHead title={t('events/title')} lead={t('events/lead')}>
				{frozen && <span className="sot-muted">{t('events/paused', { count: all.length - frozen.length })}</span>}
				<Button icon={frozen ? <PlayCircleOutlined /> : <PauseCircleOutlined />} onClick={() => setFrozen(frozen ? null : all)}>
					{frozen ? t('events/resume') : t('events/pause')}
				</Button>
			</PageHead>
			<div className="sot-filters">
				<Select allowClear style={{ width: 210 }} aria-label={t('events/filterKind')} placeholder={t('events/filterKind')} value={get('kind') || undefined} onChange={(kind: string | undefined) => set('kind', kind ?? '')} options={EVENT_KINDS.map((kind) => ({ value: kind, label: apiWord('event', kind) }))} />
				<FilterInput name="text" label={t('events/filterText')} width={240} />
				<span className="sot-total">{t('common/shown', { shown: shown.length, total: all.length })}</span>
			</div>
			{recent.error && <ReadError error={recent.error} onRetry={() => void recent.refetch()} />}
			<Panel flush>{recent.isLoading ? <Skeleton /> : shown.length === 0 ? <Empty title={t('events/empty')} /> : <EventList events={shown} />}</Panel>
		</>
	);
}
