/* A day of two bridges on a virtual clock: hour edges, clocks that jump, bridges that are killed
 * and started, servers that die, connections that are cut inside a frame. A model of CAT's server
 * judges every frame that arrives: it never drops one, no id comes twice, no machine has two
 * heartbeats in a minute, in quiet minutes each has one; and every frame that was made arrived or
 * is counted. */
#include "monitor.h"

#include "cat_accept.h"
#include "cat_period.h"
#include "frame_queue.h"
#include "sot_map.h"
#include "sot_parse.h"
#include "sot_rand.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define BRIDGES 2
#define MACHINES_MAX 4000
#define DAY_S INT64_C(86400)
#define BEGIN_UNIX_MS (INT64_C(472222) * CAT_HOUR_MS - INT64_C(600000))
#define LEASE_MS 10000
#define SEND_MAX (1u << 20)
#define MINUTE_MS INT64_C(60000)

/* What a process leaves behind when it is killed: the file of its state. */
typedef struct disk {
	int64_t hour[2];
	uint32_t bound[2];
	int64_t minute;
} disk;

struct world;
typedef struct process {
	struct world *world;
	unsigned number;
	bool is_alive, is_connected, begins, has_joined;
	int64_t skew_ms;       /* of its clock */
	int64_t correction_ms; /* as it learnt of the database, see shell/platform_clock.h */
	monitor *m;
	frame_queue *queue;
	disk disk;
	frame_queue_stats gone; /* of earlier lives */
} process;

typedef struct world {
	int64_t now_unix_ms; /* the true time: of the server and the database */
	sot_rand rand;
	definitions *definitions;
	process processes[BRIDGES];
	share_member members[BRIDGES];
	bool is_member[BRIDGES];
	bool server_is_up, is_troubled;
	cat_accept *server;
	sot_arena *memory;
	uint64_t made, delivered, cut, killed, expired; /* frames */
	int64_t quiet_since_unix_ms;                    /* nothing was disturbed after this */
	unsigned hosts, instances;
	sot_map *by_key;              /* address on CAT's pages to its place in beats */
	unsigned beats[MACHINES_MAX]; /* in the minute of the server; hosts first */
	int64_t beats_minute;
	uint64_t quiet_minutes, events_made, events_taken;
	unsigned next_operation;
} world;

/* ---- hooks ---- */

static void on_frame(void *self, sot_str frame, int64_t expires_unix_ms)
{
	process *p = self;
	p->world->made++;
	assert_true(frame_queue_push(p->queue, frame, expires_unix_ms));
}

static void on_reserve(void *self, int64_t hour, uint32_t bound)
{
	process *p = self;
	p->disk.hour[hour % 2] = hour;
	p->disk.bound[hour % 2] = bound;
}

static void on_minute(void *self, int64_t minute)
{
	((process *)self)->disk.minute = minute;
}

static sot_wall wall_of(const process *p)
{
	return (sot_wall){p->world->now_unix_ms + p->skew_ms + p->correction_ms};
}

/* ---- life and death ---- */

static void start(process *p)
{
	monitor_options options = {.domain_prefix = "sotalia",
	    .address = 0x0a000001 + p->number,
	    .machines_max = MACHINES_MAX,
	    .codec = p->number % 2 ? CAT_PT1 : CAT_NT1,
	    .definitions = p->world->definitions};
	const monitor_hooks hooks = {p, on_frame, on_reserve, on_minute, NULL};
	p->m = monitor_new(&options, &hooks);
	p->queue = frame_queue_new(16 << 20, 20000);
	p->is_alive = p->begins = true;
	p->has_joined = false;
	/* It has no part before the next minute. */
	p->world->quiet_since_unix_ms = p->world->now_unix_ms;
	p->correction_ms = 0;
	p->is_connected = p->world->server_is_up;
	for (int i = 0; i < 2; i++)
		monitor_restore_ids(p->m, p->disk.hour[i], p->disk.bound[i]);
	monitor_restore_minute(p->m, p->disk.minute);
}

