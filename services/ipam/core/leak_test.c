/* Leaks on a virtual clock: what goes, when, and what never does. SOT_SEED=n replays one world. */
#include "leak.h"
#include "sot_parse.h"
#include "sot_rand.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { INTERVAL = 900000, MARGIN = 5000, RUN = 300000, START = 10000000, MAX = 64 };

static const sot_uuid host = {{1}}, subnet = {{2}}, small_subnet = {{3}};

/* A database of cases and the clock that runs it. */
typedef struct world {
	int64_t now;
	leak_case cases[MAX];
	size_t count;
	leak_rules rules;
	leak_totals totals;
} world;

static world world_of(size_t count, sot_uuid of, uint64_t size)
{
	world w = {.now = START, .count = count, .rules = {INTERVAL, MARGIN, false}};
	for (size_t i = 0; i < count; i++)
		w.cases[i] = (leak_case){.address = sot_ip_from_v4(0x0a000000 + (uint32_t)i),
		    .generation = 1,
		    .subnet = of,
		    .subnet_size = size,
		    .row_updated_unix_ms = START - 60000,
		    .host = host,
		    .host_exists = true};
	return w;
}

/* One run of the collection at the present time; observations are written as SQL does. */
static void run(world *w)
{
	leak_plan(w->cases, w->count, &w->rules, w->now, &w->totals);
	if (w->totals.brakes)
		w->rules.is_braked = true;
	for (size_t i = 0; i < w->count; i++) {
		leak_case *c = &w->cases[i];
		if (!c->observe)
			continue;
		if (c->begins_anew)
			c->observations = 0;
		if (c->begins_anew)
			c->seen_unix_ms = c->silent_unix_ms = 0;
		if (c->observations++ == 0)
			c->first_unix_ms = w->now;
		c->last_unix_ms = w->now;
	}
}

static void report(world *w)
{
	for (size_t i = 0; i < w->count; i++)
		w->cases[i].report_taken_unix_ms = w->cases[i].report_received_unix_ms = w->now;
}

static void probe(world *w)
{
	for (size_t i = 0; i < w->count; i++) {
		if (w->cases[i].wants_probe)
			w->cases[i].silent_unix_ms = w->now;
	}
}

/* Runs every five minutes, with reports and silent probes between, until the given time passed. */
static void live(world *w, int64_t for_ms)
{
	int64_t end = w->now + for_ms;
	while (w->now < end) {
		run(w);
		w->now += RUN / 2;
		report(w);
		probe(w);
		w->now += RUN / 2;
	}
}

static void a_leak_goes_after_two_observations_a_report_and_a_silent_probe(void **state)
{
	(void)state;
	world w = world_of(1, subnet, 1000);
	live(&w, INTERVAL);
	assert_int_equal(w.cases[0].verdict, LEAK_WAIT);
	assert_string_equal(w.cases[0].why, "its owner is gone; observed once");
	live(&w, RUN);
	assert_int_equal(w.cases[0].verdict, LEAK_FREE);
	assert_int_equal(w.totals.free, 1);
	assert_true(w.now - START <= 20 * 60000);
}

static void without_a_probe_or_a_newer_report_nothing_goes(void **state)
{
	(void)state;
	world w = world_of(1, subnet, 1000);
	run(&w);
	assert_true(w.cases[0].wants_probe);
	w.cases[0].report_taken_unix_ms = START;
	w.cases[0].report_received_unix_ms = START + LEAK_SETTLE_MS - 1;
	w.now += INTERVAL;
	w.cases[0].silent_unix_ms = w.now;
	run(&w);
	assert_int_equal(w.cases[0].verdict, LEAK_WAIT);
	assert_string_equal(w.cases[0].why, "its host has not reported since");
	report(&w);
	w.cases[0].silent_unix_ms = 0;
	run(&w);
	assert_int_equal(w.cases[0].verdict, LEAK_WAIT);
	assert_string_equal(w.cases[0].why, "no host has probed it yet");
	w.cases[0].silent_unix_ms = START; /* before it was observed */
	run(&w);
	assert_int_equal(w.cases[0].verdict, LEAK_WAIT);
	w.cases[0].silent_unix_ms = w.now;
	run(&w);
	assert_int_equal(w.cases[0].verdict, LEAK_FREE);
	w.now += 2 * INTERVAL + 1; /* too old to rely on */
	run(&w);
	assert_int_equal(w.cases[0].verdict, LEAK_WAIT);
	assert_true(w.cases[0].wants_probe);
}

