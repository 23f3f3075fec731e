// VLANs and subnets of the make-believe platform: changes, and the import of VLAN lines.
import { randomUUID } from 'node:crypto';
import { now, Refusal } from './world.mjs';

function newVlan(name, vlanId, more = {}) {
	return { id: randomUUID(), name, vlanId, vrf: 'default', group: '', mtu: 0, isolated: false, dnsZone: '', description: '', scopes: [], subnets: [], createdAt: now(), updatedAt: now(), ...more };
}

/** Does the change and gives what the gateway would answer, or null when the route is none of these. */
export function changeVlans(world, [kind, name], method, body) {
	const rows = { vlans: world.vlans, subnets: world.subnets }[kind];
	if (!rows) {
		return null;
	}
	const at = rows.findIndex((row) => (row.cidr ?? row.name) === name);
	if (method === 'POST' && kind === 'vlans') {
		rows.push(newVlan(body.name, body.vlanId, { ...body, vrf: body.vrf || 'default' }));
	} else if (at < 0) {
		throw new Refusal(404, 'not_found', `there is no ${kind} ${name}`);
	} else if (method === 'DELETE') {
		rows.splice(at, 1);
	} else {
		Object.assign(rows[at], body);
	}
	return { operation: null, resourceId: '', replayed: false };
}

export function importFile(world, text, query) {
	const [head, ...lines] = text.trim().split('\n').map((line) => line.split(','));
	const vlans = lines.map((line) => Object.fromEntries(line.map((cell, column) => [head[column], cell]))).filter((line) => line.kind === 'vlan');
	const errors = vlans.flatMap((line, at) => (/^\d+$/.test(line.vlan_id) ? [] : [{ pointer: `/lines/${at + 2}/vlan_id`, line: at + 2, column: 'vlan_id', detail: 'a number from 0 to 4094 is wanted' }]));
	if (errors.length > 0) {
		throw Object.assign(new Refusal(422, 'invalid', `${errors.length} of ${lines.length} lines are wrong, so nothing was changed; see errors`), { errors });
	}
	const dryRun = query.get('dryRun') === 'true';
	const fresh = vlans.filter((line) => !world.vlans.some((vlan) => vlan.name === line.vlan));
	if (!dryRun) {
		world.vlans.push(...fresh.map((line) => newVlan(line.vlan, Number(line.vlan_id))));
	}
	return { id: randomUUID(), fileName: query.get('file'), kind: query.get('kind'), state: dryRun ? 'checked' : 'applied', dryRun, lines: lines.length, changes: { vlans: fresh.length, subnets: 0, ranges: 0, addresses: 0, unchanged: lines.length - fresh.length, ignored: 0 }, errorCount: 0 };
}
