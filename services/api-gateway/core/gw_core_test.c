/* The pure parts of the gateway: routes, heads, bodies, texts, ring, buckets, problems. */
#include "gw_bucket.h"
#include "gw_command.h"
#include "gw_json_scan.h"
#include "gw_orphan.h"
#include "gw_policy.h"
#include "gw_problem.h"
#include "gw_ring.h"
#include "gw_text.h"
#include "sot_file.h"
#include "sot_proto.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* ---- routes ---- */
static gw_match find(const char *method, const char *path)
{
	gw_match m = {0};
	sot_err err = {0};
	assert_int_equal(gw_route_find(sot_str_c(method), sot_str_c(path), &m, &err), SOT_OK);
	return m;
}

static void a_path_finds_its_route_and_parameters(void **state)
{
	gw_match m = find("PUT", "/v1/apps/shop/versions/v1%2B2");
	(void)state;
	assert_non_null(m.route);
	assert_int_equal(m.route->id, GW_ROUTE_version_upload);
	assert_string_equal(m.params[0], "shop");
	assert_string_equal(m.params[1], "v1+2");
	assert_int_equal(find("HEAD", "/healthz").route->id, GW_ROUTE_health_get);
	assert_int_equal(find("GET", "/v1/events/stream").route->id, GW_ROUTE_event_stream);
}

static void what_is_not_in_the_table_is_not_found(void **state)
{
	static const char *const paths[] = {"/v1", "/v1/", "/v1/apps/", "/v1//apps", "/v1/apps/a/b",
	    "/v2/apps", "/v1/appsx", "//v1/apps", "", "/"};
	(void)state;
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
		assert_null(find("GET", paths[i]).route);
}

static void another_method_names_the_allowed_ones(void **state)
{
	gw_match m = find("PATCH", "/v1/apps/shop");
	(void)state;
	assert_null(m.route);
	assert_true(m.path_known);
	assert_string_equal(m.allow, "GET, PUT, DELETE");
}

static void bad_escapes_in_a_path_are_refused(void **state)
{
	static const char *const paths[] = {"/v1/apps/%zz", "/v1/apps/%", "/v1/apps/a%00b",
	    "/v1/apps/a%2fb", "/v1/apps/%ff", "/v1/apps/%4"};
	(void)state;
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		gw_match m = {0};
		assert_int_equal(gw_route_find(SOT_STR("GET"), sot_str_c(paths[i]), &m, NULL), SOT_INVALID);
	}
}

/* Every role against every route: exactly the roles from the table's on may, agents only theirs. */
static void roles_are_ordered_and_agents_have_their_own_routes(void **state)
{
	static const gw_route_id of_agents[] = {GW_ROUTE_blob_get, GW_ROUTE_ssh_document_get,
	    GW_ROUTE_ssh_host_certificate, GW_ROUTE_ssh_logins_report, GW_ROUTE_host_notes};
	(void)state;
	for (size_t i = 0; i < GW_ROUTE_COUNT; i++) {
		const gw_route *r = &gw_routes[i];
		bool public = r->scope == GW_SCOPE_PUBLIC, of_agent = false;
		assert_int_equal(r->role == GW_ROLE_PUBLIC, public);
		for (size_t k = 0; k < sizeof(of_agents) / sizeof(of_agents[0]); k++)
			of_agent = of_agent || r->id == of_agents[k];
		assert_int_equal(gw_route_permits(r, GW_ROLE_PUBLIC), public || r->scope == GW_SCOPE_SELF);
		assert_int_equal(gw_route_permits(r, GW_ROLE_AGENT), public || of_agent);
		for (int role = GW_ROLE_VIEWER; role <= GW_ROLE_ADMIN; role++)
			assert_int_equal(gw_route_permits(r, (gw_role)role),
			    public || r->scope == GW_SCOPE_SELF || role >= (int)r->role);
		if (strcmp(r->method, "GET") != 0 && r->role != GW_ROLE_PUBLIC) /* no cookie, no CSRF */
			assert_true((r->flags & GW_MUTATING) != 0);
	}
}

