// The log of an operation or a machine: searched, saved, and each line with an address of its own.
import { Button, Input } from 'antd';
import { Fragment, useMemo, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useLocation } from 'react-router-dom';
import type { LogLine } from '../api/types';
import { formatClock, formatUtc } from '../lib/format';
import { partsOf, placesWith, saveText } from '../lib/logText';
import { LogLines } from './LogLines';

export function Marked({ text, word }: { text: string; word: string }) {
	if (!word) {
		return <>{text}</>;
	}
	return <>{partsOf(text, word).map((part, at) => <Fragment key={at}>{part.found ? <mark>{part.text}</mark> : part.text}</Fragment>)}</>;
}

export function LogView({ lines, note, name }: { lines: LogLine[]; note: string; name: string }) {
	const { t } = useTranslation();
	const { hash } = useLocation();
	const [word, setWord] = useState('');
	const places = useMemo(() => placesWith(lines, word), [lines, word]);
	const named = /^#L(\d+)$/.exec(hash)?.[1];
	const start = named === undefined ? -1 : lines.findIndex(({ line }) => line === Number(named));
	const save = (): void => saveText(name, lines.map(({ at, level, text }) => `${at} ${level} ${text}\n`).join(''));
	return (
		<>
			<div className="sot-filters sot-log-tools">
				<Input.Search allowClear style={{ width: 220 }} aria-label={t('instances/logsFind')} placeholder={t('instances/logsFind')} value={word} onChange={(event) => setWord(event.target.value)} />
				<Button disabled={lines.length === 0} onClick={save}>{t('instances/logsSave')}</Button>
				{places && <span className="sot-total">{t('common/shown', { shown: places.length, total: lines.length })}</span>}
			</div>
			<LogLines
				key={`${word} ${start >= 0 ? named : ''}`}
				count={places ? places.length : lines.length}
				label={t('operations/log')}
				start={!word && start >= 0 ? start : undefined}
				note={lines.length === 0 ? t('operations/logEmpty') : places?.length === 0 ? t('instances/logsNoLine') : note}
				line={(at) => {
					const line = lines[places ? (places[at] ?? 0) : at];
					return line && (
						<div key={line.line} className={`sot-line ${line.level}${String(line.line) === named ? ' named' : ''}`} data-line={line.line}>
							<a href={`#L${line.line}`} title={t('operations/lineLink')}>{line.line}</a>
							<time dateTime={line.at} title={formatUtc(line.at)}>
								{formatClock(line.at)}
							</time>
							<span><Marked text={line.text} word={word} /></span>
						</div>
					);
				}}
			/>
		</>
	);
}
