/* reactor_spawn against real programs: output, exit, ceilings, deadline, inherited descriptors. */
#include "reactor.h"
#include "sot_parse.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { LONG_MS = 60000, OUTPUT_MAX = 4096 };

typedef struct ended {
	reactor *r;
	int calls, exit_status;
	char out[OUTPUT_MAX + 1], err_text[OUTPUT_MAX + 1];
	size_t out_n;
} ended;

static void on_end(void *self, const reactor_child_result *result)
{
	ended *e = self;
	e->calls++;
	e->exit_status = result->exit_status;
	e->out_n = result->out.n;
	assert_int_equal(sot_str_copy(result->out, e->out, sizeof(e->out), NULL), SOT_OK);
	assert_int_equal(
	    sot_str_copy(result->err_text, e->err_text, sizeof(e->err_text), NULL), SOT_OK);
	reactor_stop(e->r);
}

/* Runs `sh -c script` to its end. */
static ended run_script(const char *script, const char *input, int64_t deadline_ms)
{
	reactor *r = NULL;
	sot_err err;
	assert_int_equal(reactor_new(&r, &err), SOT_OK);
	ended e = {.r = r};
	const char *argv[] = {"/bin/sh", "-c", script, NULL};
	assert_int_equal(
	    reactor_spawn(r, argv, NULL, sot_str_c(input), OUTPUT_MAX, deadline_ms, on_end, &e, &err),
	    SOT_OK);
	assert_int_equal(e.calls, 0);
	assert_int_equal(reactor_run(r, &err), SOT_OK);
	assert_int_equal(e.calls, 1);
	reactor_free(r);
	return e;
}

static void output_errors_and_exit_status_come_back(void **state)
{
	(void)state;
	ended e = run_script("echo out; echo err >&2; exit 7", NULL, LONG_MS);
	assert_int_equal(e.exit_status, 7);
	assert_string_equal(e.out, "out\n");
	assert_string_equal(e.err_text, "err\n");
}

static void input_reaches_the_child(void **state)
{
	(void)state;
	ended e = run_script("tr a-z A-Z", "whisper", LONG_MS);
	assert_int_equal(e.exit_status, 0);
	assert_string_equal(e.out, "WHISPER");
}

static void a_child_that_dies_of_a_signal_says_which(void **state)
{
	(void)state;
	ended e = run_script("kill -TERM $$", NULL, LONG_MS);
	assert_int_equal(e.exit_status, 256 + SIGTERM);
}

static void the_deadline_kills_the_whole_group(void **state)
{
	(void)state;
	/* The grandchild would hold the pipe open for a minute if it survived. */
	ended e = run_script("echo begun; sleep 600 & wait", NULL, 300);
	assert_int_equal(e.exit_status, -1);
	assert_string_equal(e.out, "begun\n");
}

static void output_past_the_ceiling_is_thrown_away_and_the_child_ends(void **state)
{
	(void)state;
	ended e = run_script("head -c 1000000 /dev/zero | tr '\\0' x", NULL, LONG_MS);
	assert_int_equal(e.exit_status, 0);
	assert_int_equal(e.out_n, OUTPUT_MAX);
	assert_int_equal(strspn(e.out, "x"), OUTPUT_MAX);
}

static void a_grandchild_that_keeps_the_pipe_does_not_keep_the_result(void **state)
{
	(void)state;
	ended e = run_script("sleep 600 & echo $!", NULL, LONG_MS);
	assert_int_equal(e.exit_status, 0);
	uint64_t pid = 0;
	sot_str line = {e.out, strcspn(e.out, "\n")};
	assert_int_equal(sot_parse_u64(line, 2, INT32_MAX, &pid, NULL), SOT_OK);
	assert_int_equal(kill((pid_t)pid, SIGKILL), 0); /* it was still there */
}

static void no_descriptor_but_the_three_is_inherited(void **state)
{
	(void)state;
	int leaky = open("/dev/null", O_RDONLY);
	int far_up = fcntl(leaky, F_DUPFD, 50); /* as a careless library would: no O_CLOEXEC */
	assert_true(far_up >= 50);
	char script[64];
	snprintf(script, sizeof(script), "ls /proc/$$/fd | grep -cx %d", far_up);
	ended e = run_script(script, NULL, LONG_MS);
	close(leaky);
	close(far_up);
	assert_string_equal(e.out, "0\n");
}

static void signals_and_environment_begin_fresh(void **state)
{
	(void)state;
	setenv("SECRET_OF_THE_PARENT", "1", 1);
	ended e = run_script(
	    "grep SigBlk /proc/self/status; env | grep -c SECRET; kill -PIPE $$", NULL, LONG_MS);
	assert_string_equal(e.out, "SigBlk:\t0000000000000000\n0\n");
	assert_int_equal(e.exit_status, 256 + SIGPIPE); /* ignored here, but not there */
}

static void a_program_that_is_not_there_is_said_at_once(void **state)
{
	(void)state;
	reactor *r = NULL;
	sot_err err;
	assert_int_equal(reactor_new(&r, &err), SOT_OK);
	ended e = {.r = r};
	const char *missing[] = {"/no/such/program", NULL};
	sot_code code = reactor_spawn(r, missing, NULL, SOT_STR(""), 10, LONG_MS, on_end, &e, &err);
	assert_int_equal(code, SOT_NOT_FOUND);
	assert_non_null(strstr(err.text, "/no/such/program"));
	const char *relative[] = {"true", NULL};
	code = reactor_spawn(r, relative, NULL, SOT_STR(""), 10, LONG_MS, on_end, &e, &err);
	assert_int_equal(code, SOT_INVALID);
	reactor_free(r);
	assert_int_equal(e.calls, 0);
}

static void freeing_the_reactor_kills_what_runs(void **state)
{
	(void)state;
	reactor *r = NULL;
	sot_err err;
	assert_int_equal(reactor_new(&r, &err), SOT_OK);
	ended e = {.r = r};
	int alive[2]; /* the child holds the writing end as its input's name: /proc/<pid>/fd */
	assert_int_equal(pipe2(alive, O_CLOEXEC), 0);
	char script[64];
	snprintf(script, sizeof(script), "exec 3>/proc/%d/fd/%d; sleep 600", (int)getpid(), alive[1]);
	const char *argv[] = {"/bin/sh", "-c", script, NULL};
	assert_int_equal(
	    reactor_spawn(r, argv, NULL, SOT_STR(""), 10, LONG_MS, on_end, &e, &err), SOT_OK);
	reactor_free(r);
	close(alive[1]);
	char byte;
	assert_int_equal(read(alive[0], &byte, 1), 0); /* end of file: every holder is dead */
	close(alive[0]);
	assert_int_equal(e.calls, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(output_errors_and_exit_status_come_back),
	    cmocka_unit_test(input_reaches_the_child),
	    cmocka_unit_test(a_child_that_dies_of_a_signal_says_which),
	    cmocka_unit_test(the_deadline_kills_the_whole_group),
	    cmocka_unit_test(output_past_the_ceiling_is_thrown_away_and_the_child_ends),
	    cmocka_unit_test(a_grandchild_that_keeps_the_pipe_does_not_keep_the_result),
	    cmocka_unit_test(no_descriptor_but_the_three_is_inherited),
	    cmocka_unit_test(signals_and_environment_begin_fresh),
	    cmocka_unit_test(a_program_that_is_not_there_is_said_at_once),
	    cmocka_unit_test(freeing_the_reactor_kills_what_runs),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