static void the_api_description_and_the_table_agree_both_ways(void **state)
{
	json_error_t why;
	json_t *doc = json_load_file(GATEWAY_SOURCE_DIR "/openapi.json", JSON_REJECT_DUPLICATES, &why);
	const json_t *paths = json_object_get(doc, "paths");
	size_t described = 0;
	const char *path;
	json_t *methods;
	(void)state;
	assert_non_null(doc);
	for (size_t i = 0; i < GW_ROUTE_COUNT; i++) {
		char method[8] = {0};
		const json_t *op;
		for (size_t k = 0; gw_routes[i].method[k] != '\0'; k++)
			method[k] = (char)(gw_routes[i].method[k] | 0x20);
		op = json_object_get(json_object_get(paths, gw_routes[i].pattern), method);
		if (op == NULL)
			print_message("%s %s is not described\n", method, gw_routes[i].pattern);
		assert_non_null(op);
		assert_string_equal(
		    json_string_value(json_object_get(op, "operationId")), gw_routes[i].name);
		assert_string_equal(
		    json_string_value(json_object_get(op, "x-role")), gw_role_name(gw_routes[i].role));
		assert_string_equal(
		    json_string_value(json_object_get(op, "x-scope")), gw_scope_name(gw_routes[i].scope));
		assert_true(strlen(json_string_value(json_object_get(op, "summary"))) > 3);
	}
	json_object_foreach((json_t *)(uintptr_t)paths, path, methods) described +=
	    json_object_size(methods);
	assert_int_equal(described, GW_ROUTE_COUNT);
	json_decref(doc);
}

/* The fields of each body in the description are those that are accepted, with the same bounds. */
static void the_described_fields_are_the_accepted_ones(void **state)
{
	json_t *doc = json_load_file(GATEWAY_SOURCE_DIR "/openapi.json", 0, NULL);
	(void)state;
	for (size_t i = 0; i < GW_ROUTE_COUNT; i++) {
		size_t count = 0;
		const gw_field *fields = gw_command_fields(gw_routes[i].id, &count);
		const char *method = strcmp(gw_routes[i].method, "PUT") == 0 ? "put" : "post";
		json_t *properties = NULL;
		json_t *path = json_object_get(json_object_get(doc, "paths"), gw_routes[i].pattern);
		if (fields == NULL)
			continue;
		assert_int_equal(
		    json_unpack(json_object_get(path, method), "{s:{s:{s:{s:{s:o}}}}}", "requestBody",
		        "content", "application/json", "schema", "properties", &properties),
		    0);
		assert_int_equal(json_object_size(properties), count);
		for (size_t k = 0; k < count; k++) {
			const json_t *p = json_object_get(properties, fields[k].name);
			assert_non_null(p);
			if (fields[k].kind == GW_INT)
				assert_int_equal(json_integer_value(json_object_get(p, "maximum")), fields[k].max);
			if (fields[k].kind == GW_BOOL)
				assert_string_equal(json_string_value(json_object_get(p, "type")), "boolean");
		}
	}
	json_decref(doc);
}

/* ---- heads ---- */
static sot_code check_head(const gw_header *headers, size_t n, size_t hidden)
{
	gw_head head = {SOT_STR("GET"), SOT_STR("/"), SOT_STR("HTTP/1.1"), headers, n, 0};
	head.size_bytes = 3 + 1 + 1 + 1 + 8 + 2 + 2 + hidden;
	for (size_t i = 0; i < n; i++)
		head.size_bytes += headers[i].name.n + 2 + headers[i].value.n + 2;
	return gw_policy_check(&head, NULL);
}
#define HEADER(n, v)                                                                               \
	{                                                                                              \
		{(n), sizeof(n) - 1},                                                                      \
		{                                                                                          \
			(v), sizeof(v) - 1                                                                     \
		}                                                                                          \
	}

