/* Errors, views, UTF-8 and bounded buffers. */
#include "sot_str.h"

#include "sot_mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void a_failure_carries_code_and_text(void **state)
{
	(void)state;
	sot_err err = {0};
	assert_int_equal(sot_fail(&err, SOT_LIMIT, "all %u are held", 7u), SOT_LIMIT);
	assert_int_equal(err.code, SOT_LIMIT);
	assert_string_equal(err.text, "all 7 are held");
	assert_int_equal(sot_fail(NULL, SOT_DENIED, "nobody listens"), SOT_DENIED);
}

static void wrapping_puts_words_in_front_and_keeps_the_code(void **state)
{
	(void)state;
	sot_err err = {0};
	(void)sot_fail_errno(&err, SOT_UNAVAILABLE, 2, "open %s", "/x");
	assert_int_equal(sot_wrap(&err, "container %d", 2), SOT_UNAVAILABLE);
	assert_string_equal(err.text, "container 2: open /x: No such file or directory");
	assert_int_equal(err.sys_errno, 2);
}

static void an_error_may_quote_its_own_text(void **state)
{
	(void)state;
	sot_err err = {0};
	(void)sot_fail(&err, SOT_INVALID, "inner");
	(void)sot_fail(&err, SOT_INTERNAL, "again %s", err.text);
	assert_string_equal(err.text, "again inner");
}

static void a_text_that_is_too_long_is_cut(void **state)
{
	(void)state;
	char longer[500];
	memset(longer, 'x', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	sot_err err = {0};
	(void)sot_fail(&err, SOT_INVALID, "%s", longer);
	assert_int_equal(strlen(err.text), SOT_ERR_TEXT_MAX - 1);
	(void)sot_wrap(&err, "%s", longer);
	assert_int_equal(strlen(err.text), SOT_ERR_TEXT_MAX - 1);
}

static void cutting_gives_head_and_rest(void **state)
{
	(void)state;
	sot_str rest;
	assert_true(sot_str_eq_c(sot_str_cut(SOT_STR("a=b=c"), '=', &rest), "a"));
	assert_true(sot_str_eq_c(rest, "b=c"));
	assert_true(sot_str_eq_c(sot_str_cut(SOT_STR("abc"), '=', &rest), "abc"));
	assert_int_equal(rest.n, 0);
	assert_int_equal(sot_str_cut((sot_str){NULL, 0}, '=', &rest).n, 0);
}

static void only_shortest_forms_of_scalar_values_are_utf8(void **state)
{
	(void)state;
	assert_true(sot_str_is_utf8(SOT_STR("aé€\xf0\x90\x80\x80\xf4\x8f\xbf\xbf")));
	static const sot_str bad[] = {SOT_STR("a\0"), SOT_STR("\x80"), SOT_STR("\xc1\xbf"),
	    SOT_STR("\xc3"), SOT_STR("\xe0\x9f\xbf"), SOT_STR("\xed\xa0\x80"), SOT_STR("\xe2\x82"),
	    SOT_STR("\xf0\x8f\xbf\xbf"), SOT_STR("\xf4\x90\x80\x80"), SOT_STR("\xf5\x80\x80\x80"),
	    SOT_STR("\xff")};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (sot_str_is_utf8(bad[i]))
			fail_msg("case %zu was taken for UTF-8", i);
}

static void a_copy_that_does_not_fit_leaves_the_target_alone(void **state)
{
	(void)state;
	char dst[4] = "old";
	assert_int_equal(sot_str_copy(SOT_STR("four"), dst, sizeof(dst), NULL), SOT_LIMIT);
	assert_string_equal(dst, "old");
	assert_int_equal(sot_str_copy(SOT_STR("new"), dst, sizeof(dst), NULL), SOT_OK);
	assert_string_equal(dst, "new");
	assert_int_equal(sot_str_copy(SOT_STR(""), dst, 0, NULL), SOT_LIMIT);
}

static void a_buffer_takes_exactly_its_maximum(void **state)
{
	(void)state;
	SOT_AUTO_BUF b;
	sot_buf_init(&b, 5);
	sot_buf_add_c(&b, "12345");
	assert_false(sot_buf_failed(&b));
	assert_string_equal(b.p, "12345");
	sot_buf_add_char(&b, '6');
	assert_true(sot_buf_failed(&b));
}

static void a_failed_buffer_is_empty_until_reset(void **state)
{
	(void)state;
	SOT_AUTO_BUF b;
	sot_buf_init(&b, 3);
	sot_buf_printf(&b, "%d", 1234);
	assert_true(sot_buf_failed(&b));
	sot_buf_add_c(&b, "x");
	assert_true(sot_buf_failed(&b));
	assert_int_equal(sot_buf_str(&b).n, 0);
	assert_null(b.p);
	sot_buf_reset(&b);
	sot_buf_add_c(&b, "x");
	assert_string_equal(b.p, "x");
}

static void consuming_drops_from_the_front(void **state)
{
	(void)state;
	SOT_AUTO_BUF b;
	sot_buf_init(&b, 100);
	sot_buf_add_c(&b, "one two");
	sot_buf_consume(&b, 4);
	assert_string_equal(b.p, "two");
	sot_buf_consume(&b, 99);
	assert_string_equal(b.p, "");
	assert_int_equal(b.n, 0);
}

static void json_strings_are_escaped_and_made_valid(void **state)
{
	(void)state;
	SOT_AUTO_BUF b;
	sot_buf_init(&b, 100);
	sot_buf_add_json(&b, SOT_STR("a\"\\\n\t\r\x01\x7f\xff\xe2\x82 é\0z"));
	assert_string_equal(
	    b.p, "\"a\\\"\\\\\\n\\t\\r\\u0001\\u007f\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd é\\u0000z\"");
}

static void bytes_that_differ_have_different_marks(void **state)
{
	(void)state;
	assert_true(sot_str_mark(SOT_STR("eth0 1")) == sot_str_mark(SOT_STR("eth0 1")));
	assert_true(sot_str_mark(SOT_STR("eth0 1")) != sot_str_mark(SOT_STR("eth0 2")));
	assert_true(sot_str_mark(SOT_STR("ab")) != sot_str_mark(SOT_STR("ba")));
	assert_true(sot_str_mark(SOT_STR("a")) != sot_str_mark((sot_str){"a", 2})); /* and its NUL */
	assert_true(sot_str_mark((sot_str){0}) != 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_failure_carries_code_and_text),
	    cmocka_unit_test(wrapping_puts_words_in_front_and_keeps_the_code),
	    cmocka_unit_test(an_error_may_quote_its_own_text),
	    cmocka_unit_test(a_text_that_is_too_long_is_cut),
	    cmocka_unit_test(cutting_gives_head_and_rest),
	    cmocka_unit_test(only_shortest_forms_of_scalar_values_are_utf8),
	    cmocka_unit_test(a_copy_that_does_not_fit_leaves_the_target_alone),
	    cmocka_unit_test(a_buffer_takes_exactly_its_maximum),
	    cmocka_unit_test(a_failed_buffer_is_empty_until_reset),
	    cmocka_unit_test(consuming_drops_from_the_front),
	    cmocka_unit_test(json_strings_are_escaped_and_made_valid),
	    cmocka_unit_test(bytes_that_differ_have_different_marks),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
