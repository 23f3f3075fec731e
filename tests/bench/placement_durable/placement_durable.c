/* bench_placement_durable - placements a second, from requests over CURVE sockets to committed rows
 * with an address.
 *
 * The real sotalia-scheduler and sotalia-ipam on a scratch PostgreSQL (tests/pg.sh, fsync on) with
 * 10,000 hosts. Apps of 50 instances, by 64 clients with one request open each, as single instances
 * are, and by 16 (`_16_clients_`, what the figure was before).
 * The peer, in the same run: one connection that inserts rows of the same shape in batches of 500,
 * without bus, placement, addresses, operations, events and audit; and how long a commit of one row
 * takes on this disk, below which no request can be answered. What each process uses of the
 * processor is printed beside: it does not depend on what else the machine does.
 *
 *   bench_placement_durable [batches|singles]   one of the two only, for a profile
 */
#include "../bench.h"
#include "load_client.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	HOSTS = 10000,
	BATCH = 50,
	BATCH_REQUESTS = 800,
	BATCH_OPEN = 64,
	FEW_REQUESTS = 400,
	FEW_OPEN = 16,
	SINGLE_REQUESTS = 20000,
	SINGLE_OPEN = 64,
	GATEWAYS = 2, /* connections that the clients share, as behind two gateways */
	RAW_ROWS = 40000,
	LIMIT_MS = 120000,
};

typedef struct run {
	load_world *w;
	load_client *client;
	bench *b;
	const char *prefix; /* of the apps' names */
	uint32_t count, total, sent, answered;
} run;

static void send_next(run *r, load_request *q);

static void on_done(load_request *q)
{
	run *r = q->self;
	if (q->is_refused)
		load_die("refused", q->text);
	r->answered++;
	if (r->sent < r->total)
		send_next(r, q);
}

static void send_next(run *r, load_request *q)
{
	*q = (load_request){.kind = LOAD_CREATE, .count = r->count, .done = on_done, .self = r};
	(void)snprintf(q->app, sizeof(q->app), "%s%u", r->prefix, r->sent++);
	load_send(r->client, q);
}

static int64_t addressed(run *r)
{
	return load_sql(r->w, "SELECT count(*) FROM scheduler.instance WHERE address IS NOT NULL");
}

typedef struct phase {
	const char *id, *prefix, *goal;
	uint32_t count, total, open;
} phase;

/* What the processes used; subtract two of them. */
typedef struct usage {
	double scheduler_s, ipam_s, postgres_s;
} usage;

static usage used(const run *r)
{
	return (usage){
	    load_cpu_s(r->w->schedulers[0]), load_cpu_s(r->w->ipams[0]), load_postgres_cpu_s()};
}

static void report_usage(run *r, const char *id, usage before, double placed)
{
	usage after = used(r);
	char name[80];
	(void)snprintf(name, sizeof(name), "%s.scheduler_cpu_us", id);
	bench_figure(r->b, name, (after.scheduler_s - before.scheduler_s) * 1e6 / placed, "us", NULL,
	    BENCH_NONE);
	(void)snprintf(name, sizeof(name), "%s.ipam_cpu_us", id);
	bench_figure(r->b, name, (after.ipam_s - before.ipam_s) * 1e6 / placed, "us", NULL, BENCH_NONE);
	(void)snprintf(name, sizeof(name), "%s.postgres_cpu_us", id);
	bench_figure(
	    r->b, name, (after.postgres_s - before.postgres_s) * 1e6 / placed, "us", NULL, BENCH_NONE);
}

static void measure(run *r, phase p, double raw_rate)
{
	load_request requests[SINGLE_OPEN];
	int64_t before = addressed(r), wanted = before + (int64_t)p.count * p.total;
	usage usage_before = used(r);
	r->prefix = p.prefix;
	r->count = p.count;
	r->total = p.total;
	r->sent = r->answered = 0;
	int64_t began = bench_now_ns();
	for (uint32_t k = 0; k < p.open; k++)
		send_next(r, &requests[k]);
	while (r->answered < p.total)
		reactor_turn(r->w->loop, 1000);
	char sql[200];
	(void)snprintf(
	    sql, sizeof(sql), "SELECT count(*) FROM scheduler.instance WHERE address IS NOT NULL");
	load_await(r->w, wanted, LIMIT_MS, sql);
	double seconds = (double)(bench_now_ns() - began) / 1e9, placed = (double)(wanted - before);
	bench_figure(r->b, p.id, placed / seconds, "1/s", p.goal, raw_rate);
	report_usage(r, p.id, usage_before, placed);
}

