/* The registry of metrics and its OpenMetrics text.
 * Source: https://github.com/prometheus/OpenMetrics/blob/v1.0.0/specification/OpenMetrics.md
 */
#include "sot_metrics.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

#define METRICS_MAX 256

static const int64_t bounds_ms[] = {1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000};
#define BOUND_COUNT (sizeof(bounds_ms) / sizeof(bounds_ms[0]))

typedef enum kind { COUNTER, GAUGE, HISTOGRAM } kind;

struct sot_metric {
	const char *name, *labels, *help;
	kind kind;
	int64_t value; /* of a histogram: the count */
	int64_t sum;
	int64_t buckets[BOUND_COUNT]; /* not cumulative */
};

static sot_metric registry[METRICS_MAX];
static size_t registered;

static sot_metric *add(kind k, const char *name, const char *labels, const char *help)
{
	labels = labels ? labels : "";
	for (size_t i = 0; i < registered; i++) {
		sot_metric *m = &registry[i];
		if (strcmp(m->name, name) != 0)
			continue;
		assert(m->kind == k); /* one family, one type */
		if (strcmp(m->labels, labels) == 0)
			return m;
	}
	assert(registered < METRICS_MAX);
	sot_metric *m = &registry[registered++];
	*m = (sot_metric){.name = name, .labels = labels, .help = help, .kind = k};
	return m;
}

sot_metric *sot_counter(const char *name, const char *labels, const char *help)
{
	size_t n = strlen(name);
	assert(n > 6 && strcmp(name + n - 6, "_total") == 0);
	return add(COUNTER, name, labels, help);
}

sot_metric *sot_gauge(const char *name, const char *labels, const char *help)
{
	return add(GAUGE, name, labels, help);
}

sot_metric *sot_histogram_ms(const char *name, const char *labels, const char *help)
{
	return add(HISTOGRAM, name, labels, help);
}

void sot_metric_add(sot_metric *m, uint64_t n)
{
	m->value += (int64_t)n;
}

void sot_metric_set(sot_metric *m, int64_t value)
{
	m->value = value;
}

void sot_metric_observe_ms(sot_metric *m, int64_t ms)
{
	m->value++;
	m->sum += ms;
	for (size_t i = 0; i < BOUND_COUNT; i++) {
		if (ms <= bounds_ms[i]) {
			m->buckets[i]++;
			return;
		}
	}
}

int64_t sot_metric_value(const sot_metric *m)
{
	return m->value;
}

static void render_header(const sot_metric *m, sot_buf *out)
{
	static const char *const types[] = {"counter", "gauge", "histogram"};
	/* A counter's family is named without the suffix of its sample. */
	int n = (int)strlen(m->name) - (m->kind == COUNTER ? 6 : 0);
	sot_buf_printf(out, "# TYPE %.*s %s\n# HELP %.*s ", n, m->name, types[m->kind], n, m->name);
	for (const char *c = m->help; *c; c++) {
		if (*c == '\n')
			sot_buf_add_c(out, "\\n");
		else if (*c == '\\' || *c == '"')
			sot_buf_printf(out, "\\%c", *c);
		else
			sot_buf_add_char(out, *c);
	}
	sot_buf_add_char(out, '\n');
}

static void render_histogram(const sot_metric *m, sot_buf *out)
{
	const char *comma = *m->labels ? "," : "";
	int64_t cumulative = 0;
	for (size_t i = 0; i < BOUND_COUNT; i++) {
		cumulative += m->buckets[i];
		sot_buf_printf(out, "%s_bucket{%s%sle=\"%" PRId64 ".0\"} %" PRId64 "\n", m->name, m->labels,
		    comma, bounds_ms[i], cumulative);
	}
	sot_buf_printf(
	    out, "%s_bucket{%s%sle=\"+Inf\"} %" PRId64 "\n", m->name, m->labels, comma, m->value);
	const char *open = *m->labels ? "{" : "", *close = *m->labels ? "}" : "";
	sot_buf_printf(out, "%s_sum%s%s%s %" PRId64 "\n", m->name, open, m->labels, close, m->sum);
	sot_buf_printf(out, "%s_count%s%s%s %" PRId64 "\n", m->name, open, m->labels, close, m->value);
}

static void render_sample(const sot_metric *m, sot_buf *out)
{
	if (m->kind == HISTOGRAM) {
		render_histogram(m, out);
		return;
	}
	const char *open = *m->labels ? "{" : "", *close = *m->labels ? "}" : "";
	sot_buf_printf(out, "%s%s%s%s %" PRId64 "\n", m->name, open, m->labels, close, m->value);
}

static bool is_first_of_family(size_t at)
{
	for (size_t i = 0; i < at; i++)
		if (strcmp(registry[i].name, registry[at].name) == 0)
			return false;
	return true;
}

void sot_metrics_render(sot_buf *out)
{
	/* The samples of a family must stand together. */
	for (size_t i = 0; i < registered; i++) {
		if (!is_first_of_family(i))
			continue;
		render_header(&registry[i], out);
		for (size_t k = i; k < registered; k++)
			if (strcmp(registry[k].name, registry[i].name) == 0)
				render_sample(&registry[k], out);
	}
	sot_buf_add_c(out, "# EOF\n");
}
