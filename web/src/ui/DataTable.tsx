// The one table: compact, with the designed loading, empty, error and stale states. Long lists draw only the rows that are
// seen and read on by themselves as their end comes near.
import { Button, Table, type TableColumnsType } from 'antd';
import { memo, type ReactNode, useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { List } from '../api/queries';
import { formatTotal } from '../lib/format';
import { Empty, ReadError, Skeleton, StaleNotice } from './Page';

interface Props<T extends object> {
	list: List<T>;
	columns: TableColumnsType<T>;
	rowKey: (row: T) => string;
	empty: { title: string; hint?: string; action?: ReactNode };
	label: string;
	/** Rows to show, when the page filters what was read. */
	rows?: T[];
	title?: ReactNode;
	extra?: ReactNode;
	/** The word that the rows are sifted by has not been asked for yet: that none fits is not said before the answer. */
	isAsking?: boolean;
}

/** Shorter lists are drawn whole, as a plain table whose columns are as wide as they need. */
const WINDOW_FROM_ROWS = 80;
const COLUMN_PX = 118;
/** Below the rows: the line that says how many there are. */
const FOOT_PX = 64;
const HEIGHT_MIN_PX = 360;
/** So many screens before the end of what was read, the next page is asked for. */
const READ_AHEAD_SCREENS = 2;

/** Width and height that a table has which scrolls inside its panel. */
function useRoom(box: React.RefObject<HTMLElement>, windowed: boolean): { width: number; height: number } {
	const [room, setRoom] = useState({ width: 1100, height: 560 });
	useLayoutEffect(() => {
		const element = box.current;
		if (!element || !windowed) {
			return undefined;
		}
		const measure = (): void => {
			const top = element.getBoundingClientRect().top + (element.closest('.sot-main')?.scrollTop ?? 0);
			const width = element.clientWidth;
			const height = Math.max(HEIGHT_MIN_PX, window.innerHeight - Math.min(top, window.innerHeight / 2) - FOOT_PX - 40);
			setRoom((was) => (was.width === width && was.height === height ? was : { width, height }));
		};
		measure();
		const observer = new ResizeObserver(measure);
		observer.observe(element);
		window.addEventListener('resize', measure);
		return () => {
			observer.disconnect();
			window.removeEventListener('resize', measure);
		};
	}, [box, windowed]);
	return room;
}

/** The window is moved by the keys that move any page: its own scroll box hides its overflow, so the browser does not do it. */
function moveByKey(event: React.KeyboardEvent<HTMLElement>): void {
	const holder = event.target instanceof HTMLElement && event.target.matches('.ant-table-tbody-virtual-holder') ? event.target : null;
	const step = holder && { ArrowDown: 40, ArrowUp: -40, PageDown: holder.clientHeight, PageUp: -holder.clientHeight, Home: -holder.scrollHeight, End: holder.scrollHeight }[event.key];
	if (holder && step) {
		event.preventDefault();
		holder.scrollTop += step;
	}
}

/** Reads on when the reader comes near the end of what is there. */
function useReadAhead<T>(list: List<T>): (event: React.UIEvent<HTMLElement>) => void {
	const now = useRef(list);
	now.current = list;
	return useCallback((event) => {
		const { hasMore, isFetching, loadMore } = now.current;
		const { scrollTop, scrollHeight, clientHeight } = event.currentTarget;
		if (hasMore && !isFetching && scrollHeight - scrollTop < clientHeight * (1 + READ_AHEAD_SCREENS)) {
			loadMore();
		}
	}, []);
}

interface RowsProps<T extends object> extends Pick<Props<T>, 'columns' | 'rowKey' | 'label'> {
	shown: T[];
	box: React.RefObject<HTMLElement>;
	onScroll: (event: React.UIEvent<HTMLElement>) => void;
}

function AllRows<T extends object>({ columns, rowKey, shown, box, label, onScroll }: RowsProps<T>) {
	// Once a window, always one: to sift a long list down to a line does not make another table.
	const wasWindowed = useRef(false);
	const windowed = wasWindowed.current || shown.length > WINDOW_FROM_ROWS;
	wasWindowed.current = windowed;
	const room = useRoom(box, windowed);
	// A table that is wider than its panel is moved by the arrow keys, so it can be reached by the keyboard.
	useEffect(() => {
		box.current?.querySelectorAll('.ant-table-content, .ant-table-tbody-virtual-holder').forEach((content) => {
			content.setAttribute('tabindex', '0');
			content.setAttribute('role', 'group');
			content.setAttribute('aria-label', label);
		});
	}, [box, windowed, label, shown.length === 0]);
	const scroll = useMemo(
		() => (windowed ? { x: Math.max(room.width, columns.length * COLUMN_PX), y: room.height } : { x: 'max-content' as const }),
		[windowed, room, columns.length],
	);
	return (
		<Table<T>
			size="small"
			columns={columns}
			dataSource={shown}
			rowKey={rowKey}
			pagination={false}
			virtual={windowed}
			scroll={scroll}
			onScroll={windowed ? onScroll : undefined}
			showSorterTooltip={false}
		/>
	);
}

/** Drawn again only when rows or columns are others: a page that keeps both pays nothing for a letter that is typed above it. */
const Rows = memo(AllRows) as typeof AllRows;

/** While the answer for a word is awaited and nothing on the page fits it, what was there stays, greyed: the table is not taken down for an instant. */
function useHeld<T>(shown: T[], isAsking: boolean): { rows: T[]; isHeld: boolean } {
	const held = useRef(shown);
	const isHeld = shown.length === 0 && isAsking && held.current.length > 0;
	useEffect(() => {
		if (!isHeld) {
			held.current = shown;
		}
	}, [shown, isHeld]);
	return { rows: isHeld ? held.current : shown, isHeld };
}

export function DataTable<T extends object>({ list, columns, rowKey, empty, label, rows, title, extra, isAsking = false }: Props<T>) {
	const { t } = useTranslation();
	const { rows: shown, isHeld } = useHeld(rows ?? list.items, isAsking);
	const onScroll = useReadAhead(list);
	const box = useRef<HTMLElement>(null);
	return (
		<>
			{list.error && (
				<ReadError error={list.error} updatedAtMs={list.items.length > 0 ? list.updatedAtMs : 0} onRetry={list.retry} />
			)}
			<StaleNotice updatedAtMs={list.updatedAtMs} />
			<section ref={box} className="sot-panel" aria-label={label} aria-busy={list.isFetching || isAsking} data-held={isHeld || undefined} onKeyDown={moveByKey}>
				{(title || extra) && (
					<header>
						<h2>{title}</h2>
						{extra}
					</header>
				)}
				{list.isLoading || (shown.length === 0 && isAsking) ? (
					<Skeleton />
				) : shown.length === 0 ? (
					!list.error && <Empty {...empty} />
				) : (
					<Rows columns={columns} rowKey={rowKey} shown={shown} box={box} label={label} onScroll={onScroll} />
				)}
				{list.hasMore && (
					<div className="sot-table-foot">
						<Button size="small" onClick={list.loadMore} loading={list.isFetching}>
							{t('common/loadMore')} ({t('common/shown', { shown: list.items.length, total: formatTotal(list.total) })})
						</Button>
					</div>
				)}
			</section>
		</>
	);
}
