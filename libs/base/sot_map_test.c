/* The map against a model, its order, and the intrusive list. */
#include "sot_map.h"

#include "sot_rand.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static int values[1000];

static void a_key_that_was_set_is_found_and_a_removed_one_is_not(void **state)
{
	(void)state;
	SOT_AUTO(sot_map) m = sot_map_new();
	assert_null(sot_map_get_c(m, "a"));
	assert_null(sot_map_set(m, "a", 1, &values[1]));
	assert_ptr_equal(sot_map_set(m, "a", 1, &values[2]), &values[1]);
	assert_ptr_equal(sot_map_get_c(m, "a"), &values[2]);
	assert_int_equal(sot_map_count(m), 1);
	assert_ptr_equal(sot_map_remove(m, "a", 1), &values[2]);
	assert_null(sot_map_remove(m, "a", 1));
	assert_int_equal(sot_map_count(m), 0);
}

static void keys_are_copied_and_may_be_empty_or_long_or_hold_nul(void **state)
{
	(void)state;
	SOT_AUTO(sot_map) m = sot_map_new();
	char key[40];
	memset(key, 'k', sizeof(key));
	sot_map_set(m, key, sizeof(key), &values[1]);
	sot_map_set(m, NULL, 0, &values[2]);
	sot_map_set(m, "\0", 1, &values[3]);
	sot_map_set(m, "\0\0", 2, &values[4]);
	assert_ptr_equal(sot_map_get(m, key, sizeof(key)), &values[1]);
	key[39] = 'x';
	assert_null(sot_map_get(m, key, sizeof(key)));
	assert_ptr_equal(sot_map_get(m, "", 0), &values[2]);
	assert_ptr_equal(sot_map_get(m, "\0", 1), &values[3]);
	assert_ptr_equal(sot_map_get(m, "\0\0", 2), &values[4]);
}

static void iteration_is_in_the_order_of_insertion(void **state)
{
	(void)state;
	SOT_AUTO(sot_map) m = sot_map_new();
	for (uint32_t i = 0; i < 200; i++)
		sot_map_set(m, &i, sizeof(i), &values[i]);
	for (uint32_t i = 0; i < 200; i += 3)
		sot_map_remove(m, &i, sizeof(i));
	sot_map_iter it = {0};
	sot_str key;
	uint32_t expected = 0, got;
	for (int *v; (v = sot_map_next(m, &it, &key)); expected++) {
		if (expected % 3 == 0)
			expected++;
		memcpy(&got, key.p, sizeof(got));
		assert_int_equal(got, expected);
		assert_ptr_equal(v, &values[expected]);
	}
	assert_int_equal(expected, 200);
}

static void the_current_item_may_be_removed_while_loops_nest(void **state)
{
	(void)state;
	SOT_AUTO(sot_map) m = sot_map_new();
	for (uint32_t i = 0; i < 50; i++)
		sot_map_set(m, &i, sizeof(i), &values[i]);
	size_t outer_turns = 0;
	sot_str key;
	for (sot_map_iter outer = {0}; sot_map_next(m, &outer, &key); outer_turns++) {
		size_t inner_turns = 0;
		for (sot_map_iter inner = {0}; sot_map_next(m, &inner, NULL);)
			inner_turns++;
		assert_int_equal(inner_turns, 50 - outer_turns);
		uint32_t id;
		memcpy(&id, key.p, sizeof(id));
		assert_non_null(sot_map_remove(m, &id, sizeof(id)));
	}
	assert_int_equal(outer_turns, 50);
	assert_int_equal(sot_map_count(m), 0);
}

/* One random step on the map and on an array that is the model. */
static void step(sot_rand *r, sot_map *m, void *model[200], size_t *live)
{
	uint32_t key = (uint32_t)sot_rand_below(r, 200);
	void *value = &values[sot_rand_below(r, 1000)];
	if (sot_rand_below(r, 2)) {
		assert_ptr_equal(sot_map_set(m, &key, sizeof(key), value), model[key]);
		*live += model[key] ? 0 : 1;
		model[key] = value;
	} else {
		assert_ptr_equal(sot_map_remove(m, &key, sizeof(key)), model[key]);
		*live -= model[key] ? 1 : 0;
		model[key] = NULL;
	}
	assert_int_equal(sot_map_count(m), *live);
}

static void random_steps_agree_with_a_model(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 20; seed++) {
		sot_rand r;
		sot_rand_seed(&r, seed);
		SOT_AUTO(sot_map) m = sot_map_new();
		void *model[200] = {NULL};
		size_t live = 0, seen = 0;
		for (int i = 0; i < 5000; i++)
			step(&r, m, model, &live);
		for (uint32_t key = 0; key < 200; key++)
			assert_ptr_equal(sot_map_get(m, &key, sizeof(key)), model[key]);
		for (sot_map_iter it = {0}; sot_map_next(m, &it, NULL);)
			seen++;
		assert_int_equal(seen, live);
	}
}

typedef struct item {
	int number;
	sot_link link;
} item;

static void a_list_keeps_order_and_an_unlinked_item_may_be_removed_again(void **state)
{
	(void)state;
	sot_link head;
	item a = {.number = 1}, b = {.number = 2};
	sot_list_init(&head);
	sot_list_init(&a.link);
	sot_list_init(&b.link);
	assert_true(sot_list_empty(&head));
	sot_list_push(&head, &a.link);
	sot_list_push(&head, &b.link);
	assert_int_equal(SOT_CONTAINER(head.next, item, link)->number, 1);
	sot_list_remove(&a.link);
	sot_list_remove(&a.link);
	assert_int_equal(SOT_CONTAINER(head.next, item, link)->number, 2);
	sot_list_remove(&b.link);
	assert_true(sot_list_empty(&head));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_key_that_was_set_is_found_and_a_removed_one_is_not),
	    cmocka_unit_test(keys_are_copied_and_may_be_empty_or_long_or_hold_nul),
	    cmocka_unit_test(iteration_is_in_the_order_of_insertion),
	    cmocka_unit_test(the_current_item_may_be_removed_while_loops_nest),
	    cmocka_unit_test(random_steps_agree_with_a_model),
	    cmocka_unit_test(a_list_keeps_order_and_an_unlinked_item_may_be_removed_again),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
