/* Unit and property tests of address_bits and address_pool: a set model of both families, with
 * ranges, cooling and early picks. SOT_SEED=n replays a property. */
#include "address_pool.h"
#include "sot_parse.h"
#include "sot_rand.h"

#include <assert.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { SEEDS = 300, STEPS = 400, SIZE_MAX_ADDRESSES = 300, SPANS_MAX = 5 };

static sot_ip ip(const char *text)
{
	sot_ip address = {0};
	assert_int_equal(sot_ip_parse(sot_str_c(text), &address, NULL), SOT_OK);
	return address;
}

static address_pool *pool_of(const char *first, const char *last)
{
	address_span span = {ip(first), ip(last)};
	return address_pool_new(&span, 1);
}

static bool is(sot_ip address, const char *text)
{
	return sot_ip_eq(address, ip(text));
}

static void every_address_is_picked_once_and_then_none(void **state)
{
	(void)state;
	address_pool *p = pool_of("10.0.0.0", "10.0.19.135"); /* 5000 */
	bool seen[5000] = {false};
	address_pick pick;
	assert_int_equal(address_pool_size(p), 5000);
	for (int i = 0; i < 5000; i++) {
		assert_true(address_pool_pick(p, 0, &pick));
		uint32_t offset = sot_ip_v4(pick.address) - sot_ip_v4(ip("10.0.0.0"));
		assert_in_range(offset, 0, 4999);
		assert_false(seen[offset]);
		seen[offset] = true;
	}
	assert_false(address_pool_pick(p, 0, &pick));
	address_pool_free(p);
}

static void a_cooled_address_comes_after_free_ones_oldest_first_and_never_early(void **state)
{
	(void)state;
	address_pool *p = pool_of("10.0.0.10", "10.0.0.13");
	address_pick pick;
	for (int i = 0; i < 3; i++)
		assert_true(address_pool_pick(p, 0, &pick)); /* .10, .11, .12 */
	address_pool_cool(p, ip("10.0.0.11"), 20, 200);
	address_pool_cool(p, ip("10.0.0.10"), 10, 100);
	assert_true(address_pool_pick(p, 1000, &pick));
	assert_true(is(pick.address, "10.0.0.13"));
	assert_false(address_pool_pick(p, 99, &pick));
	assert_int_equal(address_pool_next_cooled_unix_ms(p), 100);
	assert_true(address_pool_pick(p, 100, &pick));
	assert_true(is(pick.address, "10.0.0.10"));
	assert_false(address_pool_pick(p, 100, &pick));
	address_pool_put_back(p, pick);
	assert_true(address_pool_pick(p, 100, &pick));
	assert_true(is(pick.address, "10.0.0.10"));
	/* Under pressure: by the time of release, and not one millisecond before the floor. */
	assert_int_equal(address_pool_ready_count(p, 19), 0);
	assert_false(address_pool_pick_early(p, 19, &pick));
	assert_int_equal(address_pool_ready_count(p, 20), 1);
	assert_true(address_pool_pick_early(p, 20, &pick));
	assert_true(is(pick.address, "10.0.0.11"));
	assert_int_equal(address_pool_cooling_count(p), 0);
	address_pool_free(p);
}

static void spans_are_one_pool_and_what_lies_between_is_not_in_it(void **state)
{
	(void)state;
	address_span spans[] = {{ip("10.0.0.1"), ip("10.0.0.2")}, {ip("10.0.0.200"), ip("10.0.0.200")}};
	address_pool *p = address_pool_new(spans, 2);
	address_pick pick;
	static const char *const want[] = {"10.0.0.1", "10.0.0.2", "10.0.0.200"};
	assert_false(address_pool_has(p, ip("10.0.0.3")));
	address_pool_cool(p, ip("10.0.0.3"), 1, 1); /* was held before the range was cut */
	for (int i = 0; i < 3; i++) {
		assert_true(address_pool_pick(p, 1000, &pick));
		assert_true(is(pick.address, want[i]));
	}
	assert_false(address_pool_pick(p, 1000, &pick));
	address_pool_free(p);
	p = address_pool_new(NULL, 0);
	assert_false(address_pool_pick(p, 1000, &pick));
	assert_int_equal(address_pool_size(p), 0);
	address_pool_jump(p, 7);
	address_pool_free(p);
}

