/* Folders of instances that leave a host. */
#include "layout.h"
#include "test_folder.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static void arrive(const char *state, const char *id)
{
	char path[300];
	(void)snprintf(path, sizeof(path), "%s/instances/%s", state, id);
	assert_int_equal(mkdir(path, 0755), 0);
	(void)snprintf(path, sizeof(path), "%s/instances/%s/appdatas", state, id);
	assert_int_equal(mkdir(path, 0755), 0);
}

static bool is_kept(const char *state, const char *name)
{
	char path[300];
	(void)snprintf(path, sizeof(path), "%s/instances/.retired/%s/appdatas", state, name);
	return access(path, F_OK) == 0;
}

/* Drained away, come back, drained away again within the week that its first folder is kept. */
static void an_instance_leaves_the_same_host_again_and_again(void **test)
{
	static const char id[] = "01a226a9-6d20-7da6-bc40-59fea56d6e69";
	char state[] = "/tmp/sotalia-layout-XXXXXX";
	sot_uuid uuid;
	sot_err err = {0};
	(void)test;
	assert_non_null(mkdtemp(state));
	assert_int_equal(sot_uuid_parse(sot_str_c(id), &uuid, &err), SOT_OK);
	assert_int_equal(layout_prepare(state, &err), SOT_OK);
	for (int i = 0; i < 3; i++) {
		arrive(state, id);
		assert_int_equal(layout_retire(state, uuid, &err), SOT_OK);
	}
	assert_int_equal(layout_retire(state, uuid, &err), SOT_OK); /* it is gone already */
	assert_true(is_kept(state, id));
	assert_true(is_kept(state, "01a226a9-6d20-7da6-bc40-59fea56d6e69.2"));
	assert_true(is_kept(state, "01a226a9-6d20-7da6-bc40-59fea56d6e69.3"));
	assert_false(is_kept(state, "01a226a9-6d20-7da6-bc40-59fea56d6e69.4"));
	assert_int_equal(test_folder_remove(state), 0);
}

static struct stat of(const char *state, const char *name)
{
	char path[300];
	struct stat st;
	(void)snprintf(path, sizeof(path), "%s/%s", state, name);
	assert_int_equal(stat(path, &st), 0);
	return st;
}

/* Each write is two waits for the disk, and a host makes a hundred instances at once. */
static void what_stands_there_already_is_not_written_again(void **test)
{
	static const char environment[] =
	    "instances/00000000-0000-0000-0000-000000000001/identity/instance.env";
	char state[] = "/tmp/sotalia-layout-XXXXXX";
	sot_err err = {0};
	sot_instance_spec spec = {.name = SOT_STR("web-1"), .app = SOT_STR("web")};
	plan_wire wire = {.bridge = "sotbr0"};
	(void)test;
	spec.instance_id.b[15] = 1;
	assert_non_null(mkdtemp(state));
	assert_int_equal(layout_prepare(state, &err), SOT_OK);
	assert_int_equal(layout_make_instance(state, &spec, &err), SOT_OK);
	ino_t made = of(state, environment).st_ino;
	assert_int_equal(
	    layout_write_record(state, &wire, &spec, SOT_STR("nameserver 10.0.0.1\n"), "c1", &err),
	    SOT_OK);
	assert_int_equal(of(state, environment).st_ino, made);
	spec.name = SOT_STR("web-2");
	assert_int_equal(
	    layout_write_record(state, &wire, &spec, SOT_STR("nameserver 10.0.0.1\n"), "c1", &err),
	    SOT_OK);
	assert_int_not_equal(of(state, environment).st_ino, made);
	assert_int_equal(test_folder_remove(state), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(an_instance_leaves_the_same_host_again_and_again),
	    cmocka_unit_test(what_stands_there_already_is_not_written_again),
	};
	return cmocka_run_group_tests_name("layout", tests, NULL, NULL);
}
