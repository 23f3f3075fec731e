/* Decisions of reconcile over a model of a host. */
#include "reconcile_model.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static char package_bytes[33] = "0123456789abcdef0123456789abcdef";

static void a_new_instance_is_made_in_order(void **state)
{
	world *w = *state;
	sot_instance_spec s = model_spec(1);
	s.package_sha256 = (sot_str){package_bytes, 32};
	model_assign(w, &s, 1);
	assert_string_equal(model_settle(w), "image fetch unpack create record start");
	assert_int_equal(
	    instance_status(reconcile_find(w->r, model_id(1))).observed, SOT_OBSERVED_STATE_RUNNING);
}

static void nothing_is_done_when_all_is_as_it_shall_be(void **state)
{
	world *w = *state;
	sot_instance_spec s = model_spec(1);
	model_assign(w, &s, 1);
	(void)model_settle(w);
	model_assign(w, &s, 1);
	assert_string_equal(model_settle(w), "");
}

static void a_new_version_is_fetched_before_the_restart(void **state)
{
	world *w = *state;
	sot_instance_spec s = model_spec(1);
	model_assign(w, &s, 1);
	(void)model_settle(w);
	s.generation = 2;
	s.version = SOT_STR("2.0");
	s.package_sha256 = (sot_str){package_bytes, 32};
	model_assign(w, &s, 1);
	w->now.ms += 400000;
	assert_true(instance_status(reconcile_find(w->r, model_id(1))).generation == 1);
	assert_string_equal(model_settle(w), "fetch unpack record restart");
	sot_instance_status told = instance_status(reconcile_find(w->r, model_id(1)));
	assert_true(told.generation == 2);
	assert_true(sot_str_eq_c(told.version, "2.0"));
}

/* What is known of files belongs to the spec that it was read for, though no file changed. */
static void a_package_that_is_here_already_is_not_fetched_again(void **state)
{
	world *w = *state;
	static char other[33] = "ffffffffffffffffffffffffffffffff";
	sot_instance_spec s = model_spec(1);
	s.package_sha256 = (sot_str){package_bytes, 32};
	model_assign(w, &s, 1);
	assert_string_equal(model_settle(w), "image fetch unpack create record start");
	s.generation = 2;
	s.version = SOT_STR("2.0");
	s.package_sha256 = (sot_str){other, 32}; /* the model has it: another instance brought it */
	model_assign(w, &s, 1);
	w->now.ms += 400000;
	assert_string_equal(model_settle(w), "record restart");
}

/* One after the other; what is there already is not fetched again. */
static void middleware_is_brought_beside_the_package(void **state)
{
	world *w = *state;
	char tomcat[33] = "tomcattomcattomcattomcattomcatto",
	     jdk[33] = "jdkjdkjdkjdkjdkjdkjdkjdkjdkjdkjd";
	sot_middleware_spec middleware[2] = {
	    {.name = SOT_STR("jdk"), .version = SOT_STR("17"), .sha256 = {jdk, 32}},
	    {.name = SOT_STR("tomcat"), .version = SOT_STR("10"), .sha256 = {tomcat, 32}}};
	sot_instance_spec s = model_spec(1);
	s.package_sha256 = (sot_str){package_bytes, 32};
	s.middleware = middleware;
	s.middleware_count = 2;
	model_assign(w, &s, 1);
	assert_string_equal(
	    model_settle(w), "image fetch unpack fetch unpack fetch unpack create record start");
	const char *record = w->models[1].record;
	assert_non_null(strstr(record, "\"destination\":\"/opt/middleware/jdk\",\"read_only\":true"));
	assert_non_null(strstr(record, "\"destination\":\"/opt/middleware/tomcat\""));
	/* Another tomcat: its files first, the restart last. */
	tomcat[0] = 'T';
	s.generation = 2;
	w->models[1].packages = 2;
	model_assign(w, &s, 1);
	assert_string_equal(model_settle(w), "fetch unpack record restart");
}

