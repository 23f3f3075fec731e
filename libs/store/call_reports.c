#include "call_reports.h"

#include "store_internal.h"

#include <inttypes.h>
#include <stdlib.h>

enum { REPORT_EVERY_MS = 60000, SOURCES_MAX = 4, TEXT_MAX = 400000, PREFIX_MAX = 32 };

#define ROW_END '\x1e'
#define PART_END '\x1f'

typedef struct source {
	const char *type;
	sot_calls *calls;
} source;

struct call_reports {
	store *store;
	int statement;
	const char *service;
	reactor_watch *timer;
	source sources[SOURCES_MAX];
	size_t source_count;
	bool is_telling;
	sot_metric *lost;
};

/* No part of a report holds what parts them. */
static void add_part(sot_buf *out, sot_str s)
{
	sot_buf_add_char(out, PART_END);
	for (size_t i = 0; i < s.n; i++)
		sot_buf_add_char(out, (unsigned char)s.p[i] < ' ' ? ' ' : s.p[i]);
}

static void add_name(sot_buf *out, const char *type, const char *prefix, sot_str name)
{
	add_part(out, sot_str_c(type));
	add_part(out, sot_str_c(prefix));
	sot_buf_add_str(out, name);
}

static void add_kind(
    sot_buf *out, const char *type, const char *prefix, sot_str name, const sot_call_counts *counts)
{
	char between = PART_END;
	sot_buf_add_char(out, 'c');
	add_name(out, type, prefix, name);
	sot_buf_printf(
	    out, "%c%" PRIu64 "%c%" PRIu64, PART_END, counts->failed, PART_END, counts->us_sum);
	for (unsigned class = 0; class < SOT_CALL_CLASSES; class ++) {
		if (counts->classes[class] == 0)
			continue;
		sot_buf_printf(out, "%c%" PRIu64 ":%" PRIu32, between, sot_call_class_ms(class),
		    counts->classes[class]);
		between = ',';
	}
	sot_buf_add_char(out, ROW_END);
}

void call_reports_write(const char *type, const char *prefix, const sot_calls *calls, sot_buf *out)
{
	sot_map_iter it = {0};
	sot_str name;
	size_t failed;
	for (const sot_call_counts *counts; (counts = sot_calls_next(calls, &it, &name)) != NULL;) {
		if (counts->count > 0)
			add_kind(out, type, prefix, name, counts);
	}
	const sot_call_failure *list = sot_calls_failures(calls, &failed);
	for (size_t i = 0; i < failed; i++) {
		sot_buf_add_char(out, 'f');
		add_name(out, type, prefix, sot_str_c(list[i].name));
		add_part(out, sot_str_c(list[i].status));
		sot_buf_printf(out, "%c%" PRId64 "%c%" PRIu64 "%c", PART_END, list[i].at_unix_ms, PART_END,
		    list[i].us, ROW_END);
	}
}

static void on_told(void *self, const store_outcome *outcome)
{
	call_reports *c = self;
	c->is_telling = false;
	if (outcome->code != SOT_OK)
		sot_metric_add(c->lost, 1);
}

static void write_all(call_reports *c, sot_buf *text)
{
	char prefix[PREFIX_MAX];
	(void)snprintf(prefix, sizeof(prefix), "%s.", c->service);
	call_reports_write("SQL", prefix, store_calls(), text);
	for (size_t i = 0; i < c->source_count; i++)
		call_reports_write(c->sources[i].type, "", c->sources[i].calls, text);
}

static void clear_all(call_reports *c)
{
	sot_calls_clear(store_calls());
	for (size_t i = 0; i < c->source_count; i++)
		sot_calls_clear(c->sources[i].calls);
}

static void report(void *self, uint64_t missed)
{
	call_reports *c = self;
	SOT_AUTO_BUF text;
	sot_buf_init(&text, TEXT_MAX);
	(void)missed;
	if (c->is_telling || !store_is_up(c->store))
		return;
	write_all(c, &text);
	clear_all(c);
	if (sot_buf_failed(&text))
		sot_metric_add(c->lost, 1);
	if (sot_buf_failed(&text) || text.n == 0)
		return;
	store_tx *tx = store_begin(c->store);
	store_query(tx, c->statement, NULL, NULL);
	store_arg_c(tx, c->service);
	store_arg_str(tx, sot_buf_str(&text));
	c->is_telling = store_commit(&tx, on_told, c, NULL) == SOT_OK;
	if (!c->is_telling)
		sot_metric_add(c->lost, 1);
}

call_reports *call_reports_new(reactor *r, store *s, int statement, const char *service)
{
	call_reports *c = sot_alloc(sizeof(*c));
	c->store = s;
	c->statement = statement;
	c->service = service;
	c->lost = sot_counter(
	    "sot_store_call_reports_lost_total", NULL, "Minutes whose calls could not be told");
	c->timer = reactor_every_ms(r, REPORT_EVERY_MS, report, c);
	return c;
}

call_reports *call_reports_free(call_reports *c)
{
	if (!c)
		return NULL;
	store_forget(c->store, c);
	reactor_remove(c->timer);
	free(c);
	return NULL;
}

void call_reports_add(call_reports *c, const char *type, sot_calls *calls)
{
	if (c->source_count < SOURCES_MAX)
		c->sources[c->source_count++] = (source){type, calls};
}
