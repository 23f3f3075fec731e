// Machines are pasted as a list or as an inventory of Ansible, looked at, imported. What is wrong is told with its line; a click goes there.
import { Alert, Button, Drawer, Input, type InputRef, Segmented } from 'antd';
import { useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { ApiError, change } from '../api/client';
import type { LineProblem, MachineImport as Checked } from '../api/types';
import { cliCommand } from '../lib/cli';
import { lineSpan, looksLikeInventory } from '../lib/inventory';
import { CopyButton } from './CopyButton';
import { WrongLines } from './WrongLines';

type Kind = 'csv' | 'inventory';

const EXAMPLES: Record<Kind, string> = {
	csv: 'name,address,az,rack,labels,oob\nnode-1,10.0.0.11,a,a-1,ssd,ipmi://10.9.0.11\n',
	inventory: '[workers]\nnode-[01:02] rack=a-1\nnode-01 ansible_host=10.0.0.11\nnode-02 ansible_host=10.0.0.12\n[workers:vars]\naz=a\nansible_user=root\n',
};
const LINE_PX = 22;

export function MachineImport({ open, onClose }: { open: boolean; onClose: (imported: boolean) => void }) {
	const { t } = useTranslation();
	const [kind, setKind] = useState<Kind>('csv');
	const [texts, setTexts] = useState(EXAMPLES);
	const [group, setGroup] = useState('');
	const [busy, setBusy] = useState(false);
	const [checked, setChecked] = useState<Checked | null>(null);
	const [error, setError] = useState<ApiError | null>(null);
	const area = useRef<InputRef & { resizableTextArea?: { textArea: HTMLTextAreaElement } }>(null);
	const isInventory = kind === 'inventory';
	const touched = (): void => {
		setChecked(null);
		setError(null);
	};
	/** An inventory that is pasted over the list is taken for what it is. */
	const write = (text: string): void => {
		touched();
		const of = kind === 'csv' && looksLikeInventory(text) ? 'inventory' : kind;
		setKind(of);
		setTexts((held) => ({ ...held, [of]: text, ...(of === kind ? {} : { [kind]: EXAMPLES[kind] }) }));
	};
	const send = async (dryRun: boolean): Promise<void> => {
		setBusy(true);
		setError(null);
		try {
			const answer = await change<Checked>('POST', '/v1/machines', { [kind]: texts[kind], ...(isInventory && group ? { group } : {}), dryRun });
			setChecked(dryRun ? answer : null);
			if (!dryRun) {
				onClose(true);
			}
		} catch (cause) {
			setChecked(null);
			if (!(cause instanceof ApiError)) {
				throw cause;
			}
			setError(cause);
		} finally {
			setBusy(false);
		}
	};
	const goToLine = (line: number): void => {
		const box = area.current?.resizableTextArea?.textArea;
		box?.focus();
		box?.setSelectionRange(...lineSpan(texts[kind], line));
		box?.scrollTo({ top: (line - 4) * LINE_PX });
	};
	const wrong = (error?.problem.errors ?? []) as unknown as LineProblem[];
	const words = isInventory ? ['--inventory', ...(group ? [`--group=${group}`] : [])] : [];
	return (
		<Drawer title={t('machines/import')} open={open} onClose={() => onClose(false)} size={860}>
			<Segmented<Kind>
				aria-label={t('machines/form')}
				value={kind}
				onChange={(next) => {
					touched();
					setKind(next);
				}}
				options={[{ value: 'csv', label: t('machines/formCsv') }, { value: 'inventory', label: t('machines/formInventory') }]}
			/>
			<p>{t(isInventory ? 'machines/inventoryHint' : 'machines/importHint')}</p>
			<Input.TextArea ref={area as never} aria-label={t('machines/list')} className="sot-mono" rows={14} value={texts[kind]} onChange={(event) => write(event.target.value)} />
			<div className="sot-row sot-wrap" style={{ margin: '12px 0' }}>
				{isInventory && (
					<Input
						style={{ width: 220 }}
						aria-label={t('machines/group')}
						placeholder={t('machines/group')}
						value={group}
						onChange={(event) => {
							touched();
							setGroup(event.target.value.trim());
						}}
					/>
				)}
				<Button onClick={() => void send(true)} loading={busy}>
					{t('machines/check')}
				</Button>
				<Button type="primary" disabled={checked === null || checked.imported === 0} onClick={() => void send(false)} loading={busy}>
					{t('machines/importNow', { count: checked?.imported ?? 0 })}
				</Button>
				<CopyButton cli size="middle" text={cliCommand('host', 'import', 'FILE', ...words, ...(checked ? [] : ['--dry-run']))} />
			</div>
			<div className="sot-gap">
				{checked && <Alert type="success" title={t('machines/checked', { imported: checked.imported, unchanged: checked.unchanged })} />}
				{error && <Alert type="error" title={error.problem.detail} />}
				{wrong.length > 0 && <WrongLines problems={wrong} onLine={goToLine} />}
			</div>
		</Drawer>
	);
}
