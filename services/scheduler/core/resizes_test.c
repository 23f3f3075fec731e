/* Changes in place: another plan, another image, held still; by the controller's public functions.
 */
#include "controller_bench.h"

static void a_larger_plan_is_booked_told_and_done_without_a_restart(void **state)
{
	bench *b = *state;

	bench_bring_up(b);
	uint32_t restart_seq = b->spec.restart_seq;
	ASK(b, instance_resize, .instance = SOT_STR("shop-default-01"), .plan = SOT_STR("medium"));
	assert_string_equal(b->instance.make->plan, "medium");
	assert_true(b->instance.make->memory_bytes == 800ull << 20);
	assert_true(b->spec.memory_bytes == 800ull << 20 && b->spec.cpu_milli == 1000);
	assert_true(b->spec.cpu_pinned && b->spec.pids_max == 99 && b->spec.io_weight == 300);
	assert_int_equal(b->spec.restart_seq, restart_seq);
	assert_int_equal(b->operation.state, OPERATION_RUNNING);
	bench_status(b, 2, b->instance.generation, SOT_OBSERVED_STATE_RUNNING, SOT_HEALTH_HEALTHY);
	assert_int_equal(b->operation.state, OPERATION_DONE);
}

static void a_plan_that_its_host_has_no_room_for_is_refused_with_what_is_missing(void **state)
{
	bench *b = *state;

	bench_bring_up(b);
	ASK(b, instance_resize, .instance = SOT_STR("shop-default-01"), .plan = SOT_STR("huge"));
	assert_int_equal(b->refusal, SOT_REFUSAL_CONFLICT);
	assert_string_equal(b->pointer, "/plan");
	assert_string_equal(b->instance.make->plan, "tiny");
	ASK(b, instance_resize, .instance = SOT_STR("shop-default-01"), .plan = SOT_STR("none"));
	assert_int_equal(b->refusal, SOT_REFUSAL_NOT_FOUND);
	/* Of an app the operation says it, where it stops. */
	ASK(b, app_resize, .name = SOT_STR("shop"), .plan = SOT_STR("huge"));
	assert_int_equal(b->operation.state, OPERATION_FAILED);
	assert_non_null(strstr(b->operation.error, "h1 has 1024 MB of memory left for it, plan huge"));
	assert_non_null(strstr(b->operation.error, "sotalia instance move shop-default-01"));
	assert_string_equal(b->instance.make->plan, "tiny");
}

static void a_limit_of_its_own_outlives_its_plan_until_that_of_the_plan_is_wanted(void **state)
{
	bench *b = *state;

	bench_bring_up(b);
	uint32_t restart_seq = b->spec.restart_seq;
	ASK(b, instance_resize, .instance = SOT_STR("shop-default-01"));
	assert_int_equal(b->refusal, SOT_REFUSAL_INVALID);
	ASK(b, instance_resize, .instance = SOT_STR("shop-default-01"),
	    .bandwidth = SOT_BANDWIDTH_CHOICE_OWN, .bandwidth_kbit = 5000);
	assert_int_equal(b->spec.bandwidth_kbit, 5000);
	assert_true(b->instance.make->bandwidth_own);
	assert_string_equal(b->instance.make->plan, "tiny");
	assert_int_equal(b->operation.state, OPERATION_RUNNING);
	bench_status(b, 2, b->instance.generation, SOT_OBSERVED_STATE_RUNNING, SOT_HEALTH_HEALTHY);
	assert_int_equal(b->operation.state, OPERATION_DONE);
	ASK(b, instance_resize, .instance = SOT_STR("shop-default-01"), .plan = SOT_STR("medium"));
	bench_status(b, 3, b->instance.generation, SOT_OBSERVED_STATE_RUNNING, SOT_HEALTH_HEALTHY);
	assert_string_equal(b->instance.make->plan, "medium");
	assert_int_equal(b->spec.bandwidth_kbit, 5000);
	assert_int_equal(b->operation.state, OPERATION_DONE);
	ASK(b, instance_resize, .instance = SOT_STR("shop-default-01"),
	    .bandwidth = SOT_BANDWIDTH_CHOICE_PLAN);
	assert_int_equal(b->spec.bandwidth_kbit, 0); /* the plan has none */
	assert_false(b->instance.make->bandwidth_own);
	assert_string_equal(b->instance.make->plan, "medium");
	assert_int_equal(b->spec.restart_seq, restart_seq);
}

