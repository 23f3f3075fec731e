/* Idempotency-Key of what the gateway itself does: once, whatever the client repeats and whichever
 * moment the gateway is killed in. */
#include "gw_route.h"
#include "harness.h"
#include "sot_parse.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static harness h;

static const answer *post(const char *path, const char *key, const char *body)
{
	char header[200];
	const char *headers[] = {header, NULL};
	(void)snprintf(header, sizeof(header), "Idempotency-Key: %s", key);
	return harness_call(&h, "POST", path, headers, sot_str_c(body));
}

static void must(const answer *a, int status)
{
	if (a->status != status)
		print_message("%d: %s\n", a->status, a->body.n > 0 ? a->body.p : "");
	assert_int_equal(a->status, status);
}

static long long count(const char *sql)
{
	char text[4096];
	int64_t ret = 0;
	harness_sql(&h, "postgres", sql, text);
	assert_int_equal(sot_parse_i64(sot_str_c(text), 0, INT64_MAX, &ret, NULL), SOT_OK);
	return ret;
}

/* ---- a repeat ---- */
static void a_repeat_gets_the_first_answer_and_does_nothing(void **state)
{
	static const struct {
		const char *path, *body, *rows; /* how many there are of what is made */
	} changes[] = {
	    {"/v1/users", "{\"name\":\"li\",\"role\":\"viewer\"}", "gateway.account"},
	    {"/v1/tokens", "{\"description\":\"ci\"}", "gateway.token"},
	    {"/v1/grants", "{\"user\":\"li\",\"role\":\"developer\",\"team\":\"core\"}",
	        "gateway.role_grant"},
	    {"/v1/webhooks", "{\"name\":\"hook\",\"url\":\"http://127.0.0.1:9/\"}", "gateway.webhook"},
	    {"/v1/machines", "{\"csv\":\"name,address,az,rack\\nm1,10.0.0.1,a,r1\\n\"}",
	        "gateway.audit"},
	    {"/v1/monitor/requests", "{\"kind\":\"test\"}", "monitor.request"},
	    {"/v1/users/li/log-out", "", "gateway.audit"},
	};
	(void)state;
	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		char key[16], sql[128], first[8192];
		(void)snprintf(key, sizeof(key), "repeat-%zu", i);
		(void)snprintf(sql, sizeof(sql), "SELECT count(*) FROM %s", changes[i].rows);
		const answer *a = post(changes[i].path, key, changes[i].body);
		print_message("%s: %d\n", changes[i].path, a->status);
		assert_in_range(a->status, 200, 299);
		int status = a->status;
		(void)snprintf(first, sizeof(first), "%.*s", SOT_ARG(sot_buf_str(&a->body)));
		long long before = count(sql);
		a = post(changes[i].path, key, changes[i].body);
		must(a, status);
		char *fresh = strstr(first, "\"replayed\":false");
		if (fresh != NULL)
			memcpy(fresh, "\"replayed\":true ", 16);
		assert_string_equal(first, a->body.p); /* the secret of a token, too */
		assert_int_equal(count(sql), before);
		must(post(changes[i].path, key, "{\"other\":1}"), 422);
		assert_true(answer_has(&(answer){.body = a->body}, "key_reused"));
	}
}

static void keys_are_of_one_caller_and_have_a_form(void **state)
{
	char ada[128], other[128], long_key[140];
	(void)state;
	memcpy(ada, h.token, sizeof(ada));
	harness_account(&h, "eve", "admin", other);
	must(post("/v1/tokens", "same", "{\"description\":\"of ada\"}"), 201);
	memcpy(h.token, other, sizeof(other));
	must(post("/v1/tokens", "same", "{\"description\":\"of eve\"}"), 201);
	memcpy(h.token, ada, sizeof(ada));
	memset(long_key, 'k', sizeof(long_key));
	long_key[129] = '\0';
	must(post("/v1/tokens", long_key, "{\"description\":\"x\"}"), 400);
	long_key[128] = '\0';
	must(post("/v1/tokens", long_key, "{\"description\":\"x\"}"), 201);
}

static void a_refusal_leaves_the_key_free(void **state)
{
	(void)state;
	for (int i = 0; i < 40; i++) { /* at once: the key is free when the refusal arrives */
		char key[16], body[128];
		(void)snprintf(key, sizeof(key), "free-%d", i);
		(void)snprintf(
		    body, sizeof(body), "{\"user\":\"nobody\",\"role\":\"viewer\",\"team\":\"t%d\"}", i);
		must(post("/v1/grants", key, body), 404);
		(void)snprintf(
		    body, sizeof(body), "{\"user\":\"li\",\"role\":\"viewer\",\"team\":\"t%d\"}", i);
		must(post("/v1/grants", key, body), 201);
	}
	must(post("/v1/users", "free2", "{\"name\":\"li\"}"), 400);
	must(post("/v1/users", "free2", "{\"name\":\"wu\",\"role\":\"viewer\"}"), 201);
}

