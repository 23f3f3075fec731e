/* Property test of the allocator: two allocators over one model of the table, with lost answers,
 * refused batches and stale memory. After every step no address has two owners and no owner two
 * addresses; at the end every request is answered, and truthfully. SOT_SEED=n replays one. */
#include "allocator.h"
#include "sot_parse.h"
#include "sot_rand.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { SEEDS = 400, SIZE = 24, OWNERS = 40, STEPS = 250, COOLING = 30, BASE = 0x0a000000 };

typedef struct row {
	bool exists, cooling;
	uint8_t owner; /* when not cooling */
	uint64_t generation;
	int64_t free_after;
} row;

typedef struct table {
	row rows[SIZE]; /* address BASE + 1 + index */
	int64_t now;
	sot_rand rand;
	size_t answered, granted, blocked;
} table;

static const sot_uuid subnet_id = {{7}};

static sot_uuid owner_id(uint8_t owner)
{
	return (sot_uuid){{owner, 1}};
}

static int held_by(const table *t, uint8_t owner)
{
	for (int i = 0; i < SIZE; i++) {
		if (t->rows[i].exists && !t->rows[i].cooling && t->rows[i].owner == owner)
			return i;
	}
	return -1;
}

static void check_rows(const table *t)
{
	bool has[OWNERS] = {false};
	for (int i = 0; i < SIZE; i++) {
		if (!t->rows[i].exists || t->rows[i].cooling)
			continue;
		assert_false(has[t->rows[i].owner]);
		has[t->rows[i].owner] = true;
	}
}

static void load(table *t, allocator *a)
{
	network_plan plan = {.network = BASE, .prefix = 24, .first = BASE + 1, .last = BASE + SIZE};
	allocator_load_begin(a);
	allocator_load_subnet(a, subnet_id, SOT_STR("lab"), 5, &plan);
	for (uint32_t i = 0; i < SIZE; i++) {
		const row *r = &t->rows[i];
		sot_str word = r->cooling ? SOT_STR("cooling") : SOT_STR("bound");
		if (r->exists)
			assert_int_equal(
			    allocator_load_address(a, subnet_id, BASE + 1 + i, word, r->free_after, NULL),
			    SOT_OK);
	}
	allocator_load_end(a);
}

/* What the statement acquire.sql does with one slot. */
static void acquire(table *t, allocator *a, size_t slot, const batch_slot *s)
{
	uint8_t owner = s->item->owner.b[0];
	int held = held_by(t, owner);
	bool is_fresh = false;
	if (held < 0 && s->item->has_pick) {
		uint32_t index = s->item->pick.address - BASE - 1;
		row *r = &t->rows[index];
		if (!r->exists || (r->cooling && r->free_after <= t->now)) {
			*r = (row){.exists = true, .owner = owner, .generation = r->generation + 1};
			is_fresh = true;
			held = (int)index;
		}
	}
	if (held >= 0 && a)
		assert_int_equal(allocator_held(a, slot, BASE + 1 + (uint32_t)held, subnet_id,
		                     t->rows[held].generation, is_fresh, NULL),
		    SOT_OK);
}

static void release(table *t, allocator *a, size_t slot, const batch_slot *s)
{
	int held = held_by(t, s->item->owner.b[0]);
	if (held < 0 || t->rows[held].generation != s->item->generation)
		return;
	t->rows[held].cooling = true;
	t->rows[held].free_after = t->now + COOLING;
	if (a)
		assert_int_equal(
		    allocator_changed(a, slot, BASE + 1 + (uint32_t)held, t->rows[held].free_after, NULL),
		    SOT_OK);
}

static void execute(table *t, allocator *a, const batch_slot *slots, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (slots[i].request->kind == REQUEST_RELEASE)
			release(t, a, i, &slots[i]);
	}
	for (size_t i = 0; i < count; i++) {
		if (slots[i].request->kind == REQUEST_ACQUIRE)
			acquire(t, a, i, &slots[i]);
	}
}

