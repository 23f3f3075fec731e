/* The file of machines: what is read, and that every wrong line is told with its number. */
#include "gw_machines.h"

#include "gw_json.h"
#include "sot_mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void read_text(const char *csv, gw_machines *m)
{
	gw_machines_init(m);
	gw_machines_read(sot_str_c(csv), m);
	assert_false(sot_buf_failed(&m->rows) || sot_buf_failed(&m->errors));
}

static void expect_error(const char *csv, int line, const char *column, const char *words)
{
	gw_machines m;
	read_text(csv, &m);
	json_t *errors = json_loadb(m.errors.p, m.errors.n, 0, NULL);
	const json_t *first = json_array_get(errors, 0);
	assert_true(m.error_count >= 1);
	assert_int_equal(json_integer_value(json_object_get(first, "line")), line);
	assert_string_equal(json_string_value(json_object_get(first, "column")), column);
	assert_non_null(strstr(json_string_value(json_object_get(first, "detail")), words));
	json_decref(errors);
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

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(machines_are_read_with_columns_in_any_order),
	    cmocka_unit_test(every_wrong_line_is_told_with_its_number_and_column),
	    cmocka_unit_test(a_thousand_machines_are_read_and_all_of_a_thousand_errors_counted),
	};
	return cmocka_run_group_tests_name("gw_machines", tests, NULL, NULL);
}
