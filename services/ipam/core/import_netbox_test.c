/* Tests of import_netbox: how a file is cut into objects, and what they become. */
#include "import_netbox.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void assert_objects(const char *file, const char *expected)
{
	SOT_AUTO_BUF text;
	sot_buf_init(&text, 10000);
	netbox_scan scan = {.file = sot_str_c(file), .line = 1};
	sot_str object = {0};
	uint32_t line = 0;
	while (netbox_next(&scan, &object, &line))
		sot_buf_printf(&text, "%u:%.*s ", line, SOT_ARG(object));
	assert_string_equal(text.n > 0 ? text.p : "", expected);
}

static void a_file_is_cut_into_its_objects_by_line(void **state)
{
	(void)state;
	assert_objects("", "");
	assert_objects("[]", "");
	assert_objects("{\"a\":1}", "1:{\"a\":1} ");
	assert_objects("[{\"a\":1},\n{\"b\":[{\"c\":2}]}]", "1:{\"a\":1} 2:{\"b\":[{\"c\":2}]} ");
	assert_objects(
	    "{\"count\":1,\"next\":null,\n\"results\":[\n{\"a\":\"]}\\\"\"},{\"b\":2}]}\n{\"c\":3}",
	    "3:{\"a\":\"]}\\\"\"} 3:{\"b\":2} 4:{\"c\":3} ");
	assert_objects("{\"x\":\"results\",\"y\":[1]}", "1:{\"x\":\"results\",\"y\":[1]} ");
	assert_objects(
	    "{\"tags\":[{\"results\":[]}],\"id\":1}", "1:{\"tags\":[{\"results\":[]}],\"id\":1} ");
	assert_objects("{\"a\":", "1:{\"a\": ");
	assert_objects("\"{\\\"a\\\":1}\"", "");
}

static import_rows *read_file(const char *file)
{
	import_rows *rows = import_rows_new();
	import_rows_read_netbox(rows, sot_str_c(file));
	import_rows_sort_errors(rows);
	return rows;
}

static void names_become_labels_and_stay_apart(void **state)
{
	(void)state;
	SOT_AUTO(import_rows)
	rows =
	    read_file("[{\"id\":1,\"vid\":10,\"name\":\"Front End (A)\"},{\"id\":2,\"vid\":20,\"name\":"
	              "\"front end a\"},{\"id\":3,\"vid\":30,\"name\":\"10G\"},{\"id\":4,\"vid\":40,"
	              "\"name\":\"---\"}]");
	assert_int_equal(rows->error_count, 0);
	assert_int_equal(rows->vlan_count, 4);
	assert_true(sot_str_eq_c(rows->vlans[0].name, "front-end-a"));
	assert_true(sot_str_eq_c(rows->vlans[1].name, "front-end-a-20"));
	assert_true(sot_str_eq_c(rows->vlans[2].name, "v10g"));
	assert_true(sot_str_eq_c(rows->vlans[3].name, "vlan-40"));
}

static void a_vlan_takes_its_place_from_its_group_and_its_vrf_from_its_prefix(void **state)
{
	(void)state;
	SOT_AUTO(import_rows)
	rows = read_file(
	    "[{\"id\":5,\"url\":\"/api/ipam/prefixes/5/\",\"prefix\":\"10.0.0.0/24\",\"status\":"
	    "\"reserved\",\"vlan\":{\"id\":1,\"vid\":10,\"name\":\"a\"},\"vrf\":{\"name\":\"Blue\"}},"
	    "\n{\"id\":9,\"url\":\"/api/ipam/vlan-groups/9/\",\"scope_type\":\"dcim.rack\","
	    "\"scope\":{\"name\":\"R 12\",\"slug\":\"\"},\"slug\":\"tier\"},\n"
	    "{\"id\":1,\"url\":\"/api/ipam/vlans/1/\",\"vid\":10,\"name\":\"a\",\"group\":{\"id\":9,"
	    "\"slug\":\"tier\"}}]");
	assert_int_equal(rows->error_count, 0);
	assert_int_equal(rows->vlan_count, 1);
	assert_int_equal(rows->vlans[0].line, 3);
	assert_true(sot_str_eq_c(rows->vlans[0].vrf, "blue"));
	assert_true(sot_str_eq_c(rows->vlans[0].group, "tier"));
	assert_true(sot_str_eq_c(rows->vlans[0].scopes, "rack:r-12"));
	assert_int_equal(rows->subnet_count, 1);
	assert_false(rows->subnets[0].open);
}

