/* Rollouts: a change (version, plan, image) goes over the instances of an app, batch by batch.
 *
 *     batch k: instances that may be away -> changed -> healthy -> bake, pause -> batch k + 1
 *     a failure, a deadline or somebody's word -> it stops, or what was changed goes back
 *
 * Pure as the rest of the core, and level-triggered: what to do next follows from the steps and the
 * row, so that a new leader goes on where the last one was. Waits are on the wall clock for the
 * same reason. An operation has the queue of its app to itself, so two rollouts never mix.
 */
#include "parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAMES_IN_LOG 10

rollout *rollout_new(sot_uuid operation_id)
{
	rollout *r = sot_alloc(sizeof(*r));

	r->row.operation_id = operation_id;
	sot_list_init(&r->dirty);
	return r;
}

void rollout_set_strategy(controller *c, operation *o, const struct sot_rollout_strategy *m)
{
	if (!o->rollout)
		return;
	o->rollout->row.strategy = rollout_strategy_of(m);
	touch_rollout(c, o);
}

static void say_rollout(controller *c, const operation *o, const char *why, const char *by)
{
	const rollout_row *r = &o->rollout->row;
	char id[SOT_UUID_TEXT];
	sot_buf data;

	model_text_init(&data);
	sot_buf_printf(&data,
	    "{\"operation\":\"%s\",\"phase\":\"%s\",\"batch\":%u,\"batches\":%u,\"why\":",
	    sot_uuid_format(o->row.id, id), rollout_phase(r), r->batch, r->batches);
	sot_buf_add_json(&data, sot_str_c(why));
	sot_buf_add_c(&data, ",\"by\":");
	sot_buf_add_json(&data, sot_str_c(by));
	sot_buf_add_c(&data, "}");
	say_event(c, "rollout.state", o->row.target, o->app, NULL, o, &data);
}

/* ---- units: the steps of one instance in one batch ---- */

static size_t unit_end(const operation *o, size_t from)
{
	const step_row *first = &o->steps[from]->row;
	size_t k = from + 1;

	while (k < o->step_count && o->steps[k]->row.batch == first->batch &&
	       sot_uuid_eq(o->steps[k]->row.instance_id, first->instance_id))
		k++;
	return k;
}

/* A look may begin in the middle of one: its first steps are over. */
static size_t unit_begin(const operation *o, size_t at)
{
	const step_row *s = &o->steps[at]->row;

	while (at > 0 && o->steps[at - 1]->row.batch == s->batch &&
	       sot_uuid_eq(o->steps[at - 1]->row.instance_id, s->instance_id))
		at--;
	return at;
}

static bool unit_is_over(const operation *o, size_t from, size_t end)
{
	for (size_t k = from; k < end; k++) {
		if (!operation_state_is_final(o->steps[k]->row.state))
			return false;
	}
	return true;
}

static bool has_begun(const step *s)
{
	return s->row.state != OPERATION_QUEUED;
}

/* The first step that is not over; all before it are, for good. */
static size_t first_open(const operation *o)
{
	rollout *r = o->rollout;

	while (r->first_open < o->step_count &&
	       operation_state_is_final(o->steps[r->first_open]->row.state))
		r->first_open++;
	return r->first_open;
}

/* There or back: its process ends, and begins anew. */
static bool takes_away(step_kind kind)
{
	return rollout_is_change(kind) || kind == STEP_ROLL_BACK;
}

static bool is_helping(step_kind kind)
{
	return kind <= STEP_START || kind == STEP_REMOVE || kind == STEP_RELEASE;
}

/* ---- failure, and the way back ---- */

static void cancel_open(controller *c, operation *o)
{
	for (size_t k = first_open(o); k < o->step_count; k++) {
		step *s = o->steps[k];
		if (!operation_state_is_final(s->row.state))
			step_set_state(c, o, s, OPERATION_CANCELLED, "");
	}
}

