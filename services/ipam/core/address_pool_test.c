/* Unit and property tests of address_pool and network_plan. SOT_SEED=n replays a property. */
#include "address_pool.h"
#include "network_plan.h"
#include "sot_parse.h"
#include "sot_rand.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { SEEDS = 300, STEPS = 400, SIZE_MAX_ADDRESSES = 300 };

static void every_address_is_picked_once_and_then_none(void **state)
{
	(void)state;
	address_pool *p = address_pool_new(1000, 1000 + 4999);
	bool seen[5000] = {false};
	address_pick pick;
	for (int i = 0; i < 5000; i++) {
		assert_true(address_pool_pick(p, 0, &pick));
		assert_in_range(pick.address, 1000, 5999);
		assert_false(seen[pick.address - 1000]);
		seen[pick.address - 1000] = true;
	}
	assert_false(address_pool_pick(p, 0, &pick));
	address_pool_free(p);
}

static void a_cooled_address_comes_after_free_ones_oldest_first_and_never_early(void **state)
{
	(void)state;
	address_pool *p = address_pool_new(10, 13);
	address_pick pick;
	for (int i = 0; i < 3; i++)
		assert_true(address_pool_pick(p, 0, &pick)); /* 10, 11, 12 */
	address_pool_cool(p, 11, 200);
	address_pool_cool(p, 10, 100);
	assert_true(address_pool_pick(p, 1000, &pick));
	assert_int_equal(pick.address, 13);
	assert_false(address_pool_pick(p, 99, &pick));
	assert_int_equal(address_pool_next_cooled_unix_ms(p), 100);
	assert_true(address_pool_pick(p, 100, &pick));
	assert_int_equal(pick.address, 10);
	assert_false(address_pool_pick(p, 100, &pick));
	address_pool_put_back(p, pick);
	assert_true(address_pool_pick(p, 100, &pick));
	assert_int_equal(pick.address, 10);
	address_pool_free(p);
}

typedef struct model {
	int64_t free_after[SIZE_MAX_ADDRESSES]; /* -1 used, 0 free, else cooling */
	uint32_t size;
} model;

static void model_pick(model *m, int64_t now, bool picked, address_pick pick)
{
	bool any_free = false, any_cooled = false;
	int64_t oldest = INT64_MAX;
	for (uint32_t i = 0; i < m->size; i++) {
		any_free |= m->free_after[i] == 0;
		if (m->free_after[i] > 0 && m->free_after[i] < oldest)
			oldest = m->free_after[i];
	}
	any_cooled = oldest <= now;
	assert_int_equal(picked, any_free || any_cooled);
	if (!picked)
		return;
	assert_int_equal(m->free_after[pick.address], any_free ? 0 : oldest);
	assert_int_equal(m->free_after[pick.address], pick.free_after_unix_ms);
	m->free_after[pick.address] = -1;
}

static void step(address_pool *p, model *m, sot_rand *rand, int64_t now)
{
	address_pick pick = {0};
	uint32_t address = (uint32_t)sot_rand_below(rand, m->size);
	switch (sot_rand_below(rand, 5)) {
	case 0:
	case 1:
	case 2: {
		bool picked = address_pool_pick(p, now, &pick);
		model_pick(m, now, picked, pick);
		if (picked && sot_rand_below(rand, 4) == 0) {
			address_pool_put_back(p, pick);
			m->free_after[pick.address] = pick.free_after_unix_ms;
		}
		break;
	}
	case 3:
		if (m->free_after[address] == -1) {
			m->free_after[address] = now + 1 + (int64_t)sot_rand_below(rand, 50);
			address_pool_cool(p, address, m->free_after[address]);
		}
		break;
	default:
		address_pool_use(p, address);
		if (m->free_after[address] == 0)
			m->free_after[address] = -1;
	}
}

static uint64_t last_seed;

