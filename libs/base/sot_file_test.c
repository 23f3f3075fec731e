/* Whole files: bounds, replacement, modes, folders. */
#include "sot_file.h"

#include "sot_mem.h"

#include <dirent.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static char folder[64];

static char *in_folder(const char *name, char dst[static 128])
{
	snprintf(dst, 128, "%s/%s", folder, name);
	return dst;
}

static int make_folder(void **state)
{
	(void)state;
	snprintf(folder, sizeof(folder), "/tmp/sot_file_test.XXXXXX");
	return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
	(void)state;
	char path[128];
	(void)unlink(in_folder("file", path));
	(void)rmdir(in_folder("a/b/c", path));
	(void)rmdir(in_folder("a/b", path));
	(void)rmdir(in_folder("a", path));
	return rmdir(folder);
}

static unsigned mode_of(const char *path)
{
	struct stat st;
	assert_int_equal(stat(path, &st), 0);
	return st.st_mode & 07777u;
}

static size_t entries(void)
{
	size_t n = 0;
	DIR *d = opendir(folder);
	assert_non_null(d);
	while (readdir(d))
		n++;
	(void)closedir(d);
	return n - 2; /* . and .. */
}

static void a_written_file_reads_back_replaces_the_old_and_leaves_no_other(void **state)
{
	(void)state;
	char path[128];
	SOT_AUTO_BUF out;
	sot_buf_init(&out, 100);
	in_folder("file", path);
	assert_int_equal(sot_file_write(path, SOT_STR("old"), 0644, NULL), SOT_OK);
	assert_int_equal(sot_file_write(path, SOT_STR("new\0bytes"), 0400, NULL), SOT_OK);
	assert_int_equal(sot_file_read(path, &out, NULL), SOT_OK);
	assert_true(sot_str_eq(sot_buf_str(&out), SOT_STR("new\0bytes")));
	assert_int_equal(mode_of(path), 0400);
	assert_int_equal(entries(), 1);
}

static void a_file_larger_than_the_buffer_is_a_limit(void **state)
{
	(void)state;
	char path[128];
	SOT_AUTO_BUF out;
	sot_err err = {0};
	in_folder("file", path);
	assert_int_equal(sot_file_write(path, SOT_STR("12345"), 0600, NULL), SOT_OK);
	sot_buf_init(&out, 5);
	assert_int_equal(sot_file_read(path, &out, &err), SOT_OK);
	sot_buf_clear(&out);
	sot_buf_init(&out, 4);
	assert_int_equal(sot_file_read(path, &out, &err), SOT_LIMIT);
}

static void what_is_missing_is_named(void **state)
{
	(void)state;
	SOT_AUTO_BUF out;
	sot_err err = {0};
	char path[128];
	sot_buf_init(&out, 5);
	assert_int_equal(sot_file_read(in_folder("none", path), &out, &err), SOT_NOT_FOUND);
	assert_non_null(strstr(err.text, path));
	assert_int_equal(
	    sot_file_write(in_folder("none/file", path), SOT_STR("x"), 0600, &err), SOT_UNAVAILABLE);
	assert_int_equal(entries(), 0);
}

static void folders_are_made_with_their_parents_and_twice_is_fine(void **state)
{
	(void)state;
	char path[128];
	assert_int_equal(sot_mkdirs(in_folder("a/b/c", path), 0700, NULL), SOT_OK);
	assert_int_equal(sot_mkdirs(path, 0700, NULL), SOT_OK);
	assert_int_equal(mode_of(path), 0700);
	assert_int_equal(sot_file_write(in_folder("file", path), SOT_STR("x"), 0600, NULL), SOT_OK);
	sot_err err = {0};
	assert_int_equal(sot_mkdirs(in_folder("file/sub", path), 0700, &err), SOT_UNAVAILABLE);
	assert_non_null(strstr(err.text, "Not a directory"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_folder, remove_folder)
int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(a_written_file_reads_back_replaces_the_old_and_leaves_no_other),
	    TEST(a_file_larger_than_the_buffer_is_a_limit),
	    TEST(what_is_missing_is_named),
	    TEST(folders_are_made_with_their_parents_and_twice_is_fine),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
