// Images: who answers for each, which version is run, how many instances run another one.
import { type TableColumnsType } from 'antd';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router-dom';
import { useImages } from '../api/queries';
import type { Image } from '../api/types';
import { useFilters } from '../lib/useFilters';
import { DataTable } from '../ui/DataTable';
import { FilterInput } from '../ui/FilterInput';
import { PageHead, useTitle } from '../ui/Page';
import { Time } from '../ui/Time';

export function Count({ value, warns }: { value: number; warns?: boolean }) {
	return warns && value > 0 ? <span className="sot-badge sot-warned sot-num">{value}</span> : <span className="sot-num">{value}</span>;
}

export default function ImagesPage() {
	const { t } = useTranslation();
	useTitle(t('images/title'));
	const [get] = useFilters();
	const images = useImages();
	const rows = images.items.filter((image) => image.name.includes(get('name').toLowerCase()));
	const columns: TableColumnsType<Image> = [
		{ title: t('field/name'), key: 'name', sorter: (a, b) => a.name.localeCompare(b.name), render: (_, row) => <Link className="sot-rowlink" to={`/images/${row.name}`}>{row.name}</Link> },
		{ title: t('images/current'), key: 'version', render: (_, row) => (row.version ? <span className="sot-mono">{row.version}</span> : <span className="sot-muted">{t('images/noCurrent')}</span>) },
		{ title: t('images/candidates'), key: 'candidates', align: 'right', render: (_, row) => <Count value={row.candidates} /> },
		{ title: t('field/instances'), key: 'instances', align: 'right', sorter: (a, b) => a.instances - b.instances, render: (_, row) => <Count value={row.instances} /> },
		{ title: t('images/outdated'), key: 'outdated', align: 'right', sorter: (a, b) => a.outdated - b.outdated, render: (_, row) => <Count value={row.outdated} warns /> },
		{ title: t('images/ownerDev'), key: 'ownerDev', render: (_, row) => row.ownerDev || '–' },
		{ title: t('images/ownerOps'), key: 'ownerOps', render: (_, row) => row.ownerOps || '–' },
		{ title: t('field/updated'), key: 'updated', render: (_, row) => <Time at={row.updatedAt} as="ago" /> },
	];
	return (
		<>
			<PageHead title={t('images/title')} lead={t('images/lead')} />
			<div className="sot-filters">
				<FilterInput name="name" label={t('common/filter')} width={240} />
				<span className="sot-total">{t('common/shown', { shown: rows.length, total: images.total })}</span>
			</div>
			<DataTable list={images} rows={rows} columns={columns} rowKey={(row) => row.name} label={t('images/title')} empty={{ title: t('images/empty'), hint: t('images/emptyHint') }} />
		</>
	);
}
