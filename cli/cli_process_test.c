/* `sotalia` against a real gateway over TLS: output, errors and exit codes. */
#include "cli.h"
#include "harness.h"
#include "sot_proto.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static harness h;
static char out[8192], errors[8192];

static int run(const char *const *words)
{
	const char *argv[16] = {CLI_PROGRAM};
	int status;
	for (size_t i = 0; words[i] != NULL && i < 14; i++)
		argv[i + 1] = words[i];
	status = harness_run(&h, argv, out, errors);
	print_message("%d\n%s%s\n", status, out, errors);
	return status;
}
#define RUN(...) run((const char *const[]){__VA_ARGS__, NULL})

static void lists_are_tables_json_or_names(void **state)
{
	json_t *json;
	(void)state;
	assert_int_equal(RUN("plan", "list"), CLI_OK);
	assert_non_null(strstr(out, "NAME    CPU  MEMORY   DISK"));
	assert_int_equal(RUN("plan", "list", "-o", "name"), CLI_OK);
	assert_string_equal(out, "large\nmedium\nsmall\ntiny");
	assert_int_equal(RUN("plan", "list", "-o", "json"), CLI_OK);
	json = json_loads(out, JSON_REJECT_DUPLICATES, NULL);
	assert_int_equal(json_array_size(json_object_get(json, "items")), 4);
	json_decref(json);
	assert_int_equal(RUN("status"), CLI_OK);
	assert_int_equal(RUN("app", "show", "none"), CLI_NOT_FOUND);
	assert_non_null(strstr(errors, "request: "));
}

static void a_change_prints_its_operation_and_wait_follows_it(void **state)
{
	char id[SOT_UUID_TEXT], sql[1400], none[4096];
	(void)state;
	h.refuse_with = -1;
	(void)sot_uuid_format(h.operation_id, id);
	assert_int_equal(RUN("app", "scale", "shop", "3"), CLI_OK);
	assert_int_equal(h.asked, 1);
	(void)snprintf(sql, sizeof(sql),
	    "INSERT INTO scheduler.operation (id, kind, target, actor, idempotency_key, "
	    "request_sha256, "
	    "resource_id, spec, state, created_at, updated_at, finished_at) VALUES ('%s', 'app_scale', "
	    "'shop', 'token:ada', 'k', '\\x00', '%s', '{}', 'done', now(), now(), now()); "
	    "INSERT INTO scheduler.operation_log VALUES ('%s', 1, now(), 'info', 'shop-default-03 "
	    "placed')",
	    id, id, id);
	harness_sql(&h, "sot_scheduler", sql, none);
	assert_int_equal(RUN("app", "scale", "shop", "3", "--wait"), CLI_OK);
	assert_non_null(strstr(out, id));
	assert_non_null(strstr(errors, "shop-default-03 placed"));
	assert_non_null(strstr(errors, "done: app_scale shop"));
	(void)snprintf(sql, sizeof(sql),
	    "UPDATE scheduler.operation SET state = 'failed', error = 'no address' WHERE id = '%s'",
	    id);
	harness_sql(&h, "sot_scheduler", sql, none);
	assert_int_equal(RUN("operation", "watch", id), CLI_FAILED);
	assert_non_null(strstr(errors, "no address"));
	assert_int_equal(RUN("operation", "list", "-o", "name"), CLI_OK);
	assert_string_equal(out, id);
	assert_int_equal(RUN("operation", "show", id), CLI_OK);
	(void)snprintf(sql, sizeof(sql),
	    "UPDATE scheduler.operation SET state = 'running', finished_at = NULL WHERE id = '%s'", id);
	harness_sql(&h, "sot_scheduler", sql, none);
	assert_int_equal(RUN("operation", "watch", id, "--wait=1s"), CLI_TIMED_OUT);
}

