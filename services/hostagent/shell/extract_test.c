/* Hostile and honest archives, made here with libarchive, unpacked below a fresh folder with a
 * canary beside it. */
#include "extract.h"
#include "test_folder.h"

#include <archive.h>
#include <archive_entry.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

typedef struct item {
	const char *name;
	mode_t type;         /* AE_IF* */
	const char *content; /* or the target of a link */
	const char *hardlink;
	mode_t mode;
	size_t repeat; /* content is written that often */
} item;

typedef struct place {
	char root[64], out[80], archive[80], canary[80];
} place;

static int setup(void **state)
{
	place *p = calloc(1, sizeof(*p));
	(void)snprintf(p->root, sizeof(p->root), "/tmp/extract-test.XXXXXX");
	assert_non_null(mkdtemp(p->root));
	(void)snprintf(p->out, sizeof(p->out), "%s/out", p->root);
	(void)snprintf(p->archive, sizeof(p->archive), "%s/a", p->root);
	(void)snprintf(p->canary, sizeof(p->canary), "%s/canary", p->root);
	assert_int_equal(mkdir(p->out, 0755), 0);
	FILE *f = fopen(p->canary, "w");
	assert_non_null(f);
	assert_true(fputs("alive", f) >= 0 && fclose(f) == 0);
	*state = p;
	return 0;
}

static int teardown(void **state)
{
	place *p = *state;
	(void)test_folder_remove(p->root);
	free(p);
	return 0;
}

static void write_item(struct archive *a, const item *i)
{
	struct archive_entry *e = archive_entry_new();
	size_t n = i->content && i->type == AE_IFREG ? strlen(i->content) : 0;
	size_t repeat = i->repeat ? i->repeat : 1;
	archive_entry_set_pathname(e, i->name);
	archive_entry_set_filetype(e, i->type);
	archive_entry_set_perm(e, i->mode ? i->mode : 0644);
	archive_entry_set_size(e, (la_int64_t)(n * repeat));
	if (i->type == AE_IFLNK)
		archive_entry_set_symlink(e, i->content);
	if (i->hardlink)
		archive_entry_set_hardlink(e, i->hardlink);
	assert_int_equal(archive_write_header(a, e), ARCHIVE_OK);
	for (size_t k = 0; n > 0 && k < repeat; k++)
		assert_int_equal(archive_write_data(a, i->content, n), (int)n);
	archive_entry_free(e);
}

static void make(const place *p, bool zip, const item *items, size_t count)
{
	struct archive *a = archive_write_new();
	if (zip) {
		assert_int_equal(archive_write_set_format_zip(a), ARCHIVE_OK);
	} else {
		assert_int_equal(archive_write_set_format_pax_restricted(a), ARCHIVE_OK);
		assert_int_equal(archive_write_add_filter_gzip(a), ARCHIVE_OK);
	}
	assert_int_equal(archive_write_open_filename(a, p->archive), ARCHIVE_OK);
	for (size_t i = 0; i < count; i++)
		write_item(a, &items[i]);
	assert_int_equal(archive_write_close(a), ARCHIVE_OK);
	archive_write_free(a);
}

static void check_canary(const place *p)
{
	char text[16] = "";
	FILE *f = fopen(p->canary, "r");
	assert_non_null(f);
	assert_non_null(fgets(text, sizeof(text), f));
	(void)fclose(f);
	assert_string_equal(text, "alive");
}

static void an_honest_archive_is_unpacked(void **state)
{
	place *p = *state;
	static const item items[] = {{.name = "WEB-INF/", .type = AE_IFDIR},
	    {.name = "./index.html", .type = AE_IFREG, .content = "hello"},
	    {.name = "bin/run", .type = AE_IFREG, .content = "#!", .mode = 06755},
	    {.name = "current", .type = AE_IFLNK, .content = "bin/run"}};
	for (int zip = 0; zip < 2; zip++) {
		struct stat st;
		char path[160];
		sot_err err = {0};
		make(p, zip, items, zip ? 3 : 4);
		sot_code code = extract_archive(p->archive, p->out, &extract_default_limits, &err);
		if (code != SOT_OK)
			fail_msg("%s", err.text);
		(void)snprintf(path, sizeof(path), "%s/bin/run", p->out);
		assert_int_equal(stat(path, &st), 0);
		assert_int_equal(st.st_mode & 07777, 0755);
		(void)snprintf(path, sizeof(path), "%s/index.html", p->out);
		assert_int_equal(stat(path, &st), 0);
		assert_int_equal(st.st_mode & 07777, 0644);
		(void)test_folder_remove(p->out);
		assert_int_equal(mkdir(p->out, 0755), 0);
	}
}

