/* Health: thresholds, the start period, the growing pause of commands; the reason that a command
 * gives. */
#include "check_output.h"
#include "health.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static const sot_health_spec command = {.kind = SOT_HEALTH_CHECK_COMMAND,
    .interval_ms = 1000,
    .timeout_ms = 500,
    .healthy_after = 2,
    .unhealthy_after = 2};

/* Milliseconds from `now` until the next check is due; the check is then in flight. */
static int64_t take_next(health *h, const sot_health_spec *spec, sot_mono *now)
{
	for (int64_t waited = 0; waited < 1000000; waited += 100) {
		if (health_take_due(h, spec, *now))
			return waited;
		*now = sot_mono_add_ms(*now, 100);
	}
	return -1;
}

static void thresholds_and_the_start_period_hold(void **state)
{
	health h = {0};
	sot_mono now = {1000};
	sot_health_spec spec = command;
	(void)state;
	spec.start_period_ms = 5000;
	health_observe(&h, &spec, true, 7, now);
	assert_int_equal(h.state, SOT_HEALTH_STARTING);
	for (int i = 0; i < 4; i++) {
		assert_true(take_next(&h, &spec, &now) >= 0);
		health_result(&h, &spec, h.round, false, 1, now);
		assert_int_equal(h.state, SOT_HEALTH_STARTING);
	}
	for (int i = 0; i < 2; i++) {
		assert_true(take_next(&h, &spec, &now) >= 0);
		health_result(&h, &spec, h.round, true, 1, now);
	}
	assert_int_equal(h.state, SOT_HEALTH_HEALTHY);
	for (int i = 0; i < 2; i++) {
		assert_true(take_next(&h, &spec, &now) >= 0);
		assert_int_equal(h.state, SOT_HEALTH_HEALTHY);
		health_result(&h, &spec, h.round, false, 1, now);
	}
	assert_int_equal(h.state, SOT_HEALTH_UNHEALTHY);
}

static const sot_health_spec port = {.kind = SOT_HEALTH_CHECK_TCP,
    .interval_ms = 1000,
    .timeout_ms = 500,
    .healthy_after = 1,
    .unhealthy_after = 2,
    .restart_after = 4};

/* How many failures in a row it takes until a restart is asked for; at most `most`. */
static int failures_until_restart(health *h, const sot_health_spec *spec, sot_mono *now, int most)
{
	for (int n = 1; n <= most; n++) {
		assert_true(take_next(h, spec, now) >= 0);
		assert_false(health_asks_restart(h, spec));
		health_result(h, spec, h->round, false, 1, *now);
		if (health_asks_restart(h, spec))
			return n;
	}
	return -1;
}

static void failures_ask_for_a_restart_more_seldom_each_time(void **state)
{
	health h = {0};
	sot_mono now = {1000};
	sot_health_spec spec = port;
	static const int failures[] = {4, 8, 16, 32, 64, 128, 256, 256};
	(void)state;
	for (size_t i = 0; i < sizeof(failures) / sizeof(failures[0]); i++) {
		health_observe(&h, &spec, true, (int64_t)(10 + i), now);
		assert_int_equal(failures_until_restart(&h, &spec, &now, 300), failures[i]);
	}
	/* Ended by itself meanwhile, and started: that was no restart of ours. */
	health_observe(&h, &spec, false, 0, now);
	health_observe(&h, &spec, true, 99, now);
	assert_true(take_next(&h, &spec, &now) >= 0);
	health_result(&h, &spec, h.round, true, 1, now);
	assert_int_equal(failures_until_restart(&h, &spec, &now, 300), 4);
	spec.restart_after = 0;
	health_observe(&h, &spec, true, 100, now);
	assert_int_equal(failures_until_restart(&h, &spec, &now, 300), -1);
}

static void every_twelfth_check_of_a_healthy_one_is_a_connection(void **state)
{
	health h = {0};
	sot_mono now = {1000};
	(void)state;
	health_observe(&h, &port, true, 7, now);
	assert_false(health_look_will_do(&h)); /* nothing is known of it yet */
	assert_true(take_next(&h, &port, &now) >= 0);
	health_result(&h, &port, h.round, true, 1, now);
	for (int i = 1; i <= 36; i++)
		assert_int_equal(health_look_will_do(&h), i % 12 != 0);
	assert_true(take_next(&h, &port, &now) >= 0);
	health_result(&h, &port, h.round, false, 1, now);
	assert_false(health_look_will_do(&h));
}

