#include "monitor.h"

#include "cat_period.h"
#include "monitor_internal.h"
#include "sot_parse.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FORGET_EVERY_MS 60000

/* ---- life ---- */

sot_code monitor_prefix_check(const char *prefix, sot_err *err)
{
	static const char *const kinds[] = {"controller", "agent", "instance"};
	/* The server's default filter throws these domains away. */
	static const char *const excluded[] = {
	    "paas", "cat-agent", "PhoenixAgent", "All", "FrontEnd", "SMS-RECEIVER"};
	char domain[MONITOR_DOMAIN_MAX];
	if (!sot_is_label(sot_str_c(prefix), MONITOR_PREFIX_MAX))
		return sot_fail(err, SOT_INVALID,
		    "domain prefix \"%s\" must be 1..%d of a-z, 0-9 and '-', and begin with a letter",
		    prefix, MONITOR_PREFIX_MAX);
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		(void)snprintf(domain, sizeof(domain), "%s-%s", prefix, kinds[i]);
		for (size_t k = 0; k < sizeof(excluded) / sizeof(*excluded); k++) {
			if (strcmp(domain, excluded[k]) == 0)
				return sot_fail(err, SOT_INVALID,
				    "domain prefix \"%s\" makes the domain %s, which CAT throws away: choose "
				    "another",
				    prefix, domain);
		}
	}
	return SOT_OK;
}

static machine *bridge_machine(monitor *m)
{
	char key[16];
	machine *bridge =
	    machine_table_get(m->machines, MACHINE_BRIDGE, sot_format_ipv4(m->options.address, key));
	bridge->address = m->options.address;
	(void)snprintf(bridge->host_name, sizeof(bridge->host_name), "%s", m->options.host_name);
	return bridge;
}

monitor *monitor_new(const monitor_options *options, const monitor_hooks *hooks)
{
	monitor *m = sot_alloc(sizeof(*m));
	const char *prefix = options->domain_prefix;
	m->options = *options;
	m->hooks = *hooks;
	(void)snprintf(m->domain_controller, sizeof(m->domain_controller), "%s-controller", prefix);
	(void)snprintf(m->domain_agent, sizeof(m->domain_agent), "%s-agent", prefix);
	(void)snprintf(m->domain_instance, sizeof(m->domain_instance), "%s-instance", prefix);
	m->machines = machine_table_new(options->machines_max + 1);
	m->names = name_watch_new();
	m->sample = 1;
	m->sequences = cat_sequences_new(2 * (options->machines_max + 1));
	m->bridge = bridge_machine(m);
	return m;
}

monitor *monitor_free(monitor *m)
{
	if (!m)
		return NULL;
	machine_table_free(m->machines);
	name_watch_free(m->names);
	cat_sequences_free(m->sequences);
	free(m->pools);
	free(m);
	return NULL;
}

void monitor_restore_ids(monitor *m, int64_t hour, uint32_t bound)
{
	cat_reservation_restore(&m->reservation, hour, bound);
}

void monitor_restore_minute(monitor *m, int64_t minute)
{
	m->minute_blocked = minute;
}

const monitor_counters *monitor_get_counters(const monitor *m)
{
	return &m->counters;
}

size_t monitor_machine_count(const monitor *m)
{
	return machine_table_count(m->machines);
}

size_t monitor_owned_count(const monitor *m)
{
	size_t owned = 0;
	sot_map_iter it = {0};
	const machine *of;
	while ((of = machine_table_next(m->machines, &it)))
		owned += of->kind != MACHINE_BRIDGE && share_owns(&m->share, sot_str_c(of->key));
	return owned;
}

void monitor_share_view(
    monitor *m, unsigned own, const share_member *list, size_t count, sot_wall database_now)
{
	share_take_view(&m->share, own, list, count, database_now.unix_ms);
}

void monitor_lost_database(monitor *m)
{
	share_lost_database(&m->share);
}

bool monitor_leads(const monitor *m)
{
	return share_takes_events(&m->share);
}

void monitor_set_sample(monitor *m, double sample)
{
	m->sample = sample;
}

void monitor_set_bags(monitor *m, bool bags)
{
	m->bags = bags;
}

/* ---- reports ---- */

static machine *host_machine(monitor *m, uint32_t address)
{
	char key[16];
	return machine_table_get(m->machines, MACHINE_HOST, sot_format_ipv4(address, key));
}

void monitor_learn_host(monitor *m, const char *name, uint32_t address, sot_wall now)
{
	machine *host = host_machine(m, address);
	if (!host)
		return;
	host->address = address;
	host->seen_unix_ms = now.unix_ms;
	(void)snprintf(host->host_name, sizeof(host->host_name), "%s", name);
}

