/* The audit's chain on a running gateway, who may touch it, and where secrets must not be. */
#include "harness.h"

#include "sot_file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static harness h;

static const answer *get(const char *path)
{
	return harness_call(&h, "GET", path, NULL, (sot_str){0});
}

static void until_sealed(void)
{
	char left[4096];
	sot_mono limit = sot_mono_add_ms(sot_mono_now(), HARNESS_DEADLINE_MS);
	do {
		assert_false(sot_mono_reached(sot_mono_now(), limit));
		reactor_turn(h.loop, 50);
		harness_sql(
		    &h, "postgres", "SELECT count(*) FROM gateway.audit WHERE number IS NULL", left);
	} while (strcmp(left, "0") != 0);
}

static void a_change_is_audited_with_credential_before_and_after(void **state)
{
	char credential[64];
	(void)state;
	assert_int_equal(
	    harness_call(&h, "POST", "/v1/users", NULL,
	        SOT_STR("{\"name\":\"li\",\"role\":\"viewer\",\"password\":\"canary-password-1\"}"))
	        ->status,
	    201);
	assert_int_equal(
	    harness_call(&h, "PUT", "/v1/users/li", NULL, SOT_STR("{\"role\":\"developer\"}"))->status,
	    200);
	until_sealed();
	const answer *a = get("/v1/audit?target=li&action=user.updated");
	assert_int_equal(a->status, 200);
	(void)snprintf(credential, sizeof(credential), "\"credential\":\"token:%.16s\"", h.token + 4);
	assert_true(answer_has(a, credential));
	assert_true(answer_has(a, "\"actor\":\"token:ada\""));
	assert_true(answer_has(a, "\"sourceAddress\":\"127.0.0.1\""));
	assert_true(answer_has(a, "\"before\": {\"role\": \"viewer\""));
	assert_true(answer_has(a, "\"after\": {\"role\": \"developer\""));
	assert_true(answer_has(a, "\"total\":1"));
}

/* The scheduler writes its audit row in its own transaction; the credential is known all the same.
 */
static void a_change_of_another_service_carries_the_credential_too(void **state)
{
	const char *id[] = {"X-Request-Id: 00000000-0000-7000-8000-0000000000aa", NULL};
	char none[4096], credential[64];
	(void)state;
	assert_int_equal(
	    harness_call(&h, "POST", "/v1/hosts/node1/cordon", id, (sot_str){0})->status, 202);
	harness_sql(&h, "sot_scheduler",
	    "SELECT gateway.audit_add('token:ada', '127.0.0.1', "
	    "'00000000-0000-7000-8000-0000000000aa', "
	    "'host.cordon', 'node1', 'accepted', NULL, '{}')",
	    none);
	until_sealed();
	(void)snprintf(credential, sizeof(credential), "\"credential\":\"token:%.16s\"", h.token + 4);
	assert_true(answer_has(get("/v1/audit?target=node1"), credential));
}

static void assert_found_once(const char *number)
{
	static const char *const paths[] = {"/v1/audit?target=node7",
	    "/v1/audit?operation=00000000-0000-7000-8000-0000000000b7",
	    "/v1/audit?target=node7&from=2020-01-01T00:00:00Z"};
	for (size_t k = 0; k < sizeof(paths) / sizeof(paths[0]); k++) {
		const answer *a = get(paths[k]);
		assert_int_equal(a->status, 200);
		assert_true(answer_has(a, "\"total\":1"));
		assert_true(answer_has(a, number));
	}
}

/* Until it is sealed a row is in two indexes only: every change pays for those. Without the head
 * nobody seals. */
static void a_row_is_found_before_it_is_sealed_and_after(void **state)
{
	char text[4096];
	(void)state;
	harness_sql(&h, "postgres",
	    "CREATE TABLE public.kept_head AS SELECT * FROM gateway.audit_head;"
	    " DELETE FROM gateway.audit_head",
	    text);
	harness_sql(&h, "sot_scheduler",
	    "SELECT gateway.audit_add('token:ada', '127.0.0.1', '', 'host.cordon', 'node7', 'accepted',"
	    " '00000000-0000-7000-8000-0000000000b7', '{}')",
	    text);
	assert_found_once("\"number\":null");
	harness_sql(
	    &h, "postgres", "INSERT INTO gateway.audit_head SELECT * FROM public.kept_head", text);
	until_sealed();
	assert_found_once("\"sha256\":\"");
	harness_sql(&h, "postgres",
	    "SELECT count(*) FROM pg_index WHERE indrelid = 'gateway.audit'::regclass AND"
	    " coalesce(pg_get_expr(indpred, indrelid), '') NOT LIKE '%number IS NOT NULL%'",
	    text);
	assert_string_equal(text, "2");
}

static void assert_fault(const char *fault)
{
	const answer *a = get("/v1/audit/check");
	assert_int_equal(a->status, 200);
	assert_true(answer_has(a, fault));
}