static void a_normal_head_passes_and_hidden_bytes_do_not(void **state)
{
	const gw_header good[] = {HEADER("Host", "a"), HEADER("Content-Length", "5")};
	(void)state;
	assert_int_equal(check_head(good, 2, 0), SOT_OK);
	assert_int_equal(check_head(good, 2, 1), SOT_INVALID);
	assert_int_equal(check_head(good + 1, 1, 0), SOT_INVALID);
}

static void heads_that_can_be_read_in_two_ways_are_refused(void **state)
{
	const gw_header bad[][3] = {
	    {HEADER("Host", "a"), HEADER("host", "b"), HEADER("X", "y")},
	    {HEADER("Host", "a"), HEADER("Content-Length", "5"), HEADER("content-length", "5")},
	    {HEADER("Host", "a"), HEADER("Content-Length", "5"),
	        HEADER("Transfer-Encoding", "chunked")},
	    {HEADER("Host", "a"), HEADER("Content-Length", "5, 5"), HEADER("X", "y")},
	    {HEADER("Host", "a"), HEADER("Content-Length", "-5"), HEADER("X", "y")},
	    {HEADER("Host", "a"), HEADER("Transfer-Encoding", "identity, chunked"), HEADER("X", "y")},
	    {HEADER("Host", "a"), HEADER("X ", "y"), HEADER("X", "y")},
	    {HEADER("Host", "a"), HEADER("X", "y\rz"), HEADER("X", "y")},
	    {HEADER("Host", "a"), HEADER("X", "y\0z"), HEADER("X", "y")},
	};
	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(check_head(bad[i], 3, 0), SOT_INVALID);
}

/* ---- texts ---- */
static void page_tokens_come_back_and_belong_to_one_list(void **state)
{
	char key[GW_PAGE_KEY_MAX];
	SOT_AUTO_BUF token;
	(void)state;
	sot_buf_init(&token, 1000);
	gw_page_encode("apps", SOT_STR("shop|x\xc3\xb6"), &token);
	assert_int_equal(gw_page_decode("apps", sot_buf_str(&token), key, NULL), SOT_OK);
	assert_string_equal(key, "shop|x\xc3\xb6");
	assert_int_equal(gw_page_decode("hosts", sot_buf_str(&token), key, NULL), SOT_INVALID);
	for (size_t n = 0; n < token.n; n++)
		if (gw_page_decode("apps", (sot_str){token.p, n}, key, NULL) == SOT_OK)
			assert_true(strlen(key) < 8);
	assert_int_equal(gw_page_decode("apps", SOT_STR("!!!"), key, NULL), SOT_INVALID);
}

static void ranges_follow_rfc_9110(void **state)
{
	static const struct {
		const char *text;
		sot_code code;
		uint64_t first, count;
	} rows[] = {{"bytes=0-", SOT_OK, 0, 100}, {"bytes=5-9", SOT_OK, 5, 5},
	    {"bytes=-3", SOT_OK, 97, 3}, {"bytes=-300", SOT_OK, 0, 100},
	    {"bytes=99-500", SOT_OK, 99, 1}, {"bytes=100-", SOT_LIMIT, 0, 0},
	    {"bytes=-0", SOT_LIMIT, 0, 0}, {"bytes=9-5", SOT_NOT_FOUND, 0, 0},
	    {"bytes=1-2,4-5", SOT_NOT_FOUND, 0, 0}, {"lines=1-2", SOT_NOT_FOUND, 0, 0},
	    {"bytes=99999999999999999999-", SOT_NOT_FOUND, 0, 0}};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint64_t first = 0, count = 0;
		assert_int_equal(
		    gw_range_parse(sot_str_c(rows[i].text), 100, &first, &count, NULL), rows[i].code);
		assert_int_equal(first, rows[i].first);
		assert_int_equal(count, rows[i].count);
	}
}

