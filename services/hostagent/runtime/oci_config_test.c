/* What the wrapper adds to a bundle's configuration. */
#include "oci_config.h"

#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sot_mem.h"

static const char before[] =
    "{\"ociVersion\":\"1.0.2\",\"mounts\":[{\"destination\":\"/proc\",\"type\":\"proc\","
    "\"source\":\"proc\"}],\"hooks\":{\"prestart\":[{\"path\":\"/proc/1/exe\"}]},"
    "\"process\":{\"args\":[\"/sbin/sotalia-init\"]}}";

static net_record record_with_a_mount(void)
{
	net_record r = {.mount_count = 1};
	r.mounts[0] = (net_record_mount){
	    .source = "/s/packages/ab", .destination = "/data/webapps/shop", .read_only = true};
	return r;
}

static json_t *amend(const char *text)
{
	sot_err err = {0};
	net_record r = record_with_a_mount();
	SOT_AUTO_BUF out;
	sot_buf_init(&out, 65536);
	assert_int_equal(
	    oci_config_amend(sot_str_c(text), &r, "/l/sotalia-net-hook", "/s", &out, &err), SOT_OK);
	json_t *object = json_loadb(out.p, out.n, 0, NULL);
	assert_non_null(object);
	return object;
}

static void check_amended(const json_t *o)
{
	const json_t *mounts = json_object_get(o, "mounts");
	const json_t *list = json_object_get(json_object_get(o, "hooks"), "createRuntime");
	assert_int_equal(json_array_size(mounts), 2);
	assert_int_equal(json_array_size(list), 1);
	const json_t *mount = json_array_get(mounts, 1);
	json_t *options = json_pack("[s,s,s,s,s]", "rbind", "ro", "nosuid", "nodev", "rprivate");
	assert_true(json_equal(json_object_get(mount, "options"), options));
	json_decref(options);
	const json_t *hook = json_array_get(list, 0);
	assert_string_equal(
	    json_string_value(json_array_get(json_object_get(hook, "args"), 1)), "--state=/s");
	assert_int_equal(json_integer_value(json_object_get(hook, "timeout")), 5);
	assert_int_equal(json_array_size(json_object_get(json_object_get(o, "hooks"), "prestart")), 1);
	assert_non_null(json_object_get(o, "process"));
}

static void mounts_and_hook_are_added_and_the_rest_is_kept(void **state)
{
	(void)state;
	json_t *o = amend(before);
	check_amended(o);
	json_decref(o);
}

static void amending_twice_changes_nothing_more(void **state)
{
	(void)state;
	json_t *once = amend(before);
	char *text = json_dumps(once, JSON_COMPACT);
	json_t *twice = amend(text);
	assert_true(json_equal(once, twice));
	check_amended(twice);
	free(text);
	json_decref(once);
	json_decref(twice);
}

static void what_is_no_configuration_is_refused(void **state)
{
	(void)state;
	static const char *const cases[] = {"", "{", "[]", "{\"mounts\":[]}",
	    "{\"ociVersion\":\"1\",\"mounts\":{}}", "{\"ociVersion\":\"1\",\"hooks\":[]}",
	    "{\"ociVersion\":\"1\",\"hooks\":{\"createRuntime\":1}}"};
	net_record r = record_with_a_mount();
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		sot_err err = {0};
		SOT_AUTO_BUF out;
		sot_buf_init(&out, 4096);
		assert_int_equal(
		    oci_config_amend(sot_str_c(cases[i]), &r, "/l/h", "/s", &out, &err), SOT_INVALID);
		assert_true(err.text[0] != '\0');
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(mounts_and_hook_are_added_and_the_rest_is_kept),
	    cmocka_unit_test(amending_twice_changes_nothing_more),
	    cmocka_unit_test(what_is_no_configuration_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