static void an_upload_is_begun_once(void **state)
{
	const char *headers[] = {
	    "Idempotency-Key: up", "Upload-Length: 10", "Tus-Resumable: 1.0.0", NULL};
	const char *longer[] = {
	    "Idempotency-Key: up", "Upload-Length: 11", "Tus-Resumable: 1.0.0", NULL};
	char first[1024];
	(void)state;
	const answer *a = harness_call(&h, "POST", "/v1/uploads", headers, (sot_str){0});
	must(a, 201);
	(void)snprintf(first, 50, "%.*s", SOT_ARG(sot_buf_str(&a->body)));
	a = harness_call(&h, "POST", "/v1/uploads", headers, (sot_str){0});
	must(a, 201);
	assert_true(answer_has(a, first));
	must(harness_call(&h, "POST", "/v1/uploads", longer, (sot_str){0}), 422);
}

/* ---- kept answers ---- */
static void nothing_of_an_answer_can_be_read_in_the_database(void **state)
{
	char body[4096], text[4096];
	(void)state;
	const answer *a = post("/v1/tokens", "sealed", "{\"description\":\"sealed\"}");
	must(a, 201);
	const char *at = strstr(a->body.p, "\"token\":\"sot_");
	assert_non_null(at);
	(void)snprintf(body, sizeof(body), "%.64s", at + 9 + 21);
	harness_sql(&h, "postgres", "SELECT body FROM gateway.kept_answer WHERE key = 'sealed'", text);
	assert_non_null(strstr(text, "x1:"));
	assert_null(strstr(text, body));
}

static void a_key_is_forgotten_after_a_day(void **state)
{
	char none[4096];
	(void)state;
	must(post("/v1/tokens", "old", "{\"description\":\"old\"}"), 201);
	harness_sql(&h, "postgres",
	    "UPDATE gateway.kept_answer SET at = now() - interval '25 hours' WHERE key = 'old'", none);
	long long before = count("SELECT count(*) FROM gateway.token");
	must(post("/v1/tokens", "old", "{\"description\":\"old\"}"), 201);
	assert_int_equal(count("SELECT count(*) FROM gateway.token"), before + 1);
}

/* ---- cut off ---- */
static void what_is_being_done_is_not_done_twice(void **state)
{
	char none[4096];
	(void)state;
	must(post("/v1/tokens", "busy", "{\"description\":\"busy\"}"), 201);
	long long before = count("SELECT count(*) FROM gateway.token");
	/* As a try that has not ended. */
	harness_sql(&h, "postgres",
	    "UPDATE gateway.kept_answer SET status = NULL, at = now() WHERE key = 'busy'", none);
	must(post("/v1/tokens", "busy", "{\"description\":\"busy\"}"), 409);
	assert_int_equal(count("SELECT count(*) FROM gateway.token"), before);
	harness_sql(&h, "postgres",
	    "UPDATE gateway.kept_answer SET at = now() - interval '61 seconds' WHERE key = 'busy'",
	    none);
	must(post("/v1/tokens", "busy", "{\"description\":\"busy\"}"), 201);
	assert_int_equal(count("SELECT count(*) FROM gateway.token"), before + 1);
}

/* Killed behind the commit, before the answer is kept whole: the change has kept its own. */
static void a_gateway_that_dies_behind_the_commit_has_kept_the_answer(void **state)
{
	(void)state;
	harness_stop_gateway(&h);
	harness_spawn_gateway(&h, "gateway.kept.before_keep=crash");
	const answer *a = post("/v1/tokens", "killed", "{\"description\":\"killed\"}");
	assert_int_not_equal(a->code, SOT_OK);
	assert_int_equal(harness_wait_exit(&h), 256 + SIGKILL);
	assert_int_equal(count("SELECT count(*) FROM gateway.token WHERE description = 'killed'"), 1);
	harness_spawn_gateway(&h, NULL);
	a = post("/v1/tokens", "killed", "{\"description\":\"killed\"}");
	must(a, 201);
	assert_true(answer_has(a, "\"replayed\":true"));
	assert_true(answer_has(a, "\"token\":\"sot_"));
	assert_int_equal(count("SELECT count(*) FROM gateway.token WHERE description = 'killed'"), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_repeat_gets_the_first_answer_and_does_nothing),
	    cmocka_unit_test(keys_are_of_one_caller_and_have_a_form),
	    cmocka_unit_test(a_refusal_leaves_the_key_free),
	    cmocka_unit_test(an_upload_is_begun_once),
	    cmocka_unit_test(nothing_of_an_answer_can_be_read_in_the_database),
	    cmocka_unit_test(a_key_is_forgotten_after_a_day),
	    cmocka_unit_test(what_is_being_done_is_not_done_twice),
	    cmocka_unit_test(a_gateway_that_dies_behind_the_commit_has_kept_the_answer),
	};
	int failed;
	harness_start(&h, NULL, false);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	harness_stop(&h);
	return failed;
}
