// What an instance wrote: the last lines, followed, searched, and kept as a file.
import { useQuery } from '@tanstack/react-query';
import { Button, Input, Select, Switch } from 'antd';
import { Fragment, useMemo, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { getText, path, withQuery } from '../api/client';
import { cliCommand } from '../lib/cli';
import { linesWith, partsOf } from '../lib/logText';
import { CopyButton } from './CopyButton';
import { useFollow } from './LogView';
import { ReadError, Skeleton } from './Page';

const FOLLOW_MS = 2_000;
/** More lines than these are searched and saved, but only the last of them are drawn. */
const DRAWN_MAX = 5_000;

function save(name: string, text: string): void {
	const link = document.createElement('a');
	link.href = URL.createObjectURL(new Blob([text], { type: 'text/plain' }));
	link.download = `${name}.log`;
	link.click();
	URL.revokeObjectURL(link.href);
}

function Marked({ line, word }: { line: string; word: string }) {
	return (
		<>
			{partsOf(line, word).map((part, at) => (
				<Fragment key={at}>{part.found ? <mark>{part.text}</mark> : part.text}</Fragment>
			))}
			{'\n'}
		</>
	);
}

export function InstanceLog({ name }: { name: string }) {
	const { t } = useTranslation();
	const [tail, setTail] = useState(200);
	const [follow, setFollow] = useState(true);
	const [word, setWord] = useState('');
	const query = useQuery({
		queryKey: ['instanceLogs', name, tail],
		refetchInterval: follow ? FOLLOW_MS : false,
		queryFn: ({ signal }) => getText(withQuery(path('instances', name, 'logs'), { tail }), signal),
	});
	const text = query.data ?? '';
	const lines = useMemo(() => linesWith(text, word), [text, word]);
	const { box, onScroll } = useFollow(text.length);
	return (
		<div className="sot-gap">
			<div className="sot-filters">
				<Input.Search allowClear style={{ width: 230 }} aria-label={t('instances/logsFind')} placeholder={t('instances/logsFind')} value={word} onChange={(event) => setWord(event.target.value)} />
				<Select aria-label={t('instances/logs')} value={tail} onChange={setTail} options={[200, 1000, 2000].map((count) => ({ value: count, label: t('instances/logsLines', { count }) }))} />
				<label className="sot-row">
					<Switch size="small" checked={follow} onChange={setFollow} aria-label={t('instances/follow')} /> {t('instances/follow')}
				</label>
				<Button disabled={!text} onClick={() => save(name, text)}>{t('instances/logsSave')}</Button>
				<CopyButton cli size="middle" text={cliCommand('instance', 'logs', name)} />
				<span className="sot-total">{t('common/shown', { shown: lines.length, total: linesWith(text, '').length })}</span>
			</div>
			{query.error && <ReadError error={query.error} updatedAtMs={query.dataUpdatedAt} onRetry={() => void query.refetch()} />}
			{query.isLoading ? (
				<Skeleton />
			) : (
				<div className="sot-log plain" ref={box} onScroll={onScroll} role="log" tabIndex={0} aria-label={t('instances/logs')}>
					{lines.length === 0 && <span className="sot-quiet">{text ? t('instances/logsNoLine') : t('instances/logsEmpty')}</span>}
					{word ? lines.slice(-DRAWN_MAX).map((line, at) => <Marked key={at} line={line} word={word} />) : text}
				</div>
			)}
		</div>
	);
}
