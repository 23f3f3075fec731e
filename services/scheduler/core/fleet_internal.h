/* fleet_internal - what fleet.c and fleet_rules.c share. Private to them. */
#ifndef SCHEDULER_FLEET_INTERNAL_H
#define SCHEDULER_FLEET_INTERNAL_H

#include "parts.h"

/* A name, or a size, and its handle. */
typedef struct fleet_item {
	uint32_t handle;
	/* Of a network: its pools, one per VLAN; the name of that VLAN. */
	struct fleet_pool {
		uint32_t handle;
		char vlan[VLAN_REF_MAX];
	} * pools;
	size_t pool_count, pool_cap;
	uint64_t vlans_seen;
	size_t hosts_seen;
} fleet_item;

/* The item of the key; *ret_new when it was not there: the caller gives it its handle. */
fleet_item *fleet_item_of(sot_map *map, const void *key, size_t key_n, bool *ret_new);
/* Capacities are cut to whole MiB and needs are raised to them: never more than the rows allow. */
int32_t fleet_bounded(uint64_t amount);
int32_t fleet_mib_of_capacity(uint64_t bytes);
int32_t fleet_mib_of_need(uint64_t bytes);
uint32_t fleet_shape(controller *c, uint64_t cpu_milli, uint64_t memory_bytes, uint64_t disk_bytes);

/* ---- fleet_rules.c ---- */
void fleet_rules_init(controller *c);
/* The tags of a host as the placer numbers them, and what it repels. */
void fleet_host_tags(controller *c, const host_row *row, placer_host_spec *spec);
/* The app is in the placer from now on, with its rules; of that size when it was not there. */
void fleet_know_app(controller *c, app *a, uint32_t shape);
/* Quotas, mixing and relations, when they changed. */
void fleet_tell_rules(controller *c);

#endif
