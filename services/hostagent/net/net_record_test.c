/* Records that the runtime must take, and records it must refuse with a word that names the fault.
 */
#include "net_record.h"

#include "announcement.h"
#include "guard.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char good[] =
    "{\"version\":1,\"instance\":\"0192\",\"name\":\"shop-default-01\",\"bridge\":\"sotbr0\","
    "\"vlan\":0,\"address\":\"10.66.0.11\",\"prefix\":24,\"gateway\":\"10.66.0.1\","
    "\"mac\":\"02:0a:0a:42:00:0b\",\"host_link\":\"sot0a42000b\",\"mtu\":1400,\"mounts\":["
    "{\"source\":\"/s/packages/ab\",\"destination\":\"/data/webapps/shop\",\"read_only\":true}]}";

static void a_full_record_is_read(void **state)
{
	(void)state;
	sot_err err = {0};
	net_record r = {0};
	static const uint8_t mac[6] = {2, 0x0a, 0x0a, 0x42, 0, 0x0b};
	assert_int_equal(net_record_parse(sot_str_c(good), &r, &err), SOT_OK);
	assert_string_equal(r.name, "shop-default-01");
	assert_string_equal(r.bridge, "sotbr0");
	assert_string_equal(r.host_link, "sot0a42000b");
	assert_int_equal(sot_ip_v4(r.address), 0x0a42000b);
	assert_int_equal(sot_ip_v4(r.gateway), 0x0a420001);
	assert_int_equal(r.prefix, 24);
	assert_int_equal(r.mtu, 1400);
	assert_memory_equal(r.mac, mac, sizeof(mac));
	assert_int_equal(r.mount_count, 1);
	assert_string_equal(r.mounts[0].destination, "/data/webapps/shop");
	assert_true(r.mounts[0].read_only);
	net_record_clear(&r);
}

/* `text` with the first `from` replaced by `to`. */
static char *changed_in(const char *text, const char *from, const char *to)
{
	const char *at = strstr(text, from);
	assert_non_null(at);
	size_t head = (size_t)(at - text), from_n = strlen(from), to_n = strlen(to);
	char *result = calloc(1, strlen(text) + 1 + to_n);
	assert_non_null(result);
	memcpy(result, text, head);
	memcpy(result + head, to, to_n);
	memcpy(result + head + to_n, at + from_n, strlen(at + from_n));
	return result;
}

static char *changed(const char *from, const char *to)
{
	return changed_in(good, from, to);
}

static void a_wrong_member_is_named(void **state)
{
	(void)state;
	static const struct {
		const char *from, *to, *word;
	} cases[] = {
	    {"\"version\":1", "\"version\":3", "version"},
	    {"\"bridge\":\"sotbr0\"", "\"bridge\":\"a/../b\"", "bridge"},
	    {"\"bridge\":\"sotbr0\"", "\"bridge\":\"sixteen-letters-\"", "bridge"},
	    {"10.66.0.11", "10.66.0.256", "address"},
	    {"10.66.0.11", "0.0.0.0", "address"},
	    {"\"prefix\":24", "\"prefix\":33", "prefix"},
	    {"\"prefix\":24", "\"prefix\":\"24\"", "prefix"},
	    {"02:0a:0a:42:00:0b", "03:0a:0a:42:00:0b", "mac"},
	    {"\"mtu\":1400", "\"mtu\":10", "mtu"},
	    {"\"/data/webapps/shop\"", "\"/data/../etc\"", "plain paths"},
	    {"\"/s/packages/ab\"", "\"relative\"", "plain paths"},
	    {",\"read_only\":true", "", "read_only"},
	    {"\"mounts\":[", "\"mounts\":7,\"x\":[", "mounts"},
	    {"\"name\":\"shop-default-01\",", "", "name"},
	    {"{\"version\"", "\"version\"", "JSON"},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		sot_err err = {0};
		net_record r = {.prefix = 77};
		char *text = changed(cases[i].from, cases[i].to);
		assert_int_equal(net_record_parse(sot_str_c(text), &r, &err), SOT_INVALID);
		if (!strstr(err.text, cases[i].word))
			fail_msg("case %zu: \"%s\" does not name \"%s\"", i, err.text, cases[i].word);
		assert_int_equal(r.prefix, 77);
		free(text);
	}
}

