/* capacity - the report of the fleet: what there is, what is booked, what still fits, what is
 * stranded, what is lost with the worst host. Private to core/. Changes nothing.
 */
#ifndef SCHEDULER_CAPACITY_H
#define SCHEDULER_CAPACITY_H

#include "forecast.h"

#define CAPACITY_APPS_MAX 200   /* that are listed, those with most to lose first */
#define CAPACITY_FITS_MAX 10000 /* instances of one app that are tried */

typedef struct plan_fit {
	uint64_t instances;
	uint32_t hosts;
} plan_fit;

/* How many instances of that size the open hosts hold, by amounts alone. */
plan_fit capacity_plan_fit(const controller *c, const plan_row *p);
/* The plans, the smallest memory first. The caller frees the array. */
const plan_row **capacity_plans(const controller *c, size_t *ret_count);
/* The report; with how many more of `a` fit, by its rules, unless it is NULL. */
void capacity_json(controller *c, app *a, sot_buf *out);

#endif
