// What goes to CAT: the bridges and how they stand, what each shows where, what was lost; and questions that a bridge answers.
import { Button, Input } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { change } from '../api/client';
import { useMonitoring, useMonitorRequest } from '../api/queries';
import type { Bridge, BridgeStatus, MonitorRequest } from '../api/types';
import { useMay } from '../app/session';
import { cliCommand } from '../lib/cli';
import { formatBytes } from '../lib/format';
import { CopyButton } from '../ui/CopyButton';
import { Empty, Facts, PageHead, Panel, ReadError, Skeleton, useTitle } from '../ui/Page';
import { problemOf, ProblemText } from '../ui/Problems';
import { Time } from '../ui/Time';

const KINDS = ['hosts', 'instances', 'controller'] as const;

function hasTold(status: Bridge['status']): status is BridgeStatus {
	return 'cat' in status;
}

function CatServer({ status }: { status: BridgeStatus }) {
	const { t } = useTranslation();
	if (!status.cat.up) {
		return <span className="sot-badge sot-warned">{t('monitoring/catDown')}</span>;
	}
	return (
		<span>
			{status.cat.server} {status.cat.blocked && <span className="sot-badge sot-warned">{t('monitoring/catBlocked')}</span>}
		</span>
	);
}

function Losses({ lost }: { lost: Record<string, number> }) {
	const { t } = useTranslation();
	const some = Object.entries(lost).filter(([, count]) => count > 0);
	if (some.length === 0) {
		return <p className="sot-muted">{t('monitoring/lostNothing')}</p>;
	}
	return (
		<ul className="sot-ops">
			{some.map(([reason, count]) => (
				<li key={reason} data-lost={reason}>
					<div className="sot-row">
						<span>{t(`monitoring/lost_${reason}`, { defaultValue: reason })}</span>
						<b className="sot-num">{count}</b>
					</div>
				</li>
			))}
		</ul>
	);
}

function Troubles({ trouble }: { trouble: BridgeStatus['trouble'] }) {
	const { t } = useTranslation();
	if (trouble.length === 0) {
		return <p className="sot-muted">{t('monitoring/troubleNone')}</p>;
	}
	return (
		<ul className="sot-ops">
			{trouble.map((one) => (
				<li key={`${one.at} ${one.text}`}>
					<div className="sot-stack">
						<span>{one.text}</span>
						<span className="sot-muted sot-small">
							<Time at={one.at} as="ago" /> {one.times > 1 && `· ${t('monitoring/times', { count: one.times })}`}
						</span>
					</div>
				</li>
			))}
		</ul>
	);
}

function Figures({ bridge, status }: { bridge: Bridge; status: BridgeStatus }) {
	const { t } = useTranslation();
	return (
		<Facts
			items={[
				[t('monitoring/cat'), <CatServer key="cat" status={status} />],
				[t('monitoring/servers'), status.cat.servers.join(', ') || '–'],
				[t('monitoring/router'), status.cat.router === 'none' ? t('monitoring/routerNone') : `CAT ${status.cat.router}`],
				[t('monitoring/machines'), t('monitoring/machinesOf', status.machines)],
				[t('monitoring/sent'), t('monitoring/sentText', { frames: status.cat.framesSent, bytes: formatBytes(status.cat.bytesSent) })],
				[t('monitoring/waiting'), t('monitoring/waitingText', { frames: status.queue.frames, bytes: formatBytes(status.queue.bytes) })],
				[t('monitoring/made'), t('monitoring/madeText', status.made)],
				[t('field/address'), bridge.address],
			]}
		/>
	);
}

function BridgePanel({ bridge }: { bridge: Bridge }) {
	const { t } = useTranslation();
	const { status } = bridge;
	const told = hasTold(status);
	return (
		<Panel
			className="sot-c12"
			title={t('monitoring/bridge', { name: bridge.name })}
			extra={
				<span data-bridge={bridge.name} data-alive={bridge.alive}>
					<span className={bridge.alive ? 'sot-badge' : 'sot-badge sot-warned'}>{bridge.alive ? t('monitoring/alive') : t('monitoring/away')}</span>{' '}
					{bridge.alive && told && status.leads && <span className="sot-badge">{t('monitoring/leads')}</span>}
				</span>
			}
		>
			{!told && <p className="sot-muted">{t('monitoring/silent')}</p>}
			{told && (
				<div className="sot-grid">
					<div className="sot-c12"><Figures bridge={bridge} status={status} /></div>
					<div className="sot-c6"><h3>{t('monitoring/lost')}</h3><Losses lost={status.lost} /></div>
					<div className="sot-c6"><h3>{t('monitoring/trouble')}</h3><Troubles trouble={status.trouble} /></div>
				</div>
			)}
		</Panel>
	);
}