static void addresses_are_owned_by_their_name_their_device_or_their_number(void **state)
{
	(void)state;
	SOT_AUTO(import_rows)
	rows = read_file(
	    "[{\"id\":1,\"address\":\"10.0.0.1/24\",\"dns_name\":\"gw.example.net\",\"status\":"
	    "\"active\"},{\"id\":2,\"address\":\"10.0.0.2/24\",\"assigned_object\":{\"device\":"
	    "{\"name\":\"SW 1\"}}},{\"id\":3,\"address\":\"2001:db8::3/64\"},{\"id\":4,\"address\":"
	    "\"10.0.0.4/24\",\"status\":{\"value\":\"deprecated\"}}]");
	static const char *const owners[] = {"gw", "sw-1", "netbox-3", ""};
	assert_int_equal(rows->error_count, 0);
	assert_int_equal(rows->address_count, 4);
	for (size_t i = 0; i < 4; i++) {
		assert_true(sot_str_eq_c(rows->addresses[i].owner, owners[i]));
		assert_string_equal(rows->addresses[i].state, i < 3 ? "static" : "excluded");
	}
	assert_true(sot_str_eq_c(rows->addresses[3].reason, "deprecated in NetBox"));
}

static void a_range_is_a_named_pool_when_its_custom_field_says_so(void **state)
{
	(void)state;
	SOT_AUTO(import_rows)
	rows = read_file(
	    "[{\"id\":1,\"start_address\":\"10.0.0.10/24\",\"end_address\":\"10.0.0.19/24\",\"status\":"
	    "{\"value\":\"active\"},\"custom_fields\":{\"pool\":\"Front End\"}},"
	    "{\"id\":2,\"start_address\":\"10.0.0.20/24\",\"end_address\":\"10.0.0.29/24\","
	    "\"custom_fields\":{\"pool\":{\"value\":\"edge\",\"label\":\"Edge\"}}},"
	    "{\"id\":3,\"start_address\":\"10.0.0.30/24\",\"end_address\":\"10.0.0.39/24\",\"status\":"
	    "\"reserved\",\"custom_fields\":{\"pool\":\"edge\"}},"
	    "{\"id\":4,\"start_address\":\"10.0.0.40/24\",\"end_address\":\"10.0.0.49/24\",\"status\":"
	    "\"deprecated\",\"custom_fields\":{\"pool\":\"edge\"}},"
	    "{\"id\":5,\"start_address\":\"10.0.0.50/24\",\"end_address\":\"10.0.0.59/24\","
	    "\"custom_fields\":{\"pool\":null}}]");
	static const char *const uses[] = {"pool", "pool", "reserved", "excluded", "excluded"};
	static const char *const pools[] = {"front-end", "edge", "", "", ""};
	assert_int_equal(rows->error_count, 0);
	assert_int_equal(rows->range_count, 5);
	for (size_t i = 0; i < 5; i++) {
		assert_string_equal(rows->ranges[i].use, uses[i]);
		assert_true(sot_str_eq_c(rows->ranges[i].pool, pools[i]));
	}
}

static void what_cannot_be_taken_is_told_by_line(void **state)
{
	(void)state;
	SOT_AUTO(import_rows)
	rows = read_file(
	    "[{\"id\":1,\"prefix\":\"10.0.0.0/24\",\"vlan\":null},\n{\"id\":2,\n\"a\":nonsense},\n"
	    "{\"id\":3,\"address\":\"10.0.0.999/24\"},{\"id\":4,\"name\":\"a role\"}]");
	assert_int_equal(rows->error_count, 3);
	assert_int_equal(rows->ignored, 1);
	assert_int_equal(rows->errors[0].line, 1);
	assert_true(sot_str_eq_c(rows->errors[0].detail,
	    "the prefix 10.0.0.0/24 has no VLAN; give it one in NetBox, or make its status container"));
	assert_int_equal(rows->errors[1].line, 3);
	assert_true(sot_str_starts(rows->errors[1].detail, "not JSON: "));
	assert_int_equal(rows->errors[2].line, 4);
	assert_string_equal(rows->errors[2].column, "address");
	SOT_AUTO(import_rows) none = read_file("hello");
	assert_int_equal(none->error_count, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_file_is_cut_into_its_objects_by_line),
	    cmocka_unit_test(names_become_labels_and_stay_apart),
	    cmocka_unit_test(a_vlan_takes_its_place_from_its_group_and_its_vrf_from_its_prefix),
	    cmocka_unit_test(addresses_are_owned_by_their_name_their_device_or_their_number),
	    cmocka_unit_test(a_range_is_a_named_pool_when_its_custom_field_says_so),
	    cmocka_unit_test(what_cannot_be_taken_is_told_by_line),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
