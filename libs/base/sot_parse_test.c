/* Strict parsing: what is not the whole value, within bounds, is refused and leaves ret alone. */
#include "sot_parse.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void check_u64(const char *text, bool good, uint64_t value)
{
	uint64_t v = 77;
	sot_code code = sot_parse_u64(sot_str_c(text), 0, UINT64_MAX, &v, NULL);
	if ((code == SOT_OK) != good || v != (good ? value : 77))
		fail_msg("u64 \"%s\"", text);
}

static void unsigned_numbers_are_digits_only(void **state)
{
	(void)state;
	check_u64("0", true, 0);
	check_u64("18446744073709551615", true, UINT64_MAX);
	check_u64("007", true, 7);
	static const char *const bad[] = {"", " 1", "1 ", "+1", "-1", "-0", "0x10", "1e3", "1.0",
	    "18446744073709551616", "99999999999999999999999"};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		check_u64(bad[i], false, 0);
}

static void bounds_are_inclusive_and_named_in_the_error(void **state)
{
	(void)state;
	uint64_t v;
	sot_err err = {0};
	assert_int_equal(sot_parse_u64(SOT_STR("5"), 5, 5, &v, NULL), SOT_OK);
	assert_int_equal(sot_parse_u64(SOT_STR("6"), 2, 5, &v, &err), SOT_INVALID);
	assert_string_equal(err.text, "\"6\" is not a whole number from 2 to 5");
	assert_int_equal(sot_parse_u64(SOT_STR("1"), 2, 5, &v, NULL), SOT_INVALID);
}

static void signed_numbers_reach_both_ends(void **state)
{
	(void)state;
	int64_t v = 0;
	assert_int_equal(
	    sot_parse_i64(SOT_STR("-9223372036854775808"), INT64_MIN, INT64_MAX, &v, NULL), SOT_OK);
	assert_true(v == INT64_MIN);
	assert_int_equal(
	    sot_parse_i64(SOT_STR("9223372036854775807"), INT64_MIN, INT64_MAX, &v, NULL), SOT_OK);
	assert_true(v == INT64_MAX);
	assert_int_equal(sot_parse_i64(SOT_STR("-9223372036854775809"), INT64_MIN, INT64_MAX, &v, NULL),
	    SOT_INVALID);
	assert_int_equal(
	    sot_parse_i64(SOT_STR("9223372036854775808"), INT64_MIN, INT64_MAX, &v, NULL), SOT_INVALID);
	assert_int_equal(sot_parse_i64(SOT_STR("-"), INT64_MIN, INT64_MAX, &v, NULL), SOT_INVALID);
	assert_int_equal(sot_parse_i64(SOT_STR("--1"), INT64_MIN, INT64_MAX, &v, NULL), SOT_INVALID);
	assert_int_equal(sot_parse_i64(SOT_STR("-0"), 0, 1, &v, NULL), SOT_OK);
	assert_true(v == 0);
}

static void doubles_are_finite_and_decimal(void **state)
{
	(void)state;
	double d = 0;
	assert_int_equal(sot_parse_double(SOT_STR("-1.5e2"), &d, NULL), SOT_OK);
	assert_true(d > -150.1 && d < -149.9);
	static const char *const bad[] = {
	    "", "nan", "inf", "1e999", "0x1p3", "1.5x", " 1", "1 ", "e", "."};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (sot_parse_double(sot_str_c(bad[i]), &d, NULL) == SOT_OK)
			fail_msg("\"%s\" was taken for a number", bad[i]);
}

static void booleans_are_six_words(void **state)
{
	(void)state;
	bool b = false;
	assert_int_equal(sot_parse_bool(SOT_STR("on"), &b, NULL), SOT_OK);
	assert_true(b);
	assert_int_equal(sot_parse_bool(SOT_STR("no"), &b, NULL), SOT_OK);
	assert_false(b);
	assert_int_equal(sot_parse_bool(SOT_STR("1"), &b, NULL), SOT_INVALID);
	assert_int_equal(sot_parse_bool(SOT_STR("True"), &b, NULL), SOT_INVALID);
}

