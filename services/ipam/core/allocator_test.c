/* Property test of the allocator: two allocators over one model of the table, with lost answers,
 * refused batches and stale memory, two batches out at a time. After every step no address has two
 * owners and no owner two addresses of a family; at the end every request is answered, and
 * truthfully. SOT_SEED=n replays one. */
#include "allocator.h"
#include "sot_parse.h"
#include "sot_rand.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { SEEDS = 400, SIZE = 24, OWNERS = 40, STEPS = 250, COOLING = 30, FLOOR = 10, FAMILIES = 2 };

typedef struct row {
	bool exists, cooling;
	uint8_t owner; /* when not cooling */
	uint64_t generation;
	int64_t released, free_after;
} row;

/* One VLAN "lab" with a subnet of each family; address number i is base + 1 + i. */
typedef struct table {
	row rows[FAMILIES][SIZE];
	int64_t now;
	sot_rand rand;
	size_t answered, granted, blocked, shortened, hoped, disappointed;
} table;

static const sot_uuid subnet_ids[FAMILIES] = {{{7}}, {{8}}};

static sot_ip address_of(int family, size_t index)
{
	sot_ip base = {0};
	assert_int_equal(
	    sot_ip_parse(family ? SOT_STR("2001:db8::") : SOT_STR("10.0.0.0"), &base, NULL), SOT_OK);
	return sot_ip_add(base, 1 + index);
}

static sot_uuid owner_id(uint8_t owner)
{
	return (sot_uuid){{owner, 1}};
}

static int held_by(const table *t, int family, uint8_t owner)
{
	for (int i = 0; i < SIZE; i++) {
		const row *r = &t->rows[family][i];
		if (r->exists && !r->cooling && r->owner == owner)
			return i;
	}
	return -1;
}

static void check_rows(const table *t)
{
	for (int family = 0; family < FAMILIES; family++) {
		bool has[OWNERS] = {false};
		for (int i = 0; i < SIZE; i++) {
			const row *r = &t->rows[family][i];
			if (!r->exists || r->cooling)
				continue;
			assert_false(has[r->owner]);
			has[r->owner] = true;
		}
	}
}

static void load_plan(allocator *a, bool with_v6)
{
	plan_vlan v = {.id = {{5}}, .name = "lab", .vlan_id = 7};
	allocator_load_begin(a);
	address_plan *p = allocator_load_plan(a);
	plan_set_stamp(p, SOT_STR("one"));
	plan_add_vlan(p, &v);
	for (int family = 0; family < (with_v6 ? FAMILIES : 1); family++) {
		subnet s = {.id = subnet_ids[family],
		    .plan = {.network = sot_ip_network(address_of(family, 0), family ? 64 : 24),
		        .prefix = family ? 64 : 24,
		        .first = address_of(family, 0),
		        .last = address_of(family, SIZE - 1)},
		    .weight = 1,
		    .is_open = true};
		assert_int_equal(plan_add_subnet(p, v.id, &s, NULL), SOT_OK);
	}
	allocator_load_plan_end(a);
}

static void load_row(const table *t, allocator *a, int family, size_t i)
{
	const row *r = &t->rows[family][i];
	char text[SOT_IP_TEXT];
	sot_ip address = address_of(family, i);
	if (!r->exists)
		return;
	if (r->cooling) {
		assert_int_equal(allocator_load_cooling(
		                     a, subnet_ids[family], address, r->released, r->free_after, NULL),
		    SOT_OK);
		return;
	}
	sot_str state = SOT_STR("bound");
	if (family)
		assert_int_equal(allocator_load_held(a, subnet_ids[family], state,
		                     sot_str_c(sot_ip_format(address, text)), NULL),
		    SOT_OK);
	else
		assert_int_equal(allocator_load_word(a, subnet_ids[family], state,
		                     sot_ip_v4(address) & ~63U, 1ULL << (sot_ip_v4(address) & 63), NULL),
		    SOT_OK);
}

static void load(table *t, allocator *a)
{
	size_t wanted = 0;
	load_plan(a, true);
	const sot_uuid *ids = allocator_load_rows_wanted(a, &wanted);
	for (size_t k = 0; k < wanted; k++) {
		int family = sot_uuid_eq(ids[k], subnet_ids[1]);
		for (size_t i = 0; i < SIZE; i++)
			load_row(t, a, family, i);
	}
	allocator_load_end(a, t->now);
}

