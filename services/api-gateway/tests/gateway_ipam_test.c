/* VLANs, subnets and addresses through a real gateway: what ipam is asked, and what the database
 * answers. */
#include "harness.h"

#include "sot_parse.h"
#include "sot_proto.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define APPS_SUBNET "00000000-0000-7000-8000-000000000002"

static harness h;

static const answer *send_json(const char *method, const char *path, const char *body)
{
	return harness_call(&h, method, path, NULL, sot_str_c(body));
}

static const answer *get(const char *path)
{
	return harness_call(&h, "GET", path, NULL, (sot_str){0});
}

static void sql(const char *text)
{
	char none[4096];
	harness_sql(&h, "sot_ipam", text, none);
}

static size_t count_of(const answer *a, const char *text)
{
	size_t n = 0;
	for (const char *p = a->body.p; p != NULL && (p = strstr(p, text)) != NULL; p += strlen(text))
		n++;
	return n;
}

static void every_read_route_of_ipam_answers(void **state)
{
	static const char *const paths[] = {"/v1/vlans?vrf=default&group=front", "/v1/vlans/apps",
	    "/v1/subnets?vlan=apps&vrf=default&family=4&level=ok", "/v1/subnets/10.70.0.0%2F16",
	    "/v1/subnets/10.70.0.0%2F16/map", "/v1/subnets/" APPS_SUBNET,
	    "/v1/ranges?vlan=apps&vrf=default&subnet=10.70.0.0/16&kind=pool",
	    "/v1/addresses?vlan=apps&vrf=default&state=bound&address=10.70.0.0/24&subnet=10.70.0.0/"
	    "16&host=a&instance=b&owner=c",
	    "/v1/addresses/10.70.0.9", "/v1/addresses/10.70.0.9/history?vrf=default",
	    "/v1/addresses/2001:db8::1/history?at=2026-11-22T10:00:00Z", "/v1/ipam",
	    "/v1/ipam/findings?kind=foreign&vrf=default&host=a", "/v1/ipam/leaks",
	    "/v1/imports?state=applied", "/v1/exports/ipam.csv", "/v1/dns/zones?vrf=default"};
	(void)state;
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		const answer *a = get(paths[i]);
		if (a->status != 200)
			print_message("%s: %d %s\n", paths[i], a->status, a->body.n > 0 ? a->body.p : "");
		assert_int_equal(a->status, 200);
	}
	assert_int_equal(get("/v1/vlans/none")->status, 404);
	assert_int_equal(get("/v1/subnets/10.99.0.0%2F16/map")->status, 404);
	assert_int_equal(get("/v1/addresses/11.0.0.1")->status, 404);
	assert_int_equal(get("/v1/addresses/no-address")->status, 400);
	assert_int_equal(get("/v1/dns/zones/none.example")->status, 404);
	assert_int_equal(get("/v1/dns/zones/300.10.in-addr.arpa")->status, 400);
}

