/* Arenas, arrays, and the passing on of ownership. */
#include "sot_mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void an_arena_gives_zeroed_aligned_memory_up_to_its_ceiling(void **state)
{
	(void)state;
	SOT_AUTO(sot_arena) a = sot_arena_new(100000);
	size_t total = 0;
	for (size_t size = 1; total + size + 16 < 100000; size = size % 97 + 1) {
		unsigned char *p = sot_arena_alloc(a, size);
		assert_non_null(p);
		assert_int_equal((uintptr_t)p % 16, 0);
		for (size_t i = 0; i < size; i++)
			assert_int_equal(p[i], 0);
		memset(p, 0xff, size);
		total += (size + 15) / 16 * 16;
	}
	assert_null(sot_arena_alloc(a, 4096));
}

static void an_arena_refuses_sizes_that_would_overflow(void **state)
{
	(void)state;
	SOT_AUTO(sot_arena) a = sot_arena_new(SIZE_MAX);
	assert_non_null(sot_arena_alloc(a, 1));
	assert_null(sot_arena_alloc(a, SIZE_MAX - 16));
	assert_null(sot_arena_dup(a, (sot_str){"x", SIZE_MAX}).p);
}

static void an_arena_of_what_another_gave_has_just_that_room(void **state)
{
	(void)state;
	SOT_AUTO(sot_arena) a = sot_arena_new(100000);
	for (size_t size = 0; size < 300; size += 7)
		assert_non_null(sot_arena_alloc(a, size));
	SOT_AUTO(sot_arena) b = sot_arena_new(sot_arena_used(a));
	for (size_t size = 0; size < 300; size += 7)
		assert_non_null(sot_arena_alloc(b, size));
	assert_int_equal(sot_arena_used(b), sot_arena_used(a));
	assert_null(sot_arena_alloc(b, 1));
	sot_arena_reset(b);
	assert_int_equal(sot_arena_used(b), 0);
}

static void an_arena_is_empty_and_usable_after_reset(void **state)
{
	(void)state;
	SOT_AUTO(sot_arena) a = sot_arena_new(64);
	for (int i = 0; i < 3; i++) {
		char *p = sot_arena_alloc(a, 64);
		assert_non_null(p);
		assert_int_equal(p[63], 0);
		memset(p, 1, 64);
		assert_null(sot_arena_alloc(a, 1));
		sot_arena_reset(a);
	}
}

static void a_duplicate_ends_with_nul_and_an_empty_one_is_not_null(void **state)
{
	(void)state;
	SOT_AUTO(sot_arena) a = sot_arena_new(64);
	sot_str copy = sot_arena_dup(a, (sot_str){"abcdef", 3});
	assert_string_equal(copy.p, "abc");
	assert_int_equal(copy.n, 3);
	assert_string_equal(sot_arena_dup(a, (sot_str){NULL, 0}).p, "");
	assert_null(sot_arena_dup(a, (sot_str){"0123456789012345678901234567890123456789", 40}).p);
}

static void a_grown_array_keeps_its_items_and_zeroes_the_new_ones(void **state)
{
	(void)state;
	int *p = sot_grow_array(NULL, 0, 2, sizeof(int));
	assert_int_equal(p[0] + p[1], 0);
	p[0] = 5;
	p[1] = 6;
	p = sot_grow_array(p, 2, 100, sizeof(int));
	assert_int_equal(p[0], 5);
	assert_int_equal(p[1], 6);
	for (int i = 2; i < 100; i++)
		assert_int_equal(p[i], 0);
	free(p);
}

static char *take_out(void)
{
	SOT_AUTO(sot_arena) a = sot_arena_new(64);
	char *copy = sot_strndup(sot_arena_dup(a, SOT_STR("kept")));
	sot_arena *taken = SOT_TAKE(a);
	assert_null(a);
	assert_null(sot_arena_free(taken));
	return copy;
}

static void ownership_is_handed_over_once(void **state)
{
	(void)state;
	char *copy = take_out(); /* the address sanitizer sees a double free */
	assert_string_equal(copy, "kept");
	free(copy);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(an_arena_gives_zeroed_aligned_memory_up_to_its_ceiling),
	    cmocka_unit_test(an_arena_refuses_sizes_that_would_overflow),
	    cmocka_unit_test(an_arena_of_what_another_gave_has_just_that_room),
	    cmocka_unit_test(an_arena_is_empty_and_usable_after_reset),
	    cmocka_unit_test(a_duplicate_ends_with_nul_and_an_empty_one_is_not_null),
	    cmocka_unit_test(a_grown_array_keeps_its_items_and_zeroes_the_new_ones),
	    cmocka_unit_test(ownership_is_handed_over_once),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
