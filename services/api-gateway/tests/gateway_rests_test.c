/* The loop and a library that has more to do than can be seen to move
 * (sot_gateway_http_rests_total). */
#include "harness.h"

#include "sot_parse.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static harness h;

static uint64_t rests(void)
{
	static const char name[] = "\nsot_gateway_http_rests_total ";
	const answer *a = harness_call(&h, "GET", "/metrics", NULL, (sot_str){0});
	assert_int_equal(a->status, 200);
	const char *at = strstr(a->body.p, name);
	assert_non_null(at);
	sot_str rest, number = sot_str_cut(sot_str_c(at + sizeof(name) - 1), '\n', &rest);
	uint64_t n = 0;
	assert_int_equal(sot_parse_u64(number, 0, UINT64_MAX, &n, NULL), SOT_OK);
	return n;
}

static void ordinary_calls_do_not_rest(void **state)
{
	(void)state;
	uint64_t before = rests();
	for (int k = 0; k < 50; k++)
		assert_int_equal(harness_call(&h, "GET", "/v1/me", NULL, (sot_str){0})->status, 200);
	assert_int_equal(rests(), before);
}

/* Over TLS the library sends a long answer piece by piece, and calls nobody for it. */
static void what_is_not_seen_rests_and_is_counted(void **state)
{
	enum { TRIES = 200 }; /* one mostly does */
	(void)state;
	uint64_t before = rests(), now = before;
	for (int k = 0; k < TRIES && now == before; k++) {
		const answer *a = harness_call(&h, "GET", "/v1/openapi.json", NULL, (sot_str){0});
		assert_int_equal(a->status, 200);
		now = rests();
	}
	assert_true(now > before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(ordinary_calls_do_not_rest),
	    cmocka_unit_test(what_is_not_seen_rests_and_is_counted),
	};
	harness_start(&h, NULL, true);
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	harness_stop(&h);
	return failed;
}
