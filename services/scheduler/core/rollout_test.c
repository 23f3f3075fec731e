/* Rollouts: batches, canary, gates, pauses, the way back. Hosts and ipam answer by themselves. */
#include "cloud_bench.h"

static int setup(void **state)
{
	controller_config config = controller_config_default(3);

	config.suspect_after_ms = 600000; /* the agents of this cloud have no heart */

	*state = cloud_new(2, &config);
	return 0;
}

static int teardown(void **state)
{
	*state = cloud_free(*state);
	return 0;
}

/* shop with `count` instances of v1, and v2 to roll out. */
static void shop(cloud *w, uint32_t count)
{
	cloud_create(w, "shop", count);
	cloud_package(w, "shop", "v1");
	cloud_package(w, "shop", "v2");
	cloud_rest(w);
	cloud_deploy(w, "shop", "v1");
	cloud_rest(w);
	assert_int_equal(cloud_operation(w, w->last)->state, OPERATION_DONE);
}

static sot_uuid deploy(cloud *w, sot_rollout_strategy strategy)
{
	CLOUD_ASK(
	    w, app_deploy, .name = SOT_STR("shop"), .version = SOT_STR("v2"), .strategy = strategy);
	if (w->reply == SOT_MSG_REFUSED)
		fail_msg("%s", w->text);
	return w->last;
}

static size_t running(const cloud *w, const char *version)
{
	size_t n = 0;

	for (size_t k = 0; k < w->order_count; k++)
		n += strcmp(w->orders[k].version, version) == 0 &&
		     w->orders[k].desired == SOT_DESIRED_STATE_RUNNING;
	return n;
}

static void act(cloud *w, sot_uuid operation, sot_rollout_action action)
{
	CLOUD_ASK(w, rollout_act, .operation_id = operation, .action = action);
}

static void a_batch_is_begun_together_and_the_next_only_when_all_of_it_are_healthy(void **state)
{
	cloud *w = *state;

	shop(w, 7);
	deploy(w, (sot_rollout_strategy){.batch = 3});
	assert_int_equal(running(w, "v2"), 3);
	cloud_work(w, 2);
	assert_int_equal(running(w, "v2"), 3);
	cloud_work(w, 1);
	assert_int_equal(running(w, "v2"), 6);
	cloud_rest(w);
	assert_int_equal(cloud_operation(w, w->last)->state, OPERATION_DONE);
	assert_int_equal(running(w, "v2"), 7);
}

static void a_share_is_rounded_up_and_a_canary_goes_first(void **state)
{
	cloud *w = *state;

	shop(w, 5);
	deploy(w, (sot_rollout_strategy){.batch_percent = 30, .canary = 1});
	assert_int_equal(running(w, "v2"), 1);
	cloud_work(w, 1);
	assert_int_equal(running(w, "v2"), 3);
	cloud_rest(w);
	assert_int_equal(cloud_operation(w, w->last)->state, OPERATION_DONE);
}

static void no_more_are_away_than_may_be_even_within_a_batch(void **state)
{
	cloud *w = *state;

	shop(w, 6);
	deploy(w, (sot_rollout_strategy){.batch = 6, .max_unavailable = 2});
	assert_int_equal(running(w, "v2"), 2);
	assert_non_null(strstr(cloud_operation(w, w->last)->waits_for, "shop-default-01"));
	cloud_work(w, 1);
	assert_int_equal(running(w, "v2"), 3);
	cloud_rest(w);
	assert_int_equal(cloud_operation(w, w->last)->state, OPERATION_DONE);
}

