/* Operations: one queue per app, steps that look at facts, an end for each.
 *
 * Level-triggered: a step is done when the instance's row says so, whoever caused it and in
 * whichever leader's life. Steps of one instance run one after the other; those of different
 * instances side by side, except in a rollout, which goes by batches (rollout.c).
 *
 *     queued --(first in the app's queue)--> running --> done | failed | cancelled
 */
#include "middleware.h"
#include "parts.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

/* What nobody woke is looked at so often, for its deadlines and waits, and of very many so many a
 * second: what each look costs must not grow with what is open. */
#define LOOK_MS 2000
#define LOOKS_PER_S 1000

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
	    .batch = o->rollout ? (uint16_t)o->rollout->row.batches : 0,
	};

	const step_row *last = o->step_count > 0 ? &o->steps[o->step_count - 1]->row : NULL;
	bool is_same = last && sot_uuid_eq(last->instance_id, i->row.id);
	row.subject = is_same ? shared_keep(last->subject) : shared_alone(sot_str_c(i->name));
	row.detail = shared_alone(SOT_STR(""));
	step *s = model_add_step(c, o, &row);
	touch_step(c, s);
	o->row.progress_total = (uint32_t)o->step_count;
	touch_operation(c, o);
	return s;
}

/* ---- steps ---- */

static void set_version(controller *c, instance *i, const char *version)
{
	INSTANCE_SET(c, i, version, sot_str_c(version));
	i->row.generation++;
	i->has_failed = false;
	model_spec_changed(c, i);
}

static void set_middleware(controller *c, instance *i, sot_str set)
{
	INSTANCE_SET(c, i, middleware, set);
	i->row.generation++;
	i->has_failed = false;
	model_spec_changed(c, i);
}

static void put_middleware(controller *c, const operation *o, instance *i)
{
	SOT_AUTO_BUF set;

	model_text_init(&set);
	middleware_put(sot_str_c(i->row.make->middleware), sot_str_c(o->row.image),
	    sot_str_c(o->row.version), &set);
	set_middleware(c, i, sot_buf_str(&set));
}

/* Back to what its app runs. */
static void order_home(controller *c, const operation *o, instance *i)
{
	const app_row *a = &i->app->row;
	char why[300];

	if (o->row.kind == OPERATION_APP_DEPLOY)
		set_version(c, i,
		    instance_group(c, i)->row.version[0] ? instance_group(c, i)->row.version : a->version);
	else if (o->row.kind == OPERATION_APP_MIDDLEWARE)
		set_middleware(c, i, sot_str_c(a->middleware ? a->middleware : ""));
	else if (o->row.kind == OPERATION_APP_REBUILD)
		rebuild_instance(c, i, a->image);
	else if (resize_fits(c, i, a->plan, why, sizeof(why)))
		resize_instance(c, i, a->plan, "");
}

/* Who sends requests to instances hears that this one is to get none, or may get them again. */
static void say_rotation(controller *c, const operation *o, const instance *i, bool out)
{
	char id[SOT_UUID_TEXT], operation_id[SOT_UUID_TEXT], address[SOT_IP_TEXT];
	sot_buf data;

	model_text_init(&data);
	sot_buf_printf(&data,
	    "{\"id\":\"%s\",\"address\":\"%s\",\"rotation\":\"%s\",\"operation\":\"%s\"",
	    sot_uuid_format(i->row.id, id), sot_ip_format(i->row.v4.address, address),
	    out ? "out" : "in", sot_uuid_format(o->row.id, operation_id));
	if (out)
		sot_buf_printf(&data, ",\"seconds\":%u", o->rollout->row.strategy.drain_s);
	sot_buf_add_c(&data, "}");
	say_event(c, "instance.rotation", i->name, i->app, i->host, o, &data);
}

/* The order is given when the step begins; it is in the same batch as the step's state. */
static void order(controller *c, const operation *o, const step *s)
{
	instance *i = step_instance(c, s);

	if (!i || i->row.desired == SOT_DESIRED_STATE_RETIRED)
		return;
	switch (s->row.kind) {
	case STEP_START:
		if (i->held) { /* its agent hears of it now */
			i->held = i->arrived = false;
			model_spec_changed(c, i);
		}
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
		set_version(c, i, o->row.version);
		break;
	case STEP_RESIZE: {
		char why[300];
		if (resize_fits(c, i, o->row.plan, why, sizeof(why)))
			resize_instance(c, i, o->row.plan, o->row.bandwidth);
		break;
	}
	case STEP_MIDDLEWARE:
		put_middleware(c, o, i);
		break;
	case STEP_ROLL_BACK:
		order_home(c, o, i);
		break;
	case STEP_ROTATE_OUT:
	case STEP_ROTATE_IN:
		say_rotation(c, o, i, s->row.kind == STEP_ROTATE_OUT);
		break;
	case STEP_REMOVE:
		instance_retire(c, i);
		break;
	case STEP_FREEZE:
		instance_set_desired(c, i, SOT_DESIRED_STATE_FROZEN);
		break;
	case STEP_UNFREEZE:
		instance_set_desired(c, i, SOT_DESIRED_STATE_RUNNING);
		break;
	case STEP_REBUILD:
		rebuild_instance(c, i, o->row.image[0] ? o->row.image : i->app->row.image);
		break;
	default:
		break;
	}
}