function Goes({ domains }: { domains: BridgeStatus['domains'] }) {
	const { t } = useTranslation();
	return (
		<table className="sot-runs">
			<thead>
				<tr><th scope="col">{t('monitoring/goesMachine')}</th><th scope="col">{t('monitoring/goesWhat')}</th></tr>
			</thead>
			<tbody>
				{KINDS.map((kind) => (
					<tr key={kind}>
						<td><code>{domains[kind]}</code>: {t(`monitoring/${kind}`)}</td>
						<td>{t(`monitoring/${kind}What`)}</td>
					</tr>
				))}
			</tbody>
		</table>
	);
}

function Answer({ request }: { request: MonitorRequest | undefined }) {
	const { t } = useTranslation();
	if (!request?.answer) {
		return <p role="status" className="sot-muted">{t('monitoring/asking')}</p>;
	}
	const { frames = [], error, connected, server } = request.answer;
	const words = { bridge: request.bridge ?? '', server: server ?? '' };
	if (error || frames.length === 0) {
		return <p role="status">{error ?? t('monitoring/answeredNothing')}</p>;
	}
	return (
		<>
			<p role="status">{connected ? t('monitoring/answeredBy', words) : t('monitoring/answeredCut', words)}</p>
			<pre className="sot-log plain short" data-frames={frames.length}>{frames.map((frame) => JSON.stringify(frame, null, 2)).join('\n\n')}</pre>
		</>
	);
}

function Ask() {
	const { t } = useTranslation();
	const [machine, setMachine] = useState('');
	const [id, setId] = useState<string>();
	const [error, setError] = useState<Error | null>(null);
	const request = useMonitorRequest(id);
	const ask = (kind: MonitorRequest['kind'], argument: string): void => {
		setError(null);
		change<{ resourceId: string }>('POST', '/v1/monitor/requests', { kind, argument })
			.then((accepted) => setId(accepted.resourceId))
			.catch((failed: unknown) => setError(failed instanceof Error ? failed : new Error(String(failed))));
	};
	return (
		<div className="sot-stack">
			<form
				className="sot-actions"
				onSubmit={(event) => {
					event.preventDefault();
					ask('trace', machine.trim());
				}}
			>
				<Input aria-label={t('monitoring/machine')} placeholder={t('monitoring/machine')} value={machine} maxLength={64} onChange={(event) => setMachine(event.target.value)} />
				<Button htmlType="submit">{t('monitoring/trace')}</Button>
				<Button onClick={() => ask('test', 'console')}>{t('monitoring/test')}</Button>
			</form>
			{error && <ProblemText problem={problemOf(error)} />}
			{id && <Answer request={request.data} />}
		</div>
	);
}

export default function MonitoringPage() {
	const { t } = useTranslation();
	useTitle(t('nav/monitoring'));
	const mayAsk = useMay('monitor_ask');
	const query = useMonitoring();
	const { data } = query;
	const waiting = data?.events.waiting ?? 0;
	const domains = data?.bridges.map((bridge) => bridge.status).find(hasTold)?.domains;
	return (
		<>
			<PageHead title={t('nav/monitoring')} lead={t('monitoring/lead')}>
				<CopyButton cli size="middle" text={cliCommand('monitor', 'status')} />
			</PageHead>
			{query.error && <ReadError error={query.error} updatedAtMs={query.dataUpdatedAt} onRetry={() => void query.refetch()} />}
			{query.isLoading && <Skeleton />}
			{data && data.bridges.length === 0 && <Empty title={t('monitoring/none')} hint={t('monitoring/noneHint')} />}
			{data && data.bridges.length > 0 && (
				<div className="sot-grid">
					<Panel className="sot-c4" title={t('monitoring/lag')}>
						{waiting === 0 ? <span className="sot-muted">{t('monitoring/noLag')}</span> : <span className="sot-badge sot-warned">{waiting}</span>}{' '}
						{waiting > 0 && data.events.since && <Time at={data.events.since} as="ago" />}
					</Panel>
					{mayAsk && <Panel className="sot-c8" title={t('monitoring/ask')}><Ask /></Panel>}
					{data.bridges.map((bridge) => <BridgePanel key={bridge.name} bridge={bridge} />)}
					{domains && <Panel className="sot-c12" title={t('monitoring/goes')} flush><Goes domains={domains} /></Panel>}
				</div>
			)}
		</>
	);
}
