// @vitest-environment jsdom
import { act } from 'react';
import { createRoot } from 'react-dom/client';
import { beforeAll, describe, expect, it } from 'vitest';
import type { List } from '../api/queries';
import { startI18n } from '../i18n';
import { DataTable } from './DataTable';

(globalThis as Record<string, unknown>)['IS_REACT_ACT_ENVIRONMENT'] = true;

beforeAll(async () => {
	await startI18n();
	const styleOf = window.getComputedStyle.bind(window);
	window.getComputedStyle = (element) => styleOf(element); // jsdom knows no styles of pseudo elements
	globalThis.ResizeObserver ??= class { observe(): void {} unobserve(): void {} disconnect(): void {} } as never;
	window.matchMedia ??= ((media: string) => ({ matches: false, media, addEventListener: () => undefined, removeEventListener: () => undefined, addListener: () => undefined, removeListener: () => undefined })) as never;
});

interface Row { name: string }
const ROWS: Row[] = Array.from({ length: 20 }, (_, at) => ({ name: `row-${at}` }));
const list = (items: Row[]): List<Row> => ({ items, total: items.length, isLoading: false, isFetching: false, error: null, updatedAtMs: 1, hasMore: false, loadMore: () => undefined, retry: () => undefined });
let cells = 0;
const COLUMNS = [{ title: 'Name', key: 'name', render: (_: unknown, row: Row) => { cells += 1; return row.name; } }];
const nameOf = (row: Row): string => row.name;

describe('a table that is sifted', () => {
	it('keeps its rows, greyed and not drawn again, while nothing fits and the answer is awaited', () => {
		const box = document.body.appendChild(document.createElement('div'));
		const root = createRoot(box);
		const show = (rows: Row[], isAsking: boolean): void => act(() => root.render(<DataTable list={list(ROWS)} rows={rows} columns={COLUMNS} rowKey={nameOf} label="rows" empty={{ title: 'none' }} isAsking={isAsking} />));
		show(ROWS, false);
		expect(box.querySelectorAll('.ant-table-row').length).toBe(20);
		const drawn = cells;
		const table = box.querySelector('.ant-table');
		show([], true);
		expect(box.querySelectorAll('.ant-table-row').length).toBe(20);
		expect(box.querySelector('[data-held="true"][aria-busy="true"]')).not.toBeNull();
		expect(cells).toBe(drawn);
		show([ROWS[3]!], false);
		expect([...box.querySelectorAll('.ant-table-row')].map((row) => row.textContent)).toEqual(['row-3']);
		expect(box.querySelector('[data-held]')).toBeNull();
		expect(box.querySelector('.ant-table')).toBe(table);
		show([], false);
		expect(box.textContent).toContain('none');
		act(() => root.unmount());
		box.remove();
	}, 60_000); // the first drawing of the library's table takes seconds on a loaded machine
});