static bool is_start(step_kind kind)
{
	return kind == STEP_START || kind == STEP_RESTART || kind == STEP_DEPLOY ||
	       kind == STEP_REBUILD || kind == STEP_ROLL_BACK || kind == STEP_MIDDLEWARE;
}

/* The step is over. Its start is, too, when it is done or was not ordered; else the instance's
 * state will tell. */
static void end_start(controller *c, const step *s)
{
	instance *i = is_start(s->row.kind) ? step_instance(c, s) : NULL;

	if (i && (s->row.state == OPERATION_DONE || (i->start && !i->start->flies)))
		start_over(c, i);
}

/* A start stands in line until there is room for it. */
static bool may_begin(controller *c, const step *s, finding *ret)
{
	instance *i = is_start(s->row.kind) ? step_instance(c, s) : NULL;
	char why[200];

	if (!i || i->row.desired == SOT_DESIRED_STATE_RETIRED || start_may(c, i, why))
		return true;
	*ret = (finding){.verdict = VERDICT_WAIT};
	model_copy_text(ret->text, sizeof(ret->text), sot_str_c(why));
	return false;
}

void step_set_state(controller *c, operation *o, step *s, operation_state state, const char *text)
{
	assert(operation_state_may(s->row.state, state));
	s->row.state = state;
	if (state == OPERATION_RUNNING) {
		s->since = c->now.mono;
		s->row.started_unix_ms = c->now.wall.unix_ms;
	} else {
		s->row.finished_unix_ms = c->now.wall.unix_ms;
		model_put_text(&s->row.detail, OPERATION_TEXT_MAX - 1, sot_str_c(text));
		o->row.progress_done += state == OPERATION_DONE;
		end_start(c, s);
		touch_operation(c, o);
	}
	touch_step(c, s);
}

/* After a failure: what can no longer run of the instance. */
static void cancel_rest(controller *c, operation *o, size_t from)
{
	const step_row *failed = &o->steps[from - 1]->row;

	for (size_t k = from; k < o->step_count; k++) {
		step *s = o->steps[k];
		if (!sot_uuid_eq(s->row.instance_id, failed->instance_id) || s->row.batch != failed->batch)
			break;
		if (!operation_state_is_final(s->row.state))
			step_set_state(c, o, s, OPERATION_CANCELLED, "");
	}
}

/* Steps that try again until they find a place. */
static void attempt(controller *c, operation *o, const step *s)
{
	bool tries =
	    s->row.kind == STEP_TARGET || s->row.kind == STEP_REPLACE || s->row.kind == STEP_RETURN;
	instance *i = tries ? step_instance(c, s) : NULL;

	if (!i)
		return;
	if (s->row.kind == STEP_TARGET)
		move_attempt(c, o, i);
	else if (s->row.kind == STEP_REPLACE)
		replace_attempt(c, o, i);
	else if (s->row.kind == STEP_RETURN)
		return_attempt(c, o, i);
}

bool operation_advance_step(controller *c, operation *o, size_t k, finding *ret)
{
	step *s = o->steps[k];

	if (s->row.state == OPERATION_QUEUED) {
		if (!may_begin(c, s, ret))
			return false;
		step_set_state(c, o, s, OPERATION_RUNNING, "");
		order(c, o, s);
		if (s->row.kind == STEP_PLACE)
			operation_place(c, o);
	}
	attempt(c, o, s);
	rotation_attempt(c, o, s);
	*ret = step_look(c, o, s);
	if (ret->verdict == VERDICT_WAIT)
		return false;
	bool done = ret->verdict == VERDICT_DONE;
	step_set_state(c, o, s, done ? OPERATION_DONE : OPERATION_FAILED, ret->text);
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
			step_set_state(c, o, s, OPERATION_RUNNING, "");
	}
	operation_place(c, o);
}

/* Runs what can run; `ret_wait` gets what is waited for: a lack of hosts before a lack of addresses
 * before agents that work. Returns whether all steps
 * are over. */