static void hostile_entries_are_refused_and_the_canary_lives(void **state)
{
	place *p = *state;
	static const item cases[][2] = {
	    {{.name = "../canary", .type = AE_IFREG, .content = "dead"}},
	    {{.name = "a/../../canary", .type = AE_IFREG, .content = "dead"}},
	    {{.name = "/tmp/canary", .type = AE_IFREG, .content = "dead"}},
	    {{.name = "x", .type = AE_IFLNK, .content = "../canary"}},
	    {{.name = "x", .type = AE_IFLNK, .content = "/etc/passwd"}},
	    {{.name = "a/x", .type = AE_IFLNK, .content = "b/../../../canary"}},
	    {{.name = "x", .type = AE_IFREG, .hardlink = "../canary"}},
	    {{.name = "x", .type = AE_IFCHR}},
	    {{.name = "x", .type = AE_IFIFO}},
	    /* A file through a link made before it, and a name twice. */
	    {{.name = "d", .type = AE_IFREG, .content = "1"},
	        {.name = "d/x", .type = AE_IFREG, .content = "dead"}},
	    {{.name = "same", .type = AE_IFREG, .content = "1"},
	        {.name = "same", .type = AE_IFREG, .content = "2"}},
	    {{.name = "same", .type = AE_IFREG, .content = "1"},
	        {.name = "same", .type = AE_IFLNK, .content = "other"}},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		sot_err err = {0};
		make(p, false, cases[i], cases[i][1].name ? 2 : 1);
		sot_code code = extract_archive(p->archive, p->out, &extract_default_limits, &err);
		if (code != SOT_INVALID)
			fail_msg("case %zu was taken: code %d %s", i, (int)code, err.text);
		assert_true(err.text[0] != '\0');
		check_canary(p);
		(void)test_folder_remove(p->out);
		assert_int_equal(mkdir(p->out, 0755), 0);
	}
}

static void links_are_made_last_so_nothing_is_written_through_them(void **state)
{
	place *p = *state;
	struct stat st;
	char path[160];
	sot_err err = {0};
	static const item items[] = {{.name = "real/", .type = AE_IFDIR},
	    {.name = "way", .type = AE_IFLNK, .content = "real"},
	    {.name = "way/file", .type = AE_IFREG, .content = "x"}};
	make(p, false, items, 3);
	/* "way" became a folder for the file, so the link cannot be made: refused, not followed. */
	assert_int_equal(
	    extract_archive(p->archive, p->out, &extract_default_limits, &err), SOT_INVALID);
	(void)snprintf(path, sizeof(path), "%s/real/file", p->out);
	assert_int_not_equal(stat(path, &st), 0);
}

static void limits_hold_while_streaming(void **state)
{
	place *p = *state;
	sot_err err = {0};
	static const char zeros[4097] = "0000000000000000000000000000000000000000000000000000000000000";
	item big = {.name = "big", .type = AE_IFREG, .content = zeros, .repeat = 100000};
	item few[3] = {{.name = "a", .type = AE_IFREG}, {.name = "b", .type = AE_IFREG},
	    {.name = "c", .type = AE_IFREG}};
	extract_limits limits = extract_default_limits;
	make(p, true, &big, 1);
	assert_int_equal(extract_archive(p->archive, p->out, &limits, &err), SOT_LIMIT);
	assert_non_null(strstr(err.text, "times its size"));
	(void)test_folder_remove(p->out);
	assert_int_equal(mkdir(p->out, 0755), 0);
	limits.entry_bytes = 1000;
	assert_int_equal(extract_archive(p->archive, p->out, &limits, &err), SOT_LIMIT);
	assert_non_null(strstr(err.text, "larger than"));
	limits = extract_default_limits;
	limits.entries = 2;
	make(p, true, few, 3);
	assert_int_equal(extract_archive(p->archive, p->out, &limits, &err), SOT_LIMIT);
	assert_non_null(strstr(err.text, "entries"));
}

static void what_is_no_archive_is_named_so(void **state)
{
	place *p = *state;
	sot_err err = {0};
	assert_int_equal(
	    extract_archive(p->canary, p->out, &extract_default_limits, &err), SOT_INVALID);
	assert_non_null(strstr(err.text, "not a readable zip"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(an_honest_archive_is_unpacked, setup, teardown),
	    cmocka_unit_test_setup_teardown(
	        hostile_entries_are_refused_and_the_canary_lives, setup, teardown),
	    cmocka_unit_test_setup_teardown(
	        links_are_made_last_so_nothing_is_written_through_them, setup, teardown),
	    cmocka_unit_test_setup_teardown(limits_hold_while_streaming, setup, teardown),
	    cmocka_unit_test_setup_teardown(what_is_no_archive_is_named_so, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