static void credentials_are_read_strictly(void **state)
{
	sot_str id, secret;
	const char *good = "Bearer sot_0123456789abcdef_"
	                   "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
	(void)state;
	assert_int_equal(gw_bearer_parse(sot_str_c(good), &id, &secret, NULL), SOT_OK);
	assert_int_equal(secret.n, 64);
	assert_int_equal(
	    gw_bearer_parse((sot_str){good, strlen(good) - 1}, &id, &secret, NULL), SOT_DENIED);
	assert_int_equal(gw_bearer_parse(SOT_STR("Basic YTpi"), &id, &secret, NULL), SOT_DENIED);
	assert_true(sot_str_eq_c(gw_cookie(SOT_STR("a=1; __Host-s=x ; b=2"), "__Host-s"), "x"));
	assert_int_equal(gw_cookie(SOT_STR("s=1; s=2"), "s").n, 0);
	assert_int_equal(gw_cookie(SOT_STR("ss=1"), "s").n, 0);
}

static void cursors_and_durations_have_one_form(void **state)
{
	bool has = true;
	sot_uuid stream;
	uint64_t number = 0;
	int64_t ms = 0;
	(void)state;
	assert_int_equal(gw_cursor_parse(SOT_STR("17"), &has, &stream, &number, NULL), SOT_OK);
	assert_false(has);
	assert_int_equal(number, 17);
	assert_int_equal(gw_cursor_parse(SOT_STR("x.17"), &has, &stream, &number, NULL), SOT_INVALID);
	assert_int_equal(gw_cursor_parse(SOT_STR("-1"), &has, &stream, &number, NULL), SOT_INVALID);
	assert_int_equal(gw_duration_parse(SOT_STR("30s"), 60000, &ms, NULL), SOT_OK);
	assert_int_equal(ms, 30000);
	assert_int_equal(gw_duration_parse(SOT_STR("500ms"), 60000, &ms, NULL), SOT_OK);
	assert_int_equal(ms, 500);
	assert_int_equal(gw_duration_parse(SOT_STR("2m"), 60000, &ms, NULL), SOT_INVALID);
	assert_int_equal(gw_duration_parse(SOT_STR("s"), 60000, &ms, NULL), SOT_INVALID);
}

/* ---- bodies ---- */
static void the_place_of_a_fault_is_a_json_pointer(void **state)
{
	const char *text = "{\"a\":[{\"b\":1},{\"c/d\":[1,2,X]}]}";
	char pointer[GW_JSON_POINTER_MAX];
	(void)state;
	gw_json_pointer_at(sot_str_c(text), (size_t)(strchr(text, 'X') - text), pointer);
	assert_string_equal(pointer, "/a/1/c~1d/2");
	gw_json_pointer_at(sot_str_c(text), 0, pointer);
	assert_string_equal(pointer, "");
}

static void several_wrong_fields_are_reported_at_once(void **state)
{
	size_t count = 0;
	const gw_field *fields = gw_command_fields(GW_ROUTE_app_create, &count);
	gw_json_errors errors;
	json_t *body = NULL;
	(void)state;
	assert_int_equal(gw_json_read(SOT_STR("{\"name\":\"Shop\",\"count\":1.5,\"plan\":\"\"}"),
	                     fields, count, &body, &errors),
	    SOT_INVALID);
	assert_null(body);
	assert_int_equal(errors.count, 5); /* three wrong, image and vlan missing */
}

/* ---- ipam's requests ---- */
static sot_code encode(gw_route_id route, const char *param, const char *text, json_t **ret_body,
    sot_buf *frame, gw_json_errors *errors)
{
	size_t count = 0;
	const gw_field *fields = gw_command_fields(route, &count);
	gw_command c = {.route = route,
	    .params = {param, param},
	    .actor = SOT_STR("user:a"),
	    .idempotency_key = SOT_STR("k")};
	sot_err err = {0};
	*ret_body = NULL;
	if (fields != NULL && gw_json_read(sot_str_c(text), fields, count, ret_body, errors) != SOT_OK)
		return SOT_INVALID;
	c.body = *ret_body;
	return gw_command_encode(&c, 1, frame, errors, &err);
}