static void run_seed(uint64_t seed)
{
	sot_rand rand;
	model m = {.size = 0};
	last_seed = seed;
	sot_rand_seed(&rand, seed);
	m.size = 1 + (uint32_t)sot_rand_below(&rand, SIZE_MAX_ADDRESSES);
	address_pool *p = address_pool_new(0, m.size - 1);
	for (int64_t now = 1; now < STEPS; now++) {
		uint32_t free_count = 0;
		size_t cooling = 0;
		step(p, &m, &rand, now);
		for (uint32_t i = 0; i < m.size; i++) {
			free_count += m.free_after[i] == 0;
			cooling += m.free_after[i] > 0;
			assert_int_equal(address_pool_is_free(p, i), m.free_after[i] == 0);
		}
		assert_int_equal(address_pool_free_count(p), free_count);
		assert_int_equal(address_pool_cooling_count(p), cooling);
	}
	address_pool_free(p);
}

static void the_pool_agrees_with_its_model_whatever_happens(void **state)
{
	(void)state;
	const char *only = getenv("SOT_SEED");
	uint64_t seed = 0;
	if (only) {
		assert_int_equal(sot_parse_u64(sot_str_c(only), 0, UINT64_MAX, &seed, NULL), SOT_OK);
		run_seed(seed);
		return;
	}
	for (seed = 1; seed <= SEEDS; seed++)
		run_seed(seed);
}

static sot_code check(const char *net, uint8_t prefix, const char *gateway, uint32_t first,
    uint32_t last, network_plan *ret, const char **pointer)
{
	*ret = (network_plan){.prefix = prefix, .first = first, .last = last};
	assert_int_equal(sot_parse_ipv4(sot_str_c(net), &ret->network, NULL), SOT_OK);
	assert_int_equal(sot_parse_ipv4(sot_str_c(gateway), &ret->gateway, NULL), SOT_OK);
	return network_plan_check(ret, pointer, NULL);
}

static void a_plan_gets_its_defaults_and_a_wrong_one_names_the_field(void **state)
{
	(void)state;
	network_plan p;
	const char *at;
	assert_int_equal(check("10.0.0.0", 24, "10.0.0.1", 0, 0, &p, &at), SOT_OK);
	assert_int_equal(p.first, 0x0a000002);
	assert_int_equal(p.last, 0x0a0000fe);
	assert_int_equal(check("10.0.0.0", 24, "10.0.0.254", 0, 0, &p, &at), SOT_OK);
	assert_int_equal(p.first, 0x0a000001);
	assert_int_equal(check("10.0.0.0", 24, "0.0.0.0", 0, 0, &p, &at), SOT_OK);
	assert_int_equal(p.first, 0x0a000001);
	assert_int_equal(check("10.0.0.1", 24, "0.0.0.0", 0, 0, &p, &at), SOT_INVALID);
	assert_string_equal(at, "/cidr");
	assert_int_equal(check("10.0.0.0", 31, "0.0.0.0", 0, 0, &p, &at), SOT_INVALID);
	assert_string_equal(at, "/cidr");
	assert_int_equal(check("10.0.0.0", 24, "10.0.0.255", 0, 0, &p, &at), SOT_INVALID);
	assert_string_equal(at, "/gateway");
	assert_int_equal(check("10.0.0.0", 24, "10.0.0.1", 0x0a000100, 0, &p, &at), SOT_INVALID);
	assert_string_equal(at, "/first");
	assert_int_equal(p.last, 0); /* untouched on failure */
	assert_int_equal(
	    check("10.0.0.0", 24, "10.0.0.1", 0x0a000020, 0x0a000010, &p, &at), SOT_INVALID);
	assert_string_equal(at, "/last");
}

/* A seed that fails is the last one. */
static int print_seed(void **state)
{
	(void)state;
	print_message("last seed: SOT_SEED=%llu\n", (unsigned long long)last_seed);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_address_is_picked_once_and_then_none),
	    cmocka_unit_test(a_cooled_address_comes_after_free_ones_oldest_first_and_never_early),
	    cmocka_unit_test_teardown(the_pool_agrees_with_its_model_whatever_happens, print_seed),
	    cmocka_unit_test(a_plan_gets_its_defaults_and_a_wrong_one_names_the_field),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
