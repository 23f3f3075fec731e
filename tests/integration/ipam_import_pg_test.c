/* ipam_import_pg_test - imports in the real sotalia-ipam on a real PostgreSQL: dry runs, lines that
 * are wrong, all or nothing, the same file again. Argument: the binary.
 */
#include "ipam_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { MANY = 100000, PART_BYTES = 262144 };

static const char *const id_text = "00000000-0000-7000-8000-0000000000aa";

/* ---- an import ---- */

/* As the gateway stages a body: in parts. */
static void stage(ipam_world *w, sot_str file)
{
	(void)ipam_sql(w, "DELETE FROM ipam.import");
	for (int part = 0; (size_t)part * PART_BYTES < file.n; part++) {
		char number[12];
		size_t from = (size_t)part * PART_BYTES;
		size_t n = file.n - from < PART_BYTES ? file.n - from : PART_BYTES;
		(void)snprintf(number, sizeof(number), "%d", part);
		const char *values[] = {id_text, number, file.p + from};
		const int lengths[] = {0, 0, (int)n}, formats[] = {0, 0, 1};
		PGresult *res = PQexecParams(w->control,
		    "SELECT ipam.import_stage($1::uuid, 'user:test', 'a file', $2::int4, $3::bytea)", 3,
		    NULL, values, lengths, formats, 0);
		if (PQresultStatus(res) != PGRES_TUPLES_OK)
			fail_msg("%s", PQerrorMessage(w->control));
		PQclear(res);
	}
}

static ipam_call run(ipam_world *w, sot_import_kind kind, bool dry_run)
{
	static unsigned number;
	char key[20];
	(void)snprintf(key, sizeof(key), "import-%u", number++);
	sot_import_run m = {.context = ipam_context(key, key), .kind = kind, .dry_run = dry_run};
	assert_int_equal(sot_uuid_parse(sot_str_c(id_text), &m.import_id, NULL), SOT_OK);
	return ipam_ask(w, &sot_import_run_type, &m);
}

static ipam_call import_csv(ipam_world *w, const char *csv, bool dry_run)
{
	stage(w, sot_str_c(csv));
	return run(w, SOT_IMPORT_KIND_CSV, dry_run);
}

static void assert_true_sql(ipam_world *w, const char *condition)
{
	char sql[1500];
	(void)snprintf(sql, sizeof(sql), "SELECT (%s)::int", condition);
	if (ipam_sql(w, sql) == 1)
		return;
	PGresult *res = PQexec(
	    w->control, "SELECT state || ' ' || changes::text || ' ' || errors::text FROM ipam.import");
	print_error("report: %s\n", PQntuples(res) > 0 ? PQgetvalue(res, 0, 0) : "none");
	PQclear(res);
	fail_msg("not so: %s", condition);
}

static void assert_report(
    ipam_world *w, ipam_call c, const char *state, const char *changes, const char *errors)
{
	char condition[1400];
	if (c.message != SOT_MSG_IMPORT_DONE)
		fail_msg("%s", c.text);
	assert_int_equal(c.applied, strcmp(state, "applied") == 0);
	(void)snprintf(condition, sizeof(condition),
	    "SELECT state = '%s' AND changes = '%s' AND errors = '%s' FROM ipam.import_v", state,
	    changes, errors);
	assert_true_sql(w, condition);
}

/* ---- tests ---- */

static const char small[] =
    "kind,vlan,vlan_id,vrf,group,scopes,cidr,gateway,dns,first,last,address,state,owner,mac,reason,"
    "description\r\n"
    "address,front,,,,,,,,,,10.66.0.5,,vip-shop,02:0a:0a:42:00:05,,\r\n"
    "range,,,,,,,,,10.66.0.240,10.66.0.254,,reserved,lb,,\"virtual, addresses\",\r\n"
    "subnet,front,,,,,10.66.0.0/24,10.66.0.1,10.0.0.54 10.0.0.53,,,,,,,,\r\n"
    "vlan,front,100,blue,tier,rack:r2 az:a,,,,,,,,,,,\"Front \"\"A\"\"\"\r\n"
    "address,,,blue,,,,,,,,10.66.0.9,excluded,,,old printer,\r\n"
    "vlan,back,200,,,,,,,,,,,,,,\r\n"
    "subnet,back,,,,,2001:db8::/64,,,,,,,,,,";

