/* The command lines that containerd's shim sends, and odd ones that must not fool the wrapper. */
#include "runc_command.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define PARSE(c, err, ...)                                                                         \
	runc_command_parse((int)(sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *)),         \
	    (const char *const[]){__VA_ARGS__}, (c), (err))

static void create_as_the_shim_sends_it(void **state)
{
	(void)state;
	sot_err err = {0};
	runc_command c = {0};
	assert_int_equal(PARSE(&c, &err, "sotalia-runc", "--sotalia-state=/var/lib/sotalia", "--root",
	                     "/run/moby", "--log", "/b/log.json", "--log-format", "json", "create",
	                     "--bundle", "/run/b", "--pid-file", "/run/p", "0f3c"),
	    SOT_OK);
	assert_true(c.creates);
	assert_string_equal(c.state, "/var/lib/sotalia");
	assert_string_equal(c.bundle, "/run/b");
	assert_string_equal(c.container_id, "0f3c");
	assert_string_equal(c.log, "/b/log.json");
	assert_int_equal(c.runc_first, 2);
	assert_null(c.runc);
}

static void other_spellings_of_the_bundle(void **state)
{
	(void)state;
	sot_err err = {0};
	runc_command c = {0};
	assert_int_equal(PARSE(&c, &err, "r", "create", "-b", "/x", "id1"), SOT_OK);
	assert_string_equal(c.bundle, "/x");
	assert_int_equal(PARSE(&c, &err, "r", "run", "--bundle=/y", "-d", "id2"), SOT_OK);
	assert_string_equal(c.bundle, "/y");
	assert_string_equal(c.container_id, "id2");
	assert_true(c.creates);
	assert_int_equal(PARSE(&c, &err, "r", "create", "id3"), SOT_OK);
	assert_string_equal(c.bundle, ".");
	assert_int_equal(PARSE(&c, &err, "r", "create", "--", "-odd"), SOT_OK);
	assert_string_equal(c.container_id, "-odd");
}

static void a_global_value_named_create_is_not_the_verb(void **state)
{
	(void)state;
	sot_err err = {0};
	runc_command c = {0};
	assert_int_equal(PARSE(&c, &err, "r", "--root", "create", "--debug", "delete", "x"), SOT_OK);
	assert_false(c.creates);
	assert_string_equal(c.verb, "delete");
}

static void other_verbs_pass(void **state)
{
	(void)state;
	sot_err err = {0};
	runc_command c = {0};
	assert_int_equal(PARSE(&c, &err, "r", "--version"), SOT_OK);
	assert_null(c.verb);
	assert_false(c.creates);
	assert_int_equal(PARSE(&c, &err, "r", "--sotalia-runc=/opt/runc", "exec", "create"), SOT_OK);
	assert_false(c.creates);
	assert_string_equal(c.runc, "/opt/runc");
	assert_int_equal(c.runc_first, 2);
}

static void a_create_without_an_id_or_a_value_is_refused(void **state)
{
	(void)state;
	sot_err err = {0};
	runc_command c = {.runc_first = 99};
	assert_int_equal(PARSE(&c, &err, "r", "create", "--bundle", "/x"), SOT_INVALID);
	assert_int_equal(PARSE(&c, &err, "r", "create", "--bundle"), SOT_INVALID);
	assert_int_equal(PARSE(&c, &err, "r", "--root"), SOT_INVALID);
	assert_int_equal(c.runc_first, 99);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(create_as_the_shim_sends_it),
	    cmocka_unit_test(other_spellings_of_the_bundle),
	    cmocka_unit_test(a_global_value_named_create_is_not_the_verb),
	    cmocka_unit_test(other_verbs_pass),
	    cmocka_unit_test(a_create_without_an_id_or_a_value_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
