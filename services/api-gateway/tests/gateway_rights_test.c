/* Every route x role x own and other, on a running gateway: who asks, what is asked about, and what
 * the table of routes says about it. The rule is written down here once more, from the words of
 * docs/rights.md and not from the code that decides. */
#include "gw_route.h"
#include "harness.h"

#include "sot_parse.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static harness h;
static char admin[128];

#define OWN 'a'
#define OTHER 'b'
#define DIGEST(c)                                                                                  \
	(c == OWN ? "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"                 \
	          : "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb")

/* Two teams with an app, an instance, an operation and a version each; their ids differ in one
 * digit. */
static void make_world(void)
{
	char none[4096];
	harness_sql(&h, "sot_scheduler",
	    "INSERT INTO scheduler.image (name, reference) VALUES ('i', 'a/b:1'); "
	    "INSERT INTO scheduler.team (name, cpu_milli, memory_bytes, disk_bytes, instances) SELECT "
	    "n, 0, 0, 0, 0 FROM unnest(ARRAY['team-a', 'team-b']) n; "
	    "INSERT INTO scheduler.app (id, name, image, plan, vlan, health, team, created_at, "
	    "updated_at) "
	    "SELECT ('00000000-0000-7000-8000-00000000000' || n)::uuid, 'app-' || n, 'i', 'small', "
	    "'apps', "
	    "'{}', 'team-' || n, now(), now() FROM unnest(ARRAY['a', 'b']) n; "
	    "INSERT INTO scheduler.instance_group (id, app_id, name) SELECT "
	    "('00000000-0000-7000-8000-00000000001' || n)::uuid, "
	    "('00000000-0000-7000-8000-00000000000' || "
	    "n)::uuid, 'default' FROM unnest(ARRAY['a', 'b']) n; "
	    "INSERT INTO scheduler.instance (id, app_id, group_id, number, name, state, health, "
	    "desired, "
	    "cpu_milli, memory_bytes, disk_bytes, image, created_at, updated_at) SELECT "
	    "('00000000-0000-7000-8000-00000000010' || n)::uuid, "
	    "('00000000-0000-7000-8000-00000000000' || "
	    "n)::uuid, ('00000000-0000-7000-8000-00000000001' || n)::uuid, 1, 'app-' || n || "
	    "'-default-01', "
	    "'stopped', 'unknown', 'stopped', 1, 1, 1, 'i', now(), now() FROM unnest(ARRAY['a', 'b']) "
	    "n; "
	    "INSERT INTO scheduler.operation (id, kind, target, app_id, actor, idempotency_key, "
	    "request_sha256, resource_id, spec, state, created_at, updated_at) SELECT "
	    "('00000000-0000-7000-8000-00000000100' || n)::uuid, 'app.scale', 'app-' || n, "
	    "('00000000-0000-7000-8000-00000000000' || n)::uuid, 'user:x', n, '\\x00', "
	    "gen_random_uuid(), '{}', 'running', now(), now() FROM unnest(ARRAY['a', 'b']) n; "
	    "INSERT INTO scheduler.app_version (app_id, version, sha256, size_bytes, file_name, "
	    "created_at, created_by) SELECT ('00000000-0000-7000-8000-00000000000' || n)::uuid, '1', "
	    "decode(repeat(n, 64), 'hex'), 1, 'a.zip', now(), 'x' FROM unnest(ARRAY['a', 'b']) n",
	    none);
}

/* ---- who asks ---- */
typedef enum breadth { EVERYWHERE, GRANTED, NARROW_TOKEN } breadth;
typedef struct principal {
	char name[32], token[128];
	gw_role role;
	breadth breadth; /* GRANTED: no role on the platform, this one on team-a; NARROW_TOKEN: an
	                    admin's token that is at most this role, on team-a */
} principal;
static principal principals[16];
static size_t principal_count;

static void must(const answer *a, int status)
{
	if (a->status != status)
		print_message("%d: %s\n", a->status, a->body.n > 0 ? a->body.p : "");
	assert_int_equal(a->status, status);
}

static void make_token(const char *user, const char *more, char ret[128])
{
	char body[256];
	(void)snprintf(body, sizeof(body), "{\"description\":\"test\",\"user\":\"%s\"%s}", user, more);
	const answer *a = harness_call(&h, "POST", "/v1/tokens", NULL, sot_str_c(body));
	must(a, 201);
	const char *at = strstr(a->body.p, "\"token\":\"");
	assert_non_null(at);
	(void)snprintf(ret, 128, "%.*s", (int)strcspn(at + 9, "\""), at + 9);
}

