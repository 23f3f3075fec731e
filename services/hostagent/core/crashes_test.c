/* The Engine's counts as they are seen by looks that miss most of what happens between them. */
#include "crashes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static container_facts facts(const char *id, bool running, uint32_t ends, int64_t started)
{
	container_facts f = {.running = running,
	    .engine_restarts_it = !running,
	    .engine_restarts = ends,
	    .started_unix_ms = started,
	    .ever_started = started > 0};
	(void)snprintf(f.id, sizeof(f.id), "%s", id);
	if (!running)
		(void)snprintf(f.exit_text, sizeof(f.exit_text), "exited with status 7");
	return f;
}

static void look(crashes *c, int64_t ms, container_facts f)
{
	crashes_observe(c, &f, (sot_mono){ms});
}

static void a_death_and_the_start_after_it_are_one_restart(void **state)
{
	crashes c = {0};
	(void)state;
	look(&c, 0, facts("a", true, 0, 100));
	look(&c, 10, facts("a", false, 1, 100));
	assert_int_equal(c.restarts, 0);
	look(&c, 20, facts("a", true, 1, 200));
	assert_int_equal(c.restarts, 1);
	assert_false(c.is_loop);
}

static void restarts_that_no_look_saw_running_are_counted(void **state)
{
	crashes c = {0};
	(void)state;
	look(&c, 0, facts("a", true, 0, 100));
	look(&c, 2000, facts("a", false, 5, 600));
	assert_int_equal(c.restarts, 4);
	assert_true(c.is_loop);
	assert_string_equal(c.text, "exited with status 7, 4 restarts");
}

static void a_first_start_is_no_restart_and_an_ordered_one_is(void **state)
{
	crashes c = {0};
	container_facts made = facts("a", false, 0, 0);
	(void)state;
	made.engine_restarts_it = false;
	look(&c, 0, made);
	look(&c, 10, facts("a", true, 0, 100));
	assert_int_equal(c.restarts, 0);
	look(&c, 20, facts("a", true, 0, 200));
	assert_int_equal(c.restarts, 1);
	assert_false(c.is_loop);
}

static void an_ordered_start_begins_the_engines_count_anew(void **state)
{
	crashes c = {0};
	(void)state;
	look(&c, 0, facts("a", true, 0, 100));
	look(&c, 10, facts("a", true, 2, 200));
	look(&c, 20, facts("a", true, 0, 300));
	assert_int_equal(c.restarts, 3);
}

static void ends_before_the_first_look_make_no_loop_but_count_as_restarts(void **state)
{
	crashes c = {0};
	(void)state;
	look(&c, 0, facts("a", true, 9, 100));
	assert_int_equal(c.restarts, 9);
	assert_false(c.is_loop);
	look(&c, 10, facts("b", true, 0, 200)); /* a new container begins at nothing */
	assert_int_equal(c.restarts, 9);
}

static void ends_that_lie_more_than_a_minute_apart_make_no_loop(void **state)
{
	crashes c = {0};
	(void)state;
	look(&c, 0, facts("a", true, 0, 100));
	for (uint32_t n = 1; n < 10; n++)
		look(&c, n * 30001LL, facts("a", true, n, 100 + n));
	assert_int_equal(c.restarts, 9);
	assert_false(c.is_loop);
	look(&c, 9 * 30001LL + 29999, facts("a", true, 10, 200));
	assert_true(c.is_loop);
}

static void a_stop_in_the_pause_counts_no_start_that_never_came(void **state)
{
	crashes c = {0};
	container_facts stopped = facts("a", false, 1, 100);
	(void)state;
	stopped.engine_restarts_it = false;
	look(&c, 0, facts("a", true, 0, 100));
	look(&c, 10, facts("a", false, 1, 100));
	look(&c, 20, stopped);
	assert_int_equal(c.restarts, 0);
	look(&c, 30, facts("a", true, 0, 300));
	assert_int_equal(c.restarts, 1);
}

static void what_is_forgiven_must_happen_again(void **state)
{
	crashes c = {0};
	(void)state;
	look(&c, 0, facts("a", true, 0, 100));
	look(&c, 10, facts("a", false, 3, 300));
	assert_true(c.is_loop);
	crashes_forgive(&c);
	assert_string_equal(c.text, "");
	look(&c, 20, facts("a", false, 5, 500));
	assert_false(c.is_loop);
	look(&c, 30, facts("a", false, 6, 600));
	assert_true(c.is_loop);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_death_and_the_start_after_it_are_one_restart),
	    cmocka_unit_test(restarts_that_no_look_saw_running_are_counted),
	    cmocka_unit_test(a_first_start_is_no_restart_and_an_ordered_one_is),
	    cmocka_unit_test(an_ordered_start_begins_the_engines_count_anew),
	    cmocka_unit_test(ends_before_the_first_look_make_no_loop_but_count_as_restarts),
	    cmocka_unit_test(ends_that_lie_more_than_a_minute_apart_make_no_loop),
	    cmocka_unit_test(a_stop_in_the_pause_counts_no_start_that_never_came),
	    cmocka_unit_test(what_is_forgiven_must_happen_again),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
