/* Tests of subnet_plan: what a subnet may be, what is filled in, and the words of each refusal. */
#include "sot_parse.h"
#include "sot_rand.h"
#include "subnet_plan.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { ROUNDS = 20000 };

static sot_ip ip(const char *text)
{
	sot_ip address = {0};
	if (text && *text)
		assert_int_equal(sot_ip_parse(sot_str_c(text), &address, NULL), SOT_OK);
	return address;
}

static subnet_plan plan_of(const char *network, uint8_t prefix, const char *gateway)
{
	return (subnet_plan){.network = ip(network), .prefix = prefix, .gateway = ip(gateway)};
}

static void assert_good(subnet_plan plan, const char *first, const char *last)
{
	const char *pointer = "?";
	sot_err err = {0};
	if (subnet_plan_check(&plan, &pointer, &err) != SOT_OK)
		fail_msg("%s: %s", pointer, err.text);
	char a[SOT_IP_TEXT], b[SOT_IP_TEXT];
	assert_string_equal(pointer, "");
	assert_string_equal(sot_ip_format(plan.first, a), first);
	assert_string_equal(sot_ip_format(plan.last, b), last);
}

static void assert_bad(subnet_plan plan, const char *pointer, const char *text)
{
	subnet_plan before = plan;
	const char *where = "?";
	sot_err err = {0};
	assert_int_equal(subnet_plan_check(&plan, &where, &err), SOT_INVALID);
	assert_string_equal(where, pointer);
	assert_string_equal(err.text, text);
	assert_true(sot_ip_eq(plan.first, before.first) && sot_ip_eq(plan.last, before.last));
}

static void what_is_given_out_begins_after_a_low_gateway_and_ends_before_the_broadcast(void **state)
{
	(void)state;
	assert_good(plan_of("10.66.0.0", 24, "10.66.0.1"), "10.66.0.2", "10.66.0.254");
	assert_good(plan_of("10.66.0.0", 24, "10.66.0.254"), "10.66.0.1", "10.66.0.254");
	assert_good(plan_of("10.66.0.0", 24, NULL), "10.66.0.1", "10.66.0.254");
	assert_good(plan_of("10.66.0.0", 30, "10.66.0.1"), "10.66.0.2", "10.66.0.2");
	assert_good(
	    plan_of("2001:db8::", 64, "2001:db8::1"), "2001:db8::2", "2001:db8::ffff:ffff:ffff:ffff");
	assert_good(plan_of("2001:db8::", 126, NULL), "2001:db8::1", "2001:db8::3");
}

static void a_redundant_gateway_takes_the_two_addresses_after_it(void **state)
{
	(void)state;
	subnet_plan plan = plan_of("10.66.0.0", 24, "10.66.0.1");
	plan.redundant_gateway = true;
	assert_good(plan, "10.66.0.4", "10.66.0.254");
	assert_true(subnet_plan_is_gateway(&plan, ip("10.66.0.3")));
	assert_false(subnet_plan_is_gateway(&plan, ip("10.66.0.4")));
	plan.gateway = ip("10.66.0.253");
	assert_bad(plan, "/redundantGateway",
	    "the two routers after the gateway 10.66.0.253 do not fit: the last address is "
	    "10.66.0.254");
	plan.gateway = (sot_ip){0};
	assert_bad(plan, "/redundantGateway", "a redundant gateway needs a gateway");
	subnet_plan high = plan_of(
	    "2001:db8:ffff:ffff:ffff:ffff:ffff:0", 112, "2001:db8:ffff:ffff:ffff:ffff:ffff:fffe");
	high.redundant_gateway = true;
	assert_bad(high, "/redundantGateway",
	    "the two routers after the gateway 2001:db8:ffff:ffff:ffff:ffff:ffff:fffe do not fit: the "
	    "last "
	    "address is 2001:db8:ffff:ffff:ffff:ffff:ffff:ffff");
}

