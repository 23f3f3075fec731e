// A change that needs some words from a person: its fields, the command that says the same, and what was refused, in one dialog.
import { Form, Input, InputNumber, Select, Switch } from 'antd';
import { type ReactNode, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { type Change, useChange } from '../app/actions';
import { ActionDialog } from './ActionDialog';

export interface Field<T> {
	name: keyof T & string;
	label: string;
	kind?: 'text' | 'password' | 'number' | 'switch' | 'select' | 'many';
	options?: string[];
	needed?: boolean;
	hint?: string;
	min?: number;
	max?: number;
	/** A smallest length, or what a text must look like. */
	length?: number;
	pattern?: RegExp;
	/** What each word of many must look like. */
	each?: RegExp;
	/** What ends a word of many; a comma when left out. */
	separators?: string[];
}

function control<T>(field: Field<T>): ReactNode {
	switch (field.kind) {
		case 'password':
			return <Input.Password autoComplete="new-password" />;
		case 'number':
			return <InputNumber min={field.min ?? 0} max={field.max} style={{ width: '100%' }} />;
		case 'switch':
			return <Switch />;
		case 'select':
			return <Select showSearch allowClear={!field.needed} options={(field.options ?? []).map((value) => ({ value, label: value }))} />;
		case 'many':
			return <Select mode="tags" tokenSeparators={field.separators ?? [',']} options={(field.options ?? []).map((value) => ({ value, label: value }))} />;
		default:
			return <Input maxLength={field.max} autoComplete="off" />;
	}
}

export function FormDialog<T extends object>({ title, submit, hint, fields, initial, toChange, toCommand, onClose, danger = false }: {
	title: string;
	submit: string;
	hint?: string;
	fields: Field<T>[];
	initial: T;
	toChange: (entered: T) => Change;
	toCommand: (entered: T) => string;
	onClose: () => void;
	danger?: boolean;
}) {
	const { t } = useTranslation();
	const send = useChange();
	const [form] = Form.useForm<T>();
	const [busy, setBusy] = useState(false);
	const [entered, setEntered] = useState(initial);
	const save = async (): Promise<void> => {
		setBusy(true);
		const done = await send(toChange({ ...initial, ...form.getFieldsValue() }));
		setBusy(false);
		if (done) {
			onClose();
		}
	};
	return (
		<ActionDialog title={title} submit={submit} command={toCommand(entered)} busy={busy} okButtonProps={{ danger }} onSubmit={form.submit} onClose={onClose}>
			{hint && <p className="sot-muted">{hint}</p>}
			<Form form={form} layout="vertical" initialValues={initial} requiredMark="optional" onValuesChange={(_, all) => setEntered({ ...initial, ...(all as T) })} onFinish={() => void save()}>
				{fields.map((field) => (
					<Form.Item
						key={field.name}
						name={field.name as never}
						label={field.label}
						extra={field.hint}
						valuePropName={field.kind === 'switch' ? 'checked' : 'value'}
						rules={[
							...(field.needed ? [{ required: true, message: t('create/needed') }] : []),
							...(field.length ? [{ min: field.length, message: t('settings/tooShort', { count: field.length }) }] : []),
							...(field.each ? [{ validator: (_: unknown, words: string[] | undefined) => ((words ?? []).every((word) => field.each?.test(word)) ? Promise.resolve() : Promise.reject(new Error(field.hint ?? t('create/nameBad')))) }] : []),
							...(field.pattern ? [{ pattern: field.pattern, message: field.hint ?? t('create/nameBad') }] : []),
						]}
					>
						{control(field)}
					</Form.Item>
				))}
			</Form>
		</ActionDialog>
	);
}
