/* Log-ins to instances: who gets which certificate, what revocations do to the agents' document,
 * and what agents may say. The gateway with a real PostgreSQL; certificates are read back by
 * libs/ssh. */
#include "harness.h"

#include "sot_ssh.h"

#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define INSTANCE "00000000-0000-7000-8000-000000000101"
#define OTHER "00000000-0000-7000-8000-000000000102"
#define HOST_ID "00000000-0000-7000-8000-0000000000f1"

static harness h;
static char admin_token[128], li_token[128], vera_token[128], agent_token[128];
static char public_line[256];

static void sql(const char *user, const char *text)
{
	char none[4096];
	harness_sql(&h, user, text, none);
}

/* Two instances of one app, each on a host of its own; the first host has a fetch token. */
static void make_world(void)
{
	sql("sot_scheduler",
	    "INSERT INTO scheduler.image (name, reference) VALUES ('i', 'a/b:1'); "
	    "INSERT INTO scheduler.app (id, name, image, plan, vlan, health, created_at, updated_at) "
	    "VALUES "
	    "('00000000-0000-7000-8000-00000000000a', 'shop', 'i', 'small', 'apps', '{}', now(), "
	    "now()); "
	    "INSERT INTO scheduler.instance_group (id, app_id, name) VALUES "
	    "('00000000-0000-7000-8000-00000000000b', '00000000-0000-7000-8000-00000000000a', "
	    "'default'); "
	    "INSERT INTO scheduler.host (id, name, az, rack, public_key, state, created_at) SELECT "
	    "('00000000-0000-7000-8000-0000000000f' || n)::uuid, 'h' || n, 'a', 'r', repeat('x', 39) "
	    "|| n, "
	    "'online', now() FROM generate_series(1, 2) n; "
	    "INSERT INTO scheduler.instance (id, app_id, group_id, host_id, number, name, address, "
	    "state, "
	    "health, desired, cpu_milli, memory_bytes, disk_bytes, image, created_at, updated_at) "
	    "SELECT "
	    "('00000000-0000-7000-8000-00000000010' || n)::uuid, "
	    "'00000000-0000-7000-8000-00000000000a', "
	    "'00000000-0000-7000-8000-00000000000b', ('00000000-0000-7000-8000-0000000000f' || "
	    "n)::uuid, n, "
	    "'shop-default-0' || n, ('10.66.0.1' || n)::inet, 'running', 'healthy', 'running', 1, 1, "
	    "1, 'i', "
	    "now(), now() FROM generate_series(1, 2) n");
	sql("sot_gateway", "INSERT INTO gateway.token (id, secret_sha256, host_id, expires_at) VALUES "
	                   "('aaaaaaaaaaaaaaaa', sha256(repeat('b', 64)::bytea), '" HOST_ID
	                   "', now() + interval '1 day')");
	(void)snprintf(agent_token, sizeof(agent_token), "sot_aaaaaaaaaaaaaaaa_%.64s",
	    "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb");
}

static void make_key(void)
{
	sot_ssh_key key;
	SOT_AUTO_BUF line;
	sot_buf_init(&line, sizeof(public_line));
	sot_ssh_key_make(&key);
	sot_ssh_public_render(key.public_key, SOT_STR("li's"), &line);
	(void)snprintf(public_line, sizeof(public_line), "%.*s", (int)line.n, line.p);
}

static const answer *call_as(
    const char *token, const char *method, const char *path, const char *body)
{
	(void)snprintf(h.token, sizeof(h.token), "%s", token);
	return harness_call(&h, method, path, NULL, sot_str_c(body));
}

static json_t *read_json(const answer *a)
{
	json_t *object = json_loadb(a->body.p ? a->body.p : "", a->body.n, 0, NULL);
	assert_non_null(object);
	return object;
}

static const answer *ask_certificate(const char *token, const char *scope, const char *account)
{
	char body[1024];
	(void)snprintf(body, sizeof(body), "{%s,\"account\":\"%s\",\"publicKey\":\"%s\",\"minutes\":5}",
	    scope, account, public_line);
	return call_as(token, "POST", "/v1/ssh/certificates", body);
}

