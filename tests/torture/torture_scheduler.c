/* torture_scheduler - two schedulers with their ipams, simulated hosts that run the agent's own
 * core, and a client that creates, scales and deletes apps all the time, while leaders are killed
 * with -9, stopped and woken, and connections to PostgreSQL are cut at COMMIT. At the end every
 * accepted request has ended, no address is held twice, bookings are what instances sum to, no
 * write was of an older epoch, and the hosts run exactly what the rows say.
 *
 *   torture_scheduler HOSTS INSTANCES FAULTS      (SOT_SEED=n)
 *
 * SOT_PLANT=no_fence lets every write through, of whatever epoch: the run must complain, and ends
 * with 0 only when it did.
 */
#include "load_agents.h"
#include "load_client.h"
#include "pg_proxy.h"
#include "sot_parse.h"
#include "sot_rand.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

enum {
	APP_SIZE = 50,
	QUICK_LEASE_MS = 1500, /* of the short form, for quick take-overs */
	OWN_LEASE_MS = 3000,   /* the product's default */
	LONG_HOSTS = 100,      /* from so many on: the product's own lease and deadlines */
	PAUSE_MIN_MS = 200,
	CALM_MS = 1500,    /* after a fault, until the next one at least */
	STUCK_MS = 120000, /* without one more that runs: it never will */
	REST_MS = 300000,  /* for all operations to end */
};

typedef struct torture torture;

/* An app, worked on by one request at a time. */
typedef struct slot {
	torture *t;
	load_request request;
	char app[31];
	uint32_t generation, count; /* of this app; the count that was accepted last */
	bool exists, busy;
} slot;

typedef enum fault {
	FAULT_KILL_LEADER,
	FAULT_STOP_LEADER,
	FAULT_KILL_STANDBY,
	FAULT_KILL_IPAM,
	FAULT_CUT,
	FAULTS
} fault;
static const char *const fault_names[FAULTS] = {"leader killed", "leader stopped and woken",
    "standby killed", "ipam killed", "connection cut at COMMIT"};

struct torture {
	load_world *w;
	load_client *client;
	load_agents *agents;
	pg_proxy *proxy;
	slot *slots;
	size_t slot_count;
	sot_rand rand;
	uint64_t hosts, instances, faults_wanted;
	int64_t lease_ms;
	sot_uuid *operations; /* accepted */
	size_t operation_count, operation_cap;
	bool is_ending, is_planted;
	/* faults */
	uint64_t faults, of_kind[FAULTS];
	sot_mono next_fault;
	pid_t stopped;
	sot_mono wake_at;
	/* take-overs: from the fault to the first request accepted after it */
	bool is_waiting;
	sot_mono fault_at;
	fault waits_after; /* what took the leader away */
	uint64_t epoch_before;
	struct {
		int64_t *ms;
		size_t count;
	} take_overs[FAULTS];
};

/* ---- the load ---- */

static void note_operation(torture *t, sot_uuid id)
{
	if (t->operation_count == t->operation_cap) {
		size_t cap = t->operation_cap ? t->operation_cap * 2 : 1024;
		t->operations =
		    sot_grow_array(t->operations, t->operation_cap, cap, sizeof(*t->operations));
		t->operation_cap = cap;
	}
	t->operations[t->operation_count++] = id;
}

static uint64_t current_epoch(torture *t)
{
	return (uint64_t)load_sql(t->w, "SELECT epoch FROM core.leader WHERE role = 'scheduler'");
}

static void note_take_over(torture *t)
{
	if (!t->is_waiting)
		return;
	if (current_epoch(t) <= t->epoch_before) {
		/* Woken before anybody else was ready, it leads on. */
		t->is_waiting = t->waits_after != FAULT_STOP_LEADER || t->stopped > 0;
		return;
	}
	t->is_waiting = false;
	t->take_overs[t->waits_after].ms[t->take_overs[t->waits_after].count++] =
	    sot_mono_diff_ms(sot_mono_now(), t->fault_at);
}

