/* Tests of vlan_plan and field_changes: names, zones, scopes in one order, and the JSON of a
 * change. */
#include "field_changes.h"
#include "vlan_plan.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static int setup(void **state)
{
	*state = sot_arena_new(1u << 20);
	return 0;
}

static int teardown(void **state)
{
	sot_arena_free(*state);
	return 0;
}

static void assert_bad(vlan_plan plan, const char *pointer, const char *text)
{
	const char *where = "?";
	sot_err err = {0};
	assert_int_equal(vlan_plan_check(&plan, &where, &err), SOT_INVALID);
	assert_string_equal(where, pointer);
	assert_string_equal(err.text, text);
}

static void a_plan_is_refused_by_the_field_that_is_wrong(void **state)
{
	(void)state;
	const char *pointer = "?";
	vlan_plan good = {.name = SOT_STR("front-a"),
	    .vrf = SOT_STR("default"),
	    .dns_zone = SOT_STR("front.example.net"),
	    .vlan_id = 4094,
	    .mtu = 9000};
	assert_int_equal(vlan_plan_check(&good, &pointer, NULL), SOT_OK);
	assert_string_equal(pointer, "");
	vlan_plan plan = good;
	plan.name = SOT_STR("9front");
	assert_bad(plan, "/name",
	    "the name \"9front\" is not 1 to 32 of a-z, 0-9 and -, beginning with a letter");
	plan = good;
	plan.vlan_id = 4095;
	assert_bad(plan, "/vlanId", "the VLAN id 4095 is not in 0..4094");
	plan = good;
	plan.mtu = 576;
	assert_bad(plan, "/mtu", "the MTU 576 is neither 0 (as the uplink) nor in 1280..9216");
	plan = good;
	plan.group = SOT_STR("Front");
	assert_bad(plan, "/group",
	    "the group \"Front\" is not 1 to 32 of a-z, 0-9 and -, beginning with a letter");
	plan = good;
	plan.dns_zone = SOT_STR("Front.example.net.");
	assert_bad(plan, "/dnsZone",
	    "\"Front.example.net.\" is not a DNS zone such as front.example.net (lower case, no dot at "
	    "the "
	    "end)");
}

static void a_zone_is_labels_with_single_dots_between(void **state)
{
	(void)state;
	static const char *const good[] = {"", "a", "a.b", "10.example", "x-1.example.net", "_sip.a"};
	static const char *const bad[] = {".", "a.", ".a", "a..b", "-a.b", "a-.b", "a b", "A", "a.b-"};
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_true(vlan_zone_is_good(sot_str_c(good[i])));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(vlan_zone_is_good(sot_str_c(bad[i])));
	char label[80];
	memset(label, 'a', sizeof(label));
	assert_true(vlan_zone_is_good((sot_str){label, 63}));
	assert_false(vlan_zone_is_good((sot_str){label, 64}));
}

static void assert_scopes(sot_arena *arena, const char *words, const char *expected)
{
	sot_str scopes = {0};
	sot_err err = {0};
	if (vlan_scopes_read(sot_str_c(words), arena, &scopes, &err) != SOT_OK)
		fail_msg("%s", err.text);
	assert_true(sot_str_eq_c(scopes, expected));
}

static void assert_no_scopes(sot_arena *arena, const char *words, const char *text)
{
	sot_str scopes = {0};
	sot_err err = {0};
	assert_int_equal(vlan_scopes_read(sot_str_c(words), arena, &scopes, &err), SOT_INVALID);
	assert_string_equal(err.text, text);
}

static void equal_scopes_are_equal_texts(void **state)
{
	assert_scopes(*state, "", "");
	assert_scopes(*state, "  ", "");
	assert_scopes(*state, "rack:r12  az:a ", "az:a rack:r12");
	assert_scopes(*state, "az:a1 az:a", "az:a az:a1");
	assert_no_scopes(*state, "az:a rack:r az:a", "the scope \"az:a\" stands there twice");
	assert_no_scopes(*state, "zone:a",
	    "\"zone:a\" is not a scope; scopes look like \"az:a\", \"rack:r12\" or \"host:h7\"");
	assert_no_scopes(
	    *state, "az:", "\"az:\" does not name a place: 1 to 63 letters, digits, '.', '_' or '-'");
	assert_no_scopes(*state, "az:a,b",
	    "\"az:a,b\" does not name a place: 1 to 63 letters, digits, '.', '_' or '-'");
}

static void vlans_meet_where_one_is_everywhere_or_both_name_a_place(void **state)
{
	(void)state;
	assert_true(vlan_scopes_meet(SOT_STR(""), SOT_STR("az:a")));
	assert_true(vlan_scopes_meet(SOT_STR("az:a rack:r1"), SOT_STR("rack:r1")));
	assert_false(vlan_scopes_meet(SOT_STR("az:a"), SOT_STR("az:b az:c")));
	assert_false(vlan_scopes_meet(SOT_STR("az:a"), SOT_STR("rack:a")));
}

static void a_change_tells_only_the_fields_that_differ(void **state)
{
	(void)state;
	SOT_AUTO_BUF out;
	sot_buf_init(&out, 1000);
	field_changes_str(&out, "group", SOT_STR("a"), SOT_STR("a"));
	field_changes_i64(&out, "mtu", 1500, 1500);
	field_changes_bool(&out, "open", true, true);
	assert_int_equal(out.n, 0);
	field_changes_str(&out, "group", SOT_STR("a\""), SOT_STR(""));
	field_changes_i64(&out, "mtu", 0, 9000);
	field_changes_bool(&out, "open", true, false);
	assert_string_equal(out.p, "\"group\":[\"a\\\"\",\"\"],\"mtu\":[0,9000],\"open\":[true,false]");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_plan_is_refused_by_the_field_that_is_wrong),
	    cmocka_unit_test(a_zone_is_labels_with_single_dots_between),
	    cmocka_unit_test_setup_teardown(equal_scopes_are_equal_texts, setup, teardown),
	    cmocka_unit_test(vlans_meet_where_one_is_everywhere_or_both_name_a_place),
	    cmocka_unit_test(a_change_tells_only_the_fields_that_differ),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