static void a_change_of_limits_does_not_restart(void **state)
{
	world *w = *state;
	sot_instance_spec s = model_spec(1);
	model_assign(w, &s, 1);
	(void)model_settle(w);
	s.generation = 2;
	s.memory_bytes = 128 << 20;
	model_assign(w, &s, 1);
	assert_string_equal(model_settle(w), "update");
}

static void another_image_replaces_the_container(void **state)
{
	world *w = *state;
	sot_instance_spec s = model_spec(1);
	model_assign(w, &s, 1);
	(void)model_settle(w);
	s.generation = 2;
	s.image = SOT_STR("img:2");
	model_assign(w, &s, 1);
	assert_string_equal(model_settle(w), "image stop remove create record start");
}

static void only_retired_clears_and_a_missing_instance_is_left_alone(void **state)
{
	world *w = *state;
	sot_instance_spec s[2] = {model_spec(1), model_spec(2)};
	model_assign(w, s, 2);
	(void)model_settle(w);
	model_assign(w, s, 1);
	w->now.ms += 400000;
	assert_string_equal(model_settle(w), "");
	assert_true(w->models[2].running);
	s[0].generation = 2;
	s[0].desired = SOT_DESIRED_STATE_RETIRED;
	model_assign(w, s, 1);
	assert_string_equal(model_settle(w), "stop remove clear");
	assert_int_equal(
	    instance_status(reconcile_find(w->r, model_id(1))).observed, SOT_OBSERVED_STATE_RETIRED);
}

static void a_failure_delays_its_own_instance_only_and_longer_each_time(void **state)
{
	world *w = *state;
	sot_err why = {0};
	int64_t last = 0;
	sot_instance_spec s[2] = {model_spec(1), model_spec(2)};
	model_assign(w, s, 1);
	sot_fail(&why, SOT_UNAVAILABLE, "no registry");
	for (int i = 0; i < 12; i++) {
		action a = reconcile_next(w->r, w->now);
		assert_int_equal(a.kind, ACTION_IMAGE);
		reconcile_finished(w->r, model_id(1), SOT_UNAVAILABLE, &why, true, w->now);
		int64_t wait = reconcile_next_due_ms(w->r, w->now);
		assert_true(wait >= 750 && wait <= 375000);
		if (i > 0 && i < 8)
			assert_true(wait > last);
		last = wait;
		assert_int_equal(reconcile_next(w->r, w->now).kind, ACTION_NONE);
		w->now.ms += wait;
	}
	assert_true(last >= 225000);
	assert_int_equal(
	    instance_status(reconcile_find(w->r, model_id(1))).observed, SOT_OBSERVED_STATE_FAILED);
	action blocked = reconcile_next(w->r, w->now);
	assert_int_equal(blocked.kind, ACTION_IMAGE);
	reconcile_finished(w->r, model_id(1), SOT_UNAVAILABLE, &why, true, w->now);
	model_assign(w, s, 2);
	assert_string_equal(model_settle(w), "image create record start");
	assert_true(w->models[2].running);
	assert_false(w->models[1].container);
}

static void no_more_than_four_starts_are_in_flight(void **state)
{
	world *w = *state;
	sot_instance_spec s[7];
	for (unsigned i = 0; i < 7; i++) {
		s[i] = model_spec(i + 1);
		w->models[i + 1] =
		    (model){.container = true, .folder = true, .memory = 64 << 20, .cpu = 500};
		SOT_AUTO_BUF record;
		sot_buf_init(&record, PLAN_RECORD_MAX);
		plan_record(&s[i], "/s", &model_wire, &record);
		w->models[i + 1].record = sot_strndup(sot_buf_str(&record));
		plan_fingerprint(&s[i], w->models[i + 1].fingerprint);
	}
	model_assign(w, s, 7);
	for (int i = 0; i < 4; i++)
		assert_int_equal(reconcile_next(w->r, w->now).kind, ACTION_START);
	assert_int_equal(reconcile_next(w->r, w->now).kind, ACTION_NONE);
	reconcile_finished(w->r, model_id(1), SOT_OK, NULL, false, w->now);
	reconcile_finished(w->r, model_id(2), SOT_OK, NULL, false, w->now);
	reconcile_finished(w->r, model_id(3), SOT_OK, NULL, false, w->now);
	reconcile_finished(w->r, model_id(4), SOT_OK, NULL, false, w->now);
	for (int i = 0; i < 3; i++)
		assert_int_equal(reconcile_next(w->r, w->now).kind, ACTION_START);
	/* The four that ended were not observed again: nothing is decided about them. */
	assert_int_equal(reconcile_next(w->r, w->now).kind, ACTION_NONE);
}

