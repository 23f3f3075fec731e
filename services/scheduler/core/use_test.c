/* Instances that are used and idle ones: which rows the reports of agents bring. */
#include "controller_bench.h"

enum { HOUR_MS = 3600 * 1000 };

static use_row last;
static size_t rows;

/* What a report of the one instance brings; `last` and `rows` tell. */
static void report(bench *b, uint32_t cpu_used_milli, uint64_t rx_bytes_per_s, bool running)
{
	sot_instance_report one = {.instance_id = b->instance.id,
	    .name = SOT_STR("shop-default-01"),
	    .app = SOT_STR("shop"),
	    .running = running,
	    .cpu_limit_milli = 1000,
	    .cpu_used_milli = cpu_used_milli,
	    .rx_bytes_per_s = rx_bytes_per_s};
	sot_instance_reports m = {.host_id = b->host_id, .instances = &one, .instances_count = 1};
	sot_buf out;
	sot_err err = {0};

	sot_buf_init(&out, SOT_WIRE_FRAME_MAX);
	assert_int_equal(sot_instance_reports_encode(&m, &out, &err), SOT_OK);
	assert_int_equal(
	    controller_instance_reports(b->c, b->now, b->host_id, sot_buf_str(&out), &err), SOT_OK);
	sot_buf_clear(&out);
	controller_batch *batch = controller_take_batch(b->c, b->now);
	rows = batch ? batch->use_count : 0;
	if (rows > 0)
		last = batch->uses[0];
	controller_batch_free(batch);
}

/* Without the tick of the platform, which would miss the heartbeats. */
static void later(bench *b, int64_t ms)
{
	b->now.mono = sot_mono_add_ms(b->now.mono, ms);
	b->now.wall.unix_ms += ms;
}

static void what_is_seen_first_is_written(void **state)
{
	bench *b = *state;

	bench_bring_up(b);
	report(b, 0, 0, true);
	assert_int_equal(rows, 1);
	assert_true(sot_uuid_eq(last.instance_id, b->instance.id) && !last.is_used);
	assert_int_equal(last.at_unix_ms, b->now.wall.unix_ms);
}

static void an_idle_one_is_written_a_few_times_a_day(void **state)
{
	bench *b = *state;

	bench_bring_up(b);
	report(b, 0, 0, true);
	later(b, 5 * HOUR_MS);
	report(b, 0, 0, true);
	assert_int_equal(rows, 0);
	later(b, HOUR_MS);
	report(b, 0, 0, true);
	assert_true(rows == 1 && !last.is_used);
}

static void who_wakes_is_written_at_once_and_then_seldom(void **state)
{
	bench *b = *state;

	bench_bring_up(b);
	report(b, 50, 2000, true); /* both at their limits: idle */
	assert_true(rows == 1 && !last.is_used);
	later(b, 10000);
	report(b, 51, 0, true);
	assert_true(rows == 1 && last.is_used);
	later(b, 10000);
	report(b, 0, 2001, true);
	assert_int_equal(rows, 0);
}

static void a_short_use_between_two_rows_counts(void **state)
{
	bench *b = *state;

	bench_bring_up(b);
	report(b, 900, 0, true);
	assert_true(rows == 1 && last.is_used);
	later(b, HOUR_MS);
	report(b, 900, 0, true);
	assert_int_equal(rows, 0);
	later(b, 5 * HOUR_MS);
	report(b, 0, 0, true);
	assert_true(rows == 1 && last.is_used);
	later(b, 6 * HOUR_MS);
	report(b, 0, 0, true);
	assert_true(rows == 1 && !last.is_used);
}

static void what_does_not_run_or_is_nobodys_says_nothing(void **state)
{
	bench *b = *state;
	sot_err err = {0};
	sot_uuid nobody = {{9}};

	bench_bring_up(b);
	report(b, 900, 0, false);
	assert_int_equal(rows, 0);
	b->instance.id = nobody;
	report(b, 900, 0, true);
	assert_int_equal(rows, 0);
	assert_int_equal(controller_instance_reports(b->c, b->now, nobody, SOT_STR("\x91\x01"), &err),
	    SOT_NOT_FOUND);
	assert_int_equal(
	    controller_instance_reports(b->c, b->now, b->host_id, SOT_STR("\x91\x01"), &err),
	    SOT_INVALID);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, bench_setup, bench_teardown)
	const struct CMUnitTest tests[] = {
	    TEST(what_is_seen_first_is_written),
	    TEST(an_idle_one_is_written_a_few_times_a_day),
	    TEST(who_wakes_is_written_at_once_and_then_seldom),
	    TEST(a_short_use_between_two_rows_counts),
	    TEST(what_does_not_run_or_is_nobodys_says_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
