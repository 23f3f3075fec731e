/* The id of a container in half its length. */
#include "rows.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void expect_kept(const char *id, const char *expected)
{
	char text[CONTAINER_TEXT];
	container_ref c = container_ref_of(sot_str_c(id));
	assert_string_equal(container_ref_text(&c, text), expected);
	assert_int_equal(c.length == 0, expected[0] == '\0');
}

static void an_id_is_said_as_it_was(void **state)
{
	(void)state;
	expect_kept("", "");
	expect_kept("c1", "c1");
	expect_kept("0123456789abcdef0123456789abcdef", "0123456789abcdef0123456789abcdef");
	expect_kept("00ff456789abcdef0123456789abcdef0123456789abcdef0123456789abcd00",
	    "00ff456789abcdef0123456789abcdef0123456789abcdef0123456789abcd00");
}

/* Docker gives none of these; whatever an agent says, nothing is written behind its place. */
static void what_is_no_id_is_cut(void **state)
{
	char text[CONTAINER_TEXT], other[200];
	(void)state;
	memset(other, 'z', sizeof(other));
	for (size_t n = 33; n <= sizeof(other); n++) {
		container_ref c = container_ref_of((sot_str){other, n});
		assert_int_equal(strlen(container_ref_text(&c, text)), 32);
		assert_memory_equal(text, other, 32);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(an_id_is_said_as_it_was),
	    cmocka_unit_test(what_is_no_id_is_cut),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
