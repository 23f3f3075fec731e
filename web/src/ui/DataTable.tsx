// The one table: compact, with the designed loading, empty, error and stale states and "load more" for long lists.
import { Button, Table, type TableColumnsType } from 'antd';
import { type ReactNode, useEffect, useRef } from 'react';
import { useTranslation } from 'react-i18next';
import type { List } from '../api/queries';
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
}

export function DataTable<T extends object>({ list, columns, rowKey, empty, label, rows, title, extra }: Props<T>) {
	const { t } = useTranslation();
	const shown = rows ?? list.items;
	const box = useRef<HTMLElement>(null);
	// A table that is wider than its panel is moved by the arrow keys, so it can be reached by the keyboard.
	useEffect(() => {
		box.current?.querySelectorAll('.ant-table-content').forEach((content) => content.setAttribute('tabindex', '0'));
	}, [shown.length]);
	return (
		<>
			{list.error && (
				<ReadError error={list.error} updatedAtMs={list.items.length > 0 ? list.updatedAtMs : 0} onRetry={list.retry} />
			)}
			<StaleNotice updatedAtMs={list.updatedAtMs} />
			<section ref={box} className="sot-panel" aria-label={label} aria-busy={list.isFetching}>
				{(title || extra) && (
					<header>
						<h2>{title}</h2>
						{extra}
					</header>
				)}
				{list.isLoading ? (
					<Skeleton />
				) : shown.length === 0 ? (
					!list.error && <Empty {...empty} />
				) : (
					<Table<T>
						size="small"
						columns={columns}
						dataSource={shown}
						rowKey={rowKey}
						pagination={false}
						scroll={{ x: 'max-content' }}
						showSorterTooltip={false}
					/>
				)}
				{list.hasMore && (
					<div className="sot-table-foot">
						<Button size="small" onClick={list.loadMore} loading={list.isFetching}>
							{t('common/loadMore')} ({t('common/shown', { shown: list.items.length, total: list.total })})
						</Button>
					</div>
				)}
			</section>
		</>
	);
}