static const char second[] =
    "{\"version\":2,\"instance\":\"0192\",\"name\":\"shop-default-02\",\"bridge\":\"br100\","
    "\"vlan\":100,\"vrf\":0,\"address\":\"10.100.0.11\",\"prefix\":24,\"gateway\":\"0.0.0.0\","
    "\"address6\":\"2001:db8::11\",\"prefix6\":64,\"gateway6\":\"fe80::1\","
    "\"mac\":\"02:0a:0a:64:00:0b\",\"host_link\":\"sot0a64000b\",\"mtu\":1500,\"isolated\":true,"
    "\"bandwidth_kbit\":4000000000,\"guard\":false,\"mounts\":[]}";

static void version_2_adds_ipv6_and_rules(void **state)
{
	(void)state;
	sot_err err = {0};
	net_record r = {0};
	char text[SOT_IP_TEXT];
	assert_int_equal(net_record_parse(sot_str_c(second), &r, &err), SOT_OK);
	assert_string_equal(sot_ip_format(r.address6, text), "2001:db8::11");
	assert_string_equal(sot_ip_format(r.gateway6, text), "fe80::1");
	assert_int_equal(r.prefix6, 64);
	assert_true(sot_ip_is_none(r.gateway)); /* 0.0.0.0 is none */
	assert_int_equal(r.vlan, 100);
	assert_true(r.isolated);
	assert_false(r.guard);
	assert_int_equal(r.bandwidth_kbit, 4000000000);
	net_record_clear(&r);
}

static void version_1_is_guarded_and_has_no_ipv6(void **state)
{
	(void)state;
	sot_err err = {0};
	net_record r = {0};
	/* Members of version 2 mean nothing in version 1. */
	char *text =
	    changed("\"vlan\":0", "\"vlan\":0,\"guard\":false,\"address6\":\"::\",\"isolated\":true");
	assert_int_equal(net_record_parse(sot_str_c(text), &r, &err), SOT_OK);
	assert_true(r.guard);
	assert_false(r.isolated);
	assert_true(sot_ip_is_none(r.address6));
	net_record_clear(&r);
	free(text);
}

static void a_wrong_member_of_version_2_is_named(void **state)
{
	(void)state;
	static const struct {
		const char *from, *to, *word;
	} cases[] = {
	    {"2001:db8::11", "10.0.0.1", "address6"},
	    {"2001:db8::11", "ff02::1", "address6"},
	    {"2001:db8::11", "::", "address6"},
	    {"\"prefix6\":64", "\"prefix6\":129", "prefix6"},
	    {"fe80::1", "fe80::g", "gateway6"},
	    {"\"isolated\":true", "\"isolated\":1", "isolated"},
	    {"\"guard\":false", "\"guard\":\"no\"", "guard"},
	    {"4000000000", "4294967296", "bandwidth_kbit"},
	    {"4000000000", "-1", "bandwidth_kbit"},
	    {"\"vlan\":100", "\"vlan\":4095", "vlan"},
	    {"10.100.0.11", "2001:db8::1", "address"},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		sot_err err = {0};
		net_record r = {.prefix = 77};
		char *text = changed_in(second, cases[i].from, cases[i].to);
		assert_int_equal(net_record_parse(sot_str_c(text), &r, &err), SOT_INVALID);
		if (!strstr(err.text, cases[i].word))
			fail_msg("case %zu: \"%s\" does not name \"%s\"", i, err.text, cases[i].word);
		free(text);
	}
}

static void an_id_that_is_a_path_is_refused(void **state)
{
	(void)state;
	assert_true(net_record_id_is_valid("0f3c9a"));
	assert_true(net_record_id_is_valid("test_1.a-b"));
	assert_false(net_record_id_is_valid(""));
	assert_false(net_record_id_is_valid("../x"));
	assert_false(net_record_id_is_valid("a/b"));
	assert_false(net_record_id_is_valid(".hidden"));
	assert_false(net_record_id_is_valid("a b"));
}

