/* bench_failover - how long nobody places anything: restart, crash, pause and clean stop of the
 * leading scheduler with 10,000 hosts and 100,000 instances, until the next request is committed
 * with an address. And what that many rows take of memory.
 *
 * Two real schedulers, each with its ipam, on a scratch PostgreSQL (tests/pg.sh, fsync on), with
 * the lease that is configured by default. Of several rounds the slowest counts.
 */
#include "../bench.h"
#include "load_client.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

enum {
	HOSTS = 10000,
	APPS = 2000,
	APP_SIZE = 50,
	CRASHES = 4,
	PAUSES = 3,
	ASK_AGAIN_MS = 100,
	LIMIT_MS = 60000,
};

typedef struct run {
	load_world *w;
	load_client *client;
	bench *b;
	uint32_t made;
	bool answered;
} run;

/* ---- the rows ---- */

static void make_apps(load_world *w)
{
	(void)load_sql(w,
	    "INSERT INTO scheduler.app (id, name, image, plan, vlan, health, created_at, updated_at)"
	    " SELECT md5('app' || k)::uuid, 'old' || k, 'img', 'tiny', 'lab', '{\"kind\":\"none\","
	    "\"port\":0,\"path\":\"\",\"intervalMs\":1000,\"timeoutMs\":500,\"healthyAfter\":1,"
	    "\"unhealthyAfter\":1,\"startPeriodMs\":0}', now(), now() FROM generate_series(1, %d) k",
	    APPS);
	(void)load_sql(w,
	    "INSERT INTO scheduler.instance_group (id, app_id, name, next_number) SELECT"
	    " md5('group' || k)::uuid, md5('app' || k)::uuid, 'default', %d FROM"
	    " generate_series(1, %d) k",
	    APP_SIZE + 1, APPS);
}

static void make_instances(load_world *w)
{
	(void)load_sql(w,
	    "INSERT INTO scheduler.instance (id, app_id, group_id, number, name, state, health,"
	    " desired, host_id, address, prefix, gateway, vlan_id, mac, address_generation, cpu_milli,"
	    " memory_bytes, disk_bytes, image, observed_generation, container_id, started_at,"
	    " observed_at, created_at, updated_at, vlan, plan, net_settings) SELECT md5('instance' || "
	    "k)::uuid,"
	    " md5('app' || a)::uuid, md5('group' || a)::uuid, n, 'old' || a || '-default-' || n,"
	    " 'running', 'healthy', 'running', ('00000000-0000-7000-8000-0000' || lpad(to_hex(k * 7 %%"
	    " %d + 1), 8, '0'))::uuid, '10.70.0.0'::inet + k, 11, '10.64.0.1', 7, '02:00:00:00:00:01',"
	    " 1, 100, 134217728, 1073741824, 'img:1', 1, md5('c' || k) || md5('d' || k), now(), now(),"
	    " now(), now(), 'lab', 'tiny', (SELECT net_settings FROM scheduler.instance WHERE name ="
	    " 'new0-default-01') FROM (SELECT k, (k - 1) / %d + 1 AS a, (k - 1) %% %d + 1 AS n"
	    " FROM generate_series(1, %d) k) s",
	    HOSTS, APP_SIZE, APP_SIZE, APPS * APP_SIZE);
	(void)load_sql(w,
	    "UPDATE scheduler.host h SET booked_cpu_milli = s.cpu, booked_memory_bytes = s.memory,"
	    " booked_disk_bytes = s.disk, booked_instances = s.n FROM (SELECT host_id, sum(cpu_milli) "
	    "AS"
	    " cpu, sum(memory_bytes) AS memory, sum(disk_bytes) AS disk, count(*) AS n FROM"
	    " scheduler.instance GROUP BY host_id) s WHERE h.id = s.host_id");
	(void)load_sql(w,
	    "INSERT INTO ipam.address (address, subnet, state, owner, host, mac) SELECT address,"
	    " '00000000-0000-7000-8000-000000000008', 'bound', id, host_id, mac FROM"
	    " scheduler.instance WHERE name LIKE 'old%%'");
	(void)load_sql(w, "VACUUM ANALYZE");
}

/* ---- one placement ---- */

static void on_done(load_request *q)
{
	run *r = q->self;
	if (q->is_refused)
		load_die("refused", q->text);
	r->answered = true;
}

/* Asks for one instance until it is committed with an address; seconds since `began`. */
static double place_one(run *r, sot_mono began)
{
	load_request q = {.kind = LOAD_CREATE, .count = 1, .done = on_done, .self = r};
	char sql[300];
	(void)snprintf(q.app, sizeof(q.app), "new%u", r->made++);
	r->answered = false;
	load_send(r->client, &q);
	while (!r->answered) {
		reactor_turn(r->w->loop, 10);
		if (sot_mono_diff_ms(sot_mono_now(), began) > LIMIT_MS)
			load_die("place_one", "no scheduler leads");
	}
	(void)snprintf(sql, sizeof(sql),
	    "SELECT count(*) FROM scheduler.instance i JOIN scheduler.app a ON a.id = i.app_id WHERE"
	    " a.name = '%s' AND i.address IS NOT NULL",
	    q.app);
	load_await(r->w, 1, LIMIT_MS, sql);
	return (double)sot_mono_diff_ms(sot_mono_now(), began) / 1000;
}

