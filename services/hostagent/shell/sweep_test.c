/* Clean-up on real files: what goes, what stays, and a racer who swaps folders for links. */
#include "sweep.h"
#include "test_folder.h"

#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

enum { DAY = 86400, TOTALS = 16, SWAPS = 2000, SWEEPS = 3000 };

typedef struct world {
	char folder[64];
} world;

static char *path_of(const world *w, const char *name, char dst[static 256])
{
	(void)snprintf(dst, 256, "%s/%s", w->folder, name);
	return dst;
}

static void put(const world *w, const char *name)
{
	char path[256];
	int fd = open(path_of(w, name, path), O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, "0123456789", 10), 10);
	close(fd);
}

static void make(const world *w, const char *name)
{
	char path[256];
	assert_int_equal(mkdir(path_of(w, name, path), 0755), 0);
}

static bool is_there(const world *w, const char *name)
{
	char path[256];
	struct stat st;
	return lstat(path_of(w, name, path), &st) == 0;
}

static int setup(void **state)
{
	world *w = calloc(1, sizeof(*w));
	(void)snprintf(w->folder, sizeof(w->folder), "/tmp/sweep-test.XXXXXX");
	assert_non_null(mkdtemp(w->folder));
	make(w, "applogs");
	make(w, "outside");
	put(w, "outside/canary.log.1");
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

/* The files are new; the clock of the sweep is ahead. */
static sweep_options in_days(int days)
{
	return (sweep_options){.settings = {"keep*", ""},
	    .free_permille = 500,
	    .now_unix_s = time(NULL) + (int64_t)days * DAY,
	    .entries_max = 1000};
}

static uint64_t sweep(
    const world *w, const char *name, cleanup_place place, sweep_options o, sweep_keep_fn keep)
{
	char path[256];
	sweep_total totals[TOTALS] = {{0, 0}};
	uint64_t entries = 0;
	sweep_place(path_of(w, name, path), place, &o, keep, NULL, totals);
	for (size_t i = 0; i < TOTALS; i++)
		entries += totals[i].entries;
	return entries;
}

static void old_rotated_logs_go_and_nothing_else(void **state)
{
	const world *w = *state;
	char link[256], target[256];
	make(w, "applogs/deep");
	put(w, "applogs/app.log");
	put(w, "applogs/app.log.1");
	put(w, "applogs/deep/gc.log.2");
	put(w, "applogs/keep.log.1");
	assert_int_equal(
	    symlink(path_of(w, "outside", target), path_of(w, "applogs/x.log.9", link)), 0);
	assert_int_equal(sweep(w, "applogs", CLEANUP_APPLOGS, in_days(2), NULL), 0);
	sweep_options dry = in_days(9);
	dry.is_dry = true;
	assert_int_equal(sweep(w, "applogs", CLEANUP_APPLOGS, dry, NULL), 2);
	assert_true(is_there(w, "applogs/app.log.1"));
	assert_int_equal(sweep(w, "applogs", CLEANUP_APPLOGS, in_days(9), NULL), 2);
	assert_false(is_there(w, "applogs/app.log.1") || is_there(w, "applogs/deep/gc.log.2"));
	assert_true(is_there(w, "applogs/app.log") && is_there(w, "applogs/keep.log.1"));
	assert_true(is_there(w, "applogs/x.log.9")); /* a link is no log */
	assert_true(is_there(w, "outside/canary.log.1"));
}

static void a_run_removes_no_more_than_its_share(void **state)
{
	const world *w = *state;
	for (int i = 0; i < 10; i++) {
		char name[64];
		(void)snprintf(name, sizeof(name), "applogs/a%d.log.1", i);
		put(w, name);
	}
	sweep_options o = in_days(9);
	o.entries_max = 4;
	assert_int_equal(sweep(w, "applogs", CLEANUP_APPLOGS, o, NULL), 4);
	assert_int_equal(sweep(w, "applogs", CLEANUP_APPLOGS, in_days(9), NULL), 6);
}

static void a_retired_folder_goes_whole_after_its_week(void **state)
{
	const world *w = *state;
	make(w, "retired");
	make(w, "retired/0192");
	make(w, "retired/0192/appdatas");
	put(w, "retired/0192/appdatas/dump.rdb");
	assert_int_equal(sweep(w, "retired", CLEANUP_RETIRED, in_days(6), NULL), 0);
	assert_int_equal(sweep(w, "retired", CLEANUP_RETIRED, in_days(8), NULL), 3);
	assert_false(is_there(w, "retired/0192"));
}

static bool keep_aa(void *self, const char *name)
{
	(void)self;
	return strcmp(name, "aa") == 0;
}

static void a_package_that_is_needed_stays_however_old(void **state)
{
	const world *w = *state;
	make(w, "packages");
	make(w, "packages/aa");
	put(w, "packages/aa/index.html");
	make(w, "packages/bb");
	make(w, "packages/.blobs");
	put(w, "packages/bb/index.html");
	assert_int_equal(sweep(w, "packages", CLEANUP_PACKAGES, in_days(900), keep_aa), 2);
	assert_true(is_there(w, "packages/aa/index.html") && is_there(w, "packages/.blobs"));
	assert_false(is_there(w, "packages/bb"));
}

typedef struct racer {
	const world *w;
	atomic_bool is_over;
	atomic_uint swaps;
} racer;

/* The folder and a link to outside change places at once, so that half of all looks at the name
 * find the other one a moment later. */
static void *race(void *self)
{
	racer *r = self;
	char folder[256], aside[256], target[256];
	(void)path_of(r->w, "applogs/swap", folder);
	(void)path_of(r->w, "aside", aside);
	(void)path_of(r->w, "outside", target);
	if (symlink(target, aside) != 0)
		abort();
	while (!atomic_load(&r->is_over)) {
		if (renameat2(AT_FDCWD, folder, AT_FDCWD, aside, RENAME_EXCHANGE) != 0)
			abort();
		atomic_fetch_add(&r->swaps, 1);
	}
	return NULL;
}

static void a_racer_gets_nothing_outside_removed(void **state)
{
	const world *w = *state;
	racer r = {.w = w};
	pthread_t thread;
	make(w, "applogs/swap");
	assert_int_equal(pthread_create(&thread, NULL, race, &r), 0);
	for (unsigned n = 0; n < SWEEPS || atomic_load(&r.swaps) < SWAPS; n++)
		(void)sweep(w, "applogs", CLEANUP_APPLOGS, in_days(900), NULL);
	atomic_store(&r.is_over, true);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_true(is_there(w, "outside/canary.log.1"));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
	    TEST(old_rotated_logs_go_and_nothing_else),
	    TEST(a_run_removes_no_more_than_its_share),
	    TEST(a_retired_folder_goes_whole_after_its_week),
	    TEST(a_package_that_is_needed_stays_however_old),
	    TEST(a_racer_gets_nothing_outside_removed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
