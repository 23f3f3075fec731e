/* Drains by the controller's public functions: the plan, the budget, the end. */
#include "controller_bench.h"

static size_t count_moving(const bench *b)
{
	return b->instance.state == INSTANCE_MOVING;
}

static void a_drain_moves_everything_and_ends_in_maintenance_until_it_is_uncordoned(void **state)
{
	bench *b = *state;

	bench_bring_up(b);
	sot_uuid source = b->host_id, target = bench_add_host(b, "h2", "r2");
	ASK(b, host_drain, .name = SOT_STR("h1"), .include_pinned = true);
	assert_int_equal(b->reply, SOT_MSG_ACCEPTED);
	assert_string_equal(bench_host_state(b, source), "draining");
	assert_int_equal(count_moving(b), 1);
	ASK(b, host_set_schedulable, .name = SOT_STR("h1"), .schedulable = true);
	assert_int_equal(b->refusal, SOT_REFUSAL_CONFLICT); /* its drain is open */
	bench_status(b, 2, b->instance.generation, SOT_OBSERVED_STATE_RETIRED, SOT_HEALTH_UNKNOWN);
	bench_pass(b, 1000);
	assert_string_equal(bench_host_state(b, source), "maintenance");
	b->host_id = target;
	bench_status(b, 1, b->instance.generation, SOT_OBSERVED_STATE_RUNNING, SOT_HEALTH_HEALTHY);
	assert_int_equal(b->operation.kind, OPERATION_HOST_DRAIN);
	assert_int_equal(b->operation.state, OPERATION_DONE);
	ASK(b, host_set_schedulable, .name = SOT_STR("h1"), .schedulable = true);
	assert_string_equal(bench_host_state(b, source), "online");
}

static void a_plan_says_who_goes_and_who_stays_and_changes_nothing(void **state)
{
	bench *b = *state;

	bench_bring_up(b);
	sot_uuid source = b->host_id;
	ASK(b, host_drain, .name = SOT_STR("h1"), .dry_run = true);
	assert_int_equal(b->reply, SOT_MSG_DRAIN_PLANNED);
	assert_int_equal(b->planned_moves, 0);
	assert_int_equal(b->planned_stays, 1);
	assert_non_null(strstr(b->planned_why, "pinned"));
	ASK(b, host_drain, .name = SOT_STR("h1"), .dry_run = true, .include_pinned = true);
	assert_non_null(strstr(b->planned_why, "0 of 1 hosts fit"));
	(void)bench_add_host(b, "h2", "r2");
	ASK(b, host_drain, .name = SOT_STR("h1"), .dry_run = true, .include_pinned = true);
	assert_int_equal(b->planned_moves, 1);
	assert_string_equal(b->planned_to, "h2");
	sot_str both[] = {SOT_STR("h2")};
	ASK(b, host_drain, .name = SOT_STR("h1"), .with = both, .with_count = 1, .dry_run = true,
	    .include_pinned = true);
	assert_int_equal(b->planned_moves, 0); /* both are emptied */
	assert_string_equal(bench_host_state(b, source), "online");
	assert_int_equal(b->instance.state, INSTANCE_RUNNING);
}

static void a_drain_takes_no_more_of_an_app_than_its_budget(void **state)
{
	bench *b = *state;
	sot_uuid ids[2];

	bench_create(b, 2);
	bench_grant(b);
	ids[0] = b->owners[0];
	ids[1] = b->owners[1];
	sot_instance_status two[2] = {{.instance_id = ids[0],
	                                  .generation = 1,
	                                  .observed = SOT_OBSERVED_STATE_RUNNING,
	                                  .health = SOT_HEALTH_HEALTHY},
	    {.instance_id = ids[1],
	        .generation = 1,
	        .observed = SOT_OBSERVED_STATE_RUNNING,
	        .health = SOT_HEALTH_HEALTHY}};
	TELL(b, status, .boot_id = SOT_STR("b"), .agent_start_id = 9, .seq = 1, .instances = two,
	    .instances_count = 2);
	(void)bench_add_host(b, "h2", "r2");
	ASK(b, host_drain, .name = SOT_STR("h1"), .include_pinned = true, .parallel = 5);
	assert_int_equal(controller_get_stats(b->c).moves, 1);
	bench_pass(b, 20000);
	assert_int_equal(
	    controller_get_stats(b->c).moves, 1); /* the other waits until this one is well */
}

static void a_drain_whose_deadline_passes_begins_nothing_more(void **state)
{
	bench *b = *state;

	bench_bring_up(b); /* and nowhere to go */
	ASK(b, host_drain, .name = SOT_STR("h1"), .include_pinned = true, .deadline_s = 30);
	bench_pass(b, 10000);
	ASK(b, host_drain, .name = SOT_STR("h1"), .include_pinned = true);
	assert_int_equal(b->refusal, SOT_REFUSAL_CONFLICT); /* it is being drained already */
	TELL(b, heartbeat, .boot_id = SOT_STR("b"), .docker_ok = true);
	bench_pass(b, 25000);
	assert_int_equal(b->instance.state, INSTANCE_RUNNING);
	assert_int_equal(controller_get_stats(b->c).operations_open, 0);
}

static void only_an_empty_host_is_retired_and_then_its_agent_is_not_heard(void **state)
{
	bench *b = *state;

	bench_bring_up(b);
	sot_uuid empty = bench_add_host(b, "h2", "r2");
	ASK(b, host_retire, .name = SOT_STR("h1"));
	assert_int_equal(b->refusal, SOT_REFUSAL_CONFLICT);
	assert_non_null(strstr(b->text, "1 instances stand on h1"));
	ASK(b, host_retire, .name = SOT_STR("h2"));
	assert_string_equal(bench_host_state(b, empty), "retired");
	b->host_id = empty;
	bench_hello(b);
	assert_string_equal(bench_host_state(b, empty), "retired");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, bench_setup, bench_teardown)
	const struct CMUnitTest tests[] = {
	    TEST(a_drain_moves_everything_and_ends_in_maintenance_until_it_is_uncordoned),
	    TEST(a_plan_says_who_goes_and_who_stays_and_changes_nothing),
	    TEST(a_drain_takes_no_more_of_an_app_than_its_budget),
	    TEST(a_drain_whose_deadline_passes_begins_nothing_more),
	    TEST(only_an_empty_host_is_retired_and_then_its_agent_is_not_heard),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