static int leader(run *r)
{
	return (int)load_sql(r->w, "SELECT right(holder, 1) FROM core.leader WHERE role = 'scheduler'");
}

static uint64_t epoch(run *r)
{
	return (uint64_t)load_sql(r->w, "SELECT epoch FROM core.leader WHERE role = 'scheduler'");
}

/* ---- the phases ---- */

static void bench_restart(run *r)
{
	sot_mono began = sot_mono_now();
	double postgres_s = load_postgres_cpu_s();
	load_start_scheduler(r->w, 0);
	double seconds = place_one(r, began);
	bench_figure(
	    r->b, "placement.restart_cpu_s", load_cpu_s(r->w->schedulers[0]), "s", NULL, BENCH_NONE);
	bench_figure(r->b, "placement.restart_postgres_cpu_s", load_postgres_cpu_s() - postgres_s, "s",
	    NULL, BENCH_NONE);
	double scheduler = load_rss_mib(r->w->schedulers[0]);
	bench_figure(r->b, "placement.restart_s", seconds, "s", "<= 3", BENCH_NONE);
	bench_figure(r->b, "placement.restart_rss_mib", scheduler, "MiB", "<= 64", BENCH_NONE);
	double ipam = load_rss_mib(r->w->ipams[0]);
	bench_figure(r->b, "placement.ipam_rss_mib", ipam, "MiB", NULL, BENCH_NONE);
	bench_figure(
	    r->b, "controlplane.rss_mb", (scheduler + ipam) * 1.048576, "MB", NULL, BENCH_NONE);
	bench_figure(r->b, "placement.bytes_per_instance", scheduler * 1048576 / (APPS * APP_SIZE), "B",
	    NULL, BENCH_NONE);
}

static void bench_crash(run *r)
{
	double worst = 0;
	for (int k = 0; k < CRASHES; k++) {
		int pair = leader(r);
		sot_mono began = sot_mono_now();
		load_end(&r->w->schedulers[pair], SIGKILL);
		double seconds = place_one(r, began);
		worst = seconds > worst ? seconds : worst;
		load_start_scheduler(r->w, pair);
	}
	bench_figure(r->b, "failover.crash_s", worst, "s", "<= 5", BENCH_NONE);
}

static void bench_clean(run *r)
{
	int pair = leader(r);
	sot_mono began = sot_mono_now();
	load_end(&r->w->schedulers[pair], SIGTERM);
	bench_figure(r->b, "failover.clean_s", place_one(r, began), "s", NULL, BENCH_NONE);
	load_start_scheduler(r->w, pair);
}

/* The woken one must not have written: the epoch is the same after its next request. */
static void bench_pause(run *r)
{
	double worst = 0;
	for (int k = 0; k < PAUSES; k++) {
		int pair = leader(r);
		pid_t paused = r->w->schedulers[pair];
		sot_mono began = sot_mono_now();
		(void)kill(paused, SIGSTOP);
		double seconds = place_one(r, began);
		worst = seconds > worst ? seconds : worst;
		uint64_t before = epoch(r);
		(void)kill(paused, SIGCONT);
		(void)place_one(r, sot_mono_now());
		if (epoch(r) != before)
			load_die("pause", "the woken one took the lease back");
	}
	bench_figure(r->b, "failover.pause_s", worst, "s", "<= 10", BENCH_NONE);
}

int main(int argc, char **argv)
{
	sot_err err = {0};
	run r = {.w = load_world_new("bench_failover", argv)};
	(void)argc;
	r.b = bench_new("failover");
	r.w->scheduler_options[0] = "--suspect_after_ms=600000";
	r.w->scheduler_options[1] = "--lost_after_ms=1200000";
	load_make_hosts(r.w, 1, HOSTS, NULL);
	make_apps(r.w);
	for (int pair = 0; pair < LOAD_PAIRS; pair++)
		load_start_ipam(r.w, pair);
	r.client = load_client_new(r.w, LOAD_PAIRS, 1);
	load_client_set_patience(r.client, ASK_AGAIN_MS);
	load_start_scheduler(r.w, 0);
	(void)place_one(&r, sot_mono_now()); /* what ipam tells of the VLAN is in its row */
	load_end(&r.w->schedulers[0], SIGTERM);
	make_instances(r.w);
	bench_restart(&r);
	load_start_scheduler(r.w, 1);
	(void)place_one(&r, sot_mono_now());
	bench_crash(&r);
	bench_clean(&r);
	bench_pause(&r);
	load_client_free(r.client);
	load_world_free(r.w);
	sot_code code = bench_write(r.b, &err);
	bench_free(r.b);
	if (code != SOT_OK)
		load_die("writing", err.text);
	return 0;
}