static void on_done(load_request *q)
{
	slot *s = q->self;
	torture *t = s->t;
	s->busy = false;
	if (q->is_refused) {
		/* Its app is being deleted, or its predecessor's answer was lost and it is gone. */
		if (q->refusal != SOT_REFUSAL_CONFLICT && q->refusal != SOT_REFUSAL_NOT_FOUND)
			load_die("refused", q->text);
		return;
	}
	note_operation(t, q->operation_id);
	note_take_over(t);
	s->exists = q->kind != LOAD_DELETE;
	s->count = q->count;
	s->generation += q->kind == LOAD_DELETE;
}

static void ask(slot *s, load_kind kind, uint32_t count)
{
	s->busy = true;
	(void)snprintf(s->app, sizeof(s->app), "t%zu-%u", (size_t)(s - s->t->slots), s->generation);
	s->request = (load_request){.kind = kind, .count = count, .done = on_done, .self = s};
	memcpy(s->request.app, s->app, sizeof(s->request.app));
	load_send(s->t->client, &s->request);
}

static void work(slot *s)
{
	torture *t = s->t;
	uint64_t dice = sot_rand_below(&t->rand, 100);
	if (!s->exists)
		ask(s, LOAD_CREATE, APP_SIZE);
	else if (dice < 4)
		ask(s, LOAD_DELETE, 0);
	else
		ask(s, LOAD_SCALE, APP_SIZE - 5 + (uint32_t)sot_rand_below(&t->rand, 10));
}

/* Some twenty requests a second. */
static void on_work(void *self, uint64_t missed)
{
	torture *t = self;
	slot *s = &t->slots[sot_rand_below(&t->rand, t->slot_count)];
	(void)missed;
	if (!t->is_ending && !s->busy)
		work(s);
}

/* ---- faults ---- */

/* -1 while nobody leads. */
static int leader_pair(torture *t)
{
	return (int)load_sql(t->w,
	    "SELECT coalesce((SELECT right(holder, 1)::int FROM core.leader WHERE role = 'scheduler'"
	    " AND lease_until > clock_timestamp()), -1)");
}

static void begin_take_over(torture *t, fault after)
{
	t->epoch_before = current_epoch(t);
	t->waits_after = after;
	t->is_waiting = true;
	t->fault_at = sot_mono_now();
}

static void restart_scheduler(torture *t, int pair)
{
	load_end(&t->w->schedulers[pair], SIGKILL);
	load_start_scheduler(t->w, pair);
}

static void wake_stopped(torture *t)
{
	if (t->stopped > 0 && sot_mono_reached(sot_mono_now(), t->wake_at)) {
		(void)kill(t->stopped, SIGCONT);
		t->stopped = 0;
	}
}

static void stop_leader(torture *t, int pair)
{
	int64_t longest = 3 * t->lease_ms;
	int64_t ms = PAUSE_MIN_MS + (int64_t)sot_rand_below(&t->rand, (uint64_t)longest - PAUSE_MIN_MS);
	begin_take_over(t, FAULT_STOP_LEADER);
	t->is_waiting = ms > 2 * t->lease_ms; /* a shorter one may pass unnoticed */
	t->stopped = t->w->schedulers[pair];
	t->wake_at = sot_mono_add_ms(sot_mono_now(), ms);
	(void)kill(t->stopped, SIGSTOP);
}

static void cut_connection(torture *t)
{
	static const pg_proxy_cut cuts[] = {
	    PG_PROXY_CUT_BEFORE, PG_PROXY_CUT_AFTER, PG_PROXY_CUT_BLIND};
	pg_proxy_set(t->proxy, cuts[sot_rand_below(&t->rand, 3)]);
}