static void each_kind_of_error_has_its_exit_code(void **state)
{
	(void)state;
	h.refuse_with = SOT_REFUSAL_BLOCKED;
	assert_int_equal(RUN("app", "scale", "shop", "3"), CLI_BLOCKED);
	assert_non_null(strstr(errors, "error: blocked: no host has 4 GiB left"));
	h.refuse_with = SOT_REFUSAL_CONFLICT;
	assert_int_equal(RUN("app", "scale", "shop", "3"), CLI_CONFLICT);
	h.refuse_with = SOT_REFUSAL_UNAVAILABLE;
	assert_int_equal(RUN("app", "scale", "shop", "3"), CLI_UNREACHABLE);
	h.refuse_with = -1;
	assert_int_equal(RUN("app", "list", "--token=sot_0_0"), CLI_DENIED);
	assert_int_equal(RUN("app", "list", "--url=https://127.0.0.1:1"), CLI_UNREACHABLE);
	assert_int_equal(RUN("app", "list", "--ca=/dev/null"), CLI_UNREACHABLE);
	assert_int_equal(RUN("app", "scale", "shop", "many"), CLI_USAGE);
	assert_int_equal(RUN("app", "scale", "shop", "99999"), CLI_USAGE);
	assert_non_null(strstr(errors, "field /count"));
	assert_int_equal(RUN("ap", "list"), CLI_USAGE);
	assert_non_null(strstr(errors, "did you mean 'app'?"));
}

static void the_bodies_of_commands_are_accepted(void **state)
{
	struct sot_app_create m;
	sot_arena *arena = sot_arena_new(1u << 20);
	(void)state;
	h.refuse_with = -1;
	assert_int_equal(RUN("app", "create", "shop", "--image=tomcat", "--vlan=apps", "--count=2",
	                     "--health=http", "--port=8080", "--env=A=b=c"),
	    CLI_OK);
	assert_int_equal(sot_app_create_decode(sot_buf_str(&h.last_frame), arena, &m, NULL), SOT_OK);
	assert_true(sot_str_eq_c(m.env[0].value, "b=c"));
	assert_int_equal(m.count, 2);
	assert_int_equal(RUN("host", "register", "node1",
	                     "--key=0123456789012345678901234567890123456789", "--tag=ssd"),
	    CLI_OK);
	assert_non_null(strstr(out, "\ntoken sot_"));
	assert_int_equal(RUN("image", "register", "tomcat", "127.0.0.1:5000/tomcat:1"), CLI_OK);
	assert_int_equal(RUN("host", "cordon", "node1"), CLI_OK);
	assert_int_equal(RUN("package", "upload", "shop", "v1", CLI_PROGRAM), CLI_OK);
	assert_int_equal(RUN("app", "deploy", "shop", "v1"), CLI_OK);
	assert_int_equal(RUN("app", "delete", "shop"), CLI_OK);
	(void)sot_arena_free(arena);
}

/* The command on a terminal of its own, where `typed` is typed. */
static int on_terminal(const char *typed, const char *options)
{
	char line[600];
	const char *argv[] = {"/bin/sh", "-c", line, NULL};
	int status;
	(void)snprintf(line, sizeof(line), "echo '%s' | script -qec '%s app delete shop %s' /dev/null",
	    typed, CLI_PROGRAM, options);
	status = harness_run(&h, argv, out, errors);
	print_message("%d\n%s%s\n", status, out, errors);
	return status;
}

static void on_a_terminal_what_cannot_be_undone_asks_for_the_name(void **state)
{
	unsigned before = h.asked;
	(void)state;
	h.refuse_with = -1;
	assert_int_equal(on_terminal("yes", ""), CLI_USAGE);
	assert_non_null(strstr(out, "nothing was changed"));
	assert_int_equal(h.asked, before);
	assert_int_equal(on_terminal("shop", ""), CLI_OK);
	assert_int_equal(h.asked, before + 1);
	assert_int_equal(on_terminal("no", "--yes"), CLI_OK);
	assert_int_equal(h.asked, before + 2);
	assert_int_equal(RUN("instance", "retire", "shop-default-01"), CLI_OK);
	assert_int_equal(h.asked, before + 3);
	assert_int_equal(RUN("app", "scale", "shop", "3", "--yes"), CLI_USAGE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(lists_are_tables_json_or_names),
	    cmocka_unit_test(a_change_prints_its_operation_and_wait_follows_it),
	    cmocka_unit_test(each_kind_of_error_has_its_exit_code),
	    cmocka_unit_test(the_bodies_of_commands_are_accepted),
	    cmocka_unit_test(on_a_terminal_what_cannot_be_undone_asks_for_the_name),
	};
	char ca[96];
	int failed;
	harness_start(&h, NULL, true);
	(void)snprintf(ca, sizeof(ca), "%s/cert.pem", h.dir);
	(void)setenv("SOTALIA_URL", h.url, 1);
	(void)setenv("SOTALIA_TOKEN", h.token, 1);
	(void)setenv("SOTALIA_CA", ca, 1);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	harness_stop(&h);
	return failed;
}
