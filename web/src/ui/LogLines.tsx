// Lines of a log, of which only those that are seen are drawn: a hundred thousand scroll as smoothly as ten. It follows its end
// unless the reader has scrolled up, and comes to a line that an address names.
import { type ReactNode, useCallback, useEffect, useLayoutEffect, useRef, useState } from 'react';
import { windowOf } from '../lib/logText';

export const LINE_PX = 24; // its number is a link: WCAG 2.2, 2.5.8 asks for 24
/** Distance from the end within which the view still counts as "at the end". */
const END_SLACK_PX = 40;

interface Props {
	count: number;
	line: (at: number) => ReactNode;
	label: string;
	className?: string;
	/** Below the last line. */
	note: ReactNode;
	/** A line to begin at instead of the end. */
	start?: number;
}

export function LogLines({ count, line, label, className = '', note, start }: Props) {
	const box = useRef<HTMLDivElement>(null);
	const atEnd = useRef(start === undefined);
	const wanted = useRef(start);
	const [view, setView] = useState({ top: 0, height: 480 });
	const look = useCallback(() => {
		const element = box.current;
		if (element) {
			atEnd.current = element.scrollHeight - element.scrollTop - element.clientHeight < END_SLACK_PX;
			setView((was) => (was.top === element.scrollTop && was.height === element.clientHeight ? was : { top: element.scrollTop, height: element.clientHeight }));
		}
	}, []);
	useLayoutEffect(() => {
		const element = box.current;
		if (!element) {
			return;
		}
		if (wanted.current !== undefined && wanted.current < count) {
			element.scrollTop = Math.max(0, wanted.current * LINE_PX - element.clientHeight / 2);
			wanted.current = undefined;
		} else if (atEnd.current) {
			element.scrollTop = element.scrollHeight;
		}
		look();
	}, [count, look]);
	useEffect(() => {
		const element = box.current;
		if (!element) {
			return undefined;
		}
		const observer = new ResizeObserver(look);
		observer.observe(element);
		return () => observer.disconnect();
	}, [look]);
	const { first, last } = windowOf(count, view.top, view.height, LINE_PX);
	return (
		<div className={`sot-log ${className}`} ref={box} onScroll={look} role="log" aria-label={label} tabIndex={0} data-lines={count}>
			<div className="sot-log-all" style={{ height: count * LINE_PX }}>
				<div className="sot-log-seen" style={{ transform: `translateY(${first * LINE_PX}px)` }}>
					{Array.from({ length: last - first }, (_, at) => line(first + at))}
				</div>
			</div>
			<span className="sot-quiet">{note}</span>
		</div>
	);
}
