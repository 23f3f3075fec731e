#include "reports.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include "disks.h"
#include "docker.h"
#include "figures.h"
#include "footprint.h"
#include "looks.h"
#include "report_calls.h"
#include "sot_log.h"
#include "sot_metrics.h"
#include "sot_parse.h"
#include "ssh_logins.h"
#include "uplink.h"
#include "views.h"
#include "wiring.h"

enum {
	PUBLISHERS_MAX = 8,
	PART_MAX = 200,
	PARTS_KEPT = 8,
	FRAME_KEPT_MAX = 262144,
	ARENA_MAX = 1048576,
	FORGET_AFTER = 6,
	FORGET_EVERY = 360 /* rounds: a minute after a start, then each hour */
};

struct reports {
	agent *a;
	bus_publisher *publishers[PUBLISHERS_MAX];
	size_t publisher_count;
	const char *key_file; /* while the publishers are made */
	sot_code setup_code;
	sot_err setup_err;
	reactor_watch *timer;
	sot_mono last_at;
	uint64_t rounds;
	host_figures last_host;
	interface_figures last_interfaces[FIGURES_INTERFACES_MAX];
	size_t last_interface_count;
	sot_arena *arena; /* lists of the report that is being made */
	looks *looks;
	sot_buf last_host_frame, last_frames[PARTS_KEPT]; /* as they were published last */
	size_t part;                                      /* of the report being made */
	uint32_t address;
	sot_metric *count, *cpu_us, *at_rest;
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

static void keep(sot_buf *kept, const sot_buf *frame)
{
	sot_buf_reset(kept);
	sot_buf_add_str(kept, sot_buf_str(frame));
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

static const interface_figures *before(const reports *r, const char *name)
{
	for (size_t i = 0; i < r->last_interface_count; i++) {
		if (strcmp(r->last_interfaces[i].name, name) == 0)
			return &r->last_interfaces[i];
	}
	return NULL;
}

/* A link that is new has no rate yet. */
static void fill_interfaces(
    reports *r, sot_str net_dev, int64_t ms, interface_figures *now, sot_host_report *m)
{
	size_t count = figures_interfaces(net_dev, now);
	m->interfaces = sot_arena_alloc(r->arena, sizeof(*m->interfaces) * FIGURES_INTERFACES_MAX);
	for (size_t i = 0; m->interfaces && i < count; i++) {
		const interface_figures *was = before(r, now[i].name);
		sot_interface_report *to = &m->interfaces[m->interfaces_count++];
		*to = (sot_interface_report){.name = sot_str_c(now[i].name)};
		if (!was)
			continue;
		to->rx_bytes_per_s = per_second(now[i].rx, was->rx, ms);
		to->tx_bytes_per_s = per_second(now[i].tx, was->tx, ms);
		to->drops = grown(now[i].drops, was->drops);
		to->errors = grown(now[i].errors, was->errors);
	}
	r->last_interface_count = count;
}

static void report_host(reports *r, sot_str net_dev, int64_t ms)
{
	agent *a = r->a;
	host_figures now;
	interface_figures interfaces[FIGURES_INTERFACES_MAX];
	const host_figures *was = &r->last_host;
	const char *ignored;
	sot_err err = {0};
	SOT_AUTO_BUF frame;
	sot_buf_init(&frame, SOT_WIRE_FRAME_MAX);
	figures_read_host(a->config->bridge_uplink, net_dev, &now);
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
	    .network_drops = wiring_take_drops(a->wiring),
	    .swap_total_bytes = now.swap_total,
	    .clock_offset_us = now.clock_offset_us,
	    .clock_synchronised = now.clock_is_synchronised,
	    .view_up = views_are_up(a->views, &ignored),
	    .memory_buffers_bytes = now.memory_buffers,
	    .memory_shared_bytes = now.memory_shared,
	    .disk_busy_permille = figures_busiest_disk(&now, was, ms)};
	fill_disks(a, &m);
	fill_interfaces(r, net_dev, ms, interfaces, &m);
	report_docker_calls(docker_calls(a->docker), r->arena, &m);
	sot_code code = sot_host_report_encode(&m, &frame, &err);
	r->last_host = now;
	memcpy(r->last_interfaces, interfaces, r->last_interface_count * sizeof(interfaces[0]));
	sot_calls_clear(docker_calls(a->docker));
	keep(&r->last_host_frame, &frame);
	publish(r, code, &frame, &err);
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
	m->memory_working_set_bytes = now->memory_working_set;
	m->oom_kills = now->oom_kills;
	m->memory_shared_bytes = now->memory_shared;
	m->memory_swap_bytes = now->memory_swap;
	m->net_errors = grown(now->net_errors, was->net_errors);
	m->net_collisions = grown(now->net_collisions, was->net_collisions);
	m->lo_bytes_per_s = per_second(now->lo, was->lo, ms);
	m->tcp_established = (uint32_t)now->tcp_established;
	m->pids = (uint32_t)now->pids;
	m->rx_bytes_per_s = per_second(now->rx, was->rx, ms);
	m->tx_bytes_per_s = per_second(now->tx, was->tx, ms);
	m->rx_dropped = grown(now->rx_dropped, was->rx_dropped);
	m->read_bytes_per_s = per_second(now->read, was->read, ms);
	m->write_bytes_per_s = per_second(now->write, was->write, ms);
}

static void fill_load(const look *k, sot_instance_report *m)
{
	m->load1_milli = (uint32_t)(k->load * 1000);
	m->procs_running = (uint32_t)k->now.threads_running;
	m->inodes_free_permille =
	    k->now.inodes > 0 ? permille(k->now.inodes_free, k->now.inodes) : 1000;
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
	    .check_ms_sum = h->check_ms_sum,
	    .pids_max = plan_pids_max(spec),
	    .disk_used_bytes = disks_used(r->a->disks, spec->instance_id),
	    .disk_limit_bytes = spec->disk_bytes,
	    .frozen = container && container->frozen,
	    .own_view = container && views_has(r->a->views, container->pid)};
	report_checks(h, spec->app, r->arena, m);
	health_reported(h);
	m->users = (uint32_t)ssh_logins_on(r->a->logins, spec->instance_id);
	if (!m->running)
		return;
	char link[PLAN_HOST_LINK_MAX];
	const looks_subject subject = {.id = spec->instance_id,
	    .pid = container->pid,
	    .started_unix_ms = container->started_unix_ms,
	    .host_link = plan_host_link(spec, link)};
	const look *k = looks_take(r->looks, &subject);
	sot_metric_add(r->at_rest, k->is_at_rest);
	fill_rates(m, &k->now, &k->was, ms);
	fill_load(k, m);
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
	if (r->part < PARTS_KEPT)
		keep(&r->last_frames[r->part++], &frame);
	publish(r, code, &frame, &err);
}