void rollout_go_back(controller *c, operation *o, const char *why, const char *by)
{
	rollout_row *r = &o->rollout->row;

	cancel_open(c, o);
	r->goes_back = true;
	r->paused_by[0] = '\0';
	r->batch_done_unix_ms = 0;
	o->rollout->is_blocked = false;
	model_copy_text(r->cause, sizeof(r->cause), sot_str_c(why));
	model_copy_text(r->back_by, sizeof(r->back_by), sot_str_c(by));
	rollout_plan_back(c, o);
	touch_rollout(c, o);
	say_log(c, o, LOG_WARN, "%s; what was changed goes back to %s", why,
	    o->app->row.version[0] || o->row.kind != OPERATION_APP_DEPLOY ? rollout_home(o)
	                                                                  : "no package");
	say_rollout(c, o, why, by);
	wake_operation(c, o);
}

static void fail(controller *c, operation *o, const char *why)
{
	if (o->rollout->row.strategy.on_failure == SOT_ROLLOUT_FAILURE_ROLL_BACK)
		rollout_go_back(c, o, why, "");
	else
		operation_end(c, o, OPERATION_FAILED, why);
}

static void fail_of(controller *c, operation *o, const step *s)
{
	char why[OPERATION_TEXT_MAX];

	(void)snprintf(why, sizeof(why), "%s: %s: %.480s", s->row.subject, step_kind_name(s->row.kind),
	    s->row.detail);
	fail(c, o, why);
}

/* ---- who may be taken away ---- */

/* What there is of the app while nobody else is taken. */
typedef struct room {
	uint32_t wanted, there, away; /* away: of those that are wanted */
	uint32_t limit;
	bool is_counted;
} room;

/* It is out of rotation, and not changed yet. */
static bool unit_rotates(const operation *o, size_t from, size_t end)
{
	for (size_t k = from; k < end; k++) {
		if (takes_away(o->steps[k]->row.kind))
			return !has_begun(o->steps[k]);
	}
	return false;
}

static void mark_parts(controller *c, const operation *o)
{
	for (sot_link *l = o->app->instances.next; l != &o->app->instances; l = l->next)
		SOT_CONTAINER(l, instance, of_app)->part = PART_NONE;
	for (size_t k = 0, end; k < o->step_count; k = end) {
		instance *i = step_instance(c, o->steps[k]);
		end = unit_end(o, k);
		if (!i)
			continue;
		if (is_helping(o->steps[k]->row.kind))
			i->part = PART_HELPS;
		else if (has_begun(o->steps[k]) && !unit_is_over(o, k, end))
			i->part = unit_rotates(o, k, end) ? PART_ROTATES : PART_CHANGES;
	}
}

/* What has failed before keeps nobody from the way back: it would never come to its end. */
static bool is_past_help(const operation *o, const instance *i)
{
	return o->rollout->row.goes_back && i->row.state == INSTANCE_FAILED && i->part == PART_NONE;
}

static void count_room(controller *c, const operation *o, bool rotating_are_there, room *r)
{
	size_t units = 0;

	if (r->is_counted)
		return;
	mark_parts(c, o);
	for (sot_link *l = o->app->instances.next; l != &o->app->instances; l = l->next) {
		const instance *i = SOT_CONTAINER(l, instance, of_app);
		units += i->part != PART_HELPS && i->row.desired != SOT_DESIRED_STATE_RETIRED;
		if (i->row.desired != SOT_DESIRED_STATE_RUNNING || is_past_help(o, i))
			continue;
		bool is_there = i->part != PART_CHANGES &&
		                (i->part != PART_ROTATES || rotating_are_there) && instance_is_available(i);
		r->there += is_there;
		r->wanted += i->part != PART_HELPS;
	}
	r->limit = rollout_may_be_away(&o->rollout->row.strategy, units);
	if (o->rollout->row.goes_back && r->limit == 0)
		r->limit = 1; /* helpers may be what failed */
	r->is_counted = true;
}

static bool has_room(const room *r, finding *ret)
{
	if (r->there > 0 && r->there - 1 + r->limit >= r->wanted)
		return true;
	*ret = (finding){.verdict = VERDICT_WAIT};
	(void)snprintf(ret->text, sizeof(ret->text),
	    "instances to be back: %u of %u are away, %u may be",
	    r->wanted > r->there ? r->wanted - r->there : 0, r->wanted, r->limit);
	return false;
}

