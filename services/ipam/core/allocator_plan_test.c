/* Unit tests of the allocator's plan: which subnets are used and which addresses of them, what
 * placement is told, what is read again. */
#include "allocator.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static sot_ip ip(const char *text)
{
	sot_ip address = {0};
	assert_int_equal(sot_ip_parse(sot_str_c(text), &address, NULL), SOT_OK);
	return address;
}

static subnet subnet_of(uint8_t id, const char *network, uint16_t rank, uint16_t weight)
{
	sot_ip base = ip(network);
	return (subnet){.id = {{id}},
	    .plan = {.network = base,
	        .prefix = 24,
	        .first = sot_ip_add(base, 1),
	        .last = sot_ip_add(base, 254)},
	    .rank = rank,
	    .weight = weight,
	    .is_open = true};
}

static void start_plan(allocator *a)
{
	plan_vlan v = {.id = {{5}}, .name = "lab"};
	allocator_load_begin(a);
	plan_add_vlan(allocator_load_plan(a), &v);
}

static void add_subnet(allocator *a, subnet s)
{
	assert_int_equal(plan_add_subnet(allocator_load_plan(a), (sot_uuid){{5}}, &s, NULL), SOT_OK);
}

static void end_plan(allocator *a)
{
	allocator_load_plan_end(a);
	allocator_load_end(a, 1);
}

static sot_ip take(allocator *a)
{
	sot_ip address = {0};
	sot_uuid id;
	assert_int_equal(allocator_take_free(a, SOT_STR("lab"), false, 1, &address, &id, NULL), SOT_OK);
	return address;
}

static void subnets_are_used_by_rank_and_within_one_rank_by_weight(void **state)
{
	(void)state;
	allocator *a = allocator_new(1);
	size_t from[4] = {0};
	start_plan(a);
	add_subnet(a, subnet_of(1, "10.0.3.0", 2, 1));
	add_subnet(a, subnet_of(2, "10.0.1.0", 1, 3));
	add_subnet(a, subnet_of(3, "10.0.2.0", 1, 1));
	subnet closed = subnet_of(4, "10.0.0.0", 0, 1);
	closed.is_open = false;
	add_subnet(a, closed);
	end_plan(a);
	for (int i = 0; i < 40; i++)
		from[take(a).b[2]]++;
	assert_int_equal(from[0], 0); /* closed */
	assert_int_equal(from[1], 30);
	assert_int_equal(from[2], 10);
	for (int i = 0; i < 2 * 254 - 40; i++)
		from[take(a).b[2]]++;
	assert_int_equal(from[1] + from[2], 2 * 254);
	assert_int_equal(take(a).b[2], 3);
	allocator_free(a);
}

static void gateways_and_ranges_are_left_out(void **state)
{
	(void)state;
	allocator *a = allocator_new(1);
	static const uint8_t expected[] = {10, 14, 15, 19, 30};
	start_plan(a);
	subnet s = subnet_of(1, "10.0.0.0", 0, 1);
	s.plan.gateway = ip("10.0.0.11");
	s.plan.redundant_gateway = true; /* .11, .12, .13 */
	add_subnet(a, s);
	address_plan *p = allocator_load_plan(a);
	assert_int_equal(
	    plan_add_range(p, s.id, ip("10.0.0.30"), ip("10.0.0.30"), RANGE_POOL, sot_str_c(""), NULL),
	    SOT_OK);
	assert_int_equal(
	    plan_add_range(p, s.id, ip("10.0.0.10"), ip("10.0.0.19"), RANGE_POOL, sot_str_c(""), NULL),
	    SOT_OK);
	assert_int_equal(plan_add_range(p, s.id, ip("10.0.0.16"), ip("10.0.0.17"), RANGE_RESERVED,
	                     sot_str_c(""), NULL),
	    SOT_OK);
	assert_int_equal(plan_add_range(p, s.id, ip("10.0.0.18"), ip("10.0.0.18"), RANGE_EXCLUDED,
	                     sot_str_c(""), NULL),
	    SOT_OK);
	end_plan(a);
	for (size_t i = 0; i < sizeof(expected); i++)
		assert_int_equal(take(a).b[3], expected[i]);
	sot_ip address;
	sot_uuid id;
	assert_int_equal(
	    allocator_take_free(a, SOT_STR("lab"), false, 1, &address, &id, NULL), SOT_LIMIT);
	allocator_free(a);
}

