/* Limits and processors of instances: what is asked of the Engine, and that it is kept. */
#include "reconcile_model.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void have_processors(world *w, unsigned count)
{
	cpus online = {{0}};
	for (unsigned cpu = 0; cpu < count; cpu++)
		cpus_add(&online, cpu);
	reconcile_set_processors(w->r, &online);
}

static void instances_are_bound_to_processors_with_few_overlaps(void **state)
{
	world *w = *state;
	sot_instance_spec s[4];
	have_processors(w, 4);
	for (unsigned i = 0; i < 4; i++) {
		s[i] = model_spec(i + 1);
		s[i].cpu_pinned = true;
	}
	s[0].cpu_milli = 1500; /* two processors */
	for (size_t count = 1; count <= 4; count += count == 1 ? 2 : 1) {
		model_assign(w, s, count);
		(void)model_settle(w);
	}
	assert_int_equal(cpus_count(&w->models[1].processors), 2);
	cpus both = w->models[1].processors;
	for (unsigned i = 2; i <= 4; i++)
		assert_int_equal(cpus_count(&w->models[i].processors), 1);
	assert_false(cpus_within(&w->models[2].processors, &both));
	assert_false(cpus_within(&w->models[3].processors, &both));
	assert_false(cpus_equal(&w->models[2].processors, &w->models[3].processors));
}

/* The choice lives in the container: another agent process finds it there and leaves it. */
static void a_choice_of_processors_is_kept_over_a_new_agent(void **state)
{
	world *w = *state;
	sot_instance_spec s = model_spec(1);
	have_processors(w, 4);
	s.cpu_pinned = true;
	model_assign(w, &s, 1);
	(void)model_settle(w);
	w->models[1].processors = (cpus){{1 << 3}};
	reconcile_free(w->r);
	w->r = reconcile_new("/s", w->vlans, (reconcile_limits){2, 2, 4, 8}, 8);
	reconcile_set_engine(w->r, true);
	have_processors(w, 4);
	reconcile_set_desired(w->r, w->d, w->now);
	model_observe(w, 1);
	assert_string_equal(model_settle(w), "");
	have_processors(w, 2); /* fewer after a reboot: what is not there any more is chosen anew */
	assert_string_equal(model_settle(w), "update");
	assert_int_equal(cpus_count(&w->models[1].processors), 1);
	assert_false(cpus_has(&w->models[1].processors, 3));
}

static void limits_follow_the_spec_without_a_restart(void **state)
{
	world *w = *state;
	sot_instance_spec s = model_spec(1);
	have_processors(w, 4);
	s.cpu_pinned = true;
	model_assign(w, &s, 1);
	(void)model_settle(w);
	s.generation++;
	s.cpu_milli = 2500;
	s.pids_max = 77;
	s.memory_bytes *= 2;
	model_assign(w, &s, 1);
	assert_string_equal(model_settle(w), "update");
	assert_int_equal(cpus_count(&w->models[1].processors), 3);
	assert_int_equal(w->models[1].pids, 77);
	s.generation++;
	s.cpu_pinned = false;
	model_assign(w, &s, 1);
	assert_string_equal(model_settle(w), "update");
	assert_int_equal(cpus_count(&w->models[1].processors), 4);
}

static void what_shall_be_frozen_runs_first_and_is_then_held(void **state)
{
	world *w = *state;
	sot_instance_spec s = model_spec(1);
	s.desired = SOT_DESIRED_STATE_FROZEN;
	model_assign(w, &s, 1);
	assert_string_equal(model_settle(w), "image create record start");
	w->now.ms += 2000; /* a start is given a moment */
	assert_string_equal(model_settle(w), "freeze");
	assert_int_equal(
	    instance_status(reconcile_find(w->r, model_id(1))).observed, SOT_OBSERVED_STATE_FROZEN);
	assert_int_equal(instance_health_state(reconcile_find(w->r, model_id(1))), SOT_HEALTH_UNKNOWN);
	/* Another address would need a restart: that waits until it is let go. */
	s.generation++;
	s.restart_seq++;
	model_assign(w, &s, 1);
	assert_string_equal(model_settle(w), "record");
	s.generation++;
	s.desired = SOT_DESIRED_STATE_RUNNING;
	model_assign(w, &s, 1);
	w->now.ms += 400000;
	assert_string_equal(model_settle(w), "thaw restart");
}

static void what_is_frozen_goes_on_before_it_is_stopped_or_removed(void **state)
{
	world *w = *state;
	sot_instance_spec s = model_spec(1);
	s.desired = SOT_DESIRED_STATE_FROZEN;
	model_assign(w, &s, 1);
	(void)model_settle(w);
	w->now.ms += 2000;
	assert_string_equal(model_settle(w), "freeze");
	s.generation++;
	s.desired = SOT_DESIRED_STATE_STOPPED;
	model_assign(w, &s, 1);
	assert_string_equal(model_settle(w), "thaw stop");
	s.generation++;
	s.desired = SOT_DESIRED_STATE_FROZEN;
	model_assign(w, &s, 1);
	assert_string_equal(model_settle(w), "start");
	w->now.ms += 2000;
	assert_string_equal(model_settle(w), "freeze");
	s.generation++;
	s.desired = SOT_DESIRED_STATE_RETIRED;
	model_assign(w, &s, 1);
	assert_string_equal(model_settle(w), "thaw stop remove clear");
}