static bool advance_steps(controller *c, operation *o, finding *ret_wait)
{
	bool all = true;
	sot_uuid held = {{0}}; /* the instance whose earlier step is not over */

	for (size_t k = 0; k < o->step_count; k++) {
		step *s = o->steps[k];
		finding f;
		if (operation_state_is_final(s->row.state) ||
		    (!all && sot_uuid_eq(held, s->row.instance_id)))
			continue;
		if (operation_advance_step(c, o, k, &f))
			continue;
		if (step_wait_rank(s) < o->wait_rank) {
			o->wait_rank = step_wait_rank(s);
			*ret_wait = f;
		}
		all = false;
		held = s->row.instance_id;
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

void operation_set_waits_for(controller *c, operation *o, const char *text)
{
	if (strcmp(o->row.waits_for, text) == 0)
		return;
	model_put_text(&o->row.waits_for, OPERATION_TEXT_MAX - 1, sot_str_c(text));
	touch_operation(c, o);
}

/* It waits for a maintenance window; what stands behind it in the app's queue need not. */
static void let_pass(controller *c, operation *o)
{
	operation_say_held(c, o);
	if (app_operation(o->app) != o || o->queued.next == &o->app->queue)
		return;
	sot_list_remove(&o->queued);
	sot_list_push(&o->app->queue, &o->queued);
	wake_operation(c, app_operation(o->app));
}

/* False while it is not its turn, and when it ended at once. */
static bool begin(controller *c, operation *o)
{
	if (operation_is_held(c, o)) {
		let_pass(c, o);
		return false;
	}
	if (!operation_has_turn(o)) {
		operation_say_queued(c, o);
		return false;
	}
	o->row.started_unix_ms = c->now.wall.unix_ms;
	if (o->parent)
		o->parent->running_children++;
	operation_begin(c, o);
	if (operation_state_is_final(o->row.state))
		return false;
	if (o->step_count > 0 || !sot_list_empty(&o->children))
		say_operation(c, o, operation_state_name(OPERATION_QUEUED));
	return true;
}

static void advance(controller *c, operation *o)
{
	finding wait = {VERDICT_WAIT, ""};

	o->looked_at = c->now.mono;
	sot_list_remove(&o->look);
	sot_list_push(&c->looks, &o->look);
	if (o->row.state == OPERATION_QUEUED && !begin(c, o))
		return;
	if (operation_kind_is_bulk(o->row.kind)) {
		bulk_advance(c, o);
		return;
	}
	begin_placing(c, o);
	o->wait_rank = 2 * STEP_KINDS; /* nothing has told why it waits */
	if (o->rollout) {
		rollout_advance(c, o);
		return;
	}
	if (!advance_steps(c, o, &wait)) {
		operation_set_waits_for(c, o, wait.text);
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

/* ---- queues ---- */

/* First in its app's queue, or all before it are parts of the same bulk operation; and of a bulk
 * operation, while not too many of its parts run. */
bool operation_has_turn(const operation *o)
{
	const operation *first = o->app ? app_operation(o->app) : o;

	if (first != o && (!o->parent || first->parent != o->parent))
		return false;
	return !o->parent || bulk_has_room(o->parent);
}

void operation_say_queued(controller *c, operation *o)
{
	char id[SOT_UUID_TEXT], text[OPERATION_TEXT_MAX];

	if (o->parent) {
		(void)snprintf(text, sizeof(text), "its turn: %u at a time of %u targets",
		    o->parent->row.parallel, o->parent->row.children.total);
	} else {
		const operation *before = SOT_CONTAINER(o->queued.prev, operation, queued);
		(void)snprintf(text, sizeof(text), "operation %s (%s) of the same app to end",
		    sot_uuid_format(before->row.id, id), operation_kind_name(before->row.kind));
	}
	operation_set_waits_for(c, o, text);
}

void operation_enqueue(controller *c, operation *o)
{
	if (o->app) {
		sot_list_push(&o->app->queue, &o->queued);
		if (operation_is_held(c, app_operation(o->app)))
			wake_operation(c, app_operation(o->app)); /* it lets pass */
	}
	if (!o->parent)
		say_operation(c, o, "");
	touch_operation(c, o);
	wake_operation(c, o);
}

bool operations_advance_some(controller *c, uint64_t placements)
{
	uint64_t before = c->stats.placements;

	placers_wake(c);
	starts_grant(c);
	while (!sot_list_empty(&c->awake) && c->stats.placements - before < placements) {
		operation *o = SOT_CONTAINER(c->awake.next, operation, awake);
		sot_list_remove(&o->awake);
		advance(c, o);
		starts_grant(c);
	}
	return !sot_list_empty(&c->awake);
}

void operations_advance(controller *c)
{
	(void)operations_advance_some(c, UINT64_MAX);
}

void operations_tick(controller *c)
{
	int64_t since_ms = sot_mono_diff_ms(c->now.mono, c->looked);
	int64_t room = LOOKS_PER_S * (since_ms < LOOK_MS ? since_ms : LOOK_MS) / 1000;

	c->looked = c->now.mono;
	for (sot_link *l = c->looks.next; l != &c->looks && room > 0; l = l->next, room--) {
		operation *o = SOT_CONTAINER(l, operation, look);
		if (sot_mono_diff_ms(c->now.mono, o->looked_at) < LOOK_MS)
			break;
		wake_operation(c, o);
	}
}
