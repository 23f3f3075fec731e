/* The gateway as a process: what clients send, what the scheduler gets, what the database holds. */
#include "gw_route.h"
#include "harness.h"

#include "sot_proto.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static harness h;

static const answer *post(const char *path, const char *body)
{
	return harness_call(&h, "POST", path, NULL, sot_str_c(body));
}

static const answer *get(const char *path)
{
	return harness_call(&h, "GET", path, NULL, (sot_str){0});
}

#define APP                                                                                        \
	"{\"name\":\"shop\",\"image\":\"tomcat\",\"plan\":\"small\",\"vlan\":\"apps\",\"count\":2"

static void a_change_reaches_the_scheduler_with_who_and_key(void **state)
{
	const char *key[] = {"Idempotency-Key: k-1", NULL};
	struct sot_app_create m;
	sot_arena *arena = sot_arena_new(1u << 20);
	const answer *a;
	(void)state;
	h.refuse_with = -1;
	a = harness_call(&h, "POST", "/v1/apps", key,
	    sot_str_c(APP ",\"health\":{\"kind\":\"http\",\"port\":8080,\"path\":\"/ok\"},"
	                  "\"env\":[{\"name\":\"A\",\"value\":\"b\"}]}"));
	assert_int_equal(a->status, 202);
	assert_true(answer_has(a, "\"resourceId\":"));
	assert_int_equal(sot_app_create_decode(sot_buf_str(&h.last_frame), arena, &m, NULL), SOT_OK);
	assert_true(sot_str_eq_c(m.name, "shop"));
	assert_true(sot_str_eq_c(m.context.actor, "token:ada"));
	assert_true(sot_str_eq_c(m.context.idempotency_key, "k-1"));
	assert_true(sot_str_eq_c(m.context.source_address, "127.0.0.1"));
	assert_int_equal(m.health.kind, SOT_HEALTH_CHECK_HTTP);
	assert_int_equal(m.env_count, 1);
	(void)sot_arena_free(arena);
}

static void an_unknown_vlan_is_refused_by_name_unless_the_app_is_there(void **state)
{
	const char *body = "{\"name\":\"old\",\"image\":\"tomcat\",\"plan\":\"small\",\"vlan\":"
	                   "\"dmz\",\"count\":1}";
	unsigned before = h.asked;
	char none[4096];
	const answer *a = post("/v1/apps", body);
	(void)state;
	assert_int_equal(a->status, 400);
	assert_true(answer_has(a, "\"code\":\"invalid\""));
	assert_true(answer_has(a, "\"errors\":[{\"pointer\":\"/vlan\",\"detail\":\"no VLAN or group of "
	                          "VLANs is called 'dmz'; known: "
	                          "apps\"}]"));
	assert_int_equal(h.asked, before);
	harness_sql(&h, "sot_scheduler",
	    "INSERT INTO scheduler.image (name, reference) VALUES ('old', 'a/b:1'); "
	    "INSERT INTO scheduler.app (id, name, image, plan, vlan, health, created_at, "
	    "updated_at) "
	    "VALUES (gen_random_uuid(), 'old', 'old', 'small', 'dmz', '{}', now(), now())",
	    none);
	assert_int_equal(post("/v1/apps", body)->status, 202);
	assert_int_equal(h.asked, before + 1);
	harness_sql(
	    &h, "sot_scheduler", "DELETE FROM scheduler.app; DELETE FROM scheduler.image", none);
}