static void a_bad_canary_goes_back_and_nobody_else_is_touched(void **state)
{
	cloud *w = *state;

	shop(w, 4);
	uint64_t untouched = cloud_order_of(w, "shop-default-03")->generation;
	(void)snprintf(w->failing, sizeof(w->failing), "shop-default-01");
	sot_uuid operation =
	    deploy(w, (sot_rollout_strategy){
	                  .batch = 2, .canary = 1, .on_failure = SOT_ROLLOUT_FAILURE_ROLL_BACK});
	cloud_rest(w);
	cloud_pass(w, 20000);
	assert_string_equal(cloud_order_of(w, "shop-default-01")->version, "v1");
	w->failing[0] = '\0';
	cloud_rest(w);
	const operation_row *o = cloud_operation(w, operation);
	assert_int_equal(o->state, OPERATION_FAILED);
	assert_non_null(strstr(o->error, "shop-default-01"));
	assert_string_equal(o->outcome, "rolled back: 1 of the 1 that were changed run v1 again");
	assert_int_equal(running(w, "v1"), 4);
	assert_int_equal(cloud_order_of(w, "shop-default-03")->generation, untouched);
}

static void a_pause_after_the_canary_waits_for_somebody(void **state)
{
	cloud *w = *state;

	shop(w, 3);
	sot_uuid operation = deploy(
	    w, (sot_rollout_strategy){.batch = 2, .canary = 1, .pause = SOT_ROLLOUT_PAUSE_CANARY});
	cloud_rest(w);
	cloud_pass(w, 600000);
	assert_int_equal(running(w, "v2"), 1);
	assert_string_equal(
	    cloud_operation(w, operation)->waits_for, "somebody to resume it: paused by its strategy");
	act(w, operation, SOT_ROLLOUT_ACTION_RESUME);
	cloud_rest(w);
	assert_int_equal(cloud_operation(w, operation)->state, OPERATION_DONE);
	assert_int_equal(running(w, "v2"), 3);
}

static void a_timed_pause_and_a_bake_end_by_themselves(void **state)
{
	cloud *w = *state;

	shop(w, 2);
	sot_uuid operation = deploy(
	    w, (sot_rollout_strategy){.pause = SOT_ROLLOUT_PAUSE_BATCH, .pause_s = 60, .bake_s = 30});
	cloud_rest(w);
	cloud_pass(w, 80000);
	assert_int_equal(running(w, "v2"), 1);
	cloud_pass(w, 15000);
	assert_int_equal(running(w, "v2"), 2);
	cloud_rest(w);
	assert_int_equal(cloud_operation(w, operation)->state, OPERATION_RUNNING);
	cloud_pass(w, 35000);
	assert_int_equal(cloud_operation(w, operation)->state, OPERATION_DONE);
}

static void somebody_pauses_resumes_and_takes_it_back(void **state)
{
	cloud *w = *state;

	shop(w, 4);
	sot_uuid operation = deploy(w, (sot_rollout_strategy){.batch = 1});
	act(w, operation, SOT_ROLLOUT_ACTION_PAUSE);
	act(w, operation, SOT_ROLLOUT_ACTION_PAUSE);
	assert_int_equal(w->refusal, SOT_REFUSAL_CONFLICT);
	cloud_rest(w);
	assert_int_equal(running(w, "v2"), 1);
	act(w, operation, SOT_ROLLOUT_ACTION_RESUME);
	cloud_work(w, 1);
	act(w, operation, SOT_ROLLOUT_ACTION_ROLL_BACK);
	cloud_rest(w);
	const operation_row *o = cloud_operation(w, operation);
	assert_int_equal(o->state, OPERATION_CANCELLED);
	assert_string_equal(o->error, "rolled back by user:u");
	assert_int_equal(running(w, "v1"), 4);
}

static void helpers_stand_in_and_leave_so_that_nobody_is_missing(void **state)
{
	cloud *w = *state;

	shop(w, 3);
	sot_uuid operation = deploy(w, (sot_rollout_strategy){.batch = 3, .surge = 1});
	assert_int_equal(controller_get_stats(w->c).instances, 4);
	assert_int_equal(running(w, "v1"), 3);
	cloud_work(w, 1);
	assert_int_equal(running(w, "v1"), 2); /* one at a time: the helper stands in */
	cloud_rest(w);
	assert_int_equal(cloud_operation(w, operation)->state, OPERATION_DONE);
	assert_int_equal(controller_get_stats(w->c).instances, 3);
	assert_int_equal(running(w, "v2"), 3);
}