static void a_vlan_is_created_changed_and_deleted_by_ipam(void **state)
{
	const char *key[] = {"Idempotency-Key: v-1", NULL};
	sot_arena *arena = sot_arena_new(1u << 20);
	struct sot_vlan_create create;
	struct sot_vlan_update update;
	struct sot_vlan_delete gone;
	(void)state;
	assert_int_equal(
	    harness_call(&h, "POST", "/v1/vlans", key,
	        SOT_STR("{\"name\":\"dmz\",\"vlanId\":300,\"group\":\"front\",\"mtu\":9000,"
	                "\"isolated\":true,\"dnsZone\":\"dmz.example\","
	                "\"scopes\":[{\"kind\":\"rack\",\"name\":\"r1\"}]}"))
	        ->status,
	    201);
	assert_int_equal(
	    sot_vlan_create_decode(sot_buf_str(&h.ipam_frame), arena, &create, NULL), SOT_OK);
	assert_int_equal(create.vlan_id, 300);
	assert_true(create.isolated);
	assert_int_equal(create.scopes_count, 1);
	assert_int_equal(create.scopes[0].kind, SOT_SCOPE_KIND_RACK);
	assert_true(sot_str_eq_c(create.context.actor, "token:ada"));
	assert_true(sot_str_eq_c(create.context.idempotency_key, "v-1"));
	assert_int_equal(send_json("PUT", "/v1/vlans/dmz", "{\"mtu\":1500}")->status, 200);
	assert_int_equal(
	    sot_vlan_update_decode(sot_buf_str(&h.ipam_frame), arena, &update, NULL), SOT_OK);
	assert_int_equal(update.mtu, 1500);
	assert_false(update.isolated);
	assert_int_equal(send_json("DELETE", "/v1/vlans/dmz", "")->status, 200);
	assert_int_equal(
	    sot_vlan_delete_decode(sot_buf_str(&h.ipam_frame), arena, &gone, NULL), SOT_OK);
	assert_true(sot_str_eq_c(gone.name, "dmz"));
	(void)sot_arena_free(arena);
}

static void a_refusal_of_ipam_points_at_the_field(void **state)
{
	const answer *a;
	(void)state;
	h.refuse_with = SOT_REFUSAL_INVALID;
	a = send_json("POST", "/v1/subnets",
	    "{\"vlan\":\"apps\",\"cidr\":\"10.0.0.0/24\",\"gateway\":\"10.0.1.1\"}");
	h.refuse_with = -1;
	assert_int_equal(a->status, 400);
	assert_true(answer_has(a, "\"pointer\":\"/gateway\",\"detail\":\"the gateway 10.0.1.1 is not"));
}

static void a_subnet_is_changed_by_network_or_by_id(void **state)
{
	sot_arena *arena = sot_arena_new(1u << 20);
	struct sot_subnet_update m;
	struct sot_subnet_delete gone;
	char text[SOT_IP_TEXT];
	unsigned before;
	(void)state;
	assert_int_equal(
	    send_json("PUT", "/v1/subnets/10.70.0.0%2F16?vrf=red", "{\"open\":false}")->status, 200);
	assert_int_equal(sot_subnet_update_decode(sot_buf_str(&h.ipam_frame), arena, &m, NULL), SOT_OK);
	assert_true(sot_str_eq_c(m.vrf, "red"));
	assert_int_equal(m.prefix, 16);
	assert_int_equal(send_json("DELETE", "/v1/subnets/" APPS_SUBNET, "")->status, 200);
	assert_int_equal(
	    sot_subnet_delete_decode(sot_buf_str(&h.ipam_frame), arena, &gone, NULL), SOT_OK);
	assert_string_equal(sot_ip_format(gone.network, text), "10.70.0.0");
	assert_true(sot_str_eq_c(gone.vrf, "default"));
	before = h.ipam_asked;
	assert_int_equal(
	    send_json("DELETE", "/v1/subnets/01970000-0000-7000-8000-000000000009", "")->status, 404);
	assert_int_equal(send_json("DELETE", "/v1/subnets/10.70.0.1%2F16", "")->status, 400);
	assert_int_equal(h.ipam_asked, before);
	(void)sot_arena_free(arena);
}

static void an_address_is_kept_and_freed(void **state)
{
	sot_arena *arena = sot_arena_new(1u << 20);
	struct sot_address_fix fix;
	struct sot_address_free gone;
	const answer *a = send_json("POST", "/v1/addresses",
	    "{\"vlan\":\"apps\",\"state\":\"static\",\"owner\":\"vip\",\"family\":6,\"mac\":\"02:0a:0a:"
	    "42:00:02\"}");
	(void)state;
	assert_int_equal(a->status, 201);
	assert_true(answer_has(a, "{\"address\":\"10.66.0.5\",\"replayed\":false}"));
	assert_int_equal(sot_address_fix_decode(sot_buf_str(&h.ipam_frame), arena, &fix, NULL), SOT_OK);
	assert_true(fix.want_v6);
	assert_true(sot_ip_is_none(fix.address));
	assert_int_equal(fix.mac.b[5], 2);
	assert_int_equal(
	    send_json("DELETE", "/v1/addresses/10.66.0.5?reason=old%20printer", "")->status, 200);
	assert_int_equal(
	    sot_address_free_decode(sot_buf_str(&h.ipam_frame), arena, &gone, NULL), SOT_OK);
	assert_true(sot_str_eq_c(gone.reason, "old printer"));
	(void)sot_arena_free(arena);
}

