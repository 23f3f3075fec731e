#include "shell/report_intake.h"

#include "shell/platform_clock.h"
#include "sot_failpoint.h"
#include "sot_log.h"
#include "sot_map.h"
#include "sot_proto.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ARENA_MAX (2u * 1024u * 1024u)
#define NAMES_MAX 10000
#define CALL_KINDS_MAX 32

struct report_intake {
	monitor *monitor;
	reactor *loop;
	bus_subscriber *subscriber;
	sot_arena *arena;
	sot_calls *calls; /* of the report that is being taken */
	sot_map *names;   /* host id to its name, owned */
	void (*on_new_host)(void *self);
	void *self;
	report_intake_stats stats;
};

/* The schema bounds the text to the size of the field. */
static void copy_name(char *dst, size_t size, sot_str s)
{
	if (sot_str_copy(s, dst, size, NULL) != SOT_OK)
		dst[0] = '\0';
}

static void host_from_wire(const sot_host_report *m, host_figures *f)
{
	*f = (host_figures){.host_id = m->host_id,
	    .address = sot_ip_v4(m->address),
	    .interval_ms = m->interval_ms,
	    .cpu_cores = m->cpu_cores,
	    .cpu_user_permille = m->cpu_user_permille,
	    .cpu_system_permille = m->cpu_system_permille,
	    .cpu_iowait_permille = m->cpu_iowait_permille,
	    .cpu_steal_permille = m->cpu_steal_permille,
	    .load1_milli = m->load1_milli,
	    .load5_milli = m->load5_milli,
	    .load15_milli = m->load15_milli,
	    .procs_running = m->procs_running,
	    .memory_total_bytes = m->memory_total_bytes,
	    .memory_available_bytes = m->memory_available_bytes,
	    .memory_cached_bytes = m->memory_cached_bytes,
	    .memory_buffers_bytes = m->memory_buffers_bytes,
	    .memory_shared_bytes = m->memory_shared_bytes,
	    .swap_total_bytes = m->swap_total_bytes,
	    .swap_free_bytes = m->swap_free_bytes,
	    .disk_total_bytes = m->disk_total_bytes,
	    .disk_free_bytes = m->disk_free_bytes,
	    .root_free_bytes = m->root_free_bytes,
	    .inode_used_permille = m->inode_used_permille,
	    .disk_read_bytes_per_s = m->disk_read_bytes_per_s,
	    .disk_write_bytes_per_s = m->disk_write_bytes_per_s,
	    .disk_busy_permille = m->disk_busy_permille,
	    .rx_bytes_per_s = m->rx_bytes_per_s,
	    .tx_bytes_per_s = m->tx_bytes_per_s,
	    .net_drops = m->net_drops,
	    .net_errors = m->net_errors,
	    .forged_drops = m->network_drops,
	    .docker_ok = m->docker_ok,
	    .docker_ping_ms = m->docker_ping_ms,
	    .containers_running = m->containers_running,
	    .containers_total = m->containers_total,
	    .clock_offset_us = m->clock_offset_us,
	    .clock_synchronised = m->clock_synchronised,
	    .view_up = m->view_up};
	copy_name(f->name, sizeof(f->name), m->host_name);
}