static void wrong_networks_are_refused_at_their_place(void **state)
{
	static const struct {
		gw_route_id route;
		const char *param, *body, *pointer;
	} rows[] = {
	    {GW_ROUTE_subnet_create, "", "{\"vlan\":\"a\",\"cidr\":\"10.0.0.1/24\"}", "/cidr"},
	    {GW_ROUTE_subnet_create, "", "{\"vlan\":\"a\",\"cidr\":\"10.0.0.0/7\"}", "/cidr"},
	    {GW_ROUTE_subnet_create, "", "{\"vlan\":\"a\",\"cidr\":\"2001:db8::/127\"}", "/cidr"},
	    {GW_ROUTE_subnet_create, "",
	        "{\"vlan\":\"a\",\"cidr\":\"10.0.0.0/24\",\"gateway\":\"10.0.0\"}", "/gateway"},
	    {GW_ROUTE_subnet_create, "",
	        "{\"vlan\":\"a\",\"cidr\":\"10.0.0.0/24\",\"dns\":[\"1.1.1.1\",\"x\"]}", "/dns/1"},
	    {GW_ROUTE_subnet_update, "10.0.0.0/24", "{\"open\":\"yes\"}", "/open"},
	    {GW_ROUTE_subnet_update, "10.0.0.0", "{\"open\":true}", ""},
	    {GW_ROUTE_vlan_create, "", "{\"name\":\"a\",\"vlanId\":4095}", "/vlanId"},
	    {GW_ROUTE_vlan_create, "", "{\"name\":\"a\",\"vlanId\":1,\"mtu\":900}", "/mtu"},
	    {GW_ROUTE_vlan_create, "", "{\"name\":\"a\",\"vlanId\":1,\"dnsZone\":\"a..b\"}",
	        "/dnsZone"},
	    {GW_ROUTE_vlan_create, "", "{\"name\":\"a\",\"vlanId\":1,\"dnsZone\":\"a.\"}", "/dnsZone"},
	    {GW_ROUTE_vlan_update, "a",
	        "{\"scopes\":[{\"kind\":\"az\",\"name\":\"b\"},{\"kind\":\"x\",\"name\":\"b\"}]}",
	        "/scopes/1/kind"},
	    {GW_ROUTE_range_create, "", "{\"first\":\"10.0.0.1\",\"last\":7,\"kind\":\"pool\"}",
	        "/last"},
	    {GW_ROUTE_range_delete, "x", "", ""},
	    {GW_ROUTE_address_fix, "", "{\"vlan\":\"a\",\"state\":\"static\"}", "/owner"},
	    {GW_ROUTE_address_fix, "", "{\"vlan\":\"a\",\"state\":\"excluded\",\"mac\":\"02:0a\"}",
	        "/mac"},
	    {GW_ROUTE_address_free, "10.0.0.256", "", ""},
	};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		gw_json_errors errors = {0};
		json_t *body;
		SOT_AUTO_BUF frame;
		sot_buf_init(&frame, 65536);
		print_message("row %zu\n", i);
		assert_int_equal(encode(rows[i].route, rows[i].param, rows[i].body, &body, &frame, &errors),
		    SOT_INVALID);
		assert_true(errors.count >= 1);
		assert_string_equal(errors.items[0].pointer, rows[i].pointer);
		json_decref(body);
	}
}

