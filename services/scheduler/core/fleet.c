/* The model as the placer sees it: what changed is marked by touch_host and touch_instance, and
 * told here before the next placement. Level-triggered: each look compares what is with what the
 * placer was told, so that no path of the model has to tell it everything. */
#include "fleet_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void fleet_init(controller *c)
{
	placer_config config = {.policy = placer_default_policy()};

	config.policy.load_limit_permille = c->config.load_limit_permille;
	c->fleet.placer = placer_new(&config);
	c->fleet.zones = sot_map_new();
	c->fleet.racks = sot_map_new();
	c->fleet.shapes = sot_map_new();
	c->fleet.networks = sot_map_new();
	sot_list_init(&c->fleet.hosts);
	fleet_rules_init(c);
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
	free_items(c->fleet.tags);
	free_items(c->fleet.teams);
	free_items(c->fleet.named);
	for (size_t k = 0; k < c->fleet.ghost_count; k++) {
		host_row_clear(&c->fleet.ghosts[k]->row);
		free(c->fleet.ghosts[k]);
	}
	free(c->fleet.ghosts);
	free(c->fleet.by_handle);
	c->fleet.placer = placer_free(c->fleet.placer);
}

fleet_item *fleet_item_of(sot_map *map, const void *key, size_t key_n, bool *ret_new)
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
static uint32_t rack_of(controller *c, const char *az, const char *name)
{
	char key[2 * PLAN_MAX_BYTES + 2];
	bool is_new;
	fleet_item *zone = fleet_item_of(c->fleet.zones, az, strlen(az), &is_new);

	if (is_new) {
		zone->handle = placer_az_add(c->fleet.placer);
		c->fleet.catalog++; /* who is pinned to other zones must not come here */
	}
	int n = snprintf(key, sizeof(key), "%s/%s", az, name);
	fleet_item *rack = fleet_item_of(c->fleet.racks, key, (size_t)n, &is_new);
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
	if (row->state == HOST_DRAINING || row->state == HOST_MAINTENANCE)
		return PLACER_CORDONED;
	if (row->state != HOST_ONLINE || row->revoked)
		return PLACER_OFFLINE;
	return row->schedulable ? PLACER_OPEN : PLACER_CORDONED;
}

int32_t fleet_bounded(uint64_t amount)
{
	return amount < PLACER_UNLIMITED ? (int32_t)amount : PLACER_UNLIMITED;
}

int32_t fleet_mib_of_capacity(uint64_t bytes)
{
	return fleet_bounded(bytes >> 20);
}

int32_t fleet_mib_of_need(uint64_t bytes)
{
	return fleet_bounded((bytes + (1 << 20) - 1) >> 20);
}

static void set_dim(placer_host_spec *spec, placer_dim dim, int32_t capacity, int32_t reserve,
    uint32_t overcommit_permille)
{
	spec->capacity[dim] = capacity;
	spec->reserve[dim] = reserve < capacity ? reserve : capacity;
	spec->overcommit_permille[dim] = (int32_t)overcommit_permille;
}

static void set_amounts(const controller *c, const host *h, placer_host_spec *spec)
{
	const host_row *row = &h->row;
	const host_class_row *class = sot_map_get_c(c->host_classes, row->class);

	set_dim(spec, PLACER_CPU, fleet_bounded(row->cpu_milli), fleet_bounded(row->reserve_cpu_milli),
	    row->cpu_overcommit_permille);
	set_dim(spec, PLACER_MEMORY, fleet_mib_of_capacity(row->memory_bytes),
	    fleet_mib_of_need(row->reserve_memory_bytes), row->memory_overcommit_permille);
	set_dim(spec, PLACER_DISK, fleet_mib_of_capacity(row->disk_bytes),
	    fleet_mib_of_need(row->reserve_disk_bytes), row->disk_overcommit_permille);
	if (row->max_instances)
		spec->capacity[PLACER_INSTANCES] = fleet_bounded(row->max_instances);
	if (class && class->max_starts)
		spec->capacity[PLACER_STARTS] =
		    fleet_bounded(load_is_fresh(c, h) ? (class->max_starts + 3) / 4 : class->max_starts);
}

