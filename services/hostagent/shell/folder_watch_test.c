/* A folder that was written in is told, through whatever name the file was written. */
#include "folder_watch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

enum { FOLDERS = 3 };

typedef struct heard {
	unsigned written[64], gone, any;
} heard;

static char root[64];

static char *path_of(unsigned folder, const char *name, char dst[static 128])
{
	(void)snprintf(dst, 128, "%s/%u/%s", root, folder, name);
	return dst;
}

static void put(unsigned folder, const char *name, const char *text)
{
	char path[128];
	FILE *file = fopen(path_of(folder, name, path), "ae");
	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

static void hear(void *self, folder_change change, int handle)
{
	heard *h = self;
	if (change == FOLDER_WRITTEN)
		h->written[handle]++;
	h->gone += change == FOLDER_GONE;
	h->any += change == FOLDER_ANY;
}

static heard take(folder_watch *w)
{
	heard h = {.gone = 0};
	folder_watch_take(w, hear, &h);
	return h;
}

static void what_is_written_is_told_once_and_only_there(void **state)
{
	SOT_AUTO(folder_watch) w = folder_watch_new();
	int handles[FOLDERS];
	char path[128], other[128];
	(void)state;
	for (unsigned i = 0; i < FOLDERS; i++) {
		(void)mkdir(path_of(i, "", path), 0700);
		handles[i] = folder_watch_add(w, path);
		assert_true(handles[i] > 0 && handles[i] < 64);
	}
	assert_int_equal(folder_watch_add(w, path_of(0, "", path)), handles[0]);
	heard h = take(w);
	assert_int_equal(h.written[handles[1]], 0);
	put(1, "logins", "a");
	h = take(w);
	assert_true(h.written[handles[1]] > 0);
	assert_int_equal(h.written[handles[0]] + h.written[handles[2]], 0);
	h = take(w);
	assert_int_equal(h.written[handles[1]], 0); /* told, and forgotten */

	/* Replaced by a rename, as a journal is when it is turned over. */
	put(2, "new", "b");
	(void)take(w);
	assert_int_equal(rename(path_of(2, "new", path), path_of(2, "logins", other)), 0);
	h = take(w);
	assert_true(h.written[handles[2]] > 0);

	folder_watch_remove(w, handles[1]);
	put(1, "logins", "c");
	h = take(w);
	assert_int_equal(h.written[handles[1]], 0);
}

static void a_folder_that_is_not_there_has_no_handle(void **state)
{
	SOT_AUTO(folder_watch) w = folder_watch_new();
	char path[128];
	(void)state;
	assert_int_equal(folder_watch_add(w, "/nothing/here"), FOLDER_WATCH_NONE);
	folder_watch_remove(w, FOLDER_WATCH_NONE);
	(void)mkdir(path_of(9, "", path), 0700);
	assert_true(folder_watch_add(w, path) >= 0);
	assert_int_equal(rmdir(path), 0);
	assert_int_equal(take(w).gone, 1);
}

/* Nobody reads, somebody writes on: what the kernel could not hold is told as such. */
static void lost_changes_are_told_as_any(void **state)
{
	SOT_AUTO(folder_watch) w = folder_watch_new();
	char path[128], other[128];
	unsigned any = 0;
	(void)state;
	(void)mkdir(path_of(5, "", path), 0700);
	assert_true(folder_watch_add(w, path) >= 0);
	put(5, "a", "x");
	for (unsigned i = 0; i < 40000; i++) { /* alternately: equal events in a row are kept as one */
		const char *from = i % 2 ? "b" : "a", *to = i % 2 ? "a" : "b";
		assert_int_equal(rename(path_of(5, from, path), path_of(5, to, other)), 0);
	}
	for (unsigned i = 0; i < 1000 && any == 0; i++)
		any = take(w).any;
	assert_int_equal(any, 1);
}

static int setup(void **state)
{
	(void)state;
	(void)snprintf(root, sizeof(root), "/tmp/folder-watch.XXXXXX");
	return mkdtemp(root) ? 0 : -1;
}

static int teardown(void **state)
{
	char path[128];
	(void)state;
	for (unsigned i = 0; i < 10; i++) {
		static const char *const names[] = {"a", "b", "logins", "new", ""};
		for (size_t n = 0; n < sizeof(names) / sizeof(names[0]); n++)
			(void)remove(path_of(i, names[n], path));
	}
	return rmdir(root);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_is_written_is_told_once_and_only_there),
	    cmocka_unit_test(a_folder_that_is_not_there_has_no_handle),
	    cmocka_unit_test(lost_changes_are_told_as_any),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
