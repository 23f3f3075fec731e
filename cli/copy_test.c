/* The near side of `sotalia cp`: what is sent comes out as it was; a hostile stream changes nothing
 * outside of its folder. */
#include "copy.h"
#include "test_folder.h"

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { BIG = 3000000 };

typedef struct world {
	char root[64];
} world;

static char *in_world(const world *w, const char *name, char dst[static PATH_MAX])
{
	(void)snprintf(dst, PATH_MAX, "%s/%s", w->root, name);
	return dst;
}

static void put(const world *w, const char *name, const char *text, mode_t mode)
{
	char path[PATH_MAX];
	FILE *file = fopen(in_world(w, name, path), "we");
	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
	assert_int_equal(chmod(path, mode), 0);
}

static void make_folder(const world *w, const char *name)
{
	char path[PATH_MAX];
	assert_int_equal(mkdir(in_world(w, name, path), 0755), 0);
}

/* The first bytes of a file; "" when it is not there. */
static const char *content(const world *w, const char *name)
{
	static char text[64];
	char path[PATH_MAX];
	int fd = open(in_world(w, name, path), O_RDONLY | O_CLOEXEC);
	ssize_t n = fd >= 0 ? read(fd, text, sizeof(text) - 1) : 0;
	text[n > 0 ? n : 0] = '\0';
	if (fd >= 0)
		close(fd);
	return text;
}

static int setup(void **state)
{
	world *w = calloc(1, sizeof(*w));
	assert_non_null(w);
	(void)snprintf(w->root, sizeof(w->root), "/tmp/cli-copy.XXXXXX");
	assert_non_null(mkdtemp(w->root));
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	world *w = *state;
	int failed = test_folder_remove(w->root);
	free(w);
	return failed;
}

