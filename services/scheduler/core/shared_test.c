#include "shared.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void what_says_the_same_is_one_value(void **state)
{
	shared_pool *p = shared_pool_new();
	const char *a = shared_text(p, SOT_STR("tomcat")), *b = shared_text(p, SOT_STR("tomcat")),
	           *c = shared_text(p, SOT_STR("tomca"));

	(void)state;
	assert_ptr_equal(a, b);
	assert_ptr_not_equal(a, c);
	assert_string_equal(a, "tomcat");
	assert_string_equal(c, "tomca");
	shared_drop(a);
	assert_string_equal(b, "tomcat");
	shared_drop(b);
	shared_drop(c);
	shared_drop(NULL);
	shared_pool_free(p);
}

static void a_value_outlives_its_pool(void **state)
{
	shared_pool *p = shared_pool_new();
	const char *kept = shared_keep(shared_text(p, SOT_STR("1.2.3")));

	(void)state;
	shared_pool_free(p);
	shared_drop(kept);
	assert_string_equal(kept, "1.2.3");
	shared_drop(kept);
}

/* A text that hardly ever repeats is in no pool; "" is one value wherever it comes from. */
static void a_value_of_its_own_is_nobody_elses(void **state)
{
	shared_pool *p = shared_pool_new();
	const char *field = shared_alone(SOT_STR("")), *pooled = shared_text(p, SOT_STR("tomcat"));

	(void)state;
	assert_ptr_equal(field, shared_text(p, SOT_STR("")));
	shared_set_alone(&field, SOT_STR("tomcat"));
	assert_ptr_not_equal(field, pooled);
	const char *also = shared_keep(field);
	assert_ptr_equal(also, field);
	/* A part of itself. */
	shared_set_alone(&field, sot_str_c(field + 3));
	assert_string_equal(field, "cat");
	assert_string_equal(also, "tomcat");
	shared_drop(also);
	shared_set_alone(&field, SOT_STR(""));
	assert_ptr_equal(field, shared_keep(field));
	shared_drop(field);
	shared_drop(pooled);
	shared_pool_free(p);
}

/* More values than are kept: those that nobody holds go, the others stay what they are. */
static void what_nobody_keeps_is_forgotten(void **state)
{
	shared_pool *p = shared_pool_new();
	const char *held[10];
	char text[32];

	(void)state;
	for (size_t k = 0; k < 20000; k++) {
		(void)snprintf(text, sizeof(text), "version %zu", k);
		const char *one = shared_text(p, sot_str_c(text));
		if (k % 2000 == 0)
			held[k / 2000] = one;
		else
			shared_drop(one);
	}
	for (size_t k = 0; k < 10; k++) {
		(void)snprintf(text, sizeof(text), "version %zu", k * 2000);
		assert_string_equal(held[k], text);
		assert_ptr_equal(shared_text(p, sot_str_c(text)), held[k]);
		shared_drop(held[k]);
		shared_drop(held[k]);
	}
	shared_pool_free(p);
}

static void bytes_of_every_length_and_value_are_told_apart(void **state)
{
	shared_pool *p = shared_pool_new();
	uint64_t one[3] = {1, 0, 3}, other[3] = {1, 0, 4};
	const void *a = shared_bytes(p, one, sizeof(one)), *b = shared_bytes(p, other, sizeof(other)),
	           *c = shared_bytes(p, one, sizeof(one[0]));

	(void)state;
	assert_ptr_not_equal(a, b);
	assert_ptr_not_equal(a, c);
	assert_memory_equal(a, one, sizeof(one));
	assert_ptr_equal(a, shared_bytes(p, one, sizeof(one)));
	shared_drop(a);
	shared_drop(a);
	shared_drop(b);
	shared_drop(c);
	shared_pool_free(p);
}

/* A struct of shared values holds them; who makes the same one again gives its references back. */
static void a_struct_holds_what_it_begins_with(void **state)
{
	shared_pool *p = shared_pool_new();
	struct {
		const char *plan, *image;
		uint64_t bytes;
	} make = {shared_text(p, SOT_STR("small")), shared_text(p, SOT_STR("tomcat")), 7};

	(void)state;
	const char *image = make.image;
	const void *one = shared_struct(p, &make, sizeof(make), 2);
	make.plan = shared_text(p, SOT_STR("small"));
	make.image = shared_text(p, SOT_STR("tomcat"));
	const void *same = shared_struct(p, &make, sizeof(make), 2);
	assert_ptr_equal(one, same);
	make.plan = shared_text(p, SOT_STR("large"));
	(void)shared_keep(make.image);
	const void *other = shared_struct(p, &make, sizeof(make), 2);
	assert_ptr_not_equal(one, other);
	shared_drop(one);
	shared_drop(same);
	/* The image is the other's, too; the first plan is gone with the first struct. */
	assert_string_equal(image, "tomcat");
	shared_pool_free(p);
	assert_string_equal(image, "tomcat");
	shared_drop(other); /* and the pool, and all: the sanitizer would tell */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_says_the_same_is_one_value),
	    cmocka_unit_test(a_value_outlives_its_pool),
	    cmocka_unit_test(a_value_of_its_own_is_nobody_elses),
	    cmocka_unit_test(what_nobody_keeps_is_forgotten),
	    cmocka_unit_test(bytes_of_every_length_and_value_are_told_apart),
	    cmocka_unit_test(a_struct_holds_what_it_begins_with),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
