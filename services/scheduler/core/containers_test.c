/* Containers that no assignment knows, by the controller's public functions: told, ignored,
 * adopted, and otherwise left alone. */
#include "controller_bench.h"
#include "parts.h"

static const sot_uuid lost = {{1, 0x92, 0, 0, 0, 0, 0x70, 0, 0x80, 0, 0, 0, 0, 0, 0, 9}};

static sot_unknown_container foreign(const char *id, const char *name)
{
	return (sot_unknown_container){.container_id = sot_str_c(id),
	    .name = sot_str_c(name),
	    .image = SOT_STR("ci:1"),
	    .state = SOT_STR("running")};
}

static sot_unknown_container ours(const char *instance_name, const char *of)
{
	sot_unknown_container u = foreign("c0ffee", "sot-01920000-0000-7000-8000-000000000009");

	u.instance_id = lost;
	u.instance_name = sot_str_c(instance_name);
	u.app = sot_str_c(of);
	u.generation = 7;
	return u;
}

static void tell(bench *b, uint64_t seq, sot_unknown_container *list, size_t count)
{
	TELL(b, status, .boot_id = SOT_STR("b"), .agent_start_id = 9, .seq = seq,
	    .unknown_containers = (uint32_t)count, .unknown = list, .unknown_count = count,
	    .unknown_told = true);
}

static void act(bench *b, const char *container, sot_container_action action)
{
	ASK(b, host_container, .name = SOT_STR("h1"), .container = sot_str_c(container),
	    .action = action);
}

static const host_row *row(bench *b)
{
	return &model_find_host(b->c, SOT_STR("h1"))->row;
}

static void what_is_told_stands_with_the_host_and_is_an_event(void **state)
{
	bench *b = *state;
	sot_unknown_container list[] = {foreign("aaaa1", "ci"), foreign("aaaa2", "probe")};

	bench_bring_up(b);
	b->watch = "host.containers";
	tell(b, 2, list, 2);
	assert_int_equal(row(b)->unknown_containers, 2);
	assert_non_null(strstr(b->watched, "\"unknown\":2,\"ignored\":0,\"names\":[\"ci\",\"probe\"]"));
	b->watched[0] = '\0';
	list[0].state = SOT_STR("exited"); /* the same containers: no event */
	tell(b, 3, list, 2);
	assert_string_equal(b->watched, "");
	assert_non_null(strstr(row(b)->containers, "exited"));
	tell(b, 4, NULL, 0);
	assert_string_equal(row(b)->containers, "");
	assert_non_null(strstr(b->watched, "\"unknown\":0"));
}

static void who_does_not_say_which_ones_changes_nothing_of_that(void **state)
{
	bench *b = *state;
	sot_unknown_container list[] = {foreign("aaaa1", "ci")};

	bench_bring_up(b);
	tell(b, 2, list, 1);
	TELL(
	    b, status, .boot_id = SOT_STR("b"), .agent_start_id = 9, .seq = 3, .unknown_containers = 1);
	assert_non_null(strstr(row(b)->containers, "aaaa1"));
}

static void one_is_ignored_by_name_and_unknown_again_on_request(void **state)
{
	bench *b = *state;
	sot_unknown_container list[] = {foreign("aaaa1", "ci"), foreign("aaaa2", "probe")};
	sot_unknown_container anew[] = {foreign("bbbb1", "ci"), foreign("aaaa2", "probe")};

	bench_bring_up(b);
	tell(b, 2, list, 2);
	b->watch = "host.containers";
	act(b, "aaaa", SOT_CONTAINER_ACTION_IGNORE);
	assert_int_equal(b->refusal, SOT_REFUSAL_CONFLICT); /* of two */
	act(b, "zzzz", SOT_CONTAINER_ACTION_IGNORE);
	assert_int_equal(b->refusal, SOT_REFUSAL_NOT_FOUND);
	act(b, "aaaa1", SOT_CONTAINER_ACTION_IGNORE);
	assert_int_equal(b->reply, SOT_MSG_ACCEPTED);
	assert_string_equal(row(b)->ignored, "ci");
	assert_non_null(strstr(b->watched, "\"unknown\":1,\"ignored\":1,\"names\":[\"probe\"]"));
	tell(b, 3, anew, 2); /* made anew, by its name */
	assert_non_null(strstr(b->watched, "\"unknown\":1,\"ignored\":1"));
	act(b, "bbbb", SOT_CONTAINER_ACTION_WATCH);
	assert_string_equal(row(b)->ignored, "");
	assert_non_null(strstr(b->watched, "\"unknown\":2,\"ignored\":0"));
}

static void a_lost_instance_is_adopted_where_it_stands_and_the_next_number_is_after_it(void **state)
{
	bench *b = *state;
	sot_unknown_container list[] = {ours("shop-default-07", "shop")};

	bench_bring_up(b);
	tell(b, 2, list, 1);
	act(b, "c0ffee", SOT_CONTAINER_ACTION_ADOPT);
	assert_int_equal(b->reply, SOT_MSG_ACCEPTED);
	bench_settle(b);
	assert_true(sot_uuid_eq(b->instance.id, lost));
	assert_true(sot_uuid_eq(b->instance.host_id, b->host_id));
	assert_string_equal(b->instance.name, "shop-default-07");
	assert_int_equal(b->instance.number, 7);
	bench_grant(b);
	assert_true(sot_uuid_eq(b->assigned_host, b->host_id));
	assert_true(sot_uuid_eq(b->spec.instance_id, lost));
	assert_true(b->spec.generation > 7);
	bench_status(b, 3, b->spec.generation, SOT_OBSERVED_STATE_RUNNING, SOT_HEALTH_HEALTHY);
	assert_int_equal(b->operation.kind, OPERATION_INSTANCE_ADOPT);
	assert_int_equal(b->operation.state, OPERATION_DONE);
	ASK(b, app_scale, .name = SOT_STR("shop"), .count = 3);
	assert_string_equal(b->instance.name, "shop-default-08");
}

