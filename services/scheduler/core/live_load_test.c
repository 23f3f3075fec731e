/* Live load by its effect on placement: what a report does, what its absence does. */
#include "controller_bench.h"

static void report(bench *b, sot_uuid host, uint32_t cpu_permille, uint32_t interval_ms)
{
	sot_host_report m = {.host_id = host,
	    .host_name = SOT_STR("h"),
	    .interval_ms = interval_ms,
	    .cpu_cores = 4,
	    .cpu_user_permille = cpu_permille,
	    .memory_total_bytes = 1ull << 30,
	    .memory_available_bytes = 1ull << 30};
	sot_buf out;
	sot_err err = {0};

	sot_buf_init(&out, SOT_WIRE_FRAME_MAX);
	assert_int_equal(sot_host_report_encode(&m, &out, &err), SOT_OK);
	assert_int_equal(controller_host_report(b->c, b->now, host, sot_buf_str(&out), &err), SOT_OK);
	sot_buf_clear(&out);
}

static void beat(bench *b)
{
	TELL(b, heartbeat, .boot_id = SOT_STR("b"), .generation = b->wanted_generation,
	    .docker_ok = true);
}

static bool waits_for_load(const bench *b)
{
	return strstr(b->operation.waits_for, "under load") != NULL;
}

static void a_host_over_its_limit_gets_nothing_until_it_is_below_again(void **state)
{
	bench *b = *state;

	report(b, b->host_id, 950, 10000);
	bench_create(b, 1);
	bench_pass(b, 1000);
	assert_true(waits_for_load(b));
	assert_int_equal(b->ipam_owners, 0);
	report(b, b->host_id, 100, 600000); /* a long time: the level follows */
	bench_pass(b, 1000);
	assert_int_equal(b->ipam_owners, 1);
}

static void one_quiet_report_does_not_forget_a_busy_minute(void **state)
{
	bench *b = *state;

	for (int k = 0; k < 6; k++)
		report(b, b->host_id, 1000, 10000);
	report(b, b->host_id, 900, 1000);
	bench_create(b, 1);
	bench_pass(b, 1000);
	assert_true(waits_for_load(b));
}

static void a_rising_load_is_met_before_it_is_there(void **state)
{
	bench *b = *state;

	for (uint32_t k = 0; k < 9; k++)
		report(b, b->host_id, 90 + 100 * k, 10000); /* 890 now, and 300 more in 30 s */
	bench_create(b, 1);
	bench_pass(b, 1000);
	assert_true(waits_for_load(b));
}

static void silence_is_unknown_and_never_idle(void **state)
{
	bench *b = *state;

	report(b, b->host_id, 950, 5000);
	bench_create(b, 1);
	bench_pass(b, 14000); /* two periods later it still counts */
	assert_true(waits_for_load(b));
	beat(b);
	bench_pass(b, 2000); /* three periods: by what is booked, and that fits */
	assert_int_equal(b->ipam_owners, 1);
}

/* A fifth of 4 cores may be booked: 8 instances of a tenth of a core, each expected to add 125
 * thousandths. */
static void own_placements_count_before_a_report_shows_them(void **state)
{
	bench *b = *state;

	ASK(b, host_class_set, .name = SOT_STR("default"), .cpu_overcommit_permille = 200,
	    .memory_overcommit_permille = 10000, .disk_overcommit_permille = 1000);
	report(b, b->host_id, 500, 10000);
	bench_create(b, 6);
	bench_pass(b, 1000);
	assert_int_equal(controller_get_stats(b->c).placements, 4); /* 500, 625, 750, 875, then 1000 */
	assert_true(waits_for_load(b));
}

static void a_report_of_no_host_is_dropped(void **state)
{
	bench *b = *state;
	sot_err err = {0};
	sot_uuid nobody = {{9}};

	assert_int_equal(
	    controller_host_report(b->c, b->now, nobody, SOT_STR("\x91\x01"), &err), SOT_NOT_FOUND);
	assert_int_equal(
	    controller_host_report(b->c, b->now, b->host_id, SOT_STR("\x91\x01"), &err), SOT_INVALID);
}

static void a_host_that_came_back_is_filled_at_a_quarter_of_its_rate(void **state)
{
	bench *b = *state;

	ASK(b, host_class_set, .name = SOT_STR("default"), .cpu_overcommit_permille = 4000,
	    .memory_overcommit_permille = 4000, .disk_overcommit_permille = 1000, .max_starts = 4);
	bench_create(b, 3); /* h1 said hello a moment ago */
	bench_pass(b, 1000);
	assert_int_equal(b->ipam_owners, 1);
	assert_non_null(strstr(b->operation.waits_for, "1 starts in flight"));
	for (int k = 0; k < 13; k++) {
		beat(b);
		bench_pass(b, 10000);
	}
	assert_int_equal(controller_get_stats(b->c).placements, 3);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, bench_setup, bench_teardown)
	const struct CMUnitTest tests[] = {
	    TEST(a_host_over_its_limit_gets_nothing_until_it_is_below_again),
	    TEST(one_quiet_report_does_not_forget_a_busy_minute),
	    TEST(a_rising_load_is_met_before_it_is_there),
	    TEST(silence_is_unknown_and_never_idle),
	    TEST(own_placements_count_before_a_report_shows_them),
	    TEST(a_report_of_no_host_is_dropped),
	    TEST(a_host_that_came_back_is_filled_at_a_quarter_of_its_rate),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
