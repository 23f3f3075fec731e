/* Starts in flight: limits, turns, and what the waiting ones say. */
#include "cloud_bench.h"

static controller_config four_a_host(void)
{
	controller_config config = controller_config_default(3);

	config.starts_per_host = 4;
	return config;
}

static int setup(void **state)
{
	controller_config config = four_a_host();

	*state = cloud_new(2, &config);
	return 0;
}

static int teardown(void **state)
{
	*state = cloud_free(*state);
	return 0;
}

static void four_start_on_a_host_at_a_time_and_what_waits_says_for_what(void **state)
{
	cloud *w = *state;
	size_t done = 0;

	cloud_create(w, "shop", 20);
	assert_int_equal(cloud_starting(w, 0), 4);
	assert_int_equal(cloud_starting(w, 1), 4);
	assert_int_equal(controller_get_stats(w->c).starts_in_flight, 8);
	assert_int_equal(controller_get_stats(w->c).starts_waiting, 12);
	const char *waits = cloud_operation(w, w->last)->waits_for;
	assert_true(strcmp(waits, "a start slot on host h1: 4 of 4 in flight") == 0 ||
	            strcmp(waits, "a start slot on host h2: 4 of 4 in flight") == 0);
	while (cloud_work(w, 1) == 1) {
		done++;
		assert_true(cloud_starting(w, 0) <= 4 && cloud_starting(w, 1) <= 4);
	}
	assert_int_equal(done, 20);
	assert_int_equal(cloud_operation(w, w->last)->state, OPERATION_DONE);
	assert_int_equal(controller_get_stats(w->c).starts_in_flight, 0);
}

static const char *const six[] = {"one", "two", "three", "four", "five", "six"};

/* Six apps of one instance each have proved that they left h1. Returns the drain. */
static sot_uuid six_leave_for_h2(cloud *w)
{
	CLOUD_ASK(w, host_set_schedulable, .name = SOT_STR("h2"), .schedulable = false);
	for (int k = 0; k < 6; k++)
		cloud_create(w, six[k], 1);
	cloud_rest(w);
	CLOUD_ASK(w, host_set_schedulable, .name = SOT_STR("h2"), .schedulable = true);
	CLOUD_ASK(w, host_drain, .name = SOT_STR("h1"), .include_pinned = true, .parallel = 6);
	sot_uuid drain = w->last;
	cloud_work(w, 6);
	return drain;
}

static void what_moves_stands_in_line_at_its_target_too(void **state)
{
	cloud *w = *state;
	sot_uuid drain = six_leave_for_h2(w);
	size_t most = 0;

	do
		most = cloud_starting(w, 1) > most ? cloud_starting(w, 1) : most;
	while (cloud_work(w, 1) == 1);
	assert_int_equal(most, 4);
	assert_int_equal(cloud_operation(w, drain)->state, OPERATION_DONE);
	assert_int_equal(cloud_operation(w, drain)->children.done, 6);
	assert_int_equal(controller_get_stats(w->c).starts_in_flight, 0);
}

static void who_moved_starts_also_when_nobody_waits_for_it(void **state)
{
	cloud *w = *state;
	sot_uuid drain = six_leave_for_h2(w);

	assert_int_equal(cloud_starting(w, 1), 4);
	assert_non_null(strstr(cloud_child(w, drain, "six-default-01")->waits_for, "a start slot"));
	for (int k = 0; k < 6; k++) {
		char name[32];
		(void)snprintf(name, sizeof(name), "%s-default-01", six[k]);
		cloud_cancel(w, cloud_child(w, drain, name)->id);
	}
	cloud_rest(w);
	for (int k = 0; k < 6; k++) {
		char name[32];
		(void)snprintf(name, sizeof(name), "%s-default-01", six[k]);
		assert_true(cloud_order_of(w, name)->runs);
		assert_int_equal(cloud_order_of(w, name)->host, 1);
	}
	assert_int_equal(controller_get_stats(w->c).starts_waiting, 0);
}

static void a_single_start_does_not_wait_for_a_thousand_of_another_app(void **state)
{
	cloud *w = *state;

	cloud_create(w, "big", 1000);
	sot_uuid big = w->last;
	cloud_create(w, "small", 1);
	sot_uuid small = w->last;
	/* What is in flight already goes first: 8 starts; then each team has its turn. */
	for (int k = 0; k < 10; k++)
		cloud_work(w, 1);
	assert_int_equal(cloud_operation(w, small)->state, OPERATION_DONE);
	assert_int_equal(cloud_operation(w, big)->state, OPERATION_RUNNING);
	cloud_rest(w);
	assert_int_equal(cloud_operation(w, big)->state, OPERATION_DONE);
}

static void a_cancelled_growth_takes_back_what_no_agent_has_heard_of(void **state)
{
	cloud *w = *state;

	cloud_create(w, "shop", 20);
	sot_uuid operation = w->last;
	cloud_cancel(w, operation);
	assert_string_equal(cloud_operation(w, operation)->outcome,
	    "0 of 20 instances were added, 12 taken back, 8 stay and may still come up; shop has 8 "
	    "instances now");
	assert_int_equal(controller_get_stats(w->c).instances, 8);        /* no agent was asked */
	assert_int_equal(controller_get_stats(w->c).starts_in_flight, 8); /* they go on */
	cloud_rest(w);
	assert_int_equal(controller_get_stats(w->c).starts_in_flight, 0);
}

