// A terminal in an instance. It outlives a cut of the connection and a reload of the page; leaving the page ends nothing
// either: the gateway keeps the session for a while.
import '@xterm/xterm/css/xterm.css';
import { FitAddon } from '@xterm/addon-fit';
import { Terminal } from '@xterm/xterm';
import { Alert, Button, Segmented } from 'antd';
import { useEffect, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useParams } from 'react-router-dom';
import { ApiError, execProtocols, getText, path, withQuery } from '../api/client';
import { cliCommand } from '../lib/cli';
import { ExecConnection, type Phase, type Wiring } from '../lib/exec';
import { terminalDocument } from '../lib/terminal-document';
import { CopyButton } from '../ui/CopyButton';
import { PageHead, useTitle } from '../ui/Page';

type Account = 'admin' | 'readonly';
const SIGHUP = 1;

const keyOf = (name: string, account: Account): string => `sot-console ${name} ${account}`;

function makeTerminal(box: HTMLElement): { terminal: Terminal; fit: FitAddon } {
	const terminal = new Terminal({
		documentOverride: terminalDocument(),
		fontFamily: 'ui-monospace, "Cascadia Mono", "DejaVu Sans Mono", Menlo, Consolas, "Noto Sans Mono CJK SC", monospace',
		fontSize: 13,
		scrollback: 5000,
		cursorBlink: false,
		theme: { background: '#101418', foreground: '#d8dee6' },
	});
	const fit = new FitAddon();
	terminal.loadAddon(fit);
	terminal.open(box);
	terminal.attachCustomKeyEventHandler((event) => {
		const isCopy = event.type === 'keydown' && event.ctrlKey && event.shiftKey && event.code === 'KeyC';
		if (isCopy && terminal.hasSelection()) {
			event.preventDefault();
			void navigator.clipboard?.writeText(terminal.getSelection());
		}
		return !isCopy && !(event.ctrlKey && event.shiftKey && event.code === 'KeyV'); // the browser pastes by itself
	});
	return { terminal, fit };
}

function makeWiring(name: string, account: Account, terminal: Terminal): Wiring {
	return {
		open: (url) => new WebSocket(new URL(url, location.href.replace(/^http/, 'ws')), execProtocols()),
		beginUrl: () => withQuery(path('instances', name, 'exec'), { account, terminal: 'true', term: 'xterm-256color', columns: terminal.cols, rows: terminal.rows }),
		attachUrl: (id, after) => withQuery(path('exec', id), { after }),
		// The same request without the upgrade says why; 426: it would do.
		whyNot: (url) =>
			getText(url).then(
				() => null,
				(cause: unknown) => (cause instanceof ApiError && cause.problem.status !== 426 && cause.problem.status !== 0 && cause.problem.status !== 503 ? cause.problem.detail : null),
			),
		later: (fn, ms) => void setTimeout(fn, ms),
		nowMs: () => performance.now(),
	};
}

export default function ConsolePage() {
	const { t } = useTranslation();
	const { name = '' } = useParams();
	useTitle(t('instances/consoleOf', { name }));
	const box = useRef<HTMLDivElement>(null);
	const connection = useRef<ExecConnection | null>(null);
	const [account, setAccount] = useState<Account>('admin');
	const [round, setRound] = useState(0);
	const [phase, setPhase] = useState<Phase>('connecting');
	const [end, setEnd] = useState<string | null>(null);

	useEffect(() => {
		const element = box.current;
		if (!element) {
			return undefined;
		}
		const { terminal, fit } = makeTerminal(element);
		const key = keyOf(name, account);
		fit.fit();
		setEnd(null);
		const current = new ExecConnection(
			makeWiring(name, account, terminal),
			{
				onPhase: setPhase,
				onSession: (id) => sessionStorage.setItem(key, id),
				onOutput: (data, fresh, shown) => {
					if (fresh) {
						terminal.reset();
					}
					terminal.write(data, shown);
				},
				onEnd: (reason, status, text) => {
					sessionStorage.removeItem(key);
					setEnd(reason <= 2 ? t('instances/consoleExited', { status: reason === 2 ? 128 + status : status }) : text);
				},
				onGone: () => {
					sessionStorage.removeItem(key);
					setRound((before) => before + 1); // the one that was kept is over: a new one
				},
			},
			sessionStorage.getItem(key),
		);
		connection.current = current;
		const typed = terminal.onData((data) => current.type(new TextEncoder().encode(data)));
		const pasted = terminal.onBinary((data) => current.type(Uint8Array.from(data, (character) => character.charCodeAt(0))));
		const resized = terminal.onResize(({ cols, rows }) => current.resize(cols, rows));
		const observer = new ResizeObserver(() => fit.fit());
		observer.observe(element);
		terminal.focus();
		return () => {
			observer.disconnect();
			for (const one of [typed, pasted, resized]) {
				one.dispose();
			}
			current.close();
			terminal.dispose();
		};
	}, [name, account, round, t]);

	const words: Record<Phase, string> = { connecting: t('instances/consoleConnecting'), open: t('instances/consoleOpen'), lost: t('instances/consoleLost'), ended: t('instances/consoleEnded') };
	return (
		<>
			<PageHead title={t('instances/consoleOf', { name })}>
				<span className="sot-quiet" data-console={phase} role="status">
					{words[phase]}
				</span>
				<Segmented<Account> aria-label={t('instances/consoleAccount')} value={account} onChange={setAccount} options={['admin', 'readonly']} />
				{phase === 'ended' ? (
					<Button onClick={() => setRound((before) => before + 1)}>{t('instances/consoleAgain')}</Button>
				) : (
					<Button onClick={() => connection.current?.signal(SIGHUP)}>{t('instances/consoleEnd')}</Button>
				)}
				<CopyButton cli text={cliCommand('exec', name)} />
			</PageHead>
			{end !== null && <Alert type="info" showIcon title={end} />}
			<div className="sot-console" ref={box} />
			<p className="sot-quiet">{t('instances/consoleHint')}</p>
		</>
	);
}