static void disturb(torture *t, int leader)
{
	static const fault dice[] = {FAULT_KILL_LEADER, FAULT_KILL_LEADER, FAULT_KILL_LEADER,
	    FAULT_STOP_LEADER, FAULT_STOP_LEADER, FAULT_KILL_STANDBY, FAULT_KILL_IPAM, FAULT_CUT,
	    FAULT_CUT};
	fault f = dice[sot_rand_below(&t->rand, sizeof(dice) / sizeof(dice[0]))];
	if (f == FAULT_KILL_LEADER) {
		begin_take_over(t, FAULT_KILL_LEADER);
		restart_scheduler(t, leader);
	} else if (f == FAULT_STOP_LEADER) {
		stop_leader(t, leader);
	} else if (f == FAULT_KILL_STANDBY) {
		restart_scheduler(t, 1 - leader);
	} else if (f == FAULT_KILL_IPAM) {
		load_end(&t->w->ipams[leader], SIGKILL);
		load_start_ipam(t->w, leader);
	} else {
		cut_connection(t);
	}
	t->faults++;
	t->of_kind[f]++;
}

static void on_fault(void *self, uint64_t missed)
{
	torture *t = self;
	(void)missed;
	wake_stopped(t);
	if (t->is_waiting && sot_mono_diff_ms(sot_mono_now(), t->fault_at) > STUCK_MS)
		load_die(fault_names[t->waits_after], "nobody took over");
	if (t->is_ending || t->stopped > 0 || t->is_waiting ||
	    !sot_mono_reached(sot_mono_now(), t->next_fault))
		return;
	int leader = leader_pair(t);
	if (leader < 0)
		return;
	disturb(t, leader);
	t->next_fault =
	    sot_mono_add_ms(sot_mono_now(), CALM_MS + (int64_t)sot_rand_below(&t->rand, CALM_MS));
}

/* ---- the run ---- */

/* Every fence is noted in the transaction that it lets pass: their order is that of the commits. */
static void watch_epochs(load_world *w, bool no_fence)
{
	if (no_fence) /* it holds the leader's row as the real one does, and asks for nothing */
		(void)load_sql(w,
		    "CREATE OR REPLACE FUNCTION core.fence(p_role text, p_epoch bigint) RETURNS void"
		    " LANGUAGE plpgsql SECURITY DEFINER SET search_path = core, pg_temp AS $$ BEGIN"
		    " PERFORM FROM core.leader WHERE role = p_role FOR KEY SHARE; END $$");
	(void)load_sql(w,
	    "CREATE TABLE core.passed (id bigint GENERATED ALWAYS AS IDENTITY, epoch bigint NOT NULL);"
	    "ALTER FUNCTION core.fence(text, bigint) RENAME TO fence_itself;"
	    "CREATE FUNCTION core.fence(p_role text, p_epoch bigint) RETURNS void LANGUAGE plpgsql"
	    " SECURITY DEFINER SET search_path = core, pg_temp AS $$ BEGIN"
	    " PERFORM core.fence_itself(p_role, p_epoch);"
	    " INSERT INTO core.passed (epoch) VALUES (p_epoch); END $$");
}

