/* The end of an operation: what is taken back, what stands, who goes on. */
#include "middleware.h"
#include "parts.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void say_operation(controller *c, const operation *o, const char *from)
{
	char id[SOT_UUID_TEXT], parent[SOT_UUID_TEXT];
	sot_buf data;

	model_text_init(&data);
	sot_buf_printf(&data,
	    "{\"id\":\"%s\",\"kind\":\"%s\",\"changed\":{\"state\":[\"%s\",\"%s\"]},\"error\":",
	    sot_uuid_format(o->row.id, id), operation_kind_name(o->row.kind), from,
	    operation_state_name(o->row.state));
	sot_buf_add_json(&data, sot_str_c(o->row.error));
	sot_buf_add_c(&data, ",\"reason\":");
	sot_buf_add_json(&data, sot_str_c(o->row.reason));
	if (!sot_uuid_is_zero(o->row.parent_id))
		sot_buf_printf(&data, ",\"parent\":\"%s\"", sot_uuid_format(o->row.parent_id, parent));
	sot_buf_add_c(&data, "}");
	say_event(c, "operation.state", o->row.target, o->app, NULL, o, &data);
}

/* ---- what stands ---- */

typedef struct tally {
	size_t total, done, gone; /* steps of one kind; gone: nothing is left of the instance */
	size_t begun;
} tally;

static tally count_steps(controller *c, const operation *o, step_kind kind)
{
	tally t = {0};

	for (size_t k = 0; k < o->step_count; k++) {
		const step *s = o->steps[k];
		if (s->row.kind != kind)
			continue;
		const instance *i = step_instance(c, s);
		t.total++;
		t.done += s->row.state == OPERATION_DONE;
		t.begun += s->row.started_unix_ms != 0;
		t.gone += !i || i->row.desired == SOT_DESIRED_STATE_RETIRED;
	}
	return t;
}

static void describe_growth(controller *c, const operation *o, const tally *placed, sot_buf *out)
{
	tally up = count_steps(c, o, STEP_HEALTHY);
	size_t rest =
	    placed->total - placed->gone - (up.done < placed->total ? up.done : placed->total);

	sot_buf_printf(out, "%zu of %zu instances were added, %zu taken back", up.done, placed->total,
	    placed->gone);
	if (rest > 0)
		sot_buf_printf(out, ", %zu stay and may still come up", rest);
	if (o->app)
		sot_buf_printf(
		    out, "; %s has %zu instances now", o->app->row.name, app_wanted_count(o->app, NULL));
}

static void describe_roll_out(controller *c, const operation *o, sot_buf *out)
{
	tally ordered = count_steps(c, o, STEP_DEPLOY), up = count_steps(c, o, STEP_HEALTHY);
	const char *version = o->app ? o->app->row.version : "";

	sot_buf_printf(
	    out, "%zu of %zu instances run version %s", up.done, ordered.total, o->row.version);
	if (ordered.begun > up.done)
		sot_buf_printf(out, ", %zu were told to and may follow", ordered.begun - up.done);
	sot_buf_printf(out, ", %zu keep what they run; new instances get %s",
	    ordered.total - ordered.begun, version[0] ? version : "no package");
}

static void describe_way_back(controller *c, const operation *o, sot_buf *out)
{
	tally back = count_steps(c, o, STEP_ROLL_BACK);
	size_t well = 0;

	for (size_t k = 1; k < o->step_count; k++)
		well +=
		    o->steps[k - 1]->row.kind == STEP_ROLL_BACK && o->steps[k]->row.state == OPERATION_DONE;
	const char *home = rollout_home(o);
	sot_buf_printf(out, "rolled back: %zu of the %zu that were changed run %s again", well,
	    back.total, home[0] ? home : "no package");
}

static void describe_bulk(const operation *o, sot_buf *out)
{
	const children_row *n = &o->row.children;

	sot_buf_printf(
	    out, "%u of %u done, %u failed, %u not begun", n->done, n->total, n->failed, n->cancelled);
}

