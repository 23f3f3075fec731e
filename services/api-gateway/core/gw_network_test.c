/* Pictures of subnets, names of DNS zones, lines of the CSV file. */
#include "gw_csv.h"
#include "gw_map.h"
#include "gw_zone.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static sot_ip ip(const char *text)
{
	sot_ip value = {0};
	assert_int_equal(sot_ip_parse(sot_str_c(text), &value, NULL), SOT_OK);
	return value;
}

/* ---- maps ---- */
static void write_run(void *self, const gw_map_run *run)
{
	char first[SOT_IP_TEXT], last[SOT_IP_TEXT];
	sot_buf_printf(self, "%s-%s %s\n", sot_ip_format(run->first, first),
	    sot_ip_format(run->last, last), run->state);
}

static void a_map_covers_the_subnet_from_end_to_end(void **state)
{
	gw_map_subnet subnet = {
	    ip("10.66.0.0"), 28, ip("10.66.0.4"), ip("10.66.0.12"), ip("10.66.0.1"), true};
	gw_map_range ranges[] = {{ip("10.66.0.6"), ip("10.66.0.8"), GW_RANGE_RESERVED},
	    {ip("10.66.0.12"), ip("10.66.0.12"), GW_RANGE_EXCLUDED}};
	gw_map_run held[] = {{ip("10.66.0.5"), ip("10.66.0.6"), "bound"},
	    {ip("10.66.0.10"), ip("10.66.0.10"), "cooling"}};
	SOT_AUTO_BUF text;
	(void)state;
	sot_buf_init(&text, 4096);
	gw_map_walk(&subnet, ranges, 2, held, 2, write_run, &text);
	assert_string_equal(text.p,
	    "10.66.0.0-10.66.0.0 outside\n10.66.0.1-10.66.0.3 gateway\n10.66.0.4-10.66.0.4 free\n"
	    "10.66.0.5-10.66.0.6 bound\n10.66.0.7-10.66.0.8 kept\n10.66.0.9-10.66.0.9 free\n"
	    "10.66.0.10-10.66.0.10 cooling\n10.66.0.11-10.66.0.11 free\n"
	    "10.66.0.12-10.66.0.12 barred\n10.66.0.13-10.66.0.15 outside\n");
}

static void with_pools_nothing_else_is_free(void **state)
{
	gw_map_subnet subnet = {ip("10.66.0.0"), 29, ip("10.66.0.1"), ip("10.66.0.6"), {0}, false};
	gw_map_range ranges[] = {{ip("10.66.0.3"), ip("10.66.0.4"), GW_RANGE_POOL}};
	gw_map_run held[] = {{ip("10.66.0.7"), ip("10.66.0.7"), "suspect"}};
	SOT_AUTO_BUF text;
	(void)state;
	sot_buf_init(&text, 4096);
	gw_map_walk(&subnet, ranges, 1, held, 1, write_run, &text);
	assert_string_equal(text.p,
	    "10.66.0.0-10.66.0.2 outside\n10.66.0.3-10.66.0.4 free\n10.66.0.5-10.66.0.6 outside\n"
	    "10.66.0.7-10.66.0.7 suspect\n");
}

static void beside_a_named_pool_the_rest_is_free(void **state)
{
	gw_map_subnet subnet = {ip("10.66.0.0"), 29, ip("10.66.0.1"), ip("10.66.0.6"), {0}, false};
	gw_map_range ranges[] = {{ip("10.66.0.3"), ip("10.66.0.4"), GW_RANGE_NAMED_POOL},
	    {ip("10.66.0.1"), ip("10.66.0.1"), GW_RANGE_POOL}};
	SOT_AUTO_BUF text;
	(void)state;
	sot_buf_init(&text, 4096);
	gw_map_walk(&subnet, ranges, 1, NULL, 0, write_run, &text);
	assert_string_equal(text.p,
	    "10.66.0.0-10.66.0.0 outside\n10.66.0.1-10.66.0.6 free\n10.66.0.7-10.66.0.7 outside\n");
	sot_buf_reset(&text);
	gw_map_walk(&subnet, ranges, 2, NULL, 0, write_run, &text);
	assert_string_equal(text.p,
	    "10.66.0.0-10.66.0.0 outside\n10.66.0.1-10.66.0.1 free\n10.66.0.2-10.66.0.2 outside\n"
	    "10.66.0.3-10.66.0.4 free\n10.66.0.5-10.66.0.7 outside\n");
}

static void a_map_of_ipv6_crosses_bytes(void **state)
{
	gw_map_subnet subnet = {ip("2001:db8::"), 64, ip("2001:db8::1"),
	    ip("2001:db8::ffff:ffff:ffff:ffff"), ip("2001:db8::1"), false};
	gw_map_run held[] = {{ip("2001:db8::1:0:0"), ip("2001:db8::1:0:0"), "bound"}};
	SOT_AUTO_BUF text;
	(void)state;
	sot_buf_init(&text, 4096);
	gw_map_walk(&subnet, NULL, 0, held, 1, write_run, &text);
	assert_string_equal(text.p, "2001:db8::-2001:db8:: outside\n2001:db8::1-2001:db8::1 gateway\n"
	                            "2001:db8::2-2001:db8::ffff:ffff free\n"
	                            "2001:db8::1:0:0-2001:db8::1:0:0 bound\n"
	                            "2001:db8::1:0:1-2001:db8::ffff:ffff:ffff:ffff free\n");
}

