/* Operations as trees: one transaction for the whole with its real duration, one for each step. A
 * step that an agent carries out is a call: the caller's side hangs in the operation's tree, the
 * agent's side is a tree on the host's page, and the two are linked by their message ids.
 */
#include "cat_period.h"
#include "monitor_internal.h"
#include "sot_parse.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_MAX 800

typedef struct data_text {
	char s[TEXT_MAX];
} data_text;

static sot_str sprint(data_text *dst, const char *fmt, ...) SOT_PRINTF(2, 3);
static sot_str sprint(data_text *dst, const char *fmt, ...)
{
	va_list args;
	va_start(args, fmt);
	int n = vsnprintf(dst->s, sizeof(dst->s), fmt, args);
	va_end(args);
	size_t size = n < 0 ? 0 : (size_t)n;
	return (sot_str){dst->s, size < sizeof(dst->s) ? size : sizeof(dst->s) - 1};
}

/* ---- what the database says of steps ---- */

typedef struct step {
	sot_str name, instance, host, state, detail;
	int64_t from_unix_ms, until_unix_ms;
} step;

static int64_t time_of(sot_str text, int64_t fallback_unix_ms)
{
	int64_t unix_ms;
	return sot_parse_i64(text, 0, INT64_MAX / 1000, &unix_ms, NULL) == SOT_OK ? unix_ms
	                                                                          : fallback_unix_ms;
}

/* A step that was never begun took no time. */
static step read_step(sot_str row, int64_t end_unix_ms)
{
	step s;
	sot_str rest = row;
	s.name = sot_str_cut(rest, MONITOR_PART_END, &rest);
	s.instance = sot_str_cut(rest, MONITOR_PART_END, &rest);
	s.host = sot_str_cut(rest, MONITOR_PART_END, &rest);
	s.state = sot_str_cut(rest, MONITOR_PART_END, &rest);
	sot_str from = sot_str_cut(rest, MONITOR_PART_END, &rest);
	sot_str until = sot_str_cut(rest, MONITOR_PART_END, &rest);
	s.detail = rest;
	s.from_unix_ms = time_of(from, end_unix_ms);
	s.until_unix_ms = time_of(until, end_unix_ms);
	if (s.until_unix_ms < s.from_unix_ms)
		s.until_unix_ms = s.from_unix_ms;
	return s;
}

/* What the agent of the instance's host does; the rest is the scheduler's and ipam's own work. */
static bool is_call(const step *s)
{
	static const char *const names[] = {"start", "healthy", "deploy", "stop", "restart", "remove",
	    "leave", "resize", "freeze", "unfreeze", "rebuild", "replace", "return"};
	for (size_t i = 0; s->host.n > 0 && i < sizeof(names) / sizeof(*names); i++) {
		if (sot_str_eq_c(s->name, names[i]))
			return true;
	}
	return false;
}

/* ---- the tree ---- */

/* One step with all that it needs to stay in memory until the tree is encoded. */
typedef struct branch {
	step of;
	const machine *host; /* of a call, else NULL */
	data_text data, server;
	monitor_id callee;
	cat_message call;      /* child of the step */
	cat_message events[3]; /* children of the call */
} branch;

typedef struct op_tree {
	monitor *m;
	const monitor_event *event;
	sot_wall now;
	monitor_id id;
	int64_t at_unix_ms; /* where it is shown */
	branch branches[MONITOR_STEPS_MAX];
	cat_message steps[MONITOR_STEPS_MAX];
	size_t count, left_out;
} op_tree;

/* Not before the root: the server sorts a tree into the hour of its root, and minutes of another
 * hour would land on wrong places of its pages. */
static int64_t shown_at(const op_tree *t, int64_t unix_ms)
{
	return unix_ms < t->at_unix_ms ? t->at_unix_ms : unix_ms;
}

static uint64_t duration_us(const step *s)
{
	return (uint64_t)(s->until_unix_ms - s->from_unix_ms) * 1000;
}

static sot_str status_of(const step *s)
{
	return sot_str_eq_c(s->state, "done") ? CAT_SUCCESS : s->state;
}

static cat_message small_event(int64_t at_unix_ms, const char *type, sot_str name, sot_str data)
{
	return (cat_message){.kind = CAT_EVENT,
	    .at_unix_ms = at_unix_ms,
	    .type = sot_str_c(type),
	    .name = name,
	    .status = CAT_SUCCESS,
	    .data = data};
}

