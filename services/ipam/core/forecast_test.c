/* Forecasts on series as subnets have them: growth, steps, noise, decline, rest. */
#include "forecast.h"
#include "sot_rand.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

enum { HOURS = 14 * 24, DAY = 24 };

typedef struct series {
	forecast_sample at[HOURS];
	sot_rand rand;
} series;

static series series_of(double start, double per_day, int64_t noise)
{
	series s = {.at = {{0}}};
	sot_rand_seed(&s.rand, 42);
	for (int h = 0; h < HOURS; h++) {
		int64_t off =
		    noise ? (int64_t)(sot_rand_u64(&s.rand) % (uint64_t)(2 * noise + 1)) - noise : 0;
		s.at[h] =
		    (forecast_sample){(int64_t)h * 3600000, (int64_t)(start + per_day * h / DAY) + off};
	}
	return s;
}

static double days(const series *s, int64_t free_count)
{
	double ret = -1;
	return forecast_days_left(s->at, HOURS, free_count, &ret) ? ret : -1;
}

static void assert_near(double is, double expected, double by)
{
	if (!(fabs(is - expected) <= by))
		fail_msg("%f is not %f within %f", is, expected, by);
}

static void steady_growth_is_carried_on(void **state)
{
	(void)state;
	series s = series_of(1000, 20, 0);
	assert_near(days(&s, 200), 10, 0.2);
	series noisy = series_of(1000, 20, 30);
	assert_near(days(&noisy, 200), 10, 1);
}

static void a_full_subnet_that_grows_has_no_day_left(void **state)
{
	(void)state;
	series s = series_of(1000, 20, 0);
	assert_near(days(&s, 0), 0, 0.001);
}

/* Deployments add 30 at nine in the morning of each working day; weekends rest. */
static void a_staircase_of_working_days_grows_by_its_average(void **state)
{
	(void)state;
	series s = series_of(500, 0, 0);
	int64_t level = 500;
	for (int h = 0; h < HOURS; h++) {
		if (h % DAY == 9 && h / DAY % 7 < 5)
			level += 30;
		s.at[h].used = level;
	}
	double average = 300 / 14.0;
	assert_near(days(&s, 1000), 1000 / average, 8);
}

static void one_step_is_no_growth(void **state)
{
	(void)state;
	series s = series_of(1000, 0, 0);
	for (int h = HOURS / 3; h < HOURS; h++)
		s.at[h].used += 400;
	assert_near(days(&s, 200), -1, 0);
}

static void a_burst_that_went_again_does_not_bend_the_line(void **state)
{
	(void)state;
	series s = series_of(1000, 20, 0);
	for (int h = 200; h < 230; h++)
		s.at[h].used += 5000;
	assert_near(days(&s, 200), 10, 1);
}

static void noise_decline_and_rest_are_no_growth(void **state)
{
	(void)state;
	series noise = series_of(1000, 0, 50), decline = series_of(1000, -20, 10),
	       rest = series_of(1000, 0, 0);
	assert_near(days(&noise, 200), -1, 0);
	assert_near(days(&decline, 200), -1, 0);
	assert_near(days(&rest, 200), -1, 0);
}

static void growth_that_takes_more_than_ten_years_is_none(void **state)
{
	(void)state;
	series s = series_of(1000, 20, 0);
	assert_near(days(&s, 20 * (FORECAST_DAYS_MAX + 100)), -1, 0);
}

static void less_than_a_day_tells_nothing(void **state)
{
	(void)state;
	series s = series_of(1000, 200, 0);
	double ret = 7;
	assert_false(forecast_days_left(s.at, DAY, 100, &ret));
	assert_true(forecast_days_left(s.at, DAY + 1, 100, &ret));
	assert_false(forecast_days_left(s.at, 0, 100, &ret));
	forecast_sample same[8] = {{0, 1}, {0, 2}, {0, 3}, {0, 4}, {0, 5}, {0, 6}, {0, 7}, {0, 8}};
	assert_false(forecast_days_left(same, 8, 100, &ret));
}

static void the_level_rises_at_once_and_falls_two_percent_later(void **state)
{
	(void)state;
	assert_int_equal(usage_level_next(USAGE_OK, 699, 1000), USAGE_OK);
	assert_int_equal(usage_level_next(USAGE_OK, 700, 1000), USAGE_NOTICE);
	assert_int_equal(usage_level_next(USAGE_OK, 950, 1000), USAGE_CRITICAL);
	assert_int_equal(usage_level_next(USAGE_NOTICE, 680, 1000), USAGE_NOTICE);
	assert_int_equal(usage_level_next(USAGE_NOTICE, 679, 1000), USAGE_OK);
	assert_int_equal(usage_level_next(USAGE_CRITICAL, 935, 1000), USAGE_CRITICAL);
	assert_int_equal(usage_level_next(USAGE_CRITICAL, 929, 1000), USAGE_WARNING);
	assert_int_equal(usage_level_next(USAGE_CRITICAL, 100, 1000), USAGE_OK);
	assert_int_equal(usage_level_next(USAGE_OK, 0, 0), USAGE_CRITICAL);
}

static void levels_have_names(void **state)
{
	(void)state;
	usage_level level = USAGE_OK;
	sot_err err = {0};
	assert_int_equal(usage_level_parse(SOT_STR("warning"), &level, &err), SOT_OK);
	assert_int_equal(level, USAGE_WARNING);
	assert_string_equal(usage_level_name(level), "warning");
	assert_int_equal(usage_level_parse(SOT_STR("full"), &level, &err), SOT_INVALID);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(steady_growth_is_carried_on),
	    cmocka_unit_test(a_full_subnet_that_grows_has_no_day_left),
	    cmocka_unit_test(a_staircase_of_working_days_grows_by_its_average),
	    cmocka_unit_test(one_step_is_no_growth),
	    cmocka_unit_test(a_burst_that_went_again_does_not_bend_the_line),
	    cmocka_unit_test(noise_decline_and_rest_are_no_growth),
	    cmocka_unit_test(growth_that_takes_more_than_ten_years_is_none),
	    cmocka_unit_test(less_than_a_day_tells_nothing),
	    cmocka_unit_test(the_level_rises_at_once_and_falls_two_percent_later),
	    cmocka_unit_test(levels_have_names),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
