/* xoshiro256** seeded by splitmix64. Source: https://prng.di.unimi.it/ (public domain). */
#include "sot_rand.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

static uint64_t splitmix64(uint64_t *state)
{
	uint64_t z = (*state += 0x9e3779b97f4a7c15u);
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

void sot_rand_seed(sot_rand *r, uint64_t seed)
{
	for (size_t i = 0; i < 4; i++)
		r->s[i] = splitmix64(&seed);
}

static uint64_t rotate_left(uint64_t x, int k)
{
	return (x << k) | (x >> (64 - k));
}

uint64_t sot_rand_u64(sot_rand *r)
{
	uint64_t *s = r->s;
	uint64_t result = rotate_left(s[1] * 5, 7) * 9;
	uint64_t t = s[1] << 17;
	s[2] ^= s[0];
	s[3] ^= s[1];
	s[1] ^= s[2];
	s[0] ^= s[3];
	s[2] ^= t;
	s[3] = rotate_left(s[3], 45);
	return result;
}

uint64_t sot_rand_below(sot_rand *r, uint64_t n)
{
	assert(n > 0);
	/* Values below 2^64 mod n would make the first residues likelier: draw again. */
	uint64_t reject = (0 - n) % n;
	uint64_t x = sot_rand_u64(r);
	while (x < reject)
		x = sot_rand_u64(r);
	return x % n;
}

void sot_rand_fill(sot_rand *r, void *p, size_t n)
{
	unsigned char *at = p;
	while (n) {
		uint64_t x = sot_rand_u64(r);
		size_t part = n < sizeof(x) ? n : sizeof(x);
		memcpy(at, &x, part);
		at += part;
		n -= part;
	}
}

void sot_rand_bytes(void *p, size_t n)
{
	unsigned char *at = p;
	while (n) {
		ssize_t got = getrandom(at, n, 0);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0) {
			fprintf(stderr, "the kernel gives no randomness: %s\n", strerror(errno));
			abort();
		}
		at += got;
		n -= (size_t)got;
	}
}
