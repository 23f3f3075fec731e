// Which pages an event makes old. The names are the first words of query keys (api/queries.ts).
import type { PlatformEvent } from '../api/types';

export type Topic =
	| 'overview'
	| 'hosts'
	| 'machines'
	| 'apps'
	| 'elastic'
	| 'versions'
	| 'instances'
	| 'operations'
	| 'vlans'
	| 'addresses'
	| 'images'
	| 'accounts'
	| 'audit'
	| 'events'
	| 'teams'
	| 'webhooks';

const BY_KIND: Record<string, Topic[]> = {
	'app.created': ['apps', 'overview'],
	'app.deleted': ['apps', 'overview'],
	'app.version': ['apps', 'versions'],
	'instance.created': ['instances', 'apps', 'hosts', 'overview'],
	'instance.state': ['instances', 'apps', 'hosts', 'overview', 'images'],
	'instance.health': ['instances', 'apps', 'overview'],
	'machine.state': ['machines', 'operations'],
	'host.registered': ['hosts', 'overview'],
	'host.state': ['hosts', 'overview'],
	'operation.state': ['operations', 'overview', 'audit'],
	'package.registered': ['versions'],
	'package.removed': ['versions'],
	'middleware.registered': ['versions'],
	'middleware.removed': ['versions'],
	'app.middleware': ['apps', 'instances', 'versions'],
	'group.updated': ['apps'],
	'group.deleted': ['apps'],
	'group.moved': ['apps', 'instances'],
	'elastic.updated': ['elastic', 'apps'],
	'elastic.decision': ['elastic'],
	'host.cleaned': ['hosts'],
	'instance.disk': ['instances'],
	'image.registered': ['images'],
	'image.added': ['images'],
	'image.tested': ['images'],
	'image.promoted': ['images'],
	'image.retired': ['images'],
	'image.removed': ['images'],
	'vlan.created': ['vlans'],
	'vlan.updated': ['vlans'],
	'vlan.deleted': ['vlans'],
	'subnet.created': ['vlans'],
	'subnet.updated': ['vlans'],
	'subnet.deleted': ['vlans'],
	'subnet.utilisation': ['vlans'],
	'pool.utilisation': ['vlans'],
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
	'app.updated': ['apps'],
	'app.plan': ['apps', 'instances'],
	'app.image': ['apps', 'instances'],
	'instance.unknown': ['instances', 'apps', 'overview'],
	'instance.untold': ['instances', 'operations'],
	'instance.preempted': ['instances', 'apps', 'overview'],
	'instance.host': ['instances', 'hosts', 'overview'],
	'instance.drift': ['instances'],
	'host.updated': ['hosts', 'overview'],
	'host.copy_removed': ['hosts', 'instances'],
	'fleet.rebalance_pays': ['overview'],
	'placement.refused': ['operations'],
	'placement.found': ['operations'],
	'host.containers': ['hosts'],
	'host_class.updated': ['hosts'],
	'plan.updated': ['apps'],
	'team.updated': ['apps', 'teams'],
	'mixing.updated': ['apps'],
	'scheduler.refused': ['overview', 'operations'],
	'brake.state': ['overview', 'hosts'],
	'ssh.certificate': ['overview'],
	'ssh.key.added': ['overview'],
	'ssh.revoked': ['overview'],
	'ssh.login': ['instances'],
	'ssh.logout': ['instances'],
	'exec.begin': ['instances'],
	'exec.end': ['instances'],
	'instance.rotation': ['instances'],
	'rollout.state': ['operations', 'apps'],
	'user.created': ['accounts'],
	'user.updated': ['accounts'],
	'user.deleted': ['accounts'],
	'user.logged_out': ['accounts'],
	'user.break_glass': ['accounts'],
	'grant.created': ['accounts'],
	'grant.deleted': ['accounts'],
	'token.created': ['accounts'],
	'token.revoked': ['accounts'],
	'audit.head': ['audit'],
	'webhook.created': ['webhooks'],
	'webhook.updated': ['webhooks'],
	'webhook.deleted': ['webhooks'],
	'webhook.gave_up': ['webhooks'],
};

const EVERYTHING: Topic[] = ['overview', 'hosts', 'apps', 'versions', 'instances', 'operations', 'vlans', 'addresses', 'images', 'accounts', 'audit', 'teams', 'webhooks'];

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