static void lists_are_filtered_and_in_order_of_addresses(void **state)
{
	const answer *a = get("/v1/addresses?vlan=apps&address=10.70.0.0/29&limit=2");
	char path[512];
	const char *next;
	(void)state;
	assert_true(answer_has(a, "\"total\":3"));
	assert_true(answer_has(a, "\"address\": \"10.70.0.2\""));
	next = strstr(a->body.p, "\"next\":\"");
	assert_non_null(next);
	(void)snprintf(path, sizeof(path),
	    "/v1/addresses?vlan=apps&address=10.70.0.0/29&limit=2&after=%.*s",
	    (int)strcspn(next + 8, "\""), next + 8);
	a = get(path);
	assert_int_equal(count_of(a, "\"address\": "), 1);
	assert_true(answer_has(a, "\"address\": \"10.70.0.4\""));
	assert_int_equal(count_of(get("/v1/addresses?owner=vip-shop"), "\"address\": "), 1);
	assert_int_equal(count_of(get("/v1/subnets?family=6"), "\"cidr\":"), 1);
	assert_int_equal(count_of(get("/v1/subnets?vlan=none"), "\"cidr\":"), 0);
}

static void the_history_says_who_had_it_then(void **state)
{
	const answer *a;
	(void)state;
	sql("INSERT INTO ipam.address_event (at, address, event, owner, generation, actor) VALUES "
	    "('2026-11-01T10:00:00Z', '10.70.9.9', 'bound', '00000000-0000-7000-8000-00000000000a', 1, "
	    "'s'), "
	    "('2026-11-02T10:00:00Z', '10.70.9.9', 'foreign', NULL, 1, 's'), "
	    "('2026-11-03T10:00:00Z', '10.70.9.9', 'released', '00000000-0000-7000-8000-00000000000a', "
	    "1, 's')");
	assert_int_equal(count_of(get("/v1/addresses/10.70.9.9/history"), "\"event\": "), 3);
	a = get("/v1/addresses/10.70.9.9/history?at=2026-11-02T23:00:00Z");
	assert_int_equal(count_of(a, "\"event\": "), 1);
	assert_true(answer_has(a, "\"event\": \"bound\""));
	assert_true(answer_has(
	    get("/v1/addresses/10.70.9.9/history?at=2026-11-04T00:00:00Z"), "\"event\": \"released\""));
	assert_true(
	    answer_has(get("/v1/addresses/10.70.9.9/history?at=2026-10-01T00:00:00Z"), "\"items\":[]"));
	assert_int_equal(get("/v1/addresses/10.70.9.9/history?at=yesterday-ish")->status, 400);
}

