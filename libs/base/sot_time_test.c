/* Time texts, ids, randomness, state machines: the small pure things. */
#include "sot_time.h"

#include "sot_rand.h"
#include "sot_sm.h"
#include "sot_uuid.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void check_wall(int64_t unix_ms, const char *expected)
{
	char text[25];
	assert_string_equal(sot_wall_format((sot_wall){unix_ms}, text), expected);
}

static void wall_times_are_rfc3339_in_utc(void **state)
{
	(void)state;
	check_wall(0, "1970-01-01T00:00:00.000Z");
	check_wall(951782399999, "2000-02-28T23:59:59.999Z");
	check_wall(951782400000, "2000-02-29T00:00:00.000Z");
	check_wall(1795337373120, "2026-11-22T08:49:33.120Z");
	check_wall(253402300799999, "9999-12-31T23:59:59.999Z");
	check_wall(INT64_MAX, "9999-12-31T23:59:59.999Z");
	check_wall(-1, "1970-01-01T00:00:00.000Z");
}

static void a_deadline_is_reached_at_its_instant(void **state)
{
	(void)state;
	sot_mono start = {1000}, deadline = sot_mono_add_ms(start, 50);
	assert_false(sot_mono_reached((sot_mono){1049}, deadline));
	assert_true(sot_mono_reached((sot_mono){1050}, deadline));
	assert_true(sot_mono_diff_ms(deadline, start) == 50);
	assert_true(sot_mono_diff_ms(sot_mono_now(), sot_mono_now()) <= 0);
}

static void ids_sort_by_creation_time_and_carry_version_and_variant(void **state)
{
	(void)state;
	uint8_t ones[16], zeros[16] = {0};
	memset(ones, 0xff, sizeof(ones));
	sot_uuid earlier = sot_uuid_v7((sot_wall){1645557742000}, ones);
	sot_uuid later = sot_uuid_v7((sot_wall){1645557742001}, zeros);
	assert_true(sot_uuid_cmp(earlier, later) < 0);
	char text[SOT_UUID_TEXT];
	/* The time of RFC 9562, appendix A.6. */
	assert_string_equal(sot_uuid_format(earlier, text), "017f22e2-79b0-7fff-bfff-ffffffffffff");
	assert_string_equal(sot_uuid_format(later, text), "017f22e2-79b1-7000-8000-000000000000");
}

static void an_id_survives_its_text_and_bad_texts_are_refused(void **state)
{
	(void)state;
	sot_uuid id = {{0}}, parsed = {{0}};
	char text[SOT_UUID_TEXT];
	assert_true(sot_uuid_is_zero(id));
	sot_rand r;
	sot_rand_seed(&r, 3);
	sot_rand_fill(&r, id.b, sizeof(id.b));
	assert_int_equal(sot_uuid_parse(sot_str_c(sot_uuid_format(id, text)), &parsed, NULL), SOT_OK);
	assert_true(sot_uuid_eq(id, parsed));
	static const char *const bad[] = {"", "017f22e279b07fffbfffffffffffffff",
	    "017f22e2-79b0-7fff-bfff-fffffffffff", "017f22e2-79b0-7fff-bfff-fffffffffffff",
	    "017f22e2-79b0-7fff-bfff_ffffffffffff", "017f22e2-79b0-7fff-bfff-fffffffffffg",
	    "{17f22e2-79b0-7fff-bfff-ffffffffffff"};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(sot_uuid_parse(sot_str_c(bad[i]), &parsed, NULL), SOT_INVALID);
	assert_true(sot_uuid_eq(id, parsed));
}

static void a_seed_gives_the_published_sequence(void **state)
{
	(void)state;
	/* xoshiro256** with state 1 2 3 4, as in the reference implementation's test vectors. */
	sot_rand r = {{1, 2, 3, 4}};
	assert_true(sot_rand_u64(&r) == 11520u);
	assert_true(sot_rand_u64(&r) == 0u);
	assert_true(sot_rand_u64(&r) == 1509978240u);
	assert_true(sot_rand_u64(&r) == 1215971899390074240u);
}

static void bounded_numbers_reach_every_value_and_no_other(void **state)
{
	(void)state;
	sot_rand r;
	sot_rand_seed(&r, 1);
	unsigned seen[7] = {0};
	for (int i = 0; i < 7000; i++)
		seen[sot_rand_below(&r, 7)]++;
	for (int i = 0; i < 7; i++)
		assert_in_range(seen[i], 850, 1150);
	assert_true(sot_rand_below(&r, 1) == 0);
}

enum { STATE_NEW, STATE_RUNNING, STATE_GONE, STATE_COUNT };

static void only_edges_of_the_table_are_allowed(void **state)
{
	(void)state;
	static const sot_sm_state table[STATE_COUNT] = {
	    [STATE_NEW] = {"new", SOT_SM_BIT(STATE_RUNNING), false},
	    [STATE_RUNNING] = {"running", SOT_SM_BIT(STATE_GONE), false},
	    [STATE_GONE] = {"gone", 0, true},
	};
	assert_true(sot_sm_may(table, STATE_COUNT, STATE_NEW, STATE_RUNNING));
	assert_true(sot_sm_may(table, STATE_COUNT, STATE_GONE, STATE_GONE));
	assert_false(sot_sm_may(table, STATE_COUNT, STATE_NEW, STATE_GONE));
	assert_false(sot_sm_may(table, STATE_COUNT, STATE_GONE, STATE_NEW));
	assert_false(sot_sm_may(table, STATE_COUNT, 9, 9));
	assert_int_equal(sot_sm_find(table, STATE_COUNT, "gone"), STATE_GONE);
	assert_int_equal(sot_sm_find(table, STATE_COUNT, "went"), -1);
	assert_string_equal(sot_sm_name(table, STATE_COUNT, 9), "?");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(wall_times_are_rfc3339_in_utc),
	    cmocka_unit_test(a_deadline_is_reached_at_its_instant),
	    cmocka_unit_test(ids_sort_by_creation_time_and_carry_version_and_variant),
	    cmocka_unit_test(an_id_survives_its_text_and_bad_texts_are_refused),
	    cmocka_unit_test(a_seed_gives_the_published_sequence),
	    cmocka_unit_test(bounded_numbers_reach_every_value_and_no_other),
	    cmocka_unit_test(only_edges_of_the_table_are_allowed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
