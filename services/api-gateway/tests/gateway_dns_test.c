/* DNS zones as the gateway exports them, in Debian's knot (tests/integration/dns_zone_test.sh). */
#include "harness.h"

#include "sot_file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static harness h;

static void sql(const char *user, const char *text)
{
	char none[4096];
	harness_sql(&h, user, text, none);
}

/* An instance that runs, one that is retired, a device; both families; two zones; two VRFs. */
static void make_world(void)
{
	sql("sot_scheduler",
	    "INSERT INTO scheduler.image (name, reference) VALUES ('i', 'a/b:1'); "
	    "INSERT INTO scheduler.app (id, name, image, plan, vlan, health, created_at, updated_at) "
	    "VALUES ('00000000-0000-7000-8000-00000000000a', 'shop', 'i', 'small', 'apps', '{}', "
	    "now(), now()); "
	    "INSERT INTO scheduler.instance_group (id, app_id, name) VALUES "
	    "('00000000-0000-7000-8000-00000000000b', '00000000-0000-7000-8000-00000000000a', "
	    "'default'); "
	    "INSERT INTO scheduler.instance (id, app_id, group_id, number, name, state, health, "
	    "desired, "
	    "cpu_milli, memory_bytes, disk_bytes, image, created_at, updated_at) SELECT "
	    "('00000000-0000-7000-8000-00000000010' || n)::uuid, "
	    "'00000000-0000-7000-8000-00000000000a', "
	    "'00000000-0000-7000-8000-00000000000b', n, 'shop-default-0' || n, "
	    "CASE n WHEN 2 THEN 'retired' ELSE 'running' END, 'healthy', 'running', 1, 1, 1, 'i', "
	    "now(), now() "
	    "FROM generate_series(1, 3) n");
	sql("sot_ipam",
	    "UPDATE ipam.vlan SET dns_zone = 'apps.example'; "
	    "INSERT INTO ipam.vrf (number, name) VALUES (1, 'red'); "
	    "INSERT INTO ipam.vlan (id, vrf, name, vlan_id, dns_zone) VALUES "
	    "('00000000-0000-7000-8000-000000000001', 1, 'lab', 7, 'lab.example'); "
	    "INSERT INTO ipam.subnet (id, vlan, vrf, cidr, first, last) SELECT "
	    "'00000000-0000-7000-8000-000000000002', id, 0, '2001:db8:66::/64', '2001:db8:66::1', "
	    "'2001:db8:66::ffff:ffff:ffff:ffff' FROM ipam.vlan WHERE name = 'apps'; "
	    "INSERT INTO ipam.subnet (id, vlan, vrf, cidr, first, last) VALUES "
	    "('00000000-0000-7000-8000-000000000003', '00000000-0000-7000-8000-000000000001', 1, "
	    "'10.66.0.0/25', '10.66.0.1', '10.66.0.126'); "
	    "INSERT INTO ipam.address (vrf, address, subnet, state, owner, owner_name, free_after) "
	    "SELECT v.vrf, "
	    "v.address::inet, s.id, v.state, v.owner::uuid, v.name, v.free_after::timestamptz FROM "
	    "(VALUES "
	    "(0, '10.66.0.11', 'bound', '00000000-0000-7000-8000-000000000101', '', NULL), "
	    "(0, '2001:db8:66::11', 'bound', '00000000-0000-7000-8000-000000000101', '', NULL), "
	    "(0, '10.66.0.12', 'cooling', NULL, '', '2099-01-01'), "
	    "(0, '10.66.0.13', 'reserved', '00000000-0000-7000-8000-000000000103', '', NULL), "
	    "(0, '10.66.0.5', 'static', NULL, 'vip', NULL), (0, '10.66.0.6', 'static', NULL, 'vip', "
	    "NULL), "
	    "(1, '10.66.0.5', 'static', NULL, 'probe', NULL)) AS v (vrf, address, state, owner, name, "
	    "free_after) "
	    "JOIN ipam.subnet s ON s.vrf = v.vrf AND v.address::inet << s.cidr");
}

static void export_zone(const char *zone, const char *query, const char *folder)
{
	char path[256];
	const answer *a;
	sot_err err = {0};
	(void)snprintf(path, sizeof(path), "/v1/dns/zones/%s%s", zone, query);
	a = harness_call(&h, "GET", path, NULL, (sot_str){0});
	assert_int_equal(a->status, 200);
	(void)snprintf(path, sizeof(path), "%s/%s.zone", folder, zone);
	assert_int_equal(sot_file_write(path, sot_buf_str(&a->body), 0644, &err), SOT_OK);
}

static void knot_loads_the_zones_and_answers_both_ways(void **state)
{
	char folder[96], out[8192], errors[8192];
	const char *argv[] = {DNS_ZONE_TEST, folder,
	    "shop-default-01.apps.example=10.66.0.11,2001:db8:66::11",
	    "shop-default-02.apps.example=", "shop-default-03.apps.example=10.66.0.13",
	    "vip.apps.example=10.66.0.5,10.66.0.6", "probe.lab.example=10.66.0.5",
	    "10.66.0.11=shop-default-01.apps.example.", "10.66.0.5=vip.apps.example.",
	    "10.66.0.12=", "2001:db8:66::11=shop-default-01.apps.example.", NULL};
	int status;
	(void)state;
	(void)snprintf(folder, sizeof(folder), "%s/zones", h.dir);
	assert_int_equal(sot_mkdirs(folder, 0755, NULL), SOT_OK);
	export_zone("apps.example", "", folder);
	export_zone("lab.example", "", folder);
	export_zone("0.66.10.in-addr.arpa", "", folder);
	export_zone("0.0.0.0.6.6.0.0.8.b.d.0.1.0.0.2.ip6.arpa", "", folder);
	status = harness_run(&h, argv, out, errors);
	print_message("%s%s\n", out, errors);
	assert_int_equal(status, 0);
}

static void knot_serves_the_other_vrf_from_its_own_zones(void **state)
{
	char folder[96], out[8192], errors[8192];
	const char *argv[] = {
	    DNS_ZONE_TEST, folder, "10.66.0.5=probe.lab.example.", "10.66.0.11=", NULL};
	int status;
	(void)state;
	(void)snprintf(folder, sizeof(folder), "%s/zones-red", h.dir);
	assert_int_equal(sot_mkdirs(folder, 0755, NULL), SOT_OK);
	export_zone("0.66.10.in-addr.arpa", "?vrf=red", folder);
	status = harness_run(&h, argv, out, errors);
	print_message("%s%s\n", out, errors);
	assert_int_equal(status, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(knot_loads_the_zones_and_answers_both_ways),
	    cmocka_unit_test(knot_serves_the_other_vrf_from_its_own_zones),
	};
	int failed;
	harness_start(&h, NULL, false);
	make_world();
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	harness_stop(&h);
	return failed;
}
