/* definitions - what is shown where, as data: heartbeats, business gauges, platform events and
 * OpenMetrics text. The built-in text is definitions/default.def; an operator's file comes on top.
 *
 *   group  SOURCE ID title=TEXT                       names a box of CAT's heartbeat page
 *   show   SOURCE group=ID id=ID from=FIGURE [divide=N|times=N] [whole]
 *          (source interface: in a group of hosts, with {interface} in the id)
 *   hide   SOURCE id=ID                               takes a graph away
 *   gauge  platform|pool NAME from=FIGURE [divide=N|times=N]
 *   metric SOURCE NAME from=FIGURE [divide=N|times=N] help=TEXT
 *   event  KIND [if=FIELD:VALUE]... on=host|instance|controller type= name= status= data=
 *   count  KIND [if=FIELD:VALUE]... name=NAME         a counter on the business page
 *   ignore KIND                                       takes all rules of a kind away
 *
 * Parsing refuses what CAT would lose in silence: ids outside of its alphabet, an id twice in one
 * source, figures that do not exist. Every error says file and line. Pure; built once at start.
 */
#ifndef MONITOR_DEFINITIONS_H
#define MONITOR_DEFINITIONS_H

#include "cat_heartbeat.h"
#include "figure_catalogue.h"
#include "sot_mem.h"

#define DEFINITIONS_PER_KIND_MAX 1000
#define DEFINITION_CONDITIONS_MAX 4

typedef struct definition_value {
	const figure *figure;
	double factor;
	bool whole; /* written without decimals */
} definition_value;

typedef struct definition_show {
	figure_source source;
	definition_value value;
	char *group, *id;
} definition_show;

/* A gauge of the business page (help NULL), or a family of the OpenMetrics text. */
typedef struct definition_metric {
	figure_source source;
	definition_value value;
	char *name, *help;
} definition_metric;

typedef enum definition_target { ON_CONTROLLER, ON_HOST, ON_INSTANCE } definition_target;

typedef struct definition_condition {
	char *field, *value;
} definition_condition;

/* What becomes of a platform event. Texts hold {field} where the event's own come in. */
typedef struct definition_rule {
	char *kind;
	definition_condition conditions[DEFINITION_CONDITIONS_MAX];
	size_t condition_count;
	bool is_count; /* only `name` counts: a business counter */
	definition_target on;
	char *type, *name, *status, *data;
} definition_rule;

typedef struct definitions definitions;

definitions *definitions_new(void);
definitions *definitions_free(definitions *d);
SOT_DEFINE_AUTO(definitions)

/* Adds what `text` says; `file` is for the messages. After a failure `d` is of no use any more. */
sot_code definitions_parse(definitions *d, const char *file, sot_str text, sot_err *err) SOT_CHECK;
/* The text that is built in. */
sot_str definitions_default(void);

/* All groups of a source: host, instance or bridge. Interfaces stand in the groups of their host,
 * each graph once for each of them. */
typedef struct definition_figures {
	const void *figures; /* the source's struct */
	const interface_figures *interfaces;
	size_t interface_count;
} definition_figures;
void definitions_heartbeat(const definitions *d, figure_source source,
    const definition_figures *figures, cat_heartbeat *h);
const definition_metric *definitions_gauges(const definitions *d, size_t *ret_count);
const definition_metric *definitions_metrics(const definitions *d, size_t *ret_count);
const definition_rule *definitions_rules(const definitions *d, size_t *ret_count);
double definition_read(const definition_value *v, const void *figures);

/* Gives the value of a field, empty when there is none. */
typedef sot_str (*definition_field_fn)(const void *self, sot_str field);
bool definition_rule_holds(
    const definition_rule *rule, definition_field_fn field, const void *self);
/* Fills `text` in; what does not fit into dst is cut at a whole character. */
sot_str definition_fill(
    const char *text, definition_field_fn field, const void *self, char *dst, size_t dst_size);

#endif