static void a_host_holds_what_shall_run_until_it_lets_it_go(void **state)
{
	world *w = *state;
	sot_instance_spec s = model_spec(1);
	model_assign(w, &s, 1);
	(void)model_settle(w);
	w->now.ms += 2000;
	reconcile_hold(w->r, model_id(1), HOLD_FREEZE, "too much disk");
	assert_string_equal(model_settle(w), "freeze");
	sot_instance_status told = instance_status(reconcile_find(w->r, model_id(1)));
	assert_int_equal(told.observed, SOT_OBSERVED_STATE_FROZEN);
	assert_true(sot_str_eq_c(told.error, "too much disk"));
	reconcile_hold(w->r, model_id(1), HOLD_STOP, "too much disk");
	assert_string_equal(model_settle(w), "thaw stop");
	told = instance_status(reconcile_find(w->r, model_id(1)));
	assert_int_equal(told.observed, SOT_OBSERVED_STATE_STOPPED);
	reconcile_hold(w->r, model_id(1), HOLD_NONE, "");
	w->now.ms += 400000;
	assert_string_equal(model_settle(w), "start");
	/* What shall not run is not held, and what is held may be retired. */
	reconcile_hold(w->r, model_id(1), HOLD_FREEZE, "too much disk");
	s.generation++;
	s.desired = SOT_DESIRED_STATE_RETIRED;
	model_assign(w, &s, 1);
	assert_string_equal(model_settle(w), "stop remove clear");
}

static void a_rebuild_makes_a_new_container_of_the_same_instance(void **state)
{
	world *w = *state;
	sot_instance_spec s = model_spec(1);
	model_assign(w, &s, 1);
	(void)model_settle(w);
	s.generation++;
	s.rebuild_seq++;
	model_assign(w, &s, 1);
	w->now.ms += 400000;
	assert_string_equal(model_settle(w), "stop remove create record start");
}

/* Checks fail in a row until a restart is asked for; how many that took. */
static int fail_checks(world *w, const sot_instance_spec *s)
{
	health *h = instance_health(reconcile_find(w->r, s->instance_id));
	int count = 0;
	while (count < 100 && !health_asks_restart(h, &s->health)) {
		w->now.ms += s->health.interval_ms;
		assert_true(health_take_due(h, &s->health, w->now));
		assert_string_equal(model_settle(w), "");
		count += health_result(h, &s->health, h->round, false, 1, w->now);
	}
	return count;
}

static void failed_checks_restart_what_runs_if_its_app_wants_that(void **state)
{
	world *w = *state;
	sot_instance_spec s = model_spec(1);
	s.health.kind = SOT_HEALTH_CHECK_TCP;
	s.health.restart_after = 3;
	model_assign(w, &s, 1);
	(void)model_settle(w);
	w->now.ms += 400000;
	assert_int_equal(fail_checks(w, &s), 3);
	assert_string_equal(model_settle(w), "restart");
	w->now.ms += 400000;
	model_observe(w, 1);
	assert_int_equal(fail_checks(w, &s), 6);
	/* What shall be held still or stopped is not restarted for that. */
	s.generation++;
	s.desired = SOT_DESIRED_STATE_FROZEN;
	model_assign(w, &s, 1);
	assert_string_equal(model_settle(w), "freeze");
	s.generation++;
	s.desired = SOT_DESIRED_STATE_STOPPED;
	model_assign(w, &s, 1);
	assert_string_equal(model_settle(w), "thaw stop");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(
	        instances_are_bound_to_processors_with_few_overlaps, model_setup, model_teardown),
	    cmocka_unit_test_setup_teardown(
	        a_choice_of_processors_is_kept_over_a_new_agent, model_setup, model_teardown),
	    cmocka_unit_test_setup_teardown(
	        limits_follow_the_spec_without_a_restart, model_setup, model_teardown),
	    cmocka_unit_test_setup_teardown(
	        what_shall_be_frozen_runs_first_and_is_then_held, model_setup, model_teardown),
	    cmocka_unit_test_setup_teardown(
	        a_host_holds_what_shall_run_until_it_lets_it_go, model_setup, model_teardown),
	    cmocka_unit_test_setup_teardown(
	        what_is_frozen_goes_on_before_it_is_stopped_or_removed, model_setup, model_teardown),
	    cmocka_unit_test_setup_teardown(
	        failed_checks_restart_what_runs_if_its_app_wants_that, model_setup, model_teardown),
	    cmocka_unit_test_setup_teardown(
	        a_rebuild_makes_a_new_container_of_the_same_instance, model_setup, model_teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
