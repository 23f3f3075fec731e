/* Counts by key in a sorted array: small, compact, and in the same order whatever the history. */
#include "placer_internal.h"

#include <stdlib.h>
#include <string.h>

uint32_t tally_lower_bound(const tally *t, uint32_t key)
{
	uint32_t low = 0, high = t->count;

	while (low < high) {
		uint32_t middle = (low + high) / 2;
		if (t->keys[middle] < key) {
			low = middle + 1;
		} else {
			high = middle;
		}
	}
	return low;
}

uint32_t tally_find(const tally *t, uint32_t key)
{
	uint32_t at = tally_lower_bound(t, key);
	return at < t->count && t->keys[at] == key ? at : PLACER_NONE;
}

static void grow(tally *t)
{
	tally next = *t;

	next.cap = t->cap ? t->cap * 2 : 4;
	next.keys = sot_alloc_array(next.cap, TALLY_ITEM_BYTES);
	for (uint32_t part = 0; t->count > 0 && part < 3; part++)
		memcpy(next.keys + part * next.cap, t->keys + part * t->cap, t->count * sizeof(uint32_t));
	free(t->keys);
	*t = next;
}

/* Room for one more at this index, or none for the one that is there; in the parts that are used.
 */
static void move(tally *t, uint32_t at, bool makes_room)
{
	uint32_t parts = t->leaving > 0 ? 3 : 2;

	for (uint32_t part = 0; part < parts; part++) {
		uint32_t *own = t->keys + part * t->cap + at;
		uint32_t behind = t->count - at;
		if (makes_room) {
			memmove(own + 1, own, behind * sizeof(*own));
			*own = 0;
		} else {
			memmove(own, own + 1, (behind - 1) * sizeof(*own));
			own[behind - 1] = 0;
		}
	}
}

void tally_add(tally *t, uint32_t key, int32_t count, int32_t leaving)
{
	uint32_t at = tally_lower_bound(t, key);

	if (at == t->count || t->keys[at] != key) {
		if (t->count == t->cap)
			grow(t);
		move(t, at, true);
		t->keys[at] = key;
		t->count++;
	}
	uint32_t *counted = &t->keys[t->cap + at];
	*counted += (uint32_t)count;
	if (leaving != 0) {
		t->keys[2 * t->cap + at] += (uint32_t)leaving;
		t->leaving += (uint32_t)leaving;
	}
	assert(tally_staying_at(t, at) <= *counted && *counted < UINT32_MAX / 2);
	if (*counted == 0) {
		move(t, at, false);
		t->count--;
	}
}

void tally_clear(tally *t)
{
	free(t->keys);
	*t = (tally){0};
}