static void an_image_that_is_here_is_here_for_all_who_want_it(void **state)
{
	world *w = *state;
	sot_instance_spec s[4];
	unsigned asked = 0;
	for (unsigned i = 0; i < 4; i++)
		s[i] = model_spec(i + 1);
	s[3].image = SOT_STR("img:2");
	model_assign(w, s, 4);
	for (const char *at = model_settle(w); (at = strstr(at, "image")) != NULL; at++)
		asked++;
	assert_int_equal(asked, 2);
	s[0].generation = s[1].generation = 2;
	s[0].image = s[1].image = SOT_STR("img:3");
	model_assign(w, s, 4);
	assert_int_equal(reconcile_next(w->r, w->now).kind, ACTION_IMAGE);
	assert_int_equal(reconcile_next(w->r, w->now).kind, ACTION_IMAGE); /* not known to be there */
	reconcile_finished(w->r, model_id(1), SOT_OK, NULL, true, w->now);
	assert_int_equal(reconcile_next(w->r, w->now).kind, ACTION_STOP);
}

static void nothing_begins_while_the_engine_is_away(void **state)
{
	world *w = *state;
	sot_instance_spec s = model_spec(1);
	reconcile_set_engine(w->r, false);
	model_assign(w, &s, 1);
	assert_string_equal(model_settle(w), "");
	reconcile_set_engine(w->r, true);
	assert_string_equal(model_settle(w), "image create record start");
}

static void a_running_process_without_a_note_is_not_restarted(void **state)
{
	world *w = *state;
	sot_instance_spec s = model_spec(1);
	model_assign(w, &s, 1);
	(void)model_settle(w);
	model_replace(&w->models[1].used, NULL);
	model_replace(&w->models[1].record, NULL);
	model_observe(w, 1);
	w->now.ms += 400000;
	assert_string_equal(model_settle(w), "record");
}

/* PID 1 ends and waits for the Engine's next try. */
static void crash(world *w, unsigned n)
{
	w->models[n].restarting = true;
	w->models[n].engine_restarts++;
	model_observe(w, n);
}

static void engine_tries_again(world *w, unsigned n)
{
	w->now.ms += 100;
	w->models[n].restarting = false;
	w->models[n].started++;
	model_observe(w, n);
}

static void three_ends_within_a_minute_are_told_as_failed_even_while_it_runs(void **state)
{
	world *w = *state;
	sot_instance_spec s = model_spec(1);
	s.health.kind = SOT_HEALTH_CHECK_TCP;
	s.health.start_period_ms = 600000;
	model_assign(w, &s, 1);
	(void)model_settle(w);
	const instance *i = reconcile_find(w->r, model_id(1));
	for (int n = 0; n < 3; n++) {
		assert_int_not_equal(instance_status(i).observed, SOT_OBSERVED_STATE_FAILED);
		crash(w, 1);
		engine_tries_again(w, 1);
	}
	sot_instance_status told = instance_status(i);
	assert_int_equal(told.observed, SOT_OBSERVED_STATE_FAILED);
	assert_int_equal(told.health, SOT_HEALTH_UNHEALTHY);
	assert_int_equal(told.restarts, 3);
	assert_true(sot_str_eq_c(told.error, "exited with status 1, 3 restarts"));
	assert_true(told.generation == s.generation);
	assert_string_equal(model_settle(w), ""); /* the Engine's own policy is at work */

	w->now.ms += 30000;
	model_observe(w, 1);
	told = instance_status(i);
	assert_int_equal(told.observed, SOT_OBSERVED_STATE_RUNNING);
	assert_int_equal(told.health, SOT_HEALTH_STARTING);
	assert_int_equal(told.restarts, 3);
}

