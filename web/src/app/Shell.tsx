// The frame of every page: navigation, header, content.
import {
	AppstoreOutlined,
	BlockOutlined,
	BuildOutlined,
	CloudServerOutlined,
	DashboardOutlined,
	HeatMapOutlined,
	HistoryOutlined,
	LineChartOutlined,
	ImportOutlined,
	InboxOutlined,
	NodeIndexOutlined,
	SettingOutlined,
	SyncOutlined,
	ThunderboltOutlined,
} from '@ant-design/icons';
import { type ReactNode, Suspense } from 'react';
import { useTranslation } from 'react-i18next';
import { Link, NavLink, Outlet, useLocation } from 'react-router-dom';
import { useOverview } from '../api/queries';
import mark from '../assets/mark.svg';
import { Skeleton } from '../ui/Page';
import { Keys } from './Keys';
import { Palette } from './Palette';
import { AccountButton, Lamp, LanguageButton, ProblemsButton, ThemeButton } from './Tools';

const PAGES = [
	['overview', '/', <DashboardOutlined key="i" />],
	['apps', '/apps', <AppstoreOutlined key="i" />],
	['packages', '/packages', <InboxOutlined key="i" />],
	['instances', '/instances', <BlockOutlined key="i" />],
	['images', '/images', <BuildOutlined key="i" />],
	['hosts', '/hosts', <CloudServerOutlined key="i" />],
	['machines', '/machines', <ImportOutlined key="i" />],
	['capacity', '/capacity', <HeatMapOutlined key="i" />],
	['operations', '/operations', <SyncOutlined key="i" />],
	['addresses', '/addresses', <NodeIndexOutlined key="i" />],
	['events', '/events', <ThunderboltOutlined key="i" />],
	['history', '/history', <HistoryOutlined key="i" />],
	['monitoring', '/monitoring', <LineChartOutlined key="i" />],
	['settings', '/settings', <SettingOutlined key="i" />],
] as const satisfies readonly (readonly [string, string, ReactNode])[];

function Crumbs() {
	const { t } = useTranslation();
	const [section, ...rest] = useLocation().pathname.split('/').filter(Boolean);
	const page = PAGES.find(([, to]) => to === `/${section ?? ''}`);
	if (!page || rest.length === 0) {
		return <div className="sot-crumbs" />;
	}
	return (
		<nav className="sot-crumbs" aria-label={t('app/title')}>
			<Link to={page[1]}>{t(`nav/${page[0]}`)}</Link> <span aria-hidden="true">/</span> {rest.map(decodeURIComponent).join(' / ')}
		</nav>
	);
}

export function Shell() {
	const { t } = useTranslation();
	const overview = useOverview();
	const open = overview.data?.openOperations ?? 0;
	return (
		<div className="sot-shell">
			<a className="sot-skip" href="#content">
				{t('app/skip')}
			</a>
			<aside className="sot-side">
				<Link className="sot-brand" to="/">
					<img src={mark} alt="" />
					<span className="sot-label">{t('app/title')}</span>
				</Link>
				<nav aria-label={t('app/menu')}>
					<ul className="sot-nav">
						{PAGES.map(([key, to, icon]) => (
							<li key={key}>
								<NavLink to={to} end={to === '/'} title={t(`nav/${key}`)}>
									{icon}
									<span className="sot-label">{t(`nav/${key}`)}</span>
									{key === 'operations' && open > 0 && <span className="sot-count">{open}</span>}
								</NavLink>
							</li>
						))}
					</ul>
				</nav>
			</aside>
			<header className="sot-top">
				<Crumbs />
				<Palette />
				<Keys />
				<Lamp />
				<LanguageButton />
				<ThemeButton />
				<ProblemsButton />
				<AccountButton />
			</header>
			<main className="sot-main" id="content" tabIndex={-1}>
				<div className="sot-page">
					<Suspense fallback={<Skeleton />}>
						<Outlet />
					</Suspense>
				</div>
			</main>
		</div>
	);
}