/* It was taken out of rotation when there was room; others may have gone away meanwhile. */
static bool may_change(controller *c, const operation *o, const step *s, finding *ret)
{
	const instance *i = step_instance(c, s);
	room r = {0};

	if (!takes_away(s->row.kind) || has_begun(s) || !i || !instance_is_available(i))
		return true;
	count_room(c, o, true, &r);
	return has_room(&r, ret);
}

static bool may_take(controller *c, const operation *o, const step *s, room *r, finding *ret)
{
	const instance *i = step_instance(c, s);
	const rollout_row *row = &o->rollout->row;

	*ret = (finding){.verdict = VERDICT_WAIT};
	if (row->paused_by[0]) {
		(void)snprintf(
		    ret->text, sizeof(ret->text), "somebody to resume it: paused by %s", row->paused_by);
		return false;
	}
	if (is_helping(s->row.kind) || !i || !instance_is_available(i))
		return true; /* nothing is lost with it */
	count_room(c, o, false, r);
	if (!has_room(r, ret))
		return false;
	r->there--;
	return true;
}

/* ---- a batch ---- */

/* Its instance has gone: there is nothing to change. */
static bool is_gone(controller *c, const step *s)
{
	const instance *i = step_instance(c, s);

	return (!i || i->row.desired == SOT_DESIRED_STATE_RETIRED) && !is_helping(s->row.kind);
}

/* Runs what can run of the unit. Returns whether it is over; a failed step is in *ret_failed. */
static bool advance_unit(controller *c, operation *o, size_t from, size_t end, finding *wait,
    bool *ret_blocked, const step **ret_failed)
{
	for (size_t k = from; k < end; k++) {
		step *s = o->steps[k];
		finding f;
		if (operation_state_is_final(s->row.state))
			continue;
		if (is_gone(c, s)) {
			step_set_state(c, o, s, OPERATION_CANCELLED, "the instance is gone");
			continue;
		}
		bool may = k == from || may_change(c, o, s, &f);
		*ret_blocked |= !may;
		if (!may || !operation_advance_step(c, o, k, &f)) {
			if (!wait->text[0])
				*wait = f;
			return false;
		}
		if (s->row.state == OPERATION_FAILED) {
			*ret_failed = s;
			return true;
		}
	}
	return true;
}

typedef enum progress { PROGRESS_WAITS, PROGRESS_OVER, PROGRESS_FAILED } progress;

/* First those that have begun, then as many more as there is room for. */
static progress advance_batch(
    controller *c, operation *o, size_t from, finding *wait, bool *ret_blocked)
{
	uint32_t batch = o->steps[from]->row.batch;
	bool all = true, goes_back = o->rollout->row.goes_back;
	const step *failed = NULL;
	room r = {0};

	for (int pass = 0; pass < 2; pass++) {
		for (size_t k = from, end; k < o->step_count && o->steps[k]->row.batch == batch; k = end) {
			finding f;
			end = unit_end(o, k);
			if (unit_is_over(o, k, end) || has_begun(o->steps[k]) != (pass == 0))
				continue;
			if (pass == 1 && !may_take(c, o, o->steps[k], &r, &f)) {
				*ret_blocked = true;
				if (!wait->text[0])
					*wait = f;
				all = false;
				continue;
			}
			all &= advance_unit(c, o, k, end, wait, ret_blocked, &failed);
			if (failed && !goes_back) {
				fail_of(c, o, failed);
				return PROGRESS_FAILED;
			}
		}
	}
	return all ? PROGRESS_OVER : PROGRESS_WAITS;
}

/* The batch in words: "shop-01, shop-02 and 3 more". */
static void name_batch(const operation *o, size_t from, sot_buf *out)
{
	uint32_t batch = o->steps[from]->row.batch;
	size_t n = 0;

	for (size_t k = from, end; k < o->step_count && o->steps[k]->row.batch == batch; k = end) {
		end = unit_end(o, k);
		if (n++ < NAMES_IN_LOG)
			sot_buf_printf(out, "%s%s", n > 1 ? ", " : "", o->steps[k]->row.subject);
	}
	if (n > NAMES_IN_LOG)
		sot_buf_printf(out, " and %zu more", n - NAMES_IN_LOG);
}

