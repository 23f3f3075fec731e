/* Webhooks on a running gateway: what is not taken becomes a dead letter that can be sent again,
 * and setting one back holds although a call is under way. That events arrive signed, once and in
 * order is seen by tests/integration/events_test.py. */
#include "harness.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static harness h;

static const answer *put(const char *path, sot_str body)
{
	return harness_call(&h, "PUT", path, NULL, body);
}

static void assert_sql(const char *sql, const char *expected)
{
	char found[4096];
	harness_sql(&h, "postgres", sql, found);
	assert_string_equal(found, expected);
}

static void until_sql(const char *sql)
{
	char found[4096];
	sot_mono limit = sot_mono_add_ms(sot_mono_now(), HARNESS_DEADLINE_MS);
	do {
		assert_false(sot_mono_reached(sot_mono_now(), limit));
		reactor_turn(h.loop, 50);
		harness_sql(&h, "postgres", sql, found);
	} while (strcmp(found, "t") != 0);
}

static void create(sot_str body)
{
	assert_int_equal(harness_call(&h, "POST", "/v1/webhooks", NULL, body)->status, 201);
}

static void what_is_not_taken_is_a_dead_letter_and_sent_again(void **state)
{
	char first[4096], next[4096], path[128];
	(void)state;
	/* Port 1 takes no connection. Its own creation is the one event that fits. */
	create(SOT_STR("{\"name\":\"dead\",\"url\":\"http://127.0.0.1:1/"
	               "\",\"secret\":\"canary-secret-0001\",\"kinds\":[\"webhook.created\"]}"));
	until_sql("SELECT count(*) = 1 FROM gateway.dead_letter WHERE webhook = 'dead'");
	const answer *a = harness_call(&h, "GET", "/v1/webhooks/dead/dead-letters", NULL, (sot_str){0});
	assert_int_equal(a->status, 200);
	assert_true(answer_has(a, "\"total\":1"));
	until_sql(
	    "SELECT count(*) = 1 FROM core.outbox WHERE kind = 'webhook.gave_up' AND subject = 'dead'");
	a = harness_call(&h, "GET", "/v1/webhooks/dead", NULL, (sot_str){0});
	assert_true(answer_has(a, "\"deadLetters\":1"));
	assert_false(answer_has(a, "canary-secret-0001"));
	assert_sql("SELECT starts_with(secret, 'x1:'), strpos(secret, 'canary') FROM gateway.webhook "
	           "WHERE name = 'dead'",
	    "t|0");

	harness_sql(&h, "postgres", "SELECT first FROM gateway.dead_letter", first);
	assert_int_equal(put("/v1/webhooks/dead", SOT_STR("{\"paused\":true}"))->status, 200);
	(void)snprintf(path, sizeof(path), "/v1/webhooks/dead/dead-letters/%.20s/send", first);
	assert_int_equal(harness_call(&h, "POST", path, NULL, (sot_str){0})->status, 201);
	assert_sql("SELECT count(*) FROM gateway.dead_letter", "0");
	harness_sql(&h, "postgres", "SELECT cursor + 1 FROM gateway.webhook WHERE name = 'dead'", next);
	assert_string_equal(next, first);
	(void)snprintf(path, sizeof(path), "/v1/webhooks/dead/dead-letters/%.20s/send", first);
	assert_int_equal(harness_call(&h, "POST", path, NULL, (sot_str){0})->status, 404);
}

/* The call that is under way is played: its lease is somebody's, and it reports after the change.
 */
static void a_call_under_way_does_not_undo_a_set_back(void **state)
{
	(void)state;
	create(SOT_STR("{\"name\":\"back\",\"url\":\"http://127.0.0.1:1/\",\"kinds\":[\"no.such\"]}"));
	until_sql(
	    "WITH w AS (UPDATE gateway.webhook SET holder = 'x', lease_until = now() + interval '1 "
	    "hour' WHERE name = 'back' AND lease_until < now() AND cursor > 2 RETURNING 1) SELECT "
	    "count(*) = 1 FROM w");
	assert_int_equal(put("/v1/webhooks/back", SOT_STR("{\"after\":1}"))->status, 200);
	assert_sql("SELECT gateway.webhook_tried('back', 'x', 3, '', 60)", "f");
	assert_sql("SELECT cursor FROM gateway.webhook WHERE name = 'back'", "1");
}

static void wrong_ones_are_refused(void **state)
{
	static const char *const bodies[] = {
	    "{\"name\":\"UP\",\"url\":\"http://127.0.0.1:1/\"}",
	    "{\"name\":\"a\",\"url\":\"ftp://127.0.0.1/x\"}",
	    "{\"name\":\"a\",\"url\":\"http://127.0.0.1:1/\",\"secret\":\"short\"}",
	    "{\"name\":\"a\"}",
	};
	(void)state;
	for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
		const answer *a = harness_call(&h, "POST", "/v1/webhooks", NULL, sot_str_c(bodies[i]));
		if (a->status != 400)
			fail_msg("%s: %d", bodies[i], a->status);
	}
	assert_sql("SELECT count(*) FROM gateway.webhook WHERE name NOT IN ('dead', 'back')", "0");
	assert_int_equal(put("/v1/webhooks/none", SOT_STR("{\"paused\":true}"))->status, 404);
	assert_int_equal(
	    harness_call(&h, "DELETE", "/v1/webhooks/back", NULL, (sot_str){0})->status, 200);
	assert_int_equal(
	    harness_call(&h, "DELETE", "/v1/webhooks/back", NULL, (sot_str){0})->status, 404);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_is_not_taken_is_a_dead_letter_and_sent_again),
	    cmocka_unit_test(a_call_under_way_does_not_undo_a_set_back),
	    cmocka_unit_test(wrong_ones_are_refused),
	};
	int failed;
	harness_start(&h, NULL, false);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	harness_stop(&h);
	return failed;
}
