/* What a CAT client inside an instance finds, also when the instance has laid traps. */
#include "cat_files.h"

#include "sot_file.h"
#include "tree.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char root[64], base[160];
static const sot_uuid instance = {{0x01, 0x97, 6, 7, 8}};

static int set_up(void **state)
{
	(void)state;
	char id[SOT_UUID_TEXT], path[256];
	sot_err err;
	(void)snprintf(root, sizeof(root), "/tmp/sotalia-cat-files.XXXXXX");
	assert_non_null(mkdtemp(root));
	(void)snprintf(base, sizeof(base), "%s/instances/%s", root, sot_uuid_format(instance, id));
	(void)snprintf(path, sizeof(path), "%s/applogs", base);
	assert_int_equal(sot_mkdirs(path, 0755, &err), SOT_OK);
	(void)snprintf(path, sizeof(path), "%s/appdatas", base);
	assert_int_equal(sot_mkdirs(path, 0755, &err), SOT_OK);
	return 0;
}

static bool remove_entry(void *self, const tree_entry *e)
{
	(void)self;
	return unlinkat(e->folder_fd, e->name, S_ISDIR(e->st.st_mode) ? AT_REMOVEDIR : 0) == 0;
}

static int tear_down(void **state)
{
	(void)state;
	sot_err err;
	return tree_walk(root, (tree_limits){100, 10}, remove_entry, NULL, &err) == SOT_OK ? rmdir(root)
	                                                                                   : 1;
}

static const char *below(const char *name)
{
	static char path[400];
	(void)snprintf(path, sizeof(path), "%s/%s", base, name);
	return path;
}

static void the_file_names_all_servers_and_the_folders_can_be_written_to(void **state)
{
	(void)state;
	struct stat s;
	sot_err err;
	SOT_AUTO_BUF text;
	sot_buf_init(&text, 8192);
	for (int round = 0; round < 2; round++)
		assert_int_equal(
		    cat_files_write(root, instance, "10.0.0.1;10.0.0.2:2281:8081", &err), SOT_OK);
	assert_int_equal(sot_file_read(below("appdatas/cat/client.xml"), &text, &err), SOT_OK);
	assert_non_null(strstr(text.p, "<server ip=\"10.0.0.1\" port=\"2280\" http-port=\"8080\"/>"));
	assert_non_null(strstr(text.p, "<server ip=\"10.0.0.2\" port=\"2281\" http-port=\"8081\"/>"));
	assert_int_equal(stat(below("applogs/cat"), &s), 0);
	assert_int_equal(s.st_mode & 0777, 0777);
	assert_int_equal(stat(below("appdatas/cat/client.xml"), &s), 0);
	assert_int_equal(s.st_mode & 0777, 0644);
}

static void without_servers_nothing_is_made(void **state)
{
	(void)state;
	sot_err err;
	assert_int_equal(cat_files_write(root, instance, "", &err), SOT_OK);
	assert_int_equal(access(below("appdatas/cat"), F_OK), -1);
}

static void a_wrong_server_is_named(void **state)
{
	(void)state;
	sot_err err;
	static const char *const wrong[] = {
	    "cat.example", "10.0.0.1:0", "10.0.0.1:1:x", "10.0.0.1:1:2:3"};
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		assert_int_equal(cat_files_write(root, instance, wrong[i], &err), SOT_INVALID);
		assert_non_null(strstr(err.text, wrong[i]));
	}
}

/* Inside, a link to a place of the host: nothing of the host is touched. */
static void links_of_the_instance_are_never_followed(void **state)
{
	(void)state;
	char victim[200];
	struct stat s;
	sot_err err;
	SOT_AUTO_BUF text;
	sot_buf_init(&text, 8192);
	(void)snprintf(victim, sizeof(victim), "%s/victim", root);
	assert_int_equal(sot_mkdirs(victim, 0700, &err), SOT_OK);
	assert_int_equal(symlink(victim, below("appdatas/cat")), 0);
	assert_int_equal(cat_files_write(root, instance, "10.0.0.1", &err), SOT_CONFLICT);
	assert_int_equal(stat(victim, &s), 0);
	assert_int_equal(s.st_mode & 0777, 0700);
	assert_int_equal(unlink(below("appdatas/cat")), 0);
	assert_int_equal(sot_mkdirs(below("appdatas/cat"), 0755, &err), SOT_OK);
	(void)snprintf(victim, sizeof(victim), "%s/victim/file", root);
	assert_int_equal(sot_file_write(victim, SOT_STR("precious"), 0600, &err), SOT_OK);
	assert_int_equal(symlink(victim, below("appdatas/cat/client.xml")), 0);
	assert_int_equal(symlink(victim, below("appdatas/cat/.client.xml.new")), 0);
	assert_int_equal(cat_files_write(root, instance, "10.0.0.1", &err), SOT_OK);
	assert_int_equal(sot_file_read(victim, &text, &err), SOT_OK);
	assert_string_equal(text.p, "precious");
	assert_int_equal(lstat(below("appdatas/cat/client.xml"), &s), 0);
	assert_true(S_ISREG(s.st_mode));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(
	        the_file_names_all_servers_and_the_folders_can_be_written_to, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(without_servers_nothing_is_made, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(a_wrong_server_is_named, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(
	        links_of_the_instance_are_never_followed, set_up, tear_down),
	};
	return cmocka_run_group_tests_name("cat_files", tests, NULL, NULL);
}