static void add_call(op_tree *t, branch *b, cat_message *of_step)
{
	monitor *m = t->m;
	int64_t at = of_step->at_unix_ms;
	b->host = monitor_host_by_name(m, b->of.host, t->now);
	/* The callee's id is made by the caller, with the caller's address. */
	if (!b->host || !monitor_next_id(m, m->domain_agent, m->bridge, at, &b->callee)) {
		b->host = NULL;
		return;
	}
	sot_str server = sprint(&b->server, "%s", b->host->key);
	b->events[0] = small_event(at, "Call.server", server, SOT_STR(""));
	b->events[1] = small_event(at, "Call.app", sot_str_c(m->domain_agent), SOT_STR(""));
	b->events[2] = small_event(at, "RemoteCall", SOT_STR(""), (sot_str){b->callee.s, b->callee.n});
	b->call = (cat_message){.kind = CAT_TRANSACTION,
	    .at_unix_ms = at,
	    .type = SOT_STR("Call"),
	    .name = b->of.name,
	    .status = of_step->status,
	    .data = of_step->data,
	    .duration_us = of_step->duration_us,
	    .children = b->events,
	    .child_count = 3};
	of_step->children = &b->call;
	of_step->child_count = 1;
}

static void add_step(op_tree *t, sot_str row)
{
	if (t->count == MONITOR_STEPS_MAX) {
		t->left_out++;
		return;
	}
	branch *b = &t->branches[t->count];
	cat_message *message = &t->steps[t->count++];
	b->of = read_step(row, t->event->at_unix_ms);
	*message = (cat_message){.kind = CAT_TRANSACTION,
	    .at_unix_ms = shown_at(t, b->of.from_unix_ms),
	    .type = SOT_STR("Sotalia.Step"),
	    .name = b->of.name,
	    .status = status_of(&b->of),
	    .data = sprint(&b->data, "instance=%.*s&host=%.*s&detail=%.*s", SOT_ARG(b->of.instance),
	        SOT_ARG(b->of.host), SOT_ARG(b->of.detail)),
	    .duration_us = duration_us(&b->of)};
	if (is_call(&b->of))
		add_call(t, b, message);
}

/* The agent's side of a call, on the host's page. */
static void send_service(op_tree *t, const branch *b, const cat_message *of_step)
{
	monitor *m = t->m;
	const cat_message events[2] = {
	    small_event(of_step->at_unix_ms, "Service.client", sot_str_c(m->bridge->key), SOT_STR("")),
	    small_event(
	        of_step->at_unix_ms, "Service.app", sot_str_c(m->domain_controller), SOT_STR(""))};
	const cat_message root = {.kind = CAT_TRANSACTION,
	    .at_unix_ms = of_step->at_unix_ms,
	    .type = SOT_STR("Service"),
	    .name = b->of.name,
	    .status = of_step->status,
	    .data = of_step->data,
	    .duration_us = of_step->duration_us,
	    .children = events,
	    .child_count = 2};
	sot_str own = {t->id.s, t->id.n};
	const monitor_links links = {.id = {b->callee.s, b->callee.n}, .parent = own, .root = own};
	if (monitor_try_emit(m, b->host, &root, &links, t->now) != SOT_OK)
		m->counters.dropped_too_large++;
}

/* Steps are left out from the end until the frame is small enough. */
static void send_tree(op_tree *t, cat_message *root)
{
	const monitor_links links = {.id = {t->id.s, t->id.n}};
	root->children = t->steps;
	for (;;) {
		root->child_count = t->count;
		if (monitor_try_emit(t->m, t->m->bridge, root, &links, t->now) == SOT_OK)
			return;
		if (t->count == 0)
			break;
		t->left_out += t->count - t->count / 2;
		t->count /= 2;
	}
	t->m->counters.dropped_too_large++;
}

/* When an operation was made: its UUIDv7 tells, so nothing need be remembered over a restart.
 * The event's time for other ids, and when the id's clock is ahead of it. */
static int64_t begin_unix_ms(const monitor_event *event)
{
	const uint8_t *b = event->operation_id.b;
	int64_t unix_ms = 0;
	for (size_t i = 0; i < 6; i++)
		unix_ms = unix_ms << 8 | b[i];
	bool is_v7 = b[6] >> 4 == 7;
	return is_v7 && unix_ms < event->at_unix_ms ? unix_ms : event->at_unix_ms;
}