static void an_announcement_is_a_broadcast_arp_request_for_oneself(void **state)
{
	(void)state;
	static const uint8_t mac[6] = {2, 0x0a, 1, 2, 3, 4};
	static const uint8_t want[42] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 0x0a, 1, 2, 3, 4, 8, 6,
	    0, 1, 8, 0, 6, 4, 0, 1, 2, 0x0a, 1, 2, 3, 4, 1, 2, 3, 4, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4};
	uint8_t frame[ANNOUNCEMENT_ARP_SIZE];
	announcement_arp(sot_ip_from_v4(0x01020304), mac, frame);
	assert_memory_equal(frame, want, sizeof(want));
}

/* RFC 4443, 2.3: over the pseudo header and the message, with its check sum, the sum is all ones.
 */
static void an_advertisement_has_a_right_check_sum(void **state)
{
	(void)state;
	static const uint8_t mac[6] = {2, 0x0a, 1, 2, 3, 4};
	uint8_t frame[ANNOUNCEMENT_ND_SIZE];
	uint32_t sum = 32 + 58;
	sot_ip address = {6, {0x20, 1, 0xd, 0xb8, [15] = 0x11}};
	announcement_nd(address, mac, frame);
	for (size_t i = 22; i < sizeof(frame); i += 2)
		sum += (uint32_t)(frame[i] << 8 | frame[i + 1]);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	assert_int_equal(sum, 0xffff);
	assert_memory_equal(frame + 62, address.b, 16); /* target */
	assert_memory_equal(frame + 80, mac, 6);
	assert_int_equal(frame[58], 0x20); /* override, not solicited, no router */
}

static void the_guard_knows_a_record_by_link_mac_and_addresses(void **state)
{
	(void)state;
	sot_err err = {0};
	net_record r = {0};
	guard_element e[GUARD_ELEMENTS_MAX];
	static const uint8_t v4[28] = {'s', 'o', 't', '0', 'a', '4', '2', '0', '0', '0', 'b', [16] = 2,
	    0x0a, 0x0a, 0x42, 0, 0x0b, [24] = 10, 66, 0, 11};
	assert_int_equal(net_record_parse(sot_str_c(good), &r, &err), SOT_OK);
	static const uint8_t frame4[28] = {'s', 'o', 't', '0', 'a', '4', '2', '0', '0', '0',
	    'b', [16] = 2, 0x0a, 0x0a, 0x42, 0, 0x0b, 0x08, 0x00, [24] = 10, 66, 0, 11};
	assert_int_equal(guard_elements(&r, e), 3);
	assert_int_equal(e[0].set, GUARD_MAC);
	assert_int_equal(e[0].size, 24);
	assert_int_equal(e[1].set, GUARD_FRAME4);
	assert_int_equal(e[1].size, 28);
	assert_memory_equal(e[1].key, frame4, 28);
	assert_int_equal(e[2].set, GUARD_V4);
	assert_int_equal(e[2].size, 28);
	assert_memory_equal(e[2].key, v4, 28);
	r.guard = false;
	assert_int_equal(guard_elements(&r, e), 0);
	net_record_clear(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_full_record_is_read),
	    cmocka_unit_test(a_wrong_member_is_named),
	    cmocka_unit_test(version_2_adds_ipv6_and_rules),
	    cmocka_unit_test(version_1_is_guarded_and_has_no_ipv6),
	    cmocka_unit_test(a_wrong_member_of_version_2_is_named),
	    cmocka_unit_test(an_id_that_is_a_path_is_refused),
	    cmocka_unit_test(an_advertisement_has_a_right_check_sum),
	    cmocka_unit_test(the_guard_knows_a_record_by_link_mac_and_addresses),
	    cmocka_unit_test(an_announcement_is_a_broadcast_arp_request_for_oneself),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
