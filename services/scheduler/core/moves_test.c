/* Moves by the controller's public functions: who is told what, and when. */
#include "controller_bench.h"

static sot_uuid other_host(bench *b)
{
	return bench_add_host(b, "h2", "r2");
}

static void stand_on(bench *b, sot_uuid host)
{
	b->host_id = host;
}

static void ask_move(bench *b, const char *to)
{
	ASK(b, instance_move, .instance = SOT_STR("shop-default-01"), .host = sot_str_c(to));
}

static void a_move_is_told_to_the_target_only_after_the_source_proved_that_it_left(void **state)
{
	bench *b = *state;

	bench_bring_up(b);
	sot_uuid source = b->host_id, target = other_host(b);
	ask_move(b, "h2");
	assert_int_equal(b->instance.state, INSTANCE_MOVING);
	assert_true(sot_uuid_eq(b->instance.host_id, source));
	assert_true(sot_uuid_eq(b->instance.moving_to, target));
	assert_true(sot_uuid_eq(b->assigned_host, source));
	assert_int_equal(b->spec.desired, SOT_DESIRED_STATE_RETIRED);
	bench_status(b, 2, 2, SOT_OBSERVED_STATE_STOPPED, SOT_HEALTH_UNKNOWN);
	assert_true(sot_uuid_eq(b->assigned_host, source));
	bench_status(b, 3, 1, SOT_OBSERVED_STATE_RETIRED, SOT_HEALTH_UNKNOWN); /* an older order */
	assert_true(sot_uuid_eq(b->assigned_host, source));
	bench_status(b, 4, 2, SOT_OBSERVED_STATE_RETIRED, SOT_HEALTH_UNKNOWN);
	assert_true(sot_uuid_eq(b->assigned_host, target));
	assert_int_equal(b->spec.desired, SOT_DESIRED_STATE_RUNNING);
	assert_int_equal(sot_ip_v4(b->spec.address), 0x0a420002u); /* its own */
	assert_int_equal(b->instance.state, INSTANCE_CREATING);
	assert_true(sot_uuid_is_zero(b->instance.moving_to));
	stand_on(b, target);
	bench_status(b, 1, 3, SOT_OBSERVED_STATE_RUNNING, SOT_HEALTH_HEALTHY);
	assert_int_equal(b->operation.state, OPERATION_DONE);
	assert_int_equal(b->ipam_message, SOT_MSG_ADDRESSES_BIND); /* ipam hears of the new host */
}

static void a_target_that_does_not_fit_is_refused_with_the_reason(void **state)
{
	bench *b = *state;

	bench_bring_up(b);
	ask_move(b, "h9");
	assert_int_equal(b->refusal, SOT_REFUSAL_NOT_FOUND);
	assert_string_equal(b->pointer, "/host");
	ask_move(b, "h1");
	assert_int_equal(b->refusal, SOT_REFUSAL_CONFLICT);
	(void)other_host(b);
	ASK(b, host_set_schedulable, .name = SOT_STR("h2"), .schedulable = false);
	ask_move(b, "h2");
	assert_int_equal(b->refusal, SOT_REFUSAL_CONFLICT);
	assert_string_equal(b->text, "shop-default-01 does not fit h2: cordoned");
}

static void a_move_that_finds_no_host_waits_in_words_and_the_instance_runs_on(void **state)
{
	bench *b = *state;

	bench_bring_up(b);
	ask_move(b, "");
	assert_int_equal(b->instance.state, INSTANCE_RUNNING);
	assert_non_null(strstr(b->operation.waits_for, "another host for shop-default-01: 0 of 1"));
	sot_uuid target = other_host(b);
	assert_int_equal(b->instance.state, INSTANCE_MOVING);
	assert_true(sot_uuid_eq(b->instance.moving_to, target));
}

static void where_its_vlan_does_not_reach_the_address_goes_back_before_another_is_asked_for(
    void **state)
{
	bench *b = *state;
	static sot_vlan_scope first = {SOT_SCOPE_KIND_RACK, SOT_STR("r")};
	static sot_vlan_scope second = {SOT_SCOPE_KIND_RACK, SOT_STR("r2")};

	b->vlans[0].group = b->vlans[1].group = SOT_STR("all");
	b->vlans[0].scopes = &first;
	b->vlans[1] = b->vlans[0];
	b->vlans[1].name = SOT_STR("net2");
	b->vlans[1].scopes = &second;
	b->vlans[0].scopes_count = b->vlans[1].scopes_count = 1;
	b->vlan_count = 2;
	bench_pass(b, 1000);
	ASK(b, app_create, .name = SOT_STR("shop"), .image = SOT_STR("tomcat"), .plan = SOT_STR("tiny"),
	    .vlan = SOT_STR("all"),
	    .health = {.interval_ms = 1000,
	        .timeout_ms = 500,
	        .healthy_after = 1,
	        .unhealthy_after = 1},
	    .count = 1);
	bench_grant(b);
	bench_status(b, 1, 1, SOT_OBSERVED_STATE_RUNNING, SOT_HEALTH_HEALTHY);
	bench_done(b, 1, 0);
	sot_uuid source = b->host_id, target = other_host(b);
	ask_move(b, "h2");
	bench_status(b, 2, 2, SOT_OBSERVED_STATE_RETIRED, SOT_HEALTH_UNKNOWN);
	assert_int_equal(b->instance.state, INSTANCE_PLACED);
	assert_int_equal(b->ipam_message, SOT_MSG_ADDRESSES_RELEASE);
	assert_true(sot_uuid_eq(b->assigned_host, source)); /* nobody is told the old address */
	bench_done(b, 1, 0);
	assert_int_equal(b->ipam_message, SOT_MSG_ADDRESSES_ACQUIRE);
	assert_string_equal(b->wanted_vlan, "net2");
	bench_grant(b);
	assert_true(sot_uuid_eq(b->assigned_host, target));
	assert_int_equal(sot_ip_v4(b->spec.address), 0x0a420003u);
}

