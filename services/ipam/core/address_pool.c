#include "address_pool.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { BITS = 64 };

struct address_pool {
	uint32_t first, size, free_count;
	uint64_t *words;   /* bit = 1: free */
	uint64_t *summary; /* bit = 1: that word is not 0 */
	size_t word_count, summary_count;
	size_t cursor;         /* word at which the next pick begins to look */
	address_pick *cooling; /* ring by free_after */
	size_t head, cooling_count, cooling_cap;
};

static void set_free(address_pool *p, uint32_t offset)
{
	size_t word = offset / BITS;
	p->words[word] |= UINT64_C(1) << (offset % BITS);
	p->summary[word / BITS] |= UINT64_C(1) << (word % BITS);
	p->free_count++;
}

static void clear_free(address_pool *p, uint32_t offset)
{
	size_t word = offset / BITS;
	p->words[word] &= ~(UINT64_C(1) << (offset % BITS));
	if (p->words[word] == 0)
		p->summary[word / BITS] &= ~(UINT64_C(1) << (word % BITS));
	p->free_count--;
}

address_pool *address_pool_new(uint32_t first, uint32_t last)
{
	assert(first <= last && last - first < UINT32_MAX);
	address_pool *p = sot_alloc(sizeof(*p));
	p->first = first;
	p->size = last - first + 1;
	p->word_count = ((size_t)p->size + BITS - 1) / BITS;
	p->summary_count = (p->word_count + BITS - 1) / BITS;
	p->words = sot_alloc_array(p->word_count, sizeof(*p->words));
	p->summary = sot_alloc_array(p->summary_count, sizeof(*p->summary));
	for (uint32_t offset = 0; offset < p->size; offset++)
		set_free(p, offset);
	return p;
}

address_pool *address_pool_free(address_pool *p)
{
	if (!p)
		return NULL;
	free(p->words);
	free(p->summary);
	free(p->cooling);
	free(p);
	return NULL;
}

static bool is_inside(const address_pool *p, uint32_t address)
{
	return address >= p->first && address - p->first < p->size;
}

bool address_pool_is_free(const address_pool *p, uint32_t address)
{
	if (!is_inside(p, address))
		return false;
	uint32_t offset = address - p->first;
	return p->words[offset / BITS] >> (offset % BITS) & 1;
}

/* The first word at or after `from` that has a free bit; word_count when there is none. */
static size_t find_word(const address_pool *p, size_t from)
{
	size_t s = from / BITS;
	if (s >= p->summary_count)
		return p->word_count;
	uint64_t bits = p->summary[s] & (~UINT64_C(0) << (from % BITS));
	while (bits == 0) {
		if (++s == p->summary_count)
			return p->word_count;
		bits = p->summary[s];
	}
	return s * BITS + (size_t)__builtin_ctzll(bits);
}

static address_pick *cooling_at(const address_pool *p, size_t index)
{
	return &p->cooling[(p->head + index) % p->cooling_cap];
}

static bool pick_cooled(address_pool *p, int64_t now_unix_ms, address_pick *ret)
{
	if (p->cooling_count == 0 || cooling_at(p, 0)->free_after_unix_ms > now_unix_ms)
		return false;
	*ret = *cooling_at(p, 0);
	p->head = (p->head + 1) % p->cooling_cap;
	p->cooling_count--;
	return true;
}

bool address_pool_pick(address_pool *p, int64_t now_unix_ms, address_pick *ret)
{
	if (p->free_count == 0)
		return pick_cooled(p, now_unix_ms, ret);
	size_t word = find_word(p, p->cursor);
	if (word == p->word_count)
		word = find_word(p, 0);
	p->cursor = word;
	uint32_t offset = (uint32_t)(word * BITS) + (uint32_t)__builtin_ctzll(p->words[word]);
	clear_free(p, offset);
	*ret = (address_pick){.address = p->first + offset};
	return true;
}

void address_pool_put_back(address_pool *p, address_pick pick)
{
	if (pick.free_after_unix_ms)
		address_pool_cool(p, pick.address, pick.free_after_unix_ms);
	else if (is_inside(p, pick.address) && !address_pool_is_free(p, pick.address))
		set_free(p, pick.address - p->first);
}

void address_pool_use(address_pool *p, uint32_t address)
{
	if (address_pool_is_free(p, address))
		clear_free(p, address - p->first);
}

static void grow_cooling(address_pool *p)
{
	size_t cap = p->cooling_cap ? p->cooling_cap * 2 : 16;
	address_pick *bigger = sot_alloc_array(cap, sizeof(*bigger));
	for (size_t i = 0; i < p->cooling_count; i++)
		bigger[i] = *cooling_at(p, i);
	free(p->cooling);
	p->cooling = bigger;
	p->cooling_cap = cap;
	p->head = 0;
}

/* Nearly always the latest: the place is looked for from the end. */
void address_pool_cool(address_pool *p, uint32_t address, int64_t free_after_unix_ms)
{
	if (!is_inside(p, address))
		return;
	address_pool_use(p, address);
	if (p->cooling_count == p->cooling_cap)
		grow_cooling(p);
	size_t at = p->cooling_count++;
	while (at > 0 && cooling_at(p, at - 1)->free_after_unix_ms > free_after_unix_ms) {
		*cooling_at(p, at) = *cooling_at(p, at - 1);
		at--;
	}
	*cooling_at(p, at) = (address_pick){address, free_after_unix_ms};
}

uint32_t address_pool_size(const address_pool *p)
{
	return p->size;
}

uint32_t address_pool_free_count(const address_pool *p)
{
	return p->free_count;
}

size_t address_pool_cooling_count(const address_pool *p)
{
	return p->cooling_count;
}

int64_t address_pool_next_cooled_unix_ms(const address_pool *p)
{
	return p->cooling_count ? cooling_at(p, 0)->free_after_unix_ms : 0;
}