static void hostile_bodies_get_a_precise_error_and_change_nothing(void **state)
{
	static const struct {
		const char *body, *expected;
	} probes[] = {
	    {"", "the body is empty"},
	    {"[]", "must be an object"},
	    {APP, "not valid JSON"},
	    {APP ",\"nmae\":1}", "\"pointer\":\"/nmae\""},
	    {APP ",\"count\":3}", "\"pointer\":\"/count\""},
	    {"{\"name\":\"shop\",\"image\":\"tomcat\",\"plan\":\"small\",\"vlan\":\"apps\","
	     "\"count\":123456789012345678901234567890}",
	        "\"pointer\":\"/count\",\"detail\":\"must be a whole number from 0 to 10000\""},
	    {"{\"name\":\"shop\",\"image\":\"tomcat\",\"plan\":\"small\",\"vlan\":\"apps\","
	     "\"count\":-1}",
	        "is -1, allowed is 0 to 10000"},
	    {"{\"name\":7,\"image\":\"tomcat\",\"plan\":\"small\",\"vlan\":\"apps\",\"count\":1}",
	        "\"pointer\":\"/name\",\"detail\":\"must be a text\""},
	    {"{\"name\":\"sh\xff\xfe\",\"image\":\"tomcat\"}", "\"pointer\":\"/name\""},
	    {APP ",\"env\":[{\"name\":\"A\",\"value\":\"b\"},{\"name\":\"1\",\"value\":\"b\"}]}",
	        "\"pointer\":\"/env/1/name\""},
	    {APP ",\"health\":{\"kind\":\"icmp\"}}", "must be one of: none tcp http"},
	    {APP ",\"command\":\"a\\u0000b\"}", "\"pointer\":\"/command\""},
	    {"[[[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]]]", "nested deeper than 16"},
	};
	unsigned before = h.asked;
	(void)state;
	for (size_t i = 0; i < sizeof(probes) / sizeof(probes[0]); i++) {
		const answer *a = post("/v1/apps", probes[i].body);
		print_message("probe %zu\n", i);
		assert_int_equal(a->status, 400);
		assert_true(answer_has(a, probes[i].expected));
		assert_true(answer_has(a, "\"requestId\":\""));
	}
	assert_int_equal(h.asked, before);
}

static void a_body_of_10_mb_gets_413_and_the_next_request_works(void **state)
{
	size_t n = 10u * 1024 * 1024;
	char *body = malloc(n);
	const answer *a;
	(void)state;
	memset(body, ' ', n);
	a = harness_call(&h, "POST", "/v1/apps", NULL, (sot_str){body, n});
	assert_int_equal(a->code, SOT_OK);
	assert_int_equal(a->status, 413);
	assert_true(answer_has(a, "the body is larger than 1048576 bytes"));
	free(body);
	assert_int_equal(get("/v1/me")->status, 200);
}

static void a_refusal_becomes_a_problem_with_its_code(void **state)
{
	const answer *a;
	(void)state;
	h.refuse_with = SOT_REFUSAL_BLOCKED;
	a = post("/v1/apps/shop/scale", "{\"count\":9}");
	assert_int_equal(a->status, 409);
	assert_true(answer_has(a, "\"code\":\"blocked\""));
	assert_true(answer_has(a, "no host has 4 GiB left"));
	h.refuse_with = SOT_REFUSAL_NOT_LEADER;
	assert_int_equal(post("/v1/apps/shop/scale", "{\"count\":9}")->status, 503);
	h.refuse_with = SOT_REFUSAL_KEY_REUSED;
	assert_int_equal(post("/v1/apps/shop/scale", "{\"count\":9}")->status, 422);
	h.refuse_with = -1;
}

static void a_silent_scheduler_gives_503_and_says_what_to_do(void **state)
{
	const answer *a;
	(void)state;
	h.silent = true;
	a = post("/v1/apps/shop/scale", "{\"count\":9}");
	h.silent = false;
	assert_int_equal(a->status, 503);
	assert_true(answer_has(a, "same Idempotency-Key"));
}

static void heads_that_could_smuggle_are_refused_and_closed(void **state)
{
	static const char *const heads[] = {
	    "Host: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n",
	    "Host: a\r\nContent-Length: 3\r\nContent-Length: 4\r\n",
	    "Host: a\r\nHost: b\r\n",
	    "X-A: b\r\n",
	    "Host: a\r\nTransfer-Encoding: xchunked\r\n",
	    "Host: a\r\nContent-Length: +3\r\n",
	    "Host : a\r\nHost: a\r\n",
	    "Host: a\r\nX-A: b\r\n folded\r\n",
	};
	char reply[2048], request[512];
	(void)state;
	for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
		(void)snprintf(request, sizeof(request), "POST /v1/apps HTTP/1.1\r\n%s\r\n", heads[i]);
		harness_raw(&h, sot_str_c(request), reply);
		print_message("head %zu: %.60s\n", i, reply);
		assert_memory_equal(reply, "HTTP/1.1 400 ", 13);
	}
	static const char nul[] = "GET /healthz HTTP/1.1\r\nHost: a\r\nX-A: b\0hidden\r\n\r\n";
	harness_raw(&h, (sot_str){nul, sizeof(nul) - 1}, reply);
	assert_memory_equal(reply, "HTTP/1.1 400 ", 13);
	harness_raw(
	    &h, SOT_STR("GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"), reply);
	assert_memory_equal(reply, "HTTP/1.1 200 ", 13);
}

