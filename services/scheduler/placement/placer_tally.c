/* Counts by key in a sorted array: small, compact, and in the same order whatever the history. */
#include "placer_internal.h"

#include <stdlib.h>
#include <string.h>

/* Index of the first item whose key is not below `key`. */
static uint32_t lower_bound(const tally *t, uint32_t key)
{
	uint32_t low = 0, high = t->count;

	while (low < high) {
		uint32_t middle = (low + high) / 2;
		if (t->items[middle].key < key) {
			low = middle + 1;
		} else {
			high = middle;
		}
	}
	return low;
}

tally_item *tally_find(const tally *t, uint32_t key)
{
	uint32_t at = lower_bound(t, key);
	return at < t->count && t->items[at].key == key ? &t->items[at] : NULL;
}

static void insert(tally *t, uint32_t at, uint32_t key)
{
	if (t->count == t->cap) {
		uint32_t cap = t->cap ? t->cap * 2 : 4;
		t->items = sot_grow_array(t->items, t->cap, cap, sizeof(*t->items));
		t->cap = cap;
	}
	memmove(&t->items[at + 1], &t->items[at], (t->count - at) * sizeof(*t->items));
	t->items[at] = (tally_item){.key = key};
	t->count++;
}

void tally_add(tally *t, uint32_t key, int32_t count, int32_t leaving)
{
	uint32_t at = lower_bound(t, key);

	if (at == t->count || t->items[at].key != key)
		insert(t, at, key);
	tally_item *item = &t->items[at];
	item->count += (uint32_t)count;
	item->leaving += (uint32_t)leaving;
	assert(item->leaving <= item->count && item->count < UINT32_MAX / 2);
	if (item->count == 0) {
		t->count--;
		memmove(item, item + 1, (t->count - at) * sizeof(*item));
	}
}

void tally_clear(tally *t)
{
	free(t->items);
	*t = (tally){0};
}