static void instance_from_wire(const sot_instance_report *m, instance_figures *f)
{
	*f = (instance_figures){.instance_id = m->instance_id,
	    .address = sot_ip_v4(m->address),
	    .running = m->running,
	    .healthy = m->running && m->health != SOT_HEALTH_UNHEALTHY,
	    .frozen = m->frozen,
	    .own_view = m->own_view,
	    .cpu_used_milli = m->cpu_used_milli,
	    .cpu_limit_milli = m->cpu_limit_milli,
	    .cpu_throttled_permille = m->cpu_throttled_permille,
	    .memory_rss_bytes = m->memory_rss_bytes,
	    .memory_cache_bytes = m->memory_cache_bytes,
	    .memory_working_set_bytes = m->memory_working_set_bytes,
	    .memory_limit_bytes = m->memory_limit_bytes,
	    .memory_failcnt = m->memory_failcnt,
	    .oom_kills = m->oom_kills,
	    .memory_shared_bytes = m->memory_shared_bytes,
	    .memory_swap_bytes = m->memory_swap_bytes,
	    .net_errors = m->net_errors,
	    .net_collisions = m->net_collisions,
	    .lo_bytes_per_s = m->lo_bytes_per_s,
	    .tcp_established = m->tcp_established,
	    .pids = m->pids,
	    .pids_max = m->pids_max,
	    .disk_used_bytes = m->disk_used_bytes,
	    .disk_limit_bytes = m->disk_limit_bytes,
	    .rx_bytes_per_s = m->rx_bytes_per_s,
	    .tx_bytes_per_s = m->tx_bytes_per_s,
	    .rx_dropped = m->rx_dropped,
	    .read_bytes_per_s = m->read_bytes_per_s,
	    .write_bytes_per_s = m->write_bytes_per_s,
	    .uptime_s = m->uptime_s,
	    .load1_milli = m->load1_milli,
	    .procs_running = m->procs_running,
	    .inodes_free_permille = m->inodes_free_permille,
	    .users = m->users,
	    .checks_ok = m->checks_ok,
	    .checks_failed = m->checks_failed,
	    .check_ms_sum = m->check_ms_sum};
	copy_name(f->name, sizeof(f->name), m->name);
	copy_name(f->app, sizeof(f->app), m->app);
}

/* ---- calls ---- */

static void add_durations(sot_call_counts *to, const sot_duration_count *list, size_t count)
{
	for (size_t i = 0; i < count; i++)
		sot_call_counts_add(to, list[i].ms, list[i].count);
}

static void add_failures(sot_calls *to, const sot_failed_call *list, size_t count)
{
	char status[SOT_CALL_STATUS_MAX + 1];
	for (size_t i = 0; i < count; i++) {
		copy_name(status, sizeof(status), list[i].status);
		sot_calls_note_failure(to, list[i].name,
		    list[i].us < INT64_MAX ? (int64_t)list[i].us : INT64_MAX, status,
		    (sot_wall){list[i].at_unix_ms});
	}
}

static void take_docker_calls(report_intake *in, const sot_host_report *m)
{
	sot_calls_clear(in->calls);
	for (size_t i = 0; i < m->docker_calls_count; i++) {
		const sot_call_report *of = &m->docker_calls[i];
		sot_call_counts *to = sot_calls_of(in->calls, of->name);
		add_durations(to, of->durations, of->durations_count);
		to->failed += of->failed;
		to->us_sum += of->us_sum;
	}
	add_failures(in->calls, m->docker_failures, m->docker_failures_count);
	monitor_host_calls(in->monitor, sot_ip_v4(m->address), in->calls);
}

/* The sums of an instance's report are of all its checks: those that are told one by one are taken
 * off again. */
static void take_checks(report_intake *in, const sot_instance_report *m, const char *name)
{
	uint64_t told_us = 0, all_us = (uint64_t)m->check_ms_sum * 1000;
	if (m->check_durations_count == 0 && m->check_failures_count == 0)
		return;
	sot_calls_clear(in->calls);
	for (size_t i = 0; i < m->check_failures_count; i++)
		told_us += m->check_failures[i].us;
	if (m->check_durations_count > 0) {
		sot_call_counts *to = sot_calls_of(in->calls, m->app);
		add_durations(to, m->check_durations, m->check_durations_count);
		to->failed += m->checks_failed > m->check_failures_count
		                  ? m->checks_failed - m->check_failures_count
		                  : 0;
		to->us_sum += all_us > told_us ? all_us - told_us : 0;
	}
	add_failures(in->calls, m->check_failures, m->check_failures_count);
	monitor_checks(in->monitor, name, sot_ip_v4(m->address), in->calls);
}

static void take_interfaces(report_intake *in, const sot_host_report *m)
{
	interface_figures list[FIGURES_INTERFACES_MAX];
	size_t count = 0;
	for (size_t i = 0; i < m->interfaces_count && count < FIGURES_INTERFACES_MAX; i++) {
		const sot_interface_report *from = &m->interfaces[i];
		interface_figures *to = &list[count++];
		*to = (interface_figures){.rx_bytes_per_s = from->rx_bytes_per_s,
		    .tx_bytes_per_s = from->tx_bytes_per_s,
		    .drops = from->drops,
		    .errors = from->errors};
		copy_name(to->name, sizeof(to->name), from->name);
	}
	monitor_host_interfaces(in->monitor, sot_ip_v4(m->address), list, count);
}

