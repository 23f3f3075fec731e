/* `sotalia` about machines, against a real gateway over TLS: looks that their agents answer (here
 * the harness), and inventories that bring new ones. */
#include "cli.h"
#include "harness.h"
#include "sot_proto.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static harness h;
static char out[8192], errors[8192];

#define RUN(...) harness_run(&h, (const char *const[]){CLI_PROGRAM, __VA_ARGS__, NULL}, out, errors)

static void a_look_inside_is_two_tables_or_data(void **state)
{
	(void)state;
	h.refuse_with = -1;
	h.answer = "{\"processes\":[{\"pid\":7,\"parent\":1,\"state\":\"S\",\"uid\":1000,"
	           "\"threads\":41,\"memoryRssBytes\":209715200,\"cpuMs\":7500,"
	           "\"command\":\"java -jar shop.jar\"}],\"processesTotal\":3,\"mounts\":[{\"target\":"
	           "\"/data/webapps/shop\",\"type\":\"ext4\",\"source\":\"/dev/sda1\","
	           "\"readOnly\":true}],\"mountsTotal\":1}";
	assert_int_equal(RUN("instance", "inside", "why-default-01"), CLI_OK);
	assert_non_null(strstr(out, "7    1       1000  S      41       200 MiB  7.5s  java -jar"));
	assert_non_null(strstr(out, "... 1 of 3"));
	assert_non_null(strstr(out, "/data/webapps/shop  ext4  /dev/sda1  yes"));
	assert_int_equal(RUN("instance", "inside", "why-default-01", "-o", "json"), CLI_OK);
	assert_non_null(strstr(out, "\"command\": \"java -jar shop.jar\""));
	h.refuse_with = SOT_REFUSAL_NOT_FOUND;
	assert_int_equal(RUN("instance", "inside", "why-default-01"), CLI_NOT_FOUND);
	h.refuse_with = -1;
	h.answer = "[\"no object\"]";
	assert_int_equal(RUN("instance", "inside", "why-default-01"), CLI_UNREACHABLE);
	assert_non_null(strstr(errors, "no look that can be read"));
	h.answer = NULL;
}

static void packages_of_a_host_say_what_they_are_and_when_clean_up_takes_them(void **state)
{
	(void)state;
	h.refuse_with = -1;
	h.answer = "{\"packages\":[{\"sha256\":"
	           "\"aa00000000000000000000000000000000000000000000000000000000000000\","
	           "\"sizeBytes\":1048576,\"ageSeconds\":9,\"needed\":true,\"removableInSeconds\":null,"
	           "\"instances\":[\"shop-default-01\"],\"instancesTotal\":1},{\"sha256\":"
	           "\"bb00000000000000000000000000000000000000000000000000000000000000\",\"sizeBytes\":"
	           "2097152,"
	           "\"ageSeconds\":999999,\"needed\":false,\"removableInSeconds\":0,\"instances\":[],"
	           "\"instancesTotal\":0}],\"packagesTotal\":3,\"cleanup\":\"on\"}";
	assert_int_equal(RUN("host", "packages", "why-host"), CLI_OK);
	assert_non_null(strstr(out, "unknown  2 MiB  0          next run  bb"));
	assert_non_null(strstr(out, "unknown  1 MiB  1          needed    aa"));
	assert_non_null(strstr(out, "... 2 of 3"));
	assert_non_null(strstr(out, "clean-up (on) would free 2097152 bytes with its next run"));
	assert_int_equal(RUN("host", "packages", "why-host", "-o", "json"), CLI_OK);
	assert_non_null(strstr(out, "\"instancesTotal\": 1"));
	h.answer = "{\"processes\":[],\"mounts\":[]}";
	assert_int_equal(RUN("host", "packages", "why-host"), CLI_UNREACHABLE);
	h.answer = NULL;
}

static const char *inventory_file(const char *text)
{
	static char path[] = "/tmp/cli-hosts-test.XXXXXX.yml";
	(void)snprintf(path, sizeof(path), "/tmp/cli-hosts-test.XXXXXX.yml");
	int fd = mkstemps(path, 4);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
	return path;
}

static void an_inventory_of_ansible_is_imported_and_its_wrong_lines_are_named(void **state)
{
	(void)state;
	const char *path =
	    inventory_file("all:\n  vars: {az: a, rack: r1}\n  children:\n    workers:\n"
	                   "      hosts:\n        w1: {ansible_host: 10.77.0.1}\n"
	                   "    rest:\n      hosts:\n        w2: {ansible_host: w2.lan}\n");
	assert_int_equal(RUN("host", "import", path, "--dry-run"), CLI_FAILED);
	assert_non_null(strstr(errors, "line 9, column address: 'w2.lan' is not an IP address"));
	assert_int_equal(RUN("host", "import", path, "--group=workers", "--dry-run"), CLI_OK);
	assert_non_null(strstr(out, "1 imported"));
	assert_int_equal(RUN("host", "import", path, "--group=wrokers", "--dry-run"), CLI_FAILED);
	assert_non_null(strstr(errors, "no group is called 'wrokers'"));
	assert_int_equal(unlink(path), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_look_inside_is_two_tables_or_data),
	    cmocka_unit_test(packages_of_a_host_say_what_they_are_and_when_clean_up_takes_them),
	    cmocka_unit_test(an_inventory_of_ansible_is_imported_and_its_wrong_lines_are_named),
	};
	harness_start(&h, NULL, true);
	harness_environment(&h);
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	harness_stop(&h);
	return failed;
}
