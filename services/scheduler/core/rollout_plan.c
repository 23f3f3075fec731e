/* Which instances a rollout takes, in which order, in which batches: before it begins, and as the
 * steps of its beginning and of its way back. */
#include "middleware.h"
#include "parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool instance_is_available(const instance *i)
{
	return i->row.desired == SOT_DESIRED_STATE_RUNNING && i->row.state == INSTANCE_RUNNING &&
	       i->row.health == SOT_HEALTH_HEALTHY;
}

bool instance_is_away(const instance *i)
{
	return i->row.desired == SOT_DESIRED_STATE_RUNNING && !instance_is_available(i);
}

uint32_t rollout_width(const rollout_strategy *s, size_t units)
{
	if (s->batch > 0)
		return s->batch;
	return s->batch_percent > 0 && units > 0 ? (uint32_t)((units * s->batch_percent + 99) / 100)
	                                         : 1;
}

uint32_t rollout_may_be_away(const rollout_strategy *s, size_t units)
{
	if (s->max_unavailable > 0)
		return s->max_unavailable;
	return s->surge > 0 ? 0 : rollout_width(s, units);
}

/* ---- order ---- */

static const char *group_name(const instance *i)
{
	for (const sot_link *l = i->app->groups.next; l != &i->app->groups; l = l->next) {
		const group *g = SOT_CONTAINER(l, group, of_app);
		if (sot_uuid_eq(g->row.id, i->row.make->group_id))
			return g->row.name;
	}
	return "";
}

static const char *domain_of(const instance *i, enum sot_rollout_order order)
{
	if (order == SOT_ROLLOUT_ORDER_GROUP)
		return group_name(i);
	if (!i->host || order == SOT_ROLLOUT_ORDER_AGE)
		return "";
	if (order == SOT_ROLLOUT_ORDER_AZ)
		return i->host->row.az;
	return order == SOT_ROLLOUT_ORDER_RACK ? i->host->row.rack : i->host->row.name;
}

static int by_turn(const void *a, const void *b)
{
	const rollout_unit *x = a, *y = b;
	int order;

	if (x->is_away != y->is_away)
		return x->is_away ? -1 : 1;
	order = strcmp(x->domain, y->domain);
	return order ? order : (x->age > y->age) - (x->age < y->age);
}

static void cut_batches(const rollout_strategy *s, rollout_unit *units, size_t count)
{
	uint32_t batch = 1, width = rollout_width(s, count), canary = s->canary, in_batch = 0;

	for (size_t k = 0; k < count; k++) {
		uint32_t most = batch == 1 && canary > 0 ? canary : width;
		if (k > 0 && (in_batch >= most || strcmp(units[k - 1].domain, units[k].domain) != 0)) {
			batch++;
			in_batch = 0;
		}
		units[k].batch = batch;
		in_batch++;
	}
}

/* It is well, and has what the operation is to give it. */
static bool has_change(const instance *i, const operation *o)
{
	if (i->row.health != SOT_HEALTH_HEALTHY || i->row.observed_generation < i->row.generation)
		return false;
	if (o->row.kind == OPERATION_APP_DEPLOY)
		return strcmp(i->row.make->version, o->row.version) == 0 &&
		       strcmp(i->row.make->observed_version, o->row.version) == 0;
	if (o->row.kind == OPERATION_APP_MIDDLEWARE)
		return sot_str_eq_c(middleware_version_in(i->row.make->middleware, sot_str_c(o->row.image)),
		    o->row.version);
	return o->row.kind == OPERATION_APP_RESIZE && strcmp(i->row.make->plan, o->row.plan) == 0;
}

size_t rollout_order(const app *a, const group *g, const rollout_strategy *s,
    const operation *retry, rollout_unit **ret)
{
	size_t count = 0, cap = 0;

	*ret = NULL;
	for (sot_link *l = a->instances.next; l != &a->instances; l = l->next) {
		instance *i = SOT_CONTAINER(l, instance, of_app);
		if (i->row.desired == SOT_DESIRED_STATE_RETIRED ||
		    (g && !sot_uuid_eq(i->row.make->group_id, g->row.id)) ||
		    (retry && has_change(i, retry)))
			continue;
		rollout_unit unit = {
		    .i = i, .is_away = instance_is_away(i), .domain = domain_of(i, s->order), .age = count};
		*VECTOR_PUSH(*ret, count, cap) = unit;
	}
	if (count > 1)
		qsort(*ret, count, sizeof(**ret), by_turn);
	cut_batches(s, *ret, count);
	return count;
}

/* ---- steps ---- */

static void add_helpers(controller *c, operation *o)
{
	rollout_row *r = &o->rollout->row;

	r->batches++;
	for (uint32_t k = 0; k < r->strategy.surge; k++)
		plan_helper(c, o);
}

static bool was_helper(const operation *o, const step *s)
{
	return s->row.kind == STEP_PLACE && s->of == o;
}

/* They leave last. */
static void add_leaving(controller *c, operation *o)
{
	size_t count = o->step_count;
	bool is_new = true;

	for (size_t k = 0; k < count; k++) {
		const instance *i = was_helper(o, o->steps[k]) ? step_instance(c, o->steps[k]) : NULL;
		if (!i)
			continue;
		o->rollout->row.batches += is_new;
		is_new = false;
		operation_add_step(c, o, i, STEP_REMOVE);
		operation_add_step(c, o, i, STEP_RELEASE);
	}
}

