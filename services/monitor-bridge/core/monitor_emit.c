/* One tree or metric on its way: id, period, encoding, counters. */
#include "cat_period.h"
#include "monitor_internal.h"

#include <stdio.h>
#include <string.h>

/* No name of an app has a dot, so none of these is one of ours. */
static const char *domain_of_app(monitor *m, const char *app)
{
	static const char *const ours[] = {"controller", "agent", "instance"};
	const char *suffix = "";
	if (!m->options.domain_per_app || !app[0])
		return m->domain_instance;
	for (size_t i = 0; i < sizeof(ours) / sizeof(*ours); i++) {
		if (strcmp(app, ours[i]) == 0)
			suffix = ".app";
	}
	(void)snprintf(
	    m->domain_app, sizeof(m->domain_app), "%s-%s%s", m->options.domain_prefix, app, suffix);
	return m->domain_app;
}

const char *monitor_domain_of(monitor *m, const machine *of)
{
	switch (of->kind) {
	case MACHINE_HOST:
		return m->domain_agent;
	case MACHINE_INSTANCE:
		return domain_of_app(m, of->app);
	case MACHINE_BRIDGE:
		break;
	}
	return m->domain_controller;
}

/* A small number for each of our domains: ids are counted by domain and address. */
static uint32_t domain_number(const monitor *m, const char *domain)
{
	if (domain == m->domain_agent)
		return MACHINE_HOST;
	return domain == m->domain_controller ? MACHINE_BRIDGE : MACHINE_INSTANCE;
}

bool monitor_next_id(
    monitor *m, const char *domain, const machine *of, int64_t at_unix_ms, monitor_id *ret)
{
	int64_t hour = cat_hour_of(at_unix_ms);
	uint32_t sequence;
	bool grew;
	cat_sequence *s = cat_sequences_get(m->sequences, domain_number(m, domain), of->address);
	if (!s || cat_id_next(&m->reservation, s, hour, &sequence, &grew, NULL) != SOT_OK) {
		m->counters.dropped_ids++;
		return false;
	}
	if (grew)
		m->hooks.reserve(m->hooks.self, hour, sequence + CAT_ID_HEADROOM);
	ret->n = cat_id_format(sot_str_c(domain), of->address, m->share.own, hour, sequence, ret->s).n;
	return true;
}

static cat_header header_of(monitor *m, const machine *of)
{
	return (cat_header){.domain = sot_str_c(monitor_domain_of(m, of)),
	    .host_name = sot_str_c(of->host_name[0] ? of->host_name : of->key),
	    .address = sot_str_c(of->key),
	    .thread_group = SOT_STR("sotalia"),
	    .thread_id = SOT_STR("1"),
	    .thread_name = SOT_STR("monitor-bridge")};
}

static bool is_welcome(monitor *m, int64_t at_unix_ms, sot_wall now)
{
	if (cat_period_is_open(at_unix_ms, now.unix_ms))
		return true;
	m->counters.dropped_closed_hour++;
	return false;
}

static void hand_over(monitor *m, size_t size, int64_t at_unix_ms)
{
	m->counters.frames++;
	m->hooks.frame(m->hooks.self, (sot_str){m->frame, size}, cat_period_end_unix_ms(at_unix_ms));
}

sot_code monitor_try_emit(monitor *m, const machine *of, const cat_message *root,
    const monitor_links *links, sot_wall now)
{
	monitor_id id;
	size_t size;
	cat_header header = header_of(m, of);
	header.message_id = links->id;
	header.parent_id = links->parent;
	header.root_id = links->root;
	if (!is_welcome(m, root->at_unix_ms, now))
		return SOT_OK;
	if (links->id.n == 0) {
		if (!monitor_next_id(m, monitor_domain_of(m, of), of, root->at_unix_ms, &id))
			return SOT_OK;
		header.message_id = (sot_str){id.s, id.n};
	}
	sot_code code = cat_encode(m->options.codec, &header, root, m->frame, sizeof(m->frame), &size,
	    &m->counters.repairs, NULL);
	if (code != SOT_OK)
		return code;
	m->counters.names_folded += name_watch_note(
	    m->names, cat_hour_of(root->at_unix_ms), header.address, root->type, root->name);
	hand_over(m, size, root->at_unix_ms);
	return SOT_OK;
}

void monitor_emit(monitor *m, const machine *of, const cat_message *root, sot_wall now)
{
	const monitor_links none = {.id = {NULL, 0}};
	if (monitor_try_emit(m, of, root, &none, now) != SOT_OK)
		m->counters.dropped_too_large++;
}

static void emit_bag(monitor *m, const cat_bag_metric *metric, sot_wall now)
{
	size_t size;
	const cat_header header = header_of(m, m->bridge);
	if (!is_welcome(m, metric->at_unix_ms, now))
		return;
	if (cat_bag_encode(&header, metric, 1, m->frame, sizeof(m->frame), &size, &m->counters.repairs,
	        NULL) != SOT_OK) {
		m->counters.dropped_too_large++;
		return;
	}
	hand_over(m, size, metric->at_unix_ms);
}

/* Two decimals, no locale; what is not finite never comes here (definitions read integers). */
static sot_str format_value(double value, bool is_count, char dst[static 40])
{
	cat_writer w = cat_writer_on(dst, 40);
	double limited = value < 0 ? 0 : value > 1e15 ? 1e15 : value;
	uint64_t hundredths = (uint64_t)(limited * 100 + 0.5);
	cat_put_u64(&w, hundredths / 100, 1);
	if (!is_count) {
		cat_put_char(&w, '.');
		cat_put_u64(&w, hundredths % 100, 2);
	}
	return (sot_str){dst, w.n};
}

void monitor_emit_metric(
    monitor *m, sot_str name, bool is_count, double value, int64_t at_unix_ms, sot_wall now)
{
	char text[40];
	m->counters.metrics++;
	if (m->bags) {
		const cat_bag_metric metric = {.at_unix_ms = at_unix_ms,
		    .name = name,
		    .is_count = is_count,
		    .count = is_count ? (uint64_t)value : 1,
		    .sum = value};
		emit_bag(m, &metric, now);
		return;
	}
	const cat_message metric = {.kind = CAT_METRIC,
	    .at_unix_ms = at_unix_ms,
	    .name = name,
	    .status = is_count ? SOT_STR("C") : SOT_STR("T"),
	    .data = format_value(value, is_count, text)};
	monitor_emit(m, m->bridge, &metric, now);
}
