/* Operations: one queue per app, steps that look at facts, an end for each.
 *
 * Level-triggered: a step is done when the instance's row says so, whoever caused it and in
 * whichever leader's life. Steps of one instance run one after the other; those of different
 * instances side by side, except in a roll-out, where each step waits for all before it.
 *
 *     queued --(first in the app's queue)--> running --> done | failed | cancelled
 */
#include "parts.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

typedef enum verdict { VERDICT_WAIT, VERDICT_DONE, VERDICT_FAIL } verdict;

/* A step's look at the world: what it found, in words for waits_for or the error. */
typedef struct finding {
	verdict verdict;
	char text[OPERATION_TEXT_MAX];
} finding;

instance *step_instance(controller *c, const step *s)
{
	return model_find_instance(c, s->row.instance_id);
}

step *operation_add_step(controller *c, operation *o, const instance *i, step_kind kind)
{
	step_row row = {
	    .operation_id = o->row.id,
	    .ordinal = (uint32_t)o->step_count,
	    .instance_id = i->row.id,
	    .kind = kind,
	};

	memcpy(row.subject, i->row.name, sizeof(row.subject));
	step *s = model_add_step(c, o, &row);
	touch_step(c, s);
	o->row.progress_total = (uint32_t)o->step_count;
	touch_operation(c, o);
	return s;
}

static finding found(verdict v, const char *fmt, ...) SOT_PRINTF(2, 3);
static finding found(verdict v, const char *fmt, ...)
{
	finding f = {.verdict = v};
	va_list args;

	va_start(args, fmt);
	(void)vsnprintf(f.text, sizeof(f.text), fmt, args);
	va_end(args);
	return f;
}

static bool is_late(const controller *c, const step *s, int64_t deadline_ms)
{
	return sot_mono_diff_ms(c->now.mono, s->since) >= deadline_ms;
}

/* ---- what each kind of step looks at ---- */

static const char *host_words(const instance *i, char dst[static 160])
{
	if (!i->host) {
		(void)snprintf(dst, 160, "no host");
	} else if (host_is_up(i->host)) {
		(void)snprintf(dst, 160, "%s", i->host->row.name);
	} else {
		(void)snprintf(
		    dst, 160, "%s, which is %s", i->host->row.name, host_state_name(i->host->row.state));
	}
	return dst;
}

static finding look_place(controller *c, const operation *o, const step *s, const instance *i)
{
	if (i->host)
		return found(VERDICT_DONE, "on %s", i->host->row.name);
	if (is_late(c, s, c->config.wait_deadline_ms))
		return found(VERDICT_FAIL, "waited too long for %.500s", o->place_text);
	return found(VERDICT_WAIT, "%s", o->place_text);
}

static finding look_address(controller *c, const step *s, const instance *i)
{
	char v4[SOT_IP_TEXT], v6[SOT_IP_TEXT];
	const char *why = i->app->address_text;

	if (!sot_ip_is_none(i->row.v4.address))
		return found(VERDICT_DONE, "%s%s%s", sot_ip_format(i->row.v4.address, v4),
		    sot_ip_is_none(i->row.v6.address) ? "" : " and ", sot_ip_format(i->row.v6.address, v6));
	if (is_late(c, s, c->config.wait_deadline_ms))
		return found(VERDICT_FAIL, "no address in VLAN %s: %.400s", i->row.vlan, why);
	return found(
	    VERDICT_WAIT, "an address of VLAN %s%s%.400s", i->row.vlan, why[0] ? ": " : "", why);
}

static bool spec_is_carried_out(const instance *i)
{
	instance_state wanted =
	    i->row.desired == SOT_DESIRED_STATE_STOPPED ? INSTANCE_STOPPED : INSTANCE_RUNNING;

	return i->row.observed_generation >= i->row.generation && i->row.state == wanted &&
	       i->row.observed_restart_seq >= i->row.restart_seq;
}

