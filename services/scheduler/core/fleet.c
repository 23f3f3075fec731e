/* The model as the placer sees it: what changed is marked by touch_host and touch_instance, and
 * told here before the next placement. Level-triggered: each look compares what is with what the
 * placer was told, so that no path of the model has to tell it everything. */
#include "parts.h"

#include <stdlib.h>
#include <string.h>

/* A name, or a size, and its handle. */
typedef struct fleet_item {
	uint32_t handle;
	/* Of a network: its pools, one per VLAN; the name of that VLAN. */
	struct fleet_pool {
		uint32_t handle;
		char vlan[33];
	} * pools;
	size_t pool_count, pool_cap;
	uint64_t vlans_seen;
	size_t hosts_seen;
} fleet_item;

void fleet_init(controller *c)
{
	placer_config config = {.policy = placer_default_policy()};

	c->fleet.placer = placer_new(&config);
	c->fleet.zones = sot_map_new();
	c->fleet.racks = sot_map_new();
	c->fleet.shapes = sot_map_new();
	c->fleet.networks = sot_map_new();
	sot_list_init(&c->fleet.hosts);
	sot_list_init(&c->fleet.instances);
}

static void free_items(sot_map *map)
{
	sot_map_iter it = {0};
	fleet_item *item;

	while ((item = sot_map_next(map, &it, NULL))) {
		free(item->pools);
		free(item);
	}
	sot_map_free(map);
}

void fleet_clear(controller *c)
{
	free_items(c->fleet.zones);
	free_items(c->fleet.racks);
	free_items(c->fleet.shapes);
	free_items(c->fleet.networks);
	free(c->fleet.by_handle);
	c->fleet.placer = placer_free(c->fleet.placer);
}

/* The item of the key; *ret_new when it was not there: the caller gives it its handle. */
static fleet_item *item_of(sot_map *map, const void *key, size_t key_n, bool *ret_new)
{
	fleet_item *item = sot_map_get(map, key, key_n);

	*ret_new = !item;
	if (!item) {
		item = sot_alloc(sizeof(*item));
		sot_map_set(map, key, key_n, item);
	}
	return item;
}

/* ---- hosts ---- */

/* Racks of different zones are different racks. */
static uint32_t rack_of(controller *c, const host_row *row)
{
	char key[sizeof(row->az) + sizeof(row->rack)] = {0};
	bool is_new;
	fleet_item *zone = item_of(c->fleet.zones, row->az, strlen(row->az), &is_new);

	if (is_new)
		zone->handle = placer_az_add(c->fleet.placer);
	memcpy(key, row->az, sizeof(row->az));
	memcpy(key + sizeof(row->az), row->rack, sizeof(row->rack));
	fleet_item *rack = item_of(c->fleet.racks, key, sizeof(key), &is_new);
	if (is_new)
		rack->handle = placer_rack_add(c->fleet.placer, zone->handle);
	return rack->handle;
}

static placer_state state_of(const host_row *row)
{
	if (row->state == HOST_RETIRED)
		return PLACER_ABSENT;
	if (row->state == HOST_DOCKER_SICK)
		return PLACER_ENGINE_SICK;
	if (row->state != HOST_ONLINE || row->revoked)
		return PLACER_OFFLINE;
	return row->schedulable ? PLACER_OPEN : PLACER_CORDONED;
}

static int32_t bounded(uint64_t amount)
{
	return amount < PLACER_UNLIMITED ? (int32_t)amount : PLACER_UNLIMITED;
}

/* Capacities are cut to whole MiB and needs are raised to them: never more than the rows allow. */
static int32_t mib_of_capacity(uint64_t bytes)
{
	return bounded(bytes >> 20);
}

static int32_t mib_of_need(uint64_t bytes)
{
	return bounded((bytes + (1 << 20) - 1) >> 20);
}

static void sync_host(controller *c, host *h)
{
	const uint32_t rack = rack_of(c, &h->row);
	placer_host_spec spec = placer_host_blank(rack);

	spec.state = state_of(&h->row);
	spec.capacity[PLACER_CPU] = bounded(h->row.cpu_milli);
	spec.overcommit_permille[PLACER_CPU] = HOST_CPU_OVERCOMMIT * 1000;
	spec.capacity[PLACER_MEMORY] = mib_of_capacity(h->row.memory_bytes);
	spec.capacity[PLACER_DISK] = mib_of_capacity(h->row.disk_bytes);
	if (h->handle == PLACER_NONE) {
		h->handle = placer_host_add(c->fleet.placer, &spec);
		*VECTOR_PUSH(c->fleet.by_handle, c->fleet.by_handle_count, c->fleet.by_handle_cap) = h;
	} else if (memcmp(placer_host_spec_of(c->fleet.placer, h->handle), &spec, sizeof(spec)) != 0) {
		placer_host_set(c->fleet.placer, h->handle, &spec);
	}
}

host *fleet_host(const controller *c, uint32_t handle)
{
	return c->fleet.by_handle[handle];
}

/* ---- apps and instances ---- */

static uint32_t shape_of(controller *c, const instance_row *row)
{
	placer_shape_spec spec = {.need = {[PLACER_CPU] = bounded(row->cpu_milli),
	                              [PLACER_MEMORY] = mib_of_need(row->memory_bytes),
	                              [PLACER_DISK] = mib_of_need(row->disk_bytes)}};
	bool is_new;
	fleet_item *shape = item_of(c->fleet.shapes, spec.need, sizeof(spec.need), &is_new);

	if (is_new)
		shape->handle = placer_shape_add(c->fleet.placer, &spec);
	return shape->handle;
}

