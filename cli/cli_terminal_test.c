/* `sotalia` on a terminal of its own, against a real gateway: what is asked, and that a change is
 * followed to its end. */
#include "cli.h"
#include "harness.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static harness h;
static char out[8192], errors[8192];

static int shell(const char *line)
{
	const char *argv[] = {"/bin/bash", "-c", line, NULL};
	int status = harness_run(&h, argv, out, errors);
	print_message("%s: %d\n%s%s\n", line, status, out, errors);
	return status;
}

/* $S is the command; on a terminal both its outputs come in `out`. */
#define ON_TERMINAL(typed, words) shell("echo '" typed "' | script -qec \"$S " words "\" /dev/null")

static void the_operation_is(const char *state)
{
	char sql[800], id[SOT_UUID_TEXT], none[4096];
	const char *ended = strcmp(state, "running") == 0 ? "NULL" : "now()";
	(void)snprintf(sql, sizeof(sql),
	    "INSERT INTO scheduler.operation (id, kind, target, actor, idempotency_key, "
	    "request_sha256, resource_id, spec, state, error, created_at, updated_at, finished_at) "
	    "VALUES ('%s', 'app_scale', 'shop', 'token:ada', 'k', '\\x00', '%s', '{}', '%s', 'no "
	    "address', now(), now(), %s) ON CONFLICT (id) DO UPDATE SET state = excluded.state, "
	    "finished_at = excluded.finished_at",
	    sot_uuid_format(h.operation_id, id), id, state, ended);
	harness_sql(&h, "sot_scheduler", sql, none);
}

static void a_change_is_followed_to_its_end(void **state)
{
	(void)state;
	the_operation_is("done");
	assert_int_equal(ON_TERMINAL("", "app scale shop 3"), CLI_OK);
	assert_non_null(strstr(out, "done: app_scale shop"));
	the_operation_is("failed");
	assert_int_equal(ON_TERMINAL("", "app scale shop 3"), CLI_FAILED);
	assert_non_null(strstr(out, "the operation failed: no address"));
	assert_int_equal(ON_TERMINAL("", "rollback shop"), CLI_NOT_FOUND); /* there is no such app */
	assert_int_equal(ON_TERMINAL("", "deploy shop v42"), CLI_FAILED);
}

static void with_detach_and_in_a_script_it_is_not(void **state)
{
	(void)state;
	the_operation_is("running");
	assert_int_equal(ON_TERMINAL("", "app scale shop 3 --detach"), CLI_OK);
	assert_non_null(strstr(out, "operation "));
	assert_int_equal(shell("$S app scale shop 3"), CLI_OK);
	assert_int_equal(shell("$S app scale shop 3 --detach"), CLI_OK);
	assert_int_equal(ON_TERMINAL("", "app scale shop 3 --wait=1s"), CLI_TIMED_OUT);
	assert_int_equal(shell("$S app scale shop 3 --detach --wait"), CLI_USAGE);
	assert_non_null(strstr(errors, "exclude each other"));
}

/* Ctrl-C is typed as soon as the operation is told: from then on it goes on by itself. */
static void ctrl_c_detaches_and_says_how_to_come_back(void **state)
{
	char id[SOT_UUID_TEXT], said[160];
	(void)state;
	the_operation_is("running");
	assert_int_equal(
	    shell("d=$(mktemp -d); mkfifo $d/keys; exec 3<>$d/keys; rm -r $d; "
	          "{ script -qefc \"$S app scale shop 3\" /dev/null <&3; echo exit=$?; } | "
	          "while read -r line; do echo \"$line\"; "
	          "case $line in operation*) printf '\\003' >&3;; esac; done"),
	    0);
	assert_non_null(strstr(out, "exit=130"));
	(void)snprintf(said, sizeof(said),
	    "detached; the operation goes on: sotalia operation watch %s",
	    sot_uuid_format(h.operation_id, id));
	assert_non_null(strstr(out, said));
}

static void what_cannot_be_undone_asks_for_the_name(void **state)
{
	unsigned before = h.asked;
	(void)state;
	the_operation_is("done");
	assert_int_equal(ON_TERMINAL("yes", "app delete shop"), CLI_USAGE);
	assert_non_null(strstr(out, "nothing was changed"));
	assert_int_equal(h.asked, before);
	assert_int_equal(ON_TERMINAL("shop", "app delete shop"), CLI_OK);
	assert_int_equal(h.asked, before + 1);
	assert_int_equal(ON_TERMINAL("no", "app delete shop --yes"), CLI_OK);
	assert_int_equal(h.asked, before + 2);
	assert_int_equal(shell("$S instance retire shop-default-01"), CLI_OK);
	assert_int_equal(h.asked, before + 3);
	assert_int_equal(shell("$S app scale shop 3 --yes"), CLI_USAGE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_change_is_followed_to_its_end),
	    cmocka_unit_test(with_detach_and_in_a_script_it_is_not),
	    cmocka_unit_test(ctrl_c_detaches_and_says_how_to_come_back),
	    cmocka_unit_test(what_cannot_be_undone_asks_for_the_name),
	};
	int failed;
	harness_start(&h, NULL, true);
	harness_environment(&h);
	(void)setenv("S", CLI_PROGRAM, 1);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	harness_stop(&h);
	return failed;
}
