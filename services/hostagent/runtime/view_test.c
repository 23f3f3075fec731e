/* What a mountinfo tells of LXCFS, and a probe that never hangs. */
#include "view.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

static const char mountinfo[] =
    "23 28 0:21 / /proc rw,nosuid - proc proc rw\n"
    "40 23 0:57 /proc/meminfo /proc/meminfo ro,nosuid - fuse.lxcfs lxcfs rw,user_id=0\n"
    "41 23 0:60 /proc/meminfo /proc/meminfo ro,nosuid - fuse.lxcfs lxcfs rw,user_id=0\n"
    "42 23 0:61 / /proc/stat ro - fuse.other other rw\n"
    "43 28 0:57 / /var/lib/lxcfs rw,nosuid shared:4 - fuse.lxcfs lxcfs rw,allow_other\n";

static void the_topmost_lxcfs_of_a_place_is_told(void **state)
{
	(void)state;
	sot_str text = sot_str_c(mountinfo);
	assert_true(sot_str_eq_c(view_device(text, "/proc/meminfo"), "0:60"));
	assert_true(sot_str_eq_c(view_device(text, "/var/lib/lxcfs"), "0:57"));
	assert_int_equal(view_device(text, "/proc/stat").n, 0); /* another file system's */
	assert_int_equal(view_device(text, "/proc/uptime").n, 0);
	assert_int_equal(view_device(sot_str_c("nonsense\n1 2\n"), "/proc").n, 0);
}

static void a_folder_without_lxcfs_is_told_as_that(void **state)
{
	(void)state;
	sot_err err = {0};
	char dir[] = "/tmp/view-test.XXXXXX";
	assert_non_null(mkdtemp(dir));
	assert_int_equal(view_probe(dir, 1000, &err), SOT_NOT_FOUND);
	assert_int_equal(view_probe("/", 1000, &err), SOT_NOT_FOUND); /* /proc/uptime is the kernel's */
	assert_int_equal(rmdir(dir), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_topmost_lxcfs_of_a_place_is_told),
	    cmocka_unit_test(a_folder_without_lxcfs_is_told_as_that),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
