/* Why: what the rows of decisions say, and that what waits is woken by what it lacks. */
#include "controller_bench.h"

#include "sot_rand.h"

#define MIB (1ull << 20)

static bool says(const char *data, const char *text)
{
	if (strstr(data, text))
		return true;
	print_message("'%s' is not in\n%s\n", text, data);
	return false;
}

static void a_placement_says_who_where_and_what_else_was_there(void **state)
{
	bench *b = *state;

	bench_add_sized_host(b, "h2", "b", "r", 1024 * MIB);
	sot_uuid h3 = bench_add_sized_host(b, "h3", "b", "r", 100 * MIB);
	bench_create(b, 2);
	assert_int_equal(b->placements, 1); /* one row for both */
	assert_true(sot_uuid_eq(b->instance.decision_id, b->placed.id));
	assert_true(sot_uuid_eq(b->placed.operation_id, b->accepted.operation_id));
	assert_true(says(b->placed_data, "\"hosts\":3,\"candidates\":2"));
	assert_true(says(b->placed_data, "\"refused\":[{\"reason\":\"memory\",\"hosts\":1}]"));
	assert_true(says(b->placed_data, "[\"shop-default-01\",\"h"));
	assert_true(says(b->placed_data, "[\"shop-default-02\",\"h"));
	assert_true(says(b->placed_data, "\"runnersUp\":[[\"\",\"h"));
	assert_true(says(b->placed_data, "\"memoryBytes\":419430400"));
	assert_false(b->waiting.refused);
	(void)h3;
}

static void fifty_equal_instances_share_a_row(void **state)
{
	bench *b = *state;

	bench_add_sized_host(b, "large", "b", "r", 1ull << 40);
	bench_create(b, 101);
	assert_int_equal(b->placements, 3);
	assert_true(says(b->placed_data, "shop-default-101"));
	assert_false(strstr(b->placed_data, "shop-default-100") != NULL);
}

static void a_refusal_counts_every_host_and_says_what_would_have_to_change(void **state)
{
	bench *b = *state;

	bench_add_sized_host(b, "h2", "a", "r", 350 * MIB);
	bench_add_sized_host(b, "h3", "b", "r2", 1024 * MIB);
	ASK(b, host_set_schedulable, .name = SOT_STR("h3"), .schedulable = false);
	bench_create(b, 3); /* h1 takes two of 400 MiB */
	assert_true(b->waiting.refused && b->waiting.open);
	assert_true(sot_uuid_eq(b->waiting.id, b->accepted.operation_id));
	assert_true(says(b->waiting_data, "\"count\":1,"));
	assert_true(says(b->waiting_data, "\"hosts\":3,\"reasons\":["));
	assert_true(says(b->waiting_data,
	    "{\"reason\":\"cordoned\",\"name\":\"cordoned\",\"hosts\":1,\"only\":1,\"best\":[{"
	    "\"host\":\"h3\",\"az\":\"b\",\"rack\":\"r2\"}]}"));
	assert_true(says(b->waiting_data,
	    "\"hosts\":2,\"only\":2,\"best\":[{\"host\":\"h2\",\"az\":\"a\",\"rack\":\"r\",\"has\":350,"
	    "\"needs\":400,\"short\":50,\"unit\":\"MiB\"},{\"host\":\"h1\""));
	assert_true(says(b->waiting_data, "\"nearest\":{\"host\":\"h3\""));
	assert_true(says(b->waiting_data, "\"text\":\"h3 uncordoned\""));
	assert_int_equal(b->waiting.next_unix_ms - b->waiting.at_unix_ms, 60000);
	ASK(b, host_set_schedulable, .name = SOT_STR("h3"), .schedulable = true);
	assert_false(b->waiting.open);
	assert_int_equal(b->placements, 2);
}

