#include "monitor.h"

#include "cat_period.h"
#include "monitor_internal.h"
#include "sot_parse.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OPERATIONS_MAX 256
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
	m->operations = operation_book_new(OPERATIONS_MAX);
	m->sequences = cat_sequences_new(2 * (options->machines_max + 1));
	m->bridge = bridge_machine(m);
	return m;
}

monitor *monitor_free(monitor *m)
{
	if (!m)
		return NULL;
	machine_table_free(m->machines);
	operation_book_free(m->operations);
	cat_sequences_free(m->sequences);
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

/* ---- one tree ---- */

static const char *domain_of(const monitor *m, const machine *of)
{
	switch (of->kind) {
	case MACHINE_HOST:
		return m->domain_agent;
	case MACHINE_INSTANCE:
		return m->domain_instance;
	case MACHINE_BRIDGE:
		break;
	}
	return m->domain_controller;
}

static bool next_id(
    monitor *m, const machine *of, int64_t at_unix_ms, char dst[static CAT_ID_MAX], sot_str *ret)
{
	int64_t hour = cat_hour_of(at_unix_ms);
	uint32_t sequence;
	bool grew;
	cat_sequence *s = cat_sequences_get(m->sequences, (uint32_t)of->kind, of->address);
	if (!s || cat_id_next(&m->reservation, s, hour, &sequence, &grew, NULL) != SOT_OK) {
		m->counters.dropped_ids++;
		return false;
	}
	if (grew)
		m->hooks.reserve(m->hooks.self, hour, sequence + CAT_ID_HEADROOM);
	sot_str domain = sot_str_c(domain_of(m, of));
	*ret = cat_id_format(domain, of->address, m->options.copy, hour, sequence, dst);
	return true;
}

void monitor_emit(monitor *m, machine *of, const cat_message *root, sot_wall now)
{
	char id[CAT_ID_MAX];
	cat_header header = {.domain = sot_str_c(domain_of(m, of)),
	    .host_name = sot_str_c(of->host_name[0] ? of->host_name : of->key),
	    .address = sot_str_c(of->key),
	    .thread_group = SOT_STR("sotalia"),
	    .thread_id = SOT_STR("1"),
	    .thread_name = SOT_STR("monitor-bridge")};
	if (!cat_period_is_open(root->at_unix_ms, now.unix_ms)) {
		m->counters.dropped_closed_hour++;
		return;
	}
	if (!next_id(m, of, root->at_unix_ms, id, &header.message_id))
		return;
	size_t size;
	if (cat_encode(m->options.codec, &header, root, m->frame, sizeof(m->frame), &size,
	        &m->counters.repairs, NULL) != SOT_OK) {
		m->counters.dropped_too_large++;
		return;
	}
	m->counters.frames++;
	m->hooks.frame(
	    m->hooks.self, (sot_str){m->frame, size}, cat_period_end_unix_ms(root->at_unix_ms));
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

void monitor_instance_report(monitor *m, const instance_figures *f, sot_wall now)
{
	m->counters.instance_reports++;
	machine *instance = monitor_instance_machine(m, f->name, f->address);
	if (instance)
		machine_take_instance(instance, f, now.unix_ms);
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

static void send_heartbeat(monitor *m, machine *of, const bridge_figures *usage, sot_wall now)
{
	cat_heartbeat document;
	sot_str xml;
	cat_heartbeat_begin(&document, m->xml, sizeof(m->xml));
	if (of->kind == MACHINE_HOST) {
		figures_xml_host(&document, &of->figures.host);
	} else if (of->kind == MACHINE_INSTANCE) {
		figures_xml_instance(&document, &of->figures.instance);
	} else {
		figures_xml_bridge(&document, usage);
	}
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
	monitor_emit(m, of, &root, now);
	m->counters.heartbeats++;
}

/* All checks of the minute in one transaction: "@count;fail;sum of ms;ms,count". */
static void send_health(monitor *m, machine *of, sot_wall now)
{
	const instance_figures *f = &of->figures.instance;
	uint64_t count = f->checks_ok + f->checks_failed;
	char data[96];
	if (count == 0)
		return;
	int n =
	    snprintf(data, sizeof(data), "@%" PRIu64 ";%" PRIu64 ";%" PRIu64 ";%" PRIu64 ",%" PRIu64,
	        count, f->checks_failed, f->check_ms_sum, f->check_ms_sum / count, count);
	cat_message root = {.kind = CAT_TRANSACTION,
	    .at_unix_ms = now.unix_ms,
	    .type = SOT_STR("Health"),
	    .name = sot_str_c(f->app),
	    .status = CAT_SUCCESS,
	    .data = {data, (size_t)n},
	    .data_is_aggregate = true};
	monitor_emit(m, of, &root, now);
}

static void serve_machine(monitor *m, machine *of, const bridge_figures *usage, sot_wall now)
{
	if (!machine_is_due(of, now.unix_ms))
		return;
	if (!machine_serve_minute(of, now.unix_ms)) {
		m->counters.dropped_hour_limit++;
		return;
	}
	/* A stopped instance has no figures; its graphs fall to 0. */
	if (of->kind != MACHINE_INSTANCE || of->figures.instance.running)
		send_heartbeat(m, of, usage, now);
	if (of->kind == MACHINE_INSTANCE)
		send_health(m, of, now);
	machine_clear_sums(of);
}

static bool minute_is_ours(monitor *m, sot_wall now)
{
	int64_t minute = now.unix_ms / 60000;
	int second = (int)(now.unix_ms / 1000 % 60);
	if (second < MACHINE_FIRST_SECOND || second > MACHINE_LAST_SECOND ||
	    minute == m->minute_blocked)
		return false;
	if (minute != m->minute) {
		m->minute = minute;
		m->hooks.minute(m->hooks.self, minute);
	}
	return true;
}

void monitor_tick(monitor *m, const bridge_figures *usage, sot_wall now)
{
	if (now.unix_ms - m->forgot_unix_ms >= FORGET_EVERY_MS || now.unix_ms < m->forgot_unix_ms) {
		m->forgot_unix_ms = now.unix_ms;
		(void)machine_table_forget(m->machines, now.unix_ms);
		cat_sequences_forget(m->sequences, cat_hour_of(now.unix_ms));
	}
	if (!minute_is_ours(m, now))
		return;
	m->bridge->has_figures = true;
	m->bridge->seen_unix_ms = now.unix_ms;
	sot_map_iter it = {0};
	machine *of;
	while ((of = machine_table_next(m->machines, &it)))
		serve_machine(m, of, usage, now);
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
