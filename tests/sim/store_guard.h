/* store_guard - scheduler.check_placements over the rows in memory: what a batch placed is counted
 * again. */
#ifndef SIM_STORE_GUARD_H
#define SIM_STORE_GUARD_H

#include "controller.h"
#include "sot_map.h"

/* SOT_CONFLICT, with the words of what is broken. The maps are of rows. */
sot_code store_guard_check(const sot_map *hosts, const sot_map *apps, const sot_map *instances,
    const placed_row *placed, size_t count, sot_err *err);

#endif
