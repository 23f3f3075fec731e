/* bench_placement_latency - how long one placement takes at 5,000 requests a second offered: from
 * the request over a CURVE socket to the moment when the instance's host is told of it, which is
 * after its row is committed with an address.
 *
 * The requests come at their times whatever became of those before (an open loop): what cannot be
 * served in time shows. Each makes an app of one instance. 100 hosts that run the agent's own core
 * hear of them; their steps take longer than the bench, so that starts are not measured.
 *   bench_placement_latency [RATE]     requests a second, default 5000
 */
#include "../bench.h"
#include "load_agents.h"
#include "load_client.h"
#include "sot_parse.h"

#include <stdio.h>
#include <stdlib.h>

enum { HOSTS = 100, SECONDS = 4, GATEWAYS = 2, STEP_MS = 600000, LIMIT_MS = 120000 };

typedef struct run {
	load_world *w;
	load_client *client;
	load_request *requests;
	int64_t *began_ns, *took_ns; /* 0: the host was not told yet */
	uint64_t rate;
	size_t total, sent, answered, told;
} run;

/* "l<number>-default-01" */
static void on_assigned(void *self, size_t host, sot_str name)
{
	run *r = self;
	uint64_t number = 0;
	sot_str rest;
	sot_str app = sot_str_cut(name, '-', &rest);
	(void)host;
	if (app.n < 2 ||
	    sot_parse_u64((sot_str){app.p + 1, app.n - 1}, 0, r->total - 1, &number, NULL) != SOT_OK)
		load_die("a host was told of", "an instance that nobody asked for");
	if (r->took_ns[number] != 0)
		return; /* told again */
	r->took_ns[number] = bench_now_ns() - r->began_ns[number];
	r->told++;
}

static void on_done(load_request *q)
{
	run *r = q->self;
	if (q->is_refused)
		load_die("refused", q->text);
	r->answered++;
}

static void send_due(run *r, int64_t begin_ns)
{
	int64_t elapsed_ns = bench_now_ns() - begin_ns;
	size_t due = (size_t)((double)elapsed_ns * (double)r->rate / 1e9);
	for (; r->sent < r->total && r->sent < due; r->sent++) {
		load_request *q = &r->requests[r->sent];
		*q = (load_request){.kind = LOAD_CREATE, .count = 1, .done = on_done, .self = r};
		(void)snprintf(q->app, sizeof(q->app), "l%zu", r->sent);
		/* When it should have been sent, not when this loop came to it. */
		r->began_ns[r->sent] = begin_ns + (int64_t)((double)r->sent * 1e9 / (double)r->rate);
		load_send(r->client, q);
	}
}

static int compare(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
	return (x > y) - (x < y);
}

static void offer(run *r)
{
	int64_t begin_ns = bench_now_ns();
	while (r->told < r->total || r->answered < r->total) {
		send_due(r, begin_ns);
		reactor_turn(r->w->loop, 1);
		if (bench_now_ns() - begin_ns > (int64_t)LIMIT_MS * 1000000)
			load_die("placements", "were not told within the limit");
	}
	qsort(r->took_ns, r->total, sizeof(*r->took_ns), compare);
}

static double part_ms(const run *r, size_t of_hundred)
{
	return (double)r->took_ns[r->total * of_hundred / 100] / 1e6;
}

int main(int argc, char **argv)
{
	sot_err err = {0};
	run r = {.rate = 5000};
	if (argc > 2 ||
	    (argc == 2 && sot_parse_u64(sot_str_c(argv[1]), 1, 100000, &r.rate, &err) != SOT_OK)) {
		(void)fprintf(stderr, "usage: bench_placement_latency [RATE]\n");
		return 64;
	}
	r.w = load_world_new("bench_placement_latency", argv);
	r.w->no_limits = true;
	r.total = r.rate * SECONDS;
	r.requests = sot_alloc_array(r.total, sizeof(*r.requests));
	r.began_ns = sot_alloc_array(r.total, sizeof(*r.began_ns));
	r.took_ns = sot_alloc_array(r.total, sizeof(*r.took_ns));
	load_agents_options options = {.first = 1,
	    .count = HOSTS,
	    .pairs = 1,
	    .step_min_ms = STEP_MS,
	    .step_max_ms = STEP_MS,
	    .on_assigned = on_assigned,
	    .self = &r};
	load_agents *agents = load_agents_new(r.w, &options);
	double commit_ms = load_commit_ms(r.w);
	load_start_ipam(r.w, 0);
	load_start_scheduler(r.w, 0);
	r.client = load_client_new(r.w, 1, GATEWAYS);
	while (load_agents_synced(agents, 1) < HOSTS)
		reactor_turn(r.w->loop, 10);
	offer(&r);
	bench *b = bench_new("placement_latency");
	bool goal = r.rate == 5000;
	bench_figure(b, "placement.raw_commit_ms", commit_ms, "ms", NULL, BENCH_NONE);
	bench_figure(
	    b, "placement.request_p50_ms", part_ms(&r, 50), "ms", goal ? "<= 4" : NULL, commit_ms);
	bench_figure(
	    b, "placement.request_p99_ms", part_ms(&r, 99), "ms", goal ? "<= 20" : NULL, commit_ms);
	bench_figure(b, "placement.request_offered_per_s", (double)r.rate, "1/s", NULL, BENCH_NONE);
	load_client_free(r.client);
	load_agents_free(agents);
	load_world_free(r.w);
	sot_code code = bench_write(b, &err);
	bench_free(b);
	free(r.requests);
	free(r.began_ns);
	free(r.took_ns);
	if (code != SOT_OK)
		load_die("writing", err.text);
	return 0;
}
