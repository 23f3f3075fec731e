// Providers and routes. Each page is its own chunk.
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { App as AntdApp, Button, ConfigProvider } from 'antd';
import enUS from 'antd/locale/en_US';
import zhCN from 'antd/locale/zh_CN';
import { lazy } from 'react';
import { useTranslation } from 'react-i18next';
import { createBrowserRouter, Link, RouterProvider, useRouteError } from 'react-router-dom';
import { ApiError } from '../api/client';
import { LiveProvider } from '../live/LiveProvider';
import { SignInPage } from '../pages/SignInPage';
import { Empty, ReadError, Skeleton } from '../ui/Page';
import { ProblemsProvider } from '../ui/Problems';
import { AppearanceProvider, useAppearance } from './appearance';
import { SessionProvider, useSession } from './session';
import { Shell } from './Shell';
import { themeFor } from './theme';

/** A client error will not heal by asking again; everything else is tried twice more. */
function shouldRetry(failures: number, cause: Error): boolean {
	const status = cause instanceof ApiError ? cause.problem.status : 0;
	return failures < 2 && (status === 0 || status >= 500);
}

const client = new QueryClient({
	defaultOptions: {
		// Events refresh what is shown; a slow beat below them heals whatever an event did not say.
		queries: { retry: shouldRetry, staleTime: 5_000, refetchInterval: 30_000, refetchOnWindowFocus: true },
		mutations: { retry: false },
	},
});

function NotFound() {
	const { t } = useTranslation();
	return <Empty title={t('common/notFound')} action={<Link to="/">{t('common/back')}</Link>} />;
}

function PageCrash() {
	const error = useRouteError();
	return <ReadError error={error instanceof Error ? error : new Error(String(error))} onRetry={() => location.reload()} />;
}

const OverviewPage = lazy(() => import('../pages/OverviewPage'));
const CapacityPage = lazy(() => import('../pages/CapacityPage'));
const HostsPage = lazy(() => import('../pages/HostsPage'));
const MachinesPage = lazy(() => import('../pages/MachinesPage'));
const HostPage = lazy(() => import('../pages/HostPage'));
const AppsPage = lazy(() => import('../pages/AppsPage'));
const AppPage = lazy(() => import('../pages/AppPage'));
const InstancesPage = lazy(() => import('../pages/InstancesPage'));
const InstancePage = lazy(() => import('../pages/InstancePage'));
const ConsolePage = lazy(() => import('../pages/ConsolePage'));
const ImagesPage = lazy(() => import('../pages/ImagesPage'));
const ImagePage = lazy(() => import('../pages/ImagePage'));
const OperationsPage = lazy(() => import('../pages/OperationsPage'));
const OperationPage = lazy(() => import('../pages/OperationPage'));
const AddressesPage = lazy(() => import('../pages/AddressesPage'));
const MonitoringPage = lazy(() => import('../pages/MonitoringPage'));
const PackagesPage = lazy(() => import('../pages/PackagesPage'));
const EventsPage = lazy(() => import('../pages/EventsPage'));
const HistoryPage = lazy(() => import('../pages/HistoryPage'));
const SettingsPage = lazy(() => import('../pages/SettingsPage'));

const router = createBrowserRouter(
	[
		{
			element: <Shell />,
			errorElement: <PageCrash />,
			children: [
				{ index: true, element: <OverviewPage /> },
				{ path: 'capacity', element: <CapacityPage /> },
				{ path: 'hosts', element: <HostsPage /> },
				{ path: 'machines', element: <MachinesPage /> },
				{ path: 'hosts/:name', element: <HostPage /> },
				{ path: 'apps', element: <AppsPage /> },
				{ path: 'apps/:name', element: <AppPage /> },
				{ path: 'instances', element: <InstancesPage /> },
				{ path: 'instances/:name', element: <InstancePage /> },
				{ path: 'instances/:name/console', element: <ConsolePage /> },
				{ path: 'images', element: <ImagesPage /> },
				{ path: 'images/:name', element: <ImagePage /> },
				{ path: 'operations', element: <OperationsPage /> },
				{ path: 'operations/:id', element: <OperationPage /> },
				{ path: 'addresses', element: <AddressesPage /> },
				{ path: 'packages', element: <PackagesPage /> },
				{ path: 'events', element: <EventsPage /> },
				{ path: 'monitoring', element: <MonitoringPage /> },
				{ path: 'history', element: <HistoryPage /> },
				{ path: 'settings', element: <SettingsPage /> },
				{ path: '*', element: <NotFound /> },
			],
		},
	],
	{ future: { v7_relativeSplatPath: true } },
);

function Gate() {
	const { t } = useTranslation();
	const { state, ask, expire } = useSession();
	if (state === 'asking') {
		return <Skeleton />;
	}
	if (state === 'unreachable') {
		return (
			<Empty
				title={t('problem/code_unreachable')}
				action={
					<Button type="primary" onClick={() => void ask()}>
						{t('common/retry')}
					</Button>
				}
			/>
		);
	}
	if (state === 'signedOut') {
		return <SignInPage />;
	}
	return (
		<LiveProvider onSignedOut={expire}>
			<RouterProvider router={router} future={{ v7_startTransition: true }} />
		</LiveProvider>
	);
}

function Themed() {
	const { i18n } = useTranslation();
	const { mode, moves } = useAppearance();
	return (
		<ConfigProvider theme={themeFor(mode, moves)} locale={i18n.language === 'zh-CN' ? zhCN : enUS} wave={{ disabled: true }}>
			<AntdApp style={{ height: '100%' }}>
				<ProblemsProvider>
					<Gate />
				</ProblemsProvider>
			</AntdApp>
		</ConfigProvider>
	);
}

export function App() {
	return (
		<QueryClientProvider client={client}>
			<AppearanceProvider>
				<SessionProvider>
					<Themed />
				</SessionProvider>
			</AppearanceProvider>
		</QueryClientProvider>
	);
}
