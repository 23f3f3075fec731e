// Where a package version is from: commit, place of the build, the key that signed it.
import { Tooltip } from 'antd';
import { useTranslation } from 'react-i18next';
import type { AppVersion } from '../api/types';

export function Origin({ of }: { of: Pick<AppVersion, 'commit' | 'source' | 'signedBy'> }) {
	const { t } = useTranslation();
	if (!of.commit && !of.source && !of.signedBy) {
		return <span className="sot-muted">–</span>;
	}
	return (
		<span className="sot-row">
			{(of.commit || of.source) && (
				<Tooltip title={of.source}>
					<span className="sot-mono">{of.commit ? of.commit.slice(0, 12) : t('packages/built')}</span>
				</Tooltip>
			)}
			{of.signedBy && (
				<Tooltip title={`${t('packages/signedBy')} ${of.signedBy}`}>
					<span className="sot-badge">{t('packages/signed')}</span>
				</Tooltip>
			)}
		</span>
	);
}
