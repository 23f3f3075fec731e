// Which pages an event makes old. The names are the first words of query keys (api/queries.ts).
import type { PlatformEvent } from '../api/types';

export type Topic =
	| 'overview'
	| 'hosts'
	| 'apps'
	| 'versions'
	| 'instances'
	| 'operations'
	| 'vlans'
	| 'addresses'
	| 'images';

const BY_KIND: Record<string, Topic[]> = {
	'app.created': ['apps', 'overview'],
	'app.deleted': ['apps', 'overview'],
	'app.version': ['apps', 'versions'],
	'instance.created': ['instances', 'apps', 'hosts', 'overview'],
	'instance.state': ['instances', 'apps', 'hosts', 'overview'],
	'instance.health': ['instances', 'apps', 'overview'],
	'host.registered': ['hosts', 'overview'],
	'host.state': ['hosts', 'overview'],
	'operation.state': ['operations', 'overview'],
	'package.registered': ['versions'],
	'image.registered': ['images'],
	'vlan.created': ['vlans'],
	'vlan.updated': ['vlans'],
	'vlan.deleted': ['vlans'],
	'subnet.created': ['vlans'],
	'subnet.updated': ['vlans'],
	'subnet.deleted': ['vlans'],
	'subnet.utilisation': ['vlans'],
	'range.created': ['vlans', 'addresses'],
	'range.deleted': ['vlans', 'addresses'],
	'address.state': ['addresses', 'vlans'],
	'address.conflict': ['addresses', 'vlans'],
	'address.foreign': ['addresses', 'vlans'],
	'address.missing': ['addresses', 'vlans'],
	'address.moved': ['addresses', 'vlans'],
	'address.leak': ['addresses', 'vlans'],
	'ipam.brake': ['addresses', 'vlans'],
	'ipam.quarantine': ['addresses', 'vlans'],
	'import.applied': ['addresses', 'vlans'],
};

const EVERYTHING: Topic[] = ['overview', 'hosts', 'apps', 'versions', 'instances', 'operations', 'vlans', 'addresses', 'images'];

/** Topics for one event; a kind this console does not know refreshes everything: better slow than wrong. */
export function topicsOf(event: PlatformEvent): Topic[] {
	return BY_KIND[event.kind] ?? EVERYTHING;
}

export function allTopics(): Topic[] {
	return EVERYTHING;
}

/** Kinds with rules of their own; compared with the catalogue by a test. */
export function knownKinds(): string[] {
	return Object.keys(BY_KIND);
}
