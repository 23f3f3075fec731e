/* sot_sm - a state machine as data: states with names and allowed successors.
 *
 * One function changes state, checks the edge and the object's invariant. After raft's lib/sm.
 */
#ifndef SOT_SM_H
#define SOT_SM_H

#include "sot_err.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct sot_sm_state {
	const char *name;
	uint32_t next; /* bit mask of allowed successors: 1u << state */
	bool final;
} sot_sm_state;

#define SOT_SM_BIT(state) (1u << (state))

/* Whether `from` -> `to` is in the table. Staying is allowed. */
bool sot_sm_may(const sot_sm_state *table, unsigned count, unsigned from, unsigned to);
/* Name of a state; "?" when out of range. */
const char *sot_sm_name(const sot_sm_state *table, unsigned count, unsigned state);
/* The state with that name, or -1. */
int sot_sm_find(const sot_sm_state *table, unsigned count, const char *name);

#endif
