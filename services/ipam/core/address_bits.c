#include "address_bits.h"

#include <assert.h>
#include <stdlib.h>

enum { BITS = 64, TABLE_FIRST = 64 };

/* A word that misses something: bit = 1 is missing. */
typedef struct hole {
	uint64_t key; /* number of the word + 1; 0: this place is empty */
	uint64_t missing;
} hole;

struct address_bits {
	uint64_t size, count, word_count;
	/* Small sets. */
	uint64_t *words;   /* bit = 1: held */
	uint64_t *summary; /* bit = 1: that word is not 0 */
	size_t summary_count;
	/* Large ones: linear probing, never more than half full. */
	hole *holes;
	size_t hole_count, hole_cap;
};

static void fill(uint64_t *words, uint64_t bits)
{
	uint64_t whole = bits / BITS;
	for (uint64_t i = 0; i < whole; i++)
		words[i] = ~UINT64_C(0);
	if (bits % BITS)
		words[whole] = (UINT64_C(1) << (bits % BITS)) - 1;
}

address_bits *address_bits_new(uint64_t size)
{
	address_bits *b = sot_alloc(sizeof(*b));
	b->size = b->count = size;
	b->word_count = size / BITS + (size % BITS != 0);
	if (size > ADDRESS_BITS_DENSE_MAX) {
		b->hole_cap = TABLE_FIRST;
		b->holes = sot_alloc_array(b->hole_cap, sizeof(*b->holes));
		return b;
	}
	b->summary_count = (size_t)(b->word_count / BITS + (b->word_count % BITS != 0));
	b->words = sot_alloc_array((size_t)b->word_count + 1, sizeof(*b->words));
	b->summary = sot_alloc_array(b->summary_count + 1, sizeof(*b->summary));
	fill(b->words, size);
	fill(b->summary, b->word_count);
	return b;
}

address_bits *address_bits_free(address_bits *b)
{
	if (!b)
		return NULL;
	free(b->words);
	free(b->summary);
	free(b->holes);
	free(b);
	return NULL;
}

uint64_t address_bits_count(const address_bits *b)
{
	return b->count;
}

/* ---- the table of large sets ---- */

static size_t home_of(const address_bits *b, uint64_t key)
{
	return (size_t)(key * UINT64_C(0x9e3779b97f4a7c15) >> 20) & (b->hole_cap - 1);
}

/* Where the key is, or the empty place where it would go. */
static size_t place_of(const address_bits *b, uint64_t key)
{
	size_t at = home_of(b, key);
	while (b->holes[at].key != 0 && b->holes[at].key != key)
		at = (at + 1) & (b->hole_cap - 1);
	return at;
}

static void grow(address_bits *b)
{
	hole *old = b->holes;
	size_t old_cap = b->hole_cap;
	b->hole_cap *= 2;
	b->holes = sot_alloc_array(b->hole_cap, sizeof(*b->holes));
	for (size_t i = 0; i < old_cap; i++) {
		if (old[i].key != 0)
			b->holes[place_of(b, old[i].key)] = old[i];
	}
	free(old);
}

/* Closes the gap: what comes behind it and could live nearer to its home moves there. */
static void remove_hole(address_bits *b, size_t gap)
{
	size_t mask = b->hole_cap - 1;
	for (size_t at = (gap + 1) & mask; b->holes[at].key != 0; at = (at + 1) & mask) {
		size_t home = home_of(b, b->holes[at].key);
		if (((at - home) & mask) < ((at - gap) & mask))
			continue;
		b->holes[gap] = b->holes[at];
		gap = at;
	}
	b->holes[gap] = (hole){0};
	b->hole_count--;
}

/* ---- words ---- */

static uint64_t full_word(const address_bits *b, uint64_t word)
{
	bool is_cut = word == b->word_count - 1 && b->size % BITS != 0;
	return is_cut ? (UINT64_C(1) << (b->size % BITS)) - 1 : ~UINT64_C(0);
}

static uint64_t get_word(const address_bits *b, uint64_t word)
{
	if (b->words)
		return b->words[word];
	return full_word(b, word) & ~b->holes[place_of(b, word + 1)].missing;
}

static void set_sparse_word(address_bits *b, uint64_t word, uint64_t bits)
{
	uint64_t missing = full_word(b, word) & ~bits;
	size_t at = place_of(b, word + 1);
	bool is_there = b->holes[at].key != 0;
	if (missing == 0) {
		if (is_there)
			remove_hole(b, at);
		return;
	}
	if (!is_there && 2 * (b->hole_count + 1) > b->hole_cap) {
		grow(b);
		at = place_of(b, word + 1);
	}
	b->hole_count += !is_there;
	b->holes[at] = (hole){word + 1, missing};
}

static void set_word(address_bits *b, uint64_t word, uint64_t bits)
{
	if (!b->words) {
		set_sparse_word(b, word, bits);
		return;
	}
	uint64_t bit = UINT64_C(1) << (word % BITS);
	b->words[word] = bits;
	if (bits)
		b->summary[word / BITS] |= bit;
	else
		b->summary[word / BITS] &= ~bit;
}

bool address_bits_has(const address_bits *b, uint64_t number)
{
	assert(number < b->size);
	return get_word(b, number / BITS) >> (number % BITS) & 1;
}

void address_bits_put(address_bits *b, uint64_t number)
{
	if (address_bits_has(b, number))
		return;
	set_word(b, number / BITS, get_word(b, number / BITS) | UINT64_C(1) << (number % BITS));
	b->count++;
}

void address_bits_drop(address_bits *b, uint64_t number)
{
	if (!address_bits_has(b, number))
		return;
	set_word(b, number / BITS, get_word(b, number / BITS) & ~(UINT64_C(1) << (number % BITS)));
	b->count--;
}

/* The first word at or after `word` that is not 0; word_count when there is none. In a large set
 * this passes only words that are in the table. */
static uint64_t next_word(const address_bits *b, uint64_t word)
{
	if (!b->words) {
		while (word < b->word_count && get_word(b, word) == 0)
			word++;
		return word;
	}
	size_t at = (size_t)(word / BITS);
	if (word >= b->word_count)
		return b->word_count;
	uint64_t bits = b->summary[at] & (~UINT64_C(0) << (word % BITS));
	while (bits == 0) {
		if (++at == b->summary_count)
			return b->word_count;
		bits = b->summary[at];
	}
	return (uint64_t)at * BITS + (uint64_t)__builtin_ctzll(bits);
}

bool address_bits_next(const address_bits *b, uint64_t from, uint64_t *ret)
{
	if (from >= b->size)
		return false;
	uint64_t word = from / BITS;
	uint64_t bits = get_word(b, word) & (~UINT64_C(0) << (from % BITS));
	if (bits == 0) {
		word = next_word(b, word + 1);
		if (word >= b->word_count)
			return false;
		bits = get_word(b, word);
	}
	*ret = word * BITS + (uint64_t)__builtin_ctzll(bits);
	return true;
}