static void without_or_with_a_wrong_token_nothing_is_given(void **state)
{
	char right[128];
	(void)state;
	memcpy(right, h.token, sizeof(right));
	h.token[strlen(h.token) - 1] = h.token[strlen(h.token) - 1] == '0' ? '1' : '0';
	assert_int_equal(get("/v1/apps")->status, 401);
	(void)snprintf(h.token, sizeof(h.token), "nonsense");
	assert_int_equal(get("/v1/apps")->status, 401);
	memcpy(h.token, right, sizeof(right));
	assert_int_equal(get("/v1/apps")->status, 200);
}

static void login_gives_a_session_and_refuses_a_wrong_password(void **state)
{
	char rows[4096];
	const answer *a = post("/v1/sessions", "{\"name\":\"ada\",\"password\":\"wrong wrong wrong\"}");
	(void)state;
	assert_int_equal(a->status, 401);
	harness_sql(&h, "sot_migrator",
	    "SELECT count(*) FROM gateway.audit WHERE action = 'session.create'", rows);
	assert_string_equal(rows, "1");
	assert_int_equal(
	    post("/v1/sessions", "{\"name\":\"eve\",\"password\":\"wrong wrong\"}")->status, 401);
	a = post("/v1/sessions", "{\"name\":\"ada\",\"password\":\"correct horse battery\"}");
	assert_int_equal(a->status, 201);
	assert_true(answer_has(a, "\"role\":\"admin\""));
}

static int scale_with(const char *const *headers)
{
	return harness_call(&h, "POST", "/v1/apps/shop/scale", headers, SOT_STR("{\"count\":1}"))
	    ->status;
}

static void a_cookie_changes_nothing_without_its_csrf_token_and_origin(void **state)
{
	static const char login[] =
	    "POST /v1/sessions HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 49\r\n\r\n"
	    "{\"name\":\"ada\",\"password\":\"correct horse battery\"}";
	char reply[2048], cookie[160], csrf[160], token[128], origin[96];
	const char *headers[] = {cookie, NULL, NULL, NULL};
	const char *at;
	unsigned before = h.asked;
	(void)state;
	harness_raw(&h, (sot_str){login, sizeof(login) - 1}, reply);
	assert_memory_equal(reply, "HTTP/1.1 201 ", 13);
	at = strstr(reply, "Set-Cookie: ");
	assert_non_null(at);
	(void)snprintf(cookie, sizeof(cookie), "Cookie: %.*s", (int)strcspn(at + 12, ";"), at + 12);
	at = strstr(reply, "\"csrfToken\":\"");
	assert_non_null(at);
	(void)snprintf(csrf, sizeof(csrf), "X-CSRF-Token: %.64s", at + 13);
	memcpy(token, h.token, sizeof(token));
	h.token[0] = '\0';
	assert_int_equal(harness_call(&h, "GET", "/v1/me", NULL, (sot_str){0})->status, 401);
	assert_true(answer_has(harness_call(&h, "GET", "/v1/me", headers, (sot_str){0}), csrf + 14));
	assert_int_equal(scale_with(headers), 403);
	headers[1] = "X-CSRF-Token: 0000000000000000000000000000000000000000000000000000000000000000";
	assert_int_equal(scale_with(headers), 403);
	headers[1] = csrf;
	headers[2] = "Origin: https://evil.example";
	assert_int_equal(scale_with(headers), 403);
	assert_int_equal(h.asked, before);
	(void)snprintf(origin, sizeof(origin), "Origin: %s", h.url);
	headers[2] = origin;
	assert_int_equal(scale_with(headers), 202);
	assert_int_equal(h.asked, before + 1);
	assert_int_equal(
	    harness_call(&h, "DELETE", "/v1/sessions", headers, (sot_str){0})->status, 204);
	assert_int_equal(harness_call(&h, "GET", "/v1/me", headers, (sot_str){0})->status, 401);
	memcpy(h.token, token, sizeof(token));
}

static void log_ins_have_a_rate(void **state)
{
	int status = 0;
	(void)state;
	for (int i = 0; i < 20 && status != 429; i++)
		status = post("/v1/sessions", "{\"name\":\"bob\",\"password\":\"guess guess\"}")->status;
	assert_int_equal(status, 429);
}