static void a_map_of_a_full_16_is_one_answer(void **state)
{
	sot_mono began;
	const answer *a;
	(void)state;
	sql("INSERT INTO ipam.address_range (id, subnet, vrf, first, last, kind, created_by) VALUES "
	    "(gen_random_uuid(), '" APPS_SUBNET
	    "', 0, '10.70.255.0', '10.70.255.99', 'reserved', 'x')");
	sql("INSERT INTO ipam.address (address, subnet, state, owner) SELECT '10.70.1.0'::inet + i, "
	    "'" APPS_SUBNET "', 'bound', gen_random_uuid() FROM generate_series(0, 64000) i "
	    "WHERE i % 1000 <> 0");
	began = sot_mono_now();
	a = get("/v1/subnets/10.70.0.0%2F16/map");
	print_message(
	    "map of 63,936 addresses: %lld ms\n", (long long)sot_mono_diff_ms(sot_mono_now(), began));
	assert_int_equal(a->status, 200);
	assert_true(answer_has(
	    a, "{\"first\":\"10.70.0.0\",\"last\":\"10.70.0.0\",\"state\":\"outside\",\"count\":1}"));
	assert_true(answer_has(
	    a, "{\"first\":\"10.70.1.1\",\"last\":\"10.70.4.231\",\"state\":\"bound\",\"count\":999}"));
	assert_true(answer_has(a,
	    "{\"first\":\"10.70.255.0\",\"last\":\"10.70.255.99\",\"state\":\"kept\",\"count\":100}"));
	assert_int_equal(count_of(a, "\"state\":\"bound\""), 64);
	assert_true(answer_has(a, "\"cut\":false"));
	sql("DELETE FROM ipam.address WHERE state = 'bound'; DELETE FROM ipam.address_range");
}

/* ---- imports and exports ---- */
#define IMPORT_BYTES (600u * 1024 + 7)

static void an_import_is_staged_in_parts_and_answered_with_its_report(void **state)
{
	char *body = malloc(IMPORT_BYTES), found[4096], id[SOT_UUID_TEXT], text[400];
	sot_arena *arena = sot_arena_new(1u << 20);
	struct sot_import_run m;
	const answer *a;
	(void)state;
	for (size_t i = 0; i < IMPORT_BYTES; i++)
		body[i] = (char)('a' + i % 23);
	assert_int_equal(
	    sot_uuid_parse(SOT_STR("01970000-0000-7000-8000-00000000beef"), &h.import_id, NULL),
	    SOT_OK);
	sql("INSERT INTO ipam.import (id, actor, state, dry_run, lines, changes) VALUES "
	    "('01970000-0000-7000-8000-00000000beef', 'token:ada', 'checked', true, 7, "
	    "'{\"vlans\":2}')");
	a = harness_call(&h, "POST", "/v1/imports?kind=netbox&dryRun=true&file=a.json", NULL,
	    (sot_str){body, IMPORT_BYTES});
	assert_int_equal(a->status, 200);
	assert_true(answer_has(a, "\"changes\":{\"vlans\": 2}"));
	assert_int_equal(sot_import_run_decode(sot_buf_str(&h.ipam_frame), arena, &m, NULL), SOT_OK);
	assert_int_equal(m.kind, SOT_IMPORT_KIND_NETBOX);
	assert_true(m.dry_run);
	(void)snprintf(text, sizeof(text),
	    "SELECT count(*), max(length(data)), sum(length(data)), (string_agg(data, '' ORDER BY "
	    "part) = "
	    "(SELECT string_agg(chr(97 + i %% 23), '' ORDER BY i)::bytea FROM generate_series(0, %u) "
	    "i)), "
	    "(SELECT file_name FROM ipam.import WHERE id = import_id) "
	    "FROM ipam.import_part WHERE import_id = '%s' GROUP BY import_id",
	    IMPORT_BYTES - 1, sot_uuid_format(m.import_id, id));
	harness_sql(&h, "sot_ipam", text, found);
	assert_string_equal(found, "3|262144|614407|t|a.json");
	free(body);
	(void)sot_arena_free(arena);
}

