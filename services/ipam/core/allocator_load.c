/* allocator_load - the allocator's memory of what is in the database. */
#include "allocator_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void allocator_drop_subnets(allocator *a)
{
	for (size_t i = 0; i < a->subnet_count; i++) {
		address_pool_free(a->subnets[i]->pool);
		free(a->subnets[i]);
	}
	a->subnet_count = 0;
}

subnet *allocator_find_subnet(allocator *a, sot_uuid id)
{
	for (size_t i = 0; i < a->subnet_count; i++) {
		if (sot_uuid_eq(a->subnets[i]->id, id))
			return a->subnets[i];
	}
	return NULL;
}

void allocator_load_begin(allocator *a)
{
	allocator_distrust(a);
	allocator_drop_subnets(a);
	a->loads++;
}

void allocator_load_subnet(
    allocator *a, sot_uuid id, sot_str network, uint16_t vlan_id, const network_plan *plan)
{
	if (a->subnet_count == a->subnet_cap) {
		size_t cap = a->subnet_cap ? a->subnet_cap * 2 : 16;
		a->subnets = sot_grow_array(a->subnets, a->subnet_cap, cap, sizeof(*a->subnets));
		a->subnet_cap = cap;
	}
	subnet *s = sot_alloc(sizeof(*s));
	s->id = id;
	(void)snprintf(s->network, sizeof(s->network), "%.*s", SOT_ARG(network));
	s->vlan_id = vlan_id;
	s->plan = *plan;
	s->pool = address_pool_new(plan->first, plan->last);
	address_pool_use(s->pool, plan->gateway);
	a->subnets[a->subnet_count++] = s;
}

sot_code allocator_load_address(allocator *a, sot_uuid subnet_id, uint32_t address, sot_str state,
    int64_t free_after_unix_ms, sot_err *err)
{
	static const char *const unusable[] = {"excluded", "conflict", "suspect"};
	static const char *const used[] = {"reserved", "bound", "static"};
	subnet *s = allocator_find_subnet(a, subnet_id);
	if (!s)
		return sot_fail(err, SOT_INVALID, "an address of a subnet that was not read");
	if (sot_str_eq_c(state, "cooling")) {
		address_pool_cool(s->pool, address, free_after_unix_ms);
		return SOT_OK;
	}
	address_pool_use(s->pool, address);
	for (size_t i = 0; i < 3; i++) {
		if (sot_str_eq_c(state, used[i])) {
			s->used++;
			return SOT_OK;
		}
		if (sot_str_eq_c(state, unusable[i])) {
			s->unusable++;
			return SOT_OK;
		}
	}
	return sot_fail(err, SOT_INVALID, "unknown state '%.*s' of an address", SOT_ARG(state));
}

void allocator_load_end(allocator *a)
{
	a->loaded = true;
	a->wants_load = false;
}

bool allocator_is_loaded(const allocator *a)
{
	return a->loaded;
}

bool allocator_needs_load(const allocator *a)
{
	return !a->loaded || a->wants_load;
}

void allocator_distrust(allocator *a)
{
	a->loaded = false;
	a->wants_load = true;
}

const subnet *allocator_overlap(const allocator *a, const network_plan *plan)
{
	for (size_t i = 0; i < a->subnet_count; i++) {
		const network_plan *other = &a->subnets[i]->plan;
		if (plan->network <= network_plan_broadcast(other) &&
		    other->network <= network_plan_broadcast(plan))
			return a->subnets[i];
	}
	return NULL;
}