static bool has_failed_for_long(const controller *c, const step *s, const instance *i)
{
	return i->has_failed && i->row.observed_generation >= i->row.generation &&
	       sot_mono_diff_ms(c->now.mono, i->failed_since) >= c->config.failure_grace_ms &&
	       is_late(c, s, c->config.failure_grace_ms);
}

/* Start, stop, restart, deploy: the agent carries the newest spec out. */
static finding look_spec(controller *c, const step *s, const instance *i, int64_t deadline_ms)
{
	char where[160];

	if (spec_is_carried_out(i))
		return found(VERDICT_DONE, "on %s", host_words(i, where));
	if (has_failed_for_long(c, s, i))
		return found(VERDICT_FAIL, "%.400s", i->row.error[0] ? i->row.error : "it failed");
	if (is_late(c, s, deadline_ms))
		return found(VERDICT_FAIL, "still %s on %s after %lld s%s%.300s",
		    instance_state_name(i->row.state), host_words(i, where),
		    (long long)(deadline_ms / 1000), i->row.error[0] ? ": " : "", i->row.error);
	return found(VERDICT_WAIT, "%s, %s on %s", i->row.name, instance_state_name(i->row.state),
	    host_words(i, where));
}

static finding look_healthy(controller *c, const step *s, const instance *i)
{
	int64_t deadline_ms = c->config.healthy_deadline_ms + i->app->row.health.start_period_ms;
	char where[160];

	if (spec_is_carried_out(i) &&
	    (i->row.desired == SOT_DESIRED_STATE_STOPPED || i->row.health == SOT_HEALTH_HEALTHY))
		return found(VERDICT_DONE, "%s", health_name(i->row.health));
	if (has_failed_for_long(c, s, i))
		return found(VERDICT_FAIL, "%.400s", i->row.error[0] ? i->row.error : "it failed");
	if (i->row.health == SOT_HEALTH_UNHEALTHY && is_late(c, s, c->config.failure_grace_ms))
		return found(VERDICT_FAIL, "unhealthy on %s: %.400s", host_words(i, where), i->row.error);
	if (is_late(c, s, deadline_ms))
		return found(VERDICT_FAIL, "not healthy on %s after %lld s: %s, %s%s%.300s",
		    host_words(i, where), (long long)(deadline_ms / 1000),
		    instance_state_name(i->row.state), health_name(i->row.health),
		    i->row.error[0] ? ": " : "", i->row.error);
	return found(VERDICT_WAIT, "%s to be healthy on %s", i->row.name, host_words(i, where));
}

static finding look_leaving(controller *c, const step *s, const instance *i)
{
	bool standing = i->host != NULL;
	char where[160];

	if (s->row.kind == STEP_REMOVE && !standing)
		return found(VERDICT_DONE, "removed");
	if (is_late(c, s, c->config.stop_deadline_ms))
		return found(VERDICT_FAIL, "%s; it goes on by itself when that is mended",
		    standing ? host_words(i, where) : "ipam did not take the address back");
	if (standing)
		return found(VERDICT_WAIT, "%s to be removed from %s", i->row.name, host_words(i, where));
	return found(VERDICT_WAIT, "ipam to take back the address of %s", i->row.name);
}

static finding look(controller *c, const operation *o, const step *s)
{
	const instance *i = step_instance(c, s);

	if (!i)
		return s->row.kind == STEP_REMOVE || s->row.kind == STEP_RELEASE
		           ? found(VERDICT_DONE, "done")
		           : found(VERDICT_FAIL, "the instance is gone");
	switch (s->row.kind) {
	case STEP_PLACE:
		return look_place(c, o, s, i);
	case STEP_ADDRESS:
		return look_address(c, s, i);
	case STEP_START:
	case STEP_DEPLOY:
	case STEP_RESTART:
		return look_spec(c, s, i, c->config.start_deadline_ms);
	case STEP_STOP:
		return look_spec(c, s, i, c->config.stop_deadline_ms);
	case STEP_HEALTHY:
		return look_healthy(c, s, i);
	case STEP_REMOVE:
	case STEP_RELEASE:
	case STEP_KINDS:
		break;
	}
	return look_leaving(c, s, i);
}

