/* Operations on many instances: cancel, retry, bulk. Hosts and ipam answer by themselves. */
#include "cloud_bench.h"

static int setup(void **state)
{
	controller_config config = controller_config_default(3);

	*state = cloud_new(2, &config);
	return 0;
}

static int teardown(void **state)
{
	*state = cloud_free(*state);
	return 0;
}

#define SHOP                                                                                       \
	(sot_str[])                                                                                    \
	{                                                                                              \
		SOT_STR("shop")                                                                            \
	}

/* ---- cancel ---- */

static void a_cancelled_growth_says_what_stands_who_cancelled_and_why_it_was_asked(void **state)
{
	cloud *w = *state;

	cloud_create(w, "shop", 4);
	sot_uuid operation = w->last;
	cloud_work(w, 1);
	cloud_cancel(w, operation);
	const operation_row *o = cloud_operation(w, operation);
	assert_int_equal(o->state, OPERATION_CANCELLED);
	assert_string_equal(o->error, "cancelled by user:u");
	assert_string_equal(o->cancelled_by, "user:u");
	assert_string_equal(o->reason, "because");
	assert_string_equal(o->outcome,
	    "1 of 4 instances were added, 0 taken back, 3 stay and may still "
	    "come up; shop has 4 instances now");
	assert_true(o->started_unix_ms > 0 && o->finished_unix_ms >= o->started_unix_ms);
}

static void a_cancelled_roll_out_says_who_runs_what(void **state)
{
	cloud *w = *state;

	cloud_create(w, "shop", 3);
	cloud_rest(w);
	cloud_package(w, "shop", "v2");
	cloud_deploy(w, "shop", "v2");
	sot_uuid operation = w->last;
	cloud_work(w, 1);
	cloud_cancel(w, operation);
	assert_string_equal(cloud_operation(w, operation)->outcome,
	    "1 of 3 instances run version v2, 1 were told to and may follow, 1 keep what they run; new "
	    "instances get no package");
}

static void a_cancelled_shrinking_is_not_taken_back_and_says_so(void **state)
{
	cloud *w = *state;

	cloud_create(w, "shop", 3);
	cloud_rest(w);
	cloud_scale(w, "shop", 1);
	sot_uuid operation = w->last;
	cloud_cancel(w, operation);
	assert_non_null(
	    strstr(cloud_operation(w, operation)->outcome, "0 of 2 instances were removed"));
	cloud_rest(w);
	assert_int_equal(controller_get_stats(w->c).instances, 1);
}

/* ---- retry ---- */

static void a_retry_of_a_growth_goes_on_with_what_failed_only_and_is_linked(void **state)
{
	cloud *w = *state;

	cloud_create(w, "shop", 3);
	sot_uuid first = w->last;
	(void)snprintf(w->failing, sizeof(w->failing), "shop-default-02");
	cloud_rest(w);
	cloud_pass(w, 20000);
	assert_int_equal(cloud_operation(w, first)->state, OPERATION_FAILED);
	uint64_t untouched = cloud_order_of(w, "shop-default-01")->generation;
	w->failing[0] = '\0';
	cloud_retry(w, first);
	assert_int_equal(w->reply, SOT_MSG_ACCEPTED);
	cloud_rest(w);
	const operation_row *again = cloud_operation(w, w->last);
	assert_int_equal(again->state, OPERATION_DONE);
	assert_true(sot_uuid_eq(again->retry_of, first));
	assert_int_equal(again->progress_total, 2); /* restart and health of one instance */
	assert_int_equal(cloud_order_of(w, "shop-default-01")->generation, untouched);
	assert_int_equal(controller_get_stats(w->c).instances, 3);
}