static void a_new_spec_does_not_wait_for_the_engines_next_try_of_the_old_one(void **state)
{
	world *w = *state;
	sot_instance_spec s = model_spec(1);
	model_assign(w, &s, 1);
	(void)model_settle(w);
	for (int n = 0; n < 3; n++)
		crash(w, 1);
	s.generation = 2;
	s.version = SOT_STR("2.0");
	model_assign(w, &s, 1);
	w->now.ms += 5000;
	assert_string_equal(model_settle(w), "record restart");
	sot_instance_status told = instance_status(reconcile_find(w->r, model_id(1)));
	assert_int_equal(told.observed, SOT_OBSERVED_STATE_RUNNING);
	assert_int_equal(told.health, SOT_HEALTH_HEALTHY);
	assert_true(told.error.n == 0);
}

static void a_process_that_is_gone_unnoticed_is_restarted_at_the_second_look(void **state)
{
	world *w = *state;
	sot_instance_spec s = model_spec(1);
	model_assign(w, &s, 1);
	(void)model_settle(w);
	w->now.ms += 400000;
	w->models[1].gone = true;
	model_observe(w, 1);
	assert_string_equal(model_settle(w), "");
	sot_instance_status told = instance_status(reconcile_find(w->r, model_id(1)));
	assert_int_equal(told.observed, SOT_OBSERVED_STATE_EXITED);
	assert_true(told.error.n > 0);
	w->now.ms += 3000;
	model_observe(w, 1);
	assert_string_equal(model_settle(w), "restart");
	assert_int_equal(
	    instance_status(reconcile_find(w->r, model_id(1))).observed, SOT_OBSERVED_STATE_RUNNING);
}

static void a_pid_that_was_given_to_another_process_is_no_sign_of_life(void **state)
{
	world *w = *state;
	sot_instance_spec s = model_spec(1);
	model_assign(w, &s, 1);
	(void)model_settle(w);
	w->now.ms += 400000;
	w->models[1].process_start += 1000;
	model_observe(w, 1);
	w->now.ms += 3000;
	model_observe(w, 1);
	assert_string_equal(model_settle(w), "restart");
	w->now.ms += 400000;
	model_observe(w, 1);
	assert_string_equal(model_settle(w), "");
}

static void a_ghost_that_shall_go_is_stopped_first(void **state)
{
	world *w = *state;
	sot_instance_spec s = model_spec(1);
	model_assign(w, &s, 1);
	(void)model_settle(w);
	w->models[1].gone = true;
	s.generation = 2;
	s.desired = SOT_DESIRED_STATE_RETIRED;
	model_assign(w, &s, 1);
	assert_string_equal(model_settle(w), "stop remove clear");
}

static void an_old_epoch_and_a_delta_that_does_not_fit_are_refused(void **state)
{
	world *w = *state;
	sot_err err = {0};
	bool complete = false;
	sot_instance_spec s = model_spec(1);
	model_assign(w, &s, 1);
	sot_assign old = {.epoch = 0, .generation = 9, .parts = 1};
	assert_int_equal(desired_offer(w->d, &old, &complete, &err), SOT_DENIED);
	sot_assign delta = {.epoch = 1, .from_generation = 7, .generation = 8, .parts = 1};
	assert_int_equal(desired_offer(w->d, &delta, &complete, &err), SOT_CONFLICT);
	sot_assign second = {.epoch = 1, .generation = 9, .part = 1, .parts = 2};
	assert_int_equal(desired_offer(w->d, &second, &complete, &err), SOT_CONFLICT);
	assert_int_equal(desired_count(w->d), 1);
}

