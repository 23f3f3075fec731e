// Which group of an app something is done to: the app as a whole, or one of its groups. Of an app with one group nothing is asked.
import { Select } from 'antd';
import { useTranslation } from 'react-i18next';
import type { Group } from '../api/types';

export function GroupPick({ groups, value, onChange }: { groups: Group[]; value: string; onChange: (group: string) => void }) {
	const { t } = useTranslation();
	if (groups.length < 2) {
		return null;
	}
	return (
		<label className="sot-stack">
			{t('field/group')}
			<Select
				style={{ width: 220 }}
				aria-label={t('field/group')}
				value={value}
				onChange={onChange}
				options={[{ value: '', label: t('elastic/whole') }, ...groups.map(({ name, wanted }) => ({ value: name, label: `${name} (${wanted})` }))]}
			/>
		</label>
	);
}

/** `group` of a body or `--group` of a command: nothing for the app as a whole. */
export const groupBody = (group: string): { group?: string } => (group ? { group } : {});
export const groupFlag = (group: string): string[] => (group ? [`--group=${group}`] : []);