static void lists_have_pages_and_refuse_foreign_tokens(void **state)
{
	char sql_out[4096], path[300];
	const answer *a;
	const char *next;
	(void)state;
	a = get("/v1/plans?limit=2");
	assert_int_equal(a->status, 200);
	assert_true(answer_has(a, "\"total\":4"));
	assert_true(answer_has(a, "\"large\""));
	next = strstr(a->body.p, "\"next\":\"");
	assert_non_null(next);
	(void)snprintf(
	    path, sizeof(path), "/v1/plans?limit=2&after=%.*s", (int)strcspn(next + 8, "\""), next + 8);
	a = get(path);
	assert_true(answer_has(a, "\"small\""));
	assert_true(answer_has(a, "\"next\":null"));
	(void)snprintf(sql_out, sizeof(sql_out), "/v1/apps?after=%s", strstr(path, "after=") + 6);
	assert_int_equal(get(sql_out)->status, 400);
	assert_int_equal(get("/v1/plans?limit=501")->status, 400);
	assert_int_equal(get("/v1/plans?limit=%zz")->status, 400);
	assert_int_equal(get("/v1/overview")->status, 200);
	assert_int_equal(get("/v1/apps/none")->status, 404);
	assert_int_equal(get("/v1/nothing")->status, 404);
	assert_int_equal(harness_call(&h, "DELETE", "/v1/plans", NULL, (sot_str){0})->status, 405);
}

static void every_read_route_answers(void **state)
{
	static const char *const paths[] = {"/v1/hosts", "/v1/images", "/v1/vlans", "/v1/apps",
	    "/v1/apps/x/versions", "/v1/instances?app=a&host=b&state=running", "/v1/instances",
	    "/v1/operations?state=open", "/v1/addresses?vlan=a", "/v1/addresses/10.0.0.1/history",
	    "/v1/events", "/v1/audit", "/v1/me", "/v1/openapi.json", "/metrics", "/healthz",
	    "/v1/operations/01970000-0000-7000-8000-000000000000/log"};
	(void)state;
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		const answer *a = get(paths[i]);
		if (a->status != 200)
			print_message("%s: %d %s\n", paths[i], a->status, a->body.n > 0 ? a->body.p : "");
		assert_int_equal(a->status, 200);
	}
}

static void a_scheduler_that_is_busy_is_told_apart_from_one_that_refuses(void **state)
{
	(void)state;
	h.retry_after_ms = 6500;
	h.refuse_with = SOT_REFUSAL_UNAVAILABLE;
	assert_int_equal(scale_with(NULL), 503);
	h.refuse_with = SOT_REFUSAL_LIMIT;
	assert_int_equal(scale_with(NULL), 429); /* a limit that passes */
	h.retry_after_ms = 0;
	assert_int_equal(scale_with(NULL), 409); /* one that does not */
	h.refuse_with = -1;
}

/* One bulk operation that failed, with two children, and one that runs. */
static void add_operations(void)
{
	static const char columns[] = "INSERT INTO scheduler.operation (id, kind, target, actor, "
	                              "idempotency_key, request_sha256, "
	                              "resource_id, spec, state, created_at, updated_at, finished_at, "
	                              "parent_id, parallel, reason, "
	                              "children_total) VALUES ('0197%s', '%s', 't', 'user:ann', "
	                              "'key-%s', '', '0197%s', '{}', '%s', "
	                              "now(), now(), %s, %s, %d, 'too old', %d)";
	static const char *const rows[][4] = {
	    {"0000-0000-7000-8000-00000000000a", "bulk.restart", "failed", "NULL"},
	    {"0000-0000-7000-8000-00000000000b", "instance.restart", "done",
	        "'01970000-0000-7000-8000-00000000000a'"},
	    {"0000-0000-7000-8000-00000000000c", "instance.restart", "failed",
	        "'01970000-0000-7000-8000-00000000000a'"},
	    {"0000-0000-7000-8000-000000000001", "app.scale", "running", "NULL"}};
	char sql[1024], out[4096];
	for (size_t k = 0; k < 4; k++) {
		bool runs = strcmp(rows[k][2], "running") == 0;
		(void)snprintf(sql, sizeof(sql), columns, rows[k][0], rows[k][1], rows[k][0], rows[k][0],
		    rows[k][2], runs ? "NULL" : "now()", rows[k][3], k == 0 ? 3 : 0, k == 0 ? 2 : 0);
		harness_sql(&h, "sot_migrator", sql, out);
	}
}