bool monitor_host_report(monitor *m, const host_figures *f, sot_wall now)
{
	m->counters.host_reports++;
	machine *host = host_machine(m, f->address);
	if (!host) {
		m->counters.machines_refused++;
		return false;
	}
	bool is_news = strcmp(host->host_name, f->name) != 0;
	machine_take_host(host, f, now.unix_ms);
	return is_news;
}

machine *monitor_instance_machine(monitor *m, const char *name, uint32_t address)
{
	char text[16];
	const char *key =
	    m->options.instances_by_address && address != 0 ? sot_format_ipv4(address, text) : name;
	machine *instance = machine_table_get(m->machines, MACHINE_INSTANCE, key);
	if (!instance)
		m->counters.machines_refused++;
	return instance;
}

machine *monitor_host_by_name(monitor *m, sot_str name, sot_wall now)
{
	char key[MACHINE_KEY_MAX];
	sot_map_iter it = {0};
	machine *of;
	if (sot_str_copy(name, key, sizeof(key), NULL) != SOT_OK || !key[0])
		return NULL;
	while ((of = machine_table_next(m->machines, &it))) {
		if (of->kind == MACHINE_HOST && strcmp(of->host_name, key) == 0)
			return of;
	}
	/* No report ever told its address: a page by its name is better than none. */
	of = machine_table_get(m->machines, MACHINE_HOST, key);
	if (of && of->seen_unix_ms == 0)
		of->seen_unix_ms = now.unix_ms;
	if (!of)
		m->counters.machines_refused++;
	return of;
}

void monitor_instance_report(monitor *m, const instance_figures *f, sot_wall now)
{
	m->counters.instance_reports++;
	machine *instance = monitor_instance_machine(m, f->name, f->address);
	if (instance)
		machine_take_instance(instance, f, now.unix_ms);
}

void monitor_host_interfaces(
    monitor *m, uint32_t address, const interface_figures *list, size_t count)
{
	machine *host = host_machine(m, address);
	if (host)
		machine_take_interfaces(host, list, count);
}

void monitor_host_calls(monitor *m, uint32_t address, const sot_calls *calls)
{
	machine *host = host_machine(m, address);
	if (host)
		machine_take_calls(host, calls);
}

void monitor_checks(monitor *m, const char *name, uint32_t address, const sot_calls *calls)
{
	machine *instance = monitor_instance_machine(m, name, address);
	if (instance)
		machine_take_calls(instance, calls);
}

bool monitor_next_host(const monitor *m, monitor_host_iter *it, monitor_host *ret)
{
	sot_map_iter at = {it->pos};
	machine *of;
	while ((of = machine_table_next(m->machines, &at))) {
		it->pos = at.pos;
		if (of->kind != MACHINE_HOST || !of->host_name[0])
			continue;
		*ret = (monitor_host){of->host_name, of->address};
		return true;
	}
	return false;
}

/* ---- heartbeats ---- */

static void send_heartbeat(monitor *m, const machine *of, const bridge_figures *usage, sot_wall now)
{
	cat_heartbeat document;
	sot_str xml;
	definition_figures shown = {&of->figures, of->interfaces, of->interface_count};
	figure_source source = of->kind == MACHINE_HOST ? FIGURE_HOST : FIGURE_INSTANCE;
	if (of->kind == MACHINE_BRIDGE) {
		source = FIGURE_BRIDGE;
		shown.figures = usage;
	}
	cat_heartbeat_begin(&document, m->xml, sizeof(m->xml));
	definitions_heartbeat(m->options.definitions, source, &shown, &document);
	m->counters.values_left_out += document.values_left_out;
	m->counters.ids_cleaned += document.ids_cleaned;
	if (cat_heartbeat_end(&document, &xml, NULL) != SOT_OK) {
		m->counters.dropped_too_large++;
		return;
	}
	cat_message heartbeat = {.kind = CAT_HEARTBEAT,
	    .at_unix_ms = now.unix_ms,
	    .type = SOT_STR("Heartbeat"),
	    .name = sot_str_c(of->key),
	    .status = CAT_SUCCESS,
	    .data = xml};
	cat_message root = {.kind = CAT_TRANSACTION,
	    .at_unix_ms = now.unix_ms,
	    .type = SOT_STR("System"),
	    .name = SOT_STR("Status"),
	    .status = CAT_SUCCESS,
	    .children = &heartbeat,
	    .child_count = 1};
	uint64_t before = m->counters.frames;
	monitor_emit(m, of, &root, now);
	m->counters.heartbeats += m->counters.frames - before;
	if (now.unix_ms / 1000 % 60 > MACHINE_LAST_SECOND)
		m->counters.heartbeats_late += m->counters.frames - before;
}

