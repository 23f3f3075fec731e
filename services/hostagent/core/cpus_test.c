/* Sets of processors and the choice of the least booked ones. */
#include "cpus.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "sot_mem.h"
#include "sot_rand.h"

static cpus set_of(const char *text)
{
	sot_err err = {0};
	cpus set;
	assert_int_equal(cpus_parse(sot_str_c(text), &set, &err), SOT_OK);
	return set;
}

static void a_list_is_read_and_written_as_the_kernel_does(void **state)
{
	(void)state;
	static const char *const lists[] = {"", "0", "0-3", "0-3,8", "1,3,5-7,1023"};
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		SOT_AUTO_BUF out;
		cpus set = set_of(lists[i]);
		sot_buf_init(&out, 256);
		cpus_format(&set, &out);
		assert_string_equal(out.n > 0 ? out.p : "", lists[i]);
	}
	cpus some = set_of("0-3,8");
	assert_int_equal(cpus_count(&some), 5);
	assert_true(cpus_has(&some, 8) && !cpus_has(&some, 4));
}

static void nonsense_is_refused_with_its_text(void **state)
{
	(void)state;
	static const char *const lists[] = {"a", "1-", "-1", "3-1", "1024", "0,,1", "0-1024", "1 2"};
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		sot_err err = {0};
		cpus set;
		assert_int_equal(cpus_parse(sot_str_c(lists[i]), &set, &err), SOT_INVALID);
	}
}

static void a_share_needs_whole_processors(void **state)
{
	(void)state;
	cpus all = set_of("0-3");
	assert_int_equal(cpus_needed(10, &all), 1);
	assert_int_equal(cpus_needed(1000, &all), 1);
	assert_int_equal(cpus_needed(1001, &all), 2);
	assert_int_equal(cpus_needed(64000, &all), 4);
}

static void the_least_booked_are_chosen(void **state)
{
	(void)state;
	cpus all = set_of("0-3"), two = set_of("0-1"), one = set_of("2"), got, wanted = set_of("1,3");
	static cpus_load load;
	load = (cpus_load){{0}};
	cpus_load_add(&load, &two, 1000);
	cpus_load_add(&load, &one, 900);
	cpus zero = set_of("0");
	cpus_load_add(&load, &zero, 100);
	cpus_choose(&load, &all, 2, &got);
	assert_true(cpus_equal(&got, &wanted));
	assert_true(cpus_within(&got, &all) && !cpus_within(&all, &got));
}

/* Many small instances: no processor carries more than one share above another. */
static void shares_are_spread_evenly(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 50; seed++) {
		static cpus_load load;
		cpus all = set_of("0-5,8");
		sot_rand rand;
		load = (cpus_load){{0}};
		sot_rand_seed(&rand, seed);
		for (int i = 0; i < 100; i++) {
			cpus got;
			uint32_t milli = 100 + (uint32_t)sot_rand_below(&rand, 3000);
			cpus_choose(&load, &all, cpus_needed(milli, &all), &got);
			assert_int_equal(cpus_count(&got), cpus_needed(milli, &all));
			assert_true(cpus_within(&got, &all));
			cpus_load_add(&load, &got, milli);
		}
		uint32_t least = UINT32_MAX, most = 0;
		for (unsigned cpu = 0; cpu < CPUS_MAX; cpu++) {
			if (!cpus_has(&all, cpu))
				continue;
			least = load.milli[cpu] < least ? load.milli[cpu] : least;
			most = load.milli[cpu] > most ? load.milli[cpu] : most;
		}
		assert_true(most - least <= 1000);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_list_is_read_and_written_as_the_kernel_does),
	    cmocka_unit_test(nonsense_is_refused_with_its_text),
	    cmocka_unit_test(a_share_needs_whole_processors),
	    cmocka_unit_test(the_least_booked_are_chosen),
	    cmocka_unit_test(shares_are_spread_evenly),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
