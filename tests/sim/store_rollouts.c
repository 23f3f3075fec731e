/* What a rollout must never do, checked at each commit against the rows alone. */
#include "store_model_internal.h"

#include <string.h>

void store_model_forget_rollouts(store_model *s)
{
	s->forgets_rollouts = true;
}

/* The row as the transaction leaves it; *ret_changed: it is among its rows. */
static const void *after(
    const store_model *s, const store_rows *r, int t, const void *key, size_t n, bool *ret_changed)
{
	*ret_changed = true;
	for (size_t k = r->count; k > 0; k--) {
		const pending *p = &r->items[k - 1];
		if (p->table == t && p->key_n == n && memcmp(p->key, key, n) == 0)
			return p->row;
	}
	*ret_changed = false;
	return sot_map_get(s->tables[t].rows, key, n);
}

static bool is_change(step_kind kind)
{
	return kind == STEP_DEPLOY || kind == STEP_RESIZE || kind == STEP_REBUILD ||
	       kind == STEP_ROLL_BACK || kind == STEP_MIDDLEWARE;
}

static bool is_available(const instance_row *i)
{
	return i->desired == SOT_DESIRED_STATE_RUNNING && i->state == INSTANCE_RUNNING &&
	       i->health == SOT_HEALTH_HEALTHY;
}

static const step_row *step_after(
    const store_model *s, const store_rows *r, sot_uuid operation_id, uint32_t ordinal)
{
	char key[20];
	bool changed;

	memcpy(key, operation_id.b, 16);
	memcpy(key + 16, &ordinal, 4);
	return after(s, r, STEPS, key, sizeof(key), &changed);
}

/* Its change has begun and its health was not seen yet. */
static bool is_under_way(
    const store_model *s, const store_rows *r, sot_uuid operation_id, sot_uuid instance_id)
{
	const step_row *step;

	for (uint32_t k = 0; (step = step_after(s, r, operation_id, k)); k++) {
		const step_row *next = step_after(s, r, operation_id, k + 1);
		if (sot_uuid_eq(step->instance_id, instance_id) && is_change(step->kind) && next &&
		    step->state != OPERATION_QUEUED && !operation_state_is_final(next->state))
			return true;
	}
	return false;
}

static bool is_helper(
    const store_model *s, const store_rows *r, sot_uuid operation_id, sot_uuid instance_id)
{
	const step_row *step;

	for (uint32_t k = 0; (step = step_after(s, r, operation_id, k)); k++) {
		if (step->kind == STEP_PLACE && sot_uuid_eq(step->instance_id, instance_id))
			return true;
	}
	return false;
}

typedef struct census {
	uint32_t wanted, there, units;
} census;

/* `back`: on the way back what has failed for good does not count.
 * Who changes within the transaction may have been available when it was decided. */
static census count_app(
    const store_model *s, const store_rows *r, sot_uuid app_id, sot_uuid operation_id, bool back)
{
	sot_map_iter it = {0};
	const instance_row *before;
	census n = {0};

	while ((before = sot_map_next(s->tables[INSTANCES].rows, &it, NULL))) {
		bool changed;
		const instance_row *i = after(s, r, INSTANCES, before->id.b, 16, &changed);
		if (!sot_uuid_eq(i->make->app_id, app_id) || i->desired == SOT_DESIRED_STATE_RETIRED)
			continue;
		bool helps = is_helper(s, r, operation_id, i->id);
		n.units += !helps;
		if (i->desired != SOT_DESIRED_STATE_RUNNING || (back && i->state == INSTANCE_FAILED))
			continue;
		n.wanted += !helps;
		n.there += (changed || is_available(i) || is_available(before)) &&
		           !is_under_way(s, r, operation_id, i->id);
	}
	return n;
}

static uint32_t may_be_away(const rollout_strategy *g, uint32_t units)
{
	uint32_t width = g->batch > 0                        ? g->batch
	                 : g->batch_percent > 0 && units > 0 ? (units * g->batch_percent + 99) / 100
	                                                     : 1;

	return g->max_unavailable > 0 ? g->max_unavailable : g->surge > 0 ? 0 : width;
}