/* ---- what the statements do ---- */

static void tell_held(const table *t, allocator *a, const request_item *item, int held, bool fresh)
{
	row_held told = {.owner = item->owner,
	    .nic = item->nic,
	    .address = address_of(item->is_v6, (size_t)held),
	    .generation = t->rows[item->is_v6][held].generation,
	    .is_fresh = fresh};
	if (!fresh)
		told.subnet_id = subnet_ids[item->is_v6];
	if (a)
		assert_int_equal(allocator_held(a, &told, NULL), SOT_OK);
}

static void acquire(table *t, allocator *a, const request_item *item)
{
	uint8_t owner = item->owner.b[0];
	int held = held_by(t, item->is_v6, owner);
	if (held >= 0) {
		tell_held(t, a, item, held, false);
		return;
	}
	if (!item->has_pick)
		return;
	size_t index = (size_t)sot_ip_distance(address_of(item->is_v6, 0), item->pick.address);
	assert_in_range(index, 0, SIZE - 1);
	row *r = &t->rows[item->is_v6][index];
	if (r->exists && !(r->cooling && (r->free_after <= t->now || r->released <= t->now - FLOOR)))
		return;
	t->shortened += r->exists && r->free_after > t->now;
	*r = (row){.exists = true, .owner = owner, .generation = r->generation + 1};
	tell_held(t, a, item, (int)index, true);
}

static void release(table *t, allocator *a, const request_item *item)
{
	int held = held_by(t, item->is_v6, item->owner.b[0]);
	if (held < 0 || t->rows[item->is_v6][held].generation != item->generation)
		return;
	row *r = &t->rows[item->is_v6][held];
	r->cooling = true;
	r->released = t->now;
	r->free_after = t->now + COOLING;
	row_change change = {.owner = item->owner,
	    .nic = item->nic,
	    .address = address_of(item->is_v6, (size_t)held),
	    .subnet_id = subnet_ids[item->is_v6],
	    .before = ADDRESS_RESERVED,
	    .released_unix_ms = r->released,
	    .free_after_unix_ms = r->free_after};
	if (a)
		assert_int_equal(allocator_changed(a, &change, NULL), SOT_OK);
}

static bool offer(const table *t, allocator *a, batch *b, int family, size_t i)
{
	const row *r = &t->rows[family][i];
	if (!r->cooling || (r->free_after > t->now && r->released > t->now - FLOOR))
		return false;
	allocator_offered(a, b, subnet_ids[family], address_of(family, i), r->released, r->free_after);
	return true;
}

/* Whether a key refuses one of the rows of new requests. */
static bool is_refused(const table *t, const batch *b)
{
	size_t asked = 0;
	bool refused = false;
	for (size_t i = 0; i < b->count; i++) {
		const request_item *item = b->slots[i].item;
		if (!b->slots[i].request->is_new || !item->is_asked)
			continue;
		assert_true(item->has_pick);
		size_t index = (size_t)sot_ip_distance(address_of(item->is_v6, 0), item->pick.address);
		refused |= t->rows[item->is_v6][index].exists;
		refused |= held_by(t, item->is_v6, item->owner.b[0]) >= 0;
		asked++;
	}
	assert_int_equal(asked, b->new_count);
	return refused;
}

static void insert_new(table *t, const batch *b)
{
	for (size_t i = 0; i < b->count; i++) {
		const request_item *item = b->slots[i].item;
		if (!b->slots[i].request->is_new || !item->is_asked)
			continue;
		size_t index = (size_t)sot_ip_distance(address_of(item->is_v6, 0), item->pick.address);
		t->rows[item->is_v6][index] =
		    (row){.exists = true, .owner = item->owner.b[0], .generation = 1};
	}
}