/* ---- steps ---- */

/* The order is given when the step begins; it is in the same batch as the step's state. */
static void order(controller *c, const operation *o, const step *s)
{
	instance *i = step_instance(c, s);

	if (!i || i->row.desired == SOT_DESIRED_STATE_RETIRED)
		return;
	switch (s->row.kind) {
	case STEP_START:
		instance_set_desired(c, i, SOT_DESIRED_STATE_RUNNING);
		break;
	case STEP_STOP:
		instance_set_desired(c, i, SOT_DESIRED_STATE_STOPPED);
		break;
	case STEP_RESTART:
		i->row.desired = SOT_DESIRED_STATE_RUNNING;
		i->row.restart_seq++;
		i->row.generation++;
		model_spec_changed(c, i);
		break;
	case STEP_DEPLOY:
		memcpy(i->row.version, o->row.version, sizeof(i->row.version));
		i->row.generation++;
		i->has_failed = false;
		model_spec_changed(c, i);
		break;
	default:
		break;
	}
}

static void set_step(controller *c, operation *o, step *s, operation_state state, const char *text)
{
	assert(operation_state_may(s->row.state, state));
	s->row.state = state;
	if (state == OPERATION_RUNNING) {
		s->since = c->now.mono;
		s->row.started_unix_ms = c->now.wall.unix_ms;
	} else {
		s->row.finished_unix_ms = c->now.wall.unix_ms;
		model_copy_text(s->row.detail, sizeof(s->row.detail), sot_str_c(text));
		o->row.progress_done += state == OPERATION_DONE;
		touch_operation(c, o);
	}
	touch_step(c, s);
}

/* After a failure: what can no longer run. In a roll-out that is everything behind it. */
static void cancel_rest(controller *c, operation *o, size_t from)
{
	bool rolling = o->row.kind == OPERATION_APP_DEPLOY;

	for (size_t k = from; k < o->step_count; k++) {
		step *s = o->steps[k];
		if (!rolling && !sot_uuid_eq(s->row.instance_id, o->steps[from - 1]->row.instance_id))
			break;
		if (!operation_state_is_final(s->row.state))
			set_step(c, o, s, OPERATION_CANCELLED, "");
	}
}

/* Begins it when its turn has come, looks, writes down. Returns whether it is over. */
static bool advance_step(controller *c, operation *o, size_t k, finding *ret)
{
	step *s = o->steps[k];

	if (s->row.state == OPERATION_QUEUED) {
		set_step(c, o, s, OPERATION_RUNNING, "");
		order(c, o, s);
		if (s->row.kind == STEP_PLACE)
			operation_place(c, o);
	}
	*ret = look(c, o, s);
	if (ret->verdict == VERDICT_WAIT)
		return false;
	bool done = ret->verdict == VERDICT_DONE;
	set_step(c, o, s, done ? OPERATION_DONE : OPERATION_FAILED, ret->text);
	say_log(c, o, done ? LOG_INFO : LOG_ERROR, "%s: %s %s%s%s", s->row.subject,
	    step_kind_name(s->row.kind), done ? "done" : "failed", ret->text[0] ? ": " : "", ret->text);
	if (!done)
		cancel_rest(c, o, k + 1);
	return true;
}

/* All place steps begin together, so that one placement sees them all. */
static void begin_placing(controller *c, operation *o)
{
	for (size_t k = 0; k < o->step_count; k++) {
		step *s = o->steps[k];
		if (s->row.kind == STEP_PLACE && s->row.state == OPERATION_QUEUED)
			set_step(c, o, s, OPERATION_RUNNING, "");
	}
	operation_place(c, o);
}

