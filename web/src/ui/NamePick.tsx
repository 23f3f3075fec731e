// One of many names: the first of them, and as soon as something is typed those that have it, however many there are.
import { Select } from 'antd';
import { useState } from 'react';
import type { Filter, List } from '../api/queries';
import { useAsked } from '../lib/useAsked';

export function NamePick({ label, value, onChange, useNames }: { label: string; value: string; onChange: (value: string) => void; useNames: (filter: Filter) => List<{ name: string }> }) {
	const [typed, setTyped] = useState('');
	const { answer: names } = useAsked(typed.trim(), (text) => useNames({ text }));
	return (
		<Select
			allowClear
			showSearch={{ filterOption: false, onSearch: setTyped }}
			style={{ width: 170 }}
			aria-label={label}
			placeholder={label}
			value={value || undefined}
			loading={names.isFetching}
			options={names.items.map(({ name }) => ({ value: name, label: name }))}
			onChange={(chosen: string | undefined) => onChange(chosen ?? '')}
		/>
	);
}
