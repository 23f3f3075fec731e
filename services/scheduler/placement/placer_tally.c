/* Counts by key in a sorted array: small, compact, and in the same order whatever the history. */
#include "placer_internal.h"

#include <stdlib.h>
#include <string.h>

/* Without branches that depend on keys: they would be guessed wrong every other time. */
uint32_t tally_lower_bound(const tally *t, uint32_t key)
{
	const uint32_t *base = t->keys;
	uint32_t n = t->count;

	if (n == 0)
		return 0;
	while (n > 1) {
		uint32_t half = n / 2;
		base += -(uint32_t)(base[half - 1] < key) & half;
		n -= half;
	}
	return (uint32_t)(base - t->keys) + (*base < key);
}

uint32_t tally_find(const tally *t, uint32_t key)
{
	uint32_t at = tally_lower_bound(t, key);
	return at < t->count && t->keys[at] == key ? at : PLACER_NONE;
}

static void set_room(tally *t, uint32_t cap, uint32_t parts)
{
	tally next = *t;

	next.cap = cap;
	next.parts = parts;
	next.keys = sot_alloc_array((size_t)cap * parts, sizeof(*next.keys));
	for (uint32_t part = 0; t->count > 0 && part < t->parts; part++)
		memcpy(next.keys + part * cap, t->keys + part * t->cap, t->count * sizeof(uint32_t));
	for (uint32_t i = 0; t->parts == 1 && parts > 1 && i < t->count; i++)
		next.keys[cap + i] = 1;
	free(t->keys);
	*t = next;
}

/* Room for one more at this index, or none for the one that is there; in the parts that are used.
 */
static void move(tally *t, uint32_t at, bool makes_room)
{
	uint32_t parts = t->parts == 3 && t->leaving == 0 ? 2 : t->parts;

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
	bool is_new = at == t->count || t->keys[at] != key;
	bool is_plain = count == (is_new ? 1 : -1); /* none there before or none there after */
	uint32_t parts = leaving != 0 ? 3 : is_plain ? 1 : 2;
	bool is_full = is_new && t->count == t->cap;

	if (is_full || parts > t->parts) {
		uint32_t cap = !is_full ? t->cap : t->cap > 0 ? t->cap * 2 : 4;
		set_room(t, cap, parts > t->parts ? parts : t->parts);
	}
	if (is_new) {
		move(t, at, true);
		t->keys[at] = key;
		t->count++;
	}
	if (t->parts > 1) {
		uint32_t *counted = &t->keys[t->cap + at];
		*counted += (uint32_t)count;
		assert(*counted < UINT32_MAX / 2);
	}
	if (leaving != 0) {
		t->keys[2 * t->cap + at] += (uint32_t)leaving;
		t->leaving += (uint32_t)leaving;
	}
	assert(tally_staying_at(t, at) <= tally_count_at(t, at));
	if (t->parts > 1 ? t->keys[t->cap + at] == 0 : !is_new) {
		move(t, at, false);
		t->count--;
	}
}

void tally_clear(tally *t)
{
	free(t->keys);
	*t = (tally){0};
}