static void the_assignment_file_is_read_back_and_damage_is_refused(void **state)
{
	world *w = *state;
	sot_err err = {0};
	bool complete = false;
	sot_instance_spec s[2] = {model_spec(1), model_spec(2)};
	sot_assign m = {.epoch = 3, .generation = 5, .parts = 1, .instances = s, .instances_count = 2};
	SOT_AUTO_BUF bytes;
	sot_buf_init(&bytes, 1 << 20);
	assert_int_equal(desired_offer(w->d, &m, &complete, &err), SOT_OK);
	assert_int_equal(desired_render_staged(w->d, &bytes, &err), SOT_OK);
	SOT_AUTO(desired) again = desired_new();
	assert_int_equal(desired_restore(again, sot_buf_str(&bytes), &err), SOT_OK);
	assert_true(desired_generation(again) == 5 && desired_epoch(again) == 3);
	assert_int_equal(desired_count(again), 2);
	assert_true(sot_str_eq_c(desired_get(again, model_id(2))->spec.image, "img:1"));
	for (size_t n = 0; n < bytes.n; n++) {
		SOT_AUTO(desired) cut = desired_new();
		if (desired_restore(cut, (sot_str){bytes.p, n}, &err) == SOT_OK)
			assert_true(desired_count(cut) < 2); /* cut between two frames */
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(
	        a_new_instance_is_made_in_order, model_setup, model_teardown),
	    cmocka_unit_test_setup_teardown(
	        nothing_is_done_when_all_is_as_it_shall_be, model_setup, model_teardown),
	    cmocka_unit_test_setup_teardown(
	        a_new_version_is_fetched_before_the_restart, model_setup, model_teardown),
	    cmocka_unit_test_setup_teardown(
	        a_package_that_is_here_already_is_not_fetched_again, model_setup, model_teardown),
	    cmocka_unit_test_setup_teardown(
	        middleware_is_brought_beside_the_package, model_setup, model_teardown),
	    cmocka_unit_test_setup_teardown(
	        a_change_of_limits_does_not_restart, model_setup, model_teardown),
	    cmocka_unit_test_setup_teardown(
	        another_image_replaces_the_container, model_setup, model_teardown),
	    cmocka_unit_test_setup_teardown(
	        only_retired_clears_and_a_missing_instance_is_left_alone, model_setup, model_teardown),
	    cmocka_unit_test_setup_teardown(a_failure_delays_its_own_instance_only_and_longer_each_time,
	        model_setup, model_teardown),
	    cmocka_unit_test_setup_teardown(
	        an_image_that_is_here_is_here_for_all_who_want_it, model_setup, model_teardown),
	    cmocka_unit_test_setup_teardown(
	        no_more_than_four_starts_are_in_flight, model_setup, model_teardown),
	    cmocka_unit_test_setup_teardown(
	        nothing_begins_while_the_engine_is_away, model_setup, model_teardown),
	    cmocka_unit_test_setup_teardown(
	        a_running_process_without_a_note_is_not_restarted, model_setup, model_teardown),
	    cmocka_unit_test_setup_teardown(
	        three_ends_within_a_minute_are_told_as_failed_even_while_it_runs, model_setup,
	        model_teardown),
	    cmocka_unit_test_setup_teardown(
	        a_new_spec_does_not_wait_for_the_engines_next_try_of_the_old_one, model_setup,
	        model_teardown),
	    cmocka_unit_test_setup_teardown(
	        a_process_that_is_gone_unnoticed_is_restarted_at_the_second_look, model_setup,
	        model_teardown),
	    cmocka_unit_test_setup_teardown(a_pid_that_was_given_to_another_process_is_no_sign_of_life,
	        model_setup, model_teardown),
	    cmocka_unit_test_setup_teardown(
	        a_ghost_that_shall_go_is_stopped_first, model_setup, model_teardown),
	    cmocka_unit_test_setup_teardown(
	        an_old_epoch_and_a_delta_that_does_not_fit_are_refused, model_setup, model_teardown),
	    cmocka_unit_test_setup_teardown(
	        the_assignment_file_is_read_back_and_damage_is_refused, model_setup, model_teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