static void open_torture(torture *t, char **argv)
{
	static char proxied[100];
	t->w = load_world_new("torture_scheduler", argv);
	watch_epochs(t->w, t->is_planted);
	(void)snprintf(proxied, sizeof(proxied), "%s/pg", t->w->dir);
	t->proxy = pg_proxy_new(t->w->loop, proxied, t->w->pg_dir);
	t->w->scheduler_pg_dir = proxied;
	static const char *const quick[] = {
	    "--lease_ms=1500", "--renew_ms=300", "--commit_deadline_ms=3000", "--retry_ms=1000"};
	static const char *const own[] = {"--retry_ms=1000"};
	t->lease_ms = t->hosts < LONG_HOSTS ? QUICK_LEASE_MS : OWN_LEASE_MS;
	if (t->hosts < LONG_HOSTS)
		memcpy(t->w->scheduler_options, quick, sizeof(quick));
	else
		memcpy(t->w->scheduler_options, own, sizeof(own));
	/* Longer than a batch may be held back, with a lease that lasts longer on a busy machine. */
	t->w->ipam_options[0] = t->hosts < LONG_HOSTS ? "--lease_s=15" : "--lease_s=60";
	load_agents_options agents = {
	    .first = 1, .count = t->hosts, .pairs = LOAD_PAIRS, .step_min_ms = 20, .step_max_ms = 400};
	t->agents = load_agents_new(t->w, &agents);
	for (int pair = 0; pair < LOAD_PAIRS; pair++) {
		load_start_ipam(t->w, pair);
		load_start_scheduler(t->w, pair);
	}
	t->client = load_client_new(t->w, LOAD_PAIRS, 8);
	t->slot_count = (size_t)t->instances / APP_SIZE;
	t->slots = sot_alloc_array(t->slot_count, sizeof(*t->slots));
	for (int f = 0; f < FAULTS; f++)
		t->take_overs[f].ms = sot_alloc_array(t->faults_wanted + 1, sizeof(*t->take_overs[f].ms));
}

static const char count_running[] =
    "SELECT count(*) FROM scheduler.instance WHERE state = 'running'";

static void fill(torture *t)
{
	for (size_t k = 0; k < t->slot_count; k++) {
		t->slots[k].t = t;
		ask(&t->slots[k], LOAD_CREATE, APP_SIZE);
	}
	sot_mono began = sot_mono_now();
	int64_t all = (int64_t)t->slot_count * APP_SIZE, run = 0;
	while (run < all) {
		/* One more each time; how long all of them take is the machine's business. */
		load_await(t->w, run + 1, STUCK_MS, count_running);
		run = load_sql(t->w, "%s", count_running);
	}
	(void)printf("filled in %" PRId64 " ms\n", sot_mono_diff_ms(sot_mono_now(), began));
}

static void await_synced(torture *t)
{
	sot_mono limit = sot_mono_add_ms(sot_mono_now(), REST_MS);
	while (load_agents_synced(t->agents, current_epoch(t)) < t->hosts) {
		reactor_turn(t->w->loop, 100);
		if (sot_mono_reached(sot_mono_now(), limit))
			load_die("hosts", "are not in step with the leader");
	}
}

/* All hosts lose their connections at once, as when a switch is started anew. */
static void reconnect_storm(torture *t)
{
	sot_mono began = sot_mono_now();
	load_agents_reconnect(t->agents);
	while (load_agents_connected(t->agents) < t->hosts) {
		reactor_turn(t->w->loop, 100);
		if (sot_mono_diff_ms(sot_mono_now(), began) > REST_MS)
			load_die("hosts", "do not come back");
	}
	int64_t connected_ms = sot_mono_diff_ms(sot_mono_now(), began);
	await_synced(t);
	(void)printf("reconnect storm of %" PRIu64 " hosts: all connected after %" PRId64
	             " ms, in step with the leader after %" PRId64 " ms\n",
	    t->hosts, connected_ms, sot_mono_diff_ms(sot_mono_now(), began));
}

static bool any_busy(const torture *t)
{
	for (size_t k = 0; k < t->slot_count; k++) {
		if (t->slots[k].busy)
			return true;
	}
	return false;
}