static void a_64_bit_subnet_needs_no_memory_for_what_is_free(void **state)
{
	(void)state;
	address_pool *p = pool_of("2001:db8::1", "2001:db8::ffff:ffff:ffff:ffff");
	address_pick pick;
	for (uint32_t i = 1; i <= 200000; i++) {
		char text[SOT_IP_TEXT];
		assert_true(address_pool_pick(p, 0, &pick));
		assert_true(sot_ip_eq(pick.address, sot_ip_add(ip("2001:db8::"), i)));
		(void)sot_ip_format(pick.address, text);
	}
	address_pool_use(p, ip("2001:db8::2000:0:0:1"));
	assert_false(address_pool_is_free(p, ip("2001:db8::2000:0:0:1")));
	assert_true(address_pool_is_free(p, ip("2001:db8::2000:0:0:2")));
	assert_int_equal(address_pool_free_count(p), address_pool_size(p) - 200001);
	for (uint32_t i = 1; i <= 200000; i++)
		address_pool_release(p, sot_ip_add(ip("2001:db8::"), i));
	assert_int_equal(address_pool_free_count(p), address_pool_size(p) - 1);
	address_pool_free(p);
}

/* ---- the set model ---- */

typedef struct model_cell {
	sot_ip address;
	bool is_used;
	int64_t released, free_after; /* 0: not cooling */
} model_cell;

typedef struct model {
	model_cell cells[SIZE_MAX_ADDRESSES];
	size_t count;
	int64_t now;
	sot_rand rand;
} model;

static model_cell *cell_of(model *m, sot_ip address)
{
	for (size_t i = 0; i < m->count; i++) {
		if (sot_ip_eq(m->cells[i].address, address))
			return &m->cells[i];
	}
	fail_msg("an address that is in no span");
	return NULL;
}

static bool is_free(const model_cell *c)
{
	return !c->is_used && c->free_after == 0;
}

static const model_cell *oldest(const model *m)
{
	const model_cell *best = NULL;
	for (size_t i = 0; i < m->count; i++) {
		const model_cell *c = &m->cells[i];
		if (c->free_after != 0 && (!best || c->released < best->released))
			best = c;
	}
	return best;
}

static size_t count_free(const model *m)
{
	size_t count = 0;
	for (size_t i = 0; i < m->count; i++)
		count += is_free(&m->cells[i]);
	return count;
}

static void check_pick(model *m, bool may, bool picked, bool from_free, address_pick pick)
{
	assert_int_equal(picked, may);
	if (!picked)
		return;
	model_cell *c = cell_of(m, pick.address);
	const model_cell *next = oldest(m);
	assert(c && (from_free || next));
	if (from_free) {
		assert_true(is_free(c));
		assert_int_equal(pick.released_unix_ms, 0);
	} else {
		assert_int_equal(c->released, next->released);
		assert_int_equal(pick.free_after_unix_ms, c->free_after);
	}
	model_cell before = *c;
	c->is_used = true;
	c->released = c->free_after = 0;
	if (sot_rand_below(&m->rand, 4) != 0)
		return;
	*c = before;
}

static void pick_one(address_pool *p, model *m)
{
	address_pick pick = {0};
	bool any_free = count_free(m) > 0;
	const model_cell *first = oldest(m);
	bool picked;
	if (sot_rand_below(&m->rand, 4) == 0) {
		int64_t floor = m->now - (int64_t)sot_rand_below(&m->rand, 40);
		picked = address_pool_pick_early(p, floor, &pick);
		check_pick(m, first && first->released <= floor, picked, false, pick);
	} else {
		picked = address_pool_pick(p, m->now, &pick);
		check_pick(m, any_free || (first && first->free_after <= m->now), picked, any_free, pick);
	}
	const model_cell *c = picked ? cell_of(m, pick.address) : NULL;
	if (c && !c->is_used)
		address_pool_put_back(p, pick);
}

static void step(address_pool *p, model *m)
{
	model_cell *c = &m->cells[sot_rand_below(&m->rand, m->count)];
	switch (sot_rand_below(&m->rand, 7)) {
	case 0:
	case 1:
	case 2:
		pick_one(p, m);
		break;
	case 3:
	case 4:
		if (c->is_used) {
			c->is_used = false;
			c->released = m->now;
			c->free_after = m->now + 1 + (int64_t)sot_rand_below(&m->rand, 50);
			address_pool_cool(p, c->address, c->released, c->free_after);
		}
		break;
	case 5:
		address_pool_use(p, c->address);
		if (is_free(c))
			c->is_used = true;
		break;
	default:
		if (c->is_used)
			address_pool_release(p, c->address);
		c->is_used = false;
		address_pool_jump(p, sot_rand_u64(&m->rand));
	}
}