/* Of an operation that did not end well: the state that it leaves. */
static void describe(controller *c, const operation *o, sot_buf *out)
{
	tally placed = count_steps(c, o, STEP_PLACE), leaving = count_steps(c, o, STEP_REMOVE);

	if (operation_kind_is_bulk(o->row.kind)) {
		describe_bulk(o, out);
	} else if (o->step_count == 0) {
		sot_buf_add_c(out, "nothing was begun");
	} else if (o->rollout && o->rollout->row.goes_back) {
		describe_way_back(c, o, out);
	} else if (placed.total > 0 && !o->rollout) {
		describe_growth(c, o, &placed, out);
	} else if (leaving.total > 0 && !o->rollout) {
		sot_buf_printf(out,
		    "%zu of %zu instances were removed; the rest is being removed, which is not taken back",
		    leaving.done, leaving.total);
	} else if (o->row.kind == OPERATION_APP_DEPLOY) {
		describe_roll_out(c, o, out);
	} else if (o->steps[0]->row.started_unix_ms == 0) {
		sot_buf_add_c(out, "nothing was changed");
	} else {
		sot_buf_add_c(out, "the order stands; nobody waits for it any more");
	}
}

static void set_outcome(controller *c, operation *o)
{
	sot_buf text;

	model_text_init(&text);
	describe(c, o, &text);
	model_put_text(&o->row.outcome, OPERATION_TEXT_MAX - 1, sot_buf_str(&text));
	sot_buf_clear(&text);
	say_log(c, o, LOG_INFO, "what stands: %s", o->row.outcome);
}

/* ---- what follows an end ---- */

