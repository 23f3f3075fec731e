/* sot_rand - randomness. Cores take a seeded generator as an argument (deterministic by seed);
 * shells seed it from the kernel. Not for secrets: those use sot_rand_bytes (getrandom).
 */
#ifndef SOT_RAND_H
#define SOT_RAND_H

#include <stddef.h>
#include <stdint.h>

typedef struct sot_rand {
	uint64_t s[4];
} sot_rand; /* xoshiro256** (Blackman, Vigna) */

void sot_rand_seed(sot_rand *r, uint64_t seed);
uint64_t sot_rand_u64(sot_rand *r);
uint64_t sot_rand_below(sot_rand *r, uint64_t n); /* uniform in [0, n), n > 0 */
void sot_rand_fill(sot_rand *r, void *p, size_t n);
/* Kernel entropy for secrets and seeds; aborts when the kernel gives none. */
void sot_rand_bytes(void *p, size_t n);

#endif