/* False: a key refused it, and nothing has happened. */
static bool execute(table *t, allocator *a, batch *b)
{
	bool probes = false;
	if (is_refused(t, b)) {
		t->disappointed++;
		return false;
	}
	t->hoped += b->new_count;
	insert_new(t, b);
	if (a)
		allocator_given(b, 1);
	for (size_t i = 0; i < b->count; i++) {
		if (b->slots[i].request->kind == REQUEST_RELEASE)
			release(t, a, b->slots[i].item);
	}
	for (size_t i = 0; i < b->count; i++) {
		if (b->slots[i].request->kind == REQUEST_ACQUIRE && b->slots[i].item->is_asked &&
		    !b->slots[i].request->is_new)
			acquire(t, a, b->slots[i].item);
		probes |= b->slots[i].request->is_probe;
	}
	for (int family = 0; a && probes && family < FAMILIES; family++) {
		for (size_t i = 0, told = 0; i < SIZE && told < 4; i++)
			told += offer(t, a, b, family, i);
	}
	if (a && probes)
		allocator_plan_seen(a, SOT_STR("one"));
	return true;
}

static void commit(table *t, allocator *a, batch *b)
{
	allocator_end_batch(a, b, execute(t, a, b) ? SOT_OK : SOT_CONFLICT, "");
}

static void end_batch(table *t, allocator *a, batch *b)
{
	switch (sot_rand_below(&t->rand, 10)) {
	case 0: /* the answer to COMMIT is lost: it happened */
		(void)execute(t, NULL, b);
		allocator_end_batch(a, b, SOT_UNKNOWN, "");
		break;
	case 1: /* the answer to COMMIT is lost: it did not happen */
		allocator_end_batch(a, b, SOT_UNKNOWN, "");
		break;
	case 2:
		allocator_end_batch(a, b, SOT_CONFLICT, "");
		break;
	case 3:
		allocator_end_batch(a, b, SOT_UNAVAILABLE, "away");
		break;
	default:
		commit(t, a, b);
	}
}

/* An allocator with the batches that are out. */
typedef struct side {
	allocator *a;
	batch *out[2];
} side;

static void turn(table *t, side *s)
{
	size_t which = sot_rand_below(&t->rand, 2);
	if (s->out[which]) {
		batch *b = s->out[which];
		s->out[which] = NULL;
		end_batch(t, s->a, b);
	} else if (allocator_needs_load(s->a)) {
		if (allocator_batches_out(s->a) == 0)
			load(t, s->a);
	} else {
		s->out[which] = allocator_next_batch(s->a, t->now);
	}
}

static void submit(table *t, allocator *a)
{
	uint8_t owner = (uint8_t)sot_rand_below(&t->rand, OWNERS - 4);
	int family = (int)sot_rand_below(&t->rand, FAMILIES);
	int held = held_by(t, family, owner);
	if (held >= 0 && sot_rand_below(&t->rand, 2) == 0) {
		request *r = request_new(REQUEST_RELEASE, 1);
		r->items[0].owner = owner_id(owner);
		r->items[0].is_v6 = family == 1;
		r->items[0].address = address_of(family, (size_t)held);
		r->items[0].generation = t->rows[family][held].generation;
		allocator_submit(a, &r);
		assert_null(r);
		return;
	}
	size_t count = 1 + (size_t)sot_rand_below(&t->rand, 4);
	request *r = request_new_wants(count);
	for (size_t i = 0; i < count; i++) {
		sot_address_want want = {.owner = owner_id((uint8_t)(owner + i)),
		    .vlan = SOT_STR("lab"),
		    .families = (sot_ip_families)sot_rand_below(&t->rand, SOT_IP_FAMILIES_COUNT)};
		request_want(r, &want);
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
			const request_item *item = &r->items[i];
			assert_true(item->done);
			size_t index = (size_t)sot_ip_distance(address_of(item->is_v6, 0), item->address);
			assert_in_range(index, 0, SIZE - 1);
			/* It was this owner's when it was answered: here nothing comes in between. */
			const row *now = &t->rows[item->is_v6][index];
			if (!r->tries)
				assert_true(now->exists && !now->cooling && now->owner == item->owner.b[0]);
			t->granted++;
		}
		request_free(r);
	}
}

static uint64_t last_seed;

