/* The file of machines: what is read, and that every wrong line is told with its number. */
#include "gw_machines.h"

#include "gw_json.h"
#include "sot_mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void read_text(const char *csv, gw_machines *m)
{
	gw_machines_init(m);
	gw_machines_read(sot_str_c(csv), m);
	assert_false(sot_buf_failed(&m->rows) || sot_buf_failed(&m->errors));
}

static void expect_first_error(
    const gw_machines *m, int line, const char *column, const char *words)
{
	json_t *errors = json_loadb(m->errors.p, m->errors.n, 0, NULL);
	const json_t *first = json_array_get(errors, 0);
	assert_true(m->error_count >= 1);
	assert_int_equal(json_integer_value(json_object_get(first, "line")), line);
	assert_string_equal(json_string_value(json_object_get(first, "column")), column);
	assert_non_null(strstr(json_string_value(json_object_get(first, "detail")), words));
	json_decref(errors);
}

static void expect_error(const char *csv, int line, const char *column, const char *words)
{
	gw_machines m;
	read_text(csv, &m);
	expect_first_error(&m, line, column, words);
	gw_machines_clear(&m);
}

static void machines_are_read_with_columns_in_any_order(void **state)
{
	gw_machines m;
	(void)state;
	read_text("\xef\xbb\xbfrack,az,name,address,labels,oob\r\n# racks of May\r\n\r\n"
	          "r1,a,host-1,10.0.0.1,\"ssd;gpu\",ipmi://10.9.0.1\r\nr2,b,host-2,10.0.0.2,,\r\n",
	    &m);
	assert_int_equal(m.error_count, 0);
	json_t *rows = json_loadb(m.rows.p, m.rows.n, 0, NULL);
	assert_int_equal(json_array_size(rows), 2);
	const json_t *first = json_array_get(rows, 0);
	assert_true(sot_str_eq_c(gw_json_text(first, "name"), "host-1"));
	assert_true(sot_str_eq_c(gw_json_text(first, "oob"), "ipmi://10.9.0.1"));
	assert_true(sot_str_eq_c(gw_json_text(first, "user"), "root"));
	assert_int_equal(gw_json_int(first, "line", 0), 4);
	assert_int_equal(gw_json_int(first, "port", 0), 22);
	assert_int_equal(json_array_size(json_object_get(first, "labels")), 2);
	assert_int_equal(json_array_size(json_object_get(json_array_get(rows, 1), "labels")), 0);
	json_decref(rows);
	gw_machines_clear(&m);
}

#define HEAD "name,address,az,rack\n"
static void every_wrong_line_is_told_with_its_number_and_column(void **state)
{
	(void)state;
	expect_error("", 0, "", "empty");
	expect_error("name,address,az\n", 1, "rack", "missing");
	expect_error("name,address,az,rack,colour\n", 1, "", "no column 'colour'");
	expect_error("name,name,az,rack\n", 1, "", "twice");
	expect_error(HEAD, 1, "", "no machine");
	expect_error(HEAD "h1,10.0.0.1,a\n", 2, "", "3 cells");
	expect_error(HEAD "h1,10.0.0.999,a,r\n", 2, "address", "not an IP address");
	expect_error(HEAD "H1,10.0.0.1,a,r\n", 2, "name", "lower-case");
	expect_error(HEAD "h1,10.0.0.1,a,r\n\nh1,10.0.0.2,a,r\n", 4, "name", "on line 2 already");
	expect_error(HEAD "h1,10.0.0.1,a,r\nh2,10.0.0.1,a,r\n", 3, "address", "on line 2 already");
	expect_error(HEAD "h1,10.0.0.1,a,r\nh2,10.0.0.2,b,r\n", 3, "rack", "zone 'a' on line 2");
	expect_error(HEAD "\"h1,10.0.0.1,a,r\n", 2, "", "quote is not closed");
	expect_error("name,address,az,rack,port\nh1,10.0.0.1,a,r,0\n", 2, "port", "no port");
	expect_error("name,address,az,rack,oob\nh1,10.0.0.1,a,r,ipmi://$(x)\n", 2, "oob", "no blanks");
	expect_error("name,address,az,rack,labels\nh1,10.0.0.1,a,r,Bad Label\n", 2, "labels", "label");
	expect_error("name,address,az,rack,user\nh1,10.0.0.1,a,r,-oProxy\n", 2, "user", "account");
	expect_error(
	    "name,address,az,rack,sshkey\nh1,10.0.0.1,a,r,ssh-ed25519\n", 2, "sshkey", "ssh-keyscan");
	expect_error("name,address,az,rack,sshkey\nh1,10.0.0.1,a,r,ssh-ed25519 "
	             "AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAA=AAAAAAAAAAAAA\n",
	    2, "sshkey", "ssh-keyscan");
}