static void issue(const char *scope, const char *account, sot_ssh_certificate_facts *ret)
{
	sot_err err = {0};
	const answer *a = ask_certificate(li_token, scope, account);
	assert_int_equal(a->status, 201);
	json_t *object = read_json(a);
	const char *line = json_string_value(json_object_get(object, "certificate"));
	assert_int_equal(sot_ssh_certificate_parse(sot_str_c(line), ret, &err), SOT_OK);
	assert_int_equal(json_array_size(json_object_get(object, "hostCa")), 1);
	json_decref(object);
}

static void a_certificate_names_one_scope_and_account(void **state)
{
	sot_ssh_certificate_facts f;
	char events[4096];
	(void)state;
	issue("\"instance\":\"shop-default-01\"", "admin", &f);
	assert_int_equal(f.kind, SOT_SSH_USER);
	assert_string_equal(f.principals, "inst:" INSTANCE ":admin");
	assert_true(strncmp(f.key_id, "li/", 3) == 0);
	assert_int_equal(f.valid_before_unix - f.valid_after_unix, 5 * 60 + 60);
	issue("\"app\":\"shop\"", "readonly", &f);
	assert_string_equal(f.principals, "app:shop:readonly");
	assert_true(answer_has(
	    call_as(admin_token, "GET", "/v1/ssh/certificates?person=li", ""), "\"state\":\"valid\""));
	assert_true(answer_has(call_as(admin_token, "GET", "/v1/audit", ""), "\"ssh.certificate\""));
	harness_sql(&h, "sot_gateway",
	    "SELECT count(*) || ' ' || min(subject) || ' ' || min(actor) FROM core.outbox WHERE kind = "
	    "'ssh.certificate'",
	    events);
	assert_string_equal(events, "2 shop token:li");
}

static void what_may_not_be_signed_is_refused(void **state)
{
	(void)state;
	assert_int_equal(
	    ask_certificate(vera_token, "\"instance\":\"shop-default-01\"", "readonly")->status, 403);
	assert_int_equal(ask_certificate(li_token, "\"instance\":\"nothing\"", "admin")->status, 404);
	assert_int_equal(ask_certificate(li_token, "\"app\":\"nothing\"", "admin")->status, 404);
	assert_int_equal(ask_certificate(li_token, "\"app\":\"shop\"", "root")->status, 400);
	assert_int_equal(
	    ask_certificate(li_token, "\"app\":\"shop\",\"instance\":\"shop-default-01\"", "admin")
	        ->status,
	    400);
	assert_int_equal(call_as(li_token, "POST", "/v1/ssh/certificates",
	                     "{\"app\":\"shop\",\"account\":\"admin\",\"publicKey\":"
	                     "\"ssh-ed25519 AAAAgarbage but long enough\"}")
	                     ->status,
	    400);
	assert_int_equal(call_as(li_token, "GET", "/v1/ssh/certificates", "")->status, 403);
	assert_int_equal(
	    call_as(li_token, "POST", "/v1/ssh/revocations", "{\"person\":\"vera\"}")->status, 403);
}

/* The document as the agent gets it; *ret_version for the next question. */
static json_t *document(const char *have, int expected, char ret_version[64])
{
	char path[160];
	(void)snprintf(path, sizeof(path), "/v1/ssh/document?have=%s", have);
	const answer *a = call_as(agent_token, "GET", path, "");
	assert_int_equal(a->status, expected);
	if (expected != 200)
		return NULL;
	json_t *object = read_json(a);
	(void)snprintf(ret_version, 64, "%s", json_string_value(json_object_get(object, "version")));
	return object;
}