/* CPU time of this thread: what a report costs, whoever else runs on the host. */
static uint64_t thread_cpu_us(void)
{
	struct timespec t = {0};
	(void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

static void make_report(reports *r)
{
	sot_map_iter it = {0};
	size_t count = 0;
	sot_mono now = reactor_now(r->a->loop);
	int64_t ms = sot_mono_diff_ms(now, r->last_at);
	sot_instance_report *list = sot_alloc_array(PART_MAX, sizeof(*list));
	SOT_AUTO_BUF net_dev;
	r->last_at = now;
	figures_read_links(&figures_kernel_roots, &net_dev);
	for (r->part = PARTS_KEPT; r->part > 0;)
		sot_buf_clear(&r->last_frames[--r->part]);
	sot_arena_reset(r->arena);
	report_host(r, sot_buf_str(&net_dev), ms);
	sot_arena_reset(r->arena);
	looks_begin(r->looks, sot_buf_str(&net_dev), ms, now, reactor_wall(r->a->loop));
	for (instance *i; (i = reconcile_iterate(r->a->reconcile, &it)) != NULL;) {
		fill_instance(r, i, ms, &list[count++]);
		if (count == PART_MAX) {
			report_part(r, ms, list, count);
			sot_arena_reset(r->arena);
			count = 0;
		}
	}
	if (count > 0)
		report_part(r, ms, list, count);
	free(list);
	looks_end(r->looks);
}

static void report(void *self, uint64_t missed)
{
	reports *r = self;
	uint64_t begun_us = thread_cpu_us();
	(void)missed;
	make_report(r);
	sot_metric_add(r->count, 1);
	sot_metric_add(r->cpu_us, thread_cpu_us() - begun_us);
	footprint_trim(); /* what a listing or a pull needed goes back */
	if (r->rounds++ % FORGET_EVERY == FORGET_AFTER)
		footprint_forget_code();
}

sot_str reports_last_host(const reports *r)
{
	return sot_buf_str(&r->last_host_frame);
}

size_t reports_last_instances(const reports *r, sot_str *dst, size_t max)
{
	size_t n = 0;
	for (; n < r->part && n < max; n++)
		dst[n] = sot_buf_str(&r->last_frames[n]);
	return n;
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
	sot_buf_init(&r->last_host_frame, FRAME_KEPT_MAX);
	for (size_t i = 0; i < PARTS_KEPT; i++)
		sot_buf_init(&r->last_frames[i], FRAME_KEPT_MAX);
	r->looks = looks_new(&figures_kernel_roots);
	r->arena = sot_arena_new(ARENA_MAX);
	r->count = sot_counter("sot_hostagent_reports_total", NULL, "Reports of host and instances");
	r->cpu_us = sot_counter("sot_hostagent_report_cpu_us_total", NULL,
	    "CPU time of the reports, in microseconds of the main thread");
	r->at_rest = sot_counter("sot_hostagent_looks_at_rest_total", NULL,
	    "Looks at instances for reports that found them at rest, and read no more");
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
	SOT_AUTO_BUF net_dev;
	figures_read_links(&figures_kernel_roots, &net_dev);
	figures_read_host(a->config->bridge_uplink, sot_buf_str(&net_dev), &r->last_host);
	r->timer = reactor_together_ms(a->loop, a->config->report_interval_ms, report, r);
	*ret = r;
	return SOT_OK;
}

reports *reports_free(reports *r)
{
	if (!r)
		return NULL;
	reactor_remove(r->timer);
	for (size_t i = 0; i < r->publisher_count; i++)
		r->publishers[i] = bus_publisher_free(r->publishers[i]);
	r->looks = looks_free(r->looks);
	r->arena = sot_arena_free(r->arena);
	sot_buf_clear(&r->last_host_frame);
	for (size_t i = 0; i < PARTS_KEPT; i++)
		sot_buf_clear(&r->last_frames[i]);
	free(r);
	return NULL;
}
