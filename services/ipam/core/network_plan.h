/* network_plan - whether a new network makes sense, and its defaults. Pure. IPv4, host byte order.
 */
#ifndef IPAM_NETWORK_PLAN_H
#define IPAM_NETWORK_PLAN_H

#include "sot_err.h"

#include <stdint.h>

typedef struct network_plan {
	uint32_t network;
	uint8_t prefix;
	uint32_t gateway;     /* 0: none */
	uint32_t first, last; /* what is given out; 0: the default, filled in by network_plan_check */
} network_plan;

/* Checks the plan and fills in `first` and `last`. SOT_INVALID: `ret_pointer` is the JSON pointer
 * of the field that is wrong (a literal), and the text says what would be right. */
sot_code network_plan_check(network_plan *plan, const char **ret_pointer, sot_err *err) SOT_CHECK;
uint32_t network_plan_broadcast(const network_plan *plan);

#endif