static void a_retry_makes_again_what_was_taken_back_but_never_more_than_was_asked(void **state)
{
	cloud *w = *state;

	cloud_create(w, "shop", 4);
	sot_uuid first = w->last;
	cloud_rest(w);
	cloud_act(w, "shop-default-03", SOT_INSTANCE_ACTION_RETIRE);
	cloud_act(w, "shop-default-04", SOT_INSTANCE_ACTION_RETIRE);
	cloud_rest(w);
	cloud_scale(w, "shop", 3);
	cloud_rest(w);
	cloud_retry(w, first); /* two are gone, but with one more there are as many as were asked for */
	cloud_rest(w);
	assert_int_equal(cloud_operation(w, w->last)->state, OPERATION_DONE);
	assert_int_equal(controller_get_stats(w->c).instances, 4);
}

static void a_retry_of_a_roll_out_leaves_alone_who_runs_it_already(void **state)
{
	cloud *w = *state;

	cloud_create(w, "shop", 3);
	cloud_rest(w);
	cloud_package(w, "shop", "v2");
	(void)snprintf(w->failing, sizeof(w->failing), "shop-default-02");
	cloud_deploy(w, "shop", "v2");
	sot_uuid first = w->last;
	cloud_rest(w);
	cloud_pass(w, 20000);
	assert_int_equal(cloud_operation(w, first)->state, OPERATION_FAILED);
	uint64_t untouched = cloud_order_of(w, "shop-default-01")->generation;
	w->failing[0] = '\0';
	cloud_retry(w, first);
	cloud_rest(w);
	assert_int_equal(cloud_operation(w, w->last)->state, OPERATION_DONE);
	assert_int_equal(cloud_operation(w, w->last)->progress_total, 4);
	assert_int_equal(cloud_order_of(w, "shop-default-01")->generation, untouched);
	assert_string_equal(cloud_order_of(w, "shop-default-03")->version, "v2");
}

static void a_retry_to_what_there_is_not_any_more_is_refused(void **state)
{
	static const char *const kinds[] = {"app.rebuild", "app.resize"};
	cloud *w = *state;

	cloud_create(w, "shop", 1);
	cloud_rest(w);
	for (size_t k = 0; k < 2; k++) {
		w->refusal = SOT_REFUSAL_INVALID;
		CLOUD_ASK(w, operation_retry, .operation_id = {{7}}, .kind = sot_str_c(kinds[k]),
		    .app = SOT_STR("shop"), .what = SOT_STR("gone"));
		assert_int_equal(w->refusal, SOT_REFUSAL_NOT_FOUND);
		CLOUD_ASK(w, operation_retry, .operation_id = {{7}}, .kind = sot_str_c(kinds[k]),
		    .app = SOT_STR("shop"));
		assert_int_equal(w->refusal, SOT_REFUSAL_NOT_FOUND);
	}
}

static void what_has_not_ended_or_has_no_parts_is_not_retried(void **state)
{
	cloud *w = *state;

	cloud_create(w, "shop", 1);
	cloud_retry(w, w->last);
	assert_int_equal(w->refusal, SOT_REFUSAL_CONFLICT);
	assert_non_null(strstr(w->text, "has not ended"));
	cloud_rest(w);
	cloud_package(w, "shop", "v2");
	cloud_retry(w, w->last);
	assert_non_null(strstr(w->text, "send its request again"));
}

/* ---- bulk ---- */

static void a_dry_run_names_who_would_be_hit_and_changes_nothing(void **state)
{
	cloud *w = *state;

	cloud_create(w, "shop", 3);
	cloud_create(w, "cart", 2);
	cloud_rest(w);
	cloud_bulk(w, (sot_operation_bulk){.action = SOT_BULK_ACTION_RESTART,
	                  .hosts = (sot_str[]){SOT_STR("h1"), SOT_STR("h2")},
	                  .hosts_count = 2,
	                  .dry_run = true});
	assert_int_equal(w->reply, SOT_MSG_BULK_MATCHED);
	assert_int_equal(w->matched.count, 5);
	assert_int_equal(w->matched.parallel, 1);
	/* neighbours are of different apps */
	assert_true(sot_str_eq_c(w->matched.names[0], "shop-default-01"));
	assert_true(sot_str_eq_c(w->matched.names[1], "cart-default-01"));
	assert_int_equal(controller_get_stats(w->c).operations_open, 0);
}