static void add_principal(breadth how, gw_role role)
{
	static const char *const prefixes[] = {"p", "g", "n"};
	principal *p = &principals[principal_count++];
	const char *role_name = role == GW_ROLE_PUBLIC ? "none" : gw_role_name(role);
	char body[256];
	p->breadth = how;
	p->role = role;
	(void)snprintf(p->name, sizeof(p->name), "%s-%s", prefixes[how], role_name);
	(void)snprintf(body, sizeof(body), "{\"name\":\"%s\",\"role\":\"%s\"}", p->name,
	    how == EVERYWHERE ? role_name
	    : how == GRANTED  ? "none"
	                      : "admin");
	must(harness_call(&h, "POST", "/v1/users", NULL, sot_str_c(body)), 201);
	(void)snprintf(body, sizeof(body), "{\"user\":\"%s\",\"role\":\"%s\",\"team\":\"team-a\"}",
	    p->name, role_name);
	if (how == GRANTED)
		must(harness_call(&h, "POST", "/v1/grants", NULL, sot_str_c(body)), 201);
	(void)snprintf(body, sizeof(body), ",\"role\":\"%s\",\"team\":\"team-a\"", role_name);
	make_token(p->name, how == NARROW_TOKEN ? body : "", p->token);
}

/* ---- what is asked ---- */
/* Bodies of the routes whose rights depend on them; %c is the target. */
static const struct {
	gw_route_id route;
	const char *body;
} bodies[] = {
    {GW_ROUTE_app_create,
        "{\"name\":\"fresh\",\"image\":\"i\",\"plan\":\"small\",\"vlan\":\"apps\","
        "\"count\":0,\"team\":\"team-%c\"}"},
    {GW_ROUTE_app_update, "{\"team\":\"team-%c\"}"},
    {GW_ROUTE_operation_bulk, "{\"action\":\"restart\",\"instances\":[\"app-%c-default-01\"]}"},
    {GW_ROUTE_ssh_certificate_issue, "{\"app\":\"app-%c\",\"account\":\"admin\",\"publicKey\":"
                                     "\"ssh-ed25519 AAAAxxxxxxxxxxxxxxxxxxxxxx\"}"},
    {GW_ROUTE_ssh_key_add, "{\"instance\":\"app-%c-default-01\",\"account\":\"readonly\","
                           "\"publicKey\":\"ssh-ed25519 AAAAxxxxxxxxxxxxxxxxxxxxxx\"}"},
};

static void body_of(gw_route_id route, char target, char *ret, size_t size)
{
	(void)snprintf(ret, size, "{}");
	for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
		const char *at = strstr(bodies[i].body, "%c");
		if (bodies[i].route == route)
			(void)snprintf(
			    ret, size, "%.*s%c%s", (int)(at - bodies[i].body), bodies[i].body, target, at + 2);
	}
}

static void first_of(gw_scope scope, char target, char *ret, size_t size)
{
	switch (scope) {
	case GW_SCOPE_APP:
		(void)snprintf(ret, size, "app-%c", target);
		break;
	case GW_SCOPE_INSTANCE:
		(void)snprintf(ret, size, "app-%c-default-01", target);
		break;
	case GW_SCOPE_OPERATION:
		(void)snprintf(ret, size, "00000000-0000-7000-8000-00000000100%c", target);
		break;
	case GW_SCOPE_BLOB:
		(void)snprintf(ret, size, "%s", DIGEST(target));
		break;
	default:
		(void)snprintf(ret, size, "nobody");
		break;
	}
}

static void path_of(const gw_route *route, char target, char ret[256])
{
	char first[96];
	size_t n = 0, params = 0;
	first_of(route->scope, target, first, sizeof(first));
	for (const char *p = route->pattern; *p != '\0'; p++) {
		if (*p != '{') {
			ret[n++] = *p;
			continue;
		}
		n += (size_t)snprintf(ret + n, 128, "%s", params++ == 0 ? first : "1");
		p += strcspn(p, "}");
	}
	/* A position that cannot be: lists and streams end with 400 behind the rights. */
	(void)snprintf(ret + n, 32, "%s", strcmp(route->method, "GET") == 0 ? "?after=bad" : "");
}

/* ---- what the words say ---- */
static bool may(const principal *p, const gw_route *route, char target)
{
	bool enough = p->role >= route->role;
	switch (route->scope) {
	case GW_SCOPE_PUBLIC:
	case GW_SCOPE_SELF:
		return true;
	case GW_SCOPE_PLATFORM:
		return enough && p->breadth == EVERYWHERE;
	case GW_SCOPE_ANYWHERE:
		return enough;
	default:
		return enough && (p->breadth == EVERYWHERE || target == OWN);
	}
}

