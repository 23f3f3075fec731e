/* The rate limit as a pure function, and the lines as they reach stderr. */
#include "sot_log.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void a_burst_passes_then_ten_a_second_and_the_rest_is_counted(void **state)
{
	(void)state;
	sot_log_bucket b = {0};
	uint64_t left_out = 99;
	sot_mono now = {5000};
	for (int i = 0; i < SOT_LOG_BURST; i++)
		assert_true(sot_log_bucket_take(&b, now, &left_out));
	assert_true(left_out == 0);
	for (int i = 0; i < 7; i++)
		assert_false(sot_log_bucket_take(&b, now, &left_out));
	assert_false(sot_log_bucket_take(&b, sot_mono_add_ms(now, 99), &left_out));
	assert_true(sot_log_bucket_take(&b, sot_mono_add_ms(now, 100), &left_out));
	assert_true(left_out == 8);
	int passed = 0;
	now = sot_mono_add_ms(now, 1100);
	while (sot_log_bucket_take(&b, now, &left_out))
		passed++;
	assert_int_equal(passed, SOT_LOG_PER_S);
}

static void a_long_silence_refills_the_burst_and_no_more(void **state)
{
	(void)state;
	sot_log_bucket b = {0};
	uint64_t left_out;
	sot_mono now = {0};
	while (sot_log_bucket_take(&b, now, &left_out))
		continue;
	now = sot_mono_add_ms(now, INT64_MAX / 2);
	int passed = 0;
	while (sot_log_bucket_take(&b, now, &left_out))
		passed++;
	assert_int_equal(passed, SOT_LOG_BURST);
}

/* Puts `target` in the place of stderr; the old one is in the return value. */
static int redirect(int target)
{
	int saved = dup(STDERR_FILENO);
	assert_true(saved >= 0);
	assert_true(dup2(target, STDERR_FILENO) == STDERR_FILENO);
	return saved;
}

static void restore(int saved)
{
	assert_true(dup2(saved, STDERR_FILENO) == STDERR_FILENO);
	(void)close(saved);
}

static void write_samples(void)
{
	sot_err err = {.code = SOT_LIMIT, .text = "all \"7\" held\nreally"};
	sot_log_setup("ipam", SOT_INFO);
	sot_log(SOT_DEBUG, "test.hidden", "%s", "x");
	sot_log(SOT_WARN, "test.shown", "endpoint=%s peers=%d", "tcp://a\nb", 3);
	sot_log_err(SOT_ERROR, "test.failed", &err, "request_id=%d", 9);
	sot_log(SOT_INFO, "test.bare", "%s", "");
}

static void a_line_is_logfmt_without_control_characters(void **state)
{
	(void)state;
	int ends[2];
	char text[4096];
	assert_int_equal(pipe(ends), 0);
	int saved = redirect(ends[1]);
	write_samples();
	restore(saved);
	(void)close(ends[1]);
	ssize_t n = read(ends[0], text, sizeof(text) - 1);
	(void)close(ends[0]);
	assert_true(n > 0);
	text[n] = '\0';
	assert_null(strstr(text, "hidden"));
	assert_non_null(
	    strstr(text, "Z level=warn svc=ipam event=test.shown endpoint=tcp://a b peers=3\n"));
	assert_non_null(strstr(text, " level=error svc=ipam event=test.failed request_id=9 code=limit "
	                             "err=\"all \\\"7\\\" held really\"\n"));
	assert_int_equal(strncmp(text, "ts=2", 4), 0);
}

static void a_full_pipe_drops_lines_and_does_not_block(void **state)
{
	(void)state;
	int ends[2];
	char block[4096] = {0};
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(fcntl(ends[1], F_SETFL, O_NONBLOCK), 0);
	while (write(ends[1], block, sizeof(block)) > 0)
		continue;
	assert_int_equal(fcntl(ends[1], F_SETFL, 0), 0);
	uint64_t before = sot_log_dropped();
	int saved = redirect(ends[1]);
	sot_log(SOT_ERROR, "test.full", "n=%d", 1);
	restore(saved);
	(void)close(ends[0]);
	(void)close(ends[1]);
	assert_true(sot_log_dropped() == before + 1);
}

static void a_flood_of_one_event_leaves_another_alone(void **state)
{
	(void)state;
	FILE *file = tmpfile();
	assert_non_null(file);
	int saved = redirect(fileno(file));
	for (int i = 0; i < 5000; i++)
		sot_log(SOT_INFO, "test.flood", "i=%d", i);
	sot_log(SOT_INFO, "test.calm", "i=%d", 1);
	restore(saved);
	rewind(file);
	char line[256];
	int flood = 0, calm = 0;
	while (fgets(line, sizeof(line), file)) {
		flood += strstr(line, "test.flood") ? 1 : 0;
		calm += strstr(line, "test.calm") ? 1 : 0;
	}
	(void)fclose(file);
	assert_int_equal(calm, 1);
	/* However slow the machine is, fewer than all: it would need 495 s for them. */
	assert_in_range(flood, SOT_LOG_BURST, 4999);
}

static void a_quoted_value_is_escaped_and_cut_to_fit(void **state)
{
	(void)state;
	char text[10];
	assert_string_equal(sot_log_quote(SOT_STR("a\"b\n"), text, sizeof(text)), "\"a\\\"b \"");
	assert_string_equal(sot_log_quote(SOT_STR("0123456789"), text, sizeof(text)), "\"0123456\"");
	assert_string_equal(sot_log_quote(SOT_STR("x"), text, 2), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_burst_passes_then_ten_a_second_and_the_rest_is_counted),
	    cmocka_unit_test(a_long_silence_refills_the_burst_and_no_more),
	    cmocka_unit_test(a_line_is_logfmt_without_control_characters),
	    cmocka_unit_test(a_full_pipe_drops_lines_and_does_not_block),
	    cmocka_unit_test(a_flood_of_one_event_leaves_another_alone),
	    cmocka_unit_test(a_quoted_value_is_escaped_and_cut_to_fit),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