static void an_import_with_wrong_lines_is_a_problem_that_names_them(void **state)
{
	const answer *a;
	(void)state;
	assert_int_equal(
	    sot_uuid_parse(SOT_STR("01970000-0000-7000-8000-00000000dead"), &h.import_id, NULL),
	    SOT_OK);
	sql("INSERT INTO ipam.import (id, actor, state, lines, error_count, errors) VALUES "
	    "('01970000-0000-7000-8000-00000000dead', 'token:ada', 'refused', 9, 1, "
	    "'[{\"line\":4,\"column\":\"cidr\",\"detail\":\"10.0.0.1/24 has host bits\"}]')");
	a = harness_call(&h, "POST", "/v1/imports", NULL, SOT_STR("kind\nvlan\n"));
	assert_int_equal(a->status, 422);
	assert_true(answer_has(a, "1 of 9 lines are wrong, so nothing was changed"));
	assert_true(answer_has(a, "\"pointer\" : \"/lines/4/cidr\""));
	assert_true(answer_has(a, "\"title\":\"Wrong content\""));
	assert_int_equal(get("/v1/imports/01970000-0000-7000-8000-00000000dead")->status, 200);
	assert_int_equal(count_of(get("/v1/imports?state=refused"), "\"id\": "), 1);
	assert_int_equal(harness_call(&h, "POST", "/v1/imports", NULL, (sot_str){0})->status, 400);
	assert_int_equal(
	    harness_call(&h, "POST", "/v1/imports?kind=xml", NULL, SOT_STR("x"))->status, 400);
	assert_int_equal(
	    harness_call(&h, "POST", "/v1/imports?file=a/b", NULL, SOT_STR("x"))->status, 400);
}

static void an_export_has_a_line_for_everything_that_an_import_makes(void **state)
{
	const answer *a = get("/v1/exports/ipam.csv");
	(void)state;
	assert_true(answer_has(a, "kind,vrf,vlan,vlan_id,group,mtu,isolated,"));
	assert_true(answer_has(a, "\nvlan,default,apps,66,,0,false,apps.example,az:a "
	                          "rack:r1,,,,,,,,,,,,,,,\"front, and \"\"more\"\"\",\n"));
	assert_true(answer_has(a, "\nsubnet,default,apps,,,,,,,10.70.0.0/"
	                          "16,10.70.0.1,10.70.0.2,10.70.255.254,,0,1,true,false,"));
	assert_true(
	    answer_has(a, "\naddress,default,apps,,,,,,,,,,,,,,,,10.70.0.4,static,vip-shop,,,,\n"));
}

/* ---- zones ---- */
static uint64_t serial_of(const answer *a)
{
	const char *at = a->body.n > 0 ? strstr(a->body.p, " ( ") : NULL;
	uint64_t serial = 0;
	assert_non_null(at);
	assert_int_equal(
	    sot_parse_u64((sot_str){at + 3, strcspn(at + 3, " ")}, 1, UINT32_MAX, &serial, NULL),
	    SOT_OK);
	return serial;
}

static void a_zones_serial_grows_when_its_content_does(void **state)
{
	const answer *a = get("/v1/dns/zones");
	uint64_t first, second;
	(void)state;
	assert_true(answer_has(a, "{\"zone\":\"apps.example\",\"kind\":\"forward\""));
	assert_true(answer_has(a, "{\"zone\":\"70.10.in-addr.arpa\",\"kind\":\"reverse\""));
	a = get("/v1/dns/zones/apps.example");
	assert_int_equal(a->status, 200);
	assert_true(answer_has(a, "\nvip-shop A 10.70.0.4\n"));
	first = serial_of(a);
	assert_true(first > 1700000000);
	assert_int_equal(serial_of(get("/v1/dns/zones/apps.example")), first);
	sql("INSERT INTO ipam.address (address, subnet, state, owner_name) VALUES ('10.70.0.77', "
	    "'" APPS_SUBNET "', 'static', 'late')");
	second = serial_of(get("/v1/dns/zones/APPS.example."));
	assert_true(second > first);
	sql("DELETE FROM ipam.address WHERE owner_name = 'late'");
	assert_true(serial_of(get("/v1/dns/zones/apps.example")) > second);
	assert_true(answer_has(get("/v1/dns/zones/70.10.in-addr.arpa"),
	    "\n4.0.70.10.in-addr.arpa. PTR vip-shop.apps.example.\n"));
}

