#include "reports.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "figures.h"
#include "sot_log.h"
#include "sot_parse.h"
#include "uplink.h"
#include "wiring.h"

enum { PUBLISHERS_MAX = 8, PART_MAX = 200 };

typedef struct last {
	instance_figures figures;
	int64_t started_unix_ms; /* counters begin anew with each start */
	sot_uuid id;
} last;

struct reports {
	agent *a;
	bus_publisher *publishers[PUBLISHERS_MAX];
	size_t publisher_count;
	const char *key_file; /* while the publishers are made */
	sot_code setup_code;
	sot_err setup_err;
	reactor_watch *timer;
	sot_mono last_at;
	host_figures last_host;
	sot_map *last; /* instance id -> last */
	uint32_t address;
};

static uint64_t per_second(uint64_t now, uint64_t before, int64_t ms)
{
	return now > before && ms > 0 ? (now - before) * 1000 / (uint64_t)ms : 0;
}

static uint64_t grown(uint64_t now, uint64_t before)
{
	return now > before ? now - before : 0;
}

static uint32_t permille(uint64_t part, uint64_t whole)
{
	return whole > 0 ? (uint32_t)(part * 1000 / whole) : 0;
}

static void publish(reports *r, sot_code code, sot_buf *frame, const sot_err *err)
{
	if (code != SOT_OK) {
		sot_log_err(SOT_ERROR, "report.encode", err, "%s", "");
		return;
	}
	for (size_t i = 0; i < r->publisher_count; i++)
		bus_publish(r->publishers[i], SOT_STR("report"), sot_buf_str(frame));
}

static void fill_disks(const agent *a, sot_host_report *m)
{
	struct statvfs state = {0}, root = {0};
	(void)statvfs(a->config->state_dir, &state);
	(void)statvfs("/", &root);
	m->disk_total_bytes = (uint64_t)state.f_blocks * state.f_frsize;
	m->disk_free_bytes = (uint64_t)state.f_bavail * state.f_frsize;
	m->root_free_bytes = (uint64_t)root.f_bavail * root.f_frsize;
	m->inode_used_permille = permille(state.f_files - state.f_ffree, state.f_files);
}

static void report_host(reports *r, int64_t ms)
{
	agent *a = r->a;
	host_figures now;
	const host_figures *was = &r->last_host;
	sot_err err = {0};
	SOT_AUTO_BUF frame;
	sot_buf_init(&frame, SOT_WIRE_FRAME_MAX);
	figures_read_host(a->config->bridge_uplink, &now);
	uint64_t ticks = grown(now.cpu_total, was->cpu_total);
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	sot_host_report m = {.host_id = a->host_id,
	    .host_name = sot_str_c(a->config->host_name),
	    .address = sot_ip_from_v4(r->address),
	    .at_unix_ms = reactor_wall(a->loop).unix_ms,
	    .interval_ms = (uint32_t)ms,
	    .cpu_cores = (uint32_t)(cores > 0 ? cores : 1),
	    .cpu_user_permille = permille(grown(now.cpu_user, was->cpu_user), ticks),
	    .cpu_system_permille = permille(grown(now.cpu_system, was->cpu_system), ticks),
	    .cpu_iowait_permille = permille(grown(now.cpu_iowait, was->cpu_iowait), ticks),
	    .cpu_steal_permille = permille(grown(now.cpu_steal, was->cpu_steal), ticks),
	    .load1_milli = now.load_milli[0],
	    .load5_milli = now.load_milli[1],
	    .load15_milli = now.load_milli[2],
	    .procs_running = (uint32_t)now.procs_running,
	    .memory_total_bytes = now.memory_total,
	    .memory_available_bytes = now.memory_available,
	    .memory_cached_bytes = now.memory_cached,
	    .swap_free_bytes = now.swap_free,
	    .disk_read_bytes_per_s = per_second(now.disk_read, was->disk_read, ms),
	    .disk_write_bytes_per_s = per_second(now.disk_write, was->disk_write, ms),
	    .rx_bytes_per_s = per_second(now.rx, was->rx, ms),
	    .tx_bytes_per_s = per_second(now.tx, was->tx, ms),
	    .net_drops = grown(now.drops, was->drops),
	    .net_errors = grown(now.errors, was->errors),
	    .docker_ok = a->docker_ok,
	    .docker_ping_ms = a->docker_ping_ms,
	    .containers_running = a->containers_running,
	    .containers_total = a->containers_total,
	    .network_drops = wiring_take_drops(a->wiring)};
	fill_disks(a, &m);
	r->last_host = now;
	sot_code code = sot_host_report_encode(&m, &frame, &err);
	publish(r, code, &frame, &err);
}

static last *last_of(reports *r, sot_uuid id, int64_t started_unix_ms)
{
	last *l = sot_map_get_uuid(r->last, id);
	if (!l) {
		l = sot_alloc(sizeof(*l));
		l->id = id;
		(void)sot_map_set_uuid(r->last, id, l);
	}
	if (l->started_unix_ms != started_unix_ms) {
		l->figures = (instance_figures){0};
		l->started_unix_ms = started_unix_ms;
	}
	return l;
}

static void fill_rates(
    sot_instance_report *m, const instance_figures *now, const instance_figures *was, int64_t ms)
{
	/* A millionth of a core-second is a thousandth of a core in a millisecond. */
	m->cpu_used_milli =
	    ms > 0 ? (uint32_t)(grown(now->cpu_ns, was->cpu_ns) / 1000 / (uint64_t)ms) : 0;
	m->cpu_throttled_permille =
	    permille(grown(now->throttled, was->throttled), grown(now->periods, was->periods));
	m->memory_rss_bytes = now->memory_rss;
	m->memory_cache_bytes = now->memory_cache;
	m->memory_failcnt = now->memory_failcnt;
	m->pids = (uint32_t)now->pids;
	m->rx_bytes_per_s = per_second(now->rx, was->rx, ms);
	m->tx_bytes_per_s = per_second(now->tx, was->tx, ms);
	m->rx_dropped = grown(now->rx_dropped, was->rx_dropped);
	m->read_bytes_per_s = per_second(now->read, was->read, ms);
	m->write_bytes_per_s = per_second(now->write, was->write, ms);
}

