/* address_bits - a set of the numbers below `size`; at first it holds all of them.
 *
 * Small sets are a two-level bitmap of 64-bit words. Large ones (an IPv6 /64) remember only the
 * words that miss something, in a hash table: memory goes with what is missing, not with `size`.
 * Pure.
 */
#ifndef IPAM_ADDRESS_BITS_H
#define IPAM_ADDRESS_BITS_H

#include "sot_mem.h"

enum { ADDRESS_BITS_DENSE_MAX = 1 << 24 }; /* up to here a bitmap: 2 MiB */

typedef struct address_bits address_bits;

address_bits *address_bits_new(uint64_t size);
address_bits *address_bits_free(address_bits *b);

bool address_bits_has(const address_bits *b, uint64_t number);
void address_bits_put(address_bits *b, uint64_t number);
void address_bits_drop(address_bits *b, uint64_t number);
uint64_t address_bits_count(const address_bits *b);
/* The first number at or after `from` that the set holds; false when there is none. */
bool address_bits_next(const address_bits *b, uint64_t from, uint64_t *ret);

#endif