static void a_dry_run_says_what_would_change_and_the_same_file_is_applied_once(void **state)
{
	ipam_world *w = *state;
	ipam_start(w, 0, "", NULL);
	/* The range is of no VRF that has its subnet: it needs its VLAN's. */
	ipam_call bad = import_csv(w, small, true);
	assert_report(w, bad, "refused",
	    "{\"vlans\":0,\"subnets\":0,\"ranges\":0,\"addresses\":0,\"unchanged\":0,\"ignored\":0}",
	    "[{\"line\":3,\"column\":\"first\",\"detail\":\"10.66.0.240 lies in no subnet of VRF "
	    "default; "
	    "add a line of kind subnet, or name its VRF\"}]");
	char good[2 * sizeof(small)];
	const char *hole = strstr(small, "range,,,");
	(void)snprintf(good, sizeof(good), "%.*srange,front,,%s", (int)(hole - small), small,
	    hole + strlen("range,,,"));
	ipam_call dry = import_csv(w, good, true);
	const char *changes =
	    "{\"vlans\":2,\"subnets\":2,\"ranges\":1,\"addresses\":2,\"unchanged\":0,\"ignored\":0}";
	assert_report(w, dry, "checked", changes, "[]");
	assert_int_equal(ipam_sql(w, "SELECT count(*) FROM ipam.vlan"), 0);
	assert_int_equal(ipam_sql(w, "SELECT count(*) FROM core.outbox"), 0);
	/* The staged file is still there. */
	assert_report(w, run(w, SOT_IMPORT_KIND_CSV, false), "applied", changes, "[]");
	assert_true_sql(w, "EXISTS (SELECT FROM ipam.vlan_v WHERE name = 'front' AND vrf = 'blue' AND"
	                   " \"group\" = 'tier' AND description = 'Front \"A\"' AND scopes::text LIKE"
	                   " '%az%a%rack%r2%')");
	assert_true_sql(w, "EXISTS (SELECT FROM ipam.subnet_v WHERE cidr = '10.66.0.0/24' AND first ="
	                   " '10.66.0.2' AND last = '10.66.0.254' AND dns::text = '[\"10.0.0.54\","
	                   " \"10.0.0.53\"]')");
	assert_true_sql(w,
	    "EXISTS (SELECT FROM ipam.address_range_v WHERE kind = 'reserved' AND owner ="
	    " 'lb' AND reason = 'virtual, addresses' AND vrf = 'blue')");
	assert_true_sql(w, "(SELECT count(*) FROM ipam.address_v WHERE vrf = 'blue' AND (state ="
	                   " 'static' AND \"ownerName\" = 'vip-shop' AND mac = '02:0a:0a:42:00:05' OR"
	                   " state = 'excluded' AND reason = 'old printer')) = 2");
	assert_true_sql(w,
	    "(SELECT array_agg(kind ORDER BY id, place) FROM core.outbox) = ARRAY['vlan.created',"
	    " 'vlan.created', 'subnet.created', 'subnet.created', 'range.created',"
	    " 'import.applied']");
	assert_int_equal(ipam_sql(w, "SELECT count(*) FROM ipam.address_event"), 2);
	assert_int_equal(
	    ipam_sql(w, "SELECT count(*) FROM gateway.audit WHERE action = 'import.run'"), 3);
	ipam_call again = import_csv(w, good, false);
	assert_report(w, again, "applied",
	    "{\"vlans\":0,\"subnets\":0,\"ranges\":0,\"addresses\":0,\"unchanged\":7,\"ignored\":0}",
	    "[]");
	ipam_call gone = run(w, SOT_IMPORT_KIND_CSV, false);
	assert_int_equal(gone.refusal, SOT_REFUSAL_CONFLICT);
	assert_string_equal(
	    gone.text, "the import is applied, and its file is gone; upload the file again");
}