static void add_gone(process *p)
{
	frame_queue_stats s = frame_queue_get_stats(p->queue);
	p->gone.overflowed += s.overflowed;
	p->gone.expired += s.expired;
	p->world->killed += s.frames;
}

static void kill_process(process *p)
{
	if (!p->is_alive)
		return;
	add_gone(p);
	p->m = monitor_free(p->m);
	p->queue = frame_queue_free(p->queue);
	p->is_alive = false;
}

/* ---- the server ---- */

static char *key_of_host(unsigned i, char dst[static 32])
{
	return sot_format_ipv4(0x0a010001 + i, dst);
}

static char *key_of_instance(unsigned i, char dst[static 32])
{
	(void)snprintf(dst, 32, "shop-default-%02u", i + 1);
	return dst;
}

static void name_machines(world *w)
{
	char key[48];
	assert_true(w->hosts + w->instances <= MACHINES_MAX);
	w->by_key = sot_map_new();
	for (unsigned i = 0; i < w->hosts + w->instances; i++) {
		(void)(i < w->hosts ? key_of_host(i, key) : key_of_instance(i - w->hosts, key));
		(void)sot_map_set(w->by_key, key, strlen(key), &w->beats[i]);
	}
}

static void arrive(world *w, sot_str frame)
{
	cat_read_tree tree;
	sot_err err;
	sot_arena_reset(w->memory);
	if (cat_read_frame(frame, w->memory, &tree, &err) != SOT_OK)
		fail_msg("%s", err.text);
	cat_verdict v = cat_accept_tree(w->server, &tree, w->now_unix_ms);
	if (v != CAT_ACCEPTED)
		fail_msg("the server drops %.*s of %.*s at %lld: %s", SOT_ARG(tree.messages[0].type),
		    SOT_ARG(tree.header[CAT_READ_ADDRESS]), (long long)w->now_unix_ms, cat_verdict_name(v));
	w->delivered++;
	sot_str address = tree.header[CAT_READ_ADDRESS];
	unsigned *beats = sot_map_get(w->by_key, address.p, address.n);
	for (size_t i = 0; beats && i < tree.count; i++) {
		if (tree.messages[i].letter == 'H' &&
		    tree.messages[i].at_unix_ms / MINUTE_MS == w->beats_minute)
			(*beats)++;
	}
}

/* Takes up to so many bytes; the connection may break inside a frame. */
static void send_some(process *p, size_t bytes, bool breaks)
{
	static char bytes_of[SEND_MAX + CAT_FRAME_MAX], rest[CAT_FRAME_MAX];
	world *w = p->world;
	struct iovec pieces[2];
	size_t n = 0, rest_n, at = 0;
	int count = frame_queue_peek(p->queue, bytes, wall_of(p).unix_ms, pieces);
	for (int i = 0; i < count; i++) {
		memcpy(bytes_of + n, pieces[i].iov_base, pieces[i].iov_len);
		n += pieces[i].iov_len;
	}
	size_t taken = breaks && n > 0 ? (size_t)sot_rand_below(&w->rand, n) : n;
	frame_queue_take(p->queue, taken, rest, &rest_n);
	for (;;) {
		size_t size;
		sot_str left = {bytes_of + at, taken - at};
		assert_int_equal(cat_read_frame_size(left, &size, NULL), SOT_OK);
		if (size == 0)
			break;
		arrive(w, (sot_str){left.p, size});
		at += size;
	}
	if (rest_n > 0) { /* half a frame: never continued on the next connection */
		assert_true(at < taken);
		w->cut++;
		w->quiet_since_unix_ms = w->now_unix_ms;
		p->is_connected = false;
	}
}

/* ---- one second ---- */

