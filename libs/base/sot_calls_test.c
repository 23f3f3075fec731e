/* Classes of durations, counts by kind, failures one by one. */
#include "sot_calls.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void a_class_holds_its_middle_and_is_an_eighth_wide_at_most(void **state)
{
	(void)state;
	for (uint64_t ms = 0; ms < 65536; ms++) {
		unsigned class = sot_call_class(ms);
		uint64_t middle = sot_call_class_ms(class);
		assert_in_range(class, 0, SOT_CALL_CLASSES - 1);
		assert_int_equal(sot_call_class(middle), class);
		uint64_t off = middle > ms ? middle - ms : ms - middle;
		assert_true(off * 8 <= ms);
		assert_true(ms == 0 || class >= sot_call_class(ms - 1));
	}
	assert_int_equal(sot_call_class(UINT64_MAX), SOT_CALL_CLASSES - 1);
}

static void calls_are_counted_by_kind_until_taken(void **state)
{
	SOT_AUTO(sot_calls) c = sot_calls_new(2);
	sot_map_iter it = {0};
	sot_str name;
	(void)state;
	sot_calls_note(c, SOT_STR("start"), 1500);
	sot_calls_note(c, SOT_STR("start"), 2500000);
	sot_calls_note(c, SOT_STR("stop"), -1);
	const sot_call_counts *start = sot_calls_next(c, &it, &name);
	assert_true(sot_str_eq_c(name, "start"));
	assert_int_equal(start->count, 2);
	assert_int_equal(start->us_sum, 2501500);
	assert_int_equal(start->classes[1], 1);
	assert_int_equal(start->classes[sot_call_class(2500)], 1);
	assert_int_equal(sot_calls_next(c, &it, &name)->us_sum, 0);
	assert_null(sot_calls_next(c, &it, &name));
	sot_calls_clear(c);
	assert_true(sot_calls_is_empty(c));
}

static void kinds_past_the_limit_are_one(void **state)
{
	SOT_AUTO(sot_calls) c = sot_calls_new(1);
	(void)state;
	sot_calls_note(c, SOT_STR("a"), 0);
	sot_calls_note(c, SOT_STR("b"), 0);
	sot_calls_note(c, SOT_STR("c"), 0);
	assert_int_equal(sot_calls_of(c, SOT_STR("a"))->count, 1);
	assert_int_equal(sot_calls_of(c, SOT_STR("OTHERS"))->count, 2);
}

static void failures_are_told_one_by_one_and_then_counted(void **state)
{
	SOT_AUTO(sot_calls) c = sot_calls_new(8);
	SOT_AUTO(sot_calls) all = sot_calls_new(8);
	size_t count;
	(void)state;
	for (int i = 0; i < SOT_CALL_FAILURES_MAX + 3; i++)
		sot_calls_note_failure(c, SOT_STR("pull"), 4000, "http-500", (sot_wall){77});
	const sot_call_failure *f = sot_calls_failures(c, &count);
	assert_int_equal(count, SOT_CALL_FAILURES_MAX);
	assert_string_equal(f[0].name, "pull");
	assert_string_equal(f[0].status, "http-500");
	assert_int_equal(f[0].at_unix_ms, 77);
	assert_int_equal(sot_calls_of(c, SOT_STR("pull"))->failed, 3);
	assert_int_equal(sot_calls_of(c, SOT_STR("pull"))->count, 3);
	/* Merged, none is lost and none is doubled. */
	sot_calls_merge(all, c);
	sot_calls_merge(all, c);
	(void)sot_calls_failures(all, &count);
	assert_int_equal(count, SOT_CALL_FAILURES_MAX);
	assert_int_equal(sot_calls_of(all, SOT_STR("pull"))->failed, SOT_CALL_FAILURES_MAX + 6);
	assert_int_equal(
	    sot_calls_of(all, SOT_STR("pull"))->us_sum, 4000 * (SOT_CALL_FAILURES_MAX + 6));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_class_holds_its_middle_and_is_an_eighth_wide_at_most),
	    cmocka_unit_test(calls_are_counted_by_kind_until_taken),
	    cmocka_unit_test(kinds_past_the_limit_are_one),
	    cmocka_unit_test(failures_are_told_one_by_one_and_then_counted),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