static void run_seed(uint64_t seed, table *sums)
{
	table t = {.now = 1};
	side both[2] = {{.a = allocator_new(seed)}, {.a = allocator_new(seed + 1)}};
	size_t submitted = 0;
	last_seed = seed;
	sot_rand_seed(&t.rand, seed);
	allocator_set_floor_ms(both[0].a, FLOOR);
	allocator_set_floor_ms(both[1].a, FLOOR);
	for (int i = 0; i < STEPS; i++, t.now++) {
		side *s = &both[sot_rand_below(&t.rand, 2)];
		if (sot_rand_below(&t.rand, 3) == 0) {
			submit(&t, s->a);
			submitted++;
		} else {
			turn(&t, s);
		}
		check_rows(&t);
		check_answers(&t, s->a);
	}
	for (int i = 0; i < 2; i++) {
		side *s = &both[i];
		for (int k = 0; k < 100000 && (allocator_queued(s->a) > 0 || s->out[0] || s->out[1]); k++) {
			turn(&t, s);
			check_rows(&t);
			check_answers(&t, s->a);
		}
		assert_int_equal(allocator_queued(s->a), 0);
		allocator_free(s->a);
	}
	assert_int_equal(t.answered, submitted);
	sums->granted += t.granted;
	sums->blocked += t.blocked;
	sums->shortened += t.shortened;
	sums->hoped += t.hoped;
	sums->disappointed += t.disappointed;
}

static void two_allocators_and_a_faulty_database_never_share_an_address(void **state)
{
	(void)state;
	const char *only = getenv("SOT_SEED");
	uint64_t seed = 1, last = SEEDS;
	table sums = {.now = 0};
	if (only) {
		assert_int_equal(sot_parse_u64(sot_str_c(only), 0, UINT64_MAX, &seed, NULL), SOT_OK);
		last = seed;
	}
	for (; seed <= last; seed++)
		run_seed(seed, &sums);
	/* All ends were reached. */
	assert_true(only || (sums.granted > 1000 && sums.blocked > 100 && sums.shortened > 100 &&
	                        sums.hoped > 100 && sums.disappointed > 100));
}

/* ---- single cases ---- */

static request *want(uint8_t first, size_t count, const char *vlan, sot_ip_families families)
{
	request *r = request_new_wants(count);
	for (size_t i = 0; i < count; i++) {
		sot_address_want w = {
		    .owner = owner_id((uint8_t)(first + i)), .vlan = sot_str_c(vlan), .families = families};
		request_want(r, &w);
	}
	return r;
}

/* Runs the queue until the request is answered. */
static request *answer_to(table *t, allocator *a, request *r)
{
	allocator_submit(a, &r);
	for (int k = 0; k < 20 && (r = allocator_take_answer(a)) == NULL; k++) {
		if (allocator_needs_load(a))
			load(t, a);
		batch *b = allocator_next_batch(a, t->now);
		if (!b)
			continue;
		commit(t, a, b);
	}
	assert_non_null(r);
	return r;
}

static void nothing_is_allocated_before_all_rows_are_read(void **state)
{
	(void)state;
	allocator *a = allocator_new(1);
	request *r = want(1, 1, "lab", SOT_IP_FAMILIES_V4);
	allocator_submit(a, &r);
	assert_null(allocator_next_batch(a, 1));
	assert_true(allocator_needs_load(a));
	assert_null(allocator_take_answer(a));
	allocator_free(a);
}

static void what_was_got_goes_back_when_the_rest_cannot_be_had(void **state)
{
	(void)state;
	table t = {.now = 1};
	allocator *a = allocator_new(1);
	for (int i = 2; i < SIZE; i++)
		t.rows[0][i] = (row){.exists = true, .owner = (uint8_t)(10 + i), .generation = 1};
	load(&t, a);
	request *r = want(1, 2, "lab", SOT_IP_FAMILIES_V4);
	r->tries = 1; /* not new: one of two can be lost */
	allocator_submit(a, &r);
	batch *b = allocator_next_batch(a, 1);
	assert_int_equal(b->count, 2);
	t.rows[0][1] = (row){.exists = true, .owner = 9, .generation = 1}; /* a second writer */
	commit(&t, a, b);
	assert_true(held_by(&t, 0, 1) >= 0 || held_by(&t, 0, 2) >= 0);
	while ((r = allocator_take_answer(a)) == NULL) {
		if (allocator_needs_load(a))
			load(&t, a);
		b = allocator_next_batch(a, t.now);
		if (!b)
			continue;
		commit(&t, a, b);
	}
	assert_int_equal(r->code, SOT_REFUSAL_BLOCKED);
	assert_int_equal(held_by(&t, 0, 1), -1);
	assert_int_equal(held_by(&t, 0, 2), -1);
	request_free(r);
	allocator_free(a);
}