static void a_subnet_reaches_ipam_as_it_was_written(void **state)
{
	gw_json_errors errors = {0};
	json_t *body;
	sot_arena *arena = sot_arena_new(1u << 20);
	struct sot_subnet_create m;
	char text[SOT_IP_TEXT];
	SOT_AUTO_BUF frame;
	(void)state;
	sot_buf_init(&frame, 65536);
	assert_int_equal(
	    encode(GW_ROUTE_subnet_create, "",
	        "{\"vlan\":\"apps\",\"cidr\":\"2001:DB8:0::/64\",\"gateway\":\"2001:db8::1\","
	        "\"dns\":[\"2001:db8::53\",\"10.0.0.53\"],\"rank\":7,\"redundantGateway\":true}",
	        &body, &frame, &errors),
	    SOT_OK);
	assert_int_equal(sot_subnet_create_decode(sot_buf_str(&frame), arena, &m, NULL), SOT_OK);
	assert_string_equal(sot_ip_format(m.network, text), "2001:db8::");
	assert_int_equal(m.prefix, 64);
	assert_string_equal(sot_ip_format(m.gateway, text), "2001:db8::1");
	assert_true(sot_ip_is_none(m.first));
	assert_int_equal(m.dns_count, 2);
	assert_int_equal(m.dns[1].family, 4);
	assert_int_equal(m.rank, 7);
	assert_int_equal(m.weight, 1);
	assert_true(m.redundant_gateway);
	json_decref(body);
	(void)sot_arena_free(arena);
}

static void a_slash_is_part_of_a_subnets_name_only(void **state)
{
	gw_match m = find("GET", "/v1/subnets/10.66.0.0%2F24/map");
	(void)state;
	assert_int_equal(m.route->id, GW_ROUTE_subnet_map);
	assert_string_equal(m.params[0], "10.66.0.0/24");
	assert_int_equal(
	    gw_route_find(SOT_STR("GET"), SOT_STR("/v1/vlans/a%2Fb"), &m, NULL), SOT_INVALID);
}

/* ---- ring, buckets, problems ---- */
static void the_ring_forgets_the_oldest_and_a_gap_empties_it(void **state)
{
	SOT_AUTO(gw_ring) r = gw_ring_new(4, 30);
	(void)state;
	for (uint64_t n = 1; n <= 10; n++)
		gw_ring_push(r, n, (sot_uuid){{0}}, SOT_STR("12345"));
	assert_int_equal(gw_ring_first(r), 7);
	assert_int_equal(gw_ring_last(r), 10);
	assert_null(gw_ring_get(r, 6));
	assert_int_equal(gw_ring_get(r, 10)->number, 10);
	assert_null(gw_ring_get(r, 11));
	gw_ring_push(r, 11, (sot_uuid){{0}}, SOT_STR("12345678901234567890"));
	assert_int_equal(gw_ring_first(r), 9); /* 30 bytes hold 5 + 5 + 20 */
	gw_ring_push(r, 20, (sot_uuid){{0}}, SOT_STR("x"));
	assert_int_equal(gw_ring_first(r), 20);
}

static void a_bucket_gives_its_burst_then_its_rate(void **state)
{
	SOT_AUTO(gw_buckets) b = gw_buckets_new(2, 3, 1000);
	int64_t wait_ms = 0;
	(void)state;
	for (int i = 0; i < 3; i++)
		assert_true(gw_bucket_take(b, SOT_STR("a"), (sot_mono){5000}, &wait_ms));
	assert_false(gw_bucket_take(b, SOT_STR("a"), (sot_mono){5000}, &wait_ms));
	assert_int_equal(wait_ms, 1000);
	assert_true(gw_bucket_take(b, SOT_STR("b"), (sot_mono){5000}, &wait_ms));
	assert_true(gw_bucket_take(b, SOT_STR("a"), (sot_mono){6000}, &wait_ms));
	assert_false(gw_bucket_take(b, SOT_STR("a"), (sot_mono){6000}, &wait_ms));
}

