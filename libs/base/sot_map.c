/* A hash map that keeps the order of insertion: a dense array of entries, and an index of open
 * addressing into it (the layout of Python's dict). The order does not depend on the hash, so the
 * hash can be keyed at random against flooding while cores stay deterministic.
 */
#include "sot_map.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "sot_hash.h"

#define KEY_INLINE 16u
#define CAP_MIN 8u
#define SLOT_FREE 0u
#define SLOT_REMOVED UINT32_MAX

typedef struct entry {
	void *value; /* NULL: removed */
	uint32_t hash, key_n;
	union {
		char here[KEY_INLINE];
		char *heap; /* when key_n > KEY_INLINE */
	} key;
} entry;

struct sot_map {
	entry *entries;
	size_t used, live, cap; /* used counts removed entries too */
	uint32_t *slots;        /* 2 * cap, a power of 2; entry number + 1 */
};

static const char *entry_key(const entry *e)
{
	return e->key_n > KEY_INLINE ? e->key.heap : e->key.here;
}

static void entry_drop(entry *e)
{
	if (e->key_n > KEY_INLINE)
		free(e->key.heap);
	*e = (entry){.value = NULL};
}

sot_map *sot_map_new(void)
{
	return sot_alloc(sizeof(sot_map));
}

sot_map *sot_map_free(sot_map *m)
{
	if (!m)
		return NULL;
	for (size_t i = 0; i < m->used; i++)
		entry_drop(&m->entries[i]);
	free(m->entries);
	free(m->slots);
	free(m);
	return NULL;
}

size_t sot_map_count(const sot_map *m)
{
	return m->live;
}

/* The slot that names the key's entry, or NULL. */
static uint32_t *find(const sot_map *m, const void *key, size_t key_n, uint32_t hash)
{
	size_t mask = m->cap * 2 - 1;
	if (m->cap == 0)
		return NULL;
	for (size_t i = (size_t)hash & mask; m->slots[i] != SLOT_FREE; i = (i + 1) & mask) {
		if (m->slots[i] == SLOT_REMOVED)
			continue;
		const entry *e = &m->entries[m->slots[i] - 1];
		if (e->hash == hash && e->key_n == key_n &&
		    (key_n == 0 || memcmp(entry_key(e), key, key_n) == 0))
			return &m->slots[i];
	}
	return NULL;
}

static void index_entry(sot_map *m, size_t number)
{
	size_t mask = m->cap * 2 - 1;
	size_t i = (size_t)m->entries[number].hash & mask;
	while (m->slots[i] != SLOT_FREE)
		i = (i + 1) & mask;
	m->slots[i] = (uint32_t)number + 1;
}

/* Closes the gaps of removed entries, doubles when more than half are alive, indexes anew. */
static void make_room(sot_map *m)
{
	size_t n = 0;
	for (size_t i = 0; i < m->used; i++)
		if (m->entries[i].value)
			m->entries[n++] = m->entries[i];
	m->used = n;
	size_t cap = m->cap == 0 ? CAP_MIN : n > m->cap / 2 ? m->cap * 2 : m->cap;
	assert(cap < UINT32_MAX / 4);
	m->entries = sot_grow_array(m->entries, n, cap, sizeof(entry));
	m->cap = cap;
	free(m->slots);
	m->slots = sot_alloc_array(cap * 2, sizeof(*m->slots));
	for (size_t i = 0; i < n; i++)
		index_entry(m, i);
}

void *sot_map_get(const sot_map *m, const void *key, size_t key_n)
{
	const uint32_t *slot = find(m, key, key_n, (uint32_t)sot_hash(key, key_n));
	return slot ? m->entries[*slot - 1].value : NULL;
}

void *sot_map_set(sot_map *m, const void *key, size_t key_n, void *value)
{
	assert(value && key_n <= UINT32_MAX);
	uint32_t hash = (uint32_t)sot_hash(key, key_n);
	const uint32_t *slot = find(m, key, key_n, hash);
	if (slot) {
		entry *e = &m->entries[*slot - 1];
		void *old = e->value;
		e->value = value;
		return old;
	}
	if (m->used == m->cap)
		make_room(m);
	entry *e = &m->entries[m->used];
	*e = (entry){.value = value, .hash = hash, .key_n = (uint32_t)key_n};
	if (key_n > KEY_INLINE)
		e->key.heap = sot_strndup((sot_str){key, key_n});
	else if (key_n)
		memcpy(e->key.here, key, key_n);
	index_entry(m, m->used++);
	m->live++;
	return NULL;
}

void *sot_map_remove(sot_map *m, const void *key, size_t key_n)
{
	uint32_t *slot = find(m, key, key_n, (uint32_t)sot_hash(key, key_n));
	if (!slot)
		return NULL;
	entry *e = &m->entries[*slot - 1];
	void *old = e->value;
	entry_drop(e);
	*slot = SLOT_REMOVED;
	m->live--;
	return old;
}

void *sot_map_next(const sot_map *m, sot_map_iter *it, sot_str *ret_key)
{
	while (it->pos < m->used) {
		const entry *e = &m->entries[it->pos++];
		if (!e->value)
			continue;
		if (ret_key)
			*ret_key = (sot_str){entry_key(e), e->key_n};
		return e->value;
	}
	return NULL;
}
