// Lists of machines as people paste them: CSV, or an inventory of Ansible. What they say is read by the platform; here is only guessed which of both it is.

/** Whether a text looks like an inventory: sections, groups of YAML, variables of Ansible. */
export function looksLikeInventory(text: string): boolean {
	const first = text.split('\n').map((line) => line.trim()).find((line) => line !== '' && !/^[#;]/.test(line)) ?? '';
	return /^(\[|\{|---)/.test(first) || /:\s*(#.*)?$/.test(first) || /\bansible_[a-z_]+\s*[=:]/.test(first);
}

/** Where a line (from 1) begins and ends in a text. */
export function lineSpan(text: string, line: number): [number, number] {
	let begin = 0;
	for (let at = 1; at < line; at += 1) {
		const end = text.indexOf('\n', begin);
		if (end < 0) {
			break;
		}
		begin = end + 1;
	}
	const end = text.indexOf('\n', begin);
	return [begin, end < 0 ? text.length : end];
}