static void a_thousand_machines_are_read_and_all_of_a_thousand_errors_counted(void **state)
{
	gw_machines m;
	SOT_AUTO_BUF csv;
	(void)state;
	sot_buf_init(&csv, 1024 * 1024);
	sot_buf_add_c(&csv, HEAD);
	for (unsigned i = 0; i < 1000; i++)
		sot_buf_printf(
		    &csv, "host-%u,10.1.%u.%u,az%u,rack%u\n", i, i / 250, i % 250 + 1, i % 4, i % 40);
	gw_machines_init(&m);
	gw_machines_read(sot_buf_str(&csv), &m);
	assert_int_equal(m.error_count, 0);
	assert_int_equal(m.row_count, 1000);
	gw_machines_clear(&m);
	sot_buf_reset(&csv);
	sot_buf_add_c(&csv, HEAD);
	for (unsigned i = 0; i < 1000; i++)
		sot_buf_printf(&csv, "host-%u,10.1.1.1.%u,a,r\n", i, i);
	gw_machines_init(&m);
	gw_machines_read(sot_buf_str(&csv), &m);
	assert_int_equal(m.error_count, 1000);
	json_t *errors = json_loadb(m.errors.p, m.errors.n, 0, NULL);
	assert_int_equal(json_array_size(errors), GW_MACHINES_ERRORS_MAX);
	json_decref(errors);
	gw_machines_clear(&m);
}

/* ---- inventories ---- */

static json_t *read_inventory(const char *text, const char *group)
{
	gw_machines m;
	gw_machines_init(&m);
	gw_machines_read_inventory(sot_str_c(text), sot_str_c(group), &m);
	if (m.error_count > 0)
		fail_msg("%s", m.errors.p);
	json_t *rows = json_loadb(m.rows.p, m.rows.n, JSON_REJECT_DUPLICATES, NULL);
	assert_int_equal(json_array_size(rows), m.row_count);
	gw_machines_clear(&m);
	return rows;
}

static void expect_machine(const json_t *rows, size_t i, const char *words)
{
	char text[400];
	const json_t *row = json_array_get(rows, i);
	char *labels = json_dumps(json_object_get(row, "labels"), JSON_COMPACT);
	(void)snprintf(text, sizeof(text), "%lld %s %s:%lld %s %s/%s %s %s",
	    (long long)gw_json_int(row, "line", 0), gw_json_text(row, "name").p,
	    gw_json_text(row, "address").p, (long long)gw_json_int(row, "port", 0),
	    gw_json_text(row, "user").p, gw_json_text(row, "az").p, gw_json_text(row, "rack").p, labels,
	    gw_json_text(row, "oob").p);
	free(labels);
	assert_string_equal(text, words);
}

static const char ini[] = "# the machines of May\n"
                          "gate ansible_host=10.0.9.1 az=a rack=r9\n"
                          "[web]\n"
                          "web[01:03] ansible_host=10.0.0.1 rack=r1\n"
                          "web02 ansible_host=10.0.0.2 ansible_port=2222 # a second line of it\n"
                          "web03 ansible_host=\"10.0.0.3\" labels='ssd,gpu' oob=ipmi://10.9.0.3\n"
                          "[db]\n"
                          "db-[a:b]:2200 ansible_user=li\n"
                          "db-a ansible_host=10.0.1.1\n"
                          "db-b ansible_host=10.0.1.2 ansible_port=2201\n"
                          "[db:vars]\n"
                          "rack = \"r2\"\n"
                          "[workers:children]\n"
                          "web\n"
                          "db ; both\n"
                          "[workers:vars]\n"
                          "az=b\n"
                          "ansible_user=ops\n"
                          "http_proxy=http://10.1.1.1:3128\n";

