/* cat_bus - what the reports of many instances cost a bridge on the bus as it really is.
 *
 *   cat_bus [INSTANCES [SECONDS]]
 *
 * 50 hosts (report_publisher, another process) report every 10 s over CURVE, INSTANCES (10,000) in
 * all. This process is the bridge without its database and CAT: the bus with ZeroMQ's own thread,
 * decryption, the intake, the core, each minute's heartbeats and calls into the bounded queue. The
 * figure is the processor time of all its threads over SECONDS (60) of real time, which a busy
 * machine lengthens little; it is refused when reports were missed.
 */
#include "../bench.h"
#include "frame_queue.h"
#include "monitor.h"
#include "shell/platform_clock.h"
#include "shell/report_intake.h"
#include "sot_parse.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { HOSTS = 50, INTERVAL_MS = 10000, TICK_MS = 1000, START_DEADLINE_TICKS = 120 };

typedef struct rig {
	reactor *loop;
	bus *bus;
	monitor *m;
	frame_queue *queue;
	report_intake *intake;
	bus_keypair keys;
	uint64_t instances, seconds, ticks, received_before, frames;
	uint64_t begun; /* tick of the measurement's begin, 0: not yet */
	double cpu_begin, cpu_used;
	pid_t publisher;
} rig;

static double cpu_seconds(void)
{
	struct timespec t;
	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void on_frame(void *self, sot_str frame, int64_t expires_unix_ms)
{
	rig *r = self;
	r->frames++;
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

static void drain(rig *r)
{
	static char rest[CAT_FRAME_MAX];
	struct iovec pieces[2];
	size_t rest_n;
	for (int n; (n = frame_queue_peek(r->queue, 1 << 20, 0, pieces)) > 0;)
		frame_queue_take(
		    r->queue, pieces[0].iov_len + (n > 1 ? pieces[1].iov_len : 0), rest, &rest_n);
}

/* Measured from when every host has reported, to the end of the seconds asked for. */
static void on_tick(void *self, uint64_t missed)
{
	rig *r = self;
	const bridge_figures usage = {.produced = r->frames};
	const share_member alone = {0, 1, 1, INT64_MAX};
	sot_wall now = platform_wall(r->loop);
	uint64_t received = report_intake_get_stats(r->intake).received;
	monitor_share_view(r->m, 0, &alone, 1, now);
	monitor_tick(r->m, &usage, now);
	drain(r);
	r->ticks += 1 + missed;
	if (r->begun == 0 && received >= 2 * HOSTS) {
		r->begun = r->ticks;
		r->received_before = received;
		r->cpu_begin = cpu_seconds();
	}
	bool is_over =
	    r->begun > 0 ? r->ticks - r->begun >= r->seconds : r->ticks > START_DEADLINE_TICKS;
	if (!is_over)
		return;
	r->cpu_used = cpu_seconds() - r->cpu_begin;
	reactor_stop(r->loop);
}

/* The agents: their keys are allowed as they say them. */
static void start_publisher(rig *r)
{
	int out[2];
	char each[24], interval[24], line[256];
	(void)snprintf(each, sizeof(each), "%llu", (unsigned long long)(r->instances / HOSTS));
	(void)snprintf(interval, sizeof(interval), "%d", INTERVAL_MS);
	if (pipe(out) != 0 || (r->publisher = fork()) < 0)
		abort();
	if (r->publisher == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		(void)dup2(out[1], STDOUT_FILENO);
		(void)close(out[0]);
		(void)execl(PUBLISHER, PUBLISHER, report_intake_endpoint(r->intake), r->keys.public_key,
		    "fleet", "50", "10.1.0.1", each, interval, (char *)NULL);
		_exit(127);
	}
	(void)close(out[1]);
	FILE *told = fdopen(out[0], "r");
	for (int i = 0; i < HOSTS; i++) {
		char identity[64];
		if (!told || !fgets(line, sizeof(line), told))
			abort();
		sot_str rest, end, id = sot_str_cut(sot_str_c(line), ' ', &rest);
		(void)sot_str_cut(rest, ' ', &rest);
		sot_str key = sot_str_cut(rest, '\n', &end);
		char text[BUS_KEY_TEXT];
		if (sot_str_copy(key, text, sizeof(text), NULL) != SOT_OK)
			abort();
		(void)snprintf(identity, sizeof(identity), "host:%.*s", SOT_ARG(id));
		bus_allow(r->bus, text, identity);
	}
	(void)fclose(told);
}

static sot_code open_rig(rig *r, const definitions *shown, sot_err *err)
{
	const monitor_hooks hooks = {r, on_frame, on_reserve, on_minute, NULL};
	const monitor_options options = {.domain_prefix = "sotalia",
	    .address = 1,
	    .machines_max = 100000,
	    .codec = CAT_NT1,
	    .definitions = shown};
	r->m = monitor_new(&options, &hooks);
	r->queue = frame_queue_new(16 << 20, 65536);
	sot_code code = reactor_new(&r->loop, err);
	if (code == SOT_OK)
		code = bus_keypair_make(&r->keys, err);
	if (code == SOT_OK)
		code = bus_new(r->loop, &r->keys, &r->bus, err);
	if (code == SOT_OK)
		code = report_intake_new(
		    r->bus, "tcp://127.0.0.1:*", r->m, r->loop, NULL, NULL, &r->intake, err);
	return code;
}

static void close_rig(rig *r)
{
	report_intake_free(r->intake);
	bus_free(r->bus);
	monitor_free(r->m);
	frame_queue_free(r->queue);
	reactor_free(r->loop);
	free(r);
}

static sot_code measure(rig *r, sot_err *err)
{
	start_publisher(r);
	reactor_watch *tick = reactor_every_ms(r->loop, TICK_MS, on_tick, r);
	sot_code code = reactor_run(r->loop, err);
	reactor_remove(tick);
	(void)kill(r->publisher, SIGTERM);
	(void)waitpid(r->publisher, NULL, 0);
	/* What was not heard must not look cheap. */
	uint64_t heard = report_intake_get_stats(r->intake).received - r->received_before;
	uint64_t told = 2 * HOSTS * r->seconds * 1000 / INTERVAL_MS;
	if (code == SOT_OK && (r->begun == 0 || heard < told * 9 / 10))
		return sot_fail(err, SOT_UNAVAILABLE, "%llu reports were heard of %llu",
		    (unsigned long long)heard, (unsigned long long)told);
	return code;
}

int main(int argc, char **argv)
{
	rig *r = sot_alloc(sizeof(*r));
	definitions *shown = definitions_new();
	sot_err err;
	r->instances = 10000;
	r->seconds = 60;
	if ((argc > 1 &&
	        sot_parse_u64(sot_str_c(argv[1]), HOSTS, HOSTS * 200, &r->instances, &err) != SOT_OK) ||
	    (argc > 2 && sot_parse_u64(sot_str_c(argv[2]), 10, 3600, &r->seconds, &err) != SOT_OK)) {
		(void)fprintf(stderr, "cat_bus: %s\n", err.text);
		return 64;
	}
	if (definitions_parse(shown, "default.def", definitions_default(), &err) != SOT_OK)
		abort();
	bench *b = bench_new("cat_bus");
	sot_code code = open_rig(r, shown, &err);
	if (code == SOT_OK)
		code = measure(r, &err);
	if (code == SOT_OK) {
		bench_figure(b, "cat.bus_core_percent", 100 * r->cpu_used / (double)r->seconds, "%",
		    "<= 15", BENCH_NONE);
		code = bench_write(b, &err);
	}
	bench_free(b);
	close_rig(r);
	definitions_free(shown);
	if (code != SOT_OK)
		(void)fprintf(stderr, "cat_bus: %s\n", err.text);
	return code == SOT_OK ? 0 : 1;
}