static void a_bulk_restart_runs_so_many_at_a_time_and_sums_its_children_up(void **state)
{
	cloud *w = *state;

	cloud_create(w, "shop", 5);
	cloud_rest(w);
	cloud_bulk(w, (sot_operation_bulk){.action = SOT_BULK_ACTION_RESTART,
	                  .apps = SHOP,
	                  .apps_count = 1,
	                  .parallel = 2,
	                  .expect = 5});
	sot_uuid parent = w->last;
	assert_int_equal(cloud_starting(w, -1), 2);
	assert_string_equal(
	    cloud_child(w, parent, "shop-default-05")->waits_for, "its turn: 2 at a time of 5 targets");
	for (int k = 1; k <= 5; k++) {
		assert_int_equal(cloud_operation(w, parent)->state, OPERATION_RUNNING);
		assert_int_equal(cloud_starting(w, -1), k < 5 ? 2 : 1);
		cloud_work(w, 1);
		assert_int_equal(cloud_operation(w, parent)->children.done, k);
	}
	const operation_row *o = cloud_operation(w, parent);
	assert_int_equal(o->state, OPERATION_DONE);
	assert_string_equal(o->target, "5 instances of shop");
	assert_int_equal(o->progress_done, 5);
	assert_int_equal(cloud_order_of(w, "shop-default-04")->restart_seq, 1);
}

static void a_failed_child_is_seen_at_the_parent_and_a_retry_takes_only_that(void **state)
{
	cloud *w = *state;

	cloud_create(w, "shop", 3);
	cloud_rest(w);
	(void)snprintf(w->failing, sizeof(w->failing), "shop-default-02");
	cloud_bulk(
	    w, (sot_operation_bulk){
	           .action = SOT_BULK_ACTION_RESTART, .apps = SHOP, .apps_count = 1, .parallel = 3});
	sot_uuid parent = w->last;
	cloud_rest(w);
	cloud_pass(w, 20000);
	const operation_row *o = cloud_operation(w, parent);
	assert_int_equal(o->state, OPERATION_FAILED);
	assert_string_equal(o->error, "1 of 3 failed, 0 were cancelled; the first: shop-default-02: "
	                              "shop-default-02: restart: exits with 1");
	assert_string_equal(o->outcome, "2 of 3 done, 1 failed, 0 not begun");
	w->failing[0] = '\0';
	cloud_retry(w, parent);
	cloud_rest(w);
	assert_int_equal(cloud_operation(w, w->last)->state, OPERATION_DONE);
	assert_int_equal(cloud_operation(w, w->last)->children.total, 1);
	assert_int_equal(cloud_order_of(w, "shop-default-01")->restart_seq, 1);
	assert_int_equal(cloud_order_of(w, "shop-default-02")->restart_seq, 2);
}

static void a_cancelled_parent_lets_run_what_runs_and_begins_nothing_more(void **state)
{
	cloud *w = *state;

	cloud_create(w, "shop", 5);
	cloud_rest(w);
	cloud_bulk(
	    w, (sot_operation_bulk){
	           .action = SOT_BULK_ACTION_STOP, .apps = SHOP, .apps_count = 1, .parallel = 2});
	sot_uuid parent = w->last;
	cloud_cancel(w, parent);
	assert_int_equal(cloud_operation(w, parent)->state, OPERATION_RUNNING);
	assert_int_equal(cloud_operation(w, parent)->children.cancelled, 3);
	cloud_cancel(w, parent);
	assert_int_equal(w->refusal, SOT_REFUSAL_CONFLICT);
	cloud_rest(w);
	const operation_row *o = cloud_operation(w, parent);
	assert_int_equal(o->state, OPERATION_CANCELLED);
	assert_string_equal(o->outcome, "2 of 5 done, 0 failed, 3 not begun");
	assert_true(cloud_order_of(w, "shop-default-05")->runs);
	assert_false(cloud_order_of(w, "shop-default-01")->runs);
}

