/* What a manifest would change: nothing when it says what there is, never what cannot be changed.
 */
#include "apply.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char shop[] = "{\"id\":\"1\",\"name\":\"shop\",\"image\":\"nodejs\",\"plan\":"
                           "\"small\",\"vlan\":\"default\",\"command\":\"\","
                           "\"health\":{\"kind\":\"http\",\"port\":8080,\"path\":\"/"
                           "\",\"intervalMs\":2000},\"env\":[{\"name\":\"A\",\"value\":\"1\"}],"
                           "\"version\":\"1.0\",\"deleting\":false,\"wanted\":2,\"ready\":1,"
                           "\"createdAt\":\"x\",\"team\":\"pay\","
                           "\"placement\":{\"workload\":\"service\",\"priority\":3,\"tags\":{"
                           "\"required\":[]}},\"recovery\":\"pinned\","
                           "\"onReturn\":\"keep_original\"}";

static json_t *parsed(const char *text)
{
	json_t *value = json_loads(text, 0, NULL);
	assert_non_null(value);
	return value;
}

/* "field field", or the error. */
static void assert_diff(const char *manifest_text, const char *expected)
{
	json_t *app = parsed(shop), *manifest = parsed(manifest_text), *changes = NULL;
	sot_err err = {0};
	char text[300] = "";
	if (apply_check(manifest, &err) != SOT_OK ||
	    apply_diff(manifest, app, &changes, &err) != SOT_OK)
		(void)snprintf(text, sizeof(text), "%s", err.text);
	for (size_t i = 0; i < json_array_size(changes); i++) {
		size_t n = strlen(text);
		(void)snprintf(text + n, sizeof(text) - n, "%s%s", n > 0 ? " " : "",
		    json_string_value(json_object_get(json_array_get(changes, i), "field")));
	}
	if (strncmp(text, expected, strlen(expected)) != 0 || (expected[0] == '\0' && text[0] != '\0'))
		fail_msg("%s: '%s', not '%s'", manifest_text, text, expected);
	json_decref(changes);
	json_decref(manifest);
	json_decref(app);
}

static void only_what_is_named_and_differs_changes(void **state)
{
	(void)state;
	assert_diff("{\"name\":\"shop\"}", "");
	assert_diff("{\"name\":\"shop\",\"count\":2,\"version\":\"1.0\",\"command\":\"\"}", "");
	assert_diff("{\"name\":\"shop\",\"count\":3,\"version\":\"2.0\",\"plan\":\"large\"}",
	    "plan version count");
	assert_diff(
	    "{\"name\":\"shop\",\"team\":\"web\",\"onReturn\":\"keep_replacement\"}", "team onReturn");
	assert_diff("{\"name\":\"shop\",\"health\":{\"kind\":\"http\",\"port\":8080}}", "");
	assert_diff("{\"name\":\"shop\",\"placement\":{\"priority\":3}}", "");
	assert_diff(
	    "{\"name\":\"shop\",\"placement\":{\"tags\":{\"required\":[\"ssd\"]}}}", "placement");
	assert_diff("{\"name\":\"shop\",\"strategy\":{\"batch\":\"50%\"}}", "");
}

static void what_is_fixed_or_unknown_is_refused(void **state)
{
	(void)state;
	assert_diff(
	    "{\"name\":\"shop\",\"image\":\"tomcat\",\"count\":9}", "'image' cannot be changed");
	assert_diff("{\"name\":\"shop\",\"health\":{\"kind\":\"http\",\"port\":80}}",
	    "'health' cannot be changed");
	assert_diff("{\"name\":\"shop\",\"env\":[]}", "'env' cannot be changed");
	assert_diff("{\"name\":\"shop\",\"imgae\":\"nodejs\"}",
	    "there is no field 'imgae'; did you mean 'image'?");
	assert_diff(
	    "{\"name\":\"shop\",\"wanted\":2}", "there is no field 'wanted'; did you mean 'count'?");
	assert_diff("{\"image\":\"nodejs\"}", "the manifest has no name");
	assert_diff("[]", "a manifest is a mapping");
}

static void the_manifest_of_an_app_changes_nothing_of_it(void **state)
{
	json_t *app = parsed(shop), *manifest = apply_manifest_of(app), *changes = NULL, *body;
	sot_err err = {0};
	(void)state;
	assert_int_equal(apply_check(manifest, &err), SOT_OK);
	assert_int_equal(apply_diff(manifest, app, &changes, &err), SOT_OK);
	assert_int_equal(json_array_size(changes), 0);
	assert_int_equal(json_integer_value(json_object_get(manifest, "count")), 2);
	assert_null(json_object_get(manifest, "id"));
	assert_null(json_object_get(manifest, "command"));
	body = apply_create_body(manifest);
	assert_null(json_object_get(body, "recovery"));
	assert_non_null(json_object_get(body, "name"));
	json_decref(body);
	json_decref(changes);
	json_decref(manifest);
	json_decref(app);
}

static void an_update_keeps_what_it_does_not_name(void **state)
{
	json_t *app = parsed(shop),
	       *manifest = parsed("{\"name\":\"shop\",\"placement\":{\"priority\":7}}");
	json_t *body = apply_update_body(manifest, app);
	(void)state;
	assert_string_equal(json_string_value(json_object_get(body, "team")), "pay");
	assert_int_equal(
	    json_integer_value(json_object_get(json_object_get(body, "placement"), "priority")), 7);
	assert_string_equal(
	    json_string_value(json_object_get(json_object_get(body, "placement"), "workload")),
	    "service");
	json_decref(body);
	json_decref(manifest);
	json_decref(app);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(only_what_is_named_and_differs_changes),
	    cmocka_unit_test(what_is_fixed_or_unknown_is_refused),
	    cmocka_unit_test(the_manifest_of_an_app_changes_nothing_of_it),
	    cmocka_unit_test(an_update_keeps_what_it_does_not_name),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