static void serve_machine(monitor *m, machine *of, const bridge_figures *usage, sot_wall now)
{
	if (!machine_serve_minute(of, now.unix_ms)) {
		m->counters.dropped_hour_limit++;
		return;
	}
	/* A stopped instance has no figures; its graphs fall to 0. */
	if (of->kind != MACHINE_INSTANCE || of->figures.instance.running)
		send_heartbeat(m, of, usage, now);
	if (of->calls)
		monitor_send_calls(m, of, of->kind == MACHINE_HOST ? SOT_STR("Docker") : SOT_STR("Health"),
		    of->calls, now);
	machine_clear_sums(of);
}

static bool is_ours(const monitor *m, const machine *of)
{
	if (of->kind == MACHINE_BRIDGE)
		return share_owns_address(&m->share);
	return share_owns(&m->share, sot_str_c(of->key));
}

/* What was not sent in a minute that is over is a loss, and counted. */
static void close_minute(monitor *m, int64_t minute, sot_wall now)
{
	if (minute == m->minute_blocked || m->share.count == 0)
		return;
	if (minute != m->minute) {
		m->counters.dropped_undecided += monitor_owned_count(m);
		return;
	}
	sot_map_iter it = {0};
	const machine *of;
	while ((of = machine_table_next(m->machines, &it)))
		m->counters.dropped_late +=
		    is_ours(m, of) && machine_missed_minute(of, minute, now.unix_ms);
}

/* All minutes since the last look, also those in which this process was held up. */
static void close_minutes(monitor *m, int64_t last, sot_wall now)
{
	if (m->minute_closed == 0 || last - m->minute_closed > 60)
		m->minute_closed = last - 1; /* the first look, or a clock that jumped */
	while (m->minute_closed < last)
		close_minute(m, ++m->minute_closed, now);
}

/* Nobody sends before it is decided who does. */
static bool minute_is_ours(monitor *m, sot_wall now)
{
	int64_t minute = now.unix_ms / 60000;
	int second = (int)(now.unix_ms / 1000 % 60);
	bool is_over = second > MACHINE_LATE_SECOND;
	close_minutes(m, is_over ? minute : minute - 1, now);
	if (is_over || second < MACHINE_FIRST_SECOND || minute == m->minute_blocked ||
	    !share_is_decided(&m->share, minute))
		return false;
	if (minute != m->minute) {
		m->minute = minute;
		m->hooks.minute(m->hooks.self, minute);
	}
	return true;
}

static void forget_silent(monitor *m, sot_wall now)
{
	if (now.unix_ms - m->forgot_unix_ms < FORGET_EVERY_MS && now.unix_ms >= m->forgot_unix_ms)
		return;
	m->forgot_unix_ms = now.unix_ms;
	(void)machine_table_forget(m->machines, now.unix_ms);
	cat_sequences_forget(m->sequences, cat_hour_of(now.unix_ms));
}

void monitor_tick(monitor *m, const bridge_figures *usage, sot_wall now)
{
	forget_silent(m, now);
	if (!minute_is_ours(m, now))
		return;
	m->bridge->has_figures = true;
	m->bridge->seen_unix_ms = now.unix_ms;
	sot_map_iter it = {0};
	machine *of;
	while ((of = machine_table_next(m->machines, &it))) {
		if (!machine_is_due(of, now.unix_ms))
			continue;
		if (is_ours(m, of)) {
			serve_machine(m, of, usage, now);
		} else {
			machine_skip_minute(of, now.unix_ms);
		}
	}
	if (share_leads(&m->share))
		monitor_send_gauges(m, now);
}

void monitor_boot(monitor *m, sot_wall now)
{
	cat_message reboot = {.kind = CAT_EVENT,
	    .at_unix_ms = now.unix_ms,
	    .type = SOT_STR("Reboot"),
	    .name = sot_str_c(m->bridge->key),
	    .status = CAT_SUCCESS};
	cat_message root = {.kind = CAT_TRANSACTION,
	    .at_unix_ms = now.unix_ms,
	    .type = SOT_STR("System"),
	    .name = SOT_STR("Reboot"),
	    .status = CAT_SUCCESS,
	    .children = &reboot,
	    .child_count = 1};
	monitor_emit(m, m->bridge, &root, now);
}

void monitor_send_test(monitor *m, sot_str name, sot_wall now)
{
	const cat_message test = {.kind = CAT_EVENT,
	    .at_unix_ms = now.unix_ms,
	    .type = SOT_STR("Sotalia.Test"),
	    .name = name,
	    .status = CAT_SUCCESS,
	    .data = SOT_STR("sent to see that it arrives")};
	monitor_emit(m, m->bridge, &test, now);
}