static void a_number_that_is_taken_meanwhile_is_another_one_but_the_name_stays(void **state)
{
	bench *b = *state;
	sot_unknown_container list[] = {ours("shop-default-1", "shop")};

	bench_bring_up(b);
	tell(b, 2, list, 1);
	act(b, "c0ffee", SOT_CONTAINER_ACTION_ADOPT);
	assert_string_equal(b->instance.name, "shop-default-1");
	assert_int_equal(b->instance.number, 2);
}

static void what_cannot_be_an_instance_again_is_refused_with_the_reason(void **state)
{
	bench *b = *state;
	sot_unknown_container list[] = {foreign("aaaa1", "ci")};

	bench_bring_up(b);
	tell(b, 2, list, 1);
	act(b, "ci", SOT_CONTAINER_ACTION_ADOPT);
	assert_int_equal(b->refusal, SOT_REFUSAL_CONFLICT);
	assert_non_null(strstr(b->text, "not made by this platform"));
	list[0] = ours("shop-default-01", "shop");
	tell(b, 3, list, 1);
	act(b, "c0ffee", SOT_CONTAINER_ACTION_ADOPT);
	assert_non_null(strstr(b->text, "there is an instance shop-default-01 already, on h1"));
	list[0] = ours("cart-default-01", "cart");
	tell(b, 4, list, 1);
	act(b, "c0ffee", SOT_CONTAINER_ACTION_ADOPT);
	assert_non_null(strstr(b->text, "names the app 'cart', which there is not"));
	static const char *const names[] = {"shop", "shop-", "shop-7", "shop--7", "shop-default-",
	    "shop-default-0", "shop-default-x", "cart-default-01"};
	for (size_t k = 0; k < sizeof(names) / sizeof(names[0]); k++) {
		list[0] = ours(names[k], "shop");
		tell(b, 5 + k, list, 1);
		act(b, "c0ffee", SOT_CONTAINER_ACTION_ADOPT);
		assert_non_null(strstr(b->text, "no name of an instance of shop"));
	}
	list[0] = ours("shop-blue-01", "shop");
	tell(b, 20, list, 1);
	act(b, "c0ffee", SOT_CONTAINER_ACTION_ADOPT);
	assert_non_null(strstr(b->text, "has no group 'blue'"));
}

static void an_adoption_waits_for_room_on_that_host_and_takes_no_other(void **state)
{
	bench *b = *state;
	sot_unknown_container list[] = {ours("shop-default-07", "shop")};

	bench_bring_up(b);
	tell(b, 2, list, 1);
	ASK(b, host_set_schedulable, .name = SOT_STR("h1"), .schedulable = false);
	sot_uuid h1 = b->host_id;
	(void)bench_add_host(b, "h2", "r2");
	act(b, "c0ffee", SOT_CONTAINER_ACTION_ADOPT);
	bench_settle(b);
	assert_true(sot_uuid_is_zero(b->instance.host_id));
	assert_non_null(strstr(b->operation.waits_for, "does not fit h1: cordoned"));
	ASK(b, host_set_schedulable, .name = SOT_STR("h1"), .schedulable = true);
	bench_settle(b);
	assert_true(sot_uuid_eq(b->instance.host_id, h1));
}

static void two_containers_of_one_instance_are_for_people_to_decide(void **state)
{
	bench *b = *state;
	sot_unknown_container list[] = {ours("shop-default-07", "shop")};

	bench_bring_up(b);
	tell(b, 2, list, 1);
	sot_uuid h1 = b->host_id;
	b->host_id = bench_add_host(b, "h2", "r2");
	tell(b, 2, list, 1);
	b->host_id = h1;
	act(b, "c0ffee", SOT_CONTAINER_ACTION_ADOPT);
	assert_int_equal(b->refusal, SOT_REFUSAL_CONFLICT);
	assert_non_null(strstr(b->text, "host h2 has a container of the same instance"));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, bench_setup, bench_teardown)
	const struct CMUnitTest tests[] = {
	    TEST(what_is_told_stands_with_the_host_and_is_an_event),
	    TEST(who_does_not_say_which_ones_changes_nothing_of_that),
	    TEST(one_is_ignored_by_name_and_unknown_again_on_request),
	    TEST(a_lost_instance_is_adopted_where_it_stands_and_the_next_number_is_after_it),
	    TEST(a_number_that_is_taken_meanwhile_is_another_one_but_the_name_stays),
	    TEST(what_cannot_be_an_instance_again_is_refused_with_the_reason),
	    TEST(an_adoption_waits_for_room_on_that_host_and_takes_no_other),
	    TEST(two_containers_of_one_instance_are_for_people_to_decide),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
