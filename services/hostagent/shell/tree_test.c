/* The walk of a tree that somebody changes meanwhile: it never leaves it. */
#include "test_folder.h"
#include "tree.h"

#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { SWAPS = 2000 };

static const tree_limits limits = {.entries_max = 100000, .depth_max = 32};

typedef struct world {
	char folder[64], inside[128], outside[128];
} world;

static void put(const char *folder, const char *name)
{
	char path[512];
	(void)snprintf(path, sizeof(path), "%s/%s", folder, name);
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, "x", 1), 1);
	close(fd);
}

static int setup(void **state)
{
	world *w = calloc(1, sizeof(*w));
	(void)snprintf(w->folder, sizeof(w->folder), "/tmp/tree-test.XXXXXX");
	assert_non_null(mkdtemp(w->folder));
	(void)snprintf(w->inside, sizeof(w->inside), "%s/inside", w->folder);
	(void)snprintf(w->outside, sizeof(w->outside), "%s/outside", w->folder);
	assert_int_equal(mkdir(w->inside, 0755), 0);
	assert_int_equal(mkdir(w->outside, 0755), 0);
	put(w->outside, "canary");
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	world *w = *state;
	int failed = test_folder_remove(w->folder);
	free(w);
	return failed;
}

typedef struct seen {
	unsigned files, folders, links;
	bool has_canary;
	char last[256];
} seen;

static bool note(void *self, const tree_entry *e)
{
	seen *s = self;
	s->files += S_ISREG(e->st.st_mode);
	s->folders += S_ISDIR(e->st.st_mode);
	s->links += S_ISLNK(e->st.st_mode);
	s->has_canary = s->has_canary || strcmp(e->name, "canary") == 0;
	(void)snprintf(s->last, sizeof(s->last), "%.255s", e->path);
	return true;
}

static void files_folders_and_links_are_told_and_no_link_is_followed(void **state)
{
	const world *w = *state;
	char path[256];
	sot_err err = {0};
	seen s = {0};
	(void)snprintf(path, sizeof(path), "%s/deep", w->inside);
	assert_int_equal(mkdir(path, 0755), 0);
	put(path, "file");
	put(w->inside, "file");
	(void)snprintf(path, sizeof(path), "%s/out", w->inside);
	assert_int_equal(symlink(w->outside, path), 0);
	assert_int_equal(tree_walk(w->inside, limits, note, &s, &err), SOT_OK);
	assert_int_equal(s.files, 2);
	assert_int_equal(s.folders, 1);
	assert_int_equal(s.links, 1);
	assert_false(s.has_canary);
	assert_int_equal(tree_walk(path, limits, note, &s, &err), SOT_NOT_FOUND); /* a link itself */
}

static void limits_end_the_walk(void **state)
{
	const world *w = *state;
	sot_err err = {0};
	seen s = {0};
	for (int i = 0; i < 10; i++) {
		char name[16];
		(void)snprintf(name, sizeof(name), "%d", i);
		put(w->inside, name);
	}
	assert_int_equal(
	    tree_walk(w->inside, (tree_limits){.entries_max = 4, .depth_max = 9}, note, &s, &err),
	    SOT_LIMIT);
	assert_int_equal(s.files, 4);
}

typedef struct racer {
	const world *w;
	atomic_bool is_over;
	atomic_uint swaps;
} racer;

/* A folder of the tree and a link out of it change places, again and again. */
static void *race(void *self)
{
	racer *r = self;
	char folder[256], aside[256], link[256];
	(void)snprintf(folder, sizeof(folder), "%s/swap", r->w->inside);
	(void)snprintf(aside, sizeof(aside), "%s/aside", r->w->folder);
	(void)snprintf(link, sizeof(link), "%s/link", r->w->folder);
	while (!atomic_load(&r->is_over)) {
		bool is_aside = rename(folder, aside) == 0;
		if (is_aside && symlink(r->w->outside, folder) == 0)
			atomic_fetch_add(&r->swaps, 1);
		(void)rename(folder, link); /* unless the walk removed it as what it is, a link */
		(void)unlink(link);
		if (is_aside && rename(aside, folder) != 0)
			abort();
	}
	return NULL;
}

static bool remove_files(void *self, const tree_entry *e)
{
	(void)note(self, e);
	if (!S_ISDIR(e->st.st_mode))
		(void)unlinkat(e->folder_fd, e->name, 0);
	return true;
}

static void a_racer_who_swaps_folders_for_links_gets_nothing_outside_removed(void **state)
{
	const world *w = *state;
	char folder[256], canary[256];
	racer r = {.w = w};
	pthread_t thread;
	seen s = {0};
	(void)snprintf(folder, sizeof(folder), "%s/swap", w->inside);
	(void)snprintf(canary, sizeof(canary), "%s/canary", w->outside);
	assert_int_equal(mkdir(folder, 0755), 0);
	assert_int_equal(pthread_create(&thread, NULL, race, &r), 0);
	while (atomic_load(&r.swaps) < SWAPS) {
		sot_err err = {0};
		assert_int_equal(tree_walk(w->inside, limits, remove_files, &s, &err), SOT_OK);
	}
	atomic_store(&r.is_over, true);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_int_equal(access(canary, F_OK), 0);
	assert_false(s.has_canary);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(
	        files_folders_and_links_are_told_and_no_link_is_followed, setup, teardown),
	    cmocka_unit_test_setup_teardown(limits_end_the_walk, setup, teardown),
	    cmocka_unit_test_setup_teardown(
	        a_racer_who_swaps_folders_for_links_gets_nothing_outside_removed, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
