// The log of an instance beside the list it was opened from.
import { Drawer } from 'antd';
import { useTranslation } from 'react-i18next';
import { useFilters } from '../lib/useFilters';
import { InstanceLog } from './InstanceLog';

export function LogsDrawer({ name, onClose }: { name: string | null; onClose: () => void }) {
	const { t } = useTranslation();
	const [, set] = useFilters();
	const close = (): void => {
		set('find', '', 'at'); // were of this log
		onClose();
	};
	return (
		<Drawer title={name && t('instances/logsOf', { name })} open={name !== null} onClose={close} size={860}>
			{name && <InstanceLog name={name} />}
		</Drawer>
	);
}
