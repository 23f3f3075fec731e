/* What happens to a file when the platform changes its text, and when a tool inside does. */
#include "own_files.h"
#include "test_folder.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char root[64], masters[96], kept[96], targets[96], told[256];

static void put(const char *folder, const char *name, const char *content)
{
	char path[256], temp[256];
	(void)snprintf(path, sizeof(path), "%s/%s", folder, name);
	(void)snprintf(temp, sizeof(temp), "%s/.new", folder);
	FILE *f = fopen(temp, "w");
	assert_non_null(f);
	assert_true(fputs(content, f) >= 0 && fclose(f) == 0 && rename(temp, path) == 0);
}

static const char *got(const char *name)
{
	static char content[256];
	char path[256];
	(void)snprintf(path, sizeof(path), "%s/%s", targets, name);
	FILE *f = fopen(path, "r");
	size_t n = f ? fread(content, 1, sizeof(content) - 1, f) : 0;
	content[n] = '\0';
	if (f)
		assert_int_equal(fclose(f), 0);
	return f ? content : NULL;
}

static void tell(const char *path, bool differs)
{
	(void)snprintf(
	    told, sizeof(told), "%s %s", strrchr(path, '/') + 1, differs ? "differs" : "same");
}

static int setup(void **state)
{
	(void)state;
	(void)snprintf(root, sizeof(root), "/tmp/own-files.XXXXXX");
	assert_non_null(mkdtemp(root));
	(void)snprintf(masters, sizeof(masters), "%s/masters", root);
	(void)snprintf(kept, sizeof(kept), "%s/lib/kept", root);
	(void)snprintf(targets, sizeof(targets), "%s/etc", root);
	assert_int_equal(mkdir(masters, 0755), 0);
	assert_int_equal(mkdir(targets, 0755), 0);
	put(masters, "hosts", "one\n");
	put(targets, "hosts", "of the image\n");
	own_files_open(&(own_files_places){masters, kept, targets}, tell);
	own_files_sync();
	told[0] = '\0';
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	close(own_files_fd());
	return test_folder_remove(root);
}

static void a_file_follows_its_master(void **state)
{
	(void)state;
	assert_string_equal(got("hosts"), "one\n");
	assert_null(got("resolv.conf")); /* without a master it is nobody's */
	put(masters, "hosts", "two\n");
	own_files_sync();
	assert_string_equal(got("hosts"), "two\n");
	assert_string_equal(told, "");
}

static void what_a_tool_changed_is_left_alone_and_told(void **state)
{
	char path[256];
	(void)state;
	put(targets, "hosts", "puppet's\n");
	own_files_sync();
	assert_string_equal(told, "hosts differs");
	put(masters, "hosts", "two\n");
	told[0] = '\0';
	own_files_sync();
	assert_string_equal(got("hosts"), "puppet's\n");
	assert_string_equal(told, "");
	/* The tool writes what the platform wants: from now on it follows again. */
	put(targets, "hosts", "two\n");
	own_files_sync();
	assert_string_equal(told, "hosts same");
	put(masters, "hosts", "three\n");
	own_files_sync();
	assert_string_equal(got("hosts"), "three\n");
	/* Removed is changed. */
	(void)snprintf(path, sizeof(path), "%s/hosts", targets);
	assert_int_equal(unlink(path), 0);
	own_files_sync();
	assert_string_equal(told, "hosts differs");
	assert_null(got("hosts"));
}

static void a_link_in_its_place_is_not_written_through(void **state)
{
	char path[256], victim[256];
	(void)state;
	(void)snprintf(path, sizeof(path), "%s/hosts", targets);
	(void)snprintf(victim, sizeof(victim), "%s/victim", targets);
	put(targets, "victim", "untouched\n");
	assert_int_equal(unlink(path), 0);
	assert_int_equal(symlink(victim, path), 0);
	put(masters, "hosts", "two\n");
	own_files_sync();
	assert_string_equal(got("victim"), "untouched\n");
	assert_string_equal(told, "hosts differs");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(a_file_follows_its_master, setup, teardown),
	    cmocka_unit_test_setup_teardown(
	        what_a_tool_changed_is_left_alone_and_told, setup, teardown),
	    cmocka_unit_test_setup_teardown(
	        a_link_in_its_place_is_not_written_through, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
