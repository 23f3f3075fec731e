/* Timers that are armed with 0 by timers. */
#include "reactor.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static reactor *make(void)
{
	sot_err err;
	reactor *r = NULL;
	assert_int_equal(reactor_new(&r, &err), SOT_OK);
	return r;
}

static void turns(reactor *r, int count)
{
	for (int i = 0; i < count; i++)
		reactor_turn(r, 0);
}

static void rearm_at_once(void *self, uint64_t missed)
{
	(void)missed;
	reactor_watch **w = self;
	reactor_rearm_ms(*w, 0);
}

static void a_timer_that_re_arms_itself_with_zero_lets_go_of_the_loop(void **state)
{
	(void)state;
	SOT_AUTO(reactor) r = make();
	reactor_watch *w = NULL;
	w = reactor_after_ms(r, 0, rearm_at_once, &w);
	turns(r, 5); /* a failure hangs here and is ended by the test's time limit */
	reactor_rearm_ms(w, -1);
}

typedef struct chain {
	reactor_watch *first, *second, *third;
	int calls, first_calls;
	bool disarms, removes, arms_itself;
} chain;

static void arm_the_others(void *self, uint64_t missed)
{
	(void)missed;
	chain *c = self;
	c->first_calls++;
	reactor_rearm_ms(c->second, 0);
	reactor_rearm_ms(c->third, 0);
	if (c->disarms)
		reactor_rearm_ms(c->third, -1);
	if (c->removes)
		c->third = reactor_remove(c->third);
	if (c->arms_itself)
		reactor_rearm_ms(c->first, 0);
}

static void count_timer(void *self, uint64_t missed)
{
	chain *c = self;
	assert_int_equal(missed, 0);
	c->calls++;
}

static void what_a_timer_arms_with_zero_is_due_in_the_same_turn(void **state)
{
	(void)state;
	SOT_AUTO(reactor) r = make();
	chain c = {.calls = 0};
	c.second = reactor_after_ms(r, -1, count_timer, &c);
	c.third = reactor_after_ms(r, -1, count_timer, &c);
	c.first = reactor_after_ms(r, 0, arm_the_others, &c);
	turns(r, 1);
	assert_int_equal(c.calls, 2);
	c.disarms = true;
	reactor_rearm_ms(c.first, 0);
	turns(r, 2);
	assert_int_equal(c.calls, 3);
	c.disarms = false;
	c.removes = true;
	reactor_rearm_ms(c.first, 0);
	turns(r, 2);
	assert_int_equal(c.calls, 4);
}

/* Within one millisecond of the loop's clock it is called once, however often the loop turns. */
static void a_timer_that_re_arms_itself_with_zero_rests_before_it_is_called_again(void **state)
{
	(void)state;
	SOT_AUTO(reactor) r = make();
	chain c = {.arms_itself = true};
	c.second = reactor_after_ms(r, -1, count_timer, &c);
	c.third = reactor_after_ms(r, -1, count_timer, &c);
	c.first = reactor_after_ms(r, 0, arm_the_others, &c);
	sot_mono begin = reactor_now(r);
	int turned = 0;
	while (!sot_mono_reached(reactor_now(r), sot_mono_add_ms(begin, 20))) {
		turns(r, 1);
		turned++;
	}
	int64_t took_ms = sot_mono_diff_ms(reactor_now(r), begin);
	assert_true(c.first_calls >= 1 && c.first_calls <= took_ms + 1);
	assert_int_equal(c.calls, 2 * c.first_calls);
	assert_true(turned >= c.first_calls);
}

typedef struct ticks {
	reactor *r;
	sot_mono last;
	int count;
} ticks;

static void note_tick(void *self, uint64_t missed)
{
	(void)missed;
	ticks *t = self;
	t->count++;
	t->last = reactor_now(t->r);
}

/* One is begun a while after the other. */
static void timers_that_go_together_fall_into_one_turn(void **state)
{
	(void)state;
	SOT_AUTO(reactor) r = make();
	ticks a = {.r = r}, b = {.r = r};
	sot_mono begin = reactor_now(r);
	reactor_together_ms(r, 1000, note_tick, &a);
	while (!sot_mono_reached(reactor_now(r), sot_mono_add_ms(begin, 137)))
		reactor_turn(r, 20);
	sot_mono second = reactor_now(r);
	reactor_together_ms(r, 500, note_tick, &b);
	while (a.count < 2) {
		reactor_turn(r, 50);
		if (a.count == 1 && a.last.ms == b.last.ms)
			assert_in_range(sot_mono_diff_ms(a.last, begin), 501, 1050); /* early, not late */
	}
	assert_int_equal(a.last.ms, b.last.ms);
	assert_true(b.count >= 3);
	assert_true(sot_mono_diff_ms(b.last, second) <= 500 * b.count + 50);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_timer_that_re_arms_itself_with_zero_lets_go_of_the_loop),
	    cmocka_unit_test(what_a_timer_arms_with_zero_is_due_in_the_same_turn),
	    cmocka_unit_test(a_timer_that_re_arms_itself_with_zero_rests_before_it_is_called_again),
	    cmocka_unit_test(timers_that_go_together_fall_into_one_turn),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
