/* allocator_request - requests as such: made, filled in, looked through for doubles. */
#include "allocator_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FEW_ITEMS = 8 }; /* so few are compared faster than hashed */

request *request_new(request_kind kind, size_t count)
{
	request *r = sot_alloc(sizeof(*r));
	sot_list_init(&r->link);
	r->kind = kind;
	r->count = count;
	r->items = sot_alloc_array(count ? count : 1, sizeof(*r->items));
	return r;
}

request *request_new_wants(size_t count)
{
	request *r = request_new(REQUEST_ACQUIRE, 2 * count);
	r->count = 0;
	return r;
}

void request_want(request *r, const sot_address_want *want)
{
	request_item item = {.owner = want->owner, .nic = want->nic};
	(void)snprintf(item.vlan, sizeof(item.vlan), "%.*s", SOT_ARG(want->vlan));
	r->items[r->count++] = item;
	if (want->families == SOT_IP_FAMILIES_V4)
		return;
	item.is_v6 = true;
	item.is_dispensable = want->families == SOT_IP_FAMILIES_AVAILABLE;
	r->items[r->count++] = item;
}

request *request_free(request *r)
{
	if (!r)
		return NULL;
	sot_list_remove(&r->link);
	free(r->items);
	free(r);
	return NULL;
}

item_key request_key(const request_item *item)
{
	item_key key;
	memcpy(key.b, item->owner.b, 16);
	key.b[16] = item->nic;
	key.b[17] = item->is_v6;
	return key;
}

static const request_item *find_double_among_few(const request *r)
{
	for (size_t i = 1; i < r->count; i++) {
		item_key key = request_key(&r->items[i]);
		for (size_t k = 0; k < i; k++) {
			item_key other = request_key(&r->items[k]);
			if (memcmp(key.b, other.b, sizeof(key.b)) == 0)
				return &r->items[i];
		}
	}
	return NULL;
}

const request_item *request_find_double(const request *r)
{
	if (r->count <= FEW_ITEMS)
		return find_double_among_few(r);
	SOT_AUTO(sot_map) seen = sot_map_new();
	for (size_t i = 0; i < r->count; i++) {
		item_key key = request_key(&r->items[i]);
		if (sot_map_set(seen, key.b, sizeof(key.b), &r->items[i]))
			return &r->items[i];
	}
	return NULL;
}
