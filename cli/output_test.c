/* Every form of -o, and manifests read back. */
#include "cli.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void assert_text(sot_buf *buf, const char *expected)
{
	assert_string_equal(buf->p, expected);
	sot_buf_clear(buf);
}

static json_t *object_of(const char *text)
{
	json_t *value = json_loads(text, JSON_DECODE_ANY, NULL);
	assert_non_null(value);
	return value;
}

static void csv_quotes_what_needs_it_and_keeps_plain_values(void **state)
{
	static const cli_column columns[] = {{.title = "NAME", .path = "name"},
	    {.title = "MEMORY", .path = "plan.memoryBytes", .format = CLI_BYTES},
	    {.title = "NOTE", .path = "note", .wide = true}, {.title = NULL}};
	json_t *items = object_of(
	    "[{\"name\":\"a,b\",\"plan\":{\"memoryBytes\":1024},\"note\":\"say \\\"yes\\\"\"},"
	    "{\"name\":\"c\",\"plan\":{},\"note\":\"two\\nlines\"},"
	    "{\"name\":\"d\",\"note\":[1,\"x\"]}]");
	sot_buf out;
	(void)state;
	sot_buf_init(&out, 4096);
	cli_csv(columns, items, &out);
	assert_text(&out, "name,plan.memoryBytes,note\r\n\"a,b\",1024,\"say \"\"yes\"\"\"\r\n"
	                  "c,,\"two\nlines\"\r\nd,,\"[1,\"\"x\"\"]\"\r\n");
	json_decref(items);
}

static void yaml_is_for_people(void **state)
{
	json_t *value = object_of(
	    "{\"name\":\"shop\",\"wanted\":3,\"open\":true,\"no\":null,\"spread\":[{\"level\":\"az\","
	    "\"mode\":\"hard\"},{\"level\":\"rack\"}],\"empty\":[],\"none\":{}}");
	sot_buf out;
	(void)state;
	sot_buf_init(&out, 4096);
	cli_yaml(value, &out);
	assert_text(&out,
	    "name: shop\nwanted: 3\nopen: true\nno: null\nspread:\n- level: az\n  mode: hard\n"
	    "- level: rack\nempty: []\nnone: {}\n");
	json_decref(value);
}

/* What would be read as something else is quoted: the Norway problem and its kin. */
static void texts_come_back_as_texts(void **state)
{
	static const char *const texts[] = {"", "~", "null", "true", "False", "no", "yes", "on", "12",
	    "-3.5", "1e3", "0x1f", "1_000", "12:30:45", "a: b", "- a", "# not a comment", "a #b",
	    "*alias", "&anchor", "!tag", "'q'", "\"q\"", "two\nlines\n", "two\nlines", " lead",
	    "trail ", "tab\there", "你好", "{}", "[]", "%", "@at", "`", "?", ":", "-"};
	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		json_t *value = json_pack("{s:s, s:[s]}", "k", texts[i], "list", texts[i]);
		json_t *back;
		sot_err err = {0};
		sot_buf out;
		sot_buf_init(&out, 4096);
		cli_yaml(value, &out);
		back = cli_yaml_read(sot_buf_str(&out), &err);
		if (back == NULL || !json_equal(value, back))
			fail_msg("'%s' became %s (%s)", texts[i], out.p, err.text);
		json_decref(back);
		json_decref(value);
		sot_buf_clear(&out);
	}
}

/* Any JSON there can be comes back as it was. */
static json_t *random_value(unsigned *seed, int depth)
{
	static const char *const words[] = {
	    "a", "true", "", "line\nline", "你", "x: y", "0", "~", " s", "é\"'"};
	int kind = rand_r(seed) % (depth > 4 ? 5 : 7);
	json_t *v;
	switch (kind) {
	case 0:
		return json_integer((json_int_t)rand_r(seed) - RAND_MAX / 2);
	case 1:
		return json_boolean(rand_r(seed) % 2);
	case 2:
		return json_null();
	case 3:
		return json_real((double)rand_r(seed) / 1024);
	case 4:
		return json_string(words[rand_r(seed) % 10]);
	case 5:
		v = json_array();
		for (int n = rand_r(seed) % 4; n > 0; n--)
			(void)json_array_append_new(v, random_value(seed, depth + 1));
		return v;
	default:
		v = json_object();
		for (int n = rand_r(seed) % 4; n > 0; n--)
			(void)json_object_set_new(v, words[rand_r(seed) % 2 ? 0 : 4 + rand_r(seed) % 6],
			    random_value(seed, depth + 1));
		(void)json_object_del(v, "");
		return v;
	}
}

static void every_value_comes_back(void **state)
{
	unsigned seed = 1;
	(void)state;
	for (int i = 0; i < 3000; i++) {
		json_t *value = random_value(&seed, 0), *back;
		sot_err err = {0};
		sot_buf out;
		sot_buf_init(&out, 1 << 20);
		cli_yaml(value, &out);
		back = cli_yaml_read(sot_buf_str(&out), &err);
		if (back == NULL || !json_equal(value, back))
			fail_msg("round %d: %s became %s (%s)", i, json_dumps(value, JSON_ENCODE_ANY), out.p,
			    err.text);
		json_decref(back);
		json_decref(value);
		sot_buf_clear(&out);
	}
}

static void what_is_wrong_has_its_line(void **state)
{
	static const struct {
		const char *text, *error;
	} cases[] = {
	    {"a: 1\nb: [1, 2\nc: 3\n", "line 3"},
	    {"a: 1\nb: 2\na: 3\n", "line 3: the field 'a' is there twice"},
	    {"a: &x 1\nb: *x\n", "line 2: aliases"},
	    {"? [a]\n: 1\n", "line 1: the name of a field must be a text"},
	    {"a:\n\t- b\n", "line 2"},
	};
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		sot_err err = {0};
		assert_null(cli_yaml_read(sot_str_c(cases[i].text), &err));
		if (strstr(err.text, cases[i].error) == NULL)
			fail_msg("%s: %s", cases[i].text, err.text);
	}
}

static void a_bomb_is_refused(void **state)
{
	sot_buf deep;
	sot_err err = {0};
	(void)state;
	sot_buf_init(&deep, 1 << 20);
	for (int i = 0; i < 2000; i++)
		sot_buf_add_char(&deep, '[');
	assert_null(cli_yaml_read(sot_buf_str(&deep), &err));
	sot_buf_clear(&deep);
	for (int i = 0; i < 100; i++)
		sot_buf_add_char(&deep, '[');
	for (int i = 0; i < 100; i++)
		sot_buf_add_char(&deep, ']');
	assert_null(cli_yaml_read(sot_buf_str(&deep), &err));
	assert_non_null(strstr(err.text, "levels deep"));
	sot_buf_clear(&deep);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(csv_quotes_what_needs_it_and_keeps_plain_values),
	    cmocka_unit_test(yaml_is_for_people),
	    cmocka_unit_test(texts_come_back_as_texts),
	    cmocka_unit_test(every_value_comes_back),
	    cmocka_unit_test(what_is_wrong_has_its_line),
	    cmocka_unit_test(a_bomb_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
