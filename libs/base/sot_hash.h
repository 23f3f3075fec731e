/* sot_hash - a hash of bytes for tables in memory, keyed at random once a process: whoever sends
 * names cannot choose them so that they collide. Nothing that is kept or sent may depend on it.
 * SipHash-1-3, https://www.aumasson.jp/siphash/siphash.pdf
 */
#ifndef SOT_HASH_H
#define SOT_HASH_H

#include <stddef.h>
#include <stdint.h>

/* p may be NULL when n is 0. */
uint64_t sot_hash(const void *p, size_t n);

#endif