#define BULK_ID "01970000-0000-7000-8000-00000000000a"
static void operations_are_listed_open_ones_first_and_children_with_their_parent(void **state)
{
	const answer *a;
	const char *next;
	char path[300];
	(void)state;
	add_operations();
	a = get("/v1/operations?limit=1&actor=user:ann");
	assert_true(answer_has(a, "\"kind\":\"app.scale\"")); /* older, and it runs */
	assert_true(answer_has(a, "\"total\":2"));
	next = strstr(a->body.p, "\"next\":\"");
	assert_non_null(next);
	(void)snprintf(path, sizeof(path), "/v1/operations?limit=1&actor=user:ann&after=%.*s",
	    (int)strcspn(next + 8, "\""), next + 8);
	a = get(path);
	assert_true(answer_has(a, "\"kind\":\"bulk.restart\""));
	assert_true(answer_has(a, "\"reason\":\"too old\""));
	assert_true(answer_has(a, "\"next\":null"));
	assert_true(answer_has(get("/v1/operations?parent=" BULK_ID), "\"total\":2"));
	assert_true(answer_has(get("/v1/operations?kind=bulk&since=2020-01-01"), "\"total\":1"));
	assert_true(answer_has(get("/v1/operations?kind=bulk&until=2020-01-01"), "\"total\":0"));
	assert_int_equal(get("/v1/operations?parent=nonsense")->status, 400);
}

static void a_retry_asks_for_what_was_not_done_only(void **state)
{
	struct sot_operation_retry m;
	sot_arena *arena = sot_arena_new(1u << 20);
	char id[SOT_UUID_TEXT];
	(void)state;
	assert_int_equal(post("/v1/operations/" BULK_ID "/retry?reason=once%20more", "")->status, 202);
	assert_int_equal(
	    sot_operation_retry_decode(sot_buf_str(&h.last_frame), arena, &m, NULL), SOT_OK);
	assert_true(sot_str_eq_c(m.kind, "bulk.restart"));
	assert_true(sot_str_eq_c(m.context.reason, "once more"));
	assert_int_equal(m.parallel, 3);
	assert_int_equal(m.targets_count, 1);
	assert_string_equal(sot_uuid_format(m.targets[0], id), "01970000-0000-7000-8000-00000000000c");
	assert_int_equal(
	    post("/v1/operations/01970000-0000-7000-8000-00000000000b/retry", "")->status, 409);
	assert_int_equal(
	    post("/v1/operations/01970000-0000-7000-8000-0000000000ff/retry", "")->status, 404);
	(void)sot_arena_free(arena);
}

static void bulk_told(const char *body, sot_arena *arena, struct sot_operation_bulk *ret)
{
	assert_int_equal(post("/v1/operations/bulk", body)->status, 202);
	assert_int_equal(
	    sot_operation_bulk_decode(sot_buf_str(&h.last_frame), arena, ret, NULL), SOT_OK);
}

static void a_bulk_request_becomes_one_message_and_wrong_ones_none(void **state)
{
	static const char *const wrong[] = {"{\"action\":\"rebuild\"}", "{\"action\":\"burn\"}",
	    "{\"action\":\"deploy\",\"apps\":[\"a\"]}", "{\"action\":\"scale\",\"count\":1}",
	    "{\"action\":\"stop\",\"apps\":[]}"};
	struct sot_operation_bulk m;
	sot_arena *arena = sot_arena_new(1u << 20);
	unsigned before;
	(void)state;
	bulk_told(
	    "{\"action\":\"deploy\",\"apps\":[\"shop\",\"cart\"],\"version\":\"2.0\",\"expect\":2}",
	    arena, &m);
	assert_true(m.action == SOT_BULK_ACTION_DEPLOY && m.apps_count == 2 && m.expect == 2);
	bulk_told("{\"action\":\"rebuild\",\"apps\":[\"a\"],\"strategy\":{\"canary\":1}}", arena, &m);
	assert_true(m.action == SOT_BULK_ACTION_REBUILD && m.strategy.canary == 1);
	before = h.asked;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_int_equal(post("/v1/operations/bulk", wrong[i])->status, 400);
	assert_int_equal(h.asked, before);
	(void)sot_arena_free(arena);
}