static void an_owner_named_twice_and_an_unknown_vlan_are_refused(void **state)
{
	(void)state;
	table t = {.now = 1};
	allocator *a = allocator_new(1);
	request *r = want(1, 2, "lab", SOT_IP_FAMILIES_V4);
	r->items[1].owner = r->items[0].owner;
	allocator_submit(a, &r);
	r = allocator_take_answer(a);
	assert_int_equal(r->code, SOT_REFUSAL_INVALID);
	request_free(r);
	r = answer_to(&t, a, want(1, 1, "nowhere", SOT_IP_FAMILIES_V4));
	assert_int_equal(r->code, SOT_REFUSAL_NOT_FOUND);
	assert_string_equal(r->text, "there is no VLAN nowhere");
	request_free(r);
	allocator_free(a);
}

static void a_want_gets_ipv6_where_there_is_some_and_all_or_nothing_where_there_must_be(
    void **state)
{
	(void)state;
	table t = {.now = 1};
	allocator *a = allocator_new(1);
	request *r = answer_to(&t, a, want(1, 1, "lab", SOT_IP_FAMILIES_AVAILABLE));
	assert_false(r->is_refused);
	assert_true(r->items[0].done && !r->items[0].is_v6 && r->items[1].done && r->items[1].is_v6);
	request_free(r);
	load_plan(a, false);
	allocator_load_end(a, 1);
	r = answer_to(&t, a, want(2, 1, "lab", SOT_IP_FAMILIES_AVAILABLE));
	assert_false(r->is_refused);
	assert_true(r->items[0].done && !r->items[1].done);
	request_free(r);
	r = answer_to(&t, a, want(3, 1, "lab", SOT_IP_FAMILIES_BOTH));
	assert_int_equal(r->code, SOT_REFUSAL_BLOCKED);
	assert_non_null(strstr(r->text, "VLAN lab has no IPv6 subnet"));
	assert_int_equal(held_by(&t, 0, 3), -1);
	request_free(r);
	allocator_free(a);
}

/* A seed that fails is the last one. */
static request *want_in(uint8_t owner, uint64_t epoch)
{
	request *r = want(owner, 1, "lab", SOT_IP_FAMILIES_V4);
	r->epoch = epoch;
	return r;
}

static void a_batch_asks_for_one_epoch_and_none_before_the_fence(void **state)
{
	(void)state;
	table t = {.now = 1};
	allocator *a = allocator_new(1);
	request *older = want_in(1, 5), *newer = want_in(2, 6);
	load(&t, a);
	allocator_submit(a, &older);
	allocator_submit(a, &newer);
	batch *b = allocator_next_batch(a, t.now);
	assert_int_equal(b->count, 1);
	assert_int_equal(b->epoch, 5);
	/* The database gave nothing, and said why. */
	allocator_fence(a, 6);
	allocator_end_batch(a, b, SOT_OK, NULL);
	request *r = allocator_take_answer(a);
	assert_int_equal(r->code, SOT_REFUSAL_UNAVAILABLE);
	assert_string_equal(r->text, "asked by the leader of epoch 5, and that of epoch 6 leads");
	request_free(r);
	r = answer_to(&t, a, want_in(3, 5)); /* behind the newer one, which is answered first */
	assert_false(r->is_refused);
	request_free(r);
	r = allocator_take_answer(a);
	for (int k = 0; !r && k < 3; k++) {
		assert_null(allocator_next_batch(a, t.now)); /* refused without the database */
		r = allocator_take_answer(a);
	}
	assert_non_null(r);
	assert_true(r->is_refused);
	assert_int_equal(held_by(&t, 0, 1), -1);
	assert_true(held_by(&t, 0, 2) >= 0);
	assert_int_equal(held_by(&t, 0, 3), -1);
	request_free(r);
	allocator_free(a);
}

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
	    cmocka_unit_test(an_owner_named_twice_and_an_unknown_vlan_are_refused),
	    cmocka_unit_test(a_batch_asks_for_one_epoch_and_none_before_the_fence),
	    cmocka_unit_test(
	        a_want_gets_ipv6_where_there_is_some_and_all_or_nothing_where_there_must_be),
	    cmocka_unit_test_teardown(
	        two_allocators_and_a_faulty_database_never_share_an_address, print_seed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
