/* Tests of import_rows and import_plan: what lines mean against what is there; every error by line,
 * column and words. A property: a plan without errors, applied, leaves nothing to change. */
#include "import_plan.h"
#include "sot_parse.h"
#include "sot_rand.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static sot_ip ip(const char *text)
{
	sot_ip address = {0};
	assert_int_equal(sot_ip_parse(sot_str_c(text), &address, NULL), SOT_OK);
	return address;
}

/* "line column: detail" of each error, one a line. */
static void assert_errors(const char *csv, const import_facts *facts, const char *expected)
{
	static const import_facts nothing;
	SOT_AUTO(import_rows) rows = import_rows_new();
	SOT_AUTO_BUF text;
	sot_buf_init(&text, 100000);
	import_rows_read_csv(rows, sot_str_c(csv));
	SOT_AUTO(import_plan) plan = import_plan_new(rows, facts ? facts : &nothing);
	assert_non_null(plan);
	for (size_t i = 0; i < rows->error_count; i++)
		sot_buf_printf(&text, "%u %s: %.*s\n", rows->errors[i].line, rows->errors[i].column,
		    SOT_ARG(rows->errors[i].detail));
	assert_string_equal(text.n > 0 ? text.p : "", expected);
}

static void a_first_line_that_is_no_header_is_the_only_error(void **state)
{
	(void)state;
	assert_errors("", NULL, "1 : the file is empty\n");
	assert_errors("kind,color\nvlan,red\n", NULL,
	    "1 : the first line names the columns; \"color\" is none (docs/import.md lists them)\n");
	assert_errors("vlan,vlan_id\na,5\n", NULL,
	    "1 kind: the first line names the columns; kind is missing (docs/import.md lists them)\n");
	assert_errors("kind,kind\n", NULL,
	    "1 : the first line names the columns; \"kind\" comes twice (docs/import.md lists them)\n");
}

static void values_are_refused_by_column(void **state)
{
	(void)state;
	assert_errors("kind,vlan,vlan_id,isolated,scopes,mac\n"
	              "net,a,,,,\n"
	              "vlan,a,70000,,,\n"
	              "vlan,b,5,maybe,,\n"
	              "vlan,c,5,,zone:a,\n"
	              "vlan,d,5,,,02:00:00:00:00:01\n"
	              "vlan,,5,,,\n"
	              "vlan,e\xff,5,,,\n"
	              "vlan,f,5\n",
	    NULL,
	    "2 kind: \"net\" is not one of vlan, subnet, range, address\n"
	    "3 vlan_id: \"70000\" is not a number from 0 to 4094\n"
	    "4 isolated: \"maybe\" is neither true nor false\n"
	    "5 scopes: \"zone:a\" is not a scope; scopes look like \"az:a\", \"rack:r12\" or "
	    "\"host:h7\"\n"
	    "6 mac: a vlan has no mac; leave the cell empty\n"
	    "7 vlan: the VLAN's name is missing\n"
	    "8 vlan: control characters, or not UTF-8; save the file as UTF-8\n"
	    "9 : 3 fields, but the first line names 6 columns; is a comma missing, or a field with a "
	    "comma "
	    "not in quotes?\n");
	assert_errors("kind,cidr,vlan,dns,weight,address,state,owner,first,last\n"
	              "subnet,10.0.0.1/24,a,,,,,,,\n"
	              "subnet,10.0.0.0/24,a,1.1.1.1 x,0,,,,,\n"
	              "address,,,,,10.0.0.5,bound,,,\n"
	              "address,,,,,10.0.0.5,,,,\n"
	              "address,,,,,10.0.0.5,,Bad_Name,,\n"
	              "range,,,,,,,,10.0.0.9,10.0.0.8\n",
	    NULL,
	    "2 cidr: \"10.0.0.1/24\" has host bits set; the subnet is 10.0.0.0/24\n"
	    "3 dns: \"x\" is not an address such as 10.66.0.2 or 2001:db8::2\n"
	    "3 weight: \"0\" is not a number from 1 to 1000\n"
	    "4 state: bound is for Sotalia to say; only static and excluded addresses are imported, "
	    "leave "
	    "the line out\n"
	    "5 owner: a static address needs an owner\n"
	    "6 owner: \"Bad_Name\" is not a DNS label: a-z, 0-9 and -, beginning with a letter\n"
	    "7 state: \"\" is not one of pool, reserved, excluded\n");
}