static void the_guards_state_is_one_answer(void **state)
{
	char none[4096];
	const answer *a = get("/v1/ipam");
	(void)state;
	assert_true(answer_has(a, "\"awaited\": []"));
	assert_true(answer_has(a, "\"brakeSince\": null"));
	harness_sql(&h, "sot_scheduler",
	    "INSERT INTO scheduler.host (id, name, az, rack, public_key, state, created_at) "
	    "VALUES (gen_random_uuid(), 'h1', 'a', "
	    "'r1', repeat('k', 40), 'online', now())",
	    none);
	sql("UPDATE ipam.guard SET quarantine_since = now(), quarantine_reason = 'restored'; INSERT "
	    "INTO "
	    "ipam.finding (vrf, address, kind, host, mac) VALUES (0, '10.70.3.3', 'foreign', "
	    "gen_random_uuid(), '02:00:00:00:00:01')");
	a = get("/v1/ipam");
	assert_true(answer_has(a, "\"awaited\": [{\"host\": \"h1\", \"reportedAt\": null}]"));
	assert_true(answer_has(a, "\"foreign\": 1"));
	assert_int_equal(
	    send_json("POST", "/v1/ipam/quarantine/end", "{\"reason\":\"h1 is scrap\"}")->status, 201);
	assert_int_equal(send_json("POST", "/v1/ipam/brake/release", "{}")->status, 400);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_read_route_of_ipam_answers),
	    cmocka_unit_test(a_vlan_is_created_changed_and_deleted_by_ipam),
	    cmocka_unit_test(a_refusal_of_ipam_points_at_the_field),
	    cmocka_unit_test(a_subnet_is_changed_by_network_or_by_id),
	    cmocka_unit_test(an_address_is_kept_and_freed),
	    cmocka_unit_test(lists_are_filtered_and_in_order_of_addresses),
	    cmocka_unit_test(the_history_says_who_had_it_then),
	    cmocka_unit_test(a_map_of_a_full_16_is_one_answer),
	    cmocka_unit_test(an_import_is_staged_in_parts_and_answered_with_its_report),
	    cmocka_unit_test(an_import_with_wrong_lines_is_a_problem_that_names_them),
	    cmocka_unit_test(an_export_has_a_line_for_everything_that_an_import_makes),
	    cmocka_unit_test(a_zones_serial_grows_when_its_content_does),
	    cmocka_unit_test(the_guards_state_is_one_answer),
	};
	int failed;
	harness_start(&h, NULL, false);
	sql("DELETE FROM ipam.subnet; UPDATE ipam.vlan SET dns_zone = 'apps.example', description = "
	    "'front, and \"more\"'; "
	    "INSERT INTO ipam.vlan_scope SELECT id, 'az', 'a' FROM ipam.vlan UNION SELECT id, 'rack', "
	    "'r1' FROM ipam.vlan; "
	    "INSERT INTO ipam.subnet (id, vlan, cidr, gateway, first, last) SELECT '" APPS_SUBNET
	    "', id, '10.70.0.0/16', '10.70.0.1', "
	    "'10.70.0.2', '10.70.255.254' FROM ipam.vlan; "
	    "INSERT INTO ipam.subnet (id, vlan, cidr, first, last) SELECT gen_random_uuid(), id, "
	    "'2001:db8::/64', '2001:db8::1', "
	    "'2001:db8::ffff:ffff:ffff:ffff' FROM ipam.vlan; "
	    "INSERT INTO ipam.address (address, subnet, state, owner_name) VALUES ('10.70.0.2', "
	    "'" APPS_SUBNET "', 'excluded', ''), "
	    "('10.70.0.3', '" APPS_SUBNET "', 'excluded', ''), ('10.70.0.4', '" APPS_SUBNET
	    "', 'static', 'vip-shop')");
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	harness_stop(&h);
	return failed;
}