/* As somebody who has the database would do it. */
static void whatever_is_changed_afterwards_is_found(void **state)
{
	static const struct {
		const char *damage, *repair, *fault;
	} rows[] = {
	    {"UPDATE gateway.audit SET actor = 'token:eve' WHERE number = 2",
	        "UPDATE gateway.audit SET actor = 'token:ada' WHERE number = 2",
	        "\"fault\":\"row 2 was changed after it was written\""},
	    {"UPDATE gateway.audit SET number = -2 WHERE number = 2",
	        "UPDATE gateway.audit SET number = 2 WHERE number = -2",
	        "\"fault\":\"row 2 is missing\""},
	    {"UPDATE gateway.audit SET number = -number WHERE number = (SELECT max(number) FROM "
	     "gateway.audit)",
	        "UPDATE gateway.audit SET number = -number WHERE number < 0", "are missing"},
	};
	char none[4096];
	(void)state;
	assert_fault("\"fault\":\"\"");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		harness_sql(&h, "postgres", rows[i].damage, none);
		assert_fault(rows[i].fault);
		harness_sql(&h, "postgres", rows[i].repair, none);
		assert_fault("\"fault\":\"\"");
	}
}

static void no_service_may_change_or_remove_a_row(void **state)
{
	static const char *const users[] = {"sot_gateway", "sot_scheduler", "sot_ipam", "sot_bridge"};
	static const char *const rights[] = {"UPDATE", "DELETE", "TRUNCATE", "INSERT"};
	(void)state;
	for (size_t i = 0; i < 4; i++)
		for (size_t k = 0; k < 4; k++) {
			char sql[160], may[4096];
			(void)snprintf(sql, sizeof(sql),
			    "SELECT has_table_privilege('%s', 'gateway.audit', '%s')", users[i], rights[k]);
			harness_sql(&h, "postgres", sql, may);
			assert_string_equal(may, "f");
		}
}

static void assert_nowhere(const char *secret)
{
	char sql[1200], found[4096], path[64];
	SOT_AUTO_BUF text;
	(void)snprintf(sql, sizeof(sql),
	    "SELECT (SELECT count(*) FROM gateway.audit a WHERE a::text LIKE '%%%s%%') + (SELECT "
	    "count(*) "
	    "FROM core.outbox o WHERE o::text LIKE '%%%s%%') + (SELECT count(*) FROM gateway.token t "
	    "WHERE "
	    "t::text LIKE '%%%s%%') + (SELECT count(*) FROM gateway.account t WHERE t::text LIKE "
	    "'%%%s%%') + (SELECT count(*) FROM gateway.webhook t WHERE t::text LIKE '%%%s%%')",
	    secret, secret, secret, secret, secret);
	harness_sql(&h, "postgres", sql, found);
	assert_string_equal(found, "0");
	sot_buf_init(&text, 16u * 1024 * 1024);
	assert_int_equal(sot_file_read(h.log_path, &text, NULL), SOT_OK);
	assert_null(strstr(text.p, secret));
	static const char *const files[] = {"cmdline", "environ"};
	for (size_t i = 0; i < 2; i++) {
		sot_buf_reset(&text);
		(void)snprintf(path, sizeof(path), "/proc/%d/%s", h.gateway_pid, files[i]);
		assert_int_equal(sot_file_read(path, &text, NULL), SOT_OK);
		assert_null(memmem(text.p, text.n, secret, strlen(secret)));
	}
}

/* The hard limit: sanitizers lower the soft one by themselves. */
static void a_gateway_leaves_no_core(void **state)
{
	char path[64];
	SOT_AUTO_BUF text;
	(void)state;
	sot_buf_init(&text, 65536);
	(void)snprintf(path, sizeof(path), "/proc/%d/limits", h.gateway_pid);
	assert_int_equal(sot_file_read(path, &text, NULL), SOT_OK);
	const char *line = strstr(text.p, "Max core file size");
	assert_non_null(line);
	line += strlen("Max core file size");
	while (*line == ' ')
		line++;
	assert_true(strncmp(line, "0 ", 2) == 0);
	for (line++; *line == ' '; line++)
		;
	assert_true(strncmp(line, "0 ", 2) == 0);
}

static void no_secret_is_in_logs_events_audit_or_process_lists(void **state)
{
	(void)state;
	assert_int_equal(harness_call(&h, "POST", "/v1/sessions", NULL,
	                     SOT_STR("{\"name\":\"li\",\"password\":\"canary-password-1\"}"))
	                     ->status,
	    201);
	assert_int_equal(harness_call(&h, "POST", "/v1/sessions", NULL,
	                     SOT_STR("{\"name\":\"li\",\"password\":\"canary-wrong-one\"}"))
	                     ->status,
	    401);
	assert_int_equal(harness_call(&h, "POST", "/v1/webhooks", NULL,
	                     SOT_STR("{\"name\":\"canary\",\"url\":\"http://127.0.0.1:1/\",\"secret\":"
	                             "\"canary-webhook-secret\"}"))
	                     ->status,
	    201);
	until_sealed();
	assert_nowhere("canary-webhook-secret");
	assert_nowhere("canary-password-1");
	assert_nowhere("canary-wrong-one");
	assert_nowhere(h.token + 4 + 16 + 1); /* the token's secret half */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_change_is_audited_with_credential_before_and_after),
	    cmocka_unit_test(a_change_of_another_service_carries_the_credential_too),
	    cmocka_unit_test(a_row_is_found_before_it_is_sealed_and_after),
	    cmocka_unit_test(whatever_is_changed_afterwards_is_found),
	    cmocka_unit_test(no_service_may_change_or_remove_a_row),
	    cmocka_unit_test(no_secret_is_in_logs_events_audit_or_process_lists),
	    cmocka_unit_test(a_gateway_leaves_no_core),
	};
	int failed;
	harness_start(&h, NULL, false);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	harness_stop(&h);
	return failed;
}
