/* The readers of the two data sets. */
#include "traces.h"

#include "sot_map.h"
#include "sot_parse.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MICRO = 1000000, SLOTS = 98, LINE_MAX_BYTES = 1 << 16 };

void trace_die(const char *what, const char *why)
{
	(void)fprintf(stderr, "bench_placement: %s: %s\n", what, why);
	exit(1);
}

typedef struct reader {
	FILE *file;
	char line[LINE_MAX_BYTES];
	sot_str rest;
} reader;

static void open_csv(reader *r, const char *folder, const char *name)
{
	char path[4096];

	(void)snprintf(path, sizeof(path), "%s/%s", folder, name);
	r->file = fopen(path, "r");
	if (!r->file)
		trace_die(path, "cannot be read");
}

static bool next_line(reader *r)
{
	if (!fgets(r->line, sizeof(r->line), r->file)) {
		(void)fclose(r->file);
		return false;
	}
	r->line[strcspn(r->line, "\r\n")] = '\0';
	r->rest = sot_str_c(r->line);
	return true;
}

static sot_str field(reader *r)
{
	return sot_str_cut(r->rest, ',', &r->rest);
}

/* A decimal with up to six places, in millionths. */
static int64_t millionths(sot_str s)
{
	int64_t value = 0;
	int places = -1;

	for (size_t i = 0; i < s.n && places < 6; i++) {
		if (s.p[i] == '.' && places < 0) {
			places = 0;
		} else if (s.p[i] >= '0' && s.p[i] <= '9') {
			value = value * 10 + (s.p[i] - '0');
			places += places >= 0;
		} else {
			trace_die("not a number", s.p);
		}
	}
	for (places = places < 0 ? 0 : places; places < 6; places++)
		value *= 10;
	return value;
}

static int32_t whole(sot_str s)
{
	return s.n ? (int32_t)(millionths(s) / MICRO) : 0;
}

/* The number of a name, given out in the order of first sight. */
static uint32_t number_of(sot_map *names, sot_str name)
{
	uintptr_t number = (uintptr_t)sot_map_get(names, name.p, name.n);

	if (number == 0) {
		number = sot_map_count(names) + 1;
		sot_map_set(names, name.p, name.n, (void *)number);
	}
	return (uint32_t)number - 1;
}

static uint32_t known(const sot_map *names, sot_str name)
{
	uintptr_t number = (uintptr_t)sot_map_get(names, name.p, name.n);

	if (number == 0)
		trace_die("unknown name", name.p);
	return (uint32_t)number - 1;
}

static trace *trace_new(uint32_t hosts, uint32_t shapes, uint32_t requests, uint32_t rules)
{
	trace *t = sot_alloc(sizeof(*t));

	t->host = sot_alloc_array(hosts, sizeof(*t->host));
	t->host_name = sot_alloc_array(hosts, sizeof(*t->host_name));
	t->shape = sot_alloc_array(shapes, sizeof(*t->shape));
	t->request = sot_alloc_array(requests, sizeof(*t->request));
	t->request_name = sot_alloc_array(requests, sizeof(*t->request_name));
	t->rule = sot_alloc_array(rules + 1u, sizeof(*t->rule));
	return t;
}

trace *trace_free(trace *t)
{
	if (t) {
		free(t->host);
		free(t->host_name);
		free(t->shape);
		free(t->days);
		free(t->request);
		free(t->request_name);
		free(t->rule);
		free(t);
	}
	return NULL;
}

static void keep_name(char to[32], sot_str name)
{
	sot_err err = {0};
	if (sot_str_copy(name, to, 32, &err) != SOT_OK)
		trace_die("a name", err.text);
}

/* ---- openb ---- */