static void a_revocation_reaches_the_document(void **state)
{
	char version[64], other[64], told[4096];
	sot_ssh_certificate_facts f;
	(void)state;
	issue("\"app\":\"shop\"", "admin", &f);
	json_t *before = document("", 200, version);
	assert_null(document(version, 304, other));
	assert_true(answer_has(
	    call_as(li_token, "POST", "/v1/ssh/revocations", "{\"person\":\"li\"}"), "\"keys\":0"));
	json_t *after = document(version, 200, other);
	assert_string_not_equal(version, other);
	const json_t *serials = json_object_get(after, "revokedSerials");
	bool found = false;
	for (size_t i = 0; i < json_array_size(serials); i++)
		found = found || (uint64_t)json_integer_value(json_array_get(serials, i)) == f.serial;
	assert_true(found);
	assert_true(json_string_length(json_object_get(after, "krl")) >
	            json_string_length(json_object_get(before, "krl")));
	assert_int_equal(json_array_size(json_object_get(after, "userCa")), 1);
	json_decref(before);
	json_decref(after);
	/* All of it is ended already. */
	assert_int_equal(
	    call_as(li_token, "POST", "/v1/ssh/revocations", "{\"person\":\"li\"}")->status, 404);
	/* What ended nothing is not told. */
	harness_sql(&h, "sot_gateway",
	    "SELECT (SELECT count(*) FROM gateway.audit WHERE action = 'ssh.revoke') || ' ' || "
	    "(SELECT count(*) FROM core.outbox WHERE kind = 'ssh.revoked')",
	    told);
	assert_string_equal(told, "1 1");
}

static void a_plain_key_comes_and_goes(void **state)
{
	char body[1024], version[64], path[128];
	(void)state;
	(void)snprintf(body, sizeof(body),
	    "{\"app\":\"shop\",\"account\":\"readonly\",\"publicKey\":\"%s\"}", public_line);
	const answer *a = call_as(li_token, "POST", "/v1/ssh/keys", body);
	assert_int_equal(a->status, 201);
	json_t *object = read_json(a);
	(void)snprintf(path, sizeof(path), "/v1/ssh/keys/%s",
	    json_string_value(json_object_get(object, "resourceId")));
	json_decref(object);
	assert_int_equal(call_as(li_token, "POST", "/v1/ssh/keys", body)->status, 409);
	object = document("", 200, version);
	const json_t *key = json_array_get(json_object_get(object, "keys"), 0);
	assert_string_equal(json_string_value(json_object_get(key, "scope")), "app:shop");
	assert_null(strstr(json_string_value(json_object_get(key, "line")), "li's"));
	json_decref(object);
	assert_int_equal(call_as(vera_token, "DELETE", path, "")->status, 404);
	assert_int_equal(call_as(li_token, "DELETE", path, "")->status, 200);
	object = document(version, 200, version);
	assert_int_equal(json_array_size(json_object_get(object, "keys")), 0);
	assert_int_equal(json_array_size(json_object_get(object, "revokedFingerprints")), 1);
	json_decref(object);
}

static void an_agent_gets_host_certificates_of_its_own_instances_only(void **state)
{
	char body[512];
	sot_ssh_certificate_facts f;
	sot_err err = {0};
	(void)state;
	(void)snprintf(
	    body, sizeof(body), "{\"instance\":\"%s\",\"publicKey\":\"%s\"}", INSTANCE, public_line);
	assert_int_equal(call_as(admin_token, "POST", "/v1/ssh/host-certificates", body)->status, 403);
	const answer *a = call_as(agent_token, "POST", "/v1/ssh/host-certificates", body);
	assert_int_equal(a->status, 201);
	json_t *object = read_json(a);
	assert_int_equal(
	    sot_ssh_certificate_parse(
	        sot_str_c(json_string_value(json_object_get(object, "certificate"))), &f, &err),
	    SOT_OK);
	json_decref(object);
	assert_int_equal(f.kind, SOT_SSH_HOST);
	assert_string_equal(f.principals, "shop-default-01," INSTANCE ",10.66.0.11");
	(void)snprintf(
	    body, sizeof(body), "{\"instance\":\"%s\",\"publicKey\":\"%s\"}", OTHER, public_line);
	assert_int_equal(call_as(agent_token, "POST", "/v1/ssh/host-certificates", body)->status, 404);
}

