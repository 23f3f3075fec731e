/* Reading /proc/<pid>/stat, of texts and of real processes. */
#include "process.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define TAIL " 1 1 1 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 77123 1000 200 18446744073709551615"

static void the_start_is_found_behind_a_name_of_blanks_and_parentheses(void **state)
{
	uint64_t start = 0;
	(void)state;
	assert_true(process_parse_stat(SOT_STR("42 (a) Z (b) S" TAIL), &start));
	assert_int_equal(start, 77123);
}

static void a_corpse_is_no_process(void **state)
{
	uint64_t start = 0;
	(void)state;
	assert_false(process_parse_stat(SOT_STR("42 (sleep) Z" TAIL), &start));
}

static void a_text_that_is_none_proves_no_death(void **state)
{
	uint64_t start = 1;
	(void)state;
	assert_true(process_parse_stat(SOT_STR("42 (sl"), &start));
	assert_int_equal(start, 0);
	assert_true(process_parse_stat(SOT_STR("42 (sleep)"), &start));
	assert_true(process_parse_stat(SOT_STR("42 (sleep) S 1"), &start));
	assert_int_equal(start, 0);
}

static void a_child_is_there_until_it_was_waited_for(void **state)
{
	uint64_t own = 0, start = 0;
	int ends[2];
	(void)state;
	assert_true(process_read_start(getpid(), &own));
	assert_true(own > 0);
	assert_int_equal(pipe(ends), 0);
	pid_t child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		char byte;
		(void)close(ends[1]);
		_exit(read(ends[0], &byte, 1) == 0 ? 0 : 1);
	}
	assert_true(process_read_start(child, &start));
	assert_true(start >= own);
	(void)close(ends[1]);
	assert_int_equal(waitpid(child, NULL, 0), child);
	(void)close(ends[0]);
	assert_false(process_read_start(child, &start));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_start_is_found_behind_a_name_of_blanks_and_parentheses),
	    cmocka_unit_test(a_corpse_is_no_process),
	    cmocka_unit_test(a_text_that_is_none_proves_no_death),
	    cmocka_unit_test(a_child_is_there_until_it_was_waited_for),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