static void an_inventory_in_ini_is_read_with_ranges_groups_and_their_variables(void **state)
{
	(void)state;
	json_t *rows = read_inventory(ini, "");
	assert_int_equal(json_array_size(rows), 6);
	expect_machine(rows, 0, "2 gate 10.0.9.1:22 root a/r9 [] ");
	expect_machine(rows, 1, "4 web01 10.0.0.1:22 ops b/r1 [] ");
	expect_machine(rows, 2, "4 web02 10.0.0.2:2222 ops b/r1 [] ");
	expect_machine(rows, 3, "4 web03 10.0.0.3:22 ops b/r1 [\"ssd\",\"gpu\"] ipmi://10.9.0.3");
	expect_machine(rows, 4, "8 db-a 10.0.1.1:2200 li b/r2 [] ");
	expect_machine(rows, 5, "8 db-b 10.0.1.2:2201 li b/r2 [] ");
	json_decref(rows);
	rows = read_inventory(ini, "db");
	assert_int_equal(json_array_size(rows), 2);
	json_decref(rows);
	rows = read_inventory(ini, "workers");
	assert_int_equal(json_array_size(rows), 5);
	json_decref(rows);
}

static const char yaml[] = "---\n"
                           "all:\n"
                           "  hosts:\n"
                           "    gate: {ansible_host: 10.0.9.1, rack: r9}\n"
                           "    10.0.9.2: {sotalia_name: bare, rack: r9}\n"
                           "  vars:\n"
                           "    sotalia_az: a\n"
                           "    other: [x, {y: z}]\n"
                           "  children:\n"
                           "    web:\n"
                           "      hosts:\n"
                           "        web[1:2]:\n"
                           "          rack: r1\n"
                           "        web1:\n"
                           "          ansible_host: 10.0.0.1\n"
                           "          labels: [ssd, gpu]\n"
                           "        web2:\n"
                           "          ansible_host: 2001:db8::2\n"
                           "          ansible_port: 2222\n"
                           "      vars: {az: b, ansible_user: ops}\n"
                           "    empty:\n"
                           "zoo:\n"
                           "  children:\n"
                           "    web:\n";

static void an_inventory_in_yaml_is_read_the_same(void **state)
{
	(void)state;
	json_t *rows = read_inventory(yaml, "");
	assert_int_equal(json_array_size(rows), 4);
	expect_machine(rows, 0, "4 gate 10.0.9.1:22 root a/r9 [] ");
	expect_machine(rows, 1, "5 bare 10.0.9.2:22 root a/r9 [] ");
	expect_machine(rows, 2, "12 web1 10.0.0.1:22 ops b/r1 [\"ssd\",\"gpu\"] ");
	expect_machine(rows, 3, "12 web2 2001:db8::2:2222 ops b/r1 [] ");
	json_decref(rows);
	rows = read_inventory(yaml, "zoo");
	assert_int_equal(json_array_size(rows), 2);
	json_decref(rows);
}

/* A deeper group wins over one that it is within, whatever their names; of two beside each other
 * the later name. */
static void variables_are_taken_in_the_order_of_ansible(void **state)
{
	(void)state;
	json_t *rows = read_inventory(
	    "[a-child]\nn1 ansible_host=10.0.0.1\n[b-other]\nn1\n[z-parent:children]\na-child\n"
	    "[z-parent:vars]\nrack=parent\naz=z\n[a-child:vars]\nrack=child\nansible_user=a\n"
	    "[b-other:vars]\nansible_user=b\naz=beside\n[all:vars]\naz=all\noob=x\n",
	    "");
	/* z-parent (depth 1, after b-other) says the zone; a-child (depth 2) rack and user. */
	expect_machine(rows, 0, "2 n1 10.0.0.1:22 a z/child [] x");
	json_decref(rows);
}

static void expect_wrong(const char *text, int line, const char *column, const char *words)
{
	gw_machines m;
	gw_machines_init(&m);
	gw_machines_read_inventory(sot_str_c(text), SOT_STR(""), &m);
	expect_first_error(&m, line, column, words);
	gw_machines_clear(&m);
}

#define OK_HOST "n1 ansible_host=10.0.0.1 az=a rack=r\n"