static const answer *report(const char *kind, const char *instance, const char *rest)
{
	char body[1024];
	(void)snprintf(body, sizeof(body),
	    "{\"logins\":[{\"kind\":\"%s\",\"instance\":\"%s\",\"atUnixMs\":1764350000123,\"pid\":57%s}"
	    "]}",
	    kind, instance, rest);
	return call_as(agent_token, "POST", "/v1/ssh/logins", body);
}

static void log_ins_are_told_once_with_the_person(void **state)
{
	char login[512], count[4096];
	sot_ssh_certificate_facts f;
	(void)state;
	issue("\"app\":\"shop\"", "admin", &f);
	(void)snprintf(login, sizeof(login),
	    ",\"account\":\"admin\",\"address\":\"10.1.1.1\",\"port\":4000,\"keyId\":\"%s\",\"serial\":"
	    "%llu,"
	    "\"fingerprint\":\"SHA256:x\"",
	    f.key_id, (unsigned long long)f.serial);
	assert_true(answer_has(report("login", INSTANCE, login), "\"new\":1"));
	assert_true(answer_has(report("login", INSTANCE, login), "\"known\":1"));
	assert_true(answer_has(report("login", OTHER, login), "\"foreign\":1"));
	assert_true(answer_has(
	    call_as(admin_token, "GET", "/v1/ssh/sessions?open=true&person=li", ""), "\"total\":1"));
	assert_true(answer_has(report("logout", INSTANCE, ""), "\"new\":1"));
	assert_true(answer_has(report("logout", INSTANCE, ""), "\"known\":1"));
	assert_true(
	    answer_has(call_as(admin_token, "GET", "/v1/ssh/sessions?open=true", ""), "\"total\":0"));
	harness_sql(&h, "sot_gateway",
	    "SELECT string_agg(action || ' ' || actor || ' ' || source_address || ' ' || target, ',' "
	    "ORDER BY id) "
	    "FROM gateway.audit WHERE action IN ('ssh.login', 'ssh.logout')",
	    count);
	assert_string_equal(count,
	    "ssh.login user:li 10.1.1.1 shop-default-01,ssh.logout user:li 10.1.1.1 shop-default-01");
	/* A serial with another key id was signed by nobody here. */
	(void)snprintf(login, sizeof(login),
	    ",\"account\":\"admin\",\"address\":\"10.1.1.1\",\"port\":4001,\"keyId\":\"ada/"
	    "1\",\"serial\":%llu,"
	    "\"fingerprint\":\"SHA256:x\"",
	    (unsigned long long)f.serial);
	assert_true(answer_has(report("login", INSTANCE, login), "\"known\":1"));
	assert_int_equal(
	    call_as(admin_token, "POST", "/v1/ssh/logins", "{\"logins\":[]}")->status, 403);
}

static void an_account_that_is_removed_takes_its_certificates_with_it(void **state)
{
	char states[4096];
	sot_ssh_certificate_facts f;
	(void)state;
	issue("\"app\":\"shop\"", "admin", &f);
	harness_remove_account(&h, "li");
	harness_sql(&h, "sot_gateway",
	    "SELECT count(*) FILTER (WHERE state = 'valid') || ' ' || count(*) FROM "
	    "gateway.ssh_certificate_v "
	    "WHERE person = 'li'",
	    states);
	assert_true(strncmp(states, "0 ", 2) == 0 && strcmp(states, "0 0") != 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_certificate_names_one_scope_and_account),
	    cmocka_unit_test(what_may_not_be_signed_is_refused),
	    cmocka_unit_test(a_revocation_reaches_the_document),
	    cmocka_unit_test(a_plain_key_comes_and_goes),
	    cmocka_unit_test(an_agent_gets_host_certificates_of_its_own_instances_only),
	    cmocka_unit_test(log_ins_are_told_once_with_the_person),
	    cmocka_unit_test(an_account_that_is_removed_takes_its_certificates_with_it),
	};
	int failed;
	harness_start(&h, NULL, false);
	(void)snprintf(admin_token, sizeof(admin_token), "%s", h.token);
	harness_account(&h, "li", "developer", li_token);
	harness_account(&h, "vera", "viewer", vera_token);
	make_world();
	make_key();
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	harness_stop(&h);
	return failed;
}