static void run_batch(table *t, allocator *a)
{
	const batch_slot *slots;
	if (allocator_needs_load(a)) {
		load(t, a);
		return;
	}
	size_t count = allocator_next_batch(a, t->now, &slots);
	if (count == 0)
		return;
	switch (sot_rand_below(&t->rand, 10)) {
	case 0: /* the answer to COMMIT is lost: it happened */
		execute(t, NULL, slots, count);
		allocator_end_batch(a, SOT_UNKNOWN, "");
		break;
	case 1: /* the answer to COMMIT is lost: it did not happen */
		allocator_end_batch(a, SOT_UNKNOWN, "");
		break;
	case 2:
		allocator_end_batch(a, SOT_CONFLICT, "");
		break;
	case 3:
		allocator_end_batch(a, SOT_UNAVAILABLE, "away");
		break;
	default:
		execute(t, a, slots, count);
		allocator_end_batch(a, SOT_OK, "");
	}
}

static void submit(table *t, allocator *a)
{
	uint8_t owner = (uint8_t)sot_rand_below(&t->rand, OWNERS - 4);
	int held = held_by(t, owner);
	bool gives_back = held >= 0 && sot_rand_below(&t->rand, 2) == 0;
	size_t count = gives_back ? 1 : 1 + (size_t)sot_rand_below(&t->rand, 4);
	request *r = request_new(gives_back ? REQUEST_RELEASE : REQUEST_ACQUIRE, count);
	for (size_t i = 0; i < count; i++) {
		r->items[i].owner = owner_id((uint8_t)(owner + i));
		(void)snprintf(r->items[i].network, sizeof(r->items[i].network), "lab");
		r->items[i].generation = held >= 0 ? t->rows[held].generation : 0;
	}
	allocator_submit(a, &r);
	assert_null(r);
}

static void check_answers(table *t, allocator *a)
{
	for (request *r = allocator_take_answer(a); r; r = allocator_take_answer(a)) {
		t->answered++;
		t->blocked += r->is_refused && r->code == SOT_REFUSAL_BLOCKED;
		for (size_t i = 0; i < r->count && !r->is_refused && r->kind == REQUEST_ACQUIRE; i++) {
			assert_true(r->items[i].done);
			assert_in_range(r->items[i].address, BASE + 1, BASE + SIZE);
			/* It was this owner's when it was answered: here nothing comes in between. */
			const row *now = &t->rows[r->items[i].address - BASE - 1];
			if (!r->tries)
				assert_true(now->exists && !now->cooling && now->owner == r->items[i].owner.b[0]);
			t->granted++;
		}
		request_free(r);
	}
}

static uint64_t last_seed;

static void run_seed(uint64_t seed, size_t *granted, size_t *blocked)
{
	table t = {.now = 1};
	allocator *both[2] = {allocator_new(), allocator_new()};
	size_t submitted = 0;
	last_seed = seed;
	sot_rand_seed(&t.rand, seed);
	for (int i = 0; i < STEPS; i++, t.now++) {
		allocator *a = both[sot_rand_below(&t.rand, 2)];
		if (sot_rand_below(&t.rand, 2) == 0) {
			submit(&t, a);
			submitted++;
		} else {
			run_batch(&t, a);
		}
		check_rows(&t);
		check_answers(&t, a);
	}
	for (int i = 0; i < 2; i++) {
		for (int turn = 0; turn < 100000 && allocator_queued(both[i]) > 0; turn++) {
			run_batch(&t, both[i]);
			check_answers(&t, both[i]);
		}
		assert_int_equal(allocator_queued(both[i]), 0);
		allocator_free(both[i]);
	}
	assert_int_equal(t.answered, submitted);
	*granted += t.granted;
	*blocked += t.blocked;
}

static void two_allocators_and_a_faulty_database_never_share_an_address(void **state)
{
	(void)state;
	const char *only = getenv("SOT_SEED");
	uint64_t seed = 1, last = SEEDS;
	size_t granted = 0, blocked = 0;
	if (only) {
		assert_int_equal(sot_parse_u64(sot_str_c(only), 0, UINT64_MAX, &seed, NULL), SOT_OK);
		last = seed;
	}
	for (; seed <= last; seed++)
		run_seed(seed, &granted, &blocked);
	assert_true(only || (granted > 1000 && blocked > 100)); /* both ends were reached */
}