static void a_report_that_is_not_newer_than_the_row_frees_nothing(void **state)
{
	(void)state;
	world w = world_of(1, subnet, 1000);
	run(&w);
	w.now += INTERVAL;
	report(&w);
	w.cases[0].silent_unix_ms = w.now;
	w.cases[0].row_updated_unix_ms = w.now - MARGIN;
	run(&w);
	assert_int_equal(w.cases[0].verdict, LEAK_WAIT);
	w.cases[0].row_updated_unix_ms--;
	run(&w);
	assert_int_equal(w.cases[0].verdict, LEAK_FREE);
}

static void evidence_against_it_or_none_at_all_makes_it_suspect(void **state)
{
	(void)state;
	world w = world_of(4, subnet, 1000);
	w.cases[1].host_exists = false;
	w.cases[3].host = (sot_uuid){{0}};
	run(&w);
	w.cases[0].seen_unix_ms = w.now + 1;
	assert_int_equal(w.totals.suspect, 0);
	w.now += INTERVAL;
	for (size_t i = 0; i < w.count; i++)
		w.cases[i].silent_unix_ms = w.now;
	run(&w);
	assert_string_equal(w.cases[0].why, "its owner is gone, and somebody uses it");
	assert_string_equal(w.cases[1].why, "its host is retired: nobody can tell");
	assert_string_equal(w.cases[2].why, "its host has never reported: nobody can tell");
	assert_int_equal(w.totals.suspect, 3);
	assert_int_equal(w.cases[3].verdict, LEAK_FREE); /* never bound: no host to ask */
}

static void a_suspect_row_goes_when_nobody_uses_it_any_more(void **state)
{
	(void)state;
	world w = world_of(3, subnet, 1000);
	for (size_t i = 0; i < w.count; i++)
		w.cases[i].is_suspect = true;
	w.cases[1].host_exists = false; /* nobody can tell */
	for (int64_t end = w.now + 3 * INTERVAL; w.now < end;) {
		live(&w, RUN);
		w.cases[2].seen_unix_ms = w.now; /* in use all the time */
		assert_int_not_equal(w.cases[2].verdict, LEAK_FREE);
	}
	assert_int_equal(w.cases[0].verdict, LEAK_FREE);
	assert_int_equal(w.cases[1].verdict, LEAK_WAIT);
	assert_string_equal(w.cases[1].why, "its host is retired: nobody can tell");
	assert_false(w.cases[1].wants_probe);
	assert_int_equal(w.totals.suspect, 0);
	live(&w, RUN); /* the last sight begins the observation anew */
	assert_int_equal(w.cases[2].verdict, LEAK_WAIT);
	live(&w, INTERVAL - RUN);
	assert_int_equal(w.cases[2].verdict, LEAK_WAIT);
	live(&w, 2 * RUN);
	assert_int_equal(w.cases[2].verdict, LEAK_FREE);
}

static void more_than_one_percent_of_a_subnet_is_held(void **state)
{
	(void)state;
	world two = world_of(2, subnet, 254), three = world_of(3, subnet, 254);
	world one = world_of(1, small_subnet, 6);
	live(&two, INTERVAL + RUN);
	assert_int_equal(two.totals.free, 2);
	live(&one, INTERVAL + RUN);
	assert_int_equal(one.totals.free, 1);
	live(&three, INTERVAL + RUN);
	assert_int_equal(three.totals.free, 0);
	assert_int_equal(three.totals.held, 3);
	assert_true(three.totals.brakes);
	assert_string_equal(
	    three.totals.reason, "3 addresses of a subnet of 254 would be freed at once; 2 may be");
}

