// What an instance wrote: the last lines or all of them, followed, searched, kept as a file; a line can be sent to a colleague.
import { Button, Input, Select, Switch } from 'antd';
import { startTransition, useEffect, useMemo, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { getText, path, withQuery } from '../api/client';
import { cliCommand } from '../lib/cli';
import { formatClock, formatUtc } from '../lib/format';
import { placesWith, saveText, timedLines, type TimedLine } from '../lib/logText';
import { useFilters } from '../lib/useFilters';
import { CopyButton } from './CopyButton';
import { LogLines } from './LogLines';
import { Marked } from './LogView';
import { ReadError, Skeleton } from './Page';

const FOLLOW_MS = 1_000;
/** The oldest are dropped from the page beyond these; the file of a whole log is got with the command. */
const HELD_MAX = 200_000;
const BEGINNING = '1970-01-01T00:00:00Z';
/** Before a line that an address names, so much is read, too. */
const BEFORE_MS = 60_000;
const ALL = 0;

/** What a tab of a log begins with. */
const FIRST_TAIL = 200;
const EARLY_MS = 2_000;

let early: { url: string; at: number; text: Promise<string> } | null = null;

/** Asked with the click that opens a log: the answer is on its way while the log is drawn. */
export function askEarly(name: string): void {
	const url = withQuery(path('instances', name, 'logs'), { tail: FIRST_TAIL, timestamps: 'true' });
	early = { url, at: performance.now(), text: getText(url) };
	early.text.catch(() => undefined); // who waits for it says so
}

function ask(url: string, signal: AbortSignal): Promise<string> {
	const asked = early?.url === url && performance.now() - early.at < EARLY_MS ? early.text : null;
	early = null;
	return asked ?? getText(url, signal);
}

interface Read {
	lines: TimedLine[];
	isLoading: boolean;
	error: Error | null;
}

/** Reads on from the time of the last line: what was read is not read again. `from`: begin at this time instead of at the last lines. */
function useInstanceLog(name: string, tail: number, from: string, follow: boolean): Read & { again: () => void } {
	const [read, setRead] = useState<Read>({ lines: [], isLoading: true, error: null });
	const [round, setRound] = useState(0);
	useEffect(() => {
		const over = new AbortController();
		let lines: TimedLine[] = [];
		let timer = 0;
		const url = (): string => {
			const last = lines[lines.length - 1]?.time;
			const after = last ?? (from || (tail === ALL ? BEGINNING : ''));
			return withQuery(path('instances', name, 'logs'), after ? { after, timestamps: 'true' } : { tail, timestamps: 'true' });
		};
		const step = async (): Promise<void> => {
			try {
				const fresh = timedLines(await ask(url(), over.signal));
				const isContinued = lines.length > 0 && lines[lines.length - 1]?.time !== '';
				if (fresh.length > 0 || lines.length === 0) {
					lines = isContinued ? [...lines, ...fresh].slice(-HELD_MAX) : fresh;
				}
				setRead({ lines, isLoading: false, error: null });
				if (isContinued && fresh.length > 0) {
					return await step(); // a long one comes in parts
				}
			} catch (cause) {
				if (over.signal.aborted) {
					return;
				}
				setRead({ lines, isLoading: false, error: cause instanceof Error ? cause : new Error(String(cause)) });
			}
			if (follow && !over.signal.aborted) {
				timer = window.setTimeout(() => void step(), FOLLOW_MS);
			}
		};
		void step();
		return () => {
			over.abort();
			window.clearTimeout(timer);
		};
	}, [name, tail, from, follow, round]);
	return { ...read, again: () => setRound((was) => was + 1) };
}

export function InstanceLog({ name }: { name: string }) {
	const { t } = useTranslation();
	const [get, set] = useFilters();
	const at = get('at');
	const word = get('find');
	const [tail, setTail] = useState(FIRST_TAIL);
	const [follow, setFollow] = useState(true);
	// The lines come first: their answer is awaited while the tools above them are drawn.
	const [hasTools, setHasTools] = useState(false);
	useEffect(() => startTransition(() => setHasTools(true)), []);
	const atMs = Date.parse(at);
	const from = Number.isNaN(atMs) ? '' : new Date(atMs - BEFORE_MS).toISOString();
	const { lines, isLoading, error, again } = useInstanceLog(name, tail, from, follow);
	const places = useMemo(() => placesWith(lines, word), [lines, word]);
	const start = at ? lines.findIndex(({ time }) => time === at) : -1;
	return (
		<div className="sot-gap">
			<div className="sot-filters sot-log-bar">{hasTools && <>
				<Input.Search allowClear style={{ width: 230 }} aria-label={t('instances/logsFind')} placeholder={t('instances/logsFind')} value={word} onChange={(event) => set('find', event.target.value)} />
				<Select aria-label={t('instances/logs')} value={tail} onChange={(value) => { set('at', ''); setTail(value); }} options={[FIRST_TAIL, 1000, 2000, ALL].map((count) => ({ value: count, label: count === ALL ? t('instances/logsAll') : t('instances/logsLines', { count }) }))} />
				<label className="sot-row">
					<Switch size="small" checked={follow} onChange={setFollow} aria-label={t('instances/follow')} /> {t('instances/follow')}
				</label>
				<Button disabled={lines.length === 0} onClick={() => saveText(name, lines.map(({ time, text }) => `${time}${time && ' '}${text}\n`).join(''))}>{t('instances/logsSave')}</Button>
				<CopyButton cli size="middle" text={cliCommand('instance', 'logs', name)} />
				<span className="sot-total">{t('common/shown', { shown: places ? places.length : lines.length, total: lines.length })}</span>
			</>}</div>
			{error && <ReadError error={error} onRetry={again} />}
			{isLoading ? (
				<Skeleton />
			) : (
				<LogLines
					key={`${name} ${tail} ${word} ${start >= 0 ? at : ''}`}
					className="plain"
					count={places ? places.length : lines.length}
					label={t('instances/logs')}
					start={!word && start >= 0 ? start : undefined}
					note={lines.length === 0 ? t('instances/logsEmpty') : places?.length === 0 ? t('instances/logsNoLine') : ''}
					line={(row) => {
						const place = places ? (places[row] ?? 0) : row;
						const line = lines[place];
						return line && (
							<div key={place} className={`sot-line${line.time && line.time === at ? ' named' : ''}`}>
								{line.time ? (
									<button type="button" title={`${formatUtc(line.time)}: ${t('operations/lineLink')}`} onClick={() => set('at', line.time)}>{formatClock(line.time)}</button>
								) : <span />}
								<span><Marked text={line.text} word={word} /></span>
							</div>
						);
					}}
				/>
			)}
		</div>
	);
}
