/* Rebalancing by the controller's public functions: what is planned, what is moved, and when it
 * stops. */
#include "cloud_bench.h"

static int setup(void **state)
{
	controller_config config = controller_config_default(3);

	config.grace_ms = 0;
	config.rebalance_check_ms = 1000;
	*state = cloud_new(CLOUD_HOSTS, &config);
	return 0;
}

static int teardown(void **state)
{
	cloud_free(*state);
	return 0;
}

/* Only that host takes instances; -1: all do. */
static void open_only(cloud *w, int number)
{
	char name[16];

	for (int k = 0; k < CLOUD_HOSTS; k++) {
		(void)snprintf(name, sizeof(name), "h%d", k + 1);
		CLOUD_ASK(w, host_set_schedulable, .name = sot_str_c(name),
		    .schedulable = number < 0 || k == number);
	}
}

static int hosts_in_use(const cloud *w)
{
	bool used[CLOUD_HOSTS] = {false};
	int n = 0;

	for (size_t k = 0; k < w->order_count; k++)
		used[w->orders[k].host] |= w->orders[k].runs;
	for (int k = 0; k < CLOUD_HOSTS; k++)
		n += used[k];
	return n;
}

/* At most so many of the app on one host; what stands is left alone. */
static void allow(cloud *w, uint32_t on_one_host)
{
	CLOUD_ASK(w, app_update, .name = SOT_STR("one"),
	    .placement = {.max_unavailable = 1, .spread_host = {.max_count = on_one_host}});
}

/* An app with healthy instances that are all on one host, where only one may be. */
static void crowd(cloud *w, uint32_t instances, sot_recovery recovery)
{
	open_only(w, 0);
	cloud_create(w, "one", instances);
	cloud_rest(w);
	CLOUD_ASK(w, app_set_recovery, .name = SOT_STR("one"), .recovery = recovery);
	allow(w, 1);
	open_only(w, -1);
	cloud_rest(w);
	assert_int_equal(hosts_in_use(w), 1);
}

static void question(cloud *w, const sot_buf *frame)
{
	w->answer[0] = '\0';
	cloud_ask(w, frame);
	assert_int_equal(w->reply, SOT_MSG_ANSWER);
}

static void ask_plan(cloud *w, bool include_pinned)
{
	sot_rebalance_read m = {.request_id = ++w->requests, .include_pinned = include_pinned};
	SOT_AUTO_BUF frame = {0};
	sot_err err = {0};

	sot_buf_init(&frame, SOT_WIRE_FRAME_MAX);
	assert_int_equal(sot_rebalance_read_encode(&m, &frame, &err), SOT_OK);
	question(w, &frame);
}

static void ask_capacity(cloud *w)
{
	sot_capacity_read m = {.request_id = ++w->requests};
	SOT_AUTO_BUF frame = {0};
	sot_err err = {0};

	sot_buf_init(&frame, SOT_WIRE_FRAME_MAX);
	assert_int_equal(sot_capacity_read_encode(&m, &frame, &err), SOT_OK);
	question(w, &frame);
}

static size_t count_in(const char *text, const char *piece)
{
	size_t n = 0;

	for (const char *at = strstr(text, piece); at; at = strstr(at + 1, piece))
		n++;
	return n;
}

static void what_pays_is_listed_moved_and_explained(void **state)
{
	cloud *w = *state;

	crowd(w, 4, SOT_RECOVERY_REPLACEABLE);
	ask_plan(w, false);
	assert_int_equal(count_in(w->answer, "\"mends\":true"), 3);
	assert_int_equal(hosts_in_use(w), 1);
	size_t decisions = w->decisions;
	CLOUD_ASK(w, fleet_rebalance, .parallel = 1);
	assert_int_equal(w->reply, SOT_MSG_ACCEPTED);
	sot_uuid id = w->last;
	CLOUD_ASK(w, fleet_rebalance, .parallel = 1);
	assert_int_equal(w->refusal, SOT_REFUSAL_CONFLICT); /* one at a time */
	cloud_rest(w);
	assert_int_equal(cloud_operation(w, id)->state, OPERATION_DONE);
	assert_int_equal(cloud_operation(w, id)->children.done, 3);
	assert_int_equal(hosts_in_use(w), 4);
	assert_int_equal(w->decisions, decisions + 3);
	ask_plan(w, false);
	assert_int_equal(count_in(w->answer, "\"instance\":"), 0);
}

static void a_move_that_no_longer_pays_is_not_made(void **state)
{
	cloud *w = *state;

	crowd(w, 3, SOT_RECOVERY_REPLACEABLE);
	CLOUD_ASK(w, fleet_rebalance, .parallel = 1);
	sot_uuid id = w->last;
	assert_int_equal(cloud_operation(w, id)->children.total, 2);
	allow(w, 3); /* who is on the way goes on; the next one may stay where it is */
	cloud_rest(w);
	assert_int_equal(cloud_operation(w, id)->state, OPERATION_DONE);
	assert_int_equal(cloud_operation(w, id)->children.done, 2);
	assert_int_equal(hosts_in_use(w), 2);
}

static void an_abort_lets_end_what_has_begun(void **state)
{
	cloud *w = *state;

	crowd(w, 4, SOT_RECOVERY_REPLACEABLE);
	CLOUD_ASK(w, fleet_rebalance, .parallel = 1);
	sot_uuid id = w->last;
	cloud_cancel(w, id);
	cloud_rest(w);
	assert_int_equal(cloud_operation(w, id)->state, OPERATION_CANCELLED);
	assert_int_equal(cloud_operation(w, id)->children.done, 1);
	assert_int_equal(cloud_operation(w, id)->children.cancelled, 2);
	assert_int_equal(hosts_in_use(w), 2);
}

static void pinned_instances_stay_unless_they_are_asked_for(void **state)
{
	cloud *w = *state;

	crowd(w, 2, SOT_RECOVERY_PINNED);
	ask_plan(w, false);
	assert_int_equal(count_in(w->answer, "\"instance\":"), 0);
	CLOUD_ASK(w, fleet_rebalance, .if_still_true = SOT_STR("\"0000000000000000\""));
	assert_int_equal(w->refusal, SOT_REFUSAL_STALE);
	ask_plan(w, true);
	assert_int_equal(count_in(w->answer, "\"instance\":"), 1);
	CLOUD_ASK(w, fleet_rebalance, .include_pinned = true);
	cloud_rest(w);
	assert_int_equal(hosts_in_use(w), 2);
}

static void the_standing_look_says_once_that_it_would_pay(void **state)
{
	cloud *w = *state;

	w->watch = "fleet.rebalance_pays";
	cloud_pass(w, 1000);
	ask_capacity(w);
	assert_non_null(strstr(w->answer, "\"moves\":0,\"mends\":0,"));
	crowd(w, 3, SOT_RECOVERY_REPLACEABLE);
	for (int k = 0; k < 5; k++)
		cloud_pass(w, 1000);
	assert_int_equal(w->watched, 1);
	ask_capacity(w);
	assert_non_null(strstr(w->answer, "\"moves\":2,\"mends\":2,"));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
	    TEST(what_pays_is_listed_moved_and_explained),
	    TEST(a_move_that_no_longer_pays_is_not_made),
	    TEST(an_abort_lets_end_what_has_begun),
	    TEST(pinned_instances_stay_unless_they_are_asked_for),
	    TEST(the_standing_look_says_once_that_it_would_pay),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
