/* Several bridges: in no minute has a machine two senders, whatever dies, joins, pauses or looks
 * late; with all well it has one; a dead bridge's machines have one again in the next minute. */
#include "share.h"

#include "sot_parse.h"
#include "sot_rand.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define BRIDGES 5
#define KEYS 40
#define MINUTE INT64_C(60000)
#define LEASE INT64_C(10000)

static sot_str key_of(unsigned i, char dst[static 16])
{
	int n = snprintf(dst, 16, "shop-%u", i);
	return (sot_str){dst, (size_t)n};
}

/* The table of the database, as monitor.renew keeps it. */
typedef struct table {
	share_member rows[BRIDGES];
	bool is_there[BRIDGES];
} table;

static void renew(table *t, unsigned number, int64_t now_unix_ms, bool begins)
{
	share_member *row = &t->rows[number];
	if (!t->is_there[number] || begins || row->lease_until_unix_ms <= now_unix_ms)
		row->joined_unix_ms = now_unix_ms;
	row->number = number;
	row->address = 0x0a000001 + number;
	row->lease_until_unix_ms = now_unix_ms + LEASE;
	t->is_there[number] = true;
}

static void look(const table *t, share *s, unsigned own, int64_t now_unix_ms)
{
	share_member list[BRIDGES];
	size_t count = 0;
	for (unsigned i = 0; i < BRIDGES; i++) {
		if (t->is_there[i])
			list[count++] = t->rows[i];
	}
	share_take_view(s, own, list, count, now_unix_ms);
}

/* The first key that is bridge 0's when both are there. */
static sot_str key_of_bridge_0(char dst[static 16])
{
	const share_member both[] = {{0, 1, 1, 999 * MINUTE}, {1, 2, 1, 999 * MINUTE}};
	share s = {.own = 0};
	share_take_view(&s, 0, both, 2, 10 * MINUTE + 6000);
	unsigned k = 0;
	while (!share_owns(&s, key_of(k, dst)))
		k++;
	return key_of(k, dst);
}

/* Which of the minutes 11 to 15 have no sender at second 9 for what is bridge 0's, as bits, when it
 * dies then and looks every half second, as the other does. */
static unsigned minutes_lost(int64_t lease_ms, int64_t death_unix_ms)
{
	table t = {.is_there = {false}};
	share s[2] = {{.own = 0}, {.own = 1}};
	char key[16];
	sot_str machine = key_of_bridge_0(key);
	unsigned lost = 0;
	for (int64_t at = 9 * MINUTE; at < 16 * MINUTE; at += 250) {
		unsigned senders = 0;
		for (unsigned i = at < death_unix_ms ? 0 : 1; i < 2; i++) {
			if (at % 500 == 0) {
				renew(&t, i, at, false);
				t.rows[i].lease_until_unix_ms = at + lease_ms;
				look(&t, &s[i], i, at);
			}
			senders += share_is_decided(&s[i], at / MINUTE) && share_owns(&s[i], machine);
		}
		if (at >= 11 * MINUTE && at % MINUTE == 9000) {
			assert_true(senders < 2);
			lost |= (senders == 0 ? 1u : 0u) << (at / MINUTE - 11);
		}
	}
	return lost;
}

/* A death costs one minute at most: the one that it happens in, or, when the lease still reaches
 * over the next decision, the next. With a lease of no more than 5 s that cannot be. */
static void a_death_costs_one_minute_at_most_and_a_short_lease_never_the_next(void **state)
{
	(void)state;
	unsigned next_lost = 0;
	for (int64_t after_ms = 0; after_ms < MINUTE; after_ms += 250) {
		unsigned of_short = minutes_lost(5000, 11 * MINUTE + after_ms);
		unsigned of_long = minutes_lost(10000, 11 * MINUTE + after_ms);
		bool dies_unsent = after_ms <= 9000;
		assert_true(of_short == 0 || (of_short == 1 && dies_unsent));
		assert_true(of_long == 0 || (of_long == 1 && dies_unsent) || of_long == 2);
		assert_true(of_long != 2 || after_ms > 55000);
		next_lost += of_long == 2;
	}
	assert_int_equal(
	    next_lost, 17); /* those that renewed at 55.5 s or later, each quarter of a second */
}

