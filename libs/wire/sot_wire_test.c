/* The bounded scanner, the head of a frame, and texts from elsewhere. */
#include "sot_wire.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define FRAME(literal) SOT_STR(literal)

static void check_bad(sot_str frame, const char *part_of_text)
{
	sot_err err = {0};
	assert_int_equal(sot_wire_precheck(frame, &err), SOT_INVALID);
	if (!strstr(err.text, part_of_text))
		fail_msg("\"%s\" does not say \"%s\"", err.text, part_of_text);
}

static void one_value_of_each_kind_passes(void **state)
{
	(void)state;
	static const sot_str good[] = {FRAME("\x00"), FRAME("\xff"), FRAME("\xc0"), FRAME("\xa1x"),
	    FRAME("\xc4\x01x"), FRAME("\xc5\x00\x01x"), FRAME("\xc6\x00\x00\x00\x01x"),
	    FRAME("\xca\x00\x00\x00\x00"), FRAME("\xcb\x00\x00\x00\x00\x00\x00\x00\x00"),
	    FRAME("\xcf\x00\x00\x00\x00\x00\x00\x00\x00"), FRAME("\xd0\x80"), FRAME("\xd9\x01x"),
	    FRAME("\x90"), FRAME("\x92\x01\x91\x02"), FRAME("\x81\x01\x02"), FRAME("\xdc\x00\x01\x01"),
	    FRAME("\xde\x00\x01\x01\x02"), FRAME("\xdd\x00\x00\x00\x00")};
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_int_equal(sot_wire_precheck(good[i], NULL), SOT_OK);
}

static void counts_that_exceed_the_bytes_left_are_refused(void **state)
{
	(void)state;
	check_bad(FRAME("\xdd\xff\xff\xff\xff"), "more items");
	check_bad(FRAME("\xdf\xff\xff\xff\xff\x00"), "more items");
	check_bad(FRAME("\x81\x01"), "more items");
	check_bad(FRAME("\xdb\xff\xff\xff\xff"), "cut short");
	check_bad(FRAME("\xc6\xff\xff\xff\xff"), "cut short");
	check_bad(FRAME("\x92\x01"), "more items");
}

static void cut_and_doubled_frames_are_refused(void **state)
{
	(void)state;
	check_bad((sot_str){NULL, 0}, "cut short");
	check_bad(FRAME("\xcd\x01"), "cut short");
	check_bad(FRAME("\x91\x01\x02"), "bytes follow");
	check_bad(FRAME("\x92\x91\x01\xa5x"), "cut short");
}

static void extensions_and_the_unused_type_are_refused(void **state)
{
	(void)state;
	check_bad(FRAME("\xc1"), "not allowed");
	check_bad(FRAME("\xc7\x00\x01"), "not allowed");
	check_bad(FRAME("\xd4\x01\x01"), "not allowed");
	check_bad(FRAME("\xd8\x01"), "not allowed");
}

static void sixteen_levels_pass_and_seventeen_do_not(void **state)
{
	(void)state;
	char nested[18];
	memset(nested, '\x91', sizeof(nested));
	nested[16] = 0;
	assert_int_equal(sot_wire_precheck((sot_str){nested, 17}, NULL), SOT_OK);
	nested[16] = '\x91';
	nested[17] = 0;
	check_bad((sot_str){nested, 18}, "too deep");
}

static void a_frame_of_more_than_the_maximum_is_a_limit(void **state)
{
	(void)state;
	SOT_AUTO_BUF frame;
	sot_buf_init(&frame, 2 * SOT_WIRE_FRAME_MAX);
	sot_buf_add(&frame, "\xc6\x00\x0f\xff\xfb", 5); /* with these 5 bytes exactly the maximum */
	while (frame.n < SOT_WIRE_FRAME_MAX)
		sot_buf_add_char(&frame, 'x');
	assert_int_equal(sot_wire_precheck(sot_buf_str(&frame), NULL), SOT_OK);
	sot_buf_add_char(&frame, 'x');
	assert_int_equal(sot_wire_precheck(sot_buf_str(&frame), NULL), SOT_LIMIT);
}