static void run(torture *t)
{
	reactor_watch *working = reactor_every_ms(t->w->loop, 50, on_work, t);
	reactor_watch *faults = reactor_every_ms(t->w->loop, 20, on_fault, t);
	while (t->faults < t->faults_wanted)
		reactor_turn(t->w->loop, 100);
	t->is_ending = true;
	sot_mono limit = sot_mono_add_ms(sot_mono_now(), REST_MS);
	while (any_busy(t) || t->stopped > 0) {
		reactor_turn(t->w->loop, 100);
		if (sot_mono_reached(sot_mono_now(), limit))
			load_die("requests", "were never answered");
	}
	reactor_remove(working);
	reactor_remove(faults);
	load_await(t->w, 1, REST_MS,
	    "SELECT (count(*) = 0)::int FROM scheduler.operation WHERE state IN ('queued', 'running')");
	load_await(t->w, 1, REST_MS,
	    "SELECT (count(*) = 0)::int FROM scheduler.instance WHERE state NOT IN ('running', "
	    "'retired')");
	load_await(t->w, 1, REST_MS,
	    "SELECT (count(*) = 0)::int FROM ipam.address a WHERE state IN ('reserved', 'bound') AND "
	    "NOT EXISTS (SELECT FROM scheduler.instance i WHERE i.id = a.owner AND state <> "
	    "'retired')");
	await_synced(t);
	reconnect_storm(t);
}

/* ---- the checks ---- */

static uint64_t complaints;

static void expect_none(torture *t, const char *what, const char *sql)
{
	int64_t found = load_sql(t->w, "%s", sql);
	if (found != 0) {
		complaints++;
		(void)fprintf(stderr, "torture_scheduler: %" PRId64 " %s\n", found, what);
	}
}

static void check_operations(torture *t)
{
	char id[SOT_UUID_TEXT];
	size_t lost = 0;
	for (size_t k = 0; k < t->operation_count; k++)
		lost += load_sql(t->w,
		            "SELECT count(*) FROM scheduler.operation WHERE id = '%s' AND state IN"
		            " ('done', 'failed', 'cancelled')",
		            sot_uuid_format(t->operations[k], id)) != 1;
	complaints += lost;
	(void)printf(
	    "accepted requests: %zu, of which %zu are lost or never ended\n", t->operation_count, lost);
}

static void check_rows(torture *t)
{
	expect_none(t, "hosts whose booking is not the sum of their instances",
	    "SELECT count(*) FROM scheduler.host h JOIN (SELECT h.id, coalesce(sum(i.cpu_milli), 0) AS"
	    " cpu, coalesce(sum(i.memory_bytes), 0) AS memory, count(i.id) AS n FROM scheduler.host h"
	    " LEFT JOIN scheduler.instance i ON i.host_id = h.id AND i.state <> 'retired' GROUP BY"
	    " h.id) s USING (id) WHERE booked_cpu_milli <> cpu OR booked_memory_bytes <> memory OR"
	    " booked_instances <> n");
	expect_none(t, "addresses that two instances have",
	    "SELECT count(*) - count(DISTINCT address) FROM scheduler.instance WHERE state <> "
	    "'retired'");
	expect_none(t, "instances whose address ipam does not hold for them",
	    "SELECT count(*) FROM scheduler.instance i WHERE state <> 'retired' AND NOT EXISTS (SELECT"
	    " FROM ipam.address a WHERE a.address = i.address AND a.owner = i.id AND a.state IN"
	    " ('reserved', 'bound'))");
	expect_none(t, "addresses of ipam whose owner is no live instance",
	    "SELECT count(*) FROM ipam.address a WHERE state IN ('reserved', 'bound') AND NOT EXISTS"
	    " (SELECT FROM scheduler.instance i WHERE i.id = a.owner AND i.state <> 'retired')");
	expect_none(t, "operations without exactly one audit row",
	    "SELECT count(*) FROM (SELECT count(a.id) AS rows FROM scheduler.operation o LEFT JOIN"
	    " gateway.audit a ON a.operation_id = o.id GROUP BY o.id) c WHERE rows <> 1");
	expect_none(t, "writes of an older epoch after a newer one",
	    "SELECT count(*) FROM (SELECT epoch, max(epoch) OVER (ORDER BY id) AS highest FROM"
	    " core.passed) p WHERE epoch < highest");
	expect_none(t, "open steps of ended operations",
	    "SELECT count(*) FROM scheduler.operation_step WHERE state IN ('queued', 'running')");
}

