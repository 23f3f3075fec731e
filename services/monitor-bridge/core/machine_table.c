#include "machine_table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct machine_table {
	sot_map *machines; /* owns: "<kind><key>" to machine */
	size_t machines_max;
};

typedef struct map_key {
	char s[MACHINE_KEY_MAX + 1];
	size_t n;
} map_key;

machine_table *machine_table_new(size_t machines_max)
{
	machine_table *t = sot_alloc(sizeof(*t));
	t->machines = sot_map_new();
	t->machines_max = machines_max;
	return t;
}

static void machine_free(machine *m)
{
	free(m->interfaces);
	sot_calls_free(m->calls);
	free(m);
}

machine_table *machine_table_free(machine_table *t)
{
	if (!t)
		return NULL;
	sot_map_iter it = {0};
	machine *m;
	while ((m = sot_map_next(t->machines, &it, NULL)))
		machine_free(m);
	sot_map_free(t->machines);
	free(t);
	return NULL;
}

size_t machine_table_count(const machine_table *t)
{
	return sot_map_count(t->machines);
}

static map_key key_of(machine_kind kind, const char *key)
{
	map_key k = {.n = 1};
	size_t n = strnlen(key, MACHINE_KEY_MAX - 1);
	k.s[0] = (char)('a' + (int)kind);
	memcpy(k.s + 1, key, n);
	k.n = n + 1;
	return k;
}

/* FNV-1a; any spread will do. */
static int second_of(const map_key *k)
{
	uint32_t hash = 2166136261u;
	for (size_t i = 0; i < k->n; i++)
		hash = (hash ^ (uint8_t)k->s[i]) * 16777619u;
	return MACHINE_FIRST_SECOND + (int)(hash % MACHINE_SPREAD_SECONDS);
}

machine *machine_table_get(machine_table *t, machine_kind kind, const char *key)
{
	map_key k = key_of(kind, key);
	machine *m = sot_map_get(t->machines, k.s, k.n);
	if (m)
		return m;
	if (sot_map_count(t->machines) >= t->machines_max)
		return NULL;
	m = sot_alloc(sizeof(*m));
	m->kind = kind;
	memcpy(m->key, k.s + 1, k.n - 1);
	m->second = second_of(&k);
	(void)sot_map_set(t->machines, k.s, k.n, m);
	return m;
}

machine *machine_table_next(const machine_table *t, sot_map_iter *it)
{
	return sot_map_next(t->machines, it, NULL);
}

size_t machine_table_forget(machine_table *t, int64_t now_unix_ms)
{
	size_t forgotten = 0;
	sot_map_iter it = {0};
	machine *m;
	while ((m = sot_map_next(t->machines, &it, NULL))) {
		if (m->kind == MACHINE_BRIDGE || now_unix_ms - m->seen_unix_ms < MACHINE_FORGET_MS)
			continue;
		map_key k = key_of(m->kind, m->key);
		(void)sot_map_remove(t->machines, k.s, k.n);
		machine_free(m);
		forgotten++;
	}
	return forgotten;
}

void machine_take_host(machine *m, const host_figures *f, int64_t now_unix_ms)
{
	uint64_t drops = m->has_figures ? m->figures.host.net_drops : 0;
	uint64_t errors = m->has_figures ? m->figures.host.net_errors : 0;
	uint64_t forged = m->has_figures ? m->figures.host.forged_drops : 0;
	m->figures.host = *f;
	m->figures.host.net_drops += drops;
	m->figures.host.net_errors += errors;
	m->figures.host.forged_drops += forged;
	m->address = f->address;
	(void)snprintf(m->host_name, sizeof(m->host_name), "%s", f->name);
	m->seen_unix_ms = now_unix_ms;
	m->has_figures = true;
}