static void sync_host(controller *c, host *h)
{
	const uint32_t rack = rack_of(c, h->row.az, h->row.rack);
	placer_host_spec spec = placer_host_blank(rack);

	spec.state = state_of(&h->row);
	set_amounts(c, h, &spec);
	fleet_host_tags(c, &h->row, &spec);
	load_predict(h, spec.load_permille);
	if (h->handle == PLACER_NONE) {
		h->handle = placer_host_add(c->fleet.placer, &spec);
		*VECTOR_PUSH(c->fleet.by_handle, c->fleet.by_handle_count, c->fleet.by_handle_cap) = h;
		c->fleet.present += spec.state != PLACER_ABSENT;
		return;
	}
	const placer_host_spec *known = placer_host_spec_of(c->fleet.placer, h->handle);
	c->fleet.present += spec.state != PLACER_ABSENT;
	c->fleet.present -= known->state != PLACER_ABSENT;
	if (memcmp(known, &spec, sizeof(spec)) != 0)
		placer_host_set(c->fleet.placer, h->handle, &spec);
}

/* ---- hosts that are not there ---- */

/* One that no question uses now, of that rack; or a new one. */
static uint32_t ghost_of(
    controller *c, const char *az, const char *rack_name, uint32_t rack, uint32_t *next)
{
	placer *p = c->fleet.placer;
	placer_host_spec spec = placer_host_blank(rack);

	for (; *next < c->fleet.ghost_count; ++*next) {
		uint32_t handle = c->fleet.ghosts[*next]->handle;
		if (placer_host_spec_of(p, handle)->rack == rack) {
			++*next;
			return handle;
		}
	}
	host *ghost = sot_alloc(sizeof(*ghost));
	(void)snprintf(ghost->row.name, sizeof(ghost->row.name), "new-%zu", ++c->fleet.ghost_count);
	host_row_init(&ghost->row);
	shared_set(&ghost->row.az, c->shared, sot_str_c(az));
	shared_set(&ghost->row.rack, c->shared, sot_str_c(rack_name));
	spec.state = PLACER_ABSENT;
	ghost->handle = placer_host_add(p, &spec);
	*VECTOR_PUSH(c->fleet.by_handle, c->fleet.by_handle_count, c->fleet.by_handle_cap) = ghost;
	c->fleet.ghosts =
	    sot_grow_array(c->fleet.ghosts, *next, c->fleet.ghost_count, sizeof(*c->fleet.ghosts));
	c->fleet.ghosts[(*next)++] = ghost;
	return ghost->handle;
}

uint32_t fleet_ghosts(
    controller *c, const char *az, const char *rack_name, uint32_t count, uint32_t *ret_handles)
{
	uint32_t rack = rack_of(c, az, rack_name), next = 0;

	for (uint32_t k = 0; k < count; k++)
		ret_handles[k] = ghost_of(c, az, rack_name, rack, &next);
	return rack;
}

host *fleet_host(const controller *c, uint32_t handle)
{
	return c->fleet.by_handle[handle];
}

/* ---- apps and instances ---- */

uint32_t fleet_shape(controller *c, uint64_t cpu_milli, uint64_t memory_bytes, uint64_t disk_bytes)
{
	placer_shape_spec spec = {.need = {[PLACER_CPU] = fleet_bounded(cpu_milli),
	                              [PLACER_MEMORY] = fleet_mib_of_need(memory_bytes),
	                              [PLACER_DISK] = fleet_mib_of_need(disk_bytes)}};
	bool is_new;
	fleet_item *shape = fleet_item_of(c->fleet.shapes, spec.need, sizeof(spec.need), &is_new);

	if (is_new)
		shape->handle = placer_shape_add(c->fleet.placer, &spec);
	return shape->handle;
}

uint32_t fleet_shape_of_plan(controller *c, const plan_row *plan)
{
	return fleet_shape(c, plan->cpu_milli, plan->memory_bytes, plan->disk_bytes);
}

