/* Platform events as CAT messages, as the definitions say: trouble on the page of the machine that
 * has it, whoever noticed; operations as trees (monitor_operations.c).
 */
#include "monitor_internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define DATA_MAX 2000

sot_str monitor_event_member(const monitor_event *event, sot_str name)
{
	sot_str rest = event->fields;
	while (rest.n > 0) {
		sot_str value, row = sot_str_cut(rest, MONITOR_ROW_END, &rest);
		if (sot_str_eq(sot_str_cut(row, MONITOR_PART_END, &value), name))
			return value;
	}
	return (sot_str){NULL, 0};
}

/* What texts of rules are filled from. */
typedef struct field_source {
	const monitor_event *event;
	char seen[24]; /* when the machine reported last */
	char operation[SOT_UUID_TEXT];
} field_source;

static sot_str field_of(const void *self, sot_str field)
{
	const field_source *from = self;
	const struct {
		const char *name;
		sot_str value;
	} own[] = {
	    {"kind", from->event->kind},
	    {"subject", from->event->subject},
	    {"app", from->event->app},
	    {"host", from->event->host},
	    {"actor", from->event->actor},
	    {"operation", sot_str_c(from->operation)},
	    {"seen", sot_str_c(from->seen)},
	};
	for (size_t i = 0; i < sizeof(own) / sizeof(*own); i++) {
		if (sot_str_eq_c(field, own[i].name))
			return own[i].value;
	}
	return monitor_event_member(from->event, field);
}

static machine *instance_of(monitor *m, const monitor_event *event, sot_wall now)
{
	char name[MACHINE_KEY_MAX];
	sot_map_iter it = {0};
	machine *of;
	if (sot_str_copy(event->subject, name, sizeof(name), NULL) != SOT_OK || !name[0])
		return NULL;
	/* With pages by address the subject's name is not the key. */
	while (m->options.instances_by_address && (of = machine_table_next(m->machines, &it))) {
		if (of->kind == MACHINE_INSTANCE && strcmp(of->host_name, name) == 0)
			return of;
	}
	of = monitor_instance_machine(m, name, 0);
	if (of && of->seen_unix_ms == 0)
		of->seen_unix_ms = now.unix_ms;
	if (of && !of->app[0] && event->app.n < sizeof(of->app))
		(void)snprintf(of->app, sizeof(of->app), "%.*s", SOT_ARG(event->app));
	return of;
}

static machine *target_of(
    monitor *m, const definition_rule *rule, const monitor_event *event, sot_wall now)
{
	switch (rule->on) {
	case ON_HOST:
		return monitor_host_by_name(m, event->host.n > 0 ? event->host : event->subject, now);
	case ON_INSTANCE:
		return instance_of(m, event, now);
	case ON_CONTROLLER:
		break;
	}
	return m->bridge;
}

static void send_event(monitor *m, const definition_rule *rule, field_source *from, sot_wall now)
{
	char name[CAT_NAME_MAX], type[CAT_NAME_MAX], status[CAT_STATUS_MAX], data[DATA_MAX];
	const machine *of = target_of(m, rule, from->event, now);
	if (!of)
		return;
	(void)snprintf(from->seen, sizeof(from->seen), "%" PRId64, of->seen_unix_ms);
	const cat_message message = {.kind = CAT_EVENT,
	    .at_unix_ms = from->event->at_unix_ms,
	    .type = definition_fill(rule->type, field_of, from, type, sizeof(type)),
	    .name = definition_fill(rule->name, field_of, from, name, sizeof(name)),
	    .status = definition_fill(rule->status, field_of, from, status, sizeof(status)),
	    .data = definition_fill(rule->data, field_of, from, data, sizeof(data))};
	monitor_emit(m, of, &message, now);
}

static void send_count(
    monitor *m, const definition_rule *rule, const field_source *from, sot_wall now)
{
	char name[CAT_NAME_MAX], scratch[CAT_NAME_MAX];
	sot_str filled = definition_fill(rule->name, field_of, from, name, sizeof(name));
	sot_str id = cat_clean_id(filled, scratch, &m->counters.ids_cleaned);
	monitor_emit_metric(m, id, true, 1, from->event->at_unix_ms, now);
}

void monitor_take_event(monitor *m, const monitor_event *event, sot_wall now)
{
	size_t count;
	const definition_rule *rules = definitions_rules(m->options.definitions, &count);
	field_source from = {.event = event};
	m->counters.events++;
	/* An event from the future: our clock is behind, and hours that it holds open may be closed. */
	if (event->at_unix_ms > now.unix_ms)
		now.unix_ms = event->at_unix_ms;
	if (!sot_uuid_is_zero(event->operation_id))
		(void)sot_uuid_format(event->operation_id, from.operation);
	if (sot_str_eq_c(event->kind, "operation.state"))
		monitor_operation_ended(m, event, now);
	for (size_t i = 0; i < count; i++) {
		if (!sot_str_eq_c(event->kind, rules[i].kind) ||
		    !definition_rule_holds(&rules[i], field_of, &from))
			continue;
		if (rules[i].is_count) {
			send_count(m, &rules[i], &from, now);
		} else {
			send_event(m, &rules[i], &from, now);
		}
	}
}