/* Rows of the shape of an instance, 500 a transaction, all indexes on. */
static double raw_insert(run *r)
{
	(void)load_sql(r->w, "CREATE SCHEMA raw");
	(void)load_sql(r->w, "CREATE TABLE raw.instance (LIKE scheduler.instance INCLUDING ALL)");
	(void)load_sql(r->w,
	    "PREPARE put (int) AS INSERT INTO raw.instance (id, app_id, group_id, number, name, state,"
	    " health, desired, host_id, address, prefix, gateway, vlan_id, mac, cpu_milli,"
	    " memory_bytes, disk_bytes, image, created_at, updated_at) SELECT gen_random_uuid(), "
	    "'00000000-0000-7000-8000-000000000001', '00000000-0000-7000-8000-000000000002', $1 + i,"
	    " 'raw-default-' || $1 + i, 'creating', 'unknown', 'running', gen_random_uuid(),"
	    " '10.0.0.0'::inet + ($1 + i), 11, '10.64.0.1', 7, '02:00:00:00:00:01', 100, 134217728,"
	    " 1073741824, 'img:1', now(), now() FROM generate_series(1, 500) i");
	int64_t began = bench_now_ns();
	for (uint32_t done = 0; done < RAW_ROWS; done += 500)
		(void)load_sql(r->w, "EXECUTE put(%u)", done);
	double rate = RAW_ROWS / ((double)(bench_now_ns() - began) / 1e9);
	(void)load_sql(r->w, "DROP SCHEMA raw CASCADE");
	return rate;
}

int main(int argc, char **argv)
{
	sot_err err = {0};
	run r = {.w = load_world_new("bench_placement_durable", argv)};
	const char *only = argc > 1 ? argv[1] : "";
	r.b = bench_new("placement_durable");
	r.w->no_limits = true;
	r.w->scheduler_options[0] = "--suspect_after_ms=600000";
	r.w->scheduler_options[1] = "--lost_after_ms=1200000";
	load_make_hosts(r.w, 1, HOSTS, NULL);
	load_age_wal(r.w);
	double raw_cpu_s = load_postgres_cpu_s(), raw = raw_insert(&r);
	bench_figure(r.b, "placement.raw_rows_per_s", raw, "1/s", NULL, BENCH_NONE);
	bench_figure(r.b, "placement.raw_rows_per_s.postgres_cpu_us",
	    (load_postgres_cpu_s() - raw_cpu_s) * 1e6 / RAW_ROWS, "us", NULL, BENCH_NONE);
	bench_figure(r.b, "placement.raw_commit_ms", load_commit_ms(r.w), "ms", NULL, BENCH_NONE);
	load_start_ipam(r.w, 0);
	load_start_scheduler(r.w, 0);
	r.client = load_client_new(r.w, 1, GATEWAYS);
	measure(&r, (phase){"placement.warm_up_per_s", "warm", NULL, BATCH, 20, 4}, BENCH_NONE);
	if (strcmp(only, "singles") != 0) {
		measure(&r,
		    (phase){
		        "placement.durable_16_clients_per_s", "few", NULL, BATCH, FEW_REQUESTS, FEW_OPEN},
		    raw);
		measure(&r,
		    (phase){
		        "placement.durable_per_s", "many", ">= 20000", BATCH, BATCH_REQUESTS, BATCH_OPEN},
		    raw);
	}
	if (strcmp(only, "batches") != 0)
		measure(&r,
		    (phase){"placement.durable_single_per_s", "one", ">= 5000", 1, SINGLE_REQUESTS,
		        SINGLE_OPEN},
		    raw);
	load_client_free(r.client);
	load_world_free(r.w);
	sot_code code = bench_write(r.b, &err);
	bench_free(r.b);
	if (code != SOT_OK)
		load_die("writing", err.text);
	return 0;
}