/* The router asks for less: what went well is shown without its steps. Totals stay right. */
static bool is_sampled_out(const monitor *m, const monitor_event *event, bool went_well)
{
	const uint8_t *b = event->operation_id.b;
	unsigned spot = (unsigned)b[14] << 8 | b[15]; /* random bits of the id */
	return went_well && (double)spot >= m->sample * 65536;
}

static void fill_tree(op_tree *t, bool went_well)
{
	sot_str rows = t->event->steps;
	if (rows.n > 0 && is_sampled_out(t->m, t->event, went_well)) {
		t->m->counters.sampled_out++;
		return;
	}
	while (rows.n > 0)
		add_step(t, sot_str_cut(rows, MONITOR_ROW_END, &rows));
}

static void tell_deploy(monitor *m, const monitor_event *event, int64_t begin, sot_wall now)
{
	char id[SOT_UUID_TEXT];
	sot_str state = monitor_event_member(event, SOT_STR("new.state"));
	bool ok = sot_str_eq_c(state, "done");
	monitor_emit_metric(
	    m, ok ? SOT_STR("deploy.ok") : SOT_STR("deploy.fail"), true, 1, event->at_unix_ms, now);
	monitor_emit_metric(m, SOT_STR("deploy.seconds"), false,
	    (double)(event->at_unix_ms - begin) / 1000, event->at_unix_ms, now);
	const monitor_deploy deploy = {.app = event->app,
	    .actor = event->actor,
	    .operation = sot_str_c(sot_uuid_format(event->operation_id, id)),
	    .state = state,
	    .version = monitor_event_member(event, SOT_STR("version")),
	    .at_unix_ms = event->at_unix_ms};
	if (m->hooks.deploy)
		m->hooks.deploy(m->hooks.self, &deploy);
}

static void send_operation(op_tree *t, int64_t begin, sot_str state, bool went_well)
{
	char id[SOT_UUID_TEXT];
	data_text data;
	const monitor_event *event = t->event;
	sot_str kind = monitor_event_member(event, SOT_STR("kind"));
	fill_tree(t, went_well);
	cat_message root = {.kind = CAT_TRANSACTION,
	    .at_unix_ms = t->at_unix_ms,
	    .type = SOT_STR("Sotalia.Op"),
	    .name = kind.n > 0 ? kind : SOT_STR("unknown"),
	    .status = went_well ? CAT_SUCCESS : state,
	    .data = sprint(&data, "op=%s&app=%.*s&target=%.*s&stepsLeftOut=%zu&error=%.*s",
	        sot_uuid_format(event->operation_id, id), SOT_ARG(event->app), SOT_ARG(event->subject),
	        t->left_out, SOT_ARG(monitor_event_member(event, SOT_STR("error")))),
	    .duration_us = (uint64_t)(event->at_unix_ms - begin) * 1000};
	send_tree(t, &root);
	for (size_t i = 0; i < t->count; i++) {
		if (t->branches[i].host)
			send_service(t, &t->branches[i], &t->steps[i]);
	}
	t->m->counters.steps_left_out += t->left_out;
	if (sot_str_eq_c(kind, "app.deploy"))
		tell_deploy(t->m, event, begin, t->now);
}

void monitor_operation_ended(monitor *m, const monitor_event *event, sot_wall now)
{
	sot_str state = monitor_event_member(event, SOT_STR("new.state"));
	bool went_well = sot_str_eq_c(state, "done");
	if (!went_well && !sot_str_eq_c(state, "failed") && !sot_str_eq_c(state, "cancelled"))
		return;
	if (!cat_period_is_open(event->at_unix_ms, now.unix_ms)) {
		m->counters.dropped_closed_hour++;
		return;
	}
	int64_t begin = begin_unix_ms(event);
	op_tree *t = sot_alloc(sizeof(*t));
	t->m = m;
	t->event = event;
	t->now = now;
	/* An operation that began in a closed hour is shown where it ended, with its real length. */
	t->at_unix_ms = cat_period_is_open(begin, now.unix_ms) ? begin : event->at_unix_ms;
	if (monitor_next_id(m, m->domain_controller, m->bridge, t->at_unix_ms, &t->id))
		send_operation(t, begin, state, went_well);
	free(t);
}