static void what_differs_is_changed_and_what_is_fixed_is_refused(void **state)
{
	ipam_world *w = *state;
	ipam_start(w, 0, "", NULL);
	(void)import_csv(w,
	    "kind,vlan,vlan_id,cidr,gateway,address,owner\nvlan,a,5,,,,\n"
	    "subnet,a,,10.1.0.0/24,10.1.0.1,,\naddress,,,,,10.1.0.9,x\n",
	    false);
	assert_report(w,
	    import_csv(w,
	        "kind,vlan,vlan_id,mtu,cidr,gateway,rank,address,owner,reason\nvlan,a,5,9000,,,,,,\n"
	        "subnet,a,,,10.1.0.0/24,,7,,,\naddress,,,,,,,10.1.0.9,y,moved\n",
	        false),
	    "applied",
	    "{\"vlans\":1,\"subnets\":1,\"ranges\":0,\"addresses\":1,\"unchanged\":0,\"ignored\":0}",
	    "[]");
	assert_true_sql(w, "EXISTS (SELECT FROM core.outbox WHERE kind = 'vlan.updated' AND data ="
	                   " '{\"changed\":{\"mtu\":[0,9000]}}')");
	assert_true_sql(w, "EXISTS (SELECT FROM core.outbox WHERE kind = 'subnet.updated' AND data ="
	                   " '{\"vlan\":\"a\",\"changed\":{\"rank\":[0,7]}}')");
	assert_true_sql(w, "EXISTS (SELECT FROM ipam.address_v WHERE \"ownerName\" = 'y' AND generation"
	                   " = 2 AND reason = 'moved')");
	ipam_call c = import_csv(w,
	    "kind,vlan,vlan_id,cidr,gateway\nvlan,a,6,,\nsubnet,a,,10.1.0.0/24,10.1.0.2\n"
	    "subnet,a,,10.1.0.128/25,\n",
	    false);
	assert_report(w, c, "refused",
	    "{\"vlans\":0,\"subnets\":0,\"ranges\":0,\"addresses\":0,\"unchanged\":0,\"ignored\":0}",
	    "[{\"line\":2,\"column\":\"vlan_id\",\"detail\":\"it is \\\"5\\\" and cannot be changed; "
	    "delete it "
	    "and make it anew, or leave the cell "
	    "empty\"},{\"line\":3,\"column\":\"gateway\",\"detail\":\"it is "
	    "\\\"10.1.0.1\\\" and cannot be changed; delete it and make it anew, or leave the cell "
	    "empty\"},{\"line\":4,\"column\":\"cidr\",\"detail\":\"10.1.0.128/25 overlaps with "
	    "10.1.0.0/24 of "
	    "line 3\"}]");
	assert_int_equal(ipam_sql(w, "SELECT count(*) FROM ipam.subnet"), 1);
}

static void an_address_that_an_instance_holds_is_named_by_line_and_holder(void **state)
{
	ipam_world *w = *state;
	ipam_start(w, 0, "", NULL);
	ipam_make_lab(w, 2);
	ipam_call held = ipam_acquire(w, 1, 1);
	assert_int_equal(held.message, SOT_MSG_ADDRESSES_GRANTED);
	ipam_call c = import_csv(w,
	    "kind,address,owner\naddress,10.66.0.200,a\naddress,10.66.0.11,b\n"
	    "address,10.99.0.1,c\naddress,10.66.0.200,d\n",
	    false);
	assert_int_equal(c.errors, 3);
	assert_true_sql(w,
	    "SELECT state = 'refused' AND errors->0->>'line' = '3' AND"
	    " errors->0->>'detail' LIKE 'it is reserved: instance 0190%' AND"
	    " errors->1->>'detail' LIKE '10.99.0.1 lies in no subnet of VRF default%' AND"
	    " errors->2->>'detail' = 'the address stands in line 2 too' FROM ipam.import");
	assert_int_equal(ipam_sql(w, "SELECT count(*) FROM ipam.address"), 1);
}