static void renew(process *p)
{
	world *w = p->world;
	share_member *row = &w->members[p->number];
	share_member list[BRIDGES];
	size_t count = 0;
	if (!w->is_member[p->number] || p->begins || row->lease_until_unix_ms <= w->now_unix_ms)
		row->joined_unix_ms = w->now_unix_ms;
	row->number = p->number;
	row->address = 0x0a000001 + p->number;
	row->lease_until_unix_ms = w->now_unix_ms + LEASE_MS;
	w->is_member[p->number] = true;
	p->begins = false;
	for (size_t i = 0; i < BRIDGES; i++) {
		if (w->is_member[i])
			list[count++] = w->members[i];
	}
	monitor_share_view(p->m, p->number, list, count, (sot_wall){w->now_unix_ms});
	p->correction_ms = p->skew_ms >= -1000 && p->skew_ms <= 1000 ? 0 : -p->skew_ms;
	if (!p->has_joined)
		monitor_boot(p->m, wall_of(p));
	p->has_joined = true;
}

/* Some calls of the last ten seconds, one of them failed after a while: it began before the report,
 * now and then in an hour that is over. */
static void report_calls(process *p)
{
	SOT_AUTO(sot_calls) calls = sot_calls_new(4);
	int64_t took_us = (int64_t)sot_rand_below(&p->world->rand, 60) * 1000000;
	sot_calls_note(calls, SOT_STR("start"), 300000);
	sot_calls_note_failure(calls, SOT_STR("pull"), took_us, "http-500", wall_of(p));
	monitor_host_calls(p->m, 0x0a010001, calls);
	sot_calls_clear(calls);
	sot_calls_note(calls, SOT_STR("shop"), 2000);
	monitor_checks(p->m, "shop-default-01", 0x0a420001, calls);
}

static void report(process *p)
{
	report_calls(p);
	for (unsigned i = 0; i < p->world->hosts; i++) {
		host_figures f = {.address = 0x0a010001 + i, .cpu_cores = 4, .load1_milli = 500};
		(void)snprintf(f.name, sizeof(f.name), "node-%u", i + 1);
		(void)monitor_host_report(p->m, &f, wall_of(p));
	}
	for (unsigned i = 0; i < p->world->instances; i++) {
		instance_figures f = {.address = 0x0a420001 + i,
		    .running = true,
		    .app = "shop",
		    .checks_ok = 2,
		    .check_ms_sum = 9};
		(void)key_of_instance(i, f.name);
		monitor_instance_report(p->m, &f, wall_of(p));
	}
}

/* An operation of up to two hours ended; the database gives the event to one bridge that leads. */
static void end_operation(world *w)
{
	char fields[] = "kind\x1fscale\x1enew.state\x1f"
	                "done";
	char steps[200];
	uint8_t entropy[16];
	int64_t length_ms = (int64_t)sot_rand_below(&w->rand, 7200000);
	sot_rand_fill(&w->rand, entropy, sizeof(entropy));
	int n = snprintf(steps, sizeof(steps),
	    "place\x1fshop-default-01\x1f\x1f"
	    "done\x1f%lld\x1f%lld\x1f\x1estart\x1fshop-default-01\x1fnode-1\x1f"
	    "done\x1f%lld\x1f%lld\x1f",
	    (long long)(w->now_unix_ms - length_ms), (long long)(w->now_unix_ms - length_ms / 2),
	    (long long)(w->now_unix_ms - length_ms / 2), (long long)w->now_unix_ms);
	const monitor_event event = {.at_unix_ms = w->now_unix_ms,
	    .kind = SOT_STR("operation.state"),
	    .subject = SOT_STR("shop"),
	    .app = SOT_STR("shop"),
	    .operation_id = sot_uuid_v7((sot_wall){w->now_unix_ms - length_ms}, entropy),
	    .fields = {fields, sizeof(fields) - 1},
	    .steps = {steps, (size_t)n}};
	w->events_made++;
	for (size_t i = 0; i < BRIDGES; i++) {
		process *p = &w->processes[i];
		if (!p->is_alive || !monitor_leads(p->m))
			continue;
		monitor_take_event(p->m, &event, wall_of(p));
		w->events_taken++;
		return;
	}
}

