/* The life of a service: what is called, in which order, and with which exit code it ends. */
#include "service_main.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

typedef struct story {
	sot_code load_code, begin_code;
	bool is_over;
	bool drains_later; /* done() comes from the loop, not from within drain */
	char told[64];     /* a letter for each call */
	reactor *loop;
	void (*done)(void *self);
	void *done_self;
} story;

static void tell(story *s, const char *letter)
{
	assert_true(strlen(s->told) + 2 < sizeof(s->told));
	memcpy(s->told + strlen(s->told), letter, 2);
}

static sot_code load(int argc, char **argv, void *config, bool *ret_is_over, sot_err *err)
{
	story *s = *(story **)config;
	assert_int_equal(argc, 2);
	assert_string_equal(argv[1], "--config=x");
	tell(s, "l");
	if (s->load_code != SOT_OK)
		return sot_fail(err, s->load_code, "x: line 3 has no '='");
	*ret_is_over = s->is_over;
	return SOT_OK;
}

static void ask_to_end(void *self)
{
	tell(self, "t");
	assert_int_equal(raise(SIGTERM), 0);
}

static sot_code begin(reactor *loop, const void *config, void **ret, sot_err *err)
{
	story *s = *(story *const *)config;
	tell(s, "b");
	if (s->begin_code != SOT_OK)
		return sot_fail(err, s->begin_code, "the port is taken");
	s->loop = loop;
	reactor_defer(loop, ask_to_end, s);
	*ret = s;
	return SOT_OK;
}

static void later(void *self)
{
	story *s = self;
	tell(s, "r");
	s->done(s->done_self);
}

static void drain(void *work, void (*done)(void *self), void *self)
{
	story *s = work;
	tell(s, "d");
	s->done = done;
	s->done_self = self;
	if (s->drains_later)
		reactor_defer(s->loop, later, s);
	else
		done(self);
}

static void end(void *work)
{
	tell(work, "e");
}

static int run(story *s)
{
	static const service_program program = {"story", load, begin, drain, end};
	char *argv[] = {(char[]){"sotalia-story"}, (char[]){"--config=x"}, NULL};
	return service_main(&program, &s, 2, argv); /* the configuration is a pointer to the story */
}

static void a_service_that_is_told_to_end_drains_is_freed_and_ends_with_0(void **state)
{
	(void)state;
	story s = {.load_code = SOT_OK};
	assert_int_equal(run(&s), 0);
	assert_string_equal(s.told, "lbtde");
}

static void the_loop_turns_until_the_drain_is_done(void **state)
{
	(void)state;
	story s = {.drains_later = true};
	assert_int_equal(run(&s), 0);
	assert_string_equal(s.told, "lbtdre");
}

static void a_wrong_configuration_ends_with_2_and_nothing_is_begun(void **state)
{
	(void)state;
	story s = {.load_code = SOT_INVALID};
	assert_int_equal(run(&s), 2);
	assert_string_equal(s.told, "l");
}

static void a_question_that_is_answered_ends_with_0_and_nothing_is_begun(void **state)
{
	(void)state;
	story s = {.is_over = true};
	assert_int_equal(run(&s), 0);
	assert_string_equal(s.told, "l");
}

static void a_service_that_cannot_begin_ends_with_1_and_has_nothing_to_free(void **state)
{
	(void)state;
	story s = {.begin_code = SOT_UNAVAILABLE};
	assert_int_equal(run(&s), 1);
	assert_string_equal(s.told, "lb");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_service_that_is_told_to_end_drains_is_freed_and_ends_with_0),
	    cmocka_unit_test(the_loop_turns_until_the_drain_is_done),
	    cmocka_unit_test(a_wrong_configuration_ends_with_2_and_nothing_is_begun),
	    cmocka_unit_test(a_question_that_is_answered_ends_with_0_and_nothing_is_begun),
	    cmocka_unit_test(a_service_that_cannot_begin_ends_with_1_and_has_nothing_to_free),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