static void say_plan(controller *c, operation *o, size_t count, const char *what)
{
	const rollout_row *r = &o->rollout->row;

	if (rollout_width(&r->strategy, count) == 1 && r->strategy.canary == 0)
		say_log(c, o, LOG_INFO, "%s, instance by instance", what);
	else
		say_log(c, o, LOG_INFO, "%s: %zu instances in %u batches, at most %u away at a time", what,
		    count, r->batches, rollout_may_be_away(&r->strategy, count));
}

/* One instance's part of a batch. */
static void add_unit(controller *c, operation *o, const instance *i, step_kind change)
{
	const rollout_strategy *g = &o->rollout->row.strategy;
	bool rotates = g->drain_s > 0 || g->rotation_command[0];

	if (rotates)
		operation_add_step(c, o, i, STEP_ROTATE_OUT);
	operation_add_step(c, o, i, change);
	operation_add_step(c, o, i, STEP_HEALTHY);
	if (rotates)
		operation_add_step(c, o, i, STEP_ROTATE_IN);
}

void rollout_begin(controller *c, operation *o, step_kind kind, const char *what)
{
	rollout_row *r = &o->rollout->row;
	bool is_retry = !sot_uuid_is_zero(o->row.retry_of);
	rollout_unit *units;
	size_t count =
	    rollout_order(o->app, rollout_group(o), &r->strategy, is_retry ? o : NULL, &units);

	r->batches = 0;
	if (r->strategy.surge > 0 && count > 0)
		add_helpers(c, o);
	uint32_t before = r->batches;
	for (size_t k = 0; k < count; k++) {
		r->batches = before + units[k].batch;
		add_unit(c, o, units[k].i, kind);
	}
	if (r->strategy.surge > 0)
		add_leaving(c, o);
	free(units);
	touch_rollout(c, o);
	say_plan(c, o, count, what);
}

bool rollout_is_change(step_kind kind)
{
	return kind == STEP_DEPLOY || kind == STEP_RESIZE || kind == STEP_REBUILD ||
	       kind == STEP_MIDDLEWARE;
}

static void add_back(controller *c, operation *o, size_t steps, bool away)
{
	for (size_t k = 0; k < steps; k++) {
		const step *s = o->steps[k];
		const instance *i =
		    rollout_is_change(s->row.kind) && s->row.started_unix_ms ? step_instance(c, s) : NULL;
		if (!i || i->row.desired == SOT_DESIRED_STATE_RETIRED || instance_is_away(i) != away)
			continue;
		add_unit(c, o, i, STEP_ROLL_BACK);
	}
}

void rollout_plan_back(controller *c, operation *o)
{
	size_t steps = o->step_count;

	o->rollout->row.batches++;
	add_back(c, o, steps, true); /* nothing is lost with them */
	add_back(c, o, steps, false);
	if (o->step_count == steps)
		o->rollout->row.batches--;
	add_leaving(c, o);
}

/* ---- the plan, for people ---- */

static void add_text(sot_buf *out, const char *before, const char *text)
{
	sot_buf_add_c(out, before);
	sot_buf_add_json(out, sot_str_c(text));
}

static void describe_unit(sot_buf *out, const instance *i, operation_kind kind, const char *to)
{
	const char *from = kind == OPERATION_APP_DEPLOY       ? i->row.make->version
	                   : kind == OPERATION_APP_RESIZE     ? i->row.make->plan
	                   : kind == OPERATION_APP_MIDDLEWARE ? i->row.make->middleware
	                                                      : i->row.make->image;

	add_text(out, "{\"name\":", i->name);
	add_text(out, ",\"host\":", i->host ? i->host->row.name : "");
	add_text(out, ",\"az\":", i->host ? i->host->row.az : "");
	add_text(out, ",\"rack\":", i->host ? i->host->row.rack : "");
	add_text(out, ",\"from\":", from);
	add_text(out, ",\"to\":", to);
	add_text(out, ",\"state\":", instance_state_name(i->row.state));
	add_text(out, ",\"health\":", health_name(i->row.health));
	sot_buf_add_c(out, "}");
}

void rollout_plan_json(const app *a, const group *g, operation_kind kind, const rollout_strategy *s,
    const char *from, const char *to, sot_buf *out)
{
	rollout_unit *units;
	size_t count = rollout_order(a, g, s, NULL, &units);

	add_text(out, "{\"app\":", a->row.name);
	add_text(out, ",\"kind\":", operation_kind_name(kind));
	add_text(out, ",\"from\":", from);
	add_text(out, ",\"to\":", to);
	sot_buf_printf(out, ",\"instances\":%zu,\"mayBeAway\":%u,\"strategy\":", count,
	    rollout_may_be_away(s, count));
	rollout_strategy_json(s, out);
	sot_buf_add_c(out, ",\"batches\":[");
	for (size_t k = 0; k < count; k++) {
		bool is_first = k == 0 || units[k - 1].batch != units[k].batch;
		if (is_first)
			sot_buf_printf(out, "%s{\"number\":%u,\"canary\":%s,\"instances\":[", k ? "]}," : "",
			    units[k].batch, s->canary > 0 && units[k].batch == 1 ? "true" : "false");
		sot_buf_add_c(out, is_first ? "" : ",");
		describe_unit(out, units[k].i, kind, to);
	}
	sot_buf_add_c(out, count ? "]}]}" : "]}");
	free(units);
}