static void begin_batch(controller *c, operation *o, size_t from)
{
	rollout_row *r = &o->rollout->row;
	sot_buf names;

	r->batch = o->steps[from]->row.batch;
	r->batch_done_unix_ms = 0;
	touch_rollout(c, o);
	model_text_init(&names);
	name_batch(o, from, &names);
	say_log(
	    c, o, LOG_INFO, "batch %u of %u: %.*s", r->batch, r->batches, SOT_ARG(sot_buf_str(&names)));
	say_rollout(c, o, "", "");
	sot_buf_clear(&names);
}

/* ---- between two batches ---- */

/* False when the rollout has failed by it. */
static bool changed_ones_stay_well(controller *c, operation *o)
{
	rollout *r = o->rollout;
	char why[OPERATION_TEXT_MAX];

	if (r->row.goes_back || !rollout_find_unwell(c, o, why)) {
		r->is_unwell = false;
		return true;
	}
	if (!r->is_unwell)
		r->unwell_since = c->now.mono;
	r->is_unwell = true;
	if (sot_mono_diff_ms(c->now.mono, r->unwell_since) < c->config.failure_grace_ms)
		return true;
	fail(c, o, why);
	return false;
}

static bool wait_until(const controller *c, int64_t unix_ms, const char *what, finding *wait)
{
	int64_t left_ms = unix_ms - c->now.wall.unix_ms;

	if (left_ms <= 0)
		return false;
	(void)snprintf(wait->text, sizeof(wait->text), "%s: %lld s left", what,
	    (long long)((left_ms + 999) / 1000));
	return true;
}

/* Whether the strategy has the rollout wait behind the batch that is done. */
static bool waits_by_strategy(const operation *o)
{
	const rollout_row *r = &o->rollout->row;

	if (r->goes_back || r->passed >= r->batch || first_open(o) == o->step_count ||
	    is_helping(o->steps[first_open(o)]->row.kind))
		return false;
	return r->strategy.pause == SOT_ROLLOUT_PAUSE_BATCH ||
	       (r->strategy.pause == SOT_ROLLOUT_PAUSE_CANARY && r->strategy.canary > 0 &&
	           r->batch == (r->strategy.surge > 0 ? 2 : 1));
}

static void note_done(controller *c, operation *o)
{
	rollout_row *r = &o->rollout->row;

	if (r->batch_done_unix_ms)
		return;
	r->batch_done_unix_ms = c->now.wall.unix_ms;
	touch_rollout(c, o);
	if (!r->goes_back && r->strategy.bake_s > 0)
		say_rollout(c, o, "", "");
}

/* Health is watched for a while, then the strategy, or somebody, may have it wait. */
static bool gate_is_open(controller *c, operation *o, finding *wait)
{
	rollout_row *r = &o->rollout->row;
	char what[60];

	note_done(c, o);
	(void)snprintf(what, sizeof(what), "batch %u to stay healthy", r->batch);
	int64_t baked = r->batch_done_unix_ms + (r->goes_back ? 0 : r->strategy.bake_s * 1000ll);
	if (wait_until(c, baked, what, wait))
		return false;
	if (o->rollout->is_unwell) {
		(void)snprintf(wait->text, sizeof(wait->text), "%s", what);
		return false;
	}
	if (!r->goes_back && first_open(o) < o->step_count && operation_is_held(c, o)) {
		(void)snprintf(wait->text, sizeof(wait->text), "the maintenance window of %s: %.400s UTC",
		    o->app->row.name, o->app->row.settings.windows);
		return false;
	}
	if (!r->paused_by[0] && waits_by_strategy(o)) {
		(void)snprintf(what, sizeof(what), "the pause after batch %u", r->batch);
		if (r->strategy.pause_s > 0)
			return !wait_until(c, baked + r->strategy.pause_s * 1000ll, what, wait);
		rollout_pause(c, o, "its strategy");
	}
	if (!r->paused_by[0] || first_open(o) == o->step_count)
		return true;
	(void)snprintf(
	    wait->text, sizeof(wait->text), "somebody to resume it: paused by %s", r->paused_by);
	return false;
}

/* ---- by hand ---- */