static void an_app_gets_its_plan_when_all_its_instances_have_it(void **state)
{
	bench *b = *state;

	bench_bring_up(b);
	ASK(b, app_resize, .name = SOT_STR("shop"), .plan = SOT_STR("medium"));
	bench_status(b, 2, b->instance.generation, SOT_OBSERVED_STATE_RUNNING, SOT_HEALTH_HEALTHY);
	assert_int_equal(b->operation.state, OPERATION_DONE);
	ASK(b, app_scale, .name = SOT_STR("shop"), .count = 2);
	assert_string_equal(b->instance.make->plan, "medium"); /* the new one's */
}

static void a_frozen_instance_is_told_as_that_until_it_goes_on(void **state)
{
	bench *b = *state;

	bench_bring_up(b);
	ASK(b, instance_act, .instance = SOT_STR("shop-default-01"),
	    .action = SOT_INSTANCE_ACTION_FREEZE);
	assert_int_equal(b->spec.desired, SOT_DESIRED_STATE_FROZEN);
	bench_status(b, 2, b->instance.generation, SOT_OBSERVED_STATE_FROZEN, SOT_HEALTH_UNKNOWN);
	assert_int_equal(b->instance.state, INSTANCE_FROZEN);
	assert_int_equal(b->operation.state, OPERATION_DONE);
	ASK(b, instance_act, .instance = SOT_STR("shop-default-01"),
	    .action = SOT_INSTANCE_ACTION_UNFREEZE);
	assert_int_equal(b->spec.desired, SOT_DESIRED_STATE_RUNNING);
	bench_status(b, 3, b->instance.generation, SOT_OBSERVED_STATE_RUNNING, SOT_HEALTH_HEALTHY);
	assert_int_equal(b->instance.state, INSTANCE_RUNNING);
	assert_int_equal(b->operation.state, OPERATION_DONE);
}

static void a_rebuild_takes_the_image_as_it_is_registered_now(void **state)
{
	bench *b = *state;

	bench_bring_up(b);
	ASK(b, image_register, .name = SOT_STR("tomcat"), .reference = SOT_STR("reg/tomcat:2"));
	ASK(b, instance_act, .instance = SOT_STR("shop-default-01"),
	    .action = SOT_INSTANCE_ACTION_REBUILD);
	assert_true(sot_str_eq_c(b->spec.image, "reg/tomcat:2"));
	assert_int_equal(b->spec.rebuild_seq, 1);
	bench_status(b, 2, b->instance.generation, SOT_OBSERVED_STATE_RUNNING, SOT_HEALTH_HEALTHY);
	assert_int_equal(b->operation.state, OPERATION_DONE);
	ASK(b, app_rebuild, .name = SOT_STR("shop"));
	assert_int_equal(b->spec.rebuild_seq, 2);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, bench_setup, bench_teardown)
	const struct CMUnitTest tests[] = {
	    TEST(a_larger_plan_is_booked_told_and_done_without_a_restart),
	    TEST(a_plan_that_its_host_has_no_room_for_is_refused_with_what_is_missing),
	    TEST(a_limit_of_its_own_outlives_its_plan_until_that_of_the_plan_is_wanted),
	    TEST(an_app_gets_its_plan_when_all_its_instances_have_it),
	    TEST(a_frozen_instance_is_told_as_that_until_it_goes_on),
	    TEST(a_rebuild_takes_the_image_as_it_is_registered_now),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