static void wrong_lines_of_an_inventory_say_what_to_write(void **state)
{
	(void)state;
	expect_wrong("", 1, "", "names no machine");
	expect_wrong("# only\n\n", 2, "", "names no machine");
	expect_wrong(OK_HOST "n2 az=a rack=r\n", 2, "address", "write ansible_host=ADDRESS");
	expect_wrong("n1 ansible_host=10.0.0.1 rack=r\n", 1, "az", "write az=ZONE");
	expect_wrong("n1 ansible_host=10.0.0.1 az=a\n", 1, "rack", "variables of a group");
	expect_wrong(OK_HOST "n2 ansible_host=db.lan az=a rack=r\n", 2, "address", "not an IP");
	expect_wrong("n1 az=a rack=r\n[x]\nn1 ansible_host=10.0.0.999\n", 3, "address", "10.0.0.999");
	expect_wrong("[g]\nn1 ansible_host=10.0.0.1 az=a\n[g:vars]\nrack=R_1\n", 4, "rack", "R_1");
	expect_wrong(OK_HOST "n2 ansible_host={{ ip }}\n", 2, "", "template");
	expect_wrong(OK_HOST "n[03:01] az=a\n", 2, "", "is no range");
	expect_wrong(OK_HOST "n[1:3 az=a\n", 2, "", "is no range");
	expect_wrong(OK_HOST "n[001:9]\n", 2, "", "is no range");
	expect_wrong(OK_HOST "n2 ansible_host\n", 2, "", "write NAME=VALUE");
	expect_wrong(OK_HOST "n2 ansible_host='10.0.0.2\n", 2, "", "quote is not closed");
	expect_wrong("[web\n", 1, "", "[GROUP:vars]");
	expect_wrong("[web:var]\n", 1, "", "vars or children");
	expect_wrong("[web:vars]\naz a\n", 2, "", "write NAME=VALUE");
	expect_wrong(OK_HOST "[a:children]\nb\n[b:children]\na\n", 3, "", "within itself");
	expect_wrong(OK_HOST "n2 ansible_host=10.0.0.1 az=a rack=r\n", 2, "address", "line 1 already");
	expect_wrong("n[1:99999999] az=a\n", 1, "", "more than 20000 hosts");
	expect_wrong("w[01:83]x[01:83]y[01:83]z[01:83]a[01:83] az=a\n", 1, "", "is no range");
	expect_wrong("\xff\n", 1, "", "not UTF-8");
	expect_wrong("all:\n  hosts:\n  - n1\n", 3, "", "without '-'");
	expect_wrong("all:\n  host:\n    n1:\n", 2, "", "'host' is no part of a group");
	expect_wrong("all:\n  hosts:\n    n1: 10.0.0.1\n", 3, "", "NAME: VALUE");
	expect_wrong("all:\n  hosts: &x\n    n1:\n  vars: *x\n", 4, "", "write the part out");
	expect_wrong("all:\n  hosts:\n\tn1:\n", 3, "", "no YAML");
	expect_wrong("---\n- n1\n", 2, "", "begins with a group");
	expect_wrong(
	    "all:\n  hosts:\n    n1:\n      az: a\n      rack: r\n", 3, "address", "ansible_host");
}

static void only_a_group_that_is_there_can_be_taken(void **state)
{
	gw_machines m;
	(void)state;
	gw_machines_init(&m);
	gw_machines_read_inventory(SOT_STR(OK_HOST "[web]\n"), SOT_STR("wbe"), &m);
	expect_first_error(&m, 1, "", "no group is called 'wbe'");
	gw_machines_clear(&m);
	json_decref(read_inventory(OK_HOST, "all"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(machines_are_read_with_columns_in_any_order),
	    cmocka_unit_test(every_wrong_line_is_told_with_its_number_and_column),
	    cmocka_unit_test(a_thousand_machines_are_read_and_all_of_a_thousand_errors_counted),
	    cmocka_unit_test(an_inventory_in_ini_is_read_with_ranges_groups_and_their_variables),
	    cmocka_unit_test(an_inventory_in_yaml_is_read_the_same),
	    cmocka_unit_test(variables_are_taken_in_the_order_of_ansible),
	    cmocka_unit_test(wrong_lines_of_an_inventory_say_what_to_write),
	    cmocka_unit_test(only_a_group_that_is_there_can_be_taken),
	};
	return cmocka_run_group_tests_name("gw_machines", tests, NULL, NULL);
}
