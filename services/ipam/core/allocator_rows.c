/* allocator_rows - what the database says of a batch: who was given what, what was changed. */
#include "allocator_internal.h"

#include <string.h>

static void give(request_item *item, uint64_t generation)
{
	subnet *in = item->pick_from;
	item->has_pick = false;
	item->done = item->is_fresh = true;
	item->address = item->pick.address;
	item->generation = generation;
	item->subnet_id = in->id;
	in->counts[ADDRESS_RESERVED]++;
}

void allocator_given(batch *b, uint64_t generation)
{
	for (size_t i = 0; i < b->count; i++) {
		if (b->slots[i].request->is_new && b->slots[i].item->is_asked)
			give(b->slots[i].item, generation);
	}
}

/* The item of a batch that a row of the database is about. */
static batch_slot *find_slot(
    const allocator *a, sot_uuid owner, uint8_t nic, sot_ip address, bool is_acquire, sot_err *err)
{
	char text[SOT_UUID_TEXT];
	request_item named = {.owner = owner, .nic = nic, .is_v6 = address.family == 6};
	item_key key = request_key(&named);
	batch_slot *slot = sot_map_get(a->keys, key.b, sizeof(key.b));
	if (slot && (slot->request->kind == REQUEST_ACQUIRE) == is_acquire)
		return slot;
	(void)sot_fail(err, SOT_INTERNAL, "a row of owner %s, interface %u that nobody asked for",
	    sot_uuid_format(owner, text), nic);
	return NULL;
}

static subnet *subnet_of(allocator *a, const request_item *item, const row_held *row)
{
	if (row->is_fresh && item->has_pick && sot_ip_eq(item->pick.address, row->address))
		return item->pick_from;
	return subnet_part(plan_find_subnet(a->plan, row->subnet_id), row->address);
}

sot_code allocator_held(allocator *a, const row_held *row, sot_err *err)
{
	batch_slot *slot = find_slot(a, row->owner, row->nic, row->address, true, err);
	if (!slot)
		return SOT_INTERNAL;
	request_item *item = slot->item;
	subnet *in = subnet_of(a, item, row);
	if (!in) {
		a->plan_is_stale = true; /* it is asked for again with the plan that knows it */
		return SOT_OK;
	}
	if (item->has_pick && !sot_ip_eq(item->pick.address, row->address))
		address_pool_put_back(item->pick_from->pool, item->pick);
	else if (item->has_pick)
		a->shortened += row->is_fresh && item->is_early;
	item->has_pick = false;
	item->done = true;
	item->is_fresh |= row->is_fresh;
	in->counts[ADDRESS_RESERVED] += row->is_fresh;
	item->address = row->address;
	item->generation = row->generation;
	item->subnet_id = in->id;
	return SOT_OK;
}

sot_code allocator_changed(allocator *a, const row_change *row, sot_err *err)
{
	batch_slot *slot = find_slot(a, row->owner, row->nic, row->address, false, err);
	if (!slot)
		return SOT_INTERNAL;
	request_kind kind = slot->request->kind;
	subnet *in = subnet_part(plan_find_subnet(a->plan, row->subnet_id), row->address);
	slot->item->done = true;
	if (!in)
		return SOT_OK;
	if (row->before != ADDRESS_COOLING && in->counts[row->before] > 0)
		in->counts[row->before]--;
	if (kind == REQUEST_RELEASE)
		address_pool_cool(in->pool, row->address, row->released_unix_ms, row->free_after_unix_ms);
	else
		in->counts[kind == REQUEST_BIND ? ADDRESS_BOUND : ADDRESS_CONFLICT]++;
	return SOT_OK;
}

void allocator_offered(allocator *a, batch *b, sot_uuid subnet_id, sot_ip address,
    int64_t released_unix_ms, int64_t free_after_unix_ms)
{
	subnet *from = subnet_part(plan_find_subnet(a->plan, subnet_id), address);
	for (size_t i = 0; from && i < b->count; i++) {
		request_item *item = b->slots[i].item;
		if (!b->slots[i].request->is_probe || item->done || item->has_pick ||
		    item->is_v6 != subnet_is_v6(from) || strcmp(item->vlan, from->vlan->name) != 0)
			continue;
		item->has_pick = true;
		item->pick_from = from;
		item->pick = (address_pick){address, released_unix_ms, free_after_unix_ms};
		return;
	}
}

void allocator_plan_seen(allocator *a, sot_str stamp)
{
	if (!plan_has_stamp(a->plan, stamp))
		a->plan_is_stale = true;
}