static void check_counts(torture *t)
{
	for (size_t k = 0; k < t->slot_count; k++) {
		const slot *s = &t->slots[k];
		int64_t found = load_sql(t->w,
		    "SELECT count(*) FROM scheduler.instance i JOIN scheduler.app a ON a.id = i.app_id"
		    " WHERE a.name = '%s' AND i.state <> 'retired'",
		    s->app);
		if (s->exists && found != s->count) {
			complaints++;
			(void)fprintf(stderr,
			    "torture_scheduler: app %s has %" PRId64 " instances, %u were asked for\n", s->app,
			    found, s->count);
		}
	}
}

static int compare_ms(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
	return (x > y) - (x < y);
}

static void report_take_overs(torture *t, fault after)
{
	const int64_t *ms = t->take_overs[after].ms;
	size_t count = t->take_overs[after].count;

	if (count == 0)
		return;
	qsort(t->take_overs[after].ms, count, sizeof(*ms), compare_ms);
	(void)printf("take-overs, %s: %zu, fault to the next accepted request: p50 %" PRId64
	             " ms, p99 %" PRId64 " ms, max %" PRId64 " ms\n",
	    fault_names[after], count, ms[count / 2], ms[count * 99 / 100], ms[count - 1]);
}

static void report(torture *t)
{
	for (int f = 0; f < FAULTS; f++)
		(void)printf("%s: %" PRIu64 "\n", fault_names[f], t->of_kind[f]);
	(void)printf("sessions cut: %u; requests asked again: %" PRIu64
	             "; words of older epochs refused by hosts: %" PRIu64 "; epochs: %" PRIu64 "\n",
	    pg_proxy_cuts(t->proxy), load_client_repeated(t->client),
	    load_agents_stale_refused(t->agents), current_epoch(t));
	(void)printf("lease %" PRId64 " ms\n", t->lease_ms);
	for (int f = 0; f < FAULTS; f++)
		report_take_overs(t, (fault)f);
}

int main(int argc, char **argv)
{
	torture t = {.hosts = 0};
	uint64_t seed = 1;
	const char *seed_text = getenv("SOT_SEED");
	if (argc != 4 || sot_parse_u64(sot_str_c(argv[1]), 1, 2000, &t.hosts, NULL) != SOT_OK ||
	    sot_parse_u64(sot_str_c(argv[2]), APP_SIZE, 100000, &t.instances, NULL) != SOT_OK ||
	    sot_parse_u64(sot_str_c(argv[3]), 1, 100000, &t.faults_wanted, NULL) != SOT_OK ||
	    (seed_text && sot_parse_u64(sot_str_c(seed_text), 0, UINT64_MAX, &seed, NULL) != SOT_OK)) {
		(void)fprintf(stderr, "usage: [SOT_SEED=n] torture_scheduler HOSTS INSTANCES FAULTS\n");
		return 64;
	}
	sot_rand_seed(&t.rand, seed);
	const char *plant = getenv("SOT_PLANT");
	t.is_planted = plant && strcmp(plant, "no_fence") == 0;
	open_torture(&t, argv);
	fill(&t);
	(void)printf(
	    "%zu containers run on %" PRIu64 " hosts\n", load_agents_running(t.agents), t.hosts);
	run(&t);
	check_operations(&t);
	check_rows(&t);
	check_counts(&t);
	complaints += load_agents_compare(t.agents);
	report(&t);
	(void)printf("%" PRIu64 " faults, %" PRIu64 " complaints (seed %" PRIu64 ")\n", t.faults,
	    complaints, seed);
	load_client_free(t.client);
	load_agents_free(t.agents);
	pg_proxy_free(t.proxy);
	load_world_free(t.w);
	free(t.slots);
	free(t.operations);
	for (int f = 0; f < FAULTS; f++)
		free(t.take_overs[f].ms);
	return (complaints == 0) == t.is_planted ? 1 : 0;
}