static sot_code check_take(
    const store_model *s, const store_rows *r, const step_row *step, sot_err *err)
{
	const step_row *before =
	    step_after(s, &(store_rows){.count = 0}, step->operation_id, step->ordinal);
	const instance_row *i = sot_map_get_uuid(s->tables[INSTANCES].rows, step->instance_id);
	bool changed;
	const rollout_row *row = after(s, r, ROLLOUTS, step->operation_id.b, 16, &changed);
	const operation_row *o = after(s, r, OPERATIONS, step->operation_id.b, 16, &changed);
	rollout_strategy g = row ? row->strategy : (rollout_strategy){0};

	const instance_row *now = after(s, r, INSTANCES, step->instance_id.b, 16, &changed);
	/* One that was away before its order may be taken; the order itself changes neither. */
	if (!is_change(step->kind) || step->state != OPERATION_RUNNING ||
	    (before && before->state == OPERATION_RUNNING) || !i || !is_available(i) || !now ||
	    !is_available(now) || !o || sot_uuid_is_zero(o->app_id) ||
	    o->kind >= OPERATION_INSTANCE_RESIZE)
		return SOT_OK;
	census n = count_app(s, r, o->app_id, o->id, row && row->goes_back);
	uint32_t limit = may_be_away(&g, n.units);
	if (limit == 0 && row && row->goes_back)
		limit = 1;
	if (n.there + limit >= n.wanted)
		return SOT_OK;
	return sot_fail(err, SOT_CONFLICT, "%s is taken away: %u of %u are there, %u may be away",
	    step->subject, n.there, n.wanted, limit);
}

/* A batch begins when the ones before it are over. */
static sot_code check_turn(
    const store_model *s, const store_rows *r, const step_row *step, sot_err *err)
{
	const step_row *before =
	    step_after(s, &(store_rows){.count = 0}, step->operation_id, step->ordinal);

	if (step->state != OPERATION_RUNNING || (before && before->state == OPERATION_RUNNING) ||
	    step->batch < 2)
		return SOT_OK;
	for (uint32_t k = 0; k < step->ordinal; k++) {
		const step_row *other = step_after(s, r, step->operation_id, k);
		if (other && other->batch < step->batch && !operation_state_is_final(other->state))
			return sot_fail(err, SOT_CONFLICT,
			    "%s begins in batch %u, and %s of batch %u is not over", step->subject, step->batch,
			    other->subject, other->batch);
	}
	return SOT_OK;
}

/* Where it stands in the order `group`, and whether it is there as the plan is made. */
static const char *group_of(
    const store_model *s, const store_rows *r, const step_row *step, bool *ret_available)
{
	const instance_row *before = sot_map_get_uuid(s->tables[INSTANCES].rows, step->instance_id);
	bool changed;
	const instance_row *i = after(s, r, INSTANCES, step->instance_id.b, 16, &changed);
	const group_row *g = i ? after(s, r, GROUPS, i->make->group_id.b, 16, &changed) : NULL;

	*ret_available = before && i && is_available(before) && is_available(i);
	return g ? g->name : "";
}

static const step_row *change_before(
    const store_model *s, const store_rows *r, const step_row *step)
{
	for (uint32_t k = step->ordinal; k > 0; k--) {
		const step_row *other = step_after(s, r, step->operation_id, k - 1);
		if (other && is_change(other->kind) && other->kind != STEP_ROLL_BACK)
			return other;
	}
	return NULL;
}

/* With the order `group` no batch reaches over two groups, and who is there is taken group by
 * group.
 */
static sot_code check_order(
    const store_model *s, const store_rows *r, const step_row *step, sot_err *err)
{
	bool changed, is_there, was_there;
	const rollout_row *row = after(s, r, ROLLOUTS, step->operation_id.b, 16, &changed);

	if (!row || row->strategy.order != SOT_ROLLOUT_ORDER_GROUP || !is_change(step->kind) ||
	    step->kind == STEP_ROLL_BACK)
		return SOT_OK;
	const step_row *last = change_before(s, r, step);
	if (!last)
		return SOT_OK;
	int order = strcmp(group_of(s, r, last, &was_there), group_of(s, r, step, &is_there));
	if (order != 0 && last->batch == step->batch)
		return sot_fail(err, SOT_CONFLICT, "%s and %s are in one batch, and not in one group",
		    last->subject, step->subject);
	if (order > 0 && was_there && is_there)
		return sot_fail(err, SOT_CONFLICT, "%s comes after %s against the order of their groups",
		    step->subject, last->subject);
	return SOT_OK;
}

static sot_code check_step(
    const store_model *s, const store_rows *r, const pending *p, sot_err *err)
{
	sot_code code = check_turn(s, r, p->row, err);

	if (code == SOT_OK && p->is_new)
		code = check_order(s, r, p->row, err);
	return code == SOT_OK ? check_take(s, r, p->row, err) : code;
}

/* How far it is only grows: a leader that forgot what the last one knew would begin anew. */
static sot_code check_progress(const store_model *s, const rollout_row *row, sot_err *err)
{
	const rollout_row *before = sot_map_get_uuid(s->tables[ROLLOUTS].rows, row->operation_id);

	if (!before || (row->batch >= before->batch && row->batches >= before->batches &&
	                   row->passed >= before->passed && row->goes_back >= before->goes_back &&
	                   memcmp(&row->strategy, &before->strategy, sizeof(row->strategy)) == 0))
		return SOT_OK;
	return sot_fail(err, SOT_CONFLICT, "a rollout in batch %u forgot how far it was: batch %u",
	    before->batch, row->batch);
}