static void one_bridge_owns_everything_from_its_first_whole_minute_on(void **state)
{
	(void)state;
	table t = {.is_there = {false}};
	share s = {.own = 0};
	char key[16];
	renew(&t, 0, 10 * MINUTE + 7000, true);
	look(&t, &s, 0, 10 * MINUTE + 7000);
	assert_false(share_owns(&s, key_of(1, key))); /* joined after second 5 */
	assert_true(share_takes_events(&s));
	for (int64_t at = 10 * MINUTE + 9000; at <= 11 * MINUTE + 5000; at += 2000) {
		renew(&t, 0, at, false);
		look(&t, &s, 0, at);
	}
	assert_false(share_is_decided(&s, 11));
	renew(&t, 0, 11 * MINUTE + 5001, false);
	look(&t, &s, 0, 11 * MINUTE + 5001);
	assert_true(share_is_decided(&s, 11));
	for (unsigned i = 0; i < KEYS; i++)
		assert_true(share_owns(&s, key_of(i, key)));
	assert_true(share_leads(&s));
}

static void who_was_alone_goes_on_without_the_database_and_who_was_not_stops(void **state)
{
	(void)state;
	for (unsigned others = 0; others < 2; others++) {
		table t = {.is_there = {false}};
		share s = {.own = 0};
		for (int64_t at = 10 * MINUTE; at < 11 * MINUTE + 8000; at += 1000) {
			renew(&t, 0, at, false);
			if (others)
				renew(&t, 1, at, false);
			look(&t, &s, 0, at);
		}
		share_lost_database(&s);
		assert_int_equal(share_is_decided(&s, 12), others == 0);
		assert_false(share_takes_events(&s));
	}
}

static void of_two_bridges_at_one_address_one_has_its_page(void **state)
{
	(void)state;
	share a = {.own = 0}, b = {.own = 1};
	const share_member both[] = {{0, 7, 1, 999 * MINUTE}, {1, 7, 1, 999 * MINUTE}};
	share_take_view(&a, 0, both, 2, 10 * MINUTE + 6000);
	share_take_view(&b, 1, both, 2, 10 * MINUTE + 6000);
	assert_true(share_owns_address(&a));
	assert_false(share_owns_address(&b));
	assert_true(share_takes_events(&a));
	assert_false(share_takes_events(&b));
}

/* When one of N leaves, only its own keys move. */
static void a_leaving_bridge_moves_only_its_own_machines(void **state)
{
	(void)state;
	share_member all[3] = {
	    {0, 1, 1, 999 * MINUTE}, {1, 2, 1, 999 * MINUTE}, {2, 3, 1, 999 * MINUTE}};
	share s[3] = {{.own = 0}, {.own = 1}, {.own = 2}};
	unsigned before[KEYS], parts[3] = {0};
	char key[16];
	for (unsigned i = 0; i < 3; i++)
		share_take_view(&s[i], i, all, 3, 10 * MINUTE + 6000);
	for (unsigned k = 0; k < KEYS; k++) {
		for (unsigned i = 0; i < 3; i++) {
			if (share_owns(&s[i], key_of(k, key)))
				before[k] = i;
		}
		parts[before[k]]++;
	}
	assert_true(parts[0] > 3 && parts[1] > 3 && parts[2] > 3);
	for (unsigned i = 0; i < 2; i++)
		share_take_view(&s[i], i, all, 2, 11 * MINUTE + 6000);
	for (unsigned k = 0; k < KEYS; k++) {
		if (before[k] < 2)
			assert_true(share_owns(&s[before[k]], key_of(k, key)));
	}
}

typedef struct bridge_model {
	share share;
	bool is_alive, begins;
	int64_t next_look_unix_ms;
	bool sent[KEYS]; /* in this minute */
} bridge_model;

typedef struct world {
	table table;
	bridge_model bridges[BRIDGES];
	sot_rand rand;
	int64_t now_unix_ms;
	unsigned quiet_minutes; /* with nothing happening */
} world;

