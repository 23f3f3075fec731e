/* bench_storm_sync - how long a thousand hosts with 20,000 instances need to be in step with a new
 * leader: connected, greeted, in possession of their set, and every status told and acknowledged.
 *
 * The real sotalia-scheduler and sotalia-ipam on a scratch PostgreSQL (tests/pg.sh), hosts that run
 * the agent's own core over CURVE sockets of their own, all in this process. First the scheduler
 * dies (kill -9) and starts again; then all hosts lose their connections at once. bench_storm_sync
 * [HOSTS]     default 1000, with 20 instances each
 */
#include "../bench.h"
#include "load_agents.h"
#include "load_client.h"
#include "sot_parse.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

enum { PER_HOST = 20, APP_SIZE = 50, STEP_MIN_MS = 5, STEP_MAX_MS = 40, LIMIT_MS = 900000 };

typedef struct run {
	load_world *w;
	load_agents *agents;
	bench *b;
	uint64_t hosts;
	size_t answered;
} run;

static void on_done(load_request *q)
{
	run *r = q->self;
	if (q->is_refused)
		load_die("refused", q->text);
	r->answered++;
}

static void fill(run *r)
{
	size_t apps = r->hosts * PER_HOST / APP_SIZE;
	load_client *client = load_client_new(r->w, 1, 8);
	load_request *requests = sot_alloc_array(apps, sizeof(*requests));
	for (size_t k = 0; k < apps; k++) {
		requests[k] =
		    (load_request){.kind = LOAD_CREATE, .count = APP_SIZE, .done = on_done, .self = r};
		(void)snprintf(requests[k].app, sizeof(requests[k].app), "app%zu", k);
		load_send(client, &requests[k]);
	}
	load_await(r->w, (int64_t)(apps * APP_SIZE), LIMIT_MS,
	    "SELECT count(*) FROM scheduler.instance WHERE state = 'running'");
	load_client_free(client);
	free(requests);
}

static uint64_t epoch(run *r)
{
	return (uint64_t)load_sql(r->w, "SELECT epoch FROM core.leader WHERE role = 'scheduler'");
}

/* Seconds since `began` until `count(agents, epoch)` says all. */
static double until_all(
    run *r, sot_mono began, size_t (*count)(run *r, uint64_t epoch), uint64_t of)
{
	while (count(r, of) < r->hosts) {
		reactor_turn(r->w->loop, 5);
		if (sot_mono_diff_ms(sot_mono_now(), began) > LIMIT_MS)
			load_die("hosts", "did not come back");
	}
	return (double)sot_mono_diff_ms(sot_mono_now(), began) / 1000;
}

static size_t connected(run *r, uint64_t of)
{
	(void)of;
	return load_agents_connected(r->agents);
}

static size_t synced(run *r, uint64_t of)
{
	return load_agents_synced(r->agents, of);
}

static void figure(run *r, const char *id, double seconds, const char *goal)
{
	/* The goals are for a thousand hosts. */
	bench_figure(r->b, id, seconds, "s", r->hosts == 1000 ? goal : NULL, BENCH_NONE);
}

static void bench_new_leader(run *r)
{
	uint64_t before = epoch(r);
	load_end(&r->w->schedulers[0], SIGKILL);
	while (load_agents_connected(r->agents) > 0)
		reactor_turn(r->w->loop, 5);
	sot_mono began = sot_mono_now();
	load_start_scheduler(r->w, 0);
	figure(r, "storm.restart_connected_s", until_all(r, began, connected, 0), "<= 5");
	figure(r, "storm.sync_1000_s", until_all(r, began, synced, before + 1), "<= 30");
	bench_figure(
	    r->b, "storm.sync_scheduler_cpu_s", load_cpu_s(r->w->schedulers[0]), "s", NULL, BENCH_NONE);
	bench_figure(r->b, "storm.scheduler_rss_mib", load_rss_mib(r->w->schedulers[0]), "MiB", NULL,
	    BENCH_NONE);
}

static void bench_reconnect(run *r)
{
	sot_mono began = sot_mono_now();
	load_agents_reconnect(r->agents);
	figure(r, "storm.reconnect_connected_s", until_all(r, began, connected, 0), "<= 5");
	figure(r, "storm.reconnect_synced_s", until_all(r, began, synced, epoch(r)), "<= 30");
}

int main(int argc, char **argv)
{
	sot_err err = {0};
	run r = {.hosts = 1000};
	if (argc > 2 ||
	    (argc == 2 && sot_parse_u64(sot_str_c(argv[1]), 5, 2000, &r.hosts, &err) != SOT_OK)) {
		(void)fprintf(stderr, "usage: bench_storm_sync [HOSTS]\n");
		return 64;
	}
	r.w = load_world_new("bench_storm_sync", argv);
	r.w->no_limits = true;
	r.b = bench_new("storm_sync");
	load_agents_options options = {.first = 1,
	    .count = r.hosts,
	    .pairs = 1,
	    .step_min_ms = STEP_MIN_MS,
	    .step_max_ms = STEP_MAX_MS};
	r.agents = load_agents_new(r.w, &options);
	load_start_ipam(r.w, 0);
	load_start_scheduler(r.w, 0);
	fill(&r);
	bench_figure(r.b, "storm.hosts", (double)r.hosts, "hosts", NULL, BENCH_NONE);
	bench_new_leader(&r);
	bench_reconnect(&r);
	load_agents_free(r.agents);
	load_world_free(r.w);
	sot_code code = bench_write(r.b, &err);
	bench_free(r.b);
	if (code != SOT_OK)
		load_die("writing", err.text);
	return 0;
}
