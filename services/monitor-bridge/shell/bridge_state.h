/* bridge_state - the few words that must survive a restart: reserved message ids, the last minute
 * with heartbeats, and which hosts have which address. Two small text
 * files in state_dir, replaced atomically.
 */
#ifndef MONITOR_BRIDGE_STATE_H
#define MONITOR_BRIDGE_STATE_H

#include "cat_id.h"
#include "sot_str.h"

typedef struct bridge_state {
	char path[512];
	int64_t hour[CAT_ID_HOURS];
	uint32_t bound[CAT_ID_HOURS];
	int64_t minute;
} bridge_state;

/* A file that is not there is an empty state. SOT_INVALID names the line that cannot be read. */
sot_code bridge_state_load(const char *dir, bridge_state *ret, sot_err *err) SOT_CHECK;
sot_code bridge_state_save(const bridge_state *state, sot_err *err) SOT_CHECK;
/* Notes that ids of `hour` below `bound` are reserved. */
void bridge_state_reserve(bridge_state *state, int64_t hour, uint32_t bound);

#endif