static void assert_route(const principal *p, const gw_route *route, char target)
{
	char path[256], body[512];
	path_of(route, target, path);
	body_of(route->id, target, body, sizeof(body));
	const answer *a = harness_call(
	    &h, route->method, path, NULL, sot_str_c(strcmp(route->method, "GET") == 0 ? "" : body));
	bool refused =
	    a->status == 403 && a->body.n > 0 && strstr(a->body.p, "there or higher") != NULL;
	if (refused == may(p, route, target) || a->status == 401)
		print_message("%s %s as %s: %d %s\n", route->method, path, p->name, a->status,
		    a->body.n > 0 ? a->body.p : "");
	assert_int_not_equal(a->status, 401);
	assert_int_equal(refused, !may(p, route, target));
}

static void every_route_for_every_role_on_own_and_other(void **state)
{
	size_t calls = 0;
	(void)state;
	h.refuse_with = 0; /* the scheduler and ipam of the test change nothing */
	for (size_t i = 0; i < principal_count; i++) {
		(void)snprintf(h.token, sizeof(h.token), "%s", principals[i].token);
		for (size_t r = 0; r < GW_ROUTE_COUNT; r++) {
			if (gw_routes[r].id == GW_ROUTE_password_set) /* bounded per account */
				continue;
			assert_route(&principals[i], &gw_routes[r], OWN);
			assert_route(&principals[i], &gw_routes[r], OTHER);
			calls += 2;
		}
	}
	(void)snprintf(h.token, sizeof(h.token), "%s", admin);
	print_message("%zu calls\n", calls);
}

static void every_route_by_its_body_has_one_here(void **state)
{
	(void)state;
	for (size_t r = 0; r < GW_ROUTE_COUNT; r++) {
		char body[512];
		body_of(gw_routes[r].id, OWN, body, sizeof(body));
		if (gw_routes[r].scope == GW_SCOPE_BODY && strcmp(body, "{}") == 0)
			print_message("say in `bodies` what %s names\n", gw_routes[r].name);
		assert_false(gw_routes[r].scope == GW_SCOPE_BODY && strcmp(body, "{}") == 0);
	}
}

static void lists_show_what_may_be_seen(void **state)
{
	(void)state;
	for (size_t i = 0; i < principal_count; i++) {
		if (principals[i].breadth == EVERYWHERE || principals[i].role < GW_ROLE_VIEWER)
			continue;
		static const char *const paths[] = {
		    "/v1/apps", "/v1/instances", "/v1/operations?parent=any"};
		(void)snprintf(h.token, sizeof(h.token), "%s", principals[i].token);
		for (size_t k = 0; k < 3; k++) {
			const answer *a = harness_call(&h, "GET", paths[k], NULL, (sot_str){0});
			must(a, 200);
			assert_true(answer_has(a, "app-a"));
			assert_null(strstr(a->body.p, "app-b"));
			assert_true(answer_has(a, "\"total\":1"));
		}
	}
	(void)snprintf(h.token, sizeof(h.token), "%s", admin);
}

/* ---- environments: groups of one app are in two of them ---- */
static void make_two_environments(void)
{
	char none[4096];
	harness_sql(&h, "sot_scheduler",
	    "INSERT INTO scheduler.app (id, name, image, plan, vlan, health, created_at, updated_at) "
	    "VALUES ('00000000-0000-7000-8000-00000000000e', 'app-e', 'i', 'small', 'apps', '{}', "
	    "now(), now()); "
	    "INSERT INTO scheduler.instance_group (id, app_id, name, environment) SELECT "
	    "('00000000-0000-7000-8000-00000000002' || n)::uuid, "
	    "'00000000-0000-7000-8000-00000000000e', e, e FROM (VALUES (1, 'test'), (2, 'live')) AS "
	    "v(n, e); "
	    "INSERT INTO scheduler.instance (id, app_id, group_id, number, name, state, health, "
	    "desired, cpu_milli, memory_bytes, disk_bytes, image, created_at, updated_at) SELECT "
	    "('00000000-0000-7000-8000-00000000020' || right(id::text, 1))::uuid, app_id, id, 1, "
	    "'app-e-' || name || '-01', 'stopped', 'unknown', 'stopped', 1, 1, 1, 'i', now(), now() "
	    "FROM scheduler.instance_group WHERE app_id = '00000000-0000-7000-8000-00000000000e'",
	    none);
}