static void what_ipam_blocks_is_said_of_every_host(void **state)
{
	bench *b = *state;

	ASK(b, app_create, .name = SOT_STR("lost"), .image = SOT_STR("tomcat"), .plan = SOT_STR("tiny"),
	    .vlan = SOT_STR("nowhere"),
	    .health = {.interval_ms = 1000,
	        .timeout_ms = 500,
	        .healthy_after = 1,
	        .unhealthy_after = 1},
	    .count = 1, .placement = bench_placement());
	assert_true(says(b->waiting_data, "\"hosts\":1,\"reasons\":[{\"reason\":\"vlan\""));
	assert_true(says(b->waiting_data, "called nowhere: there is none"));
	b->vlans[b->vlan_count++] = (sot_vlan_state){.name = SOT_STR("nowhere"), .free_v4 = 3};
	bench_pass(b, 1000);
	assert_false(b->waiting.open);
}

static void a_cancelled_operation_waits_no_more(void **state)
{
	bench *b = *state;

	bench_create(b, 3);
	assert_true(b->waiting.open);
	ASK(b, operation_cancel, .operation_id = b->accepted.operation_id);
	assert_false(b->waiting.open);
}

static void an_unchanged_wait_is_looked_at_again_by_the_sweep(void **state)
{
	bench *b = *state;

	bench_create(b, 3);
	int64_t first = b->waiting.at_unix_ms;
	bench_hello(b); /* nothing new */
	for (int k = 0; k < 59; k++) {
		bench_hello(b);
		bench_pass(b, 1000);
	}
	assert_int_equal(b->waiting.at_unix_ms, first);
	bench_pass(b, 1000);
	assert_int_equal(b->waiting.at_unix_ms, first + 60000);
}

static void create(bench *b, const char *name)
{
	ASK(b, app_create, .name = sot_str_c(name), .image = SOT_STR("tomcat"), .plan = SOT_STR("tiny"),
	    .vlan = SOT_STR("net"),
	    .health = {.interval_ms = 1000,
	        .timeout_ms = 500,
	        .healthy_after = 1,
	        .unhealthy_after = 1},
	    .count = 1, .placement = bench_placement());
}

/* The instance that was placed last gets its address and runs; its operation ends. */
static void bring_up(bench *b, uint64_t seq)
{
	b->ipam_id = b->acquire_id;
	bench_grant(b);
	bench_status(b, seq, 1, SOT_OBSERVED_STATE_RUNNING, SOT_HEALTH_HEALTHY);
	assert_int_equal(b->operation.state, OPERATION_DONE);
}

static void whoever_waits_is_placed_at_the_turn_that_frees_what_it_lacks(void **state)
{
	bench *b = *state;
	uint64_t seq = 0;
	size_t woken = 0;

	b->vlans[0].free_v4 = 5000;
	bench_pass(b, 1000);
	bench_bring_up(b); /* h1 has room for one more */
	seq++;
	create(b, "w0");
	bring_up(b, ++seq);
	for (int round = 1; round <= 1000; round++) {
		sot_instance_status gone = {
		    .instance_id = b->instance.id, .observed = SOT_OBSERVED_STATE_RETIRED};
		char name[32], instance_name[64];
		(void)snprintf(instance_name, sizeof(instance_name), "w%d-default-01", round - 1);
		(void)snprintf(name, sizeof(name), "w%d", round);
		create(b, name);
		assert_true(b->waiting.open);
		ASK(b, instance_act, .instance = sot_str_c(instance_name),
		    .action = SOT_INSTANCE_ACTION_RETIRE);
		gone.generation = b->instance.generation;
		size_t before = b->placements;
		TELL(b, status, .boot_id = SOT_STR("b"), .agent_start_id = 9, .seq = ++seq,
		    .instances = &gone, .instances_count = 1);
		woken += b->placements == before + 1;
		assert_false(b->waiting.open);
		bring_up(b, ++seq);
	}
	assert_int_equal(woken, 1000);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, bench_setup, bench_teardown)
	const struct CMUnitTest tests[] = {
	    TEST(a_placement_says_who_where_and_what_else_was_there),
	    TEST(fifty_equal_instances_share_a_row),
	    TEST(a_refusal_counts_every_host_and_says_what_would_have_to_change),
	    TEST(what_ipam_blocks_is_said_of_every_host),
	    TEST(a_cancelled_operation_waits_no_more),
	    TEST(an_unchanged_wait_is_looked_at_again_by_the_sweep),
	    TEST(whoever_waits_is_placed_at_the_turn_that_frees_what_it_lacks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