/* As an export writes them: what requests may hold, lines may hold too. */
static void a_quoted_description_may_hold_line_ends_and_the_lines_behind_it_are_counted(
    void **state)
{
	(void)state;
	SOT_AUTO(import_rows) rows = import_rows_new();
	import_rows_read_csv(
	    rows, SOT_STR("kind,vlan,vlan_id,description\nvlan,a,5,\"two\nlines\"\nvlan,b,x,\n"));
	assert_int_equal(rows->vlan_count, 1);
	assert_true(sot_str_eq_c(rows->vlans[0].description, "two\nlines"));
	assert_int_equal(rows->error_count, 1);
	assert_int_equal(rows->errors[0].line, 4);
}

static void lines_are_checked_against_each_other(void **state)
{
	(void)state;
	assert_errors("kind,vlan,vlan_id,scopes,cidr,gateway,first,last,state,address,owner,vrf\n"
	              "vlan,a,5,az:x,,,,,,,,\n"
	              "vlan,b,5,az:x rack:y,,,,,,,,\n"
	              "vlan,a,6,,,,,,,,,\n"
	              "subnet,a,,,10.0.0.0/24,10.1.0.1,,,,,,\n"
	              "subnet,c,,,10.5.0.0/24,,,,,,,\n"
	              "subnet,a,,,10.2.0.0/16,,,,,,,\n"
	              "subnet,a,,,10.2.3.0/24,,,,,,,\n"
	              "range,,,,,,10.2.0.5,10.2.0.9,pool,,,\n"
	              "range,,,,,,10.2.0.9,10.2.0.11,pool,,,\n"
	              "range,,,,,,10.2.0.6,10.2.0.7,reserved,,,\n"
	              "range,,,,,,10.2.255.9,10.3.0.1,pool,,,\n"
	              "address,,,,,,,,,10.2.0.0,x,\n"
	              "address,,,,,,,,,10.2.0.1,x,blue\n"
	              "address,b,,,,,,,,10.2.0.1,x,\n"
	              "vlan,d,,,,,,,,,,\n",
	    NULL,
	    "3 vlan_id: VLAN a has the id 5 too, and both reach a common place: they would be one "
	    "wire; "
	    "give them different ids or scopes\n"
	    "4 vlan: VLAN a stands in line 2 too\n"
	    "5 gateway: the gateway 10.1.0.1 is not one of 10.0.0.1 to 10.0.0.254\n"
	    "6 vlan: there is no VLAN c, and the file has no good line for it; add a line of kind "
	    "vlan\n"
	    "8 cidr: 10.2.3.0/24 overlaps with 10.2.0.0/16 of line 7\n"
	    "10 first: it overlaps with the range of line 9, 10.2.0.5 to 10.2.0.9\n"
	    "12 last: it is not in 10.2.0.0/16; a range belongs to one subnet\n"
	    "13 address: it is not one of 10.2.0.1 to 10.2.255.254\n"
	    "14 address: 10.2.0.1 lies in no subnet of VRF blue; add a line of kind subnet, or name "
	    "its "
	    "VRF\n"
	    "15 vlan: 10.2.0.1 is of VLAN a, not of b\n"
	    "16 vlan_id: a new VLAN needs its id\n");
}

