#include "shell/report_intake.h"

#include "sot_failpoint.h"
#include "sot_log.h"
#include "sot_proto.h"

#include <stdlib.h>
#include <string.h>

#define ARENA_MAX (2u * 1024u * 1024u)

struct report_intake {
	monitor *monitor;
	reactor *loop;
	bus_subscriber *subscriber;
	sot_arena *arena;
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
	    .swap_free_bytes = m->swap_free_bytes,
	    .disk_total_bytes = m->disk_total_bytes,
	    .disk_free_bytes = m->disk_free_bytes,
	    .root_free_bytes = m->root_free_bytes,
	    .inode_used_permille = m->inode_used_permille,
	    .disk_read_bytes_per_s = m->disk_read_bytes_per_s,
	    .disk_write_bytes_per_s = m->disk_write_bytes_per_s,
	    .rx_bytes_per_s = m->rx_bytes_per_s,
	    .tx_bytes_per_s = m->tx_bytes_per_s,
	    .net_drops = m->net_drops,
	    .net_errors = m->net_errors,
	    .docker_ok = m->docker_ok,
	    .docker_ping_ms = m->docker_ping_ms,
	    .containers_running = m->containers_running,
	    .containers_total = m->containers_total};
	copy_name(f->name, sizeof(f->name), m->host_name);
}

static void instance_from_wire(const sot_instance_report *m, instance_figures *f)
{
	*f = (instance_figures){.instance_id = m->instance_id,
	    .address = sot_ip_v4(m->address),
	    .running = m->running,
	    .cpu_used_milli = m->cpu_used_milli,
	    .cpu_limit_milli = m->cpu_limit_milli,
	    .cpu_throttled_permille = m->cpu_throttled_permille,
	    .memory_rss_bytes = m->memory_rss_bytes,
	    .memory_cache_bytes = m->memory_cache_bytes,
	    .memory_limit_bytes = m->memory_limit_bytes,
	    .memory_failcnt = m->memory_failcnt,
	    .pids = m->pids,
	    .rx_bytes_per_s = m->rx_bytes_per_s,
	    .tx_bytes_per_s = m->tx_bytes_per_s,
	    .rx_dropped = m->rx_dropped,
	    .read_bytes_per_s = m->read_bytes_per_s,
	    .write_bytes_per_s = m->write_bytes_per_s,
	    .uptime_s = m->uptime_s,
	    .checks_ok = m->checks_ok,
	    .checks_failed = m->checks_failed,
	    .check_ms_sum = m->check_ms_sum};
	copy_name(f->name, sizeof(f->name), m->name);
	copy_name(f->app, sizeof(f->app), m->app);
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

static void take_host(void *self, const void *from, const sot_host_report *m)
{
	report_intake *in = self;
	host_figures figures;
	if (!is_own_host(in, from, m->host_id))
		return;
	host_from_wire(m, &figures);
	if (monitor_host_report(in->monitor, &figures, reactor_wall(in->loop)) && in->on_new_host)
		in->on_new_host(in->self);
}

static void take_instances(void *self, const void *from, const sot_instance_reports *m)
{
	report_intake *in = self;
	instance_figures figures;
	if (!is_own_host(in, from, m->host_id))
		return;
	for (size_t i = 0; i < m->instances_count; i++) {
		instance_from_wire(&m->instances[i], &figures);
		monitor_instance_report(in->monitor, &figures, reactor_wall(in->loop));
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
