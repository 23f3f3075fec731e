// A word that a list is filtered by. The address of the view follows what is typed, but does not write back while somebody types: it
// changes in a transition, and would lose letters.
import { Input, type InputRef } from 'antd';
import { useEffect, useRef, useState } from 'react';
import { useFilters } from '../lib/useFilters';

export function FilterInput({ name, label, width }: { name: string; label: string; width: number }) {
	const [get, set] = useFilters();
	const known = get(name);
	const [typed, setTyped] = useState(known);
	const box = useRef<InputRef>(null);
	useEffect(() => {
		if (document.activeElement !== box.current?.input) {
			setTyped(known);
		}
	}, [known]);
	return (
		<Input
			ref={box}
			allowClear
			style={{ width }}
			aria-label={label}
			placeholder={label}
			value={typed}
			onChange={(event) => {
				setTyped(event.target.value);
				set(name, event.target.value.trim());
			}}
		/>
	);
}