static void the_head_is_read_without_knowing_the_message(void **state)
{
	(void)state;
	sot_wire_head head;
	assert_int_equal(sot_wire_peek(FRAME("\x93\x01\xcd\x01\x2c\xcd\x03\xe8"), &head, NULL), SOT_OK);
	assert_int_equal(head.version, 1);
	assert_int_equal(head.id, 300);
	assert_true(head.request_id == 1000);
	assert_int_equal(sot_wire_peek(FRAME("\x93\x02\x05\xa1x"), &head, NULL), SOT_OK);
	assert_int_equal(head.version, 2);
	assert_true(head.request_id == 0);
	assert_int_equal(sot_wire_peek(FRAME("\x92\x01\x05"), &head, NULL), SOT_OK);
	assert_true(head.request_id == 0);
}

static void a_frame_without_a_head_is_refused_and_ret_left_alone(void **state)
{
	(void)state;
	sot_wire_head head = {9, 9, 9};
	assert_int_equal(sot_wire_peek(FRAME("\x91\x01"), &head, NULL), SOT_INVALID);
	assert_int_equal(sot_wire_peek(FRAME("\x05"), &head, NULL), SOT_INVALID);
	assert_int_equal(sot_wire_peek(FRAME("\x92\x01\xff"), &head, NULL), SOT_INVALID);
	assert_int_equal(
	    sot_wire_peek(FRAME("\x92\x01\xcf\x00\x00\x00\x01\x00\x00\x00\x00"), &head, NULL),
	    SOT_INVALID);
	assert_true(head.version == 9 && head.id == 9 && head.request_id == 9);
}

static void text_has_no_control_characters_but_tab_and_line_feed(void **state)
{
	(void)state;
	assert_true(sot_wire_is_text(SOT_STR("a\tb\nc é €")));
	assert_false(sot_wire_is_text(SOT_STR("a\rb")));
	assert_false(sot_wire_is_text(SOT_STR("a\x7f")));
	assert_false(sot_wire_is_text(SOT_STR("a\xc2\x9f")));
	assert_false(sot_wire_is_text(SOT_STR("a\0b")));
	assert_false(sot_wire_is_text(SOT_STR("\xc0\x80")));
	assert_false(sot_wire_is_text(SOT_STR("\xed\xa0\x80")));
}

static void words_from_elsewhere_become_text(void **state)
{
	(void)state;
	SOT_AUTO(sot_arena) arena = sot_arena_new(4096);
	assert_true(sot_str_eq_c(
	    sot_wire_make_text(arena, SOT_STR("one\r\ntwo\x1b[0m\xff é"), 100), "one\ntwo?[0m? é"));
	/* Cut between characters: the third byte would be half of one. */
	assert_true(sot_str_eq_c(sot_wire_make_text(arena, SOT_STR("abé"), 3), "ab"));
	assert_true(sot_str_eq_c(sot_wire_make_text(arena, SOT_STR(""), 3), ""));
	assert_int_equal(sot_wire_make_text(arena, SOT_STR("x"), 0).n, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(one_value_of_each_kind_passes),
	    cmocka_unit_test(counts_that_exceed_the_bytes_left_are_refused),
	    cmocka_unit_test(cut_and_doubled_frames_are_refused),
	    cmocka_unit_test(extensions_and_the_unused_type_are_refused),
	    cmocka_unit_test(sixteen_levels_pass_and_seventeen_do_not),
	    cmocka_unit_test(a_frame_of_more_than_the_maximum_is_a_limit),
	    cmocka_unit_test(the_head_is_read_without_knowing_the_message),
	    cmocka_unit_test(a_frame_without_a_head_is_refused_and_ret_left_alone),
	    cmocka_unit_test(text_has_no_control_characters_but_tab_and_line_feed),
	    cmocka_unit_test(words_from_elsewhere_become_text),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
