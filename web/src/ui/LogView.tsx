// The log of an operation or a machine: searched, saved, and each line with an address of its own.
import { Button, Input } from 'antd';
import { Fragment, type ReactNode, useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import { useLocation } from 'react-router-dom';
import type { LogLine } from '../api/types';
import { formatClock, formatLocal, formatUtc } from '../lib/format';
import { partsOf, placesWith, saveText } from '../lib/logText';
import { useFilters } from '../lib/useFilters';
import { LogLines } from './LogLines';

export function Marked({ text, word }: { text: string; word: string }) {
	if (!word) {
		return <>{text}</>;
	}
	return <>{partsOf(text, word).map((part, at) => <Fragment key={at}>{part.found ? <mark>{part.text}</mark> : part.text}</Fragment>)}</>;
}

const DAY_MS = 86_400_000;

/** Over how many days lines stand: of more than one, each says its day. */
function daysOf(lines: LogLine[]): number {
	const [first, last] = [lines[0], lines[lines.length - 1]];
	return first && last ? Math.ceil((Date.parse(last.at) - Date.parse(first.at)) / DAY_MS) : 0;
}

export function LogView({ lines, note, name, label, tools }: { lines: LogLine[]; note: string; name: string; label?: string; tools?: ReactNode }) {
	const { t } = useTranslation();
	const { hash } = useLocation();
	const [get, set] = useFilters();
	const word = get('find');
	const places = useMemo(() => placesWith(lines, word), [lines, word]);
	const named = /^#L(\d+)$/.exec(hash)?.[1];
	const start = named === undefined ? -1 : lines.findIndex(({ line }) => line === Number(named));
	const isDated = daysOf(lines) > 1;
	const save = (): void => saveText(name, lines.map(({ at, level, text }) => `${at} ${level} ${text}\n`).join(''));
	return (
		<>
			<div className="sot-filters sot-log-tools">
				<Input.Search allowClear style={{ width: 220 }} aria-label={t('instances/logsFind')} placeholder={t('instances/logsFind')} value={word} onChange={(event) => set('find', event.target.value)} />
				{tools}
				<Button disabled={lines.length === 0} onClick={save}>{t('instances/logsSave')}</Button>
				{places && <span className="sot-total">{t('common/shown', { shown: places.length, total: lines.length })}</span>}
			</div>
			<LogLines
				key={`${word} ${start >= 0 ? named : ''}`}
				count={places ? places.length : lines.length}
				label={label ?? t('operations/log')}
				start={!word && start >= 0 ? start : undefined}
				note={lines.length === 0 ? t('operations/logEmpty') : places?.length === 0 ? t('instances/logsNoLine') : note}
				line={(at) => {
					const line = lines[places ? (places[at] ?? 0) : at];
					return line && (
						<div key={line.line} className={`sot-line${isDated ? ' dated' : ''} ${line.level}${String(line.line) === named ? ' named' : ''}`} data-line={line.line}>
							<a href={`#L${line.line}`} title={t('operations/lineLink')}>{line.line}</a>
							<time dateTime={line.at} title={formatUtc(line.at)}>
								{isDated ? formatLocal(line.at) : formatClock(line.at)}
							</time>
							<span><Marked text={line.text} word={word} /></span>
						</div>
					);
				}}
			/>
		</>
	);
}