static struct fleet_pool *pool_of(controller *c, fleet_item *network, const vlan *v)
{
	for (size_t k = 0; k < network->pool_count; k++) {
		if (strcmp(network->pools[k].vlan, v->name) == 0)
			return &network->pools[k];
	}
	struct fleet_pool *pool = VECTOR_PUSH(network->pools, network->pool_count, network->pool_cap);
	memcpy(pool->vlan, v->name, sizeof(pool->vlan));
	pool->handle = placer_pool_add(c->fleet.placer, network->handle, 0);
	network->hosts_seen = 0; /* where it reaches is not told yet */
	return pool;
}

static vlan *wanted_vlan(const controller *c, const char *name, const char *wanted)
{
	vlan *v = sot_map_get(c->vlans.by_name, name, strlen(name));
	return v && vlan_is_wanted(v, wanted) ? v : NULL;
}

/* What is free changes often and costs nothing; reach only with the VLANs and the hosts. */
static void sync_network(controller *c, fleet_item *network, const char *wanted)
{
	placer *p = c->fleet.placer;

	for (sot_link *l = c->vlans.all.next; l != &c->vlans.all; l = l->next) {
		const vlan *v = SOT_CONTAINER(l, vlan, all);
		if (vlan_is_wanted(v, wanted))
			(void)pool_of(c, network, v);
	}
	bool moved =
	    network->vlans_seen != c->vlans.changes || network->hosts_seen != c->fleet.by_handle_count;
	for (size_t k = 0; k < network->pool_count; k++) {
		const struct fleet_pool *pool = &network->pools[k];
		const vlan *v = wanted_vlan(c, pool->vlan, wanted);
		uint64_t left = v ? v->free_v4 : 0;
		placer_pool_set_free(p, pool->handle, left < UINT32_MAX ? (uint32_t)left : UINT32_MAX);
		for (uint32_t h = 0; moved && h < c->fleet.by_handle_count; h++)
			placer_pool_reach(p, pool->handle, h, v && vlan_reaches(v, fleet_host(c, h)));
	}
	network->vlans_seen = c->vlans.changes;
	network->hosts_seen = c->fleet.by_handle_count;
}

static uint32_t network_of(controller *c, const char *wanted)
{
	bool is_new;
	fleet_item *network = item_of(c->fleet.networks, wanted, strlen(wanted), &is_new);

	if (is_new)
		network->handle = placer_network_add(c->fleet.placer);
	sync_network(c, network, wanted);
	return network->handle;
}

/* The app as it is when nothing is asked of it: enough to say what stands where. */
static void know_app(controller *c, app *a, uint32_t shape)
{
	placer_app_spec spec = {.shape = shape, .network = PLACER_NONE, .team = PLACER_NONE};

	for (int level = 0; level < PLACER_LEVELS; level++)
		spec.spread[level].prefer = true;
	if (a->handle == PLACER_NONE)
		a->handle = placer_app_add(c->fleet.placer, &spec);
}

uint32_t fleet_app(controller *c, app *a, const instance *size)
{
	uint32_t shape = shape_of(c, &size->row);

	fleet_sync(c);
	know_app(c, a, shape);
	placer_app_spec spec = *placer_app_spec_of(c->fleet.placer, a->handle);
	uint32_t network = network_of(c, a->row.vlan);
	if (spec.shape != shape || spec.network != network) {
		spec.shape = shape;
		spec.network = network;
		placer_app_set(c->fleet.placer, a->handle, &spec);
	}
	return a->handle;
}

void fleet_forget_instance(controller *c, instance *i)
{
	if (i->handle != PLACER_NONE)
		placer_take(c->fleet.placer, i->handle);
	i->handle = PLACER_NONE;
	sot_list_remove(&i->stale);
}

void fleet_forget_app(controller *c, app *a)
{
	if (a->handle != PLACER_NONE)
		placer_app_remove(c->fleet.placer, a->handle);
	a->handle = PLACER_NONE;
}

static void sync_instance(controller *c, instance *i)
{
	placer *p = c->fleet.placer;
	uint32_t on = i->host ? i->host->handle : PLACER_NONE, shape = shape_of(c, &i->row);

	if (i->handle != PLACER_NONE && placer_instance_host(p, i->handle) != on) {
		placer_take(p, i->handle);
		i->handle = PLACER_NONE;
	}
	if (on == PLACER_NONE)
		return;
	know_app(c, i->app, shape);
	if (i->handle == PLACER_NONE)
		i->handle = placer_put(p, i->app->handle, shape, on);
	placer_resize(p, i->handle, shape);
	if (i->row.desired == SOT_DESIRED_STATE_RETIRED)
		placer_leave(p, i->handle);
}

void fleet_sync(controller *c)
{
	while (!sot_list_empty(&c->fleet.hosts)) {
		host *h = SOT_CONTAINER(c->fleet.hosts.next, host, stale);
		sot_list_remove(&h->stale);
		sync_host(c, h);
	}
	while (!sot_list_empty(&c->fleet.instances)) {
		instance *i = SOT_CONTAINER(c->fleet.instances.next, instance, stale);
		sot_list_remove(&i->stale);
		sync_instance(c, i);
	}
}