static void a_deadline_ends_it_and_it_goes_back(void **state)
{
	cloud *w = *state;

	shop(w, 2);
	sot_uuid operation = deploy(w, (sot_rollout_strategy){.deadline_s = 60,
	                                   .pause = SOT_ROLLOUT_PAUSE_BATCH,
	                                   .on_failure = SOT_ROLLOUT_FAILURE_ROLL_BACK});
	cloud_rest(w);
	cloud_pass(w, 61000);
	cloud_rest(w);
	const operation_row *o = cloud_operation(w, operation);
	assert_int_equal(o->state, OPERATION_FAILED);
	assert_string_equal(o->error, "its deadline of 60 s is over");
	assert_int_equal(running(w, "v1"), 2);
}

static void the_plan_is_told_and_nothing_is_changed(void **state)
{
	cloud *w = *state;

	shop(w, 3);
	CLOUD_ASK(w, app_deploy, .name = SOT_STR("shop"), .version = SOT_STR("v2"), .dry_run = true,
	    .strategy = {.batch = 2, .canary = 1, .order = SOT_ROLLOUT_ORDER_AZ});
	assert_int_equal(w->reply, SOT_MSG_ANSWER);
	assert_non_null(strstr(w->answer, "{\"number\":1,\"canary\":true,\"instances\":[{\"name\":"));
	assert_non_null(strstr(w->answer, "\"from\":\"v1\",\"to\":\"v2\""));
	assert_non_null(strstr(w->answer, "{\"number\":2,\"canary\":false"));
	assert_null(strstr(w->answer, "\"number\":3"));
	assert_int_equal(running(w, "v1"), 3);
}

static void tell_errors(cloud *w, const char *of, uint64_t permille)
{
	SOT_AUTO_BUF out = {0};
	sot_err err = {0};
	sot_elastic_value m = {.request_id = ++w->requests,
	    .app = SOT_STR("shop"),
	    .value = SOT_STR("error_permille"),
	    .instance = sot_str_c(of),
	    .value_milli = permille * 1000};

	sot_buf_init(&out, SOT_WIRE_FRAME_MAX);
	assert_int_equal(sot_elastic_value_encode(&m, &out, &err), SOT_OK);
	cloud_ask(w, &out);
	assert_int_equal(w->reply, SOT_MSG_ANSWER);
}

static sot_uuid baking(cloud *w, uint16_t errors_max)
{
	shop(w, 3);
	sot_uuid operation = deploy(w, (sot_rollout_strategy){.batch = 1,
	                                   .canary = 1,
	                                   .bake_s = 40,
	                                   .errors_max = errors_max,
	                                   .on_failure = SOT_ROLLOUT_FAILURE_ROLL_BACK});
	cloud_rest(w);
	assert_int_equal(running(w, "v2"), 1);
	return operation;
}

static const char *changed_one(const cloud *w)
{
	for (size_t k = 0; k < w->order_count; k++) {
		if (strcmp(w->orders[k].version, "v2") == 0)
			return w->orders[k].name;
	}
	return "";
}

static void too_many_failed_requests_are_a_failure(void **state)
{
	cloud *w = *state;
	sot_uuid operation = baking(w, 20);

	for (int k = 0; k < 7; k++) {
		cloud_pass(w, 5000);
		tell_errors(w, changed_one(w), 21);
	}
	cloud_rest(w);
	const operation_row *o = cloud_operation(w, operation);
	assert_int_equal(o->state, OPERATION_FAILED);
	assert_non_null(
	    strstr(o->error, "of a thousand requests 21.000 fail after the change, at most 20 may"));
	assert_int_equal(running(w, "v1"), 3);
}

static void few_failed_requests_or_those_of_others_are_none(void **state)
{
	cloud *w = *state;
	sot_uuid operation = baking(w, 20);

	for (int k = 0; k < 9 && cloud_operation(w, operation)->state == OPERATION_RUNNING; k++) {
		cloud_pass(w, 5000);
		tell_errors(w, changed_one(w), 20);
		for (size_t n = 0; n < w->order_count; n++) {
			if (strcmp(w->orders[n].version, "v1") == 0)
				tell_errors(w, w->orders[n].name, 500);
		}
		cloud_rest(w);
	}
	assert_true(running(w, "v2") >= 2); /* the next batch has begun */
}