static request *want(uint8_t first, size_t count)
{
	request *r = request_new(REQUEST_ACQUIRE, count);
	for (size_t i = 0; i < count; i++) {
		r->items[i].owner = owner_id((uint8_t)(first + i));
		(void)snprintf(r->items[i].network, sizeof(r->items[i].network), "lab");
	}
	return r;
}

static void nothing_is_allocated_before_all_rows_are_read(void **state)
{
	(void)state;
	allocator *a = allocator_new();
	const batch_slot *slots;
	request *r = want(1, 1);
	allocator_submit(a, &r);
	assert_int_equal(allocator_next_batch(a, 1, &slots), 0);
	assert_true(allocator_needs_load(a));
	assert_null(allocator_take_answer(a));
	allocator_free(a);
}

static void what_was_got_goes_back_when_the_rest_cannot_be_had(void **state)
{
	(void)state;
	table t = {.now = 1};
	allocator *a = allocator_new();
	const batch_slot *slots;
	for (int i = 2; i < SIZE; i++)
		t.rows[i] = (row){.exists = true, .owner = (uint8_t)(10 + i), .generation = 1};
	load(&t, a);
	request *r = want(1, 2);
	allocator_submit(a, &r);
	assert_int_equal(allocator_next_batch(a, 1, &slots), 2);
	t.rows[1] = (row){.exists = true, .owner = 9, .generation = 1}; /* a second writer */
	execute(&t, a, slots, 2);
	allocator_end_batch(a, SOT_OK, "");
	assert_true(held_by(&t, 1) >= 0 || held_by(&t, 2) >= 0);
	for (int turn = 0; turn < 10 && allocator_queued(a) > 0; turn++) {
		if (allocator_needs_load(a))
			load(&t, a);
		size_t count = allocator_next_batch(a, t.now, &slots);
		execute(&t, a, slots, count);
		allocator_end_batch(a, SOT_OK, "");
	}
	r = allocator_take_answer(a);
	assert_non_null(r);
	assert_int_equal(r->code, SOT_REFUSAL_BLOCKED);
	assert_int_equal(held_by(&t, 1), -1);
	assert_int_equal(held_by(&t, 2), -1);
	request_free(r);
	allocator_free(a);
}

static void an_owner_named_twice_and_an_unknown_network_are_refused(void **state)
{
	(void)state;
	table t = {.now = 1};
	allocator *a = allocator_new();
	const batch_slot *slots;
	request *r = want(1, 2);
	r->items[1].owner = r->items[0].owner;
	allocator_submit(a, &r);
	r = allocator_take_answer(a);
	assert_int_equal(r->code, SOT_REFUSAL_INVALID);
	request_free(r);
	r = want(1, 1);
	(void)snprintf(r->items[0].network, sizeof(r->items[0].network), "nowhere");
	load(&t, a);
	allocator_submit(a, &r);
	assert_int_equal(allocator_next_batch(a, 1, &slots), 0);
	assert_true(allocator_needs_load(a)); /* it may have been made meanwhile */
	load(&t, a);
	assert_int_equal(allocator_next_batch(a, 1, &slots), 0);
	r = allocator_take_answer(a);
	assert_int_equal(r->code, SOT_REFUSAL_NOT_FOUND);
	assert_string_equal(r->text, "there is no network nowhere");
	request_free(r);
	allocator_free(a);
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
	    cmocka_unit_test(nothing_is_allocated_before_all_rows_are_read),
	    cmocka_unit_test(what_was_got_goes_back_when_the_rest_cannot_be_had),
	    cmocka_unit_test(an_owner_named_twice_and_an_unknown_network_are_refused),
	    cmocka_unit_test_teardown(
	        two_allocators_and_a_faulty_database_never_share_an_address, print_seed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
