/* An alarm rings once, not before its time, and not when it was stopped or set anew. */
#include "reactor_alarm.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

enum { SOON_US = 300, LONG_US = 1800 * 1000000, PATIENCE_MS = 5000 };

typedef struct trial {
	reactor *r;
	reactor_alarm *alarm;
	int rung, again; /* again: so often it is set anew by its own handler */
} trial;

static void on_alarm(void *self)
{
	trial *t = self;
	t->rung++;
	if (t->again-- > 0)
		reactor_alarm_set_us(t->alarm, 1);
}

static int set_up(void **state)
{
	trial *t = sot_alloc(sizeof(*t));
	sot_err err;
	assert_int_equal(reactor_new(&t->r, &err), SOT_OK);
	t->alarm = reactor_alarm_new(t->r, on_alarm, t);
	*state = t;
	return 0;
}

static int tear_down(void **state)
{
	trial *t = *state;
	reactor_alarm_free(t->alarm);
	reactor_free(t->r);
	free(t);
	return 0;
}

/* Turns until it has rung so often. */
static void await(trial *t, int times)
{
	sot_mono end = sot_mono_add_ms(sot_mono_now(), PATIENCE_MS);
	while (t->rung < times && !sot_mono_reached(sot_mono_now(), end))
		reactor_turn(t->r, 100);
	assert_int_equal(t->rung, times);
}

static void it_rings_once_and_not_before_its_time(void **state)
{
	trial *t = *state;
	int64_t begin_us = sot_mono_us_now();
	reactor_alarm_set_us(t->alarm, SOON_US);
	await(t, 1);
	assert_true(sot_mono_us_now() - begin_us >= SOON_US);
	for (int n = 0; n < 5; n++)
		reactor_turn(t->r, 1);
	assert_int_equal(t->rung, 1);
}

static void its_handler_may_set_it_again(void **state)
{
	trial *t = *state;
	t->again = 3;
	reactor_alarm_set_us(t->alarm, 0);
	await(t, 4);
}

static void what_was_set_before_is_forgotten(void **state)
{
	trial *t = *state;
	reactor_alarm_set_us(t->alarm, LONG_US);
	reactor_alarm_set_us(t->alarm, SOON_US);
	await(t, 1);
	reactor_alarm_set_us(t->alarm, SOON_US);
	int64_t begin_us = sot_mono_us_now();
	while (sot_mono_us_now() - begin_us < 2 * SOON_US) { /* it is due, and nobody was told */
	}
	reactor_alarm_set_us(t->alarm, LONG_US);
	for (int n = 0; n < 5; n++)
		reactor_turn(t->r, 1);
	assert_int_equal(t->rung, 1);
	reactor_alarm_set_us(t->alarm, SOON_US);
	reactor_alarm_stop(t->alarm);
	for (int n = 0; n < 5; n++)
		reactor_turn(t->r, 1);
	assert_int_equal(t->rung, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(it_rings_once_and_not_before_its_time, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(its_handler_may_set_it_again, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(what_was_set_before_is_forgotten, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
