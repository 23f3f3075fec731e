#include "monitor_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void on_frame(void *self, sot_str frame, int64_t expires_unix_ms)
{
	world *w = self;
	sot_err err;
	assert_true(w->count < SENT_MAX);
	sent_frame *s = &w->sent[w->count++];
	sot_str copy = sot_arena_dup(w->memory, frame);
	assert_true(cat_read_frame(copy, w->memory, &s->tree, &err) == SOT_OK);
	s->expires_unix_ms = expires_unix_ms;
}

static void on_reserve(void *self, int64_t hour, uint32_t bound)
{
	world *w = self;
	w->reserved_hour = hour;
	w->reserved_bound = bound;
	w->reserve_calls++;
}

static void on_minute(void *self, int64_t minute)
{
	((world *)self)->minute = minute;
}

static void on_deploy(void *self, const monitor_deploy *d)
{
	world *w = self;
	(void)snprintf(w->deploys, sizeof(w->deploys), "%.*s %.*s %.*s", SOT_ARG(d->app),
	    SOT_ARG(d->version), SOT_ARG(d->state));
}

const monitor_options default_options = {.domain_prefix = "sotalia",
    .host_name = "control-1",
    .address = 0x0a000001,
    .machines_max = 100,
    .codec = CAT_NT1};

world *world_new(const monitor_options *options)
{
	world *w = sot_alloc(sizeof(*w));
	monitor_hooks hooks = {w, on_frame, on_reserve, on_minute, on_deploy};
	monitor_options with = *options;
	sot_err err;
	w->definitions = definitions_new();
	if (definitions_parse(w->definitions, "default.def", definitions_default(), &err) != SOT_OK)
		fail_msg("%s", err.text);
	with.definitions = w->definitions;
	w->memory = sot_arena_new(64 << 20);
	w->sent = sot_alloc_array(SENT_MAX, sizeof(*w->sent));
	w->m = monitor_new(&with, &hooks);
	return w;
}

void world_free(world *w)
{
	monitor_free(w->m);
	definitions_free(w->definitions);
	sot_arena_free(w->memory);
	free(w->sent);
	free(w);
}

sot_wall at(int64_t minute, int64_t second)
{
	return (sot_wall){HOUR_START + minute * 60000 + second * 1000};
}

host_figures a_host(void)
{
	host_figures f = {
	    .name = "node-1", .address = 0x0a010203, .interval_ms = 10000, .cpu_cores = 4};
	f.cpu_user_permille = 125;
	f.cpu_system_permille = 30;
	f.load1_milli = 1500;
	f.memory_total_bytes = UINT64_C(8) << 30;
	f.memory_available_bytes = UINT64_C(2) << 30;
	f.disk_total_bytes = 1000;
	f.disk_free_bytes = 250;
	f.rx_bytes_per_s = 125000;
	f.net_drops = 2;
	f.docker_ok = true;
	f.containers_running = 3;
	return f;
}

instance_figures an_instance(const char *name)
{
	instance_figures f = {.app = "shop", .address = 0x0a42000b, .running = true};
	(void)snprintf(f.name, sizeof(f.name), "%s", name);
	f.cpu_used_milli = 250;
	f.cpu_limit_milli = 500;
	f.memory_rss_bytes = 64 << 20;
	f.memory_limit_bytes = 128 << 20;
	f.uptime_s = 125;
	f.pids = 9;
	f.checks_ok = 2;
	f.checks_failed = 1;
	f.check_ms_sum = 30;
	return f;
}

/* This bridge among those of `numbers`, all with a lease over the time. */
void share_with(world *w, unsigned own, const unsigned *numbers, size_t count, sot_wall now)
{
	share_member members[8];
	for (size_t i = 0; i < count; i++)
		members[i] = (share_member){numbers[i], 0x0a000001 + numbers[i], 1, now.unix_ms + 10000};
	monitor_share_view(w->m, own, members, count, now);
}

void alone(world *w, sot_wall now)
{
	const unsigned self[] = {0};
	share_with(w, 0, self, 1, now);
}

void tick_minute(world *w, int64_t minute)
{
	const bridge_figures usage = {.produced = 5};
	for (int second = 0; second < 60; second++) {
		if (second % 2 == 0)
			alone(w, at(minute, second));
		monitor_tick(w->m, &usage, at(minute, second));
	}
}

/* The n-th message with that letter, type and machine; NULL when there is none. */
const cat_read_message *find(
    const world *w, const char *domain, const char *machine, const char *type, const char *name)
{
	for (size_t i = 0; i < w->count; i++) {
		const cat_read_tree *tree = &w->sent[i].tree;
		if (!sot_str_eq_c(tree->header[0], domain) || !sot_str_eq_c(tree->header[2], machine))
			continue;
		for (size_t k = 0; k < tree->count; k++) {
			const cat_read_message *m = &tree->messages[k];
			if (sot_str_eq_c(m->type, type) && (!name || sot_str_eq_c(m->name, name)))
				return m;
		}
	}
	return NULL;
}

const cat_read_message *find_status(
    const world *w, const char *machine, const char *type, const char *status)
{
	for (size_t i = 0; i < w->count; i++) {
		const cat_read_tree *tree = &w->sent[i].tree;
		for (size_t k = 0; k < tree->count; k++) {
			const cat_read_message *m = &tree->messages[k];
			if (sot_str_eq_c(tree->header[2], machine) && sot_str_eq_c(m->type, type) &&
			    sot_str_eq_c(m->status, status))
				return m;
		}
	}
	return NULL;
}

size_t count_of(const world *w, const char *machine, const char *type)
{
	size_t n = 0;
	for (size_t i = 0; i < w->count; i++) {
		const cat_read_tree *tree = &w->sent[i].tree;
		for (size_t k = 0; k < tree->count; k++)
			n += sot_str_eq_c(tree->header[2], machine) &&
			     sot_str_eq_c(tree->messages[k].type, type);
	}
	return n;
}

void assert_has(const cat_read_message *m, const char *id, const char *value)
{
	char detail[128];
	int n =
	    snprintf(detail, sizeof(detail), "<extensionDetail id=\"%s\" value=\"%s\"/>", id, value);
	if (!memmem(m->data.p, m->data.n, detail, (size_t)n))
		fail_msg("no %s in %.*s", detail, SOT_ARG(m->data));
}

sot_str fields_of(world *w, const char *text)
{
	size_t n = 0;
	for (; text[n]; n++)
		w->fields[n] = (char)(text[n] == '='   ? MONITOR_PART_END
		                      : text[n] == ';' ? MONITOR_ROW_END
		                                       : text[n]);
	return (sot_str){w->fields, n};
}