static void disturb(world *w)
{
	process *p = &w->processes[sot_rand_below(&w->rand, BRIDGES)];
	static const int64_t jumps_ms[] = {-900000, -20000, -3000, 3000, 20000, 900000};
	switch (sot_rand_below(&w->rand, 5)) {
	case 0:
		kill_process(p);
		break;
	case 1: /* the server dies, or is back */
		w->server_is_up = !w->server_is_up;
		for (size_t i = 0; i < BRIDGES; i++) {
			w->processes[i].is_connected = false;
		}
		break;
	case 2: /* the router: another list of servers (another connection, between two frames), and a
	           wish */
		p->is_connected = false;
		if (p->is_alive)
			monitor_set_sample(p->m, sot_rand_below(&w->rand, 2) ? 1.0 : 0.25);
		break;
	case 3: /* clocks need NTP; while they are wrong CAT is there, see README */
		if (w->server_is_up)
			p->skew_ms = jumps_ms[sot_rand_below(&w->rand, 6)];
		break;
	default:
		p->skew_ms = 0;
		break;
	}
	w->quiet_since_unix_ms = w->now_unix_ms;
}

static void calm_down(world *w)
{
	w->server_is_up = true;
	for (size_t i = 0; i < BRIDGES; i++) {
		process *p = &w->processes[i];
		p->skew_ms = 0;
		if (!p->is_alive)
			start(p);
	}
}

static void step(process *p, int64_t second)
{
	const bridge_figures usage = {.produced = p->world->made};
	if (!p->is_alive)
		return;
	if (second % 2 == p->number % 2)
		renew(p);
	if (second % 10 == 3)
		report(p);
	monitor_tick(p->m, &usage, wall_of(p));
	frame_queue_expire(p->queue, wall_of(p).unix_ms);
	if (!p->world->server_is_up)
		return;
	if (!p->is_connected)
		p->is_connected = sot_rand_below(&p->world->rand, 3) == 0; /* back-off */
	bool breaks = p->world->is_troubled && sot_rand_below(&p->world->rand, 100) == 0;
	if (p->is_connected)
		send_some(p, 1 + (size_t)sot_rand_below(&p->world->rand, SEND_MAX), breaks);
}

static void end_minute(world *w)
{
	bool alive = w->processes[0].is_alive || w->processes[1].is_alive;
	bool quiet =
	    alive && w->server_is_up && w->now_unix_ms - w->quiet_since_unix_ms > 4 * MINUTE_MS;
	for (size_t i = 0; i < w->hosts + w->instances; i++) {
		if (quiet && w->beats[i] != 1)
			fail_msg("machine %zu had %u heartbeats in the quiet minute before %lld", i,
			    w->beats[i], (long long)w->now_unix_ms);
		w->beats[i] = 0;
	}
	w->quiet_minutes += quiet;
	w->beats_minute = w->now_unix_ms / MINUTE_MS;
}

static void live_a_day(world *w)
{
	for (int64_t second = 0; second < DAY_S; second++, w->now_unix_ms += 1000) {
		int64_t in_cycle = second % 3000; /* half an hour of trouble, then twenty quiet minutes */
		w->is_troubled = in_cycle < 1800;
		if (w->now_unix_ms % MINUTE_MS == 0)
			end_minute(w);
		if (in_cycle == 1800)
			calm_down(w);
		if (w->is_troubled && sot_rand_below(&w->rand, 120) == 0)
			disturb(w);
		if (w->is_troubled && sot_rand_below(&w->rand, 200) == 0) {
			process *p = &w->processes[sot_rand_below(&w->rand, BRIDGES)];
			if (!p->is_alive)
				start(p);
		}
		if (second % 11 == 0)
			end_operation(w);
		for (size_t i = 0; i < BRIDGES; i++)
			step(&w->processes[i], second);
	}
}