static void too_many_failures_stop_the_rest(void **state)
{
	cloud *w = *state;

	cloud_create(w, "shop", 4);
	cloud_rest(w);
	(void)snprintf(w->failing, sizeof(w->failing), "shop-");
	cloud_bulk(w,
	    (sot_operation_bulk){
	        .action = SOT_BULK_ACTION_RESTART, .apps = SHOP, .apps_count = 1, .failures_max = 1});
	sot_uuid parent = w->last;
	cloud_rest(w);
	cloud_pass(w, 20000);
	const operation_row *o = cloud_operation(w, parent);
	assert_int_equal(o->state, OPERATION_FAILED);
	assert_int_equal(o->children.failed, 1);
	assert_int_equal(o->children.cancelled, 3);
}

static void operations_of_others_on_the_app_wait_for_all_parts_and_come_next(void **state)
{
	cloud *w = *state;

	cloud_create(w, "shop", 3);
	cloud_rest(w);
	cloud_bulk(
	    w, (sot_operation_bulk){.action = SOT_BULK_ACTION_RESTART, .apps = SHOP, .apps_count = 1});
	cloud_scale(w, "shop", 4);
	sot_uuid scale = w->last;
	cloud_work(w, 2);
	assert_int_equal(cloud_operation(w, scale)->state, OPERATION_QUEUED);
	cloud_rest(w);
	assert_int_equal(cloud_operation(w, scale)->state, OPERATION_DONE);
}

static void apps_are_scaled_and_rolled_out_together(void **state)
{
	cloud *w = *state;
	sot_str both[] = {SOT_STR("shop"), SOT_STR("cart")};

	cloud_create(w, "shop", 1);
	cloud_create(w, "cart", 1);
	cloud_rest(w);
	cloud_bulk(w, (sot_operation_bulk){
	                  .action = SOT_BULK_ACTION_SCALE, .apps = both, .apps_count = 2, .count = 3});
	cloud_rest(w);
	assert_int_equal(cloud_operation(w, w->last)->state, OPERATION_DONE);
	assert_int_equal(controller_get_stats(w->c).instances, 6);
	cloud_package(w, "shop", "v2");
	cloud_bulk(w, (sot_operation_bulk){.action = SOT_BULK_ACTION_DEPLOY,
	                  .apps = both,
	                  .apps_count = 2,
	                  .version = SOT_STR("v2")});
	assert_int_equal(w->refusal, SOT_REFUSAL_NOT_FOUND); /* cart has not got it: nothing begins */
	cloud_package(w, "cart", "v2");
	cloud_bulk(w, (sot_operation_bulk){.action = SOT_BULK_ACTION_DEPLOY,
	                  .apps = both,
	                  .apps_count = 2,
	                  .version = SOT_STR("v2")});
	cloud_rest(w);
	assert_int_equal(cloud_operation(w, w->last)->state, OPERATION_DONE);
	assert_string_equal(cloud_order_of(w, "cart-default-03")->version, "v2");
}

static void register_image(cloud *w, const char *reference)
{
	CLOUD_ASK(w, image_register, .name = SOT_STR("tomcat"), .reference = sot_str_c(reference));
}

/* Security updates: a new version of an image, rolled out over all apps that stand on it. */
static void apps_are_rebuilt_together_and_again_only_the_one_that_failed(void **state)
{
	static const char *const names[] = {
	    "shop-default-01", "shop-default-02", "cart-default-01", "cart-default-02"};
	cloud *w = *state;
	sot_str both[] = {SOT_STR("shop"), SOT_STR("cart")};
	sot_operation_bulk rebuild = {
	    .action = SOT_BULK_ACTION_REBUILD, .apps = both, .apps_count = 2, .strategy = {.batch = 1}};

	cloud_create(w, "shop", 2);
	cloud_create(w, "cart", 2);
	cloud_rest(w);
	register_image(w, "registry/tomcat:2");
	(void)snprintf(w->failing, sizeof(w->failing), "cart-default-01");
	cloud_bulk(w, rebuild);
	sot_uuid first = w->last;
	cloud_rest(w);
	cloud_pass(w, 20000);
	assert_int_equal(cloud_operation(w, first)->state, OPERATION_FAILED);
	assert_int_equal(cloud_operation(w, first)->children.failed, 1);
	w->failing[0] = '\0';
	cloud_retry(w, first);
	cloud_rest(w);
	assert_int_equal(cloud_operation(w, w->last)->state, OPERATION_DONE);
	assert_int_equal(cloud_operation(w, w->last)->children.total, 1);
	for (size_t k = 0; k < 4; k++)
		assert_string_equal(cloud_order_of(w, names[k])->image, "registry/tomcat:2");
	assert_int_equal(cloud_order_of(w, "shop-default-01")->rebuild_seq, 1);
	rebuild.strategy.surge = 1;
	cloud_bulk(w, rebuild);
	assert_string_equal(w->pointer, "/strategy/surge");
	rebuild.strategy.surge = 0;
	rebuild.hosts = (sot_str[]){SOT_STR("h1")};
	rebuild.hosts_count = 1;
	cloud_bulk(w, rebuild);
	assert_int_equal(w->refusal, SOT_REFUSAL_INVALID);
}