void machine_take_instance(machine *m, const instance_figures *f, int64_t now_unix_ms)
{
	instance_figures before = {0};
	if (m->has_figures)
		before = m->figures.instance;
	m->figures.instance = *f;
	m->figures.instance.rx_dropped += before.rx_dropped;
	m->figures.instance.net_errors += before.net_errors;
	m->figures.instance.net_collisions += before.net_collisions;
	m->figures.instance.checks_ok += before.checks_ok;
	m->figures.instance.checks_failed += before.checks_failed;
	m->figures.instance.check_ms_sum += before.check_ms_sum;
	(void)snprintf(m->app, sizeof(m->app), "%s", f->app);
	m->address = f->address;
	(void)snprintf(m->host_name, sizeof(m->host_name), "%s", f->name);
	m->seen_unix_ms = now_unix_ms;
	m->has_figures = true;
}

static const interface_figures *interface_of(const machine *m, const char *name)
{
	for (size_t i = 0; i < m->interface_count; i++) {
		if (strcmp(m->interfaces[i].name, name) == 0)
			return &m->interfaces[i];
	}
	return NULL;
}

void machine_take_interfaces(machine *m, const interface_figures *list, size_t count)
{
	size_t n = count < FIGURES_INTERFACES_MAX ? count : FIGURES_INTERFACES_MAX;
	interface_figures *now = sot_alloc_array(n + 1, sizeof(*now));
	for (size_t i = 0; i < n; i++) {
		const interface_figures *was = interface_of(m, list[i].name);
		now[i] = list[i];
		now[i].drops += was ? was->drops : 0;
		now[i].errors += was ? was->errors : 0;
	}
	free(m->interfaces);
	m->interfaces = now;
	m->interface_count = n;
}

void machine_take_calls(machine *m, const sot_calls *calls)
{
	if (sot_calls_is_empty(calls))
		return;
	if (!m->calls)
		m->calls = sot_calls_new(MACHINE_CALL_KINDS_MAX);
	sot_calls_merge(m->calls, calls);
}

void machine_clear_sums(machine *m)
{
	for (size_t i = 0; i < m->interface_count; i++)
		m->interfaces[i].drops = m->interfaces[i].errors = 0;
	if (m->calls)
		sot_calls_clear(m->calls);

	if (m->kind == MACHINE_HOST) {
		host_figures *f = &m->figures.host;
		f->net_drops = f->net_errors = f->forged_drops = 0;
	} else if (m->kind == MACHINE_INSTANCE) {
		instance_figures *f = &m->figures.instance;
		f->rx_dropped = f->net_errors = f->net_collisions = 0;
		f->checks_ok = f->checks_failed = f->check_ms_sum = 0;
	}
}

bool machine_is_due(const machine *m, int64_t now_unix_ms)
{
	int second = (int)(now_unix_ms / 1000 % 60);
	if (!m->has_figures || now_unix_ms - m->seen_unix_ms >= MACHINE_FRESH_MS)
		return false;
	if (second < m->second || second > MACHINE_LATE_SECOND)
		return false;
	/* A clock that was set back must not give a minute two heartbeats either. */
	return now_unix_ms / 60000 > m->heartbeat_minute;
}

bool machine_missed_minute(const machine *m, int64_t minute, int64_t now_unix_ms)
{
	return m->has_figures && now_unix_ms - m->seen_unix_ms < MACHINE_FRESH_MS &&
	       m->heartbeat_minute < minute;
}

bool machine_serve_minute(machine *m, int64_t now_unix_ms)
{
	int64_t hour = now_unix_ms / 3600000;
	m->heartbeat_minute = now_unix_ms / 60000;
	if (m->heartbeat_hour != hour) {
		m->heartbeat_hour = hour;
		m->heartbeats_in_hour = 0;
	}
	if (m->heartbeats_in_hour >= MACHINE_HEARTBEATS_PER_HOUR)
		return false;
	m->heartbeats_in_hour++;
	return true;
}

void machine_skip_minute(machine *m, int64_t now_unix_ms)
{
	m->heartbeat_minute = now_unix_ms / 60000;
	machine_clear_sums(m);
}
