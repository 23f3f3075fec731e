/* Instances by id, by name and by the addresses that they hold. */
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

	return sot_str_eq_c(key, i->row.name);
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
	sot_index_set(c->instances_by_name, sot_str_c(i->row.name), i);
	index_address(c, i, i->row.v4.address);
	index_address(c, i, instance_v6(i)->address);
}

/* It holds no address any more. */
void model_unindex_instance(controller *c, const instance *i)
{
	sot_index_remove(c->instances, sot_index_key_uuid(&i->row.id));
	sot_index_remove(c->instances_by_name, sot_str_c(i->row.name));
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
