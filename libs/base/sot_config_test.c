/* Configuration from all its sources, and the words of its refusals. */
#include "sot_config.h"

#include "sot_file.h"
#include "sot_mem.h"

#include <stdio.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

typedef struct sample {
	char endpoint[SOT_CONFIG_VALUE_MAX];
	char password[SOT_CONFIG_VALUE_MAX];
	int64_t ttl_ms;
	bool verbose;
} sample;

static const sot_config_key keys[] = {SOT_CONFIG_ROW(sample, endpoint, STRING, "tcp://127.0.0.1:1",
    1, 64, "Where.") SOT_CONFIG_ROW(sample, password, SECRET, NULL, 1, 100, "Secret.")
        SOT_CONFIG_ROW(sample, ttl_ms, INT, "1000", 10, 5000, "How long.")
            SOT_CONFIG_ROW(sample, verbose, BOOL, "false", 0, 0, "Talk?")};
#define KEY_COUNT (sizeof(keys) / sizeof(keys[0]))

static char path[64];

static int make_path(void **state)
{
	(void)state;
	snprintf(path, sizeof(path), "/tmp/sot_config_test.%ld", (long)getpid());
	return 0;
}

static int remove_file(void **state)
{
	(void)state;
	(void)unlink(path);
	(void)unsetenv("SOT_TEST_BENCH_TTL_MS");
	(void)unsetenv("SOT_TEST_BENCH_TLL_MS");
	return 0;
}

/* Loads with a file of this content (NULL: none) and up to two more arguments. */
static sot_code load(const char *content, const char *a, const char *b, sample *ret, sot_err *err)
{
	char program[] = "test", option[128], first[128], second[128];
	char *argv[5] = {program};
	int argc = 1;
	if (content) {
		assert_int_equal(sot_file_write(path, sot_str_c(content), 0600, NULL), SOT_OK);
		snprintf(option, sizeof(option), "--config=%s", path);
		argv[argc++] = option;
	}
	snprintf(first, sizeof(first), "%s", a ? a : "");
	snprintf(second, sizeof(second), "%s", b ? b : "");
	if (a)
		argv[argc++] = first;
	if (b)
		argv[argc++] = second;
	bool end = true;
	sot_code code = sot_config_load("test-bench", keys, KEY_COUNT, argc, argv, ret, &end, err);
	assert_int_equal(end, code != SOT_OK);
	return code;
}

static void a_later_source_wins(void **state)
{
	(void)state;
	sample c;
	sot_err err = {0};
	const char *file = "# comment\n\n  ttl_ms =  20 \r\npassword = a=b # c\nverbose = yes";
	assert_int_equal(load(file, NULL, NULL, &c, &err), SOT_OK);
	assert_string_equal(c.endpoint, "tcp://127.0.0.1:1");
	assert_string_equal(c.password, "a=b # c");
	assert_true(c.ttl_ms == 20);
	assert_true(c.verbose);
	assert_int_equal(setenv("SOT_TEST_BENCH_TTL_MS", "30", 1), 0);
	assert_int_equal(load(file, NULL, NULL, &c, &err), SOT_OK);
	assert_true(c.ttl_ms == 30);
	assert_int_equal(load(file, "--ttl_ms=40", "--verbose=off", &c, &err), SOT_OK);
	assert_true(c.ttl_ms == 40);
	assert_false(c.verbose);
}

static void check_refused(const char *content, const char *argument, const char *expected)
{
	sample c;
	sot_err err = {0};
	char full[400];
	assert_int_equal(load(content, argument, NULL, &c, &err), SOT_INVALID);
	snprintf(full, sizeof(full), "%s%s", content ? path : "", expected);
	assert_string_equal(err.text, full);
}

static void a_mistake_in_a_file_is_named_with_file_line_and_key(void **state)
{
	(void)state;
	check_refused("password = x\n\nttl_sm = 20\n", NULL,
	    ":3: unknown key \"ttl_sm\"; --help lists the keys of test-bench");
	check_refused("password = x\nttl_ms = 20\nttl_ms = 30\n", NULL,
	    ":3: key \"ttl_ms\" was given before, in line 2");
	check_refused("password = x\nttl_ms = 9\n", NULL,
	    ":2: ttl_ms: \"9\" is not a whole number from 10 to 5000");
	check_refused("password = x\nttl_ms\n", NULL, ":2: \"ttl_ms\" is not `key = value`");
	check_refused("password =\n", NULL, ":1: password: 0 bytes; 1 to 100 are allowed");
	check_refused(
	    "verbose = 1\n", NULL, ":1: verbose: \"1\" is not one of true, false, on, off, yes, no");
	check_refused("endpoint = \xff\n", NULL, ":1: endpoint: not valid UTF-8");
}

static void a_mistake_on_the_command_line_is_named(void **state)
{
	(void)state;
	check_refused(NULL, "--ttl=1",
	    "command line: \"--ttl=1\" is not --key=value with a key of "
	    "test-bench; --help lists them");
	check_refused(NULL, "ttl_ms",
	    "command line: \"ttl_ms\" is not --key=value with a key of "
	    "test-bench; --help lists them");
	check_refused(
	    NULL, "--ttl_ms=x", "command line: ttl_ms: \"x\" is not a whole number from 10 to 5000");
}

static void an_unknown_variable_of_the_service_is_refused(void **state)
{
	(void)state;
	sample c;
	sot_err err = {0};
	assert_int_equal(setenv("SOT_TEST_BENCH_TLL_MS", "30", 1), 0);
	assert_int_equal(load("password = x\n", NULL, NULL, &c, &err), SOT_INVALID);
	assert_string_equal(err.text, "environment: SOT_TEST_BENCH_TLL_MS names no key of test-bench; "
	                              "--help lists them, unset it");
}

static void a_key_without_default_must_be_given(void **state)
{
	(void)state;
	check_refused(NULL, "--ttl_ms=20",
	    "key \"password\" must be given (Secret.): in the file, or as --password=VALUE");
}

static void a_missing_file_is_not_found(void **state)
{
	(void)state;
	sample c;
	sot_err err = {0};
	assert_int_equal(load(NULL, "--config=/nonexistent/x.conf", NULL, &c, &err), SOT_NOT_FOUND);
	assert_string_equal(
	    err.text, "configuration file: open /nonexistent/x.conf: No such file or directory");
}

static void the_dump_masks_secrets(void **state)
{
	(void)state;
	sample c;
	sot_err err = {0};
	SOT_AUTO_BUF out;
	sot_buf_init(&out, 4096);
	assert_int_equal(load("password = hunter2\n", NULL, NULL, &c, &err), SOT_OK);
	sot_config_dump(keys, KEY_COUNT, &c, &out);
	assert_string_equal(out.p,
	    "endpoint = tcp://127.0.0.1:1\npassword = ********\nttl_ms = 1000\nverbose = false\n");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_path, remove_file)
int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(a_later_source_wins),
	    TEST(a_mistake_in_a_file_is_named_with_file_line_and_key),
	    TEST(a_mistake_on_the_command_line_is_named),
	    TEST(an_unknown_variable_of_the_service_is_refused),
	    TEST(a_key_without_default_must_be_given),
	    TEST(a_missing_file_is_not_found),
	    TEST(the_dump_masks_secrets),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