static void a_move_that_was_cancelled_is_asked_for_again_by_its_operation(void **state)
{
	bench *b = *state;

	bench_bring_up(b);
	ask_move(b, ""); /* no other host is there */
	sot_uuid first = b->accepted.operation_id, instance = b->instance.id;
	ASK(b, operation_cancel, .operation_id = first);
	(void)bench_add_host(b, "h3", "r3");
	sot_uuid target = other_host(b);
	ASK(b, operation_retry, .operation_id = first, .kind = SOT_STR("instance.move"),
	    .app = SOT_STR("shop"), .targets = &instance, .targets_count = 1, .host = SOT_STR("h2"));
	assert_int_equal(b->reply, SOT_MSG_ACCEPTED);
	assert_int_equal(b->instance.state, INSTANCE_MOVING);
	assert_true(sot_uuid_eq(b->instance.moving_to, target));
	assert_true(sot_uuid_eq(b->operation.retry_of, first));
}

/* Its target was closed while it left: it goes back to where it stood, and counts there again. */
static void an_instance_that_goes_back_counts_where_it_stands(void **state)
{
	bench *b = *state;

	bench_bring_up(b);
	sot_uuid source = b->host_id;
	ASK(b, app_update, .name = SOT_STR("shop"),
	    .placement = {.max_unavailable = 1, .spread_host = {.max_count = 1}});
	(void)other_host(b);
	ask_move(b, "h2");
	ASK(b, host_drain, .name = SOT_STR("h2"), .dry_run = true); /* the placer is told of it */
	ASK(b, host_set_schedulable, .name = SOT_STR("h2"), .schedulable = false);
	bench_status(b, 2, 2, SOT_OBSERVED_STATE_RETIRED, SOT_HEALTH_UNKNOWN);
	assert_true(sot_uuid_eq(b->instance.host_id, source));
	assert_int_equal(b->instance.state, INSTANCE_CREATING);
	bench_status(b, 3, 3, SOT_OBSERVED_STATE_RUNNING, SOT_HEALTH_HEALTHY);
	assert_int_equal(b->operation.state, OPERATION_DONE);
	ASK(b, app_scale, .name = SOT_STR("shop"), .count = 2);
	assert_non_null(strstr(b->operation.waits_for, "1 spread over hosts"));
}

static void a_retirement_on_the_way_ends_the_move_and_books_nothing(void **state)
{
	bench *b = *state;

	bench_bring_up(b);
	sot_uuid target = other_host(b);
	ask_move(b, "h2");
	sot_uuid move = b->accepted.operation_id;
	ASK(b, operation_cancel, .operation_id = move);
	ASK(b, instance_act, .instance = SOT_STR("shop-default-01"),
	    .action = SOT_INSTANCE_ACTION_RETIRE);
	assert_int_equal(b->instance.state, INSTANCE_RETIRING);
	assert_true(sot_uuid_is_zero(b->instance.moving_to));
	bench_status(b, 2, b->instance.generation, SOT_OBSERVED_STATE_RETIRED, SOT_HEALTH_UNKNOWN);
	bench_done(b, 1, 0);
	assert_int_equal(b->instance.state, INSTANCE_RETIRED);
	assert_false(sot_uuid_eq(b->assigned_host, target));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, bench_setup, bench_teardown)
	const struct CMUnitTest tests[] = {
	    TEST(a_move_is_told_to_the_target_only_after_the_source_proved_that_it_left),
	    TEST(a_target_that_does_not_fit_is_refused_with_the_reason),
	    TEST(a_move_that_finds_no_host_waits_in_words_and_the_instance_runs_on),
	    TEST(where_its_vlan_does_not_reach_the_address_goes_back_before_another_is_asked_for),
	    TEST(a_move_that_was_cancelled_is_asked_for_again_by_its_operation),
	    TEST(an_instance_that_goes_back_counts_where_it_stands),
	    TEST(a_retirement_on_the_way_ends_the_move_and_books_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
