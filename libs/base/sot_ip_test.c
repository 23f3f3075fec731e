/* Addresses of both families as values: text, arithmetic, networks. */
#include "sot_ip.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static sot_ip ip_of(const char *text)
{
	sot_ip ip;
	assert_int_equal(sot_ip_parse(sot_str_c(text), &ip, NULL), SOT_OK);
	return ip;
}

static void text_and_value_agree_both_ways(void **state)
{
	(void)state;
	static const char *const texts[] = {"10.66.0.2", "0.0.0.0", "255.255.255.255", "::", "::1",
	    "2001:db8::2", "fe80::1:0:0:1", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"};
	char text[SOT_IP_TEXT];
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		assert_string_equal(sot_ip_format(ip_of(texts[i]), text), texts[i]);
	assert_string_equal(sot_ip_format((sot_ip){0}, text), "");
	assert_int_equal(sot_ip_v4(ip_of("10.66.0.2")), 0x0a420002);
}

static void what_is_no_address_is_refused(void **state)
{
	(void)state;
	static const char *const texts[] = {"", "10.66.0", "10.66.0.256", "010.0.0.1", "10.0.0.1 ",
	    "2001:db8", ":::", "fe80::1%eth0", "2001:db8::2/64", "g::1",
	    "1111:2222:3333:4444:5555:6666:7777:8888:9999"};
	sot_ip ip = {.family = 77};
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		assert_int_equal(sot_ip_parse(sot_str_c(texts[i]), &ip, NULL), SOT_INVALID);
	assert_int_equal(ip.family, 77);
}

static void adding_carries_and_distance_undoes_it(void **state)
{
	(void)state;
	assert_true(sot_ip_eq(sot_ip_add(ip_of("10.0.0.255"), 1), ip_of("10.0.1.0")));
	assert_true(sot_ip_eq(sot_ip_add(ip_of("2001:db8::ffff"), 1), ip_of("2001:db8::1:0")));
	assert_true(sot_ip_eq(sot_ip_add(ip_of("255.255.255.255"), 2), ip_of("0.0.0.1")));
	assert_int_equal(sot_ip_distance(ip_of("10.0.0.255"), ip_of("10.0.1.0")), 1);
	assert_int_equal(sot_ip_distance(ip_of("2001:db8::ffff"), ip_of("2001:db8::1:1")), 2);
	assert_true(sot_ip_distance(ip_of("::"), ip_of("2001:db8::")) == UINT64_MAX);
	assert_true(sot_ip_distance(ip_of("::"), ip_of("::ffff:ffff:ffff:ffff")) == UINT64_MAX);
}

static void a_network_has_a_first_and_a_last_address(void **state)
{
	(void)state;
	assert_true(sot_ip_eq(sot_ip_network(ip_of("10.66.1.77"), 23), ip_of("10.66.0.0")));
	assert_true(sot_ip_eq(sot_ip_last(ip_of("10.66.1.77"), 23), ip_of("10.66.1.255")));
	assert_true(
	    sot_ip_eq(sot_ip_last(ip_of("2001:db8::"), 64), ip_of("2001:db8::ffff:ffff:ffff:ffff")));
	assert_true(sot_ip_in(ip_of("10.66.1.255"), ip_of("10.66.0.0"), 23));
	assert_false(sot_ip_in(ip_of("10.66.2.0"), ip_of("10.66.0.0"), 23));
	assert_false(sot_ip_in(ip_of("a42::"), ip_of("10.66.0.0"), 16));
	assert_true(sot_ip_cmp(ip_of("255.0.0.1"), ip_of("::1")) < 0);
}

static void a_subnet_with_host_bits_names_what_was_meant(void **state)
{
	(void)state;
	sot_ip network;
	uint8_t prefix = 0;
	sot_err err = {0};
	assert_int_equal(sot_ip_parse_cidr(SOT_STR("2001:db8::/64"), &network, &prefix, &err), SOT_OK);
	assert_int_equal(prefix, 64);
	assert_int_equal(
	    sot_ip_parse_cidr(SOT_STR("10.66.0.7/24"), &network, &prefix, &err), SOT_INVALID);
	assert_non_null(strstr(err.text, "the subnet is 10.66.0.0/24"));
	static const char *const bad[] = {"10.66.0.0/33", "10.66.0.0", "10.66.0.0/", "2001:db8::/129",
	    "10.66.0.0/024", "10.66.0.0/-1"};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(
		    sot_ip_parse_cidr(sot_str_c(bad[i]), &network, &prefix, NULL), SOT_INVALID);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(text_and_value_agree_both_ways),
	    cmocka_unit_test(what_is_no_address_is_refused),
	    cmocka_unit_test(adding_carries_and_distance_undoes_it),
	    cmocka_unit_test(a_network_has_a_first_and_a_last_address),
	    cmocka_unit_test(a_subnet_with_host_bits_names_what_was_meant),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
