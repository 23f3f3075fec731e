/* What every list and resource has: entity tags and If-Match, fields, rates. */
#include "gw_route.h"
#include "harness.h"

#include "sot_file.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

static harness h;

static const answer *call(const char *method, const char *path, const char *body)
{
	return harness_call(&h, method, path, NULL, sot_str_c(body));
}

static const answer *call_if(
    const char *method, const char *path, const char *tag, const char *body)
{
	char header[120];
	const char *headers[] = {header, NULL};
	(void)snprintf(header, sizeof(header), "If-Match: %s", tag);
	return harness_call(&h, method, path, headers, sot_str_c(body));
}

static void must(const answer *a, int status)
{
	if (a->status != status)
		print_message("%d: %s\n", a->status, a->body.n > 0 ? a->body.p : "");
	assert_int_equal(a->status, status);
}

/* ---- entity tags ---- */
/* The ETag of a GET, by a raw request: the harness keeps no headers. */
static void tag_of(const char *path, char ret[64])
{
	char text[512], reply[2048];
	(void)snprintf(text, sizeof(text),
	    "GET %s HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nConnection: close\r\n\r\n", path,
	    h.token);
	harness_raw(&h, sot_str_c(text), reply);
	const char *at = strstr(reply, "ETag: ");
	if (at == NULL)
		print_message("%s\n", reply);
	assert_non_null(at);
	(void)snprintf(ret, 64, "%.*s", (int)strcspn(at + 6, "\r"), at + 6);
}

static void a_change_is_made_only_to_what_was_seen(void **state)
{
	char first[64], second[64], none[4096];
	(void)state;
	must(call("POST", "/v1/users", "{\"name\":\"li\",\"role\":\"viewer\"}"), 201);
	tag_of("/v1/users/li", first);
	harness_sql(&h, "sot_gateway",
	    "UPDATE gateway.account SET last_login_at = now() WHERE name = 'li'", none);
	tag_of("/v1/users/li", second);
	assert_string_equal(first, second); /* a log-in is no change of settings */
	must(call_if("PUT", "/v1/users/li", first, "{\"role\":\"developer\"}"), 200);
	tag_of("/v1/users/li", second);
	assert_string_not_equal(first, second);
	const answer *a = call_if("PUT", "/v1/users/li", first, "{\"role\":\"operator\"}");
	must(a, 412);
	assert_true(answer_has(a, "\"code\":\"precondition_failed\""));
	assert_true(answer_has(call("GET", "/v1/users/li", ""), "\"role\": \"developer\""));
	must(call_if("DELETE", "/v1/users/li", first, ""), 412);
	must(call_if("DELETE", "/v1/users/nobody", "*", ""), 404);
	must(call_if("DELETE", "/v1/users/li", second, ""), 200);
}

static void what_another_service_changes_is_guarded_too(void **state)
{
	char tag[64], none[4096];
	unsigned asked;
	(void)state;
	harness_add_app(&h, "shop");
	tag_of("/v1/apps/shop", tag);
	asked = h.asked;
	must(call_if("PUT", "/v1/apps/shop", "\"0123\"", "{}"), 412);
	must(call_if("DELETE", "/v1/apps/shop", "W/\"0123\"", ""), 412);
	assert_int_equal(h.asked, asked); /* nothing was sent on */
	must(call_if("PUT", "/v1/apps/shop", tag, "{}"), 202);
	assert_int_equal(h.asked, asked + 1);
	harness_sql(
	    &h, "sot_scheduler", "UPDATE scheduler.app SET command = 'run' WHERE name = 'shop'", none);
	must(call_if("PUT", "/v1/apps/shop", tag, "{}"), 412);
	tag_of("/v1/subnets/10.66.0.0%2F24", tag);
	asked = h.ipam_asked;
	must(call_if("PUT", "/v1/subnets/10.66.0.0%2F24", "\"0\"", "{}"), 412);
	assert_int_equal(h.ipam_asked, asked);
	must(call_if("PUT", "/v1/subnets/10.66.0.0%2F24", tag, "{\"open\":true}"), 200);
}

static void a_precondition_that_nobody_can_check_is_not_passed_over(void **state)
{
	(void)state;
	must(call_if("DELETE", "/v1/plans/small", "\"x\"", ""), 412);
	must(call_if("PATCH", "/v1/uploads/x", "\"x\"", ""), 412);
}

/* ---- fields ---- */
static void lists_have_the_fields_that_are_asked_for(void **state)
{
	(void)state;
	const answer *a = call("GET", "/v1/subnets?fields=cidr,vlan&limit=1", "");
	must(a, 200);
	assert_true(answer_has(a, "{\"items\":[{\"vlan\":\"apps\",\"cidr\":\"10.66.0.0/24\"}],"));
	a = call("GET", "/v1/subnets?fields=cidr,colour", "");
	must(a, 400);
	assert_true(answer_has(a, "no item has 'colour'; they have id, vlan"));
	must(call("GET", "/v1/webhooks?fields=anything", ""), 200); /* there is none yet */
}