static void wrong_masks_are_refused_with_what_was_meant(void **state)
{
	(void)state;
	assert_bad(plan_of("10.66.0.1", 24, NULL), "/cidr",
	    "10.66.0.1/24 has host bits; the network is 10.66.0.0/24");
	assert_bad(plan_of("2001:db8::1", 64, NULL), "/cidr",
	    "2001:db8::1/64 has host bits; the network is 2001:db8::/64");
	assert_bad(
	    plan_of("10.66.0.0", 31, NULL), "/cidr", "the prefix length 31 is not in 8..30 of IPv4");
	assert_bad(
	    plan_of("2001:db8::", 32, NULL), "/cidr", "the prefix length 32 is not in 48..126 of IPv6");
	assert_bad(plan_of(NULL, 24, NULL), "/cidr",
	    "a subnet such as 10.66.0.0/24 or 2001:db8::/64 is missing");
	assert_bad(plan_of("224.1.0.0", 16, NULL), "/cidr",
	    "224.1.0.0/16 is set aside for loopback, link-local or multicast; choose a network of your "
	    "own");
	assert_bad(plan_of("fe80::", 64, NULL), "/cidr",
	    "fe80::/64 is set aside for loopback, link-local or multicast; choose a network of your "
	    "own");
}

static void a_gateway_outside_or_of_the_other_family_is_refused(void **state)
{
	(void)state;
	assert_bad(plan_of("10.67.0.0", 24, "10.66.0.1"), "/gateway",
	    "the gateway 10.66.0.1 is not one of 10.67.0.1 to 10.67.0.254");
	assert_bad(plan_of("10.67.0.0", 24, "10.67.0.255"), "/gateway",
	    "the gateway 10.67.0.255 is not one of 10.67.0.1 to 10.67.0.254");
	assert_bad(plan_of("10.67.0.0", 24, "2001:db8::1"), "/gateway",
	    "the gateway 2001:db8::1 is not one of 10.67.0.1 to 10.67.0.254");
	assert_bad(plan_of("2001:db8::", 126, "2001:db8::"), "/gateway",
	    "the gateway 2001:db8:: is not one of 2001:db8::1 to 2001:db8::3");
}

static void first_and_last_lie_inside_and_in_order(void **state)
{
	(void)state;
	subnet_plan plan = plan_of("10.66.0.0", 24, "10.66.0.1");
	plan.first = ip("10.66.0.20");
	plan.last = ip("10.66.0.10");
	assert_bad(plan, "/last", "the last address 10.66.0.10 comes before the first, 10.66.0.20");
	plan.last = ip("10.66.1.10");
	assert_bad(plan, "/last", "the last address 10.66.1.10 is not one of 10.66.0.1 to 10.66.0.254");
	plan.first = ip("10.66.0.0");
	assert_bad(
	    plan, "/first", "the first address 10.66.0.0 is not one of 10.66.0.1 to 10.66.0.254");
	plan.first = plan.last = ip("10.66.0.1");
	assert_bad(plan, "/last",
	    "10.66.0.1 to 10.66.0.1 holds nothing but the gateway; make the subnet or its part larger");
}

static void ranges_are_of_one_family_in_order_and_in_one_subnet(void **state)
{
	(void)state;
	const char *pointer = "?";
	sot_err err = {0};
	subnet_plan plan = plan_of("10.66.0.0", 24, NULL);
	assert_int_equal(range_plan_check(ip("10.66.0.1"), ip("10.66.0.1"), &pointer, &err), SOT_OK);
	assert_int_equal(
	    range_plan_check(ip("10.66.0.9"), ip("10.66.0.1"), &pointer, &err), SOT_INVALID);
	assert_string_equal(pointer, "/last");
	assert_string_equal(err.text, "the last address 10.66.0.1 comes before the first, 10.66.0.9");
	assert_int_equal(range_plan_check(ip("10.66.0.9"), ip("::1"), &pointer, &err), SOT_INVALID);
	assert_string_equal(err.text, "10.66.0.9 and ::1 are not of one family");
	assert_true(range_plan_is_inside(&plan, ip("10.66.0.9"), ip("10.66.0.255")));
	assert_false(range_plan_is_inside(&plan, ip("10.66.0.9"), ip("10.66.1.0")));
	assert_true(range_use_may_overlap(RANGE_POOL, RANGE_EXCLUDED));
	assert_false(range_use_may_overlap(RANGE_POOL, RANGE_POOL));
	assert_false(range_use_may_overlap(RANGE_RESERVED, RANGE_EXCLUDED));
}

