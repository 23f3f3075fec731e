/* Groups: made, scaled, deployed and deleted on their own; instances move between them. */
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

static void set(cloud *w, const char *group)
{
	CLOUD_ASK(w, group_set, .app = SOT_STR("shop"), .group = sot_str_c(group),
	    .environment = SOT_STR("staging"));
}

static void scale(cloud *w, const char *group, uint32_t count, enum sot_scale_pick pick)
{
	CLOUD_ASK(w, app_scale, .name = SOT_STR("shop"), .count = count, .group = sot_str_c(group),
	    .pick = pick);
	cloud_rest(w);
}

static void deploy(cloud *w, const char *group, const char *version)
{
	CLOUD_ASK(w, app_deploy, .name = SOT_STR("shop"), .version = sot_str_c(version),
	    .strategy = {.batch = 10}, .group = sot_str_c(group));
	cloud_rest(w);
}

static size_t running(const cloud *w, const char *prefix, const char *version)
{
	size_t n = 0;

	for (size_t k = 0; k < w->order_count; k++)
		n += strncmp(w->orders[k].name, prefix, strlen(prefix)) == 0 &&
		     strcmp(w->orders[k].version, version) == 0 &&
		     w->orders[k].desired == SOT_DESIRED_STATE_RUNNING;
	return n;
}

static void shop(cloud *w)
{
	cloud_create(w, "shop", 2);
	cloud_package(w, "shop", "v1");
	cloud_package(w, "shop", "v2");
	cloud_rest(w);
	deploy(w, "", "v1");
	set(w, "blue");
	assert_int_equal(w->reply, SOT_MSG_ACCEPTED);
	scale(w, "blue", 3, SOT_SCALE_PICK_SPREAD);
}

static void a_group_is_scaled_and_deployed_alone(void **state)
{
	cloud *w = *state;

	shop(w);
	assert_int_equal(running(w, "shop-blue-", "v1"), 3);
	assert_int_equal(running(w, "shop-default-", "v1"), 2);
	deploy(w, "blue", "v2");
	assert_int_equal(running(w, "shop-blue-", "v2"), 3);
	assert_int_equal(running(w, "shop-default-", "v1"), 2);
	/* What comes later runs what its group runs. */
	scale(w, "blue", 4, SOT_SCALE_PICK_SPREAD);
	scale(w, "default", 3, SOT_SCALE_PICK_SPREAD);
	assert_int_equal(running(w, "shop-blue-", "v2"), 4);
	assert_int_equal(running(w, "shop-default-", "v1"), 3);
	scale(w, "blue", 1, SOT_SCALE_PICK_NEWEST);
	assert_int_equal(running(w, "shop-blue-01", "v2"), 1);
	assert_int_equal(running(w, "shop-blue-", "v2"), 1);
	assert_int_equal(running(w, "shop-default-", "v1"), 3);
	deploy(w, "", "v2");
	assert_int_equal(running(w, "shop-", "v2"), 4);
}

static void a_bad_version_of_a_group_goes_back_to_the_groups_own(void **state)
{
	cloud *w = *state;

	shop(w);
	deploy(w, "blue", "v2");
	cloud_package(w, "shop", "bad");
	CLOUD_ASK(w, app_deploy, .name = SOT_STR("shop"), .version = SOT_STR("bad"),
	    .group = SOT_STR("blue"),
	    .strategy = {.canary = 1, .batch = 2, .on_failure = SOT_ROLLOUT_FAILURE_ROLL_BACK});
	cloud_rest(w);
	cloud_pass(w, 20000);
	cloud_rest(w);
	assert_int_equal(cloud_operation(w, w->last)->state, OPERATION_FAILED);
	assert_int_equal(running(w, "shop-blue-", "v2"), 3);
	assert_int_equal(running(w, "shop-default-", "v1"), 2);
}

static void instances_move_and_an_empty_group_goes(void **state)
{
	cloud *w = *state;
	sot_str two[] = {SOT_STR("shop-blue-01"), SOT_STR("shop-blue-02")};

	shop(w);
	CLOUD_ASK(w, group_delete, .app = SOT_STR("shop"), .group = SOT_STR("blue"));
	assert_int_equal(w->refusal, SOT_REFUSAL_CONFLICT);
	CLOUD_ASK(w, group_move, .app = SOT_STR("shop"), .group = SOT_STR("default"), .instances = two,
	    .instances_count = 2);
	assert_int_equal(w->reply, SOT_MSG_ACCEPTED);
	scale(w, "blue", 0, SOT_SCALE_PICK_SPREAD);
	assert_int_equal(running(w, "shop-blue-", "v1"), 2); /* they have their names still */
	CLOUD_ASK(w, group_delete, .app = SOT_STR("shop"), .group = SOT_STR("blue"));
	assert_int_equal(w->reply, SOT_MSG_ACCEPTED);
	CLOUD_ASK(w, app_scale, .name = SOT_STR("shop"), .count = 1, .group = SOT_STR("blue"));
	assert_string_equal(w->pointer, "/group");
	/* Made again, it goes on with its numbers: a name is never given twice. */
	set(w, "blue");
	scale(w, "blue", 1, SOT_SCALE_PICK_SPREAD);
	assert_int_equal(running(w, "shop-blue-04", "v1"), 1);
	scale(w, "default", 4, SOT_SCALE_PICK_SPREAD);
	assert_int_equal(running(w, "shop-", "v1"), 5);
	CLOUD_ASK(w, group_delete, .app = SOT_STR("shop"), .group = SOT_STR("default"));
	assert_int_equal(w->refusal, SOT_REFUSAL_CONFLICT);
	set(w, "Blue!");
	assert_string_equal(w->pointer, "/group");
}

#define IN_A_CLOUD(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    IN_A_CLOUD(a_group_is_scaled_and_deployed_alone),
	    IN_A_CLOUD(a_bad_version_of_a_group_goes_back_to_the_groups_own),
	    IN_A_CLOUD(instances_move_and_an_empty_group_goes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