/* copy_receive in a process of its own, as it is used. */
static bool receive(const world *w, int in, const char *into, sot_str top)
{
	char path[PATH_MAX];
	int status = -1;
	pid_t pid = fork();
	if (pid == 0) {
		uint64_t bytes = 0;
		copy_progress p;
		copy_progress_begin(&p);
		_exit(copy_receive(in, in_world(w, into, path), top, &p, &bytes) ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status == 0;
}

/* `source` of the world through a pipe into its folder `into`. */
static bool copy(
    const world *w, const char *source, sot_str sent_top, const char *into, sot_str top)
{
	char path[PATH_MAX];
	int ends[2], status = -1;
	assert_int_equal(pipe(ends), 0);
	pid_t pid = fork();
	if (pid == 0) {
		copy_progress p;
		close(ends[0]);
		copy_progress_begin(&p);
		_exit(copy_send(in_world(w, source, path), sent_top, ends[1], &p) ? 0 : 1);
	}
	close(ends[1]);
	bool received = receive(w, ends[0], into, top);
	close(ends[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return received && status == 0;
}

static void files_folders_and_links_come_out_as_they_were(void **state)
{
	const world *w = *state;
	static char big[BIG + 1];
	char path[PATH_MAX], other[PATH_MAX];
	struct stat st;
	memset(big, 'b', BIG);
	make_folder(w, "site");
	make_folder(w, "site/empty");
	make_folder(w, "site/你好");
	make_folder(w, "target");
	put(w, "site/你好/a", "first", 0640);
	put(w, "site/run.sh", "#!/bin/sh", 04755);
	put(w, "site/big", big, 0644);
	put(w, "site/nothing", "", 0600);
	assert_int_equal(symlink("run.sh", in_world(w, "site/link", path)), 0);
	assert_int_equal(symlink("/etc/passwd", in_world(w, "site/far", path)), 0);
	const struct timespec times[2] = {{1000000000, 0}, {1000000000, 0}};
	assert_int_equal(utimensat(AT_FDCWD, in_world(w, "site/run.sh", path), times, 0), 0);

	assert_true(copy(w, "site/", SOT_STR("site"), "target", SOT_STR("new name")));
	assert_string_equal(content(w, "target/new name/你好/a"), "first");
	assert_int_equal(stat(in_world(w, "target/new name/run.sh", path), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0755); /* no set-uid bit */
	assert_int_equal(st.st_mtime, 1000000000);
	assert_int_equal(stat(in_world(w, "target/new name/big", path), &st), 0);
	assert_int_equal(st.st_size, BIG);
	assert_int_equal(stat(in_world(w, "target/new name/nothing", path), &st), 0);
	assert_int_equal(st.st_size, 0);
	assert_int_equal(stat(in_world(w, "target/new name/empty", path), &st), 0);
	ssize_t n = readlink(in_world(w, "target/new name/far", path), other, sizeof(other));
	assert_int_equal(n, 11);

	/* What is in it, onto what is there; and one file under another name. */
	make_folder(w, "flat");
	put(w, "flat/nothing", "old", 0644);
	assert_false(copy(w, "site/.", (sot_str){"", 0}, "target", (sot_str){NULL, 0}));
	assert_true(copy(w, "site", SOT_STR("x"), "flat", (sot_str){"", 0}));
	assert_string_equal(content(w, "flat/你好/a"), "first");
	assert_string_equal(content(w, "flat/nothing"), "");
	assert_true(copy(w, "site/你好/a", SOT_STR("a"), "flat", SOT_STR("b")));
	assert_string_equal(content(w, "flat/b"), "first");
}

static void what_cannot_be_read_is_said_and_the_rest_comes(void **state)
{
	const world *w = *state;
	char path[PATH_MAX];
	make_folder(w, "site");
	make_folder(w, "target");
	put(w, "site/good", "good", 0644);
	assert_int_equal(mkfifo(in_world(w, "site/pipe", path), 0600), 0);
	assert_false(copy(w, "site", SOT_STR("site"), "target", (sot_str){NULL, 0}));
	assert_string_equal(content(w, "target/site/good"), "good");
	assert_false(copy(w, "absent", SOT_STR("absent"), "target", (sot_str){NULL, 0}));
}

/* ---- a stream of somebody who means ill ---- */

typedef struct forged {
	const char *name;
	unsigned type;
	const char *link; /* of a symbolic or hard link */
	bool is_hard;
} forged;

static int forge(const world *w, const forged *entries, size_t count)
{
	char path[PATH_MAX];
	struct archive *out = archive_write_new();
	assert_int_equal(archive_write_set_format_pax_restricted(out), ARCHIVE_OK);
	assert_int_equal(archive_write_open_filename(out, in_world(w, "forged.tar", path)), ARCHIVE_OK);
	for (size_t i = 0; i < count; i++) {
		const forged *f = &entries[i];
		struct archive_entry *e = archive_entry_new();
		archive_entry_set_pathname(e, f->name);
		archive_entry_set_filetype(e, f->type);
		archive_entry_set_perm(e, 0777);
		archive_entry_set_size(e, f->type == AE_IFREG && !f->is_hard ? 4 : 0);
		if (f->link && f->is_hard)
			archive_entry_set_hardlink(e, f->link);
		else if (f->link)
			archive_entry_set_symlink(e, f->link);
		assert_int_equal(archive_write_header(out, e), ARCHIVE_OK);
		if (f->type == AE_IFREG && !f->is_hard)
			assert_int_equal(archive_write_data(out, "evil", 4), 4);
		archive_entry_free(e);
	}
	assert_int_equal(archive_write_close(out), ARCHIVE_OK);
	archive_write_free(out);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	return fd;
}

static void a_hostile_stream_stays_in_its_folder(void **state)
{
	const world *w = *state;
	static const forged streams[][3] = {
	    {{"d/../../outside/prey", AE_IFREG, NULL, false}},
	    {{"../outside/prey", AE_IFREG, NULL, false}},
	    {{"d", AE_IFLNK, "../outside", false}, {"d/prey", AE_IFREG, NULL, false}},
	    {{"d/in", AE_IFLNK, "../../outside", false}, {"d/in/prey", AE_IFREG, NULL, false}},
	    {{"d/own", AE_IFREG, "../outside/prey", true}, {"d/own", AE_IFREG, NULL, false}},
	    {{"d/a", AE_IFREG, NULL, false}, {".bashrc", AE_IFREG, NULL, false}},
	    {{"d/device", AE_IFCHR, NULL, false}},
	    {{"d/pipe", AE_IFIFO, NULL, false}},
	};
	char absolute[PATH_MAX];
	make_folder(w, "outside");
	make_folder(w, "target");
	put(w, "outside/prey", "untouched", 0644);
	for (size_t i = 0; i < sizeof(streams) / sizeof(streams[0]); i++) {
		size_t count = streams[i][1].name ? 2 : 1;
		int fd = forge(w, streams[i], count);
		assert_false(receive(w, fd, "target", (sot_str){NULL, 0}));
		close(fd);
		assert_string_equal(content(w, "outside/prey"), "untouched");
		assert_string_equal(content(w, "target/.bashrc"), "");
	}
	forged one = {in_world(w, "outside/prey", absolute), AE_IFREG, NULL, false};
	int fd = forge(w, &one, 1);
	assert_false(receive(w, fd, "target", (sot_str){NULL, 0}));
	close(fd);
	assert_string_equal(content(w, "outside/prey"), "untouched");
}

/* A link that an earlier copy left leads nowhere either. */
static void a_link_that_is_there_is_not_followed(void **state)
{
	const world *w = *state;
	static const forged later = {"d/prey", AE_IFREG, NULL, false};
	char path[PATH_MAX];
	make_folder(w, "outside");
	make_folder(w, "target");
	put(w, "outside/prey", "untouched", 0644);
	assert_int_equal(symlink("../outside", in_world(w, "target/d", path)), 0);
	int fd = forge(w, &later, 1);
	assert_false(receive(w, fd, "target", (sot_str){NULL, 0}));
	close(fd);
	assert_string_equal(content(w, "outside/prey"), "untouched");
}

static void a_cut_stream_is_a_failure(void **state)
{
	const world *w = *state;
	static const forged one = {"d/a", AE_IFREG, NULL, false};
	char path[PATH_MAX];
	make_folder(w, "target");
	close(forge(w, &one, 1));
	assert_int_equal(truncate(in_world(w, "forged.tar", path), 514), 0);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_false(receive(w, fd, "target", (sot_str){NULL, 0}));
	close(fd);
	fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	assert_false(receive(w, fd, "target", (sot_str){NULL, 0}));
	close(fd);
}

static void names_are_cut_and_cleaned(void **state)
{
	static const struct {
		const char *path, *base;
		bool is_contents;
	} paths[] = {{"/a/b", "b", false}, {"a", "a", false}, {"a/b/", "b", false}, {"/", "", false},
	    {"", "", false}, {".", "", true}, {"a/.", "", true}, {"a/..", "", false},
	    {"...", "...", false}, {"/a", "a", false}};
	char text[16];
	(void)state;
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		assert_true(sot_str_eq_c(copy_base(paths[i].path), paths[i].base));
		assert_int_equal(copy_is_contents(paths[i].path), paths[i].is_contents);
	}
	assert_string_equal(copy_clean("a\x1b[2J\xff\xc2\x9b", text, sizeof(text)), "a?[2J??");
	assert_string_equal(copy_clean("你好", text, sizeof(text)), "你好");
	assert_true(strlen(copy_clean("aaaaaaaaaaaaaaaaaaaaaaaaaaaa", text, sizeof(text))) < 16);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(
	        files_folders_and_links_come_out_as_they_were, setup, teardown),
	    cmocka_unit_test_setup_teardown(
	        what_cannot_be_read_is_said_and_the_rest_comes, setup, teardown),
	    cmocka_unit_test_setup_teardown(a_hostile_stream_stays_in_its_folder, setup, teardown),
	    cmocka_unit_test_setup_teardown(a_link_that_is_there_is_not_followed, setup, teardown),
	    cmocka_unit_test_setup_teardown(a_cut_stream_is_a_failure, setup, teardown),
	    cmocka_unit_test(names_are_cut_and_cleaned),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
