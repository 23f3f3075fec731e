/* Failpoints: armed, counted, listed; crash and hang in a child process. */
#include "sot_failpoint.h"

#include <signal.h>
#include <stdio.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static sot_code guarded(sot_err *err)
{
	SOT_FAILPOINT("test.guarded", err);
	return SOT_OK;
}

static void passed(void)
{
	SOT_FAILPOINT_HIT("test.passed");
}

static int disarm(void **state)
{
	(void)state;
	assert_int_equal(sot_failpoint_set("test.guarded", "off", NULL), SOT_OK);
	return sot_failpoint_set("test.passed", "off", NULL) == SOT_OK ? 0 : -1;
}

static void an_unarmed_point_does_nothing(void **state)
{
	(void)state;
	assert_int_equal(guarded(NULL), SOT_OK);
	passed();
}

static void an_error_fails_its_hit_once(void **state)
{
	(void)state;
	sot_err err = {0};
	assert_int_equal(sot_failpoint_set("test.guarded", "error:3", NULL), SOT_OK);
	assert_int_equal(guarded(&err), SOT_OK);
	assert_int_equal(guarded(&err), SOT_OK);
	assert_int_equal(guarded(&err), SOT_UNAVAILABLE);
	assert_string_equal(err.text, "failpoint test.guarded");
	assert_int_equal(guarded(&err), SOT_OK);
}

static void arming_again_counts_from_the_start(void **state)
{
	(void)state;
	assert_int_equal(sot_failpoint_set("test.guarded", "error:2", NULL), SOT_OK);
	assert_int_equal(guarded(NULL), SOT_OK);
	assert_int_equal(sot_failpoint_set("test.guarded", "error:2", NULL), SOT_OK);
	assert_int_equal(guarded(NULL), SOT_OK);
	assert_int_equal(guarded(NULL), SOT_UNAVAILABLE);
}

static void unknown_names_and_actions_are_refused(void **state)
{
	(void)state;
	sot_err err = {0};
	assert_int_equal(sot_failpoint_set("test.nowhere", "error", &err), SOT_NOT_FOUND);
	static const char *const bad[] = {
	    "", "explode", "error:0", "error:x", "error:", "delay:-1", "off:1", "crash:1:2"};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (sot_failpoint_set("test.guarded", bad[i], &err) != SOT_INVALID)
			fail_msg("action \"%s\" was taken", bad[i]);
	assert_int_equal(guarded(NULL), SOT_OK);
}

static void count(void *self, const sot_failpoint *fp)
{
	int *seen = self;
	if (strcmp(fp->name, "test.guarded") == 0)
		seen[0]++;
	if (strcmp(fp->name, "test.passed") == 0)
		seen[1]++;
}

static void every_point_is_listed_before_it_was_ever_reached(void **state)
{
	(void)state;
	int seen[2] = {0, 0};
	sot_failpoint_each(count, seen);
	assert_int_equal(seen[0], 1);
	assert_int_equal(seen[1], 1);
}

/* Runs `hits` passes in a child with this environment; its wait status. */
static int child(const char *environment, int hits)
{
	fflush(NULL);
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		(void)setenv("SOT_FAILPOINTS", environment, 1);
		sot_failpoint_setup();
		for (int i = 0; i < hits; i++)
			passed();
		_exit(7);
	}
	int status = 0;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static void a_crash_is_sigkill_on_its_hit(void **state)
{
	(void)state;
	int status = child("test.passed=crash:2", 2);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	status = child("test.passed=crash:2", 1);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 7);
}

static void a_crash_says_on_stderr_where_it_died(void **state)
{
	(void)state;
	static const char expected[] = "failpoint test.passed: crash\n";
	char text[256];
	int ends[2];
	assert_int_equal(pipe(ends), 0);
	int stderr_before = dup(STDERR_FILENO);
	assert_true(stderr_before >= 0);
	assert_int_equal(dup2(ends[1], STDERR_FILENO), STDERR_FILENO);
	int status = child("test.passed=crash", 1);
	assert_int_equal(dup2(stderr_before, STDERR_FILENO), STDERR_FILENO);
	(void)close(stderr_before);
	(void)close(ends[1]);
	ssize_t n = read(ends[0], text, sizeof(text));
	(void)close(ends[0]);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(n, sizeof(expected) - 1);
	assert_memory_equal(text, expected, sizeof(expected) - 1);
}

static void the_environment_arms_many_and_names_of_other_programs_are_skipped(void **state)
{
	(void)state;
	int status = child("elsewhere.point=crash,test.guarded=error,test.passed=crash", 1);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

static void a_malformed_environment_ends_the_program(void **state)
{
	(void)state;
	int status = child("test.passed=explode", 0);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 2);
}

static void a_hang_stops_for_ever_but_can_be_killed(void **state)
{
	(void)state;
	fflush(NULL);
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		/* Only a process that hangs is still there when the timer ends it. */
		const struct itimerval soon = {.it_value = {.tv_usec = 100000}};
		if (sot_failpoint_set("test.passed", "hang", NULL) != SOT_OK ||
		    setitimer(ITIMER_REAL, &soon, NULL) != 0)
			_exit(6);
		passed();
		_exit(7);
	}
	int status = 0;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_teardown(an_unarmed_point_does_nothing, disarm),
	    cmocka_unit_test_teardown(an_error_fails_its_hit_once, disarm),
	    cmocka_unit_test_teardown(arming_again_counts_from_the_start, disarm),
	    cmocka_unit_test_teardown(unknown_names_and_actions_are_refused, disarm),
	    cmocka_unit_test(every_point_is_listed_before_it_was_ever_reached),
	    cmocka_unit_test(a_crash_is_sigkill_on_its_hit),
	    cmocka_unit_test(a_crash_says_on_stderr_where_it_died),
	    cmocka_unit_test(the_environment_arms_many_and_names_of_other_programs_are_skipped),
	    cmocka_unit_test(a_malformed_environment_ends_the_program),
	    cmocka_unit_test(a_hang_stops_for_ever_but_can_be_killed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