static void the_app_as_a_whole_may_be_told_of_too(void **state)
{
	cloud *w = *state;
	sot_uuid operation = baking(w, 5);

	for (int k = 0; k < 7; k++) {
		cloud_pass(w, 5000);
		tell_errors(w, "", 6);
	}
	cloud_rest(w);
	assert_int_equal(cloud_operation(w, operation)->state, OPERATION_FAILED);
	assert_int_equal(running(w, "v1"), 3);
}

static void an_instance_is_out_of_rotation_before_and_in_after(void **state)
{
	cloud *w = *state;

	shop(w, 2);
	w->watch = "instance.rotation";
	sot_uuid operation = deploy(w, (sot_rollout_strategy){.drain_s = 10});
	assert_int_equal(w->watched, 1);
	cloud_pass(w, 8000);
	assert_int_equal(running(w, "v2"), 0);
	cloud_pass(w, 4000);
	assert_int_equal(running(w, "v2"), 1);
	cloud_rest(w);
	assert_int_equal(w->watched, 3); /* in again, and the next is out */
	cloud_pass(w, 12000);
	cloud_rest(w);
	assert_int_equal(w->watched, 4);
	assert_int_equal(cloud_operation(w, operation)->state, OPERATION_DONE);
}

static void a_command_takes_each_instance_out_of_rotation_and_back(void **state)
{
	cloud *w = *state;

	shop(w, 2);
	sot_uuid operation = deploy(w, (sot_rollout_strategy){.rotation_command = SOT_STR("/data/lb")});
	assert_true(w->rotate.out && strcmp(w->rotate.command, "/data/lb") == 0);
	assert_int_equal(w->rotate.count, 1);
	cloud_pass(w, 2000);
	assert_int_equal(w->rotate.count, 1); /* it has time */
	cloud_pass(w, 10000);
	assert_true(w->rotate.count > 1); /* the question or its answer may be lost */
	assert_int_equal(running(w, "v2"), 0);
	cloud_rotated(w, true, "");
	assert_int_equal(running(w, "v2"), 1);
	cloud_rest(w);
	assert_false(w->rotate.out);
	cloud_rotated(w, true, "");
	assert_true(w->rotate.out); /* of the second */
	cloud_rotated(w, true, "");
	cloud_rest(w);
	assert_int_equal(cloud_operation(w, operation)->state, OPERATION_RUNNING);
	cloud_rotated(w, true, "");
	assert_int_equal(cloud_operation(w, operation)->state, OPERATION_DONE);
	assert_int_equal(running(w, "v2"), 2);
}

static void a_command_of_rotation_that_fails_is_a_failure_and_holds_nobody_on_the_way_back(
    void **state)
{
	cloud *w = *state;

	shop(w, 2);
	sot_uuid operation = deploy(w, (sot_rollout_strategy){.rotation_command = SOT_STR("lb"),
	                                   .on_failure = SOT_ROLLOUT_FAILURE_ROLL_BACK});
	cloud_rotated(w, true, "");
	cloud_rest(w);
	cloud_rotated(w, false, "the command ended with 3: no balancer"); /* back in */
	assert_true(w->rotate.out); /* the one that was changed, on the way back */
	cloud_rotated(w, false, "the command ended with 3");
	cloud_rest(w);
	assert_int_equal(running(w, "v1"), 2);
	cloud_pass(w, 80000); /* and nobody answers */
	const operation_row *o = cloud_operation(w, operation);
	assert_int_equal(o->state, OPERATION_FAILED);
	assert_string_equal(
	    o->error, "shop-default-01: rotate_in: the command ended with 3: no balancer");
}

/* While one that goes back is out of rotation another one falls ill: that was the one that may be
 * away. */
