/* What is watched of instances that a rollout has changed: their health, and what is reported of
 * requests that fail. */
#include "parts.h"

#include <stdio.h>
#include <string.h>

/* Whoever reports does so at least so often; what is older says nothing of now. */
#define REPORT_HOLDS_MS 60000

bool rollout_hear_errors(
    const controller *c, app *a, instance *i, const char *value, uint64_t milli)
{
	error_report *to = i ? &i->errors : &a->errors;

	if (strcmp(value, "error_permille") != 0)
		return false;
	*to = (error_report){.at_unix_ms = c->now.wall.unix_ms,
	    .milli = milli < UINT32_MAX ? (uint32_t)milli : UINT32_MAX};
	return true;
}

/* It was told after the change, and lately. */
static bool has_too_many(
    const controller *c, const operation *o, const error_report *e, int64_t changed_unix_ms)
{
	uint32_t most = o->rollout->row.strategy.errors_max;

	return most > 0 && e->milli > most * 1000u && e->at_unix_ms > changed_unix_ms &&
	       c->now.wall.unix_ms - e->at_unix_ms <= REPORT_HOLDS_MS;
}

static void say_errors(
    const operation *o, const char *of, const error_report *e, char why[static OPERATION_TEXT_MAX])
{
	(void)snprintf(why, OPERATION_TEXT_MAX,
	    "%s: of a thousand requests %u.%03u fail after the change, at most %u may", of,
	    e->milli / 1000, e->milli % 1000, o->rollout->row.strategy.errors_max);
}

/* What its host does to it is not its fault. */
static bool is_unwell(const instance *i)
{
	return i->row.state == INSTANCE_FAILED || i->row.health == SOT_HEALTH_UNHEALTHY;
}

bool rollout_find_unwell(controller *c, const operation *o, char why[static OPERATION_TEXT_MAX])
{
	int64_t changed_unix_ms = 0; /* the first of all */

	for (size_t k = 0; k < o->step_count; k++) {
		const step_row *s = &o->steps[k]->row;
		const instance *i = s->kind == STEP_HEALTHY && s->state == OPERATION_DONE
		                        ? step_instance(c, o->steps[k])
		                        : NULL;
		if (!i || !i->host || !host_is_up(i->host) || i->row.desired != SOT_DESIRED_STATE_RUNNING)
			continue;
		if (changed_unix_ms == 0 || s->finished_unix_ms < changed_unix_ms)
			changed_unix_ms = s->finished_unix_ms;
		if (is_unwell(i))
			(void)snprintf(why, OPERATION_TEXT_MAX,
			    "%s: was healthy after the change and is %s now: %.400s", i->name,
			    i->row.state == INSTANCE_FAILED ? "failed" : health_name(i->row.health),
			    i->row.make->error);
		else if (has_too_many(c, o, &i->errors, s->finished_unix_ms))
			say_errors(o, i->name, &i->errors, why);
		else
			continue;
		return true;
	}
	if (changed_unix_ms == 0 || !has_too_many(c, o, &o->app->errors, changed_unix_ms))
		return false;
	say_errors(o, o->app->row.name, &o->app->errors, why);
	return true;
}