#define UPLOAD_BYTES (3u * 1024 * 1024 + 17)
static char uploaded_path[128]; /* of a blob that is there */

static void an_upload_comes_back_byte_for_byte(void **state)
{
	size_t n = UPLOAD_BYTES;
	char *bytes = malloc(n), digest[65], *path = uploaded_path;
	struct sot_package_register m;
	sot_arena *arena = sot_arena_new(1u << 20);
	const char *range[] = {"Range: bytes=5-9", NULL};
	const answer *a;
	(void)state;
	for (size_t i = 0; i < n; i++)
		bytes[i] = (char)(i * 31 >> 3);
	harness_add_app(&h, "shop");
	a = harness_call(
	    &h, "PUT", "/v1/apps/shop/versions/v1?file=shop.war", NULL, (sot_str){bytes, n});
	assert_int_equal(a->status, 202);
	assert_int_equal(
	    sot_package_register_decode(sot_buf_str(&h.last_frame), arena, &m, NULL), SOT_OK);
	assert_int_equal(m.size_bytes, n);
	assert_true(sot_str_eq_c(m.file_name, "shop.war"));
	for (size_t i = 0; i < 32; i++)
		(void)snprintf(digest + 2 * i, 3, "%02x", (unsigned char)m.sha256.p[i]);
	(void)snprintf(path, sizeof(uploaded_path), "/v1/blobs/%s", digest);
	a = get(path);
	assert_int_equal(a->status, 200);
	assert_int_equal(a->body.n, n);
	assert_memory_equal(a->body.p, bytes, n);
	a = harness_call(&h, "GET", path, range, (sot_str){0});
	assert_int_equal(a->status, 206);
	assert_int_equal(a->body.n, 5);
	assert_memory_equal(a->body.p, bytes + 5, 5);
	free(bytes);
	(void)sot_arena_free(arena);
}

/* "/v1/hosts/{name}/cordon" to "/v1/hosts/x/cordon" */
static void example_of(const char *pattern, char ret[128])
{
	size_t n = 0;
	for (const char *p = pattern; *p != '\0' && n < 127; p++) {
		ret[n++] = *p == '{' ? 'x' : *p;
		if (*p == '{')
			p += strcspn(p, "}");
	}
	ret[n] = '\0';
}

/* Every route of the table but the public ones and the blobs themselves. */
static void an_agent_gets_its_own_routes_and_nothing_else(void **state)
{
	static const struct {
		const char *method, *pattern, *role;
		bool of_agents;
	} routes[] = {
#define ROUTE(handler, method, pattern, role, scope, flags)                                        \
	{method, pattern, #role, ((flags)&GW_AGENTS) != 0},
#include "routes.def"
#undef ROUTE
	};
	char token[128], path[128];
	const char *at;
	const answer *a;
	size_t refused = 0;
	(void)state;
	a = post("/v1/hosts", "{\"name\":\"node7\",\"az\":\"a\",\"rack\":\"r1\",\"publicKey\":"
	                      "\"0123456789012345678901234567890123456789\",\"tags\":[]}");
	assert_int_equal(a->status, 202);
	at = strstr(a->body.p, "\"fetchToken\":\"");
	assert_non_null(at);
	memcpy(token, h.token, sizeof(token));
	(void)snprintf(h.token, sizeof(h.token), "%.*s", (int)strcspn(at + 14, "\""), at + 14);
	a = get(uploaded_path);
	assert_int_equal(a->status, 200);
	assert_int_equal(a->body.n, UPLOAD_BYTES);
	for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++) {
		if (strcmp(routes[i].role, "PUBLIC") == 0 || routes[i].of_agents)
			continue;
		example_of(routes[i].pattern, path);
		a = harness_call(&h, routes[i].method, path, NULL, (sot_str){0});
		print_message("probe %s %s: %d\n", routes[i].method, path, a->status);
		assert_int_equal(a->status, 403);
		refused++;
	}
	assert_true(refused > 30);
	memcpy(h.token, token, sizeof(token));
}

