// Lines of a list or file that were refused: where, and what is wrong.
import { Button } from 'antd';
import { useTranslation } from 'react-i18next';
import type { LineProblem } from '../api/types';

export function WrongLines({ problems, onLine }: { problems: LineProblem[]; /** Shows the line. */ onLine?: (line: number) => void }) {
	const { t } = useTranslation();
	return (
		<table className="sot-runs words" aria-label={t('machines/wrong')}>
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
						<td className="sot-num">{onLine ? <Button size="small" type="link" aria-label={t('machines/toLine', { line: problem.line })} onClick={() => onLine(problem.line)}>{problem.line}</Button> : problem.line}</td>
						<td className="sot-mono">{problem.column}</td>
						<td>{problem.detail}</td>
					</tr>
				))}
			</tbody>
		</table>
	);
}
