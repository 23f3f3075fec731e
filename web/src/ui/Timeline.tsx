// What happened to an instance: its own events, newest first, read back through what is kept until there is enough to see.
import { Button } from 'antd';
import { useEffect, useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import { mergeEvents, usePastEvents } from '../api/queries';
import { useLive } from '../live/LiveProvider';
import { EventList } from './EventList';
import { Empty, ReadError, Skeleton } from './Page';

/** The platform takes no more at a time. */
const STRETCH = 500;
/** So many are looked for by themselves, so far back; further back is asked for. */
const ENOUGH = 12;
const STRETCHES = 6;

export function Timeline({ name, app }: { name: string; app: string }) {
	const { t } = useTranslation();
	const live = useLive();
	const past = usePastEvents({ app }, STRETCH);
	const events = useMemo(() => mergeEvents(live.events, past.items).filter((event) => event.subject === name), [live.events, past.items, name]);
	const { hasMore, isFetching, loadMore, pages } = past;
	const wantsMore = hasMore && events.length < ENOUGH && pages < STRETCHES;
	useEffect(() => {
		if (wantsMore && !isFetching) {
			loadMore();
		}
	}, [wantsMore, isFetching, loadMore]);
	if (past.isLoading) {
		return <Skeleton />;
	}
	return (
		<>
			{past.error && <ReadError error={past.error} onRetry={past.retry} />}
			{events.length > 0 ? <EventList events={events} dated about={name} /> : wantsMore ? <Skeleton rows={3} /> : <Empty title={t('instances/quiet')} hint={t('instances/quietHint')} />}
			{hasMore && !wantsMore && (
				<div className="sot-table-foot">
					<Button size="small" onClick={loadMore} loading={isFetching}>{t('instances/furtherBack')}</Button>
				</div>
			)}
		</>
	);
}
