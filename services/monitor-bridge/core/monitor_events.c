/* Platform events as CAT messages: operations as transactions with their steps, and trouble on the
 * page of the machine that has it, whoever noticed.
 */
#include "cat_period.h"
#include "monitor.h"
#include "monitor_internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_MAX 600

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

static void send_event(
    monitor *m, machine *of, const cat_message *like, int64_t at_unix_ms, sot_wall now)
{
	cat_message event = *like;
	event.kind = CAT_EVENT;
	event.at_unix_ms = at_unix_ms;
	monitor_emit(m, of, &event, now);
}

/* A counter on the business page; only the controller's domain has them. */
static void send_count(monitor *m, const char *name, int64_t at_unix_ms, sot_wall now)
{
	cat_message metric = {.kind = CAT_METRIC,
	    .at_unix_ms = at_unix_ms,
	    .name = sot_str_c(name),
	    .status = SOT_STR("C"),
	    .data = SOT_STR("1")};
	monitor_emit(m, m->bridge, &metric, now);
}

/* ---- operations ---- */

static void fill_step(cat_message *dst, const operation_step *step)
{
	*dst = (cat_message){.kind = CAT_TRANSACTION,
	    .at_unix_ms = step->from_unix_ms,
	    .type = SOT_STR("Sotalia.Step"),
	    .name = sot_str_c(step->state),
	    .status = step->failed ? SOT_STR("failed") : CAT_SUCCESS,
	    .data = sot_str_c(step->instance),
	    .duration_us = (uint64_t)(step->until_unix_ms - step->from_unix_ms) * 1000};
}

static void count_deploy(monitor *m, const monitor_event *event, sot_wall now)
{
	if (!sot_str_eq_c(event->operation_kind, "deploy"))
		return;
	bool ok = sot_str_eq_c(event->state_new, "done");
	send_count(m, ok ? "deploy.ok" : "deploy.fail", event->at_unix_ms, now);
}

static void operation_ended(monitor *m, const monitor_event *event, sot_wall now)
{
	operation_steps steps = operation_book_take(m->operations, event->operation_id);
	cat_message children[OPERATION_STEPS_MAX];
	for (size_t i = 0; i < steps.count; i++)
		fill_step(&children[i], &steps.items[i]);
	m->counters.steps_left_out += steps.left_out;

	char id[SOT_UUID_TEXT];
	data_text data;
	int64_t begin = operation_begin_unix_ms(event->operation_id, event->at_unix_ms);
	cat_message root = {.kind = CAT_TRANSACTION,
	    /* An operation that began in a closed hour is shown where it ended, with its real length.
	     */
	    .at_unix_ms = cat_period_is_open(begin, now.unix_ms) ? begin : event->at_unix_ms,
	    .type = SOT_STR("Sotalia.Op"),
	    .name = event->operation_kind.n > 0 ? event->operation_kind : SOT_STR("unknown"),
	    .status = sot_str_eq_c(event->state_new, "done") ? CAT_SUCCESS : event->state_new,
	    .data = sprint(&data, "op=%s&app=%.*s&target=%.*s&stepsLeftOut=%zu&error=%.*s",
	        sot_uuid_format(event->operation_id, id), SOT_ARG(event->app), SOT_ARG(event->subject),
	        steps.left_out, SOT_ARG(event->error)),
	    .duration_us = (uint64_t)(event->at_unix_ms - begin) * 1000,
	    .children = children,
	    .child_count = steps.count};
	monitor_emit(m, m->bridge, &root, now);
	free(steps.items);
	count_deploy(m, event, now);
}

static void take_operation(monitor *m, const monitor_event *event, sot_wall now)
{
	sot_str state = event->state_new;
	if (sot_str_eq_c(state, "done") || sot_str_eq_c(state, "failed") ||
	    sot_str_eq_c(state, "cancelled"))
		operation_ended(m, event, now);
}

/* ---- instances ---- */

static void take_instance_state(monitor *m, const monitor_event *event, sot_wall now)
{
	(void)now;
	if (sot_uuid_is_zero(event->operation_id) || event->state_old.n == 0)
		return;
	operation_book_note(m->operations, event->operation_id, event->subject, event->state_old,
	    event->state_new, event->at_unix_ms);
}