static void lists_are_narrowed_by_labels(void **state)
{
	static const struct {
		const char *selector;
		int total; /* -1: refused */
	} cases[] = {{"tier=web", 1}, {"tier", 2}, {"!tier", 1}, {"tier!=web", 2}, {"tier,zone=a", 1},
	    {"tier=web,zone=a", 0}, {"", 3}, {"tier==web", -1}, {"tier=web,", -1}, {"a%20b", -1}};
	char none[4096];
	(void)state;
	harness_add_app(&h, "front-a");
	harness_add_app(&h, "front-b");
	harness_sql(&h, "postgres",
	    "UPDATE scheduler.app SET labels = '{\"tier\":\"web\"}' WHERE name = 'front-a'; "
	    "UPDATE scheduler.app SET labels = '{\"tier\":\"db\",\"zone\":\"a\"}' WHERE name = "
	    "'front-b'",
	    none);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char path[96], total[32];
		(void)snprintf(path, sizeof(path), "/v1/apps?labels=%s", cases[i].selector);
		(void)snprintf(total, sizeof(total), "\"total\":%d,", cases[i].total);
		const answer *a = call("GET", path, "");
		must(a, cases[i].total < 0 ? 400 : 200);
		assert_true(cases[i].total < 0 || answer_has(a, total));
		(void)snprintf(path, sizeof(path), "/v1/instances?labels=%s", cases[i].selector);
		must(call("GET", path, ""), cases[i].total < 0 ? 400 : 200);
	}
}

/* ---- the page of the API ---- */
static void the_page_has_every_operation_and_asks_for_nothing(void **state)
{
	char reply[2048], digest[128], none[8192], page[160];
	uint64_t found = 0;
	const char *argv[] = {"/bin/sh", "-c", none, NULL};
	(void)state;
	const answer *a = call("GET", "/v1/docs", "");
	must(a, 200);
	for (size_t i = 0; i < GW_ROUTE_COUNT; i++) {
		char id[96];
		(void)snprintf(id, sizeof(id), "<details id=\"%s\">", gw_routes[i].name);
		assert_true(answer_has(a, id));
		found++;
	}
	assert_int_equal(found, GW_ROUTE_COUNT);
	assert_null(strstr(a->body.p, "<script"));
	assert_null(strstr(a->body.p, " src="));
	assert_null(strstr(a->body.p, "href=\"http"));
	/* The policy's digest is that of the style, as another program computes it. */
	(void)snprintf(page, sizeof(page), "%s/page.html", h.dir);
	assert_int_equal(sot_file_write(page, sot_buf_str(&a->body), 0644, NULL), SOT_OK);
	(void)snprintf(none, sizeof(none),
	    "sed 's/.*<style>//; s/<.style>.*//' %s | head -1 | tr -d '\\n' | openssl dgst -sha256 "
	    "-binary | base64",
	    page);
	char out[8192], errors[8192];
	assert_int_equal(harness_run(&h, argv, out, errors), 0);
	(void)snprintf(digest, sizeof(digest), "style-src 'sha256-%.44s'", out);
	harness_raw(
	    &h, SOT_STR("GET /v1/docs HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"), reply);
	assert_non_null(strstr(reply, "Content-Security-Policy: default-src 'none'; "));
	assert_non_null(strstr(reply, digest));
}

/* ---- rates: another gateway with narrow ones ---- */
static void who_calls_too_often_waits_and_others_do_not(void **state)
{
	char other[128], mine[128];
	int refused = 0;
	(void)state;
	harness_account(&h, "eve", "viewer", other);
	(void)snprintf(mine, sizeof(mine), "%s", h.token);
	h.calls_per_second = 5;
	harness_stop_gateway(&h);
	harness_spawn_gateway(&h, NULL);
	for (int i = 0; i < 30; i++) {
		const answer *a = call("GET", "/v1/me", "");
		refused += a->status == 429;
		if (a->status == 429)
			assert_true(answer_has(a, "too many calls of yours"));
	}
	assert_true(refused >= 5); /* of 30: 10 at once, then 5 a second */
	(void)snprintf(h.token, sizeof(h.token), "%s", other);
	must(call("GET", "/v1/me", ""), 200);
	(void)snprintf(h.token, sizeof(h.token), "%s", mine);
	must(call("GET", "/healthz", ""), 200);
	h.calls_per_second = 0;
}

/* A proxy may not send a change twice: it has to fail what the gateway did not even read. */
static void who_has_just_connected_when_it_ends_is_answered(void **state)
{
	const sot_str ask = SOT_STR("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n");
	char reply[2048];
	int kept = harness_connect(&h), fresh = harness_connect(&h);
	(void)state;
	assert_int_equal(write(kept, ask.p, ask.n), ask.n);
	assert_true(recv(kept, reply, sizeof(reply), 0) > 0);
	assert_int_equal(kill(h.gateway_pid, SIGTERM), 0);
	while (recv(kept, reply, sizeof(reply), 0) > 0) /* what was asked on rests, and ends at once */
		;
	(void)close(kept);
	harness_say(&h, fresh, ask, reply);
	assert_non_null(strstr(reply, "stopping"));
	assert_non_null(strstr(reply, "Connection: close"));
	assert_int_equal(harness_wait_exit(&h), 0);
	harness_spawn_gateway(&h, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_change_is_made_only_to_what_was_seen),
	    cmocka_unit_test(what_another_service_changes_is_guarded_too),
	    cmocka_unit_test(a_precondition_that_nobody_can_check_is_not_passed_over),
	    cmocka_unit_test(lists_have_the_fields_that_are_asked_for),
	    cmocka_unit_test(lists_are_narrowed_by_labels),
	    cmocka_unit_test(the_page_has_every_operation_and_asks_for_nothing),
	    cmocka_unit_test(who_calls_too_often_waits_and_others_do_not),
	    cmocka_unit_test(who_has_just_connected_when_it_ends_is_answered),
	};
	int failed;
	harness_start(&h, NULL, false);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	harness_stop(&h);
	return failed;
}