static uint32_t shape_of(controller *c, const instance_make *make)
{
	return fleet_shape(c, make->cpu_milli, make->memory_bytes, make->disk_bytes);
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

const char *fleet_vlan(const controller *c, const app *a, uint32_t pool)
{
	const fleet_item *network = sot_map_get(c->fleet.networks, a->row.vlan, strlen(a->row.vlan));

	for (size_t k = 0; network && k < network->pool_count; k++) {
		if (network->pools[k].handle == pool)
			return network->pools[k].vlan;
	}
	return "";
}

void fleet_addresses_left(const controller *c, const app *a, sot_buf *out)
{
	const fleet_item *network = sot_map_get_c(c->fleet.networks, a->row.vlan);
	const char *separator = "";

	sot_buf_add_c(out, "[");
	for (size_t k = 0; network && k < network->pool_count; k++) {
		const struct fleet_pool *pool = &network->pools[k];
		if (!wanted_vlan(c, pool->vlan, a->row.vlan))
			continue;
		sot_buf_printf(out, "%s{\"vlan\":\"%s\",\"free\":%u}", separator, pool->vlan,
		    placer_pool_free(c->fleet.placer, pool->handle));
		separator = ",";
	}
	sot_buf_add_c(out, "]");
}

static uint32_t network_of(controller *c, const char *wanted)
{
	bool is_new;
	fleet_item *network = fleet_item_of(c->fleet.networks, wanted, strlen(wanted), &is_new);

	if (is_new)
		network->handle = placer_network_add(c->fleet.placer);
	sync_network(c, network, wanted);
	return network->handle;
}

uint32_t fleet_app(controller *c, app *a, const instance_make *size)
{
	uint32_t shape = shape_of(c, size);

	fleet_sync(c);
	fleet_know_app(c, a, shape);
	fleet_tell_rules(c);
	fleet_sync(c); /* words that got a number just now, on their hosts */
	placer_app_spec spec = *placer_app_spec_of(c->fleet.placer, a->handle);
	uint32_t network = network_of(c, a->row.vlan);
	if (spec.shape != shape || spec.network != network) {
		spec.shape = shape;
		spec.network = network;
		placer_app_set(c->fleet.placer, a->handle, &spec);
	}
	return a->handle;
}

static void take(placer *p, uint32_t *handle)
{
	if (*handle != PLACER_NONE)
		placer_take(p, *handle);
	*handle = PLACER_NONE;
}

void fleet_lift_instance(controller *c, instance *i)
{
	take(c->fleet.placer, &i->handle);
	if (i->errand)
		take(c->fleet.placer, &i->errand->target_handle);
}

void fleet_forget_instance(controller *c, instance *i)
{
	fleet_lift_instance(c, i);
	instances_unmark(&c->fleet.instances, &i->stale_at);
}

void fleet_stands_anew(controller *c, instance *i)
{
	take(c->fleet.placer, &i->handle);
	touch_instance(c, i);
}

void fleet_forget_app(controller *c, app *a)
{
	if (a->handle != PLACER_NONE)
		placer_app_remove(c->fleet.placer, a->handle);
	a->handle = PLACER_NONE;
}

/* One of the two places that an instance may book: its host, and where it moves to. */
static void sync_standing(
    placer *p, const instance *i, uint32_t *handle, uint32_t on, uint32_t shape)
{
	if (*handle != PLACER_NONE && placer_instance_host(p, *handle) != on)
		take(p, handle);
	if (on == PLACER_NONE)
		return;
	if (*handle == PLACER_NONE)
		*handle = placer_put(p, i->app->handle, shape, on);
	placer_resize(p, *handle, shape);
}

static void sync_instance(controller *c, instance *i)
{
	placer *p = c->fleet.placer;
	uint32_t on = i->host ? i->host->handle : PLACER_NONE, shape = shape_of(c, i->row.make);

	fleet_know_app(c, i->app, shape);
	if (i->errand)
		sync_standing(p, i, &i->errand->target_handle,
		    instance_target(i) ? instance_target(i)->handle : PLACER_NONE, shape);
	sync_standing(p, i, &i->handle, on, shape);
	if (on != PLACER_NONE && (instance_target(i) || i->row.desired == SOT_DESIRED_STATE_RETIRED))
		placer_leave(p, i->handle);
	if (on != PLACER_NONE && !instance_is_starting(i))
		placer_started(p, i->handle);
}

void fleet_sync(controller *c)
{
	while (!sot_list_empty(&c->fleet.hosts)) {
		host *h = SOT_CONTAINER(c->fleet.hosts.next, host, stale);
		sot_list_remove(&h->stale);
		sync_host(c, h);
	}
	for (size_t k = 0; k < c->fleet.instances.count; k++) { /* more may be marked meanwhile */
		instance *i = c->fleet.instances.items[k];
		if (!i)
			continue;
		i->stale_at = 0;
		sync_instance(c, i);
	}
	instances_unmark_all(&c->fleet.instances);
}

void fleet_begin(controller *c)
{
	uint32_t hosts = (uint32_t)sot_index_count(c->hosts);
	uint32_t instances = (uint32_t)sot_index_count(c->instances);

	/* An eighth to spare: the next one that comes does not double them. */
	placer_reserve(c->fleet.placer, hosts + hosts / 8 + 8, instances + instances / 8 + 8);
	fleet_sync(c);
}

/* ---- moves ---- */

/* The pool that its address is of: where that reaches, a move needs no other one. */
static void know_pool(controller *c, const instance *i)
{
	const fleet_item *network = sot_map_get_c(c->fleet.networks, i->app->row.vlan);

	for (size_t k = 0; network && k < network->pool_count; k++) {
		if (strcmp(network->pools[k].vlan, i->row.make->vlan) == 0)
			placer_address_is_of(c->fleet.placer, i->handle, network->pools[k].handle);
	}
}

void fleet_prepare_move(controller *c, instance *i)
{
	(void)fleet_app(c, i->app, i->row.make);
	know_pool(c, i);
}

void fleet_describe_obstacles(const instance *i, const host *h, uint32_t obstacles, sot_buf *why)
{
	const char *between = "";

	sot_buf_printf(why, "%s does not fit %s: ", i->name, h->row.name);
	for (uint32_t reason = 0; reason < PLACER_REASONS; reason++) {
		if (!(obstacles >> reason & 1))
			continue;
		sot_buf_printf(why, "%s%s", between, placer_reason_name(reason));
		between = ", ";
	}
}

/* Inside a what-if: the instance does not stand where it does. */
static host *try_wanted(controller *c, instance *i, host *wanted, sot_buf *why)
{
	placer *p = c->fleet.placer;
	const vlan *held = sot_map_get_c(c->vlans.by_name, i->row.make->vlan);

	placer_take(p, i->handle);
	uint32_t obstacles = placer_obstacles(p, i->app->handle, wanted->handle);
	if (held && vlan_reaches(held, wanted))
		obstacles &= ~(1u << PLACER_REASON_ADDRESSES);
	if (obstacles == 0)
		return wanted;
	fleet_describe_obstacles(i, wanted, obstacles, why);
	return NULL;
}

static host *try_best(controller *c, instance *i, sot_buf *why)
{
	placer *p = c->fleet.placer;
	placer_refusal refusal = {0};

	/* Full, not closed: its zone still counts for the skew. */
	placer_host_spec full = *placer_host_spec_of(p, i->host->handle);
	full.capacity[PLACER_INSTANCES] = 0;
	placer_host_set(p, i->host->handle, &full);
	uint32_t handle = placer_move_instance(p, i->handle);
	if (handle != PLACER_NONE)
		return fleet_host(c, handle);
	placer_take(p, i->handle);
	placer_refuse(p, i->app->handle, &refusal);
	sot_buf_printf(why, "another host for %s: ", i->name);
	placer_refusal_text(&refusal, why);
	return NULL;
}

host *fleet_choose_move(controller *c, instance *i, host *wanted, sot_buf *why)
{
	(void)fleet_app(c, i->app, i->row.make);
	know_pool(c, i);
	placer_mark mark = placer_begin(c->fleet.placer);
	host *found = wanted ? try_wanted(c, i, wanted, why) : try_best(c, i, why);
	placer_rollback(c->fleet.placer, mark);
	return found;
}

/* Inside a what-if: the instance moves, or its refusal is written down. */
static void plan_one(controller *c, planned *at)
{
	placer *p = c->fleet.placer;
	placer_refusal refusal = {0};
	sot_buf why;

	uint32_t handle = placer_move_instance(p, at->i->handle);
	if (handle != PLACER_NONE) {
		at->to = fleet_host(c, handle);
		return;
	}
	placer_refuse(p, at->i->app->handle, &refusal);
	model_text_init(&why);
	placer_refusal_text(&refusal, &why);
	model_copy_text(at->why, sizeof(at->why), sot_buf_str(&why));
	sot_buf_clear(&why);
}

void fleet_plan_drain(
    controller *c, host *const *hosts, size_t host_count, planned *items, size_t count)
{
	placer *p = c->fleet.placer;

	fleet_sync(c);
	for (size_t k = 0; k < count; k++) { /* apps and networks are no part of a what-if */
		(void)fleet_app(c, items[k].i->app, items[k].i->row.make);
		know_pool(c, items[k].i);
	}
	placer_mark mark = placer_begin(p);
	for (size_t k = 0; k < host_count; k++) {
		if (placer_host_spec_of(p, hosts[k]->handle)->state == PLACER_OPEN)
			placer_host_set_state(p, hosts[k]->handle, PLACER_CORDONED);
	}
	for (size_t k = 0; k < count; k++) {
		if (!items[k].is_kept)
			plan_one(c, &items[k]);
	}
	placer_rollback(p, mark);
}

host *fleet_choose(controller *c, instance *i)
{
	placer *p = c->fleet.placer;
	uint32_t handle, app_handle = fleet_app(c, i->app, i->row.make);
	placer_mark mark = placer_begin(p);

	if (i->handle != PLACER_NONE)
		placer_take(p, i->handle);
	handle = placer_choose(p, app_handle);
	placer_rollback(p, mark);
	return handle == PLACER_NONE ? NULL : fleet_host(c, handle);
}
