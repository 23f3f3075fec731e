/* The same figures as OpenMetrics text, for those who have no CAT.
 * Source: https://github.com/prometheus/OpenMetrics/blob/v1.0.0/specification/OpenMetrics.md
 *
 * Each bridge shows the machines that it sends for: all bridges together show each once.
 */
#include "monitor_internal.h"

#include <stdio.h>

typedef struct label {
	const char *name, *value;
} label;

static void put_label_value(sot_buf *out, const char *s)
{
	for (; *s; s++) {
		if (*s == '\\' || *s == '"')
			sot_buf_add_char(out, '\\');
		if (*s == '\n') {
			sot_buf_add_c(out, "\\n");
		} else {
			sot_buf_add_char(out, *s);
		}
	}
}

static void put_sample(
    sot_buf *out, const definition_metric *of, const label *labels, size_t count, double value)
{
	char number[32];
	sot_buf_add_c(out, of->name);
	for (size_t i = 0; i < count; i++) {
		sot_buf_add_char(out, i == 0 ? '{' : ',');
		sot_buf_add_c(out, labels[i].name);
		sot_buf_add_c(out, "=\"");
		put_label_value(out, labels[i].value);
		sot_buf_add_char(out, '"');
	}
	if (count > 0)
		sot_buf_add_char(out, '}');
	(void)snprintf(number, sizeof(number), " %.12g\n", value);
	sot_buf_add_c(out, number);
}

static void put_interfaces(sot_buf *out, const definition_metric *of, const machine *at)
{
	for (size_t i = 0; i < at->interface_count; i++) {
		const interface_figures *f = &at->interfaces[i];
		const label labels[] = {{"host", at->host_name}, {"interface", f->name}};
		put_sample(out, of, labels, 2, definition_read(&of->value, f));
	}
}

static void put_machine(sot_buf *out, const definition_metric *of, const machine *at)
{
	if (of->source == FIGURE_INTERFACE) {
		put_interfaces(out, of, at);
		return;
	}
	double value = definition_read(&of->value, &at->figures);
	if (at->kind == MACHINE_HOST) {
		const label labels[] = {{"host", at->host_name}};
		put_sample(out, of, labels, 1, value);
		return;
	}
	const instance_figures *f = &at->figures.instance;
	const label labels[] = {{"app", f->app}, {"host", f->host}, {"name", f->name}};
	put_sample(out, of, labels, 3, value);
}

static bool is_shown(const monitor *m, const machine *at, machine_kind kind, sot_wall now)
{
	return at->kind == kind && at->has_figures &&
	       now.unix_ms - at->seen_unix_ms < MACHINE_FRESH_MS &&
	       share_owns(&m->share, sot_str_c(at->key));
}

static void put_machines(
    const monitor *m, const definition_metric *of, machine_kind kind, sot_wall now, sot_buf *out)
{
	sot_map_iter it = {0};
	const machine *at;
	while ((at = machine_table_next(m->machines, &it))) {
		if (is_shown(m, at, kind, now))
			put_machine(out, of, at);
	}
}

static void put_platform(const monitor *m, const definition_metric *of, sot_wall now, sot_buf *out)
{
	if (!share_leads(&m->share) || m->platform_unix_ms == 0 ||
	    now.unix_ms - m->platform_unix_ms >= MONITOR_GAUGES_FRESH_MS)
		return;
	if (of->source == FIGURE_PLATFORM) {
		put_sample(out, of, NULL, 0, definition_read(&of->value, &m->platform));
		return;
	}
	for (size_t i = 0; i < m->pool_count; i++) {
		const label labels[] = {{"pool", m->pools[i].name}};
		put_sample(out, of, labels, 1, definition_read(&of->value, &m->pools[i]));
	}
}

void monitor_render(const monitor *m, sot_wall now, sot_buf *out)
{
	size_t count;
	const definition_metric *metrics = definitions_metrics(m->options.definitions, &count);
	for (size_t i = 0; i < count; i++) {
		const definition_metric *of = &metrics[i];
		sot_buf_printf(out, "# TYPE %s gauge\n# HELP %s %s\n", of->name, of->name, of->help);
		switch (of->source) {
		case FIGURE_HOST:
		case FIGURE_INTERFACE:
			put_machines(m, of, MACHINE_HOST, now, out);
			break;
		case FIGURE_INSTANCE:
			put_machines(m, of, MACHINE_INSTANCE, now, out);
			break;
		default:
			put_platform(m, of, now, out);
			break;
		}
	}
}
