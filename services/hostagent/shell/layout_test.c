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

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(an_instance_leaves_the_same_host_again_and_again),
	};
	return cmocka_run_group_tests_name("layout", tests, NULL, NULL);
}