static void the_way_back_looks_again_when_an_instance_has_left_the_rotation(void **state)
{
	cloud *w = *state;

	shop(w, 3);
	sot_uuid operation = deploy(
	    w, (sot_rollout_strategy){.batch = 3, .drain_s = 10, .max_unavailable = 1, .bake_s = 600});
	for (int k = 0; k < 3; k++) {
		cloud_pass(w, 12000);
		cloud_rest(w);
	}
	assert_int_equal(running(w, "v2"), 3);
	act(w, operation, SOT_ROLLOUT_ACTION_ROLL_BACK);
	cloud_pass(w, 5000);
	(void)snprintf(w->unwell, sizeof(w->unwell), "shop-default-02");
	cloud_tell(w, w->unwell);
	cloud_pass(w, 12000);
	assert_string_equal(cloud_order_of(w, "shop-default-01")->version, "v2");
	assert_non_null(strstr(cloud_operation(w, operation)->waits_for, "1 of 3 are away"));
	w->unwell[0] = '\0';
	cloud_tell(w, "shop-default-02");
	for (int k = 0; k < 4; k++) {
		cloud_pass(w, 12000);
		cloud_rest(w);
	}
	assert_int_equal(cloud_operation(w, operation)->state, OPERATION_CANCELLED);
	assert_int_equal(running(w, "v1"), 3);
}

static void a_strategy_that_cannot_be_is_refused_with_the_place(void **state)
{
	cloud *w = *state;

	shop(w, 1);
	CLOUD_ASK(w, app_deploy, .name = SOT_STR("shop"), .version = SOT_STR("v2"),
	    .strategy = {.batch = 2, .batch_percent = 10});
	assert_string_equal(w->pointer, "/strategy/batchPercent");
	CLOUD_ASK(w, app_deploy, .name = SOT_STR("shop"), .version = SOT_STR("v2"),
	    .strategy = {.pause = SOT_ROLLOUT_PAUSE_CANARY});
	assert_string_equal(w->pointer, "/strategy/pause");
	CLOUD_ASK(w, app_rebuild, .name = SOT_STR("shop"), .strategy = {.surge = 1});
	assert_string_equal(w->pointer, "/strategy/surge");
	act(w, w->last, SOT_ROLLOUT_ACTION_PAUSE);
	assert_int_equal(w->refusal, SOT_REFUSAL_NOT_FOUND);
}

#define IN_A_CLOUD(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    IN_A_CLOUD(a_batch_is_begun_together_and_the_next_only_when_all_of_it_are_healthy),
	    IN_A_CLOUD(a_share_is_rounded_up_and_a_canary_goes_first),
	    IN_A_CLOUD(no_more_are_away_than_may_be_even_within_a_batch),
	    IN_A_CLOUD(a_bad_canary_goes_back_and_nobody_else_is_touched),
	    IN_A_CLOUD(a_pause_after_the_canary_waits_for_somebody),
	    IN_A_CLOUD(a_timed_pause_and_a_bake_end_by_themselves),
	    IN_A_CLOUD(somebody_pauses_resumes_and_takes_it_back),
	    IN_A_CLOUD(helpers_stand_in_and_leave_so_that_nobody_is_missing),
	    IN_A_CLOUD(a_deadline_ends_it_and_it_goes_back),
	    IN_A_CLOUD(the_plan_is_told_and_nothing_is_changed),
	    IN_A_CLOUD(too_many_failed_requests_are_a_failure),
	    IN_A_CLOUD(few_failed_requests_or_those_of_others_are_none),
	    IN_A_CLOUD(the_app_as_a_whole_may_be_told_of_too),
	    IN_A_CLOUD(an_instance_is_out_of_rotation_before_and_in_after),
	    IN_A_CLOUD(a_command_takes_each_instance_out_of_rotation_and_back),
	    IN_A_CLOUD(a_command_of_rotation_that_fails_is_a_failure_and_holds_nobody_on_the_way_back),
	    IN_A_CLOUD(the_way_back_looks_again_when_an_instance_has_left_the_rotation),
	    IN_A_CLOUD(a_strategy_that_cannot_be_is_refused_with_the_place),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
