/* address_pool - which addresses of one subnet are free, cooling or used.
 *
 * Free ones are a two-level bitmap of 64-bit words, cooling ones a FIFO by the time at which they
 * may be given out again, used ones are neither. A hint in memory only: the primary key of
 * ipam.address decides. Pure; times are the database's, in unix milliseconds. Addresses are IPv4 in
 * host byte order.
 */
#ifndef IPAM_ADDRESS_POOL_H
#define IPAM_ADDRESS_POOL_H

#include "sot_mem.h"

typedef struct address_pool address_pool;

/* What pick took, so that it can be put back as it was. */
typedef struct address_pick {
	uint32_t address;
	int64_t free_after_unix_ms; /* 0: it was free; otherwise it was cooling until then */
} address_pick;

/* All addresses of first..last are free. first <= last. */
address_pool *address_pool_new(uint32_t first, uint32_t last);
address_pool *address_pool_free(address_pool *p);

/* Takes one: the next free one (round about, so that an address rests as long as possible), else
 * the one that has cooled longest. False when there is none now. */
bool address_pool_pick(address_pool *p, int64_t now_unix_ms, address_pick *ret);
void address_pool_put_back(address_pool *p, address_pick pick);
/* Marks a free address as used. Addresses outside and used ones are ignored. */
void address_pool_use(address_pool *p, uint32_t address);
/* A used address cools until then. */
void address_pool_cool(address_pool *p, uint32_t address, int64_t free_after_unix_ms);

bool address_pool_is_free(const address_pool *p, uint32_t address);
uint32_t address_pool_size(const address_pool *p);
uint32_t address_pool_free_count(const address_pool *p);
size_t address_pool_cooling_count(const address_pool *p);
/* When the first cooling address may be given out; 0 when none cools. */
int64_t address_pool_next_cooled_unix_ms(const address_pool *p);

#endif
