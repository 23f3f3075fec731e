// Lines of a list or file that were refused: where, and what is wrong.
import { useTranslation } from 'react-i18next';
import type { LineProblem } from '../api/types';

export function WrongLines({ problems }: { problems: LineProblem[] }) {
	const { t } = useTranslation();
	return (
		<table className="sot-plain" aria-label={t('machines/wrong')}>
			<thead>
				<tr>
					<th>{t('machines/line')}</th>
					<th>{t('machines/column')}</th>
					<th>{t('machines/what')}</th>
				</tr>
			</thead>
			<tbody>
				{problems.map((problem) => (
					<tr key={`${problem.pointer} ${problem.detail}`}>
						<td className="sot-num">{problem.line}</td>
						<td className="sot-mono">{problem.column}</td>
						<td>{problem.detail}</td>
					</tr>
				))}
			</tbody>
		</table>
	);
}
