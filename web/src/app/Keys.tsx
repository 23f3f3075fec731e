// The keys that work on every page; "?" shows them. A key does what the element it is for would do: nothing is hidden behind it.
import { Modal } from 'antd';
import { useEffect, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useNavigate } from 'react-router-dom';
import { isTyping, PLACES, plainKey } from '../lib/keys';

/** A "g" waits so long for the second key. */
const SECOND_KEY_MS = 1_500;
const SHOWN = ['?', '/', 'g h', 'g a', 'g i', 'g o', 'l', 's', 'e', 'y', 'Ctrl K'] as const;

/** The element for a key: in the dialog that is open, else in the row under the pointer or the focus, else the first of the page. */
function elementFor(selector: string): HTMLElement | null {
	const dialogs = [...document.querySelectorAll<HTMLElement>('.ant-modal, .ant-drawer-open')].filter((one) => one.offsetParent !== null);
	const scopes = dialogs.length > 0 ? dialogs.slice(-1) : [document.querySelector('.ant-table-row:hover'), document.activeElement?.closest('.ant-table-row'), document.querySelector('.sot-main')];
	for (const scope of scopes) {
		const found = scope?.querySelector<HTMLElement>(selector);
		if (found) {
			return found;
		}
	}
	return null;
}

const BY_KEY: Record<string, string> = {
	l: '[data-key="l"], [data-node-key="logs"] [role="tab"], .ant-tabs-tab[data-node-key="logs"]',
	s: '[data-key="s"]',
	y: '[data-key="y"]',
};

function act(key: string): boolean {
	if (key === '/') {
		const box = elementFor('.sot-filters input, input[type="search"]');
		box?.focus();
		return box !== null;
	}
	const selector = BY_KEY[key];
	const element = selector ? elementFor(selector) : null;
	element?.click();
	return element !== null;
}

export function Keys() {
	const { t } = useTranslation();
	const navigate = useNavigate();
	const [open, setOpen] = useState(false);
	const went = useRef(Number.NEGATIVE_INFINITY);
	useEffect(() => {
		const onKey = (event: KeyboardEvent): void => {
			if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.isComposing || isTyping(event.target)) {
				return;
			}
			const key = plainKey(event.key);
			const isSecond = performance.now() - went.current < SECOND_KEY_MS;
			went.current = key === 'g' && !isSecond ? performance.now() : Number.NEGATIVE_INFINITY;
			const to = isSecond ? PLACES[key] : key === 'e' ? '/events' : undefined;
			if (to) {
				navigate(to);
			} else if (key === '?') {
				setOpen(true);
			} else if (isSecond || !act(key)) {
				return;
			}
			event.preventDefault();
		};
		window.addEventListener('keydown', onKey);
		return () => window.removeEventListener('keydown', onKey);
	}, [navigate]);
	return (
		<Modal open={open} title={t('keys/title')} footer={null} onCancel={() => setOpen(false)} width={440}>
			<dl className="sot-keys">
				{SHOWN.map((key) => (
					<div key={key} style={{ display: 'contents' }}>
						<dt>{key.split(' ').map((one) => <kbd key={one}>{one} </kbd>)}</dt>
						<dd>{t(`keys/${key === '?' ? 'help' : key === '/' ? 'filter' : key.replace(' ', '_')}`)}</dd>
					</div>
				))}
			</dl>
		</Modal>
	);
}