static void what_a_selection_lacks_is_refused_with_the_place(void **state)
{
	cloud *w = *state;

	cloud_create(w, "shop", 2);
	cloud_rest(w);
	cloud_bulk(w, (sot_operation_bulk){.action = SOT_BULK_ACTION_RESTART});
	assert_int_equal(w->refusal, SOT_REFUSAL_INVALID);
	cloud_bulk(w, (sot_operation_bulk){.action = SOT_BULK_ACTION_RESTART,
	                  .hosts = (sot_str[]){SOT_STR("h9")},
	                  .hosts_count = 1});
	assert_string_equal(w->pointer, "/hosts/0");
	cloud_bulk(w, (sot_operation_bulk){.action = SOT_BULK_ACTION_RESTART,
	                  .instances = (sot_str[]){SOT_STR("shop-default-01"), SOT_STR("shop-9")},
	                  .instances_count = 2});
	assert_string_equal(w->pointer, "/instances/1");
	cloud_bulk(
	    w, (sot_operation_bulk){
	           .action = SOT_BULK_ACTION_RESTART, .apps = SHOP, .apps_count = 1, .expect = 3});
	assert_int_equal(w->refusal, SOT_REFUSAL_CONFLICT);
	assert_string_equal(w->text, "2 targets are hit now, not 3; look again at what is hit");
	cloud_bulk(w, (sot_operation_bulk){.action = SOT_BULK_ACTION_RESTART, .rack = SOT_STR("r7")});
	assert_int_equal(w->refusal, SOT_REFUSAL_NOT_FOUND);
	assert_int_equal(controller_get_stats(w->c).operations_open, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
	    TEST(a_cancelled_growth_says_what_stands_who_cancelled_and_why_it_was_asked),
	    TEST(a_cancelled_roll_out_says_who_runs_what),
	    TEST(a_cancelled_shrinking_is_not_taken_back_and_says_so),
	    TEST(a_retry_of_a_growth_goes_on_with_what_failed_only_and_is_linked),
	    TEST(a_retry_makes_again_what_was_taken_back_but_never_more_than_was_asked),
	    TEST(a_retry_of_a_roll_out_leaves_alone_who_runs_it_already),
	    TEST(a_retry_to_what_there_is_not_any_more_is_refused),
	    TEST(what_has_not_ended_or_has_no_parts_is_not_retried),
	    TEST(a_dry_run_names_who_would_be_hit_and_changes_nothing),
	    TEST(a_bulk_restart_runs_so_many_at_a_time_and_sums_its_children_up),
	    TEST(a_failed_child_is_seen_at_the_parent_and_a_retry_takes_only_that),
	    TEST(a_cancelled_parent_lets_run_what_runs_and_begins_nothing_more),
	    TEST(too_many_failures_stop_the_rest),
	    TEST(operations_of_others_on_the_app_wait_for_all_parts_and_come_next),
	    TEST(apps_are_scaled_and_rolled_out_together),
	    TEST(apps_are_rebuilt_together_and_again_only_the_one_that_failed),
	    TEST(what_a_selection_lacks_is_refused_with_the_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
