/* Frames of exec sessions: what is written is read back, what is out of bounds is refused. */
#include "exec_frame.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static uint8_t bytes[EXEC_FRAME_MAX];

static exec_frame there_and_back(const exec_frame *f)
{
	exec_frame got = {0};
	size_t n = exec_frame_write(f, bytes);
	assert_true(n > 0);
	assert_true(exec_frame_parse(bytes, n, &got));
	for (size_t cut = 0; cut < n; cut++) {
		exec_frame part;
		bool shorter_is_one =
		    exec_kind_is_data(f->kind) || f->kind == EXEC_END || f->kind == EXEC_BEGUN;
		if (!shorter_is_one || cut == 0)
			assert_false(exec_frame_parse(bytes, cut, &part));
	}
	return got;
}

static void every_kind_is_read_as_it_was_written(void **state)
{
	(void)state;
	exec_frame f = {.kind = EXEC_OPEN,
	    .terminal = true,
	    .columns = 80,
	    .rows = 24,
	    .account = "admin",
	    .term = "xterm",
	    .command = "ls -l"};
	exec_frame got = there_and_back(&f);
	assert_true(got.terminal && got.columns == 80 && got.rows == 24);
	assert_string_equal(got.account, "admin");
	assert_string_equal(got.term, "xterm");
	assert_string_equal(got.command, "ls -l");
	f = (exec_frame){.kind = EXEC_OUTPUT, .data = (const uint8_t *)"a\0b", .n = 3};
	got = there_and_back(&f);
	assert_int_equal(got.n, 3);
	assert_memory_equal(got.data, "a\0b", 3);
	f = (exec_frame){.kind = EXEC_RESIZE, .columns = 200, .rows = 50};
	got = there_and_back(&f);
	assert_true(got.columns == 200 && got.rows == 50);
	f = (exec_frame){.kind = EXEC_CREDIT, .number = 0x0123456789abcdef};
	assert_true(there_and_back(&f).number == 0x0123456789abcdef);
	f = (exec_frame){.kind = EXEC_SIGNAL, .signal = 15};
	assert_int_equal(there_and_back(&f).signal, 15);
	f = (exec_frame){.kind = EXEC_INPUT_END};
	(void)there_and_back(&f);
	f = (exec_frame){.kind = EXEC_END,
	    .reason = EXEC_BROKEN,
	    .status = 7,
	    .data = (const uint8_t *)"why",
	    .n = 3};
	got = there_and_back(&f);
	assert_true(got.reason == EXEC_BROKEN && got.status == 7 && got.n == 3);
	f = (exec_frame){.kind = EXEC_BEGUN, .number = 9, .data = (const uint8_t *)"id", .n = 2};
	got = there_and_back(&f);
	assert_true(got.number == 9 && got.n == 2);
}

static void what_is_out_of_bounds_is_refused(void **state)
{
	static uint8_t large[EXEC_FRAME_MAX + 1] = {EXEC_OUTPUT};
	static char long_command[EXEC_COMMAND_MAX + 2];
	exec_frame f;
	(void)state;
	assert_false(exec_frame_parse("", 0, &f));
	assert_false(exec_frame_parse("\0", 1, &f));
	assert_false(exec_frame_parse("\x0b", 1, &f));
	assert_true(exec_frame_parse(large, 1 + EXEC_DATA_MAX, &f));
	assert_false(exec_frame_parse(large, 2 + EXEC_DATA_MAX, &f));
	assert_false(exec_frame_parse(large, sizeof(large), &f));
	assert_false(exec_frame_parse("\4\0\0\0\1", 5, &f)); /* no column */
	assert_false(exec_frame_parse("\4\x10\0\0\1", 5, &f));
	assert_false(exec_frame_parse("\5\0", 2, &f));
	assert_false(exec_frame_parse("\5\x20", 2, &f));
	assert_false(exec_frame_parse("\x0a\5\0", 3, &f));                   /* no such reason */
	assert_false(exec_frame_parse("\1\0\0\0\0\0a\0t", 9, &f));           /* two texts */
	assert_false(exec_frame_parse("\1\0\0\1\0\1a\0t\0c\0", 12, &f));     /* size, no terminal */
	assert_false(exec_frame_parse("\1\0\0\0\0\0a\0t\0c\0more", 16, &f)); /* trailing */
	memset(long_command, 'x', sizeof(long_command) - 1);
	f = (exec_frame){.kind = EXEC_OPEN, .account = "a", .term = "", .command = long_command};
	assert_int_equal(exec_frame_write(&f, bytes), 0);
	f = (exec_frame){.kind = EXEC_INPUT, .data = large, .n = EXEC_DATA_MAX + 1};
	assert_int_equal(exec_frame_write(&f, bytes), 0);
}

static void a_window_is_never_open_wider_than_agreed(void **state)
{
	exec_window w = {0};
	(void)state;
	assert_false(exec_window_take(&w));
	assert_true(exec_window_grant(&w, EXEC_WINDOW));
	assert_false(exec_window_grant(&w, 1));
	for (int i = 0; i < EXEC_WINDOW; i++)
		assert_true(exec_window_take(&w));
	assert_false(exec_window_take(&w));
	assert_false(exec_window_grant(&w, UINT64_MAX));
	assert_true(exec_window_grant(&w, 1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_kind_is_read_as_it_was_written),
	    cmocka_unit_test(what_is_out_of_bounds_is_refused),
	    cmocka_unit_test(a_window_is_never_open_wider_than_agreed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