static void step_bridge(world *w, unsigned i)
{
	bridge_model *b = &w->bridges[i];
	char key[16];
	if (!b->is_alive)
		return;
	if (w->now_unix_ms >= b->next_look_unix_ms) {
		renew(&w->table, i, w->now_unix_ms, b->begins);
		look(&w->table, &b->share, i, w->now_unix_ms);
		b->begins = false;
		b->next_look_unix_ms = w->now_unix_ms + 1500 + (int64_t)sot_rand_below(&w->rand, 1500);
	}
	int64_t minute = w->now_unix_ms / MINUTE, second = w->now_unix_ms / 1000 % 60;
	if (second < 5 || second > 50 || !share_is_decided(&b->share, minute))
		return;
	for (unsigned k = 0; k < KEYS; k++) {
		if (!share_owns(&b->share, key_of(k, key)))
			continue;
		for (unsigned other = 0; other < BRIDGES; other++) {
			if (other != i && w->bridges[other].sent[k])
				fail_msg("key %u has two senders, %u and %u, at minute %lld second %lld", k, other,
				    i, (long long)minute, (long long)second);
		}
		b->sent[k] = true;
	}
}

/* Dies, comes back, or is held still for up to a minute and a half: then it knows old things. */
static void disturb(world *w)
{
	bridge_model *b = &w->bridges[sot_rand_below(&w->rand, BRIDGES)];
	switch (sot_rand_below(&w->rand, 3)) {
	case 0:
		b->is_alive = false;
		break;
	case 1:
		if (!b->is_alive)
			*b = (bridge_model){.is_alive = true, .begins = true};
		break;
	default:
		b->next_look_unix_ms = w->now_unix_ms + (int64_t)sot_rand_below(&w->rand, 90000);
		break;
	}
	w->quiet_minutes = 0;
}

static void end_minute(world *w)
{
	bool alive = false;
	for (unsigned i = 0; i < BRIDGES; i++)
		alive |= w->bridges[i].is_alive;
	for (unsigned k = 0; k < KEYS; k++) {
		bool sent = false;
		for (unsigned i = 0; i < BRIDGES; i++) {
			sent |= w->bridges[i].sent[k];
			w->bridges[i].sent[k] = false;
		}
		/* One minute may be lost to a death; a pause is over and its lease renewed in the third. */
		if (alive && w->quiet_minutes >= 3 && !sent)
			fail_msg("key %u has no sender", k);
	}
	w->quiet_minutes++;
}

static void no_minute_ever_has_two_senders_and_quiet_ones_have_one(void **state)
{
	(void)state;
	const char *text = getenv("SOT_SEED");
	uint64_t seed;
	sot_rand_bytes(&seed, sizeof(seed));
	if (text)
		assert_int_equal(sot_parse_u64(sot_str_c(text), 0, UINT64_MAX, &seed, NULL), SOT_OK);
	printf("SOT_SEED=%llu\n", (unsigned long long)seed);
	world *w = calloc(1, sizeof(*w));
	assert_non_null(w);
	sot_rand_seed(&w->rand, seed);
	w->now_unix_ms = 1000 * MINUTE;
	for (int64_t end = w->now_unix_ms + 500 * MINUTE; w->now_unix_ms < end; w->now_unix_ms += 250) {
		if (w->now_unix_ms % MINUTE == 0)
			end_minute(w);
		bool calm = w->now_unix_ms / MINUTE / 6 % 2;
		if (!calm && sot_rand_below(&w->rand, 60) == 0)
			disturb(w);
		for (unsigned i = 0; i < BRIDGES; i++)
			step_bridge(w, i);
	}
	free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(one_bridge_owns_everything_from_its_first_whole_minute_on),
	    cmocka_unit_test(who_was_alone_goes_on_without_the_database_and_who_was_not_stops),
	    cmocka_unit_test(of_two_bridges_at_one_address_one_has_its_page),
	    cmocka_unit_test(a_leaving_bridge_moves_only_its_own_machines),
	    cmocka_unit_test(a_death_costs_one_minute_at_most_and_a_short_lease_never_the_next),
	    cmocka_unit_test(no_minute_ever_has_two_senders_and_quiet_ones_have_one),
	};
	return cmocka_run_group_tests_name("share", tests, NULL, NULL);
}