/* ---- zones ---- */
static void reverse_zones_end_on_octets_and_nibbles(void **state)
{
	static const struct {
		const char *network;
		uint8_t prefix;
		size_t count;
		const char *first, *last;
	} rows[] = {
	    {"10.66.0.0", 16, 1, "66.10.in-addr.arpa", "66.10.in-addr.arpa"},
	    {"10.66.4.0", 22, 4, "4.66.10.in-addr.arpa", "7.66.10.in-addr.arpa"},
	    {"10.66.0.64", 26, 1, "0.66.10.in-addr.arpa", "0.66.10.in-addr.arpa"},
	    {"10.128.0.0", 9, 128, "128.10.in-addr.arpa", "255.10.in-addr.arpa"},
	    {"2001:db8:12::", 48, 1, "2.1.0.0.8.b.d.0.1.0.0.2.ip6.arpa",
	        "2.1.0.0.8.b.d.0.1.0.0.2.ip6.arpa"},
	    {"2001:db8:1200::", 49, 8, "0.0.0.2.1.8.b.d.0.1.0.0.2.ip6.arpa",
	        "7.0.0.2.1.8.b.d.0.1.0.0.2.ip6.arpa"},
	};
	char name[GW_ZONE_NAME];
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		sot_ip network = ip(rows[i].network);
		assert_int_equal(gw_zone_count(network, rows[i].prefix), rows[i].count);
		gw_zone_name(network, rows[i].prefix, 0, name);
		assert_string_equal(name, rows[i].first);
		gw_zone_name(network, rows[i].prefix, rows[i].count - 1, name);
		assert_string_equal(name, rows[i].last);
	}
	gw_zone_pointer(ip("10.66.0.11"), name);
	assert_string_equal(name, "11.0.66.10.in-addr.arpa");
	gw_zone_pointer(ip("2001:db8::a1"), name);
	assert_string_equal(
	    name, "1.a.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa");
}

static void a_reverse_zone_is_read_back(void **state)
{
	sot_ip network;
	uint8_t prefix = 0;
	char text[SOT_IP_TEXT];
	(void)state;
	assert_int_equal(gw_zone_parse(SOT_STR("66.10.in-addr.arpa"), &network, &prefix, NULL), SOT_OK);
	assert_string_equal(sot_ip_format(network, text), "10.66.0.0");
	assert_int_equal(prefix, 16);
	assert_int_equal(
	    gw_zone_parse(SOT_STR("a.8.b.d.0.1.0.0.2.ip6.arpa"), &network, &prefix, NULL), SOT_OK);
	assert_string_equal(sot_ip_format(network, text), "2001:db8:a000::");
	assert_int_equal(prefix, 36);
	assert_int_equal(
	    gw_zone_parse(SOT_STR("apps.example.com"), &network, &prefix, NULL), SOT_NOT_FOUND);
	assert_int_equal(
	    gw_zone_parse(SOT_STR("in-addr.arpa"), &network, &prefix, NULL), SOT_NOT_FOUND);
	assert_int_equal(
	    gw_zone_parse(SOT_STR("256.10.in-addr.arpa"), &network, &prefix, NULL), SOT_INVALID);
	assert_int_equal(
	    gw_zone_parse(SOT_STR("1.2.3.4.5.in-addr.arpa"), &network, &prefix, NULL), SOT_INVALID);
	assert_int_equal(gw_zone_parse(SOT_STR("x.ip6.arpa"), &network, &prefix, NULL), SOT_INVALID);
	assert_int_equal(gw_zone_parse(SOT_STR("1..ip6.arpa"), &network, &prefix, NULL), SOT_INVALID);
}

/* ---- CSV ---- */
static void cells_are_quoted_where_they_must_be(void **state)
{
	sot_str cells[GW_CSV_COUNT] = {[GW_CSV_KIND] = SOT_STR("vlan"),
	    [GW_CSV_VLAN] = SOT_STR("apps"),
	    [GW_CSV_DNS_ZONE] = SOT_STR(" x"),
	    [GW_CSV_REASON] = SOT_STR("a \"b\", c"),
	    [GW_CSV_DESCRIPTION] = SOT_STR("two\nlines"),
	    [GW_CSV_POOL] = SOT_STR("front")};
	SOT_AUTO_BUF text;
	size_t commas = 0;
	(void)state;
	sot_buf_init(&text, 4096);
	gw_csv_header(&text);
	for (size_t i = 0; i < text.n; i++)
		commas += text.p[i] == ',';
	assert_int_equal(commas, GW_CSV_COUNT - 1);
	sot_buf_reset(&text);
	gw_csv_line(cells, &text);
	assert_string_equal(
	    text.p, "vlan,,apps,,,,,\" x\",,,,,,,,,,,,,,,\"a \"\"b\"\", c\",\"two\nlines\",front\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_map_covers_the_subnet_from_end_to_end),
	    cmocka_unit_test(with_pools_nothing_else_is_free),
	    cmocka_unit_test(beside_a_named_pool_the_rest_is_free),
	    cmocka_unit_test(a_map_of_ipv6_crosses_bytes),
	    cmocka_unit_test(reverse_zones_end_on_octets_and_nibbles),
	    cmocka_unit_test(a_reverse_zone_is_read_back),
	    cmocka_unit_test(cells_are_quoted_where_they_must_be),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
