/* The index against a model. */
#include "sot_index.h"

#include "sot_rand.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

enum { ITEMS = 2000 };

/* Each has two keys. */
typedef struct item {
	uint32_t keys[2];
	bool is_set[2];
} item;

static sot_str key_of(const uint32_t *key)
{
	return (sot_str){(const char *)key, sizeof(*key)};
}

static bool has(const void *it, sot_str key)
{
	const item *i = it;
	return sot_str_eq(key_of(&i->keys[0]), key) || sot_str_eq(key_of(&i->keys[1]), key);
}

static void an_item_is_found_by_each_key_that_was_set(void **state)
{
	item a = {.keys = {1, 2}}, b = {.keys = {2, 3}};
	(void)state;
	SOT_AUTO(sot_index) x = sot_index_new(has);
	assert_null(sot_index_get(x, key_of(&a.keys[0])));
	assert_null(sot_index_remove(x, key_of(&a.keys[0])));
	assert_null(sot_index_set(x, key_of(&a.keys[0]), &a));
	assert_ptr_equal(sot_index_get(x, key_of(&a.keys[0])), &a);
	assert_null(sot_index_get(x, key_of(&a.keys[1])));
	assert_null(sot_index_set(x, key_of(&a.keys[1]), &a));
	assert_int_equal(sot_index_count(x), 2);
	/* The last one that was set is found. */
	assert_ptr_equal(sot_index_set(x, key_of(&b.keys[0]), &b), &a);
	assert_ptr_equal(sot_index_get(x, key_of(&b.keys[0])), &b);
	assert_int_equal(sot_index_count(x), 2);
	assert_ptr_equal(sot_index_remove(x, key_of(&b.keys[0])), &b);
	assert_null(sot_index_get(x, key_of(&b.keys[0])));
	assert_ptr_equal(sot_index_get(x, key_of(&a.keys[0])), &a);
	assert_int_equal(sot_index_count(x), 1);
}

/* Many keys, so that places are taken by others, go round the end, and gaps are closed. */
static void it_says_what_a_model_says_after_any_changes(void **state)
{
	static item items[ITEMS];
	sot_rand r;
	size_t live = 0;
	(void)state;
	sot_rand_seed(&r, 7);
	SOT_AUTO(sot_index) x = sot_index_new(has);
	for (uint32_t n = 0; n < ITEMS; n++)
		items[n] = (item){.keys = {2 * n, 2 * n + 1}};
	for (int turn = 0; turn < 60000; turn++) {
		item *i = &items[sot_rand_below(&r, ITEMS)];
		size_t k = sot_rand_below(&r, 2);
		sot_str key = key_of(&i->keys[k]);
		bool is_filling = turn / 10000 % 2 == 0;
		assert_ptr_equal(sot_index_get(x, key), i->is_set[k] ? i : NULL);
		if (sot_rand_below(&r, 4) < (is_filling ? 3 : 1)) {
			assert_ptr_equal(sot_index_set(x, key, i), i->is_set[k] ? i : NULL);
			live += !i->is_set[k];
			i->is_set[k] = true;
		} else {
			assert_ptr_equal(sot_index_remove(x, key), i->is_set[k] ? i : NULL);
			live -= i->is_set[k];
			i->is_set[k] = false;
		}
		assert_int_equal(sot_index_count(x), live);
	}
	for (uint32_t n = 0; n < 2 * ITEMS; n++) {
		item *i = &items[n / 2];
		assert_ptr_equal(sot_index_get(x, key_of(&i->keys[n % 2])), i->is_set[n % 2] ? i : NULL);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(an_item_is_found_by_each_key_that_was_set),
	    cmocka_unit_test(it_says_what_a_model_says_after_any_changes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