/* Some spans with gaps between; in IPv6 they lie far apart, so that the pool is a sparse one. */
static address_pool *make_world(model *m)
{
	address_span spans[SPANS_MAX];
	bool is_v6 = sot_rand_below(&m->rand, 2) == 0;
	size_t count = 1 + (size_t)sot_rand_below(&m->rand, SPANS_MAX);
	sot_ip at = ip(is_v6 ? "2001:db8::1" : "10.0.0.1");
	for (size_t i = 0; i < count; i++) {
		at = sot_ip_add(at, 1 + sot_rand_below(&m->rand, is_v6 ? UINT64_MAX / 8 : 1000));
		uint64_t size = 1 + sot_rand_below(&m->rand, SIZE_MAX_ADDRESSES / SPANS_MAX);
		spans[i] = (address_span){at, sot_ip_add(at, size - 1)};
		for (uint64_t k = 0; k < size; k++)
			m->cells[m->count++] = (model_cell){.address = sot_ip_add(at, k)};
		at = sot_ip_add(at, size + 1);
	}
	address_pool *p = address_pool_new(spans, count);
	assert_true(address_pool_is_of(p, spans, count));
	return p;
}

static uint64_t last_seed;

static void run_seed(uint64_t seed)
{
	static model m;
	memset(&m, 0, sizeof(m));
	last_seed = seed;
	sot_rand_seed(&m.rand, seed);
	address_pool *p = make_world(&m);
	for (m.now = 1; m.now < STEPS; m.now++) {
		size_t cooling = 0, ready = 0;
		step(p, &m);
		for (size_t i = 0; i < m.count; i++) {
			const model_cell *c = &m.cells[i];
			cooling += c->free_after != 0;
			ready += is_free(c) || (c->free_after != 0 && c->released <= m.now - 20);
			assert_int_equal(address_pool_is_free(p, c->address), is_free(c));
		}
		assert_int_equal(address_pool_free_count(p), count_free(&m));
		assert_int_equal(address_pool_cooling_count(p), cooling);
		assert_int_equal(address_pool_ready_count(p, m.now - 20), ready);
	}
	address_pool_free(p);
}

static bool seed_of_environment(uint64_t *ret)
{
	const char *only = getenv("SOT_SEED");
	if (only)
		assert_int_equal(sot_parse_u64(sot_str_c(only), 0, UINT64_MAX, ret, NULL), SOT_OK);
	return only != NULL;
}

static void the_pool_agrees_with_its_model_whatever_happens(void **state)
{
	(void)state;
	uint64_t seed = 0;
	if (seed_of_environment(&seed)) {
		run_seed(seed);
		return;
	}
	for (seed = 1; seed <= SEEDS; seed++)
		run_seed(seed);
}

/* The same numbers in a small and in a large set: a window of the large one behaves alike. */
static void sparse_bits_agree_with_dense_ones(void **state)
{
	(void)state;
	enum { WINDOW = 5000 };
	for (uint64_t seed = 1; seed <= 20; seed++) {
		sot_rand rand;
		last_seed = seed;
		sot_rand_seed(&rand, seed);
		address_bits *dense = address_bits_new(WINDOW);
		address_bits *sparse = address_bits_new(UINT64_C(1) << 40);
		for (int i = 0; i < 20000; i++) {
			uint64_t number = sot_rand_below(&rand, WINDOW), next_dense = 0, next_sparse = 0;
			bool put = sot_rand_below(&rand, 5) < 2;
			(put ? address_bits_put : address_bits_drop)(dense, number);
			(put ? address_bits_put : address_bits_drop)(sparse, number);
			assert_int_equal(address_bits_has(sparse, number), address_bits_has(dense, number));
			bool any = address_bits_next(dense, number, &next_dense);
			assert_true(address_bits_next(sparse, number, &next_sparse));
			assert_int_equal(next_sparse < WINDOW, any);
			if (any)
				assert_int_equal(next_sparse, next_dense);
		}
		assert_int_equal(
		    (UINT64_C(1) << 40) - address_bits_count(sparse), WINDOW - address_bits_count(dense));
		address_bits_free(dense);
		address_bits_free(sparse);
	}
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
	    cmocka_unit_test(spans_are_one_pool_and_what_lies_between_is_not_in_it),
	    cmocka_unit_test(a_64_bit_subnet_needs_no_memory_for_what_is_free),
	    cmocka_unit_test_teardown(the_pool_agrees_with_its_model_whatever_happens, print_seed),
	    cmocka_unit_test_teardown(sparse_bits_agree_with_dense_ones, print_seed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