static machine *machine_of_subject(monitor *m, const monitor_event *event, sot_wall now)
{
	char name[MACHINE_KEY_MAX];
	if (sot_str_copy(event->subject, name, sizeof(name), NULL) != SOT_OK || !name[0])
		return NULL;
	sot_map_iter it = {0};
	machine *of;
	/* With pages by address the subject's name is not the key. */
	while (m->options.instances_by_address && (of = machine_table_next(m->machines, &it))) {
		if (of->kind == MACHINE_INSTANCE && strcmp(of->host_name, name) == 0)
			return of;
	}
	of = monitor_instance_machine(m, name, 0);
	if (of && of->seen_unix_ms == 0)
		of->seen_unix_ms = now.unix_ms;
	return of;
}

static void take_instance_health(monitor *m, const monitor_event *event, sot_wall now)
{
	bool down = sot_str_eq_c(event->health_new, "unhealthy");
	if (!down && !sot_str_eq_c(event->health_new, "healthy"))
		return;
	machine *of = machine_of_subject(m, event, now);
	if (!of)
		return;
	data_text name, data;
	cat_message change = {.type = SOT_STR("Health"),
	    .name = down ? SOT_STR("down") : SOT_STR("up"),
	    .status = down ? SOT_STR("1") : CAT_SUCCESS,
	    .data = sprint(
	        &data, "instance=%.*s&host=%.*s", SOT_ARG(event->subject), SOT_ARG(event->host))};
	send_event(m, of, &change, event->at_unix_ms, now);
	if (!down)
		return;
	cat_message error = change;
	error.type = SOT_STR("Error");
	error.name = sprint(&name, "HealthCheckFail.%.*s", SOT_ARG(event->app));
	send_event(m, of, &error, event->at_unix_ms, now);
}

/* ---- hosts ---- */

/* The host's own page; by name when no report ever told its address. */
static machine *machine_of_host(monitor *m, const monitor_event *event, sot_wall now)
{
	char name[MACHINE_KEY_MAX];
	sot_str host = event->host.n > 0 ? event->host : event->subject;
	if (sot_str_copy(host, name, sizeof(name), NULL) != SOT_OK || !name[0])
		return NULL;
	sot_map_iter it = {0};
	machine *of;
	while ((of = machine_table_next(m->machines, &it))) {
		if (of->kind == MACHINE_HOST && strcmp(of->host_name, name) == 0)
			return of;
	}
	of = machine_table_get(m->machines, MACHINE_HOST, name);
	if (of && of->seen_unix_ms == 0)
		of->seen_unix_ms = now.unix_ms;
	if (!of)
		m->counters.machines_refused++;
	return of;
}

static void take_host_state(monitor *m, const monitor_event *event, sot_wall now)
{
	bool lost = sot_str_eq_c(event->state_new, "agent_lost");
	bool back =
	    sot_str_eq_c(event->state_old, "agent_lost") && sot_str_eq_c(event->state_new, "online");
	if (!lost && !back)
		return;
	machine *of = machine_of_host(m, event, now);
	if (!of)
		return;
	data_text data;
	cat_message change = {.type = lost ? SOT_STR("Error") : SOT_STR("Agent"),
	    .name = lost ? SOT_STR("AgentLost") : SOT_STR("back"),
	    .status = lost ? SOT_STR("1") : CAT_SUCCESS,
	    .data = sprint(&data, "host=%.*s&lastSeenUnixMs=%" PRId64 "&reason=%.*s",
	        SOT_ARG(event->subject), of->seen_unix_ms, SOT_ARG(event->reason))};
	send_event(m, of, &change, event->at_unix_ms, now);
	if (lost)
		send_count(m, "agent.lost", event->at_unix_ms, now);
}

void monitor_take_event(monitor *m, const monitor_event *event, sot_wall now)
{
	static const struct {
		const char *kind;
		void (*take)(monitor *m, const monitor_event *event, sot_wall now);
	} kinds[] = {
	    {"operation.state", take_operation},
	    {"instance.state", take_instance_state},
	    {"instance.health", take_instance_health},
	    {"host.state", take_host_state},
	};
	m->counters.events++;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		if (sot_str_eq_c(event->kind, kinds[i].kind))
			kinds[i].take(m, event, now);
	}
}
