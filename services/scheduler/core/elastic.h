/* elastic - elastic scaling of the controller's apps: what their agents report goes in, operations
 * that change counts come out. Private to core/. */
#ifndef SCHEDULER_ELASTIC_H
#define SCHEDULER_ELASTIC_H

#include "model.h"

/* The app, or the group that the policy names, has these rules from now on. by: who said so. */
void elastic_set(controller *c, app *a, const elastic_policy *policy, const char *by);
/* ... and none any more. */
void elastic_clear(controller *c, app_elastic *x);
/* The rules of the group of that name, or with "" of the app as a whole; NULL: there are none. */
app_elastic *elastic_find(const app *a, sot_str name);
/* Those that keep rules of that name away: of the whole app, or of any group. NULL: there are none.
 */
const app_elastic *elastic_in_the_way(const app *a, sot_str name);
/* What the instance uses, by a report over so many milliseconds. */
void elastic_hear(
    controller *c, instance *i, const struct sot_instance_report *r, uint32_t interval_ms);
/* The app sent a value: of an instance, of a group, or of the app as a whole (both none). Returns
 * how many rules go by it. */
size_t elastic_hear_value(
    controller *c, app *a, const instance *i, sot_str of, const char *value, uint64_t milli);
/* Looks at what may have changed and scales; once a tick. */
void elastic_tick(controller *c);
/* ---- stock.c ---- */
/* Tells agents what instances that may come are made of; once a tick. */
void stock_tick(controller *c);

/* ---- elastic.c ---- */
/* The app is going. */
void elastic_free_of(app *a);
void elastic_collect(controller *c, controller_batch *b);

#endif