static void an_upload_with_a_wrong_digest_or_name_is_refused(void **state)
{
	const char *digest[] = {
	    "X-Content-SHA256: 0000000000000000000000000000000000000000000000000000000000000000", NULL};
	unsigned before = h.asked;
	const answer *a;
	(void)state;
	a = harness_call(&h, "PUT", "/v1/apps/shop/versions/v2?file=a.war", digest, SOT_STR("package"));
	assert_int_equal(a->status, 400);
	assert_true(answer_has(a, "send them again"));
	a = harness_call(
	    &h, "PUT", "/v1/apps/shop/versions/v2?file=..%2Fa.war", NULL, SOT_STR("package"));
	assert_int_equal(a->status, 400);
	a = harness_call(&h, "PUT", "/v1/apps/shop/versions/v%202?file=a", NULL, SOT_STR("package"));
	assert_int_equal(a->status, 400);
	assert_int_equal(h.asked, before);
}

static void the_ui_is_served_and_nothing_beside_it(void **state)
{
	char reply[2048];
	(void)state;
	assert_true(answer_has(get("/"), "<title>ui</title>"));
	assert_true(answer_has(get("/apps/shop"), "<title>ui</title>"));
	assert_true(answer_has(get("/assets/app-1a2b.js"), "console.log"));
	assert_int_equal(get("/assets/none.js")->status, 404);
	harness_raw(
	    &h, SOT_STR("GET /../gateway.log HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"), reply);
	assert_memory_equal(reply, "HTTP/1.1 404 ", 13);
	harness_raw(&h,
	    SOT_STR("GET /%2e%2e/gateway.log HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"), reply);
	assert_memory_equal(reply, "HTTP/1.1 404 ", 13);
}

static void what_the_build_has_packed_is_sent_packed_to_who_can_read_it(void **state)
{
	char reply[2048];
	(void)state;
	harness_raw(&h,
	    SOT_STR("GET /assets/app-1a2b.js HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
	            "Accept-Encoding: br, gzip\r\n\r\n"),
	    reply);
	assert_memory_equal(reply, "HTTP/1.1 200 ", 13);
	assert_non_null(strstr(reply, "Content-Encoding: gzip\r\n"));
	assert_non_null(strstr(reply, "Content-Type: text/javascript"));
	assert_non_null(strstr(reply, "Vary: Accept-Encoding\r\n"));
	assert_non_null(strstr(reply, "\r\n\r\npacked by the build"));
	harness_raw(&h,
	    SOT_STR("GET /assets/app-1a2b.js HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"), reply);
	assert_null(strstr(reply, "Content-Encoding:"));
	assert_non_null(strstr(reply, "\r\n\r\nconsole.log(1)"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_scheduler_that_is_busy_is_told_apart_from_one_that_refuses),
	    cmocka_unit_test(operations_are_listed_open_ones_first_and_children_with_their_parent),
	    cmocka_unit_test(a_retry_asks_for_what_was_not_done_only),
	    cmocka_unit_test(a_bulk_request_becomes_one_message_and_wrong_ones_none),
	    cmocka_unit_test(every_read_route_answers),
	    cmocka_unit_test(a_change_reaches_the_scheduler_with_who_and_key),
	    cmocka_unit_test(an_unknown_vlan_is_refused_by_name_unless_the_app_is_there),
	    cmocka_unit_test(hostile_bodies_get_a_precise_error_and_change_nothing),
	    cmocka_unit_test(a_body_of_10_mb_gets_413_and_the_next_request_works),
	    cmocka_unit_test(a_refusal_becomes_a_problem_with_its_code),
	    cmocka_unit_test(a_silent_scheduler_gives_503_and_says_what_to_do),
	    cmocka_unit_test(heads_that_could_smuggle_are_refused_and_closed),
	    cmocka_unit_test(without_or_with_a_wrong_token_nothing_is_given),
	    cmocka_unit_test(login_gives_a_session_and_refuses_a_wrong_password),
	    cmocka_unit_test(a_cookie_changes_nothing_without_its_csrf_token_and_origin),
	    cmocka_unit_test(log_ins_have_a_rate),
	    cmocka_unit_test(lists_have_pages_and_refuse_foreign_tokens),
	    cmocka_unit_test(an_upload_comes_back_byte_for_byte),
	    cmocka_unit_test(an_agent_gets_its_own_routes_and_nothing_else),
	    cmocka_unit_test(an_upload_with_a_wrong_digest_or_name_is_refused),
	    cmocka_unit_test(the_ui_is_served_and_nothing_beside_it),
	    cmocka_unit_test(what_the_build_has_packed_is_sent_packed_to_who_can_read_it),
	};
	int failed;
	harness_start(&h, NULL, false);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	harness_stop(&h);
	return failed;
}
