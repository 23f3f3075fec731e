// A log that follows its end, unless the reader has scrolled up.
import { useEffect, useRef } from 'react';
import { useTranslation } from 'react-i18next';
import type { LogLine } from '../api/types';
import { formatClock, formatUtc } from '../lib/format';

/** Distance from the end, in pixels, within which the view still counts as "at the end". */
const END_SLACK_PX = 40;

export function useFollow(length: number) {
	const box = useRef<HTMLDivElement>(null);
	const atEnd = useRef(true);
	useEffect(() => {
		const element = box.current;
		if (element && atEnd.current) {
			element.scrollTop = element.scrollHeight;
		}
	}, [length]);
	const onScroll = (): void => {
		const element = box.current;
		if (element) {
			atEnd.current = element.scrollHeight - element.scrollTop - element.clientHeight < END_SLACK_PX;
		}
	};
	return { box, onScroll };
}

export function LogView({ lines, note }: { lines: LogLine[]; note: string }) {
	const { t } = useTranslation();
	const { box, onScroll } = useFollow(lines.length);
	return (
		<div className="sot-log" ref={box} onScroll={onScroll} role="log" aria-label={t('operations/log')} tabIndex={0}>
			{lines.map((line) => (
				<div key={line.line} className={line.level} data-line={line.line}>
					<span>{line.line}</span>
					<time dateTime={line.at} title={formatUtc(line.at)}>
						{formatClock(line.at)}
					</time>
					<span>{line.text}</span>
				</div>
			))}
			<span className="sot-quiet">{lines.length === 0 ? t('operations/logEmpty') : note}</span>
		</div>
	);
}