static void more_than_twenty_at_once_are_held_until_an_operator_lets_them_go(void **state)
{
	(void)state;
	world w = world_of(22, subnet, 65534);
	live(&w, INTERVAL + RUN);
	assert_true(w.totals.brakes);
	assert_int_equal(w.totals.held, 22);
	live(&w, RUN);
	assert_false(w.totals.brakes); /* it was engaged before */
	assert_int_equal(w.totals.held, 22);
	w.rules.is_braked = false;
	for (size_t i = 0; i < 21; i++)
		w.cases[i].is_released = true;
	w.cases[5].seen_unix_ms = w.now; /* the evidence is looked at again */
	live(&w, RUN);
	assert_int_equal(w.totals.free, 21); /* 20 released ones, and one within the limits */
	assert_int_equal(w.cases[5].verdict, LEAK_SUSPECT);
	assert_false(w.totals.brakes);
}

/* What is really used is reported by its host or answers a probe; then it never goes. */
static void what_somebody_uses_is_never_freed(void **state)
{
	(void)state;
	uint64_t seed = 1;
	const char *fixed = getenv("SOT_SEED");
	if (fixed)
		assert_int_equal(sot_parse_u64(sot_str_c(fixed), 0, UINT64_MAX, &seed, NULL), SOT_OK);
	size_t freed = 0;
	for (uint64_t end = fixed ? seed + 1 : 300; seed < end; seed++) {
		sot_rand rand;
		sot_rand_seed(&rand, seed);
		world w = world_of(8, subnet, 65534);
		bool used[8];
		for (size_t i = 0; i < 8; i++) {
			used[i] = sot_rand_u64(&rand) % 2;
			w.cases[i].is_suspect = i % 4 == 3;
		}
		for (int step = 0; step < 200; step++) {
			w.now += (int64_t)(sot_rand_u64(&rand) % RUN);
			leak_case *c = &w.cases[sot_rand_u64(&rand) % 8];
			size_t index = (size_t)(c - w.cases);
			switch (sot_rand_u64(&rand) % 4) {
			case 0:
				if (used[index] && c->observations > 0)
					c->seen_unix_ms = w.now;
				c->report_taken_unix_ms = c->report_received_unix_ms = w.now;
				break;
			case 1:
				if (!c->wants_probe)
					break;
				if (used[index])
					c->seen_unix_ms = w.now;
				else
					c->silent_unix_ms = w.now;
				break;
			default:
				run(&w);
				break;
			}
			for (size_t i = 0; i < 8; i++) {
				if (w.cases[i].verdict == LEAK_FREE && used[i])
					fail_msg("freed in use; SOT_SEED=%llu", (unsigned long long)seed);
				freed += w.cases[i].verdict == LEAK_FREE;
			}
		}
	}
	assert_true(fixed || freed > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_leak_goes_after_two_observations_a_report_and_a_silent_probe),
	    cmocka_unit_test(without_a_probe_or_a_newer_report_nothing_goes),
	    cmocka_unit_test(a_report_that_is_not_newer_than_the_row_frees_nothing),
	    cmocka_unit_test(evidence_against_it_or_none_at_all_makes_it_suspect),
	    cmocka_unit_test(a_suspect_row_goes_when_nobody_uses_it_any_more),
	    cmocka_unit_test(more_than_one_percent_of_a_subnet_is_held),
	    cmocka_unit_test(more_than_twenty_at_once_are_held_until_an_operator_lets_them_go),
	    cmocka_unit_test(what_somebody_uses_is_never_freed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
