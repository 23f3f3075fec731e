/* address_pool - which addresses of one subnet are free, cooling or used.
 *
 * Free ones are a set of numbers (address_bits: sparse for IPv6), cooling ones a queue in the order
 * of their release, used ones are neither. A hint in memory only: the primary key of ipam.address
 * decides. Pure; times are the database's, in unix milliseconds.
 */
#ifndef IPAM_ADDRESS_POOL_H
#define IPAM_ADDRESS_POOL_H

#include "address_bits.h"
#include "sot_ip.h"

typedef struct address_pool address_pool;

/* Addresses first..last, of one family. */
typedef struct address_span {
	sot_ip first, last;
} address_span;

/* What pick took, so that it can be put back as it was. */
typedef struct address_pick {
	sot_ip address;
	int64_t released_unix_ms; /* 0: it was free; otherwise it was cooling since then */
	int64_t free_after_unix_ms;
} address_pick;

/* All addresses of the spans are free. Spans are ascending and apart from each other; only the
 * first 2^62 addresses are given out. No span: a pool that is always empty. */
address_pool *address_pool_new(const address_span *spans, size_t count);
address_pool *address_pool_free(address_pool *p);
/* Whether the pool was made of just these spans. */
bool address_pool_is_of(const address_pool *p, const address_span *spans, size_t count);

/* Takes one: the next free one (round about, so that an address rests as long as possible), else
 * the one that was released first, when its time has come. False when there is none now. */
bool address_pool_pick(address_pool *p, int64_t now_unix_ms, address_pick *ret);
/* Takes the one that was released first, when that was not after `released_by_unix_ms`. */
bool address_pool_pick_early(address_pool *p, int64_t released_by_unix_ms, address_pick *ret);
void address_pool_put_back(address_pool *p, address_pick pick);
/* The next pick begins to look elsewhere, so that two writers do not meet at every step. */
void address_pool_jump(address_pool *p, uint64_t random);

/* Marks a free address as used. Addresses outside and used ones are ignored. */
void address_pool_use(address_pool *p, sot_ip address);
/* A used address is free, without cooling. */
void address_pool_release(address_pool *p, sot_ip address);
/* A used address cools until then. */
void address_pool_cool(
    address_pool *p, sot_ip address, int64_t released_unix_ms, int64_t free_after_unix_ms);

bool address_pool_has(const address_pool *p, sot_ip address); /* one of its spans holds it */
bool address_pool_is_free(const address_pool *p, sot_ip address);
uint64_t address_pool_size(const address_pool *p);
uint64_t address_pool_free_count(const address_pool *p);
size_t address_pool_cooling_count(const address_pool *p);
/* Free ones, and cooling ones that were released not after `released_by_unix_ms`. */
uint64_t address_pool_ready_count(const address_pool *p, int64_t released_by_unix_ms);
/* When the first cooling address may be given out, and when it was released; 0 when none cools. */
int64_t address_pool_next_cooled_unix_ms(const address_pool *p);
int64_t address_pool_oldest_unix_ms(const address_pool *p);

#endif
