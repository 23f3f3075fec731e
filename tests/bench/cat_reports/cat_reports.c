/* cat_reports - what the reports of many instances cost a bridge.
 *
 *   cat_reports [INSTANCES]
 *
 * 50 hosts report every 10 s of a virtual clock, INSTANCES (10,000) in all, for ten minutes. Each
 * report goes the bridge's way behind the socket: decoded from the wire, checked, into the core;
 * the core ticks once a second and makes each minute's heartbeats and health checks, which go into
 * the bounded queue. The figure is the processor time of it all over the time that went by on the
 * virtual clock. What the socket itself costs (CURVE, some 4 MB in 10 s) is not in it.
 */
#include "../bench.h"
#include "definitions.h"
#include "frame_queue.h"
#include "monitor.h"
#include "sot_parse.h"
#include "sot_proto.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#define HOSTS 50
#define SECONDS 600
#define PART 200
#define BEGIN_UNIX_MS (INT64_C(472222) * 3600000)

typedef struct rig {
	monitor *m;
	frame_queue *queue;
	sot_arena *arena;
	sot_wall now;
	uint64_t instances, frames, bytes;
	sot_buf parts[HOSTS * 8]; /* encoded instance_reports */
	sot_buf hosts[HOSTS];     /* encoded host_reports */
	size_t part_count;
} rig;

static void on_frame(void *self, sot_str frame, int64_t expires_unix_ms)
{
	rig *r = self;
	r->frames++;
	r->bytes += frame.n;
	(void)frame_queue_push(r->queue, frame, expires_unix_ms);
}

static void on_reserve(void *self, int64_t hour, uint32_t bound)
{
	(void)self;
	(void)hour;
	(void)bound;
}

static void on_minute(void *self, int64_t minute)
{
	(void)self;
	(void)minute;
}

static void copy(char *dst, size_t size, sot_str s)
{
	if (sot_str_copy(s, dst, size, NULL) != SOT_OK)
		abort();
}

static void take_host(void *self, const void *from, const sot_host_report *m)
{
	rig *r = self;
	(void)from;
	host_figures f = {.address = sot_ip_v4(m->address), .cpu_cores = m->cpu_cores};
	copy(f.name, sizeof(f.name), m->host_name);
	(void)monitor_host_report(r->m, &f, r->now);
}

static void take_instances(void *self, const void *from, const sot_instance_reports *m)
{
	rig *r = self;
	(void)from;
	for (size_t i = 0; i < m->instances_count; i++) {
		const sot_instance_report *in = &m->instances[i];
		instance_figures f = {.instance_id = in->instance_id,
		    .address = sot_ip_v4(in->address),
		    .running = in->running,
		    .cpu_used_milli = in->cpu_used_milli,
		    .cpu_limit_milli = in->cpu_limit_milli,
		    .memory_rss_bytes = in->memory_rss_bytes,
		    .memory_limit_bytes = in->memory_limit_bytes,
		    .checks_ok = in->checks_ok,
		    .check_ms_sum = in->check_ms_sum};
		copy(f.name, sizeof(f.name), in->name);
		copy(f.app, sizeof(f.app), in->app);
		monitor_instance_report(r->m, &f, r->now);
	}
}

/* ---- reports as agents make them ---- */

static void encode_host(rig *r, unsigned host)
{
	char name[32];
	(void)snprintf(name, sizeof(name), "node-%u", host);
	const sot_host_report report = {.host_id = {{1, [15] = (uint8_t)host}},
	    .host_name = sot_str_c(name),
	    .address = sot_ip_from_v4(0x0a010000u + host),
	    .interval_ms = 10000,
	    .cpu_cores = 64,
	    .memory_total_bytes = UINT64_C(256) << 30,
	    .memory_available_bytes = UINT64_C(100) << 30};
	sot_buf_init(&r->hosts[host], SOT_WIRE_FRAME_MAX);
	if (sot_host_report_encode(&report, &r->hosts[host], NULL) != SOT_OK)
		abort();
}

static void encode_part(rig *r, unsigned host, uint64_t first, size_t count)
{
	static sot_instance_report rows[PART];
	static char names[PART][32];
	for (size_t i = 0; i < count; i++) {
		(void)snprintf(
		    names[i], sizeof(names[i]), "shop-default-%05llu", (unsigned long long)(first + i));
		rows[i] = (sot_instance_report){
		    .instance_id = {{2, [8] = (uint8_t)((first + i) >> 8), [9] = (uint8_t)(first + i)}},
		    .name = sot_str_c(names[i]),
		    .app = SOT_STR("shop"),
		    .address = sot_ip_from_v4(0x0a420000u + (uint32_t)(first + i)),
		    .running = true,
		    .health = SOT_HEALTH_HEALTHY,
		    .cpu_used_milli = 321,
		    .cpu_limit_milli = 1000,
		    .memory_rss_bytes = 123456789,
		    .memory_limit_bytes = 268435456,
		    .pids = 42,
		    .uptime_s = 86400,
		    .checks_ok = 2,
		    .check_ms_sum = 7};
	}
	const sot_instance_reports reports = {.host_id = {{1, [15] = (uint8_t)host}},
	    .interval_ms = 10000,
	    .instances = rows,
	    .instances_count = count};
	if (r->part_count == sizeof(r->parts) / sizeof(r->parts[0]))
		abort();
	sot_buf *out = &r->parts[r->part_count++];
	sot_buf_init(out, SOT_WIRE_FRAME_MAX);
	if (sot_instance_reports_encode(&reports, out, NULL) != SOT_OK)
		abort();
}

