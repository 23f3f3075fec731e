/* A look at unpacked packages below a folder of our own: sizes, who names them, when they go. */
#include "look_packages.h"

#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include <cmocka.h>

#include "sot_parse.h"
#include "test_folder.h"

#define DIGEST(c) c c c c c c c c c c c c c c c c
#define USED DIGEST("a1b2")
#define RUNS DIGEST("c3d4")
#define OLD DIGEST("e5f6")

enum { DAY = 86400 };

typedef struct world {
	char folder[64];
	package_users users;
	look_packages_options options;
} world;

static void make(const world *w, const char *name)
{
	char path[300];
	(void)snprintf(path, sizeof(path), "%s/%s", w->folder, name);
	assert_int_equal(mkdir(path, 0755), 0);
}

static void put(const world *w, const char *name, const char *text, size_t times)
{
	char path[300];
	(void)snprintf(path, sizeof(path), "%s/%s", w->folder, name);
	FILE *f = fopen(path, "we");
	assert_non_null(f);
	for (size_t i = 0; i < times; i++)
		assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

static void use(world *w, const char *name, const char *digest)
{
	uint8_t bytes[32];
	assert_int_equal(sot_hex_decode(sot_str_c(digest), bytes, sizeof(bytes), NULL), SOT_OK);
	sot_instance_spec spec = {.name = sot_str_c(name),
	    .app = SOT_STR("shop"),
	    .package_sha256 = {(const char *)bytes, sizeof(bytes)}};
	package_users_add(&w->users, &spec);
}

static int setup(void **state)
{
	world *w = calloc(1, sizeof(*w));
	assert_non_null(w);
	(void)snprintf(w->folder, sizeof(w->folder), "/tmp/look-packages-test.XXXXXX");
	assert_non_null(mkdtemp(w->folder));
	w->options = (look_packages_options){.state_dir = w->folder,
	    .cleanup = "on",
	    .settings = {"", ""},
	    .free_permille = 500,
	    .now_unix_s = time(NULL)};
	package_users_init(&w->users);
	make(w, "net");
	make(w, "packages");
	make(w, "packages/.blobs");
	make(w, "packages/" USED);
	make(w, "packages/" USED "/lib");
	make(w, "packages/" RUNS);
	make(w, "packages/" OLD);
	put(w, "packages/" USED "/lib/shop.jar", "0123456789abcdef", 1000);
	put(w, "packages/" OLD "/old.jar", "0123456789abcdef", 3000);
	put(w, "packages/stranger", "x", 1);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	world *w = *state;
	int failed = test_folder_remove(w->folder);
	package_users_clear(&w->users);
	free(w);
	return failed;
}

static json_t *looked(world *w)
{
	json_error_t why;
	SOT_AUTO_BUF text;
	sot_buf_init(&text, LOOK_PACKAGES_MAX + 1024);
	package_users_read_records(&w->users, w->folder);
	look_packages(&w->options, &w->users, &text);
	json_t *seen = json_loadb(text.p, text.n, JSON_REJECT_DUPLICATES, &why);
	if (!seen)
		fail_msg("%s: %s", why.text, text.p);
	return seen;
}

static const json_t *package(const json_t *seen, const char *digest)
{
	size_t i;
	const json_t *p;
	json_array_foreach(json_object_get(seen, "packages"), i, p)
	{
		if (strcmp(json_string_value(json_object_get(p, "sha256")), digest) == 0)
			return p;
	}
	fail_msg("%s is not told", digest);
	return NULL;
}

#define NUMBER(o, name) json_integer_value(json_object_get(o, name))
#define IS_NULL(o, name) json_is_null(json_object_get(o, name))
#define IS_TRUE(o, name) json_is_true(json_object_get(o, name))

static void packages_tell_their_size_and_who_names_them(void **state)
{
	world *w = *state;
	char name[40];
	for (int i = 0; i < 12; i++) {
		(void)snprintf(name, sizeof(name), "shop-default-%02d", i);
		use(w, name, USED);
	}
	put(w, "net/c1.json", "{\"mounts\":[{\"source\":\"/x/packages/" RUNS "\"}]}", 1);
	json_t *seen = looked(w);
	const json_t *used = package(seen, USED), *runs = package(seen, RUNS);
	assert_int_equal(NUMBER(seen, "packagesTotal"), 3);
	assert_int_equal(json_array_size(json_object_get(seen, "packages")), 3);
	assert_in_range(NUMBER(used, "sizeBytes"), 16000, 64000);
	assert_true(IS_TRUE(used, "needed") && IS_NULL(used, "removableInSeconds"));
	assert_int_equal(NUMBER(used, "instancesTotal"), 12);
	assert_int_equal(json_array_size(json_object_get(used, "instances")), LOOK_PACKAGES_NAMES_MAX);
	assert_string_equal(json_string_value(json_array_get(json_object_get(used, "instances"), 0)),
	    "shop-default-00");
	/* No spec names it any more, but a process still runs with it. */
	assert_true(IS_TRUE(runs, "needed") && IS_NULL(runs, "removableInSeconds"));
	assert_int_equal(NUMBER(runs, "instancesTotal"), 0);
	json_decref(seen);
}

static void what_nobody_needs_says_when_clean_up_takes_it(void **state)
{
	world *w = *state;
	json_t *seen = looked(w);
	const json_t *old = package(seen, OLD);
	assert_false(IS_TRUE(old, "needed"));
	assert_in_range(NUMBER(old, "removableInSeconds"), 3 * DAY - 60, 3 * DAY);
	json_decref(seen);
	w->options.now_unix_s += 4 * DAY;
	seen = looked(w);
	old = package(seen, OLD);
	assert_int_equal(json_integer_value(json_object_get(old, "removableInSeconds")), 0);
	assert_false(IS_NULL(old, "removableInSeconds"));
	json_decref(seen);
	w->options.settings.ages = "package_versions=604800";
	seen = looked(w);
	assert_in_range(NUMBER(package(seen, OLD), "removableInSeconds"), 3 * DAY - 60, 3 * DAY);
	json_decref(seen);
	w->options.settings.excluded = "e5f6*";
	seen = looked(w);
	assert_true(IS_NULL(package(seen, OLD), "removableInSeconds"));
	json_decref(seen);
}

/* As the sweeper: while it is not known what runs, nothing is said to be junk. */
static void without_all_records_everything_is_needed(void **state)
{
	world *w = *state;
	make(w, "net/c1.json");
	json_t *seen = looked(w);
	assert_true(IS_TRUE(package(seen, OLD), "needed"));
	json_decref(seen);
}

static void a_host_without_packages_says_so(void **state)
{
	world *w = *state;
	w->options.state_dir = "/nowhere";
	json_t *seen = looked(w);
	assert_int_equal(NUMBER(seen, "packagesTotal"), 0);
	assert_string_equal(json_string_value(json_object_get(seen, "cleanup")), "on");
	json_decref(seen);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(
	        packages_tell_their_size_and_who_names_them, setup, teardown),
	    cmocka_unit_test_setup_teardown(
	        what_nobody_needs_says_when_clean_up_takes_it, setup, teardown),
	    cmocka_unit_test_setup_teardown(without_all_records_everything_is_needed, setup, teardown),
	    cmocka_unit_test_setup_teardown(a_host_without_packages_says_so, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