/* What the operation made and no agent has heard of is taken back. */
static void undo_not_begun(controller *c, operation *o)
{
	for (size_t k = 0; k < o->step_count; k++) {
		step *s = o->steps[k];
		if (!operation_state_is_final(s->row.state))
			step_set_state(c, o, s, OPERATION_CANCELLED, "");
		if (s->row.kind != STEP_PLACE)
			continue;
		instance *i = step_instance(c, s);
		if (i && (o->rollout || (i->held && !i->arrived) || sot_ip_is_none(i->row.v4.address)))
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

/* All groups run what the app runs. */
static void forget_group_versions(controller *c, app *a)
{
	for (sot_link *l = a->groups.next; l != &a->groups; l = l->next) {
		group *g = SOT_CONTAINER(l, group, of_app);
		if (g->row.version[0]) {
			shared_set_alone(&g->row.version, SOT_STR(""));
			touch_group(c, g);
		}
	}
}

/* Where "back" goes to. */
static void note_before(app *a, sot_str package, sot_str version)
{
	SOT_AUTO_BUF set = {0};
	sot_str was = middleware_version_in(a->row.middleware, package);
	char **before = &a->row.settings.middleware_before;

	if (was.n == 0 || sot_str_eq(was, version))
		return;
	model_text_init(&set);
	middleware_put(sot_str_c(*before), package, was, &set);
	free(*before);
	*before = sot_strndup(sot_buf_str(&set));
}

static void end_middleware(controller *c, operation *o)
{
	app *a = o->app;
	sot_buf data, set;

	model_text_init(&set);
	middleware_put(sot_str_c(a->row.middleware ? a->row.middleware : ""), sot_str_c(o->row.image),
	    sot_str_c(o->row.version), &set);
	model_text_init(&data);
	sot_buf_add_c(&data, "{\"changed\":{\"middleware\":[");
	sot_buf_add_json(&data, sot_str_c(a->row.middleware ? a->row.middleware : ""));
	sot_buf_add_c(&data, ",");
	sot_buf_add_json(&data, sot_buf_str(&set));
	sot_buf_add_c(&data, "]}}");
	note_before(a, sot_str_c(o->row.image), sot_str_c(o->row.version));
	free(a->row.middleware);
	a->row.middleware = sot_strndup(sot_buf_str(&set));
	sot_buf_clear(&set);
	touch_app(c, a);
	say_event(c, "app.middleware", a->row.name, a, NULL, o, &data);
}

/* Later instances get what the present ones got. */
static void end_rolling(controller *c, operation *o)
{
	app *a = o->app;
	if (o->row.kind == OPERATION_APP_MIDDLEWARE) {
		end_middleware(c, o);
		return;
	}
	bool is_plan = o->row.kind == OPERATION_APP_RESIZE;
	bool is_version = o->row.kind == OPERATION_APP_DEPLOY;
	const char *what = is_plan ? "plan" : is_version ? "version" : "image";
	group *g =
	    is_version && o->row.group[0] ? model_find_group(a, sot_str_c(o->row.group), true) : NULL;
	if (is_version && !g && strcmp(a->row.version, o->row.version) != 0)
		model_share_text(
		    c, &a->row.settings.version_before, WORD_MAX_BYTES, sot_str_c(a->row.version));
	const char **of_app = g            ? &g->row.version
	                      : is_plan    ? &a->row.plan
	                      : is_version ? &a->row.version
	                                   : &a->row.image;
	const char *next = is_plan ? o->row.plan : is_version ? o->row.version : o->row.image;
	const char *kind = is_plan ? "app.plan" : is_version ? "app.version" : "app.image";
	sot_buf data;

	model_text_init(&data);
	sot_buf_printf(&data, "{\"changed\":{\"%s\":[", what);
	sot_buf_add_json(&data, sot_str_c(*of_app));
	sot_buf_add_c(&data, ",");
	sot_buf_add_json(&data, sot_str_c(next));
	sot_buf_add_c(&data, "]}}");
	model_share_text(c, of_app, WORD_MAX_BYTES, sot_str_c(next));
	if (g)
		touch_group(c, g);
	else if (is_version)
		forget_group_versions(c, a);
	touch_app(c, a);
	say_event(c, kind, a->row.name, a, NULL, o, &data);
}

/* Who waited for it in the queue of its app: the first may begin, the next says what it waits for
 * now. */
static void wake_queue(controller *c, app *a, operation *next)
{
	operation *first = app_operation(a);

	if (next)
		wake_operation(c, next);
	if (!first)
		return;
	wake_operation(c, first);
	if (first->parent)
		wake_operation(c, first->parent); /* it wakes those of its parts that may begin */
}

static operation *next_in_queue(const operation *o)
{
	if (!o->app || sot_list_empty(&o->queued) || o->queued.next == &o->app->queue)
		return NULL;
	return SOT_CONTAINER(o->queued.next, operation, queued);
}

void operation_end(controller *c, operation *o, operation_state state, const char *why)
{
	const char *from = operation_state_name(o->row.state);
	operation *next = next_in_queue(o);
	app *a = o->app;

	assert(operation_state_may(o->row.state, state) && operation_state_is_final(state));
	bool had_begun = o->row.state == OPERATION_RUNNING;
	o->row.state = state;
	o->row.finished_unix_ms = c->now.wall.unix_ms;
	shared_set_alone(&o->row.waits_for, SOT_STR(""));
	model_put_text(&o->row.error, OPERATION_TEXT_MAX - 1, sot_str_c(why));
	touch_operation(c, o);
	if (state != OPERATION_DONE)
		undo_not_begun(c, o);
	say_log(c, o, state == OPERATION_DONE ? LOG_INFO : LOG_ERROR, "%s%s%s",
	    operation_state_name(state), why[0] ? ": " : "", why);
	if (state != OPERATION_DONE)
		set_outcome(c, o);
	say_operation(c, o, from);
	operation_unrefuse(c, o);
	model_end_operation(c, o);
	if (o->parent)
		bulk_child_ended(c, o);
	if (had_begun && o->row.kind == OPERATION_HOST_RETURN)
		return_ended(c, o);
	if (had_begun && o->rollout && state == OPERATION_DONE)
		end_rolling(c, o);
	if (had_begun && o->row.kind == OPERATION_APP_DELETE)
		end_delete(c, o, state);
	if (a && !sot_list_empty(&a->queue))
		wake_queue(c, a, next);
}
