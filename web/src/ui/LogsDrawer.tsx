// The log of an instance beside the list it was opened from.
import { Drawer } from 'antd';
import { useTranslation } from 'react-i18next';
import { InstanceLog } from './InstanceLog';

export function LogsDrawer({ name, onClose }: { name: string | null; onClose: () => void }) {
	const { t } = useTranslation();
	return (
		<Drawer title={name && t('instances/logsOf', { name })} open={name !== null} onClose={onClose} size={860}>
			{name && <InstanceLog name={name} />}
		</Drawer>
	);
}
