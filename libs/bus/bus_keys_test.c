/* Key files: what is written can be read, by zcert too; what is open to others is refused. */
#include "bus.h"
#include "sot_file.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

typedef struct fixture {
	char dir[64], path[96], secret[96], pub[96];
} fixture;

static int setup(void **state)
{
	fixture *f = sot_alloc(sizeof(*f));
	snprintf(f->dir, sizeof(f->dir), "/tmp/bus_keys_test.XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	snprintf(f->path, sizeof(f->path), "%s/ipam.key", f->dir);
	snprintf(f->secret, sizeof(f->secret), "%s/ipam.key_secret", f->dir);
	snprintf(f->pub, sizeof(f->pub), "%s/ipam.pub", f->dir);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	fixture *f = *state;
	unlink(f->path);
	unlink(f->secret);
	unlink(f->pub);
	assert_int_equal(rmdir(f->dir), 0);
	free(f);
	return 0;
}

static bus_keypair save(const fixture *f)
{
	bus_keypair keys;
	sot_err err;
	assert_int_equal(bus_keypair_make(&keys, &err), SOT_OK);
	assert_int_equal(bus_keypair_save(f->path, &keys, &err), SOT_OK);
	return keys;
}

static void saved_keys_are_loaded_and_the_secret_is_private(void **state)
{
	fixture *f = *state;
	bus_keypair keys = save(f), loaded;
	struct stat st;
	assert_int_equal(stat(f->secret, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0400);
	sot_err err;
	assert_int_equal(bus_keypair_load(f->path, &loaded, &err), SOT_OK);
	assert_memory_equal(&keys, &loaded, sizeof(keys));
}

static void the_public_file_does_not_hold_the_secret(void **state)
{
	fixture *f = *state;
	bus_keypair keys = save(f);
	SOT_AUTO_BUF content;
	sot_buf_init(&content, 4096);
	assert_int_equal(sot_file_read(f->path, &content, NULL), SOT_OK);
	assert_non_null(strstr(content.p, keys.public_key));
	assert_null(strstr(content.p, keys.secret_key));
}

static void a_secret_that_others_may_read_is_refused(void **state)
{
	fixture *f = *state;
	save(f);
	assert_int_equal(chmod(f->secret, 0440), 0);
	bus_keypair loaded;
	sot_err err;
	assert_int_equal(bus_keypair_load(f->path, &loaded, &err), SOT_INVALID);
	assert_non_null(strstr(err.text, "chmod 0400"));
}

static void missing_mixed_or_broken_keys_are_refused(void **state)
{
	fixture *f = *state;
	bus_keypair loaded;
	sot_err err;
	assert_int_equal(bus_keypair_load(f->path, &loaded, &err), SOT_NOT_FOUND);
	bus_keypair keys = save(f), other;
	assert_int_equal(bus_keypair_make(&other, NULL), SOT_OK);
	keys = (bus_keypair){{0}, {0}};
	memcpy(keys.public_key, other.public_key, sizeof(keys.public_key));
	assert_int_equal(bus_keypair_load(f->path, &loaded, NULL), SOT_OK);
	memcpy(keys.secret_key, loaded.secret_key, sizeof(keys.secret_key));
	assert_int_equal(bus_keypair_save(f->path, &keys, &err), SOT_OK);
	assert_int_equal(bus_keypair_load(f->path, &loaded, &err), SOT_INVALID);
	assert_int_equal(sot_file_write(f->secret, SOT_STR("nonsense"), 0400, &err), SOT_OK);
	assert_int_equal(bus_keypair_load(f->path, &loaded, &err), SOT_INVALID);
}

static void a_public_line_is_read_and_anything_else_refused(void **state)
{
	fixture *f = *state;
	bus_keypair keys;
	assert_int_equal(bus_keypair_make(&keys, NULL), SOT_OK);
	char line[64], loaded[BUS_KEY_TEXT];
	snprintf(line, sizeof(line), "%s\n", keys.public_key);
	sot_err err;
	assert_int_equal(sot_file_write(f->pub, sot_str_c(line), 0644, &err), SOT_OK);
	assert_int_equal(bus_public_key_load(f->pub, loaded, &err), SOT_OK);
	assert_string_equal(loaded, keys.public_key);
	static const char *const wrong[] = {"", "short\n", "two\nlines\n",
	    "                                        ",
	    "\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\"};
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		assert_int_equal(sot_file_write(f->pub, sot_str_c(wrong[i]), 0644, &err), SOT_OK);
		assert_int_equal(bus_public_key_load(f->pub, loaded, &err), SOT_INVALID);
	}
}

static void reading_keys_leaves_the_signals_alone(void **state)
{
	fixture *f = *state;
	save(f);
	bus_keypair loaded;
	assert_int_equal(bus_keypair_load(f->path, &loaded, NULL), SOT_OK);
	struct sigaction action;
	assert_int_equal(sigaction(SIGINT, NULL, &action), 0);
	assert_true(action.sa_handler == SIG_DFL);
	assert_int_equal(sigaction(SIGTERM, NULL, &action), 0);
	assert_true(action.sa_handler == SIG_DFL);
}

static void services_of_a_folder_are_allowed_by_name(void **state)
{
	fixture *f = *state;
	bus_keypair keys = save(f);
	reactor *r = NULL;
	bus *b = NULL;
	sot_err err;
	assert_int_equal(reactor_new(&r, &err), SOT_OK);
	assert_int_equal(bus_new(r, &keys, &b, &err), SOT_OK);
	assert_int_equal(sot_file_write(f->pub, sot_str_c(keys.public_key), 0644, &err), SOT_OK);
	assert_int_equal(bus_allow_services(b, f->dir, &err), SOT_OK);
	assert_int_equal(sot_file_write(f->pub, SOT_STR("broken"), 0644, &err), SOT_OK);
	assert_int_equal(bus_allow_services(b, f->dir, &err), SOT_INVALID);
	assert_non_null(strstr(err.text, "ipam.pub"));
	assert_int_equal(bus_allow_services(b, "/no/such/folder", &err), SOT_NOT_FOUND);
	bus_free(b);
	reactor_free(r);
}

#define KEYS_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    KEYS_TEST(saved_keys_are_loaded_and_the_secret_is_private),
	    KEYS_TEST(the_public_file_does_not_hold_the_secret),
	    KEYS_TEST(a_secret_that_others_may_read_is_refused),
	    KEYS_TEST(missing_mixed_or_broken_keys_are_refused),
	    KEYS_TEST(a_public_line_is_read_and_anything_else_refused),
	    KEYS_TEST(reading_keys_leaves_the_signals_alone),
	    KEYS_TEST(services_of_a_folder_are_allowed_by_name),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