static void check_ipv4(const char *text, bool good)
{
	uint32_t v;
	if ((sot_parse_ipv4(sot_str_c(text), &v, NULL) == SOT_OK) != good)
		fail_msg("ipv4 \"%s\"", text);
}

static void addresses_are_four_plain_decimals(void **state)
{
	(void)state;
	uint32_t v = 0;
	char text[16];
	assert_int_equal(sot_parse_ipv4(SOT_STR("10.66.0.2"), &v, NULL), SOT_OK);
	assert_int_equal(v, 0x0a420002);
	assert_string_equal(sot_format_ipv4(v, text), "10.66.0.2");
	assert_string_equal(sot_format_ipv4(UINT32_MAX, text), "255.255.255.255");
	check_ipv4("0.0.0.0", true);
	check_ipv4("255.255.255.255", true);
	static const char *const bad[] = {"", "1.2.3", "1.2.3.4.5", "1.2.3.4.", ".1.2.3.4", "1..2.3",
	    "256.1.1.1", "01.2.3.4", "1.2.3.04", " 1.2.3.4", "1.2.3.4 ", "1.2.3.-4", "0x1.2.3.4",
	    "1.2.3.4/8"};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		check_ipv4(bad[i], false);
}

static void networks_have_no_host_bits(void **state)
{
	(void)state;
	uint32_t net;
	uint8_t prefix;
	sot_err err = {0};
	assert_int_equal(sot_parse_cidr4(SOT_STR("10.66.0.0/24"), &net, &prefix, NULL), SOT_OK);
	assert_int_equal(net, 0x0a420000);
	assert_int_equal(prefix, 24);
	assert_int_equal(sot_parse_cidr4(SOT_STR("0.0.0.0/0"), &net, &prefix, NULL), SOT_OK);
	assert_int_equal(sot_parse_cidr4(SOT_STR("10.66.0.9/32"), &net, &prefix, NULL), SOT_OK);
	assert_int_equal(sot_parse_cidr4(SOT_STR("10.66.0.9/24"), &net, &prefix, &err), SOT_INVALID);
	assert_string_equal(
	    err.text, "\"10.66.0.9/24\" has host bits set; the network is 10.66.0.0/24");
	static const char *const bad[] = {"10.66.0.0", "10.66.0.0/", "10.66.0.0/33", "10.66.0.0/024",
	    "10.66.0.0/08", "/8", "1.0.0.0/0"};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (sot_parse_cidr4(sot_str_c(bad[i]), &net, &prefix, NULL) == SOT_OK)
			fail_msg("\"%s\" was taken for a network", bad[i]);
}

static void hardware_addresses_have_six_pairs(void **state)
{
	(void)state;
	uint8_t mac[6] = {0};
	char text[18];
	assert_int_equal(sot_parse_mac(SOT_STR("02:0A:0a:42:00:02"), mac, NULL), SOT_OK);
	assert_string_equal(sot_format_mac(mac, text), "02:0a:0a:42:00:02");
	assert_int_equal(sot_parse_mac(SOT_STR("02-0a-0a-42-00-02"), mac, NULL), SOT_INVALID);
	assert_int_equal(sot_parse_mac(SOT_STR("02:0a:0a:42:00:0"), mac, NULL), SOT_INVALID);
	assert_int_equal(sot_parse_mac(SOT_STR("02:0a:0a:42:00:0g"), mac, NULL), SOT_INVALID);
	assert_string_equal(sot_format_mac(mac, text), "02:0a:0a:42:00:02");
}

static void sizes_have_binary_units_and_do_not_overflow(void **state)
{
	(void)state;
	uint64_t v = 0;
	assert_int_equal(sot_parse_size(SOT_STR("512m"), &v, NULL), SOT_OK);
	assert_true(v == 512ull << 20);
	assert_int_equal(sot_parse_size(SOT_STR("2G"), &v, NULL), SOT_OK);
	assert_true(v == 2ull << 30);
	assert_int_equal(sot_parse_size(SOT_STR("300"), &v, NULL), SOT_OK);
	assert_true(v == 300);
	static const char *const bad[] = {
	    "", "m", "1.5g", "1gb", "-1k", "16777216t", "18446744073709551615k"};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (sot_parse_size(sot_str_c(bad[i]), &v, NULL) == SOT_OK)
			fail_msg("\"%s\" was taken for a size", bad[i]);
}