/* `bad`: lines 1000, 50000 and 100001 are wrong. */
static void many_lines(sot_buf *csv, bool bad)
{
	sot_buf_add_c(csv, "kind,vlan,vlan_id,cidr,address,owner,state\nvlan,big,9,,,,\n"
	                   "subnet,big,,10.64.0.0/14,,,\n");
	for (int i = 0; i < MANY; i++) {
		int line = i + 4;
		uint32_t address = (10u << 24 | 64u << 16) + (uint32_t)i + 2;
		char text[SOT_IP_TEXT];
		if (bad && line == 1000)
			sot_buf_printf(csv, "address,,,,10.64.0.300,n%d,static\n", i);
		else if (bad && line == 50000)
			sot_buf_printf(csv, "address,,,,10.64.0.2,n%d,static\n", i);
		else if (bad && line == 100001)
			sot_buf_printf(csv, "address,,,10.64.200.1,n%d,static\n", i);
		else
			sot_buf_printf(
			    csv, "address,,,,%s,n%d,static\n", sot_ip_format(sot_ip_from_v4(address), text), i);
	}
}

static void three_bad_lines_of_a_hundred_thousand_are_named_and_nothing_is_applied(void **state)
{
	ipam_world *w = *state;
	ipam_start(w, 0, "", NULL);
	SOT_AUTO_BUF csv;
	sot_buf_init(&csv, (size_t)16 * 1024 * 1024);
	many_lines(&csv, true);
	stage(w, sot_buf_str(&csv));
	ipam_call c = run(w, SOT_IMPORT_KIND_CSV, false);
	assert_int_equal(c.message, SOT_MSG_IMPORT_DONE);
	assert_false(c.applied);
	assert_int_equal(c.errors, 3);
	assert_true_sql(w,
	    "SELECT lines = 100002 AND error_count = 3 AND errors = "
	    "'[{\"line\":1000,\"column\":\"address\","
	    "\"detail\":\"\\\"10.64.0.300\\\" is not an address such as 10.66.0.2 or 2001:db8::2\"},"
	    "{\"line\":50000,\"column\":\"address\",\"detail\":\"the address stands in line 4 too\"},"
	    "{\"line\":100001,\"column\":\"\",\"detail\":\"6 fields, but the first line names 7 "
	    "columns; is "
	    "a comma missing, or a field with a comma not in quotes?\"}]' FROM ipam.import");
	assert_int_equal(ipam_sql(w, "SELECT (SELECT count(*) FROM ipam.vlan) + (SELECT count(*) FROM"
	                             " ipam.address) + (SELECT count(*) FROM core.outbox)"),
	    0);
}

static void a_hundred_thousand_lines_are_applied_and_are_unchanged_the_second_time(void **state)
{
	ipam_world *w = *state;
	ipam_start(w, 0, "", NULL);
	SOT_AUTO_BUF csv;
	sot_buf_init(&csv, (size_t)16 * 1024 * 1024);
	many_lines(&csv, false);
	stage(w, sot_buf_str(&csv));
	ipam_call c = run(w, SOT_IMPORT_KIND_CSV, false);
	assert_string_equal(c.text, "");
	assert_true(c.applied);
	assert_int_equal(ipam_sql(w, "SELECT count(*) FROM ipam.address WHERE state = 'static'"), MANY);
	assert_int_equal(ipam_sql(w, "SELECT count(*) FROM ipam.address_event"), MANY);
	stage(w, sot_buf_str(&csv));
	c = run(w, SOT_IMPORT_KIND_CSV, true);
	assert_true_sql(w, "SELECT changes->>'unchanged' = '100002' FROM ipam.import");
}

