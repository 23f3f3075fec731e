/* gw_map - a subnet as a row of runs: what is held, and what the rest is for. Pure.
 *
 * The runs cover the subnet from its first to its last address, in order, without a gap; a run is a
 * stretch of neighbours in one state. So a /16 is drawn from a few hundred lines, an IPv6 /64 from
 * a few.
 */
#ifndef GW_MAP_H
#define GW_MAP_H

#include "sot_ip.h"

typedef struct gw_map_subnet {
	sot_ip network;
	uint8_t prefix;
	sot_ip first, last; /* what is given out */
	sot_ip gateway;     /* or none */
	bool redundant_gateway;
} gw_map_subnet;

typedef enum gw_range_kind {
	GW_RANGE_POOL,
	GW_RANGE_RESERVED,
	GW_RANGE_EXCLUDED,
	GW_RANGE_NAMED_POOL, /* beside it, what is in no pool is given out as before */
} gw_range_kind;
typedef struct gw_map_range {
	sot_ip first, last;
	gw_range_kind kind;
} gw_map_range;

/* States of addresses that nobody holds: free (could be given out), kept (in a reserved range),
 * barred (in an excluded range), gateway, outside (never given out: network, broadcast, not in a
 * pool). Those that are held have the state of their row. */
typedef struct gw_map_run {
	sot_ip first, last;
	const char *state; /* borrowed: a literal, or the row's */
} gw_map_run;

/* Walks the subnet: `held` are runs of rows in order, without overlap, inside the subnet. Each run
 * is handed to `emit`. Costs held * ranges steps. */
typedef void (*gw_map_emit_fn)(void *self, const gw_map_run *run);
void gw_map_walk(const gw_map_subnet *subnet, const gw_map_range *ranges, size_t range_count,
    const gw_map_run *held, size_t held_count, gw_map_emit_fn emit, void *self);

#endif
