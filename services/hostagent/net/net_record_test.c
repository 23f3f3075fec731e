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

/* The good record with the first `from` replaced by `to`. */
static char *changed(const char *from, const char *to)
{
	const char *at = strstr(good, from);
	assert_non_null(at);
	size_t head = (size_t)(at - good), from_n = strlen(from), to_n = strlen(to);
	char *text = calloc(1, sizeof(good) + to_n);
	assert_non_null(text);
	memcpy(text, good, head);
	memcpy(text + head, to, to_n);
	memcpy(text + head + to_n, at + from_n, strlen(at + from_n));
	return text;
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

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_full_record_is_read),
	    cmocka_unit_test(a_wrong_member_is_named),
	    cmocka_unit_test(an_id_that_is_a_path_is_refused),
	    cmocka_unit_test(an_announcement_is_a_broadcast_arp_request_for_oneself),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
