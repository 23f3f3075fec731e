/* The copy of the record that a start used: which boot it belongs to. */
#include "used_record.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "net_record.h"
#include "sot_file.h"
#include "sot_mem.h"
#include "test_folder.h"

static const sot_str record = SOT_STR("{\"version\":2,\"name\":\"shop\"}\n");

static int make_folder(void **state)
{
	char path[] = "/tmp/used.XXXXXX", net[64];
	assert_non_null(mkdtemp(path));
	(void)snprintf(net, sizeof(net), "%s/net", path);
	assert_int_equal(mkdir(net, 0755), 0);
	*state = sot_strdup(path);
	return 0;
}

static int remove_folder(void **state)
{
	(void)test_folder_remove(*state);
	free(*state);
	return 0;
}

static void write_copy(const char *folder, const char *boot)
{
	sot_err err = {0};
	if (used_record_write(folder, "c1", record, boot, &err) != SOT_OK)
		fail_msg("%s", err.text);
}

static bool is_of_another(const char *folder, const char *boot)
{
	bool is_other = false;
	assert_int_equal(used_record_is_of_another_boot(folder, "c1", boot, &is_other, NULL), SOT_OK);
	return is_other;
}

static void put(const char *folder, const char *text)
{
	char path[100];
	(void)snprintf(path, sizeof(path), "%s/net/c1.used.json", folder);
	assert_int_equal(sot_file_write(path, sot_str_c(text), 0644, NULL), SOT_OK);
}

static void the_first_start_belongs_to_this_boot(void **state)
{
	write_copy(*state, "boot-1");
	assert_false(is_of_another(*state, "boot-1"));
}

static void after_a_boot_the_copy_is_of_another_until_a_start_succeeds(void **state)
{
	write_copy(*state, "boot-1");
	write_copy(*state, "boot-2"); /* a start that is refused */
	write_copy(*state, "boot-2"); /* and tried again */
	assert_true(is_of_another(*state, "boot-2"));
	assert_int_equal(used_record_mark(*state, "c1", "boot-2", NULL), SOT_OK);
	assert_false(is_of_another(*state, "boot-2"));
	write_copy(*state, "boot-2");
	assert_false(is_of_another(*state, "boot-2"));
}

static void a_copy_without_a_boot_or_half_written_is_of_another(void **state)
{
	put(*state, "{\"version\":2,\"name\":\"shop\"}");
	assert_true(is_of_another(*state, "boot-1"));
	put(*state, "{\"version\":2,\"na");
	assert_true(is_of_another(*state, "boot-1"));
	write_copy(*state, "boot-1");
	assert_true(is_of_another(*state, "boot-1"));
}

static void without_a_copy_nothing_is_asked_and_nothing_marked(void **state)
{
	assert_false(is_of_another(*state, "boot-1"));
	assert_int_equal(used_record_mark(*state, "c1", "boot-1", NULL), SOT_OK);
	assert_false(is_of_another(*state, "boot-1"));
}

static void the_copy_says_what_the_record_says(void **state)
{
	char path[100];
	SOT_AUTO_BUF text;
	sot_buf_init(&text, NET_RECORD_FILE_MAX);
	write_copy(*state, "boot-1");
	(void)snprintf(path, sizeof(path), "%s/net/c1.used.json", (const char *)*state);
	assert_int_equal(sot_file_read(path, &text, NULL), SOT_OK);
	assert_string_equal(text.p, "{\"version\":2,\"name\":\"shop\",\"boot_id\":\"boot-1\"}");
}

static void what_is_no_id_names_no_file(void **state)
{
	bool is_other = false;
	assert_int_equal(
	    used_record_is_of_another_boot(*state, "../c1", "b", &is_other, NULL), SOT_INVALID);
	assert_int_equal(used_record_write(*state, "c1", SOT_STR("[]"), "b", NULL), SOT_INVALID);
}

static void this_boot_has_an_id(void **state)
{
	char boot[USED_RECORD_BOOT_MAX + 1] = "";
	(void)state;
	assert_int_equal(used_record_this_boot(boot, NULL), SOT_OK);
	assert_int_equal(strlen(boot), 36);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, make_folder, remove_folder)
int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(the_first_start_belongs_to_this_boot),
	    TEST(after_a_boot_the_copy_is_of_another_until_a_start_succeeds),
	    TEST(a_copy_without_a_boot_or_half_written_is_of_another),
	    TEST(without_a_copy_nothing_is_asked_and_nothing_marked),
	    TEST(the_copy_says_what_the_record_says),
	    TEST(what_is_no_id_names_no_file),
	    TEST(this_boot_has_an_id),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