trace *trace_read_openb(const char *folder, const char *list, bool gpus)
{
	static reader r;
	trace *t = trace_new(2000, 10000, 10000, 0);
	sot_map *shapes = sot_map_new();

	open_csv(&r, folder, "openb_node_list_all_node.csv");
	for (bool head = next_line(&r); head && next_line(&r); t->hosts++) {
		keep_name(t->host_name[t->hosts], field(&r));
		int32_t *h = t->host[t->hosts];
		h[0] = whole(field(&r));
		h[1] = whole(field(&r));
		h[3] = gpus ? 1000 * whole(field(&r)) : 0;
	}
	open_csv(&r, folder, list);
	for (bool head = next_line(&r); head && next_line(&r); t->requests++) {
		keep_name(t->request_name[t->requests], field(&r));
		int32_t need[TRACE_DIMS] = {0};
		need[0] = whole(field(&r));
		need[1] = whole(field(&r));
		int32_t count = whole(field(&r)), milli = whole(field(&r));
		if (gpus)
			need[3] = count > 1 ? 1000 * count : count * milli;
		uint32_t shape = number_of(shapes, (sot_str){(const char *)need, sizeof(need)});
		memcpy(t->shape[shape], need, sizeof(need));
		t->request[t->requests] = shape;
	}
	t->shapes = (uint32_t)sot_map_count(shapes);
	sot_map_free(shapes);
	return t;
}

/* ---- alibaba-2018-b ---- */

#define ALIBABA(part) "scheduling_preliminary_b_" part "_20180726.csv"

static void read_day(sot_str text, int32_t *day, int32_t *ret_peak)
{
	*ret_peak = 0;
	for (int s = 0; s < SLOTS; s++) {
		day[s] = (int32_t)millionths(sot_str_cut(text, '|', &text));
		*ret_peak = day[s] > *ret_peak ? day[s] : *ret_peak;
	}
}

/* Disk in thousandths, P, M, PM as they are. */
static void read_rest(reader *r, int32_t amounts[TRACE_DIMS])
{
	amounts[2] = (int32_t)(millionths(field(r)) / 1000);
	for (int d = 3; d < TRACE_DIMS; d++)
		amounts[d] = whole(field(r));
}

static int compare_rules(const void *a, const void *b)
{
	const trace_rule *x = a, *y = b;
	if (x->a != y->a)
		return x->a < y->a ? -1 : 1;
	return x->b < y->b ? -1 : x->b > y->b;
}

static void read_rules(trace *t, const char *folder, reader *r, const sot_map *apps)
{
	open_csv(r, folder, ALIBABA("app_interference"));
	for (; next_line(r); t->rules++) {
		trace_rule *rule = &t->rule[t->rules];
		rule->a = known(apps, field(r));
		rule->b = known(apps, field(r));
		rule->k = (uint32_t)whole(field(r)) + (rule->a == rule->b);
	}
	qsort(t->rule, t->rules, sizeof(*t->rule), compare_rules);
}

trace *trace_read_alibaba(const char *folder)
{
	static reader r;
	trace *t = trace_new(10000, 10000, 100000, 50000);
	sot_map *apps = sot_map_new();

	t->slots = SLOTS;
	t->days = sot_alloc_array((size_t)10000 * 2 * SLOTS, sizeof(*t->days));
	open_csv(&r, folder, ALIBABA("machine_resources"));
	for (; next_line(&r); t->hosts++) {
		keep_name(t->host_name[t->hosts], field(&r));
		t->host[t->hosts][0] = (int32_t)millionths(field(&r));
		t->host[t->hosts][1] = (int32_t)millionths(field(&r));
		read_rest(&r, t->host[t->hosts]);
	}
	open_csv(&r, folder, ALIBABA("app_resources"));
	for (; next_line(&r); t->shapes++) {
		int32_t *day = t->days + (size_t)number_of(apps, field(&r)) * 2 * SLOTS;
		read_day(field(&r), day, &t->shape[t->shapes][0]);
		read_day(field(&r), day + SLOTS, &t->shape[t->shapes][1]);
		read_rest(&r, t->shape[t->shapes]);
	}
	open_csv(&r, folder, ALIBABA("instance_deploy"));
	for (; next_line(&r); t->requests++) {
		keep_name(t->request_name[t->requests], field(&r));
		t->request[t->requests] = known(apps, field(&r));
	}
	read_rules(t, folder, &r, apps);
	sot_map_free(apps);
	return t;
}