static void check_books(world *w)
{
	uint64_t expired = 0, overflowed = 0;
	for (size_t i = 0; i < BRIDGES; i++) {
		kill_process(&w->processes[i]);
		expired += w->processes[i].gone.expired;
		overflowed += w->processes[i].gone.overflowed;
	}
	printf("made %llu: arrived %llu, expired %llu, pushed out %llu, cut %llu, killed %llu; events "
	       "%llu, "
	       "told %llu; quiet minutes %llu\n",
	    (unsigned long long)w->made, (unsigned long long)w->delivered, (unsigned long long)expired,
	    (unsigned long long)overflowed, (unsigned long long)w->cut, (unsigned long long)w->killed,
	    (unsigned long long)w->events_made, (unsigned long long)w->events_taken,
	    (unsigned long long)w->quiet_minutes);
	w->expired = expired;
	assert_true(w->made == w->delivered + expired + overflowed + w->cut + w->killed);
}

static world *world_new(unsigned hosts, unsigned instances)
{
	const char *text = getenv("SOT_SEED");
	uint64_t seed;
	sot_err err;
	sot_rand_bytes(&seed, sizeof(seed));
	if (text)
		assert_int_equal(sot_parse_u64(sot_str_c(text), 0, UINT64_MAX, &seed, NULL), SOT_OK);
	printf("SOT_SEED=%llu\n", (unsigned long long)seed);
	world *w = sot_alloc(sizeof(*w));
	sot_rand_seed(&w->rand, seed);
	w->hosts = hosts;
	w->instances = instances;
	name_machines(w);
	w->now_unix_ms = w->quiet_since_unix_ms = BEGIN_UNIX_MS;
	w->server_is_up = true;
	w->server = cat_accept_new();
	w->memory = sot_arena_new(64 << 20);
	w->definitions = definitions_new();
	if (definitions_parse(w->definitions, "default.def", definitions_default(), &err) != SOT_OK)
		fail_msg("%s", err.text);
	for (unsigned i = 0; i < BRIDGES; i++) {
		w->processes[i].world = w;
		w->processes[i].number = i;
		start(&w->processes[i]);
	}
	return w;
}

static void world_free(world *w)
{
	definitions_free(w->definitions);
	sot_arena_free(w->memory);
	cat_accept_free(w->server);
	sot_map_free(w->by_key);
	free(w);
}

static void whatever_happens_the_server_drops_nothing_and_the_books_are_even(void **state)
{
	(void)state;
	world *w = world_new(3, 20);
	live_a_day(w);
	check_books(w);
	assert_true(w->delivered > 20000);
	assert_true(w->quiet_minutes > 300 && w->cut > 0 && w->expired > 0);
	assert_true(w->events_taken > w->events_made / 2);
	world_free(w);
}

/* Over an hour's edge; in each minute after the first ones each machine has exactly one heartbeat,
 * whichever bridge it came from. */
static void a_thousand_hosts_have_one_heartbeat_each_in_every_minute(void **state)
{
	(void)state;
	world *w = world_new(1000, 2000);
	for (int64_t second = 0; second < 15 * 60; second++, w->now_unix_ms += 1000) {
		if (w->now_unix_ms % MINUTE_MS == 0)
			end_minute(w);
		for (size_t i = 0; i < BRIDGES; i++)
			step(&w->processes[i], second);
	}
	assert_true(w->quiet_minutes >= 10);
	check_books(w);
	assert_true(w->delivered > 10 * 3000);
	assert_true(w->made == w->delivered + w->killed);
	world_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(whatever_happens_the_server_drops_nothing_and_the_books_are_even),
	    cmocka_unit_test(a_thousand_hosts_have_one_heartbeat_each_in_every_minute),
	};
	return cmocka_run_group_tests_name("day", tests, NULL, NULL);
}