static void a_grant_in_an_environment_reaches_its_groups_alone(void **state)
{
	static const struct {
		const char *method, *path, *body;
		bool may;
	} calls[] = {
	    {"GET", "/v1/apps/app-e", "", true},
	    {"GET", "/v1/apps/app-a", "", false},
	    {"GET", "/v1/instances/app-e-test-01", "", true},
	    {"GET", "/v1/instances/app-e-live-01", "", false},
	    {"POST", "/v1/instances/app-e-test-01/restart", "", true},
	    {"POST", "/v1/instances/app-e-live-01/restart", "", false},
	    {"POST", "/v1/apps/app-e/deploy", "{\"version\":\"1\",\"group\":\"test\"}", true},
	    {"POST", "/v1/apps/app-e/deploy", "{\"version\":\"1\",\"group\":\"live\"}", false},
	    {"POST", "/v1/apps/app-e/deploy", "{\"version\":\"1\",\"group\":\"new\"}", false},
	    {"POST", "/v1/apps/app-e/deploy", "{\"version\":\"1\"}", false},
	    {"POST", "/v1/apps/app-e/scale", "{\"count\":1,\"group\":\"test\"}", true},
	    {"POST", "/v1/apps/app-e/scale", "{\"count\":1}", false},
	    {"PUT", "/v1/apps/app-e/groups/test", "{\"environment\":\"test\"}", true},
	    {"PUT", "/v1/apps/app-e/groups/live", "{\"environment\":\"test\"}", false},
	    {"DELETE", "/v1/apps/app-e/groups/live", "", false},
	    {"POST", "/v1/apps/app-e/groups/test/instances", "{\"instances\":[\"app-e-live-01\"]}",
	        false},
	    {"DELETE", "/v1/apps/app-e", "", false},
	    {"PUT", "/v1/apps/app-e", "{}", false},
	};
	char token[128];
	(void)state;
	make_two_environments();
	must(harness_call(
	         &h, "POST", "/v1/users", NULL, SOT_STR("{\"name\":\"tom\",\"role\":\"none\"}")),
	    201);
	must(harness_call(&h, "POST", "/v1/grants", NULL,
	         SOT_STR("{\"user\":\"tom\",\"role\":\"developer\",\"environment\":\"test\"}")),
	    201);
	make_token("tom", "", token);
	(void)snprintf(h.token, sizeof(h.token), "%s", token);
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		const answer *a =
		    harness_call(&h, calls[i].method, calls[i].path, NULL, sot_str_c(calls[i].body));
		bool refused =
		    a->status == 403 && a->body.n > 0 && strstr(a->body.p, "there or higher") != NULL;
		if (refused == calls[i].may)
			print_message("%s %s %s: %d %s\n", calls[i].method, calls[i].path, calls[i].body,
			    a->status, a->body.n > 0 ? a->body.p : "");
		assert_int_equal(refused, !calls[i].may);
	}
	const answer *a = harness_call(&h, "GET", "/v1/instances", NULL, (sot_str){0});
	assert_true(answer_has(a, "app-e-test-01"));
	assert_null(strstr(a->body.p, "app-e-live-01"));
	a = harness_call(&h, "GET", "/v1/apps", NULL, (sot_str){0});
	assert_true(answer_has(a, "app-e"));
	assert_true(answer_has(a, "\"total\":1"));
	(void)snprintf(h.token, sizeof(h.token), "%s", admin);
}

static void a_narrow_token_makes_no_other_and_the_last_admin_stays(void **state)
{
	(void)state;
	(void)snprintf(h.token, sizeof(h.token), "%s", principals[principal_count - 1].token);
	must(harness_call(&h, "POST", "/v1/tokens", NULL, SOT_STR("{\"description\":\"x\"}")), 403);
	(void)snprintf(h.token, sizeof(h.token), "%s", admin);
	for (size_t i = 0; i < principal_count; i++) {
		char path[64];
		(void)snprintf(path, sizeof(path), "/v1/users/%.32s", principals[i].name);
		must(harness_call(&h, "DELETE", path, NULL, (sot_str){0}), 200);
	}
	must(harness_call(&h, "DELETE", "/v1/users/ada", NULL, (sot_str){0}), 409);
	must(harness_call(&h, "PUT", "/v1/users/ada", NULL, SOT_STR("{\"role\":\"viewer\"}")), 409);
	must(harness_call(&h, "PUT", "/v1/users/ada", NULL, SOT_STR("{\"disabled\":true}")), 409);
}

