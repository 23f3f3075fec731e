/* The texts that PID 1 reads from an image and from the agent. */
#include "environment_file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void lines_are_cut_with_and_without_a_last_newline(void **state)
{
	(void)state;
	char text[] = "A=1\n\nB=2";
	char *rest = text;
	assert_string_equal(environment_next_line(&rest), "A=1");
	assert_string_equal(environment_next_line(&rest), "");
	assert_string_equal(environment_next_line(&rest), "B=2");
	assert_null(environment_next_line(&rest));
}

static void only_identifiers_are_names(void **state)
{
	(void)state;
	const char *name = NULL, *value = NULL;
	char good[] = "SOT_NAME=a=b c";
	char bad[][16] = {"", "# A=1", "1A=2", "A B=1", "=x", "PLAIN"};
	assert_true(environment_split(good, &name, &value));
	assert_string_equal(name, "SOT_NAME");
	assert_string_equal(value, "a=b c");
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(environment_split(bad[i], &name, &value));
}

static void an_account_is_found_by_its_whole_name(void **state)
{
	(void)state;
	char text[] = "root:x:0:0::/root:/bin/sh\napplication:x:5:5::/a:/bin/sh\n"
	              "app:x:1000:1001:The app:/home/app:/bin/sh\n";
	account a = {0};
	assert_true(account_find(text, "app", &a));
	assert_int_equal(a.uid, 1000);
	assert_int_equal(a.gid, 1001);
	assert_string_equal(a.home, "/home/app");
	assert_string_equal(a.shell, "/bin/sh");
}

static void the_groups_of_a_member_are_found(void **state)
{
	char text[] =
	    "root:x:0:\nadm:x:4:li,admin\nadministrators:x:9:adminx,xadmin\nadmin:x:1001:admin\n"
	    "last:x:7:a,b,admin";
	gid_t groups[8] = {0};
	(void)state;
	assert_int_equal(account_groups(text, "admin", 1001, groups, 8), 3);
	assert_int_equal(groups[0], 1001);
	assert_int_equal(groups[1], 4);
	assert_int_equal(groups[2], 7);
	char many[] = "a:x:1:u\nb:x:2:u\nc:x:3:u\n";
	assert_int_equal(account_groups(many, "u", 9, groups, 2), 2);
}

static void a_broken_account_line_gives_no_account(void **state)
{
	(void)state;
	char lines[][40] = {"app", "app:x", "app:x:10",
	    "app:x:-1:5::/h:", "app:x:99999999999:5::/h:", "app:x:0x1:5::/h:"};
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		account a = {.uid = 77};
		assert_false(account_find(lines[i], "app", &a));
		assert_int_equal(a.uid, 77);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(lines_are_cut_with_and_without_a_last_newline),
	    cmocka_unit_test(only_identifiers_are_names),
	    cmocka_unit_test(an_account_is_found_by_its_whole_name),
	    cmocka_unit_test(the_groups_of_a_member_are_found),
	    cmocka_unit_test(a_broken_account_line_gives_no_account),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
