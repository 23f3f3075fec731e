// A button of a table's row. Some hundred are drawn at a time; each one of antd's costs as much as the rest of its row.
import type { ReactNode } from 'react';

interface Props {
	icon: ReactNode;
	/** What it does, and to what: for those who do not see the row. */
	label: string;
	title?: string;
	disabled?: boolean;
	/** The key that does the same. */
	keyName?: string;
	menu?: boolean;
	onClick: () => void;
}

export function IconButton({ icon, label, title, disabled, keyName, menu, onClick }: Props) {
	return (
		<button type="button" className="sot-icon" title={title} aria-label={label} disabled={disabled} data-key={keyName} aria-haspopup={menu ? 'menu' : undefined} onClick={onClick}>
			{icon}
		</button>
	);
}