static void a_start_period_is_waited_for_before_a_restart(void **state)
{
	health h = {0};
	sot_mono now = {1000};
	sot_health_spec spec = port;
	(void)state;
	spec.start_period_ms = 20000;
	health_observe(&h, &spec, true, 7, now);
	assert_true(failures_until_restart(&h, &spec, &now, 300) > 4);
	assert_true(sot_mono_reached(now, (sot_mono){21000}));
}

static void a_command_that_goes_on_failing_is_asked_less_often(void **state)
{
	health h = {0};
	sot_mono now = {1000};
	static const int64_t pauses[] = {0, 1000, 1000, 2000, 4000, 8000, 8000};
	(void)state;
	health_observe(&h, &command, true, 7, now);
	for (size_t i = 0; i < sizeof(pauses) / sizeof(pauses[0]); i++) {
		assert_int_equal(take_next(&h, &command, &now), pauses[i]);
		health_result(&h, &command, h.round, false, 1, now);
	}
	(void)take_next(&h, &command, &now);
	health_result(&h, &command, h.round, true, 1, now);
	assert_int_equal(take_next(&h, &command, &now), 1000);
}

/* Started whenever, a hundred instances are asked at a few common instants, each once an interval.
 */
static void regular_checks_fall_together_and_keep_their_interval(void **state)
{
	enum { INSTANCES = 100, INTERVAL_MS = 5000, ROUNDS = 20 };
	sot_health_spec spec = command;
	static health h[INSTANCES];
	unsigned asked[INSTANCES] = {0}, instants = 0;
	(void)state;
	spec.interval_ms = INTERVAL_MS;
	for (int i = 0; i < INSTANCES; i++) {
		h[i] = (health){0};
		health_observe(&h[i], &spec, true, 7, (sot_mono){1000 + 37 * i});
		h[i].state = SOT_HEALTH_HEALTHY;
	}
	for (sot_mono now = {1003}; now.ms < 1003 + ROUNDS * INTERVAL_MS;) {
		int64_t least = INT64_MAX;
		for (int i = 0; i < INSTANCES; i++) {
			if (health_take_due(&h[i], &spec, now)) {
				asked[i]++;
				health_result(&h[i], &spec, h[i].round, true, 1, now);
			}
			int64_t due = health_next_due_ms(&h[i], &spec, now);
			least = due < least ? due : least;
		}
		instants++;
		now = sot_mono_add_ms(now, least + 3); /* a loop is never on time */
	}
	for (int i = 0; i < INSTANCES; i++)
		assert_in_range(asked[i], ROUNDS - 1, ROUNDS + 1);
	/* The first of each when it started, then at most twice a second. */
	assert_in_range(instants, ROUNDS, INSTANCES + ROUNDS * 11);
}

static void the_end_of_the_output_is_the_reason(void **state)
{
	check_output o = {.n = 0};
	char reason[CHECK_REASON_MAX], many[1000];
	(void)state;
	check_output_reason(&o, "health check: status 1", reason);
	assert_string_equal(reason, "health check: status 1");
	check_output_add(&o, "first\nse\tcond \x1b[31m\xff caf\xc3\xa9\n\n", 28);
	check_output_reason(&o, "health check: status 3", reason);
	assert_string_equal(reason, "health check: status 3: first | se?cond ?[31m? caf\xc3\xa9");
	memset(many, 'x', sizeof(many));
	check_output_add(&o, many, sizeof(many));
	check_output_add(&o, "the end", 7);
	check_output_reason(&o, "health check: status 3", reason);
	assert_int_equal(strlen(reason), strlen("health check: status 3: ") + CHECK_OUTPUT_MAX);
	assert_string_equal(reason + strlen(reason) - 8, "xthe end");
	memset(many, 0xa9, sizeof(many));
	check_output_add(&o, many, sizeof(many));
	check_output_reason(&o, "health check: status 3", reason);
	assert_string_equal(reason, "health check: status 3");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(thresholds_and_the_start_period_hold),
	    cmocka_unit_test(failures_ask_for_a_restart_more_seldom_each_time),
	    cmocka_unit_test(a_start_period_is_waited_for_before_a_restart),
	    cmocka_unit_test(every_twelfth_check_of_a_healthy_one_is_a_connection),
	    cmocka_unit_test(a_command_that_goes_on_failing_is_asked_less_often),
	    cmocka_unit_test(regular_checks_fall_together_and_keep_their_interval),
	    cmocka_unit_test(the_end_of_the_output_is_the_reason),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
