/* Drains by the controller's public functions: the plan, the budget, the end. */
#include "controller_bench.h"
#include "parts.h"

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

/* ---- maintenance windows ---- */

#define MONDAY 1767571200000ll /* 2026-01-05 00:00 UTC */
#define TWO_HOURS (2 * 3600 * 1000ll)

static void maintain(bench *b, const char *name, bool is_rack, const char *window)
{
	sot_str windows[] = {sot_str_c(window)};

	ASK(b, host_maintenance, .name = sot_str_c(name), .is_rack = is_rack, .windows = windows,
	    .windows_count = window[0] != '\0');
}

/* Four seconds: too short for a host to be missed. */
static void four_seconds(bench *b)
{
	TELL(b, heartbeat, .boot_id = SOT_STR("b"), .docker_ok = true);
	bench_pass(b, 4000);
}

static void a_drain_moves_nothing_before_the_window_of_its_host_opens(void **state)
{
	bench *b = *state;

	b->now.wall.unix_ms = MONDAY + TWO_HOURS - 5000;
	bench_bring_up(b);
	sot_uuid source = b->host_id;
	(void)bench_add_host(b, "h2", "r2");
	maintain(b, "h1", false, "mon 02:00-04:00");
	assert_int_equal(b->reply, SOT_MSG_ACCEPTED);
	ASK(b, host_drain, .name = SOT_STR("h1"), .include_pinned = true);
	assert_string_equal(bench_host_state(b, source), "draining");
	four_seconds(b);
	assert_int_equal(b->instance.state, INSTANCE_RUNNING);
	assert_int_equal(count_moving(b), 0);
	four_seconds(b);
	assert_int_equal(count_moving(b), 1);
}

static void what_is_said_of_a_host_outweighs_its_rack_and_counts_at_once(void **state)
{
	bench *b = *state;

	b->now.wall.unix_ms = MONDAY;
	bench_bring_up(b);
	(void)bench_add_host(b, "h2", "r2");
	maintain(b, "r", true, "mon 02:00-04:00");
	assert_int_equal(b->reply, SOT_MSG_ACCEPTED);
	ASK(b, host_drain, .name = SOT_STR("h1"), .include_pinned = true);
	four_seconds(b);
	assert_int_equal(count_moving(b), 0);
	maintain(b, "h1", false, "daily 00:00-24:00");
	bench_pass(b, 0);
	assert_int_equal(count_moving(b), 1);
}

static void a_host_that_comes_to_a_rack_takes_its_windows_over(void **state)
{
	bench *b = *state;

	b->now.wall.unix_ms = MONDAY;
	bench_bring_up(b);
	maintain(b, "r", true, "mon 02:00-04:00");
	(void)bench_add_host(b, "h2", "r");
	assert_string_equal(host_windows(model_find_host(b->c, SOT_STR("h2"))), "mon 02:00-04:00");
	maintain(b, "r", true, "");
	assert_string_equal(host_windows(model_find_host(b->c, SOT_STR("h2"))), "");
}

static void windows_of_nobody_and_what_is_none_are_refused(void **state)
{
	bench *b = *state;

	bench_bring_up(b);
	maintain(b, "h9", false, "daily 00:00-24:00");
	assert_int_equal(b->refusal, SOT_REFUSAL_NOT_FOUND);
	maintain(b, "r9", true, "daily 00:00-24:00");
	assert_int_equal(b->refusal, SOT_REFUSAL_NOT_FOUND);
	maintain(b, "h1", false, "monday");
	assert_int_equal(b->refusal, SOT_REFUSAL_INVALID);
	assert_string_equal(b->pointer, "/windows/0");
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
	    TEST(a_drain_moves_nothing_before_the_window_of_its_host_opens),
	    TEST(what_is_said_of_a_host_outweighs_its_rack_and_counts_at_once),
	    TEST(a_host_that_comes_to_a_rack_takes_its_windows_over),
	    TEST(windows_of_nobody_and_what_is_none_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