/* As another gateway would do it: this one gets no word of it. */
static void a_right_taken_back_elsewhere_is_gone_5_seconds_later(void **state)
{
	char token[128], none[4096];
	(void)state;
	must(harness_call(
	         &h, "POST", "/v1/users", NULL, SOT_STR("{\"name\":\"eve\",\"role\":\"viewer\"}")),
	    201);
	make_token("eve", "", token);
	(void)snprintf(h.token, sizeof(h.token), "%s", token);
	must(harness_call(&h, "GET", "/v1/hosts", NULL, (sot_str){0}), 200);
	harness_sql(&h, "sot_gateway", "DELETE FROM gateway.token WHERE account = 'eve'", none);
	sot_mono after = sot_mono_add_ms(sot_mono_now(), 5000);
	while (!sot_mono_reached(sot_mono_now(), after))
		(void)harness_call(&h, "GET", "/v1/hosts", NULL, (sot_str){0}); /* keeps the memory warm */
	must(harness_call(&h, "GET", "/v1/hosts", NULL, (sot_str){0}), 401);
	(void)snprintf(h.token, sizeof(h.token), "%s", admin);
}

static void a_right_taken_back_here_is_gone_at_once(void **state)
{
	char token[128], path[64];
	(void)state;
	make_token("eve", "", token);
	(void)snprintf(h.token, sizeof(h.token), "%s", token);
	must(harness_call(&h, "GET", "/v1/hosts", NULL, (sot_str){0}), 200);
	(void)snprintf(h.token, sizeof(h.token), "%s", admin);
	(void)snprintf(path, sizeof(path), "/v1/tokens/%.16s", token + 4);
	must(harness_call(&h, "DELETE", path, NULL, (sot_str){0}), 200);
	(void)snprintf(h.token, sizeof(h.token), "%s", token);
	must(harness_call(&h, "GET", "/v1/hosts", NULL, (sot_str){0}), 401);
	(void)snprintf(h.token, sizeof(h.token), "%s", admin);
}

/* One digit of a token at a time, other secrets, other ids, expired ones. SOT_FORGED=N for more. */
static void forged_mutated_and_expired_tokens_are_refused(void **state)
{
	char good[128], none[4096];
	uint64_t rounds = 300;
	const char *more = getenv("SOT_FORGED");
	(void)state;
	if (more != NULL)
		assert_int_equal(sot_parse_u64(sot_str_c(more), 1, 10000000, &rounds, NULL), SOT_OK);
	make_token("eve", "", good);
	for (uint64_t i = 0; i < rounds; i++) {
		size_t at = 4 + i % (strlen(good) - 4);
		(void)snprintf(h.token, sizeof(h.token), "%s", good);
		h.token[at] = h.token[at] == '_' ? '0' : "0123456789abcdef_"[(i * 7 + at) % 17];
		if (strcmp(h.token, good) == 0)
			continue;
		assert_int_equal(harness_call(&h, "GET", "/v1/me", NULL, (sot_str){0})->status, 401);
	}
	harness_sql(&h, "sot_gateway",
	    "UPDATE gateway.token SET expires_at = now() - interval '1 second' WHERE account = 'eve'",
	    none);
	(void)snprintf(h.token, sizeof(h.token), "%s", good);
	assert_int_equal(harness_call(&h, "GET", "/v1/me", NULL, (sot_str){0})->status, 401);
	(void)snprintf(h.token, sizeof(h.token), "%s", admin);
}

static int begin(void **state)
{
	(void)state;
	harness_start(&h, NULL, false);
	memcpy(admin, h.token, sizeof(admin));
	make_world();
	for (int role = GW_ROLE_VIEWER; role <= GW_ROLE_ADMIN; role++) {
		add_principal(EVERYWHERE, (gw_role)role);
		add_principal(GRANTED, (gw_role)role);
	}
	add_principal(EVERYWHERE, GW_ROLE_PUBLIC);
	for (int role = GW_ROLE_VIEWER; role <= GW_ROLE_ADMIN; role++)
		add_principal(NARROW_TOKEN, (gw_role)role);
	return 0;
}

static int end(void **state)
{
	(void)state;
	harness_stop(&h);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_route_by_its_body_has_one_here),
	    cmocka_unit_test(every_route_for_every_role_on_own_and_other),
	    cmocka_unit_test(lists_show_what_may_be_seen),
	    cmocka_unit_test(a_grant_in_an_environment_reaches_its_groups_alone),
	    cmocka_unit_test(a_narrow_token_makes_no_other_and_the_last_admin_stays),
	    cmocka_unit_test(a_right_taken_back_elsewhere_is_gone_5_seconds_later),
	    cmocka_unit_test(a_right_taken_back_here_is_gone_at_once),
	    cmocka_unit_test(forged_mutated_and_expired_tokens_are_refused),
	};
	return cmocka_run_group_tests(tests, begin, end);
}