static void hex_goes_both_ways_and_bad_digits_change_nothing(void **state)
{
	(void)state;
	uint8_t bytes[3] = {1, 2, 3};
	char text[7];
	assert_int_equal(sot_hex_decode(SOT_STR("00fFz9"), bytes, 3, NULL), SOT_INVALID);
	assert_int_equal(sot_hex_decode(SOT_STR("00ff"), bytes, 3, NULL), SOT_INVALID);
	assert_int_equal(bytes[0], 1);
	assert_int_equal(sot_hex_decode(SOT_STR("00fF7a"), bytes, 3, NULL), SOT_OK);
	sot_hex_encode(bytes, 3, text);
	assert_string_equal(text, "00ff7a");
}

static void labels_are_dns_labels(void **state)
{
	(void)state;
	assert_true(sot_is_label(SOT_STR("shop-default-01"), 63));
	assert_true(sot_is_label(SOT_STR("a"), 1));
	static const char *const bad[] = {"", "1a", "-a", "a-", "a_b", "A", "a.b", "é", "ab"};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (sot_is_label(sot_str_c(bad[i]), i == 8 ? 1 : 63))
			fail_msg("\"%s\" was taken for a label", bad[i]);
}

static void times_are_utc_to_the_nanosecond(void **state)
{
	static const struct {
		const char *text;
		uint64_t ns;
	} good[] = {{"1970-01-01T00:00:00Z", 0}, {"2026-11-22T08:49:33.120Z", 1795337373120000000},
	    {"2026-11-22T08:49:33.123456789Z", 1795337373123456789},
	    {"2000-02-29T23:59:59Z", 951868799000000000},
	    {"2100-03-01T00:00:00.5Z", 4107542400500000000}};
	static const char *const bad[] = {"", "2026-11-22", "2026-11-22T08:49:33",
	    "2026-11-22 08:49:33Z", "2026-13-22T08:49:33Z", "2026-02-29T00:00:00Z",
	    "2100-02-29T00:00:00Z", "2026-11-22T24:00:00Z", "2026-11-22T08:49:60Z",
	    "2026-11-22T08:49:33.Z", "2026-11-22T08:49:33.1234567890Z", "2026-11-22T08:49:33.12aZ",
	    "2026-11-22T08:49:33+01:00", "1969-12-31T23:59:59Z", "2026-00-10T00:00:00Z",
	    "2026-04-31T00:00:00Z", "2026-11-22T08:49:33ZZ", "-026-11-22T08:49:33Z"};
	uint64_t ns = 7;
	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_int_equal(sot_parse_time_ns(sot_str_c(good[i].text), &ns, NULL), SOT_OK);
		assert_true(ns == good[i].ns);
	}
	ns = 7;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (sot_parse_time_ns(sot_str_c(bad[i]), &ns, NULL) == SOT_OK)
			fail_msg("\"%s\" was taken for a time", bad[i]);
	assert_true(ns == 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(unsigned_numbers_are_digits_only),
	    cmocka_unit_test(bounds_are_inclusive_and_named_in_the_error),
	    cmocka_unit_test(signed_numbers_reach_both_ends),
	    cmocka_unit_test(doubles_are_finite_and_decimal),
	    cmocka_unit_test(booleans_are_six_words),
	    cmocka_unit_test(addresses_are_four_plain_decimals),
	    cmocka_unit_test(networks_have_no_host_bits),
	    cmocka_unit_test(hardware_addresses_have_six_pairs),
	    cmocka_unit_test(sizes_have_binary_units_and_do_not_overflow),
	    cmocka_unit_test(hex_goes_both_ways_and_bad_digits_change_nothing),
	    cmocka_unit_test(labels_are_dns_labels),
	    cmocka_unit_test(times_are_utc_to_the_nanosecond),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
