// What the forms of VLANs and subnets send, and the commands that say the same.
import type { Subnet, Vlan } from '../api/types';
import { cliCommand } from './cli';
import { options } from './settings';

export interface EnteredVlan {
	name: string;
	vlanId: number | null;
	vrf: string;
	group: string;
	mtu: number | null;
	isolated: boolean;
	dnsZone: string;
	description: string;
	/** az:b, rack:r12, host:h7; none: everywhere */
	scopes: string[];
}

export const SCOPE = /^(az|rack|host):\S+$/;

export function enteredVlan(vlan: Vlan | null): EnteredVlan {
	return {
		name: vlan?.name ?? '',
		vlanId: vlan?.vlanId ?? 0,
		vrf: vlan?.vrf ?? '',
		group: vlan?.group ?? '',
		mtu: vlan?.mtu ?? 0,
		isolated: vlan?.isolated ?? false,
		dnsZone: vlan?.dnsZone ?? '',
		description: vlan?.description ?? '',
		scopes: (vlan?.scopes ?? []).map(({ kind, name }) => `${kind}:${name}`),
	};
}

/** The whole of what may change: what a PUT leaves out gets its default. */
export function vlanBody(entered: EnteredVlan, isNew: boolean): Record<string, unknown> {
	const { group, isolated, dnsZone, description } = entered;
	return {
		...(isNew ? { name: entered.name, vlanId: entered.vlanId ?? 0, vrf: entered.vrf } : {}),
		group,
		mtu: entered.mtu ?? 0,
		isolated,
		dnsZone,
		description,
		scopes: entered.scopes.map((scope) => ({ kind: scope.slice(0, scope.indexOf(':')), name: scope.slice(scope.indexOf(':') + 1) })),
	};
}

export function vlanCommand(entered: EnteredVlan, isNew: boolean): string {
	const { name, vlanId, vrf, group, mtu, isolated, dnsZone, description, scopes } = entered;
	const reach = scopes.length > 0 ? scopes.map((scope) => `--scope=${scope}`) : isNew ? [] : ['--scope=everywhere'];
	return cliCommand('vlan', isNew ? 'create' : 'update', name || 'NAME', ...options({ ...(isNew ? { id: vlanId ?? 0, vrf } : {}), group, mtu: mtu || undefined, isolated: isolated ? 'yes' : isNew ? undefined : 'no', 'dns-zone': dnsZone, description }), ...reach);
}

export interface EnteredSubnet {
	cidr: string;
	gateway: string;
	first: string;
	last: string;
	dns: string[];
	description: string;
}

export function subnetCommand(vlan: string, entered: EnteredSubnet): string {
	const { cidr, gateway, first, last, dns, description } = entered;
	return cliCommand('subnet', 'create', vlan, cidr || 'CIDR', ...options({ gateway, first, last }), ...dns.map((one) => `--dns=${one}`), ...options({ description }));
}

/** Opens or closes a subnet, and keeps the rest as it is. */
export function subnetBody(subnet: Subnet, open: boolean): Record<string, unknown> {
	const { dns, rank, weight, description } = subnet;
	return { open, dns, rank, weight, description };
}