/* The publisher's key names its host: nobody reports for another. */
static bool is_own_host(report_intake *in, const char *identity, sot_uuid host_id)
{
	static const char prefix[] = "host:";
	char expected[sizeof(prefix) + SOT_UUID_TEXT];
	memcpy(expected, prefix, sizeof(prefix));
	(void)sot_uuid_format(host_id, expected + sizeof(prefix) - 1);
	if (strcmp(identity, expected) == 0)
		return true;
	in->stats.refused++;
	sot_log(SOT_WARN, "reports.wrong_host", "identity=%s claims=%s", identity, expected);
	return false;
}

/* Reports of instances come without the host's name. Hosts are few, and never many at once: a name
 * is forgotten with the process. */
static void name_host(report_intake *in, sot_uuid host_id, const char *name)
{
	char *known = sot_map_get_uuid(in->names, host_id);
	if (known && strcmp(known, name) == 0)
		return;
	if (!known && sot_map_count(in->names) >= NAMES_MAX)
		return;
	free(sot_map_set_uuid(in->names, host_id, sot_strdup(name)));
}

static void take_host(void *self, const void *from, const sot_host_report *m)
{
	report_intake *in = self;
	host_figures figures;
	if (!is_own_host(in, from, m->host_id))
		return;
	host_from_wire(m, &figures);
	name_host(in, m->host_id, figures.name);
	if (monitor_host_report(in->monitor, &figures, platform_wall(in->loop)) && in->on_new_host)
		in->on_new_host(in->self);
	take_interfaces(in, m);
	take_docker_calls(in, m);
}

static void take_instances(void *self, const void *from, const sot_instance_reports *m)
{
	report_intake *in = self;
	instance_figures figures;
	if (!is_own_host(in, from, m->host_id))
		return;
	const char *known = sot_map_get_uuid(in->names, m->host_id), *host = known ? known : "";
	for (size_t i = 0; i < m->instances_count; i++) {
		instance_from_wire(&m->instances[i], &figures);
		(void)snprintf(figures.host, sizeof(figures.host), "%s", host);
		monitor_instance_report(in->monitor, &figures, platform_wall(in->loop));
		take_checks(in, &m->instances[i], figures.name);
	}
}

static void on_message(void *self, const char *identity, sot_str topic, sot_str frame, uint64_t gap)
{
	static const sot_monitor_feed feed = {take_host, take_instances};
	report_intake *in = self;
	sot_err err;
	(void)topic;
	SOT_FAILPOINT_HIT("bridge.reports.received");
	in->stats.received++;
	in->stats.missed += gap;
	sot_arena_reset(in->arena);
	if (sot_monitor_dispatch_feed(&feed, in, identity, frame, in->arena, &err) == SOT_OK)
		return;
	in->stats.refused++;
	sot_log_err(SOT_WARN, "reports.refused", &err, "identity=%s bytes=%zu", identity, frame.n);
}

sot_code report_intake_new(bus *b, const char *endpoint, monitor *m, reactor *r,
    void (*on_new_host)(void *self), void *self, report_intake **ret, sot_err *err)
{
	SOT_AUTO(report_intake) in = sot_alloc(sizeof(*in));
	in->monitor = m;
	in->loop = r;
	in->on_new_host = on_new_host;
	in->self = self;
	in->arena = sot_arena_new(ARENA_MAX);
	in->names = sot_map_new();
	in->calls = sot_calls_new(CALL_KINDS_MAX);
	sot_code code = bus_subscriber_new(b, "reports", endpoint, true, NULL, SOT_STR("report"),
	    on_message, in, &in->subscriber, err);
	if (code == SOT_OK)
		*ret = SOT_TAKE(in);
	return code;
}

report_intake *report_intake_free(report_intake *in)
{
	if (!in)
		return NULL;
	bus_subscriber_free(in->subscriber);
	sot_arena_free(in->arena);
	sot_map_iter it = {0};
	char *name;
	while ((name = sot_map_next(in->names, &it, NULL)))
		free(name);
	sot_map_free(in->names);
	sot_calls_free(in->calls);
	free(in);
	return NULL;
}

const char *report_intake_endpoint(const report_intake *in)
{
	return bus_subscriber_endpoint(in->subscriber);
}

report_intake_stats report_intake_get_stats(const report_intake *in)
{
	return in->stats;
}
