/* The bridges to CAT, as an operator sees them: their state, and questions that they answer. The
 * gateway with a real PostgreSQL; the bridges are played by their own functions. */
#include "harness.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static harness h;
static char admin_token[128], vera_token[128];

static const answer *call_as(
    const char *token, const char *method, const char *path, const char *body)
{
	(void)snprintf(h.token, sizeof(h.token), "%s", token);
	return harness_call(&h, method, path, NULL, sot_str_c(body));
}

static void as_bridge(const char *text, char ret[static 4096])
{
	harness_sql(&h, "sot_bridge", text, ret);
}

static void bridges_and_their_lag_are_shown(void **state)
{
	(void)state;
	char own[4096];
	as_bridge(
	    "SELECT number FROM monitor.renew('one', '00000000-0000-7000-8000-000000000001', true, "
	    "'10.0.0.1', 10000, '{\"leads\": true}') WHERE own",
	    own);
	assert_string_equal(own, "0");
	as_bridge(
	    "SELECT number FROM monitor.renew('two', '00000000-0000-7000-8000-000000000002', true, "
	    "'10.0.0.2', 10000, '{}') WHERE own",
	    own);
	assert_string_equal(own, "1");
	const answer *a = call_as(vera_token, "GET", "/v1/monitor", "");
	assert_int_equal(a->status, 200);
	assert_true(answer_has(a, "\"name\":\"one\"") && answer_has(a, "\"leads\": true"));
	assert_true(answer_has(a, "\"waiting\""));
}

static void a_process_that_was_replaced_learns_it_and_a_lapse_is_a_new_joining(void **state)
{
	(void)state;
	char text[4096];
	as_bridge("SELECT count(*) FROM monitor.renew('three', '00000000-0000-7000-8000-000000000003', "
	          "true, '10.0.0.3', 10000, '{}')",
	    text);
	as_bridge("SELECT count(*) FROM monitor.renew('three', '00000000-0000-7000-8000-000000000004', "
	          "true, '10.0.0.3', 10000, '{}')",
	    text);
	as_bridge("SELECT count(*) FROM monitor.renew('three', '00000000-0000-7000-8000-000000000003', "
	          "false, '10.0.0.3', 10000, '{}') WHERE own",
	    text);
	assert_string_equal(text, "0");
	harness_sql(&h, "sot_migrator",
	    "UPDATE monitor.bridge SET joined_at = '2020-01-01', lease_until = clock_timestamp() - "
	    "interval '1 s' WHERE name = 'three'",
	    text);
	as_bridge("SELECT joined_unix_ms > 1700000000000 FROM monitor.renew('three', "
	          "'00000000-0000-7000-8000-000000000004', false, '10.0.0.3', 10000, '{}') WHERE own",
	    text);
	assert_string_equal(text, "t");
}

static void an_event_is_given_out_once(void **state)
{
	(void)state;
	char text[4096];
	as_bridge("SELECT count(*) FROM monitor.take_events(500)", text); /* places the cursor */
	harness_sql(&h, "sot_gateway",
	    "SELECT core.emit(ARRAY['host.state'], ARRAY['node-1'], ARRAY[''], ARRAY['node-1'], "
	    "ARRAY['system'], ARRAY[NULL]::uuid[], ARRAY['{\"reason\": \"silent\", \"changed\": "
	    "{\"state\": [\"suspect\", \"agent_lost\"]}}'])",
	    text);
	harness_sql(&h, "sot_gateway", "SELECT core.number_events()", text);
	as_bridge("SELECT string_agg(replace(replace(fields, E'\\x1f', '='), E'\\x1e', ';'), '|') FROM "
	          "monitor.take_events(500) WHERE kind = 'host.state'",
	    text);
	assert_non_null(strstr(text, "reason=silent"));
	assert_non_null(strstr(text, "old.state=suspect"));
	assert_non_null(strstr(text, "new.state=agent_lost"));
	as_bridge("SELECT count(*) FROM monitor.take_events(500)", text);
	assert_string_equal(text, "0");
}

static void a_question_is_answered_by_a_bridge_and_only_asked_by_operators(void **state)
{
	(void)state;
	char statement[400], none[4096], path[100];
	assert_int_equal(
	    call_as(vera_token, "POST", "/v1/monitor/requests", "{\"kind\":\"test\"}")->status, 403);
	assert_int_equal(
	    call_as(admin_token, "POST", "/v1/monitor/requests", "{\"kind\":\"dance\"}")->status, 400);
	const answer *a = call_as(admin_token, "POST", "/v1/monitor/requests",
	    "{\"kind\":\"trace\",\"argument\":\"shop-1\"}");
	assert_int_equal(a->status, 201);
	char id[37] = "";
	(void)snprintf(id, sizeof(id), "%s", strstr(a->body.p, "\"resourceId\":\"") + 14);
	(void)snprintf(path, sizeof(path), "/v1/monitor/requests/%s", id);
	a = call_as(admin_token, "GET", path, "");
	assert_true(a->status == 200 && answer_has(a, "\"answer\":null"));
	(void)snprintf(statement, sizeof(statement),
	    "SELECT monitor.answer('%s', 'one', '{\"connected\": true, \"frames\": []}')", id);
	as_bridge(statement, none);
	a = call_as(admin_token, "GET", path, "");
	assert_true(answer_has(a, "\"bridge\":\"one\"") && answer_has(a, "\"frames\": []"));
	assert_true(answer_has(call_as(admin_token, "GET", "/v1/audit", ""), "monitor.ask"));
	assert_int_equal(call_as(admin_token, "GET", "/v1/monitor/requests/x", "")->status, 404);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(bridges_and_their_lag_are_shown),
	    cmocka_unit_test(a_process_that_was_replaced_learns_it_and_a_lapse_is_a_new_joining),
	    cmocka_unit_test(an_event_is_given_out_once),
	    cmocka_unit_test(a_question_is_answered_by_a_bridge_and_only_asked_by_operators),
	};
	int failed;
	harness_start(&h, NULL, false);
	(void)snprintf(admin_token, sizeof(admin_token), "%s", h.token);
	harness_account(&h, "vera", "viewer", vera_token);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	harness_stop(&h);
	return failed;
}