static void fill_instance(reports *r, instance *i, int64_t ms, sot_instance_report *m)
{
	const sot_instance_spec *spec = &instance_want(i)->spec;
	const container_facts *container = instance_container(i);
	health *h = instance_health(i);
	*m = (sot_instance_report){.instance_id = spec->instance_id,
	    .name = spec->name,
	    .app = spec->app,
	    .address = spec->address,
	    .running = container && container->running,
	    .health = instance_health_state(i),
	    .cpu_limit_milli = spec->cpu_milli,
	    .memory_limit_bytes = spec->memory_bytes,
	    .checks_ok = h->checks_ok,
	    .checks_failed = h->checks_failed,
	    .check_ms_sum = h->check_ms_sum};
	h->checks_ok = h->checks_failed = h->check_ms_sum = 0;
	if (!m->running)
		return;
	instance_figures now;
	last *was = last_of(r, spec->instance_id, container->started_unix_ms);
	figures_read_instance(&figures_kernel_roots, container->pid, &now);
	fill_rates(m, &now, &was->figures, ms);
	was->figures = now;
	int64_t up_ms = reactor_wall(r->a->loop).unix_ms - container->started_unix_ms;
	m->uptime_s = up_ms > 0 ? (uint64_t)up_ms / 1000 : 0;
}

static void report_part(reports *r, int64_t ms, sot_instance_report *list, size_t count)
{
	sot_err err = {0};
	SOT_AUTO_BUF frame;
	sot_buf_init(&frame, SOT_WIRE_FRAME_MAX);
	sot_instance_reports m = {.host_id = r->a->host_id,
	    .at_unix_ms = reactor_wall(r->a->loop).unix_ms,
	    .interval_ms = (uint32_t)ms,
	    .instances = list,
	    .instances_count = count};
	sot_code code = sot_instance_reports_encode(&m, &frame, &err);
	publish(r, code, &frame, &err);
}

/* What is remembered of instances that are no longer here goes. */
static void forget_gone(reports *r)
{
	sot_map_iter it = {0};
	for (last *l; (l = sot_map_next(r->last, &it, NULL)) != NULL;)
		if (!reconcile_find(r->a->reconcile, l->id))
			free(sot_map_remove_uuid(r->last, l->id));
}

static void report(void *self, uint64_t missed)
{
	reports *r = self;
	sot_map_iter it = {0};
	size_t count = 0;
	sot_mono now = reactor_now(r->a->loop);
	int64_t ms = sot_mono_diff_ms(now, r->last_at);
	sot_instance_report *list = sot_alloc_array(PART_MAX, sizeof(*list));
	(void)missed;
	r->last_at = now;
	report_host(r, ms);
	for (instance *i; (i = reconcile_iterate(r->a->reconcile, &it)) != NULL;) {
		fill_instance(r, i, ms, &list[count++]);
		if (count == PART_MAX) {
			report_part(r, ms, list, count);
			count = 0;
		}
	}
	if (count > 0)
		report_part(r, ms, list, count);
	free(list);
	forget_gone(r);
}

static void add_publisher(void *self, const char *endpoint)
{
	reports *r = self;
	char path[PLAN_PATH_MAX], key[BUS_KEY_TEXT];
	if (r->setup_code != SOT_OK || r->publisher_count == PUBLISHERS_MAX)
		return;
	(void)snprintf(path, sizeof(path), "%s/%s", r->a->config->keys_dir, r->key_file);
	r->setup_code = bus_public_key_load(path, key, &r->setup_err);
	if (r->setup_code == SOT_OK)
		r->setup_code = bus_publisher_new(r->a->bus, "reports", endpoint, false, key,
		    &r->publishers[r->publisher_count], &r->setup_err);
	if (r->setup_code == SOT_OK)
		r->publisher_count++;
}

sot_code reports_new(agent *a, reports **ret, sot_err *err)
{
	reports *r = sot_alloc(sizeof(*r));
	r->a = a;
	r->last = sot_map_new();
	r->setup_code =
	    sot_parse_ipv4(sot_str_c(a->config->management_address), &r->address, &r->setup_err);
	r->key_file = "scheduler.pub";
	uplink_each_endpoint(a->config->scheduler_reports_endpoints, add_publisher, r);
	r->key_file = "monitor-bridge.pub";
	uplink_each_endpoint(a->config->bridge_reports_endpoints, add_publisher, r);
	if (r->setup_code != SOT_OK) {
		sot_code code = r->setup_code;
		if (err)
			*err = r->setup_err;
		reports_free(r);
		return code;
	}
	r->last_at = reactor_now(a->loop);
	figures_read_host(a->config->bridge_uplink, &r->last_host);
	r->timer = reactor_every_ms(a->loop, a->config->report_interval_ms, report, r);
	*ret = r;
	return SOT_OK;
}

reports *reports_free(reports *r)
{
	sot_map_iter it = {0};
	if (!r)
		return NULL;
	reactor_remove(r->timer);
	for (size_t i = 0; i < r->publisher_count; i++)
		r->publishers[i] = bus_publisher_free(r->publishers[i]);
	for (last *l; (l = sot_map_next(r->last, &it, NULL)) != NULL;)
		free(l);
	r->last = sot_map_free(r->last);
	free(r);
	return NULL;
}
