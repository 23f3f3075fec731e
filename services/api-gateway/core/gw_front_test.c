/* Entity tags and selected fields, as pure functions. */
#include "gw_etag.h"
#include "gw_fields.h"
#include "gw_seal.h"
#include "sot_mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void assert_tags(const char *a, const char *b, bool same)
{
	char left[GW_ETAG_MAX], right[GW_ETAG_MAX];
	assert_int_equal(gw_etag_of(GW_ROUTE_app_get, sot_str_c(a), left, NULL), SOT_OK);
	assert_int_equal(gw_etag_of(GW_ROUTE_app_get, sot_str_c(b), right, NULL), SOT_OK);
	assert_int_equal(strcmp(left, right) == 0, same);
}

static void a_tag_is_of_the_settings(void **state)
{
	char tag[GW_ETAG_MAX];
	(void)state;
	assert_tags("{\"name\":\"a\",\"plan\":\"s\"}", "{\"plan\": \"s\", \"name\":\"a\"}", true);
	assert_tags("{\"name\":\"a\",\"ready\":1}", "{\"name\":\"a\",\"ready\":2}", true);
	assert_tags("{\"name\":\"a\",\"plan\":\"s\"}", "{\"name\":\"a\",\"plan\":\"m\"}", false);
	assert_tags("{\"env\":{\"A\":\"1\"}}", "{\"env\":{\"A\":\"2\"}}", false);
	assert_int_equal(gw_etag_of(GW_ROUTE_app_get, SOT_STR("[]"), tag, NULL), SOT_INVALID);
	assert_int_equal(gw_etag_of(GW_ROUTE_app_get, SOT_STR("{"), tag, NULL), SOT_INVALID);
}

static void if_match_is_a_list_of_strong_tags(void **state)
{
	(void)state;
	assert_true(gw_etag_matches(SOT_STR("\"a\""), "\"a\""));
	assert_true(gw_etag_matches(SOT_STR("\"b\" ,\t\"a\""), "\"a\""));
	assert_true(gw_etag_matches(SOT_STR("*"), "\"a\""));
	assert_false(gw_etag_matches(SOT_STR("W/\"a\""), "\"a\""));
	assert_false(gw_etag_matches(SOT_STR("a"), "\"a\""));
	assert_false(gw_etag_matches(SOT_STR(""), "\"a\""));
	assert_false(gw_etag_matches(SOT_STR(",,"), "\"a\""));
}

static void assert_selected(const char *list, const char *fields, const char *expected)
{
	SOT_AUTO_BUF out;
	sot_err err = {0};
	sot_buf_init(&out, 65536);
	sot_code code = gw_fields_select(sot_str_c(list), sot_str_c(fields), &out, &err);
	if (expected != NULL) {
		assert_int_equal(code, SOT_OK);
		assert_string_equal(out.p, expected);
	} else {
		assert_int_equal(code, SOT_INVALID);
	}
}

static void items_are_cut_to_the_fields(void **state)
{
	static const char list[] =
	    "{\"items\":[{\"name\":\"a\\\"}\",\"n\":1.10,\"o\": {\"x\":[1,\"]\"]} }, \n "
	    "{\"name\":\"b\",\"n\":null,\"o\":{}}],\"next\":null,\"total\":2}\n";
	(void)state;
	assert_selected(list, "name",
	    "{\"items\":[{\"name\":\"a\\\"}\"},{\"name\":\"b\"}],\"next\":null,\"total\":2}\n");
	assert_selected(list, "n,o",
	    "{\"items\":[{\"n\":1.10,\"o\":{\"x\":[1,\"]\"]} },{\"n\":null,\"o\":{}}],\"next\":null,"
	    "\"total\":2}\n");
	assert_selected(list, "name,no", NULL);
	assert_selected(list, "name,,n", NULL);
	assert_selected(list, "x", NULL); /* a member of a member is none of the item */
	assert_selected("{\"items\":[],\"next\":null}\n", "any", "{\"items\":[],\"next\":null}\n");
	assert_selected("{\"name\":1}", "name", NULL);
	assert_selected("{\"items\":[{\"a\":\"cut", "a", "{\"items\":[{\"a\":\"cut}");
}

static void selectors_have_one_form(void **state)
{
	static const char *const right[] = {
	    "", "a", "a=b", "a!=b", "!a", "a=", "a,b=c,!d", "x.y/z-1=V.w"};
	static const char *const wrong[] = {",", "a,", ",a", "a,,b", "=", "!", "!a=b", "a==b", "a!b",
	    "a b", "a='", "a=b=c", "\xff", "a!"};
	(void)state;
	for (size_t i = 0; i < sizeof(right) / sizeof(right[0]); i++)
		assert_true(gw_selector_is_right(sot_str_c(right[i])));
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_false(gw_selector_is_right(sot_str_c(wrong[i])));
}

/* ---- secrets at rest ---- */
static void assert_unsealed(
    const uint8_t *key, const char *owner, const char *text, const char *expected)
{
	char secret[GW_SEAL_SECRET_MAX + 1];
	sot_code code = gw_unseal(key, sot_str_c(owner), sot_str_c(text), secret, NULL);
	assert_int_equal(code, expected != NULL ? SOT_OK : SOT_INVALID);
	assert_string_equal(secret, expected != NULL ? expected : "");
}

static void a_sealed_secret_opens_for_its_owner_and_key_alone(void **state)
{
	uint8_t key[GW_SEAL_KEY_N], other[GW_SEAL_KEY_N];
	static const uint8_t nonce[GW_SEAL_NONCE_N] = {1, 2, 3};
	char text[GW_SEAL_TEXT_MAX], changed[GW_SEAL_TEXT_MAX], longest[GW_SEAL_SECRET_MAX + 1];
	(void)state;
	gw_seal_key(SOT_STR("a bus key"), key);
	gw_seal_key(SOT_STR("another bus key"), other);
	gw_seal(key, nonce, SOT_STR("hook"), SOT_STR("a canary of a secret"), text);
	assert_null(strstr(text, "canary"));
	assert_unsealed(key, "hook", text, "a canary of a secret");
	assert_unsealed(other, "hook", text, NULL);
	assert_unsealed(key, "hook2", text, NULL);
	for (size_t i = 3; text[i] != '\0'; i++) {
		memcpy(changed, text, sizeof(text));
		changed[i] = changed[i] == 'A' ? 'B' : 'A';
		assert_unsealed(key, "hook", changed, NULL);
		changed[i] = '\0';
		assert_unsealed(key, "hook", changed, NULL);
	}
	assert_unsealed(key, "hook", "a secret in clear", "a secret in clear");
	memset(longest, 's', GW_SEAL_SECRET_MAX);
	longest[GW_SEAL_SECRET_MAX] = '\0';
	gw_seal(key, nonce, SOT_STR("hook"), sot_str_c(longest), text);
	assert_unsealed(key, "hook", text, longest);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_tag_is_of_the_settings),
	    cmocka_unit_test(if_match_is_a_list_of_strong_tags),
	    cmocka_unit_test(items_are_cut_to_the_fields),
	    cmocka_unit_test(selectors_have_one_form),
	    cmocka_unit_test(a_sealed_secret_opens_for_its_owner_and_key_alone),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