static void lines_are_checked_against_what_is_there(void **state)
{
	(void)state;
	vlan_fact vlan = {
	    .plan = {.name = SOT_STR("a"), .vrf = SOT_STR("default"), .vlan_id = 5, .mtu = 1500}};
	subnet_fact subnet = {.vlan = SOT_STR("a"),
	    .plan = {.network = ip("10.0.0.0"),
	        .prefix = 24,
	        .first = ip("10.0.0.1"),
	        .last = ip("10.0.0.254")},
	    .open = true,
	    .weight = 1};
	address_fact addresses[] = {{.vrf = SOT_STR("default"),
	                                .address = ip("10.0.0.5"),
	                                .state = SOT_STR("bound"),
	                                .holder = SOT_STR("instance shop-1")},
	    {.vrf = SOT_STR("default"),
	        .address = ip("10.0.0.6"),
	        .state = SOT_STR("cooling"),
	        .free_in_ms = 1500},
	    {.vrf = SOT_STR("default"), .address = ip("10.0.0.7"), .state = SOT_STR("cooling")}};
	import_facts facts = {.vlans = &vlan,
	    .vlan_count = 1,
	    .subnets = &subnet,
	    .subnet_count = 1,
	    .addresses = addresses,
	    .address_count = 3};
	assert_errors("kind,vlan,vlan_id,cidr,address,owner,vrf,redundant_gateway,last\n"
	              "vlan,a,6,,,,blue,,\n"
	              "subnet,a,,10.0.0.0/24,,,,true,10.0.0.9\n"
	              "subnet,a,,10.0.0.128/25,,,,,\n"
	              "address,,,,10.0.0.5,x,,,\n"
	              "address,,,,10.0.0.6,x,,,\n"
	              "address,,,,10.0.0.7,x,,,\n",
	    &facts,
	    "2 vlan_id: it is \"5\" and cannot be changed; delete it and make it anew, or leave the "
	    "cell "
	    "empty\n"
	    "2 vrf: it is \"default\" and cannot be changed; delete it and make it anew, or leave the "
	    "cell "
	    "empty\n"
	    "3 last: it is \"10.0.0.254\" and cannot be changed; delete it and make it anew, or leave "
	    "the "
	    "cell empty\n"
	    "3 redundant_gateway: it is \"false\" and cannot be changed; delete it and make it anew, "
	    "or "
	    "leave the cell empty\n"
	    "4 cidr: 10.0.0.128/25 overlaps with 10.0.0.0/24 of line 3\n"
	    "5 address: it is bound: instance shop-1; leave the line out, or free the address first\n"
	    "6 address: it was given back and cools for 2 s more; wait, or free it first\n");
}

/* ---- applied, nothing is left to change ---- */

/* Mostly sound files: about every second one has no error. */
static void random_csv(sot_rand *r, sot_buf *csv)
{
	static const char *const bools[] = {"", "true", "false"};
	unsigned subnets = (unsigned)sot_rand_below(r, 5);
	sot_buf_add_c(csv,
	    "kind,vlan,vlan_id,vrf,mtu,isolated,scopes,cidr,open,rank,first,last,address,"
	    "state,owner,reason\n");
	for (unsigned i = 0; i < 4; i++)
		sot_buf_printf(csv, "vlan,v%u,%u,,%s,%s,%s,,,,,,,,,\n", i,
		    sot_rand_below(r, 20) ? 100 + i : 7, sot_rand_below(r, 2) ? "" : "9000",
		    bools[sot_rand_below(r, 3)], sot_rand_below(r, 2) ? "az:b rack:a" : "az:a");
	for (unsigned i = 0; i < subnets; i++)
		sot_buf_printf(csv, "subnet,v%u,,,,,,10.%u.0.0/%u,%s,%s,,,,,,\n",
		    (unsigned)sot_rand_below(r, 4), i, sot_rand_below(r, 20) ? 24u : 15u,
		    bools[sot_rand_below(r, 3)], sot_rand_below(r, 2) ? "" : "7");
	for (uint64_t i = sot_rand_below(r, 3); subnets > 0 && i > 0; i--) {
		unsigned octet = (unsigned)sot_rand_below(r, subnets);
		unsigned low = 1 + (unsigned)sot_rand_below(r, 200);
		sot_buf_printf(csv, "range,,,,,,,,,,10.%u.0.%u,10.%u.0.%u,,%s,x,\n", octet, low, octet,
		    low + (unsigned)sot_rand_below(r, 9), sot_rand_below(r, 2) ? "pool" : "reserved");
	}
	for (uint64_t i = sot_rand_below(r, 6); subnets > 0 && i > 0; i--)
		sot_buf_printf(csv, "address,,,%s,,,,,,,,,10.%u.0.%u,%s,n,%s\n",
		    sot_rand_below(r, 20) ? "" : "blue", (unsigned)sot_rand_below(r, subnets),
		    1 + (unsigned)sot_rand_below(r, 200), sot_rand_below(r, 2) ? "" : "excluded",
		    sot_rand_below(r, 2) ? "" : "why");
}

