/* The uplink keys: what they give for a VLAN, and what is refused in words. */
#include "net_uplinks.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const net_uplinks_settings plain = {
    "bond0", "100=eth1, 200=bond0.200", "300=br-dmz", "sotbr0", "eth0", "10.66.0.1/24"};

static net_uplinks parsed(void)
{
	net_uplinks u;
	sot_err err = {0};
	if (net_uplinks_parse(&plain, &u, &err) != SOT_OK)
		fail_msg("%s", err.text);
	return u;
}

static void each_vlan_gets_its_way(void **state)
{
	(void)state;
	static const struct {
		uint16_t vlan;
		net_uplink_kind kind;
		const char *bridge, *link, *device;
	} want[] = {
	    {0, NET_UPLINK_UNTAGGED, "sotbr0", "eth0", ""},
	    {100, NET_UPLINK_ACCESS, "br100", "eth1", ""},
	    {200, NET_UPLINK_ACCESS, "br200", "bond0.200", ""},
	    {300, NET_UPLINK_BRIDGE, "br-dmz", "", ""},
	    {4094, NET_UPLINK_TAGGED, "br4094", "bond0.4094", "bond0"},
	};
	net_uplinks u = parsed();
	for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
		net_uplink got;
		assert_int_equal(net_uplinks_find(&u, want[i].vlan, &got, NULL), SOT_OK);
		assert_int_equal(got.kind, want[i].kind);
		assert_string_equal(got.bridge, want[i].bridge);
		assert_string_equal(got.link, want[i].link);
		assert_string_equal(got.device, want[i].device);
	}
	assert_int_equal(sot_ip_v4(u.address), 0x0a420001);
	assert_int_equal(u.prefix, 24);
}

static void a_vlan_without_a_way_says_which_key_to_set(void **state)
{
	(void)state;
	const net_uplinks_settings none = {"", "", "", "sotbr0", "", ""};
	const net_uplinks_settings lengthy = {"enp129s0f0np0", "", "", "sotbr0", "", ""};
	net_uplinks u;
	net_uplink got = {.vlan = 7};
	sot_err err = {0};
	assert_int_equal(net_uplinks_parse(&none, &u, &err), SOT_OK);
	assert_int_equal(net_uplinks_find(&u, 100, &got, &err), SOT_NOT_FOUND);
	assert_non_null(strstr(err.text, "vlan_uplink"));
	assert_int_equal(net_uplinks_parse(&lengthy, &u, &err), SOT_OK);
	assert_int_equal(net_uplinks_find(&u, 1, &got, &err), SOT_OK);
	assert_string_equal(got.link, "enp129s0f0np0.1");
	got.vlan = 7;
	assert_int_equal(net_uplinks_find(&u, 100, &got, &err), SOT_INVALID);
	assert_non_null(strstr(err.text, "enp129s0f0np0.100 is longer than 15"));
	assert_int_equal(got.vlan, 7);
}

static void a_wrong_key_is_named(void **state)
{
	(void)state;
	static const struct {
		net_uplinks_settings settings;
		const char *word;
	} cases[] = {
	    {{"sixteen-letters-", "", "", "b", "", ""}, "vlan_uplink"},
	    {{"", "", "", "", "", ""}, "bridge_name"},
	    {{"", "", "", "a/b", "", ""}, "bridge_name"},
	    {{"", "", "", "..", "", ""}, "bridge_name"},
	    {{"", "", "", "b", "e h", ""}, "bridge_uplink"},
	    {{"", "", "", "b", "", "10.66.0.1"}, "bridge_address"},
	    {{"", "", "", "b", "", "10.66.0.1/33"}, "bridge_address"},
	    {{"", "100", "", "b", "", ""}, "vlan_links"},
	    {{"", "0=eth1", "", "b", "", ""}, "vlan_links"},
	    {{"", "4095=eth1", "", "b", "", ""}, "vlan_links"},
	    {{"", "100=eth1,", "", "b", "", ""}, ""},
	    {{"", "100=", "", "b", "", ""}, "vlan_links"},
	    {{"", "100=eth1,100=eth2", "", "b", "", ""}, "VLAN 100 is named twice"},
	    {{"", "100=eth1", "100=br1", "b", "", ""}, "VLAN 100 is named twice"},
	    {{"", "100=eth1,200=eth1", "", "b", "", ""}, "eth1 carries something else"},
	    {{"eth1", "100=eth1", "", "b", "", ""}, "eth1 carries something else"},
	    {{"", "100=eth1", "", "b", "eth1", ""}, "eth1 carries something else"},
	    {{"", "", "300=br1,301=br1", "b", "", ""}, "br1 carries something else"},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		net_uplinks u = {.prefix = 77};
		sot_err err = {0};
		sot_code code = net_uplinks_parse(&cases[i].settings, &u, &err);
		if (!*cases[i].word) { /* a comma at the end is no fault */
			assert_int_equal(code, SOT_OK);
			continue;
		}
		if (code != SOT_INVALID || !strstr(err.text, cases[i].word))
			fail_msg("case %zu: code %d, \"%s\"", i, (int)code, err.text);
		assert_int_equal(u.prefix, 77);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_vlan_gets_its_way),
	    cmocka_unit_test(a_vlan_without_a_way_says_which_key_to_set),
	    cmocka_unit_test(a_wrong_key_is_named),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
