#include "sot_index.h"

#include <assert.h>
#include <stdlib.h>

#include "sot_hash.h"

enum { CAP_MIN = 8 };

struct sot_index {
	sot_index_has has;
	void **items;      /* NULL: free */
	uint32_t *hashes;  /* of the items beside them: few keys are compared in vain */
	size_t count, cap; /* cap: 0, or a power of 2; at most seven eighths of it are used */
};

sot_index *sot_index_new(sot_index_has has)
{
	sot_index *x = sot_alloc(sizeof(*x));
	x->has = has;
	return x;
}

sot_index *sot_index_free(sot_index *x)
{
	if (!x)
		return NULL;
	free(x->items);
	free(x->hashes);
	free(x);
	return NULL;
}

size_t sot_index_count(const sot_index *x)
{
	return x->count;
}

static uint32_t hash_of(sot_str key)
{
	return (uint32_t)sot_hash(key.p, key.n);
}

/* The place of who has the key, or of the gap where it would be. Only while cap > 0. */
static size_t find(const sot_index *x, sot_str key, uint32_t hash)
{
	size_t mask = x->cap - 1, at = hash & mask;
	while (x->items[at] && (x->hashes[at] != hash || !x->has(x->items[at], key)))
		at = (at + 1) & mask;
	return at;
}

static void put(sot_index *x, void *item, uint32_t hash)
{
	size_t mask = x->cap - 1, at = hash & mask;
	while (x->items[at])
		at = (at + 1) & mask;
	x->items[at] = item;
	x->hashes[at] = hash;
}

static void grow(sot_index *x)
{
	sot_index old = *x;
	x->cap = old.cap > 0 ? old.cap * 2 : CAP_MIN;
	assert(x->cap <= UINT32_MAX);
	x->items = sot_alloc_array(x->cap, sizeof(*x->items));
	x->hashes = sot_alloc_array(x->cap, sizeof(*x->hashes));
	for (size_t at = 0; at < old.cap; at++) {
		if (old.items[at])
			put(x, old.items[at], old.hashes[at]);
	}
	free(old.items);
	free(old.hashes);
}

void *sot_index_get(const sot_index *x, sot_str key)
{
	return x->cap > 0 ? x->items[find(x, key, hash_of(key))] : NULL;
}

void *sot_index_set(sot_index *x, sot_str key, void *item)
{
	uint32_t hash = hash_of(key);
	size_t at = x->cap > 0 ? find(x, key, hash) : 0;
	void *before = x->cap > 0 ? x->items[at] : NULL;
	assert(item);
	if (before) {
		x->items[at] = item;
		return before;
	}
	if (x->count + 1 > x->cap - x->cap / 8)
		grow(x);
	put(x, item, hash);
	x->count++;
	return NULL;
}

void *sot_index_remove(sot_index *x, sot_str key)
{
	if (x->cap == 0)
		return NULL;
	size_t mask = x->cap - 1, gap = find(x, key, hash_of(key));
	void *before = x->items[gap];
	if (!before)
		return NULL;
	/* Whoever stands behind the gap and may stand in it moves there. */
	for (size_t at = (gap + 1) & mask; x->items[at]; at = (at + 1) & mask) {
		size_t home = x->hashes[at] & mask;
		if (((at - home) & mask) < ((at - gap) & mask))
			continue;
		x->items[gap] = x->items[at];
		x->hashes[gap] = x->hashes[at];
		gap = at;
	}
	x->items[gap] = NULL;
	x->count--;
	return before;
}