/* What would be there after the plan. */
static import_facts applied(sot_arena *arena, const import_plan *plan)
{
	import_facts facts = {
	    .vlans = sot_arena_alloc(arena, (plan->vlan_count + 1) * sizeof(vlan_fact)),
	    .subnets = sot_arena_alloc(arena, (plan->subnet_count + 1) * sizeof(subnet_fact)),
	    .ranges = sot_arena_alloc(arena, (plan->range_count + 1) * sizeof(range_fact)),
	    .addresses = sot_arena_alloc(arena, (plan->address_count + 1) * sizeof(address_fact))};
	for (size_t i = 0; i < plan->vlan_count; i++)
		facts.vlans[facts.vlan_count++].plan = plan->vlans[i].plan;
	for (size_t i = 0; i < plan->subnet_count; i++)
		facts.subnets[facts.subnet_count++] = plan->subnets[i].to;
	for (size_t i = 0; i < plan->range_count; i++)
		facts.ranges[facts.range_count++] = plan->ranges[i].to;
	for (size_t i = 0; i < plan->address_count; i++) {
		const address_change *change = &plan->addresses[i];
		facts.addresses[facts.address_count++] = (address_fact){.vrf = change->vrf,
		    .owner = change->owner,
		    .reason = change->reason,
		    .state = sot_str_c(change->state),
		    .address = change->row->address};
	}
	return facts;
}

/* No two subnets of a VRF overlap, no address is outside of its subnet. */
static void assert_sound(const import_plan *plan)
{
	for (size_t i = 0; i < plan->subnet_count; i++) {
		for (size_t j = 0; j < i; j++) {
			const subnet_change *a = &plan->subnets[i], *b = &plan->subnets[j];
			assert_false(sot_str_eq(plan->vlans[a->vlan].plan.vrf, plan->vlans[b->vlan].plan.vrf) &&
			             subnet_plan_overlaps(&a->to.plan, &b->to.plan));
		}
	}
	for (size_t i = 0; i < plan->address_count; i++) {
		const address_change *change = &plan->addresses[i];
		assert_true(
		    subnet_plan_is_usable(&plan->subnets[change->subnet].to.plan, change->row->address));
	}
}

static void a_plan_that_was_applied_has_nothing_to_change(void **state)
{
	(void)state;
	const char *text = getenv("SOT_SEED");
	uint64_t seed = 20261124;
	sot_rand r;
	unsigned good = 0;
	static const import_facts nothing;
	if (text)
		assert_int_equal(sot_parse_u64(sot_str_c(text), 0, UINT64_MAX, &seed, NULL), SOT_OK);
	sot_rand_seed(&r, seed);
	for (int round = 0; round < 3000; round++) {
		SOT_AUTO_BUF csv;
		SOT_AUTO(import_rows) rows = import_rows_new();
		SOT_AUTO(import_rows) again = import_rows_new();
		SOT_AUTO(sot_arena) arena = sot_arena_new(1u << 20);
		sot_buf_init(&csv, 1u << 16);
		random_csv(&r, &csv);
		import_rows_read_csv(rows, sot_buf_str(&csv));
		SOT_AUTO(import_plan) plan = import_plan_new(rows, &nothing);
		if (rows->error_count > 0)
			continue;
		good++;
		assert_sound(plan);
		assert_int_equal(plan->unchanged, 0);
		import_facts facts = applied(arena, plan);
		import_rows_read_csv(again, sot_buf_str(&csv));
		SOT_AUTO(import_plan) second = import_plan_new(again, &facts);
		if (again->error_count > 0 || second->unchanged != again->lines)
			fail_msg("seed %llu round %d: %zu of %u unchanged of\n%s", (unsigned long long)seed,
			    round, second->unchanged, again->lines, csv.p);
	}
	assert_true(good > 100 && good < 3000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_first_line_that_is_no_header_is_the_only_error),
	    cmocka_unit_test(values_are_refused_by_column),
	    cmocka_unit_test(
	        a_quoted_description_may_hold_line_ends_and_the_lines_behind_it_are_counted),
	    cmocka_unit_test(lines_are_checked_against_each_other),
	    cmocka_unit_test(lines_are_checked_against_what_is_there),
	    cmocka_unit_test(a_plan_that_was_applied_has_nothing_to_change),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