static void network_and_broadcast_are_never_given_out_whatever_the_row_says(void **state)
{
	(void)state;
	allocator *a = allocator_new(1);
	start_plan(a);
	subnet s = subnet_of(1, "10.0.0.0", 0, 1);
	s.plan.prefix = 30;
	s.plan.first = ip("10.0.0.0");
	s.plan.last = ip("10.0.0.3");
	add_subnet(a, s);
	end_plan(a);
	assert_int_equal(take(a).b[3], 1);
	assert_int_equal(take(a).b[3], 2);
	sot_ip address;
	sot_uuid id;
	assert_int_equal(
	    allocator_take_free(a, SOT_STR("lab"), false, 1, &address, &id, NULL), SOT_LIMIT);
	allocator_free(a);
}

/* ---- what placement sees ---- */

typedef struct seen {
	size_t count, gone;
	uint64_t free_v4, version;
} seen;

static void on_news(void *self, const vlan_news *news)
{
	seen *s = self;
	s->count++;
	s->gone += news->vlan == NULL;
	s->free_v4 = news->free_v4;
	assert_true(news->version > s->version);
	s->version = news->version;
}

static uint64_t look(allocator *a, uint64_t after, seen *ret, bool *ret_full)
{
	*ret = (seen){0};
	return allocator_vlans(a, after, 1, on_news, ret, ret_full);
}

static void vlans_are_told_once_and_again_when_they_change_or_go(void **state)
{
	(void)state;
	allocator *a = allocator_new(1);
	seen s;
	bool full = false;
	allocator_set_version(a, 1000);
	start_plan(a);
	add_subnet(a, subnet_of(1, "10.0.0.0", 0, 1));
	end_plan(a);
	uint64_t version = look(a, 0, &s, &full);
	assert_true(full);
	assert_int_equal(s.count, 1);
	assert_int_equal(s.free_v4, 254);
	assert_int_equal(look(a, version, &s, &full), version);
	assert_false(full);
	assert_int_equal(s.count, 0);
	(void)take(a);
	version = look(a, version, &s, &full);
	assert_int_equal(s.count, 1);
	assert_int_equal(s.free_v4, 253);
	(void)look(a, 999, &s, &full); /* of an earlier life */
	assert_true(full);
	allocator_load_begin(a);
	end_plan(a);
	version = look(a, version, &s, &full);
	assert_false(full);
	assert_int_equal(s.gone, 1);
	(void)look(a, version + 1, &s, &full);
	assert_true(full);
	assert_int_equal(s.count, 0); /* what is not named does not exist */
	allocator_free(a);
}

static void a_plan_that_is_read_again_keeps_the_pools_of_subnets_that_are_as_they_were(void **state)
{
	(void)state;
	allocator *a = allocator_new(1);
	size_t wanted = 0;
	start_plan(a);
	add_subnet(a, subnet_of(1, "10.0.0.0", 0, 1));
	end_plan(a);
	assert_int_equal(take(a).b[3], 1);
	start_plan(a);
	add_subnet(a, subnet_of(1, "10.0.0.0", 0, 5));
	add_subnet(a, subnet_of(2, "10.0.1.0", 1, 5));
	allocator_load_plan_end(a);
	const sot_uuid *ids = allocator_load_rows_wanted(a, &wanted);
	assert_int_equal(wanted, 1);
	assert_int_equal(ids[0].b[0], 2);
	allocator_load_end(a, 1);
	assert_int_equal(take(a).b[3], 2);
	allocator_distrust(a);
	start_plan(a);
	add_subnet(a, subnet_of(1, "10.0.0.0", 0, 5));
	allocator_load_plan_end(a);
	(void)allocator_load_rows_wanted(a, &wanted);
	assert_int_equal(wanted, 1);
	allocator_load_end(a, 1);
	assert_int_equal(take(a).b[3], 1);
	allocator_free(a);
}

/* ---- named pools ---- */

static void add_range(allocator *a, sot_uuid subnet_id, const char *first, const char *last,
    range_use use, const char *pool)
{
	assert_int_equal(plan_add_range(allocator_load_plan(a), subnet_id, ip(first), ip(last), use,
	                     sot_str_c(pool), NULL),
	    SOT_OK);
}

/* .1 to .254, of which .10 to .13 are of "front" without .12, and .20 is of "back". */
static void load_pools(allocator *a, const char *front_last)
{
	start_plan(a);
	add_subnet(a, subnet_of(1, "10.0.0.0", 0, 1));
	add_range(a, (sot_uuid){{1}}, "10.0.0.10", front_last, RANGE_POOL, "front");
	add_range(a, (sot_uuid){{1}}, "10.0.0.20", "10.0.0.20", RANGE_POOL, "back");
	add_range(a, (sot_uuid){{1}}, "10.0.0.12", "10.0.0.12", RANGE_EXCLUDED, "");
	allocator_load_plan_end(a);
}