static subnet_plan random_plan(sot_rand *r)
{
	subnet_plan plan = {.network = {.family = sot_rand_below(r, 2) ? 4 : 6}};
	unsigned bits = sot_ip_bits(plan.network);
	plan.prefix = (uint8_t)(bits - 2 - sot_rand_below(r, 10));
	sot_rand_fill(r, plan.network.b, bits / 8);
	plan.network.b[0] = plan.network.family == 4 ? 10 : 0x20;
	plan.network = sot_ip_network(plan.network, plan.prefix);
	plan.redundant_gateway = sot_rand_below(r, 3) == 0;
	sot_ip *fields[] = {&plan.gateway, &plan.first, &plan.last};
	for (size_t i = 0; i < 3; i++) {
		if (sot_rand_below(r, 2))
			*fields[i] =
			    sot_ip_add(plan.network, sot_rand_below(r, 3u << (bits - plan.prefix)) / 2);
	}
	return plan;
}

/* Whatever is accepted can be given out from: usable bounds, in order, more than the gateway. */
static void every_accepted_plan_has_an_address_to_give_out(void **state)
{
	(void)state;
	const char *text = getenv("SOT_SEED");
	uint64_t seed = 20261122;
	if (text)
		assert_int_equal(sot_parse_u64(sot_str_c(text), 0, UINT64_MAX, &seed, NULL), SOT_OK);
	sot_rand r;
	sot_rand_seed(&r, seed);
	unsigned accepted = 0;
	for (int round = 0; round < ROUNDS; round++) {
		subnet_plan plan = random_plan(&r), wanted = plan;
		const char *pointer = NULL;
		sot_err err = {0};
		if (subnet_plan_check(&plan, &pointer, &err) != SOT_OK) {
			if (pointer[0] != '/' || !err.text[0])
				fail_msg("seed %llu round %d: no words", (unsigned long long)seed, round);
			continue;
		}
		accepted++;
		uint64_t span = sot_ip_distance(plan.first, plan.last), usable = 0;
		for (uint64_t i = 0; i <= span; i++) {
			sot_ip address = sot_ip_add(plan.first, i);
			assert_true(subnet_plan_is_usable(&plan, address));
			usable += !subnet_plan_is_gateway(&plan, address);
		}
		if (usable == 0)
			fail_msg("seed %llu round %d: nothing to give out", (unsigned long long)seed, round);
		assert_true(sot_ip_is_none(wanted.first) || sot_ip_eq(wanted.first, plan.first));
		assert_true(sot_ip_is_none(wanted.last) || sot_ip_eq(wanted.last, plan.last));
	}
	assert_true(accepted > ROUNDS / 20 && accepted < ROUNDS);
}

static void overlap_is_symmetric_and_means_a_shared_address(void **state)
{
	(void)state;
	subnet_plan a = plan_of("10.66.0.0", 16, NULL), b = plan_of("10.66.7.0", 24, NULL);
	subnet_plan c = plan_of("10.67.0.0", 16, NULL), d = plan_of("2001:db8::", 64, NULL);
	assert_true(subnet_plan_overlaps(&a, &b) && subnet_plan_overlaps(&b, &a));
	assert_true(subnet_plan_overlaps(&a, &a));
	assert_false(subnet_plan_overlaps(&a, &c) || subnet_plan_overlaps(&c, &a));
	assert_false(subnet_plan_overlaps(&a, &d) || subnet_plan_overlaps(&d, &a));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(
	        what_is_given_out_begins_after_a_low_gateway_and_ends_before_the_broadcast),
	    cmocka_unit_test(a_redundant_gateway_takes_the_two_addresses_after_it),
	    cmocka_unit_test(wrong_masks_are_refused_with_what_was_meant),
	    cmocka_unit_test(a_gateway_outside_or_of_the_other_family_is_refused),
	    cmocka_unit_test(first_and_last_lie_inside_and_in_order),
	    cmocka_unit_test(ranges_are_of_one_family_in_order_and_in_one_subnet),
	    cmocka_unit_test(every_accepted_plan_has_an_address_to_give_out),
	    cmocka_unit_test(overlap_is_symmetric_and_means_a_shared_address),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