/* Runs what can run; `ret_wait` gets what is waited for: a lack of hosts before a lack of addresses
 * before agents that work. Returns whether all steps
 * are over. */
static bool advance_steps(controller *c, operation *o, finding *ret_wait)
{
	bool rolling = o->row.kind == OPERATION_APP_DEPLOY, all = true;
	sot_uuid held = {{0}}; /* the instance whose earlier step is not over */
	step_kind waiting = STEP_KINDS;

	for (size_t k = 0; k < o->step_count; k++) {
		step *s = o->steps[k];
		finding f;
		if (operation_state_is_final(s->row.state) ||
		    (!all && sot_uuid_eq(held, s->row.instance_id)))
			continue;
		if (advance_step(c, o, k, &f))
			continue;
		if (s->row.kind < waiting) {
			waiting = s->row.kind;
			*ret_wait = f;
		}
		all = false;
		held = s->row.instance_id;
		if (rolling)
			break;
	}
	return all;
}

static const step *first_failed(const operation *o)
{
	for (size_t k = 0; k < o->step_count; k++) {
		if (o->steps[k]->row.state == OPERATION_FAILED)
			return o->steps[k];
	}
	return NULL;
}

static void set_waits_for(controller *c, operation *o, const char *text)
{
	if (strcmp(o->row.waits_for, text) == 0)
		return;
	model_copy_text(o->row.waits_for, sizeof(o->row.waits_for), sot_str_c(text));
	touch_operation(c, o);
}

static void say_operation(controller *c, const operation *o, const char *from)
{
	char id[SOT_UUID_TEXT];
	sot_buf data;

	model_text_init(&data);
	sot_buf_printf(&data,
	    "{\"id\":\"%s\",\"kind\":\"%s\",\"changed\":{\"state\":[\"%s\",\"%s\"]},\"error\":",
	    sot_uuid_format(o->row.id, id), operation_kind_name(o->row.kind), from,
	    operation_state_name(o->row.state));
	sot_buf_add_json(&data, sot_str_c(o->row.error));
	sot_buf_add_c(&data, "}");
	say_event(c, "operation.state", o->row.target, o->app, NULL, o, &data);
}

static void advance(controller *c, operation *o)
{
	finding wait = {VERDICT_WAIT, ""};

	if (o->row.state == OPERATION_QUEUED) {
		if (o->app && app_operation(o->app) != o) {
			operation_say_queued(c, o);
			return;
		}
		operation_begin(c, o);
		if (operation_state_is_final(o->row.state))
			return;
		if (o->step_count > 0)
			say_operation(c, o, operation_state_name(OPERATION_QUEUED));
	}
	begin_placing(c, o);
	if (!advance_steps(c, o, &wait)) {
		set_waits_for(c, o, wait.text);
		return;
	}
	const step *failed = first_failed(o);
	if (!failed) {
		operation_end(c, o, OPERATION_DONE, "");
		return;
	}
	char why[OPERATION_TEXT_MAX];
	(void)snprintf(why, sizeof(why), "%s: %s: %.480s", failed->row.subject,
	    step_kind_name(failed->row.kind), failed->row.detail);
	operation_end(c, o, OPERATION_FAILED, why);
}

/* ---- queue and end ---- */

void operation_say_queued(controller *c, operation *o)
{
	const operation *before = SOT_CONTAINER(o->queued.prev, operation, queued);
	char id[SOT_UUID_TEXT], text[OPERATION_TEXT_MAX];

	(void)snprintf(text, sizeof(text), "operation %s (%s) of the same app to end",
	    sot_uuid_format(before->row.id, id), operation_kind_name(before->row.kind));
	set_waits_for(c, o, text);
}

void operation_enqueue(controller *c, operation *o)
{
	if (o->app)
		sot_list_push(&o->app->queue, &o->queued);
	say_operation(c, o, "");
	touch_operation(c, o);
	wake_operation(c, o);
}