/* Host numbers that are taken of a VLAN or pool until there is none left. */
static void assert_gives(allocator *a, const char *vlan, const uint8_t *expected, size_t count)
{
	sot_ip address = {0};
	sot_uuid id;
	for (size_t i = 0; i < count; i++) {
		assert_int_equal(
		    allocator_take_free(a, sot_str_c(vlan), false, 1, &address, &id, NULL), SOT_OK);
		assert_int_equal(address.b[3], expected[i]);
	}
	assert_int_equal(
	    allocator_take_free(a, sot_str_c(vlan), false, 1, &address, &id, NULL), SOT_LIMIT);
}

static void a_named_pool_gives_only_to_who_names_it_and_the_vlan_gives_the_rest(void **state)
{
	(void)state;
	allocator *a = allocator_new(1);
	static const uint8_t front[] = {10, 11, 13}, back[] = {20};
	sot_ip address = {0};
	sot_uuid id;
	load_pools(a, "10.0.0.13");
	allocator_load_end(a, 1);
	assert_gives(a, "lab/front", front, 3);
	assert_gives(a, "lab/back", back, 1);
	for (size_t i = 0; i < 249; i++) {
		uint8_t number = take(a).b[3];
		assert_false((number >= 10 && number <= 13) || number == 20);
	}
	assert_gives(a, "lab", NULL, 0);
	assert_int_equal(
	    allocator_take_free(a, SOT_STR("lab/none"), false, 1, &address, &id, NULL), SOT_NOT_FOUND);
	allocator_free(a);
}

static void what_is_free_of_a_pool_is_told_as_of_a_vlan(void **state)
{
	(void)state;
	allocator *a = allocator_new(1);
	seen s;
	bool full = false;
	load_pools(a, "10.0.0.13");
	allocator_load_end(a, 1);
	uint64_t version = look(a, 0, &s, &full);
	assert_int_equal(s.count, 3);
	allocator_note_used(a, 0, ip("10.0.0.11"), ADDRESS_BOUND);
	version = look(a, version, &s, &full);
	assert_int_equal(s.count, 1); /* only that pool */
	assert_int_equal(s.free_v4, 2);
	start_plan(a); /* the pools are given up */
	add_subnet(a, subnet_of(1, "10.0.0.0", 0, 1));
	end_plan(a);
	(void)look(a, version, &s, &full);
	assert_int_equal(s.gone, 2);
	allocator_free(a);
}

static void rows_of_a_subnet_are_read_again_when_one_of_its_pools_is_cut_otherwise(void **state)
{
	(void)state;
	allocator *a = allocator_new(1);
	static const uint8_t left[] = {13}, more[] = {13, 14};
	size_t wanted = 0;
	const uint64_t held = 3ULL << 10; /* 10.0.0.10 and .11 */
	load_pools(a, "10.0.0.13");
	assert_int_equal(
	    allocator_load_word(a, (sot_uuid){{1}}, SOT_STR("bound"), 0x0a000000, held, NULL), SOT_OK);
	allocator_load_end(a, 1);
	load_pools(a, "10.0.0.13"); /* as it was: nothing is read */
	(void)allocator_load_rows_wanted(a, &wanted);
	assert_int_equal(wanted, 0);
	allocator_load_end(a, 1);
	assert_gives(a, "lab/front", left, 1);
	load_pools(a, "10.0.0.14");
	(void)allocator_load_rows_wanted(a, &wanted);
	assert_int_equal(wanted, 1);
	assert_int_equal(
	    allocator_load_word(a, (sot_uuid){{1}}, SOT_STR("bound"), 0x0a000000, held, NULL), SOT_OK);
	allocator_load_end(a, 1);
	assert_gives(a, "lab/front", more, 2);
	allocator_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(subnets_are_used_by_rank_and_within_one_rank_by_weight),
	    cmocka_unit_test(gateways_and_ranges_are_left_out),
	    cmocka_unit_test(network_and_broadcast_are_never_given_out_whatever_the_row_says),
	    cmocka_unit_test(vlans_are_told_once_and_again_when_they_change_or_go),
	    cmocka_unit_test(
	        a_plan_that_is_read_again_keeps_the_pools_of_subnets_that_are_as_they_were),
	    cmocka_unit_test(a_named_pool_gives_only_to_who_names_it_and_the_vlan_gives_the_rest),
	    cmocka_unit_test(what_is_free_of_a_pool_is_told_as_of_a_vlan),
	    cmocka_unit_test(rows_of_a_subnet_are_read_again_when_one_of_its_pools_is_cut_otherwise),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
