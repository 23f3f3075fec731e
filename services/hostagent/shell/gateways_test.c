/* Which gateway an agent asks. */
#include "gateways.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static gateways *made(const char *urls, uint64_t seed)
{
	gateways *g = NULL;
	sot_err err = {0};

	assert_int_equal(gateways_new(urls, seed, &g, &err), SOT_OK);
	return g;
}

static void the_next_is_asked_when_one_fails_and_the_first_after_the_last(void **state)
{
	SOT_AUTO(gateways) g = made("https://a:1, https://b:2/,https://c:3", 1);
	(void)state;

	const char *b = gateways_url(g);
	assert_string_equal(b, "https://b:2");
	gateways_failed(g, b);
	assert_string_equal(gateways_url(g), "https://c:3");
	gateways_failed(g, b); /* a second call that had asked it */
	assert_string_equal(gateways_url(g), "https://c:3");
	gateways_failed(g, gateways_url(g));
	assert_string_equal(gateways_url(g), "https://a:1");
}

static void agents_begin_with_different_ones(void **state)
{
	int seen[3] = {0};

	(void)state;
	for (uint64_t seed = 0; seed < 9; seed++) {
		SOT_AUTO(gateways) g = made("https://a,https://b,https://c", seed);
		seen[gateways_url(g)[8] - 'a']++;
	}
	assert_true(seen[0] == 3 && seen[1] == 3 && seen[2] == 3);
}

static void one_alone_is_asked_again(void **state)
{
	SOT_AUTO(gateways) g = made("https://a:1", 7);
	(void)state;

	gateways_failed(g, gateways_url(g));
	assert_string_equal(gateways_url(g), "https://a:1");
}

static void an_empty_one_and_too_many_are_refused(void **state)
{
	static const char *const wrong[] = {"", "https://a,,https://b", " ", "a,b,c,d,e,f,g,h,i"};
	gateways *g = NULL;
	sot_err err = {0};

	(void)state;
	for (size_t k = 0; k < sizeof(wrong) / sizeof(*wrong); k++) {
		assert_int_equal(gateways_new(wrong[k], 0, &g, &err), SOT_INVALID);
		assert_null(g);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_next_is_asked_when_one_fails_and_the_first_after_the_last),
	    cmocka_unit_test(agents_begin_with_different_ones),
	    cmocka_unit_test(one_alone_is_asked_again),
	    cmocka_unit_test(an_empty_one_and_too_many_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