static void one_host_pulls_an_image_before_the_next_when_the_limit_is_one(void **state)
{
	controller_config config = four_a_host();
	cloud *w = cloud_free(*state);

	config.pulls_per_image = 1;
	*state = w = cloud_new(2, &config);
	cloud_create(w, "shop", 6);
	assert_int_equal(cloud_starting(w, 0) + cloud_starting(w, 1), 3);
	assert_non_null(strstr(cloud_operation(w, w->last)->waits_for,
	    "a slot to pull image r/tomcat:1: 1 of 1 in flight"));
	cloud_rest(w);
	assert_int_equal(cloud_operation(w, w->last)->state, OPERATION_DONE);
}

static void racks_and_the_whole_have_limits_too(void **state)
{
	controller_config config = four_a_host();
	cloud *w = cloud_free(*state);

	config.starts_per_rack = 5;
	config.starts_in_all = 7;
	*state = w = cloud_new(4, &config); /* two racks */
	cloud_create(w, "shop", 40);
	assert_true(cloud_starting(w, 0) + cloud_starting(w, 1) <= 5);
	assert_true(cloud_starting(w, 2) + cloud_starting(w, 3) <= 5);
	assert_int_equal(cloud_starting(w, -1), 7);
	cloud_rest(w);
	assert_int_equal(cloud_operation(w, w->last)->state, OPERATION_DONE);
}

static void a_start_that_never_ends_gives_its_slot_back_at_its_deadline(void **state)
{
	cloud *w = *state;

	cloud_create(w, "shop", 16);
	for (int k = 0; k < 61; k++)
		cloud_pass(w, 10000);
	assert_int_equal(controller_get_stats(w->c).starts_in_flight, 8); /* the other eight */
	for (int k = 0; k < 61; k++)
		cloud_pass(w, 10000);
	assert_int_equal(controller_get_stats(w->c).starts_in_flight, 0);
	assert_int_equal(cloud_operation(w, w->last)->state, OPERATION_FAILED);
}

static void a_failing_app_does_not_hold_slots(void **state)
{
	cloud *w = *state;

	(void)snprintf(w->failing, sizeof(w->failing), "bad");
	cloud_create(w, "bad", 8);
	cloud_work(w, 8);
	assert_int_equal(controller_get_stats(w->c).starts_in_flight, 0);
}

static void too_many_operations_on_an_app_are_refused_for_a_while(void **state)
{
	controller_config config = four_a_host();
	cloud *w = cloud_free(*state);

	config.queue_max = 3;
	*state = w = cloud_new(1, &config);
	cloud_create(w, "shop", 1);
	cloud_scale(w, "shop", 2);
	cloud_scale(w, "shop", 3);
	cloud_scale(w, "shop", 4);
	assert_int_equal(w->refusal, SOT_REFUSAL_LIMIT);
	assert_non_null(strstr(w->text, "3 operations of app 'shop'"));
	cloud_rest(w);
	cloud_scale(w, "shop", 4);
	assert_int_equal(w->reply, SOT_MSG_ACCEPTED);
}

static void an_ipam_that_is_away_is_asked_less_and_less_often(void **state)
{
	cloud *w = *state;
	uint64_t first, later;

	w->ipam_is_away = true;
	cloud_create(w, "shop", 1);
	for (int k = 0; k < 20; k++)
		cloud_pass(w, 500);
	first = controller_get_stats(w->c).ipam_requests;
	for (int k = 0; k < 240; k++)
		cloud_pass(w, 500);
	later = controller_get_stats(w->c).ipam_requests - first;
	assert_true(first >= 3);
	assert_true(later < 12 * first); /* twelve times as long */
	w->ipam_is_away = false;
	for (int k = 0; k < 40; k++)
		cloud_pass(w, 500);
	cloud_rest(w);
	assert_int_equal(cloud_operation(w, w->last)->state, OPERATION_DONE);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
	    TEST(four_start_on_a_host_at_a_time_and_what_waits_says_for_what),
	    TEST(what_moves_stands_in_line_at_its_target_too),
	    TEST(who_moved_starts_also_when_nobody_waits_for_it),
	    TEST(a_single_start_does_not_wait_for_a_thousand_of_another_app),
	    TEST(a_cancelled_growth_takes_back_what_no_agent_has_heard_of),
	    TEST(one_host_pulls_an_image_before_the_next_when_the_limit_is_one),
	    TEST(racks_and_the_whole_have_limits_too),
	    TEST(a_start_that_never_ends_gives_its_slot_back_at_its_deadline),
	    TEST(a_failing_app_does_not_hold_slots),
	    TEST(too_many_operations_on_an_app_are_refused_for_a_while),
	    TEST(an_ipam_that_is_away_is_asked_less_and_less_often),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