sot_code rollouts_check_takes(const store_model *s, const store_rows *r, sot_err *err)
{
	sot_code code = SOT_OK;

	for (size_t k = 0; k < r->count && code == SOT_OK; k++) {
		if (r->items[k].table == STEPS)
			code = check_step(s, r, &r->items[k], err);
		else if (r->items[k].table == ROLLOUTS)
			code = check_progress(s, r->items[k].row, err);
	}
	return code;
}

/* ---- ends ---- */

/* The next rollout has begun with it, in the same transaction. */
static bool is_taken_on(
    const store_model *s, const operation_row *o, step_kind change, sot_uuid instance_id)
{
	sot_map_iter it = {0};
	const step_row *step;

	while ((step = sot_map_next(s->tables[STEPS].rows, &it, NULL))) {
		const operation_row *other;
		if (step->kind != change || step->state == OPERATION_QUEUED ||
		    !sot_uuid_eq(step->instance_id, instance_id))
			continue;
		other = sot_map_get_uuid(s->tables[OPERATIONS].rows, step->operation_id);
		if (other && other->position > o->position)
			return true;
	}
	return false;
}

/* Of "jdk=17,tomcat=10". */
static sot_str version_in(const char *set, const char *name)
{
	sot_str rest = sot_str_c(set), version;

	while (rest.n > 0) {
		sot_str one = sot_str_cut(rest, ',', &rest);
		if (sot_str_eq_c(sot_str_cut(one, '=', &version), name))
			return version;
	}
	return (sot_str){0};
}

/* What the rollout gives, as the instance shall have it. */
static sot_str has_of(const operation_row *o, const instance_row *i)
{
	return o->kind == OPERATION_APP_DEPLOY ? sot_str_c(i->make->version)
	                                       : version_in(i->make->middleware, o->image);
}

static sot_code check_all_have(
    const store_model *s, const operation_row *o, sot_str wanted, sot_err *err)
{
	step_kind change = o->kind == OPERATION_APP_DEPLOY ? STEP_DEPLOY : STEP_MIDDLEWARE;
	const step_row *step;

	for (uint32_t k = 0; (step = step_after(s, &(store_rows){.count = 0}, o->id, k)); k++) {
		const instance_row *i = sot_map_get_uuid(s->tables[INSTANCES].rows, step->instance_id);
		if (step->kind != change || !step->started_unix_ms || !i ||
		    i->desired == SOT_DESIRED_STATE_RETIRED || sot_str_eq(has_of(o, i), wanted) ||
		    is_taken_on(s, o, change, i->id))
			continue;
		return sot_fail(err, SOT_CONFLICT, "the rollout of %s to %s ended as %s, and %s has '%.*s'",
		    o->version, o->target, operation_state_name(o->state), i->name, SOT_ARG(has_of(o, i)));
	}
	return SOT_OK;
}

static sot_code check_end_of(const store_model *s, const operation_row *o, sot_err *err)
{
	const rollout_row *row = sot_map_get_uuid(s->tables[ROLLOUTS].rows, o->id);
	const app_row *a = sot_map_get_uuid(s->tables[APPS].rows, o->app_id);
	bool is_version = o->kind == OPERATION_APP_DEPLOY;

	if ((!is_version && o->kind != OPERATION_APP_MIDDLEWARE) ||
	    !operation_state_is_final(o->state) || !a || !row)
		return SOT_OK;
	if (o->state == OPERATION_DONE)
		return check_all_have(s, o, sot_str_c(o->version), err);
	if (!row->goes_back || o->cancelled_by[0] || a->deleting)
		return SOT_OK;
	return check_all_have(
	    s, o, is_version ? sot_str_c(a->version) : version_in(a->middleware, o->image), err);
}

sot_code rollouts_check_ends(const store_model *s, const store_rows *r, sot_err *err)
{
	sot_code code = SOT_OK;

	for (size_t k = 0; k < r->count && code == SOT_OK; k++) {
		if (r->items[k].table == OPERATIONS)
			code = check_end_of(s, r->items[k].row, err);
	}
	return code;
}

size_t store_model_rolled_back(const store_model *s)
{
	sot_map_iter it = {0};
	const rollout_row *row;
	size_t n = 0;

	while ((row = sot_map_next(s->tables[ROLLOUTS].rows, &it, NULL)))
		n += row->goes_back;
	return n;
}

const rollout_row *store_model_rollout(const store_model *s, sot_uuid operation_id)
{
	return sot_map_get_uuid(s->tables[ROLLOUTS].rows, operation_id);
}