static void every_refusal_has_a_status_and_a_problem_is_json(void **state)
{
	gw_problem p = {.status = 409,
	    .code = "blocked",
	    .detail = SOT_STR("a \"quoted\"\ntext"),
	    .pointer = SOT_STR("/count"),
	    .request_id = SOT_STR("r")};
	SOT_AUTO_BUF text;
	json_t *json;
	(void)state;
	for (int refusal = 0; refusal < SOT_REFUSAL_COUNT; refusal++) {
		const char *code = NULL;
		assert_in_range(gw_refusal_status(refusal, &code), 400, 503);
		assert_non_null(code);
	}
	sot_buf_init(&text, 65536);
	gw_problem_render(&p, &text);
	json = json_loadb(text.p, text.n, JSON_REJECT_DUPLICATES, NULL);
	assert_non_null(json);
	assert_string_equal(json_string_value(json_object_get(json, "detail")), "a \"quoted\"\ntext");
	assert_int_equal(json_array_size(json_object_get(json, "errors")), 1);
	json_decref(json);
}

static void only_an_old_file_with_a_blobs_name_may_be_an_orphan(void **state)
{
	static const char name[] = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
	const int64_t now = 1800000000;
	char other[80];
	(void)state;
	assert_true(gw_orphan_is_candidate(sot_str_c(name), now - GW_ORPHAN_AGE_S, now));
	assert_false(gw_orphan_is_candidate(sot_str_c(name), now - GW_ORPHAN_AGE_S + 1, now));
	assert_false(gw_orphan_is_candidate(sot_str_c(name), now + 9 * GW_ORPHAN_AGE_S, now));
	assert_false(gw_orphan_is_candidate((sot_str){name, 63}, 0, now));
	(void)snprintf(other, sizeof(other), "%s0", name);
	assert_false(gw_orphan_is_candidate(sot_str_c(other), 0, now));
	(void)snprintf(other, sizeof(other), "%.63sg", name);
	assert_false(gw_orphan_is_candidate(sot_str_c(other), 0, now));
	(void)snprintf(other, sizeof(other), "%.63sF", name);
	assert_false(gw_orphan_is_candidate(sot_str_c(other), 0, now));
	assert_false(gw_orphan_is_candidate(SOT_STR("tmp"), 0, now));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_path_finds_its_route_and_parameters),
	    cmocka_unit_test(what_is_not_in_the_table_is_not_found),
	    cmocka_unit_test(another_method_names_the_allowed_ones),
	    cmocka_unit_test(bad_escapes_in_a_path_are_refused),
	    cmocka_unit_test(roles_are_ordered_and_agents_have_their_own_routes),
	    cmocka_unit_test(the_api_description_and_the_table_agree_both_ways),
	    cmocka_unit_test(the_described_fields_are_the_accepted_ones),
	    cmocka_unit_test(a_normal_head_passes_and_hidden_bytes_do_not),
	    cmocka_unit_test(heads_that_can_be_read_in_two_ways_are_refused),
	    cmocka_unit_test(page_tokens_come_back_and_belong_to_one_list),
	    cmocka_unit_test(ranges_follow_rfc_9110),
	    cmocka_unit_test(credentials_are_read_strictly),
	    cmocka_unit_test(cursors_and_durations_have_one_form),
	    cmocka_unit_test(the_place_of_a_fault_is_a_json_pointer),
	    cmocka_unit_test(several_wrong_fields_are_reported_at_once),
	    cmocka_unit_test(wrong_networks_are_refused_at_their_place),
	    cmocka_unit_test(a_subnet_reaches_ipam_as_it_was_written),
	    cmocka_unit_test(a_slash_is_part_of_a_subnets_name_only),
	    cmocka_unit_test(the_ring_forgets_the_oldest_and_a_gap_empties_it),
	    cmocka_unit_test(a_bucket_gives_its_burst_then_its_rate),
	    cmocka_unit_test(only_an_old_file_with_a_blobs_name_may_be_an_orphan),
	    cmocka_unit_test(every_refusal_has_a_status_and_a_problem_is_json),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