/* What the operation made and no agent has heard of is taken back. */
static void undo_not_begun(controller *c, operation *o)
{
	for (size_t k = 0; k < o->step_count; k++) {
		step *s = o->steps[k];
		if (!operation_state_is_final(s->row.state))
			set_step(c, o, s, OPERATION_CANCELLED, "");
		if (s->row.kind != STEP_PLACE)
			continue;
		instance *i = step_instance(c, s);
		if (i && sot_ip_is_none(i->row.v4.address))
			instance_retire(c, i);
	}
}

static void end_delete(controller *c, operation *o, operation_state state)
{
	app *a = o->app;
	sot_buf data;

	if (state != OPERATION_DONE) {
		a->row.deleting = false;
		touch_app(c, a);
		return;
	}
	model_text_init(&data);
	sot_buf_add_c(&data, "{}");
	say_event(c, "app.deleted", a->row.name, a, NULL, o, &data);
	while (app_operation(a))
		operation_end(c, app_operation(a), OPERATION_FAILED, "the app was deleted");
	model_delete_app(c, a);
}

static void end_deploy(controller *c, operation *o)
{
	app *a = o->app;
	sot_buf data;

	model_text_init(&data);
	sot_buf_add_c(&data, "{\"changed\":{\"version\":[");
	sot_buf_add_json(&data, sot_str_c(a->row.version));
	sot_buf_add_c(&data, ",");
	sot_buf_add_json(&data, sot_str_c(o->row.version));
	sot_buf_add_c(&data, "]}}");
	memcpy(a->row.version, o->row.version, sizeof(a->row.version));
	touch_app(c, a);
	say_event(c, "app.version", a->row.name, a, NULL, o, &data);
}

void operation_end(controller *c, operation *o, operation_state state, const char *why)
{
	const char *from = operation_state_name(o->row.state);
	app *a = o->app;

	assert(operation_state_may(o->row.state, state) && operation_state_is_final(state));
	bool had_begun = o->row.state == OPERATION_RUNNING;
	o->row.state = state;
	o->row.finished_unix_ms = c->now.wall.unix_ms;
	o->row.waits_for[0] = '\0';
	model_copy_text(o->row.error, sizeof(o->row.error), sot_str_c(why));
	touch_operation(c, o);
	if (state != OPERATION_DONE)
		undo_not_begun(c, o);
	say_log(c, o, state == OPERATION_DONE ? LOG_INFO : LOG_ERROR, "%s%s%s",
	    operation_state_name(state), why[0] ? ": " : "", why);
	say_operation(c, o, from);
	model_end_operation(c, o);
	if (had_begun && o->row.kind == OPERATION_APP_DEPLOY && state == OPERATION_DONE)
		end_deploy(c, o);
	if (had_begun && o->row.kind == OPERATION_APP_DELETE)
		end_delete(c, o, state);
	for (sot_link *l = a ? a->queue.next : NULL; l && l != &a->queue; l = l->next)
		wake_operation(c, SOT_CONTAINER(l, operation, queued));
}

void operations_advance(controller *c)
{
	if (c->capacity_changed) {
		c->capacity_changed = false;
		for (sot_link *l = c->all_operations.next; l != &c->all_operations; l = l->next) {
			operation *o = SOT_CONTAINER(l, operation, all);
			o->place_after = c->now.mono;
			wake_operation(c, o);
		}
	}
	while (!sot_list_empty(&c->awake)) {
		operation *o = SOT_CONTAINER(c->awake.next, operation, awake);
		sot_list_remove(&o->awake);
		advance(c, o);
	}
}

void operations_tick(controller *c)
{
	for (sot_link *l = c->all_operations.next; l != &c->all_operations; l = l->next)
		wake_operation(c, SOT_CONTAINER(l, operation, all));
}