static void what_netbox_answers_becomes_vlans_subnets_ranges_and_addresses(void **state)
{
	static const char netbox[] =
	    "{\"count\":1,\"results\":[{\"id\":3,\"url\":\"https://nb/api/ipam/vlans/3/\",\"vid\":100,"
	    "\"name\":\"Front End\",\"site\":{\"id\":1,\"name\":\"Paris\",\"slug\":\"paris\"},"
	    "\"description\":\"web\"}]}\n"
	    "[{\"id\":7,\"url\":\"https://nb/api/ipam/prefixes/7/\",\"prefix\":\"10.7.0.0/"
	    "24\",\"vlan\":"
	    "{\"id\":3,\"vid\":100,\"name\":\"Front End\"},\"vrf\":{\"id\":1,\"name\":\"Blue\"},"
	    "\"status\":{\"value\":\"active\"},\"custom_fields\":{\"gateway\":\"10.7.0.1/24\"}},\n"
	    "{\"id\":8,\"url\":\"https://nb/api/ipam/prefixes/8/\",\"prefix\":\"10.0.0.0/"
	    "8\",\"vlan\":null,"
	    "\"status\":{\"value\":\"container\"}}]\n"
	    "{\"results\":[{\"id\":1,\"url\":\"https://nb/api/ipam/ip-ranges/1/\",\"start_address\":"
	    "\"10.7.0.100/24\",\"end_address\":\"10.7.0.120/"
	    "24\",\"vrf\":{\"name\":\"Blue\"},\"status\":"
	    "{\"value\":\"active\"},\"description\":\"DHCP\"},{\"id\":9,\"url\":"
	    "\"https://nb/api/ipam/ip-addresses/9/\",\"address\":\"10.7.0.9/"
	    "24\",\"vrf\":{\"name\":\"Blue\"},"
	    "\"status\":{\"value\":\"active\"},\"dns_name\":\"Gw1.example.net\"}]}";
	ipam_world *w = *state;
	ipam_start(w, 0, "", NULL);
	stage(w, sot_str_c(netbox));
	ipam_call c = run(w, SOT_IMPORT_KIND_NETBOX, false);
	assert_report(w, c, "applied",
	    "{\"vlans\":1,\"subnets\":1,\"ranges\":1,\"addresses\":1,\"unchanged\":0,\"ignored\":1}",
	    "[]");
	assert_true_sql(w,
	    "EXISTS (SELECT FROM ipam.vlan_v WHERE name = 'front-end' AND \"vlanId\" = 100"
	    " AND vrf = 'blue' AND description = 'web' AND scopes::text LIKE '%paris%')");
	assert_true_sql(w, "EXISTS (SELECT FROM ipam.subnet_v WHERE cidr = '10.7.0.0/24' AND gateway ="
	                   " '10.7.0.1' AND vlan = 'front-end')");
	assert_true_sql(w,
	    "EXISTS (SELECT FROM ipam.address_range_v WHERE kind = 'excluded' AND reason ="
	    " 'DHCP')");
	assert_true_sql(
	    w, "EXISTS (SELECT FROM ipam.address_v WHERE state = 'static' AND \"ownerName\" = 'gw1')");
	stage(w, sot_str_c(netbox));
	c = run(w, SOT_IMPORT_KIND_NETBOX, false);
	assert_true_sql(w, "SELECT changes->>'unchanged' = '4' FROM ipam.import");
}

static void a_lost_answer_to_commit_is_read_back_and_unknown_files_are_refused(void **state)
{
	ipam_world *w = *state;
	ipam_start(w, 0, "store.tx.after_commit=error:1", NULL);
	ipam_call none = run(w, SOT_IMPORT_KIND_CSV, false);
	assert_int_equal(none.refusal, SOT_REFUSAL_NOT_FOUND);
	ipam_call c = import_csv(w, "kind,vlan,vlan_id\nvlan,a,5\n", false);
	assert_int_equal(c.message, SOT_MSG_IMPORT_DONE);
	assert_true(c.applied);
	assert_int_equal(ipam_sql(w, "SELECT count(*) FROM ipam.vlan"), 1);
	assert_int_equal(ipam_sql(w, "SELECT count(*) FROM core.outbox"), 2);
}

int main(int argc, char **argv)
{
	ipam_world_binary = argc > 1 ? argv[1] : NULL;
	const struct CMUnitTest tests[] = {
	    IPAM_TEST(a_dry_run_says_what_would_change_and_the_same_file_is_applied_once),
	    IPAM_TEST(what_differs_is_changed_and_what_is_fixed_is_refused),
	    IPAM_TEST(an_address_that_an_instance_holds_is_named_by_line_and_holder),
	    IPAM_TEST(three_bad_lines_of_a_hundred_thousand_are_named_and_nothing_is_applied),
	    IPAM_TEST(a_hundred_thousand_lines_are_applied_and_are_unchanged_the_second_time),
	    IPAM_TEST(what_netbox_answers_becomes_vlans_subnets_ranges_and_addresses),
	    IPAM_TEST(a_lost_answer_to_commit_is_read_back_and_unknown_files_are_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