static void encode_all(rig *r)
{
	uint64_t each = r->instances / HOSTS, at = 0;
	for (unsigned host = 0; host < HOSTS; host++) {
		encode_host(r, host);
		for (uint64_t left = each; left > 0;) {
			size_t count = left < PART ? (size_t)left : PART;
			encode_part(r, host, at, count);
			at += count;
			left -= count;
		}
	}
}

/* ---- ten minutes ---- */

static void dispatch(rig *r, const sot_buf *frame)
{
	static const sot_monitor_feed feed = {take_host, take_instances};
	sot_err err;
	sot_arena_reset(r->arena);
	if (sot_monitor_dispatch_feed(&feed, r, NULL, sot_buf_str(frame), r->arena, &err) != SOT_OK) {
		(void)fprintf(stderr, "cat_reports: %s\n", err.text);
		abort();
	}
}

static void live(rig *r)
{
	static char rest[CAT_FRAME_MAX];
	const bridge_figures usage = {.produced = 0};
	for (int second = 0; second < SECONDS; second++) {
		const share_member alone = {0, 1, 1, INT64_MAX};
		struct iovec pieces[2];
		size_t rest_n;
		r->now = (sot_wall){BEGIN_UNIX_MS + second * 1000};
		monitor_share_view(r->m, 0, &alone, 1, r->now);
		if (second % 10 == 3) {
			for (unsigned host = 0; host < HOSTS; host++)
				dispatch(r, &r->hosts[host]);
			for (size_t i = 0; i < r->part_count; i++)
				dispatch(r, &r->parts[i]);
		}
		monitor_tick(r->m, &usage, r->now);
		for (int n; (n = frame_queue_peek(r->queue, 1 << 20, r->now.unix_ms, pieces)) > 0;)
			frame_queue_take(
			    r->queue, pieces[0].iov_len + (n > 1 ? pieces[1].iov_len : 0), rest, &rest_n);
	}
}

static double cpu_seconds(void)
{
	struct timespec t;
	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double resident_mib(void)
{
	struct rusage u;
	(void)getrusage(RUSAGE_SELF, &u);
	return (double)u.ru_maxrss / 1024;
}

int main(int argc, char **argv)
{
	rig *r = sot_alloc(sizeof(*r));
	const monitor_hooks hooks = {r, on_frame, on_reserve, on_minute, NULL};
	definitions *shown = definitions_new();
	sot_err err;
	r->instances = 10000;
	if (argc > 1 &&
	    sot_parse_u64(sot_str_c(argv[1]), HOSTS, 65000, &r->instances, &err) != SOT_OK) {
		(void)fprintf(stderr, "cat_reports: instances: %s\n", err.text);
		return 64;
	}
	if (definitions_parse(shown, "default.def", definitions_default(), &err) != SOT_OK)
		abort();
	const monitor_options options = {.domain_prefix = "sotalia",
	    .address = 1,
	    .machines_max = 100000,
	    .codec = CAT_NT1,
	    .definitions = shown};
	r->m = monitor_new(&options, &hooks);
	r->queue = frame_queue_new(16 << 20, 65536);
	r->arena = sot_arena_new(2 << 20);
	encode_all(r);
	double begin = cpu_seconds();
	live(r);
	double used = cpu_seconds() - begin;
	if (frame_queue_get_stats(r->queue).overflowed > 0 ||
	    monitor_get_counters(r->m)->heartbeats < r->instances * (SECONDS / 60 - 1))
		abort(); /* what was not sent must not look cheap */
	bench *b = bench_new("cat_reports");
	bench_figure(b, "cat.reports_core_percent", 100 * used / SECONDS, "%", "<= 15", BENCH_NONE);
	bench_figure(b, "cat.reports_memory", resident_mib(), "MiB", NULL, BENCH_NONE);
	bench_figure(
	    b, "cat.heartbeat_bytes", (double)r->bytes / (double)r->frames, "bytes", NULL, BENCH_NONE);
	sot_code code = bench_write(b, &err);
	bench_free(b);
	monitor_free(r->m);
	definitions_free(shown);
	frame_queue_free(r->queue);
	sot_arena_free(r->arena);
	for (size_t i = 0; i < r->part_count; i++)
		sot_buf_clear(&r->parts[i]);
	for (unsigned host = 0; host < HOSTS; host++)
		sot_buf_clear(&r->hosts[host]);
	free(r);
	if (code != SOT_OK)
		(void)fprintf(stderr, "cat_reports: %s\n", err.text);
	return code == SOT_OK ? 0 : 1;
}
