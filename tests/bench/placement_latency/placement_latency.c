/* bench_placement_latency - how long one placement takes at 5,000 requests a second offered: from
 * the request over a CURVE socket to its answer, which comes when the instance's row is committed
 * with a host and an address.
 *
 * The requests come at their times whatever became of those before (an open loop): what cannot be
 * served in time shows. Each makes an app of one instance on one of 10,000 hosts. No agents run
 * here: a hundred of them took more of the two processors than all that is measured.
 *   bench_placement_latency [RATE]     requests a second, default 5000
 */
#include "../bench.h"
#include "load_client.h"
#include "sot_parse.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	HOSTS = 10000,
	WARM_UP_S = 1, /* at the same rate; not measured: plans are made, files grow */
	SECONDS = 4,
	GATEWAYS = 2,
	LIMIT_MS = 120000,
};

typedef struct run {
	load_world *w;
	load_client *client;
	load_request *requests;
	int64_t *began_ns, *took_ns;
	uint64_t rate;
	size_t total, sent, answered;
} run;

static void on_done(load_request *q)
{
	run *r = q->self;
	size_t number = (size_t)(q - r->requests);
	if (q->is_refused)
		load_die("refused", q->text);
	r->took_ns[number] = bench_now_ns() - r->began_ns[number];
	r->answered++;
}

static void send_due(run *r, int64_t begin_ns)
{
	int64_t elapsed_ns = bench_now_ns() - begin_ns;
	size_t due = 1 + (size_t)((double)elapsed_ns * (double)r->rate / 1e9); /* the first at once */
	for (; r->sent < r->total && r->sent < due; r->sent++) {
		load_request *q = &r->requests[r->sent];
		*q = (load_request){.kind = LOAD_CREATE, .count = 1, .done = on_done, .self = r};
		(void)snprintf(q->app, sizeof(q->app), "l%zu", r->sent);
		/* When it should have been sent, not when this loop came to it. */
		r->began_ns[r->sent] = begin_ns + (int64_t)((double)r->sent * 1e9 / (double)r->rate);
		load_send(r->client, q);
	}
}

static void on_first(load_request *q)
{
	*(bool *)q->self = true;
}

/* Until one request is answered: somebody leads, and all is connected. */
static void await_first(run *r)
{
	bool is_answered = false;
	load_request q = {.kind = LOAD_CREATE, .count = 1, .done = on_first, .self = &is_answered};
	(void)snprintf(q.app, sizeof(q.app), "first");
	load_send(r->client, &q);
	while (!is_answered)
		reactor_turn(r->w->loop, 10);
}

static int compare(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
	return (x > y) - (x < y);
}

static void offer(run *r)
{
	int64_t begin_ns = bench_now_ns();
	while (r->answered < r->total) {
		send_due(r, begin_ns);
		reactor_turn(r->w->loop, 1);
		if (bench_now_ns() - begin_ns > (int64_t)LIMIT_MS * 1000000)
			load_die("placements", "were not answered within the limit");
	}
	size_t warm_up = r->rate * WARM_UP_S;
	memmove(r->took_ns, r->took_ns + warm_up, (r->total - warm_up) * sizeof(*r->took_ns));
	r->total -= warm_up;
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
	r.total = r.rate * (WARM_UP_S + SECONDS);
	r.requests = sot_alloc_array(r.total, sizeof(*r.requests));
	r.began_ns = sot_alloc_array(r.total, sizeof(*r.began_ns));
	r.took_ns = sot_alloc_array(r.total, sizeof(*r.took_ns));
	r.w->scheduler_options[0] = "--suspect_after_ms=600000";
	r.w->scheduler_options[1] = "--lost_after_ms=1200000";
	load_make_hosts(r.w, 1, HOSTS, NULL);
	load_age_wal(r.w);
	double commit_ms = load_commit_ms(r.w);
	load_start_ipam(r.w, 0);
	load_start_scheduler(r.w, 0);
	r.client = load_client_new(r.w, 1, GATEWAYS);
	await_first(&r);
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