void rollout_pause(controller *c, operation *o, const char *by)
{
	rollout_row *r = &o->rollout->row;

	model_copy_text(r->paused_by, sizeof(r->paused_by), sot_str_c(by));
	touch_rollout(c, o);
	say_log(c, o, LOG_INFO, "paused by %s", by);
	say_rollout(c, o, "", by);
	wake_operation(c, o);
}

void rollout_resume(controller *c, operation *o, const char *by)
{
	rollout_row *r = &o->rollout->row;

	r->paused_by[0] = '\0';
	if (r->batch_done_unix_ms)
		r->passed = r->batch;
	touch_rollout(c, o);
	say_log(c, o, LOG_INFO, "resumed by %s", by);
	say_rollout(c, o, "", by);
	wake_operation(c, o);
}

/* ---- the end, and the whole ---- */

const group *rollout_group(const operation *o)
{
	return o->row.group[0] ? model_find_group(o->app, sot_str_c(o->row.group), true) : NULL;
}

const char *rollout_home(const operation *o)
{
	const app_row *a = &o->app->row;
	const group *g = rollout_group(o);

	return o->row.kind == OPERATION_APP_DEPLOY
	           ? (g && g->row.version[0] ? g->row.version : a->version)
	       : o->row.kind == OPERATION_APP_RESIZE ? a->plan
	       : o->row.kind == OPERATION_APP_MIDDLEWARE
	           ? (a->middleware ? a->middleware : "no middleware")
	           : a->image;
}

static void finish(controller *c, operation *o)
{
	const rollout_row *r = &o->rollout->row;

	if (!r->goes_back)
		operation_end(c, o, OPERATION_DONE, "");
	else
		operation_end(c, o, r->back_by[0] ? OPERATION_CANCELLED : OPERATION_FAILED, r->cause);
}

/* What has not gone back stays as it is; the outcome says so. */
static void give_up(controller *c, operation *o, const char *why)
{
	say_log(c, o, LOG_ERROR, "on the way back: %s", why);
	cancel_open(c, o);
	finish(c, o);
}

static bool is_late(const controller *c, const operation *o)
{
	const rollout_row *r = &o->rollout->row;

	return !r->goes_back && r->strategy.deadline_s > 0 &&
	       c->now.wall.unix_ms - o->row.started_unix_ms >= r->strategy.deadline_s * 1000ll;
}

/* Nobody may be taken away, for longer than an instance may need to become healthy. */
static bool is_stuck(controller *c, operation *o, bool blocked)
{
	rollout *r = o->rollout;

	if (!blocked || r->row.paused_by[0]) {
		r->is_blocked = false;
		return false;
	}
	if (!r->is_blocked)
		r->blocked_since = c->now.mono;
	r->is_blocked = true;
	return sot_mono_diff_ms(c->now.mono, r->blocked_since) >=
	       c->config.healthy_deadline_ms + o->app->row.health.start_period_ms +
	           c->config.start_deadline_ms;
}

void rollout_advance(controller *c, operation *o)
{
	rollout_row *r = &o->rollout->row;
	finding wait = {VERDICT_WAIT, ""};
	bool blocked = false;
	char why[OPERATION_TEXT_MAX];

	if (is_late(c, o)) {
		(void)snprintf(why, sizeof(why), "its deadline of %u s is over", r->strategy.deadline_s);
		fail(c, o, why);
		return;
	}
	if (!changed_ones_stay_well(c, o))
		return;
	for (;;) {
		size_t at = first_open(o);
		bool is_last = at == o->step_count;
		if (is_last || o->steps[at]->row.batch != r->batch) {
			if (r->batch > 0 && !gate_is_open(c, o, &wait))
				break;
			if (is_last) {
				finish(c, o);
				return;
			}
			begin_batch(c, o, at);
		}
		progress p = advance_batch(c, o, unit_begin(o, at), &wait, &blocked);
		if (p == PROGRESS_FAILED)
			return;
		if (p == PROGRESS_WAITS)
			break;
	}
	if (is_stuck(c, o, blocked)) {
		(void)snprintf(why, sizeof(why), "waited too long for %.500s", wait.text);
		if (r->goes_back)
			give_up(c, o, why);
		else
			fail(c, o, why);
		return;
	}
	operation_set_waits_for(c, o, wait.text);
}
