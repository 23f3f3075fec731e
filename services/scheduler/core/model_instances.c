/* Instances as they are kept, and found by id, name and address. */
#include "parts.h"

#include <stdlib.h>
#include <string.h>

/* ---- what they are found by ---- */

static bool has_id(const void *item, sot_str key)
{
	const instance *i = item;

	return sot_str_eq(sot_index_key_uuid(&i->row.id), key);
}

static bool has_name(const void *item, sot_str key)
{
	const instance *i = item;

	return sot_str_eq_c(key, i->name);
}

#define ADDRESS_KEY 18
static sot_str address_key(uint8_t dst[static ADDRESS_KEY], uint16_t vrf, sot_ip address)
{
	dst[0] = (uint8_t)vrf;
	dst[1] = (uint8_t)(vrf >> 8);
	memcpy(dst + 2, address.b, sizeof(address.b));
	if (address.family == 4)
		dst[17] =
		    4; /* the bytes after an IPv4 address are 0; ::4 with no network is none of ours */
	return (sot_str){(const char *)dst, ADDRESS_KEY};
}

static bool has_address(const void *item, sot_str key)
{
	const instance *i = item;
	uint8_t v4[ADDRESS_KEY], v6[ADDRESS_KEY];

	return sot_str_eq(address_key(v4, i->row.make->net->vrf, i->row.v4.address), key) ||
	       sot_str_eq(address_key(v6, i->row.make->net->vrf, instance_v6(i)->address), key);
}

/* ---- the indexes ---- */

void model_init_instances(controller *c)
{
	c->instances = sot_index_new(has_id);
	c->instances_by_name = sot_index_new(has_name);
	c->by_address = sot_index_new(has_address);
}

void model_clear_instances(controller *c)
{
	sot_index_free(c->instances);
	sot_index_free(c->instances_by_name);
	sot_index_free(c->by_address);
}

instance *model_find_instance(const controller *c, sot_uuid id)
{
	return sot_index_get(c->instances, sot_index_key_uuid(&id));
}

instance *model_find_instance_named(const controller *c, sot_str name)
{
	return sot_index_get(c->instances_by_name, name);
}

instance *model_next_instance(const controller *c, instance_iter *it)
{
	if (!it->app)
		it->app = &c->all_apps;
	while (it->app == &c->all_apps ||
	       it->instance->next == &SOT_CONTAINER(it->app, app, all)->instances) {
		it->app = it->app->next;
		if (it->app == &c->all_apps)
			return NULL;
		it->instance = &SOT_CONTAINER(it->app, app, all)->instances;
	}
	it->instance = it->instance->next;
	return SOT_CONTAINER(it->instance, instance, of_app);
}

instance *model_address_holder(const controller *c, uint16_t vrf, sot_ip address)
{
	uint8_t key[ADDRESS_KEY];

	return sot_index_get(c->by_address, address_key(key, vrf, address));
}

static void index_address(controller *c, instance *i, sot_ip address)
{
	uint8_t key[ADDRESS_KEY];

	if (!sot_ip_is_none(address))
		sot_index_set(c->by_address, address_key(key, i->row.make->net->vrf, address), i);
}

void model_index_instance(controller *c, instance *i)
{
	sot_index_set(c->instances, sot_index_key_uuid(&i->row.id), i);
	sot_index_set(c->instances_by_name, sot_str_c(i->name), i);
	index_address(c, i, i->row.v4.address);
	index_address(c, i, instance_v6(i)->address);
}

/* It holds no address any more. */
void model_unindex_instance(controller *c, const instance *i)
{
	sot_index_remove(c->instances, sot_index_key_uuid(&i->row.id));
	sot_index_remove(c->instances_by_name, sot_str_c(i->name));
}

const held_address *instance_v6(const instance *i)
{
	static const held_address none;

	return i->v6 ? i->v6 : &none;
}

static void set_v6(instance *i, const held_address *next)
{
	if (sot_ip_is_none(next->address)) {
		free(i->v6);
		i->v6 = NULL;
		return;
	}
	if (!i->v6)
		i->v6 = sot_alloc(sizeof(*i->v6));
	*i->v6 = *next;
}

void model_set_address(controller *c, instance *i, int family, const held_address *next)
{
	sot_ip before = family == 4 ? i->row.v4.address : instance_v6(i)->address;
	uint8_t key[ADDRESS_KEY];

	if (!sot_ip_is_none(before))
		sot_index_remove(c->by_address, address_key(key, i->row.make->net->vrf, before));
	if (family == 4)
		i->row.v4 = *next;
	else
		set_v6(i, next);
	index_address(c, i, next->address);
	touch_instance(c, i);
}

bool model_holds_address(const instance *i)
{
	return !sot_ip_is_none(i->row.v4.address) || !sot_ip_is_none(instance_v6(i)->address);
}

/* ---- rows ---- */

instance *model_add_instance(controller *c, app *a, const instance_row *row)
{
	size_t name_size = strlen(row->name) + 1, size = offsetof(instance, name) + name_size;
	instance *i = sot_alloc(size > sizeof(*i) ? size : sizeof(*i));

	memcpy(i->name, row->name, name_size);
	i->row = (instance_kept){
	    .id = row->id,
	    .make = row->make,
	    .v4 = row->v4,
	    .generation = row->generation,
	    .observed_generation = row->observed_generation,
	    .created_unix_ms = row->created_unix_ms,
	    .number = row->number,
	    .restart_seq = row->restart_seq,
	    .rebuild_seq = row->rebuild_seq,
	    .observed_restart_seq = row->observed_restart_seq,
	    .restarts = row->restarts,
	    .state = row->state,
	    .health = row->health,
	    .desired = row->desired,
	    .mac = row->mac,
	    .has_container = row->container.length > 0,
	    .has_run = row->started_unix_ms != 0,
	};
	if (!sot_ip_is_none(row->v6.address)) {
		i->v6 = sot_alloc(sizeof(*i->v6));
		*i->v6 = row->v6;
	}
	i->app = a;
	sot_list_init(&i->of_host);
	i->handle = PLACER_NONE;
	instances_mark(&c->fleet.instances, i, &i->stale_at);
	sot_list_push(&a->instances, &i->of_app);
	model_index_instance(c, i);
	return i;
}

instance_row instance_row_of(const instance *i, sot_wall now)
{
	const errand *e = errand_read(i);
	const instance_kept *kept = &i->row;

	return (instance_row){
	    .id = kept->id,
	    .make = kept->make,
	    .name = i->name,
	    .host_id = model_host_id(i->host),
	    .moving_to = model_host_id(e->target),
	    .decision_id = e->decision_id,
	    .v4 = kept->v4,
	    .v6 = *instance_v6(i),
	    .generation = kept->generation,
	    .observed_generation = kept->observed_generation,
	    .observed_unix_ms = e->observed_unix_ms,
	    .started_unix_ms = e->started_unix_ms,
	    .created_unix_ms = kept->created_unix_ms,
	    .updated_unix_ms = now.unix_ms,
	    .number = kept->number,
	    .restart_seq = kept->restart_seq,
	    .rebuild_seq = kept->rebuild_seq,
	    .observed_restart_seq = kept->observed_restart_seq,
	    .restarts = kept->restarts,
	    .state = kept->state,
	    .health = kept->health,
	    .desired = kept->desired,
	    .container = e->container,
	    .mac = kept->mac,
	};
}
