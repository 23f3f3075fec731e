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

static json_t *amend_with(const char *text, const char *view)
{
	sot_err err = {0};
	net_record r = record_with_a_mount();
	oci_additions a = {
	    .record = &r, .hook_path = "/l/sotalia-net-hook", .state = "/s", .view = view};
	SOT_AUTO_BUF out;
	sot_buf_init(&out, 65536);
	a.has_file[1] = a.has_file[7] = true;
	assert_int_equal(oci_config_amend(sot_str_c(text), &a, &out, &err), SOT_OK);
	json_t *object = json_loadb(out.p, out.n, 0, NULL);
	assert_non_null(object);
	return object;
}

static json_t *amend(const char *text)
{
	return amend_with(text, NULL);
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

static void the_view_lies_over_the_kernels_files(void **state)
{
	(void)state;
	json_t *o = amend_with(before, "/var/lib/lxcfs");
	const json_t *mounts = json_object_get(o, "mounts");
	assert_int_equal(json_array_size(mounts), 4); /* of the two files that this LXCFS has */
	const json_t *memory = json_array_get(mounts, 2), *cpu = json_array_get(mounts, 3);
	assert_string_equal(
	    json_string_value(json_object_get(memory, "source")), "/var/lib/lxcfs/proc/meminfo");
	assert_string_equal(json_string_value(json_object_get(memory, "destination")), "/proc/meminfo");
	assert_string_equal(
	    json_string_value(json_object_get(cpu, "destination")), "/sys/devices/system/cpu");
	assert_string_equal(
	    json_string_value(json_array_get(json_object_get(memory, "options"), 1)), "ro");
	json_decref(o);
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
		oci_additions a = {.record = &r, .hook_path = "/l/h", .state = "/s"};
		assert_int_equal(oci_config_amend(sot_str_c(cases[i]), &a, &out, &err), SOT_INVALID);
		assert_true(err.text[0] != '\0');
	}
}

/* Docker binds /etc/hosts over the root file system; a file of the instance's own is not one. */
static void files_of_its_own_are_not_bound_over(void **state)
{
	(void)state;
	static const char bound[] =
	    "{\"ociVersion\":\"1.0.2\",\"mounts\":[{\"destination\":\"/etc/hosts\",\"type\":\"bind\","
	    "\"source\":\"/d/hosts\"},{\"destination\":\"/etc/resolv.conf\",\"type\":\"bind\","
	    "\"source\":\"/d/resolv.conf\"}]}";
	net_record r = {.own_files = {"/etc/hosts"}, .own_file_count = 1};
	oci_additions additions = {.record = &r, .hook_path = "/l/sotalia-net-hook", .state = "/s"};
	sot_err err = {0};
	SOT_AUTO_BUF out;
	sot_buf_init(&out, 65536);
	assert_int_equal(oci_config_amend(sot_str_c(bound), &additions, &out, &err), SOT_OK);
	sot_buf_add_char(&out, '\0');
	assert_null(strstr(out.p, "/etc/hosts"));
	assert_non_null(strstr(out.p, "/etc/resolv.conf"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(files_of_its_own_are_not_bound_over),
	    cmocka_unit_test(mounts_and_hook_are_added_and_the_rest_is_kept),
	    cmocka_unit_test(amending_twice_changes_nothing_more),
	    cmocka_unit_test(the_view_lies_over_the_kernels_files),
	    cmocka_unit_test(what_is_no_configuration_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
