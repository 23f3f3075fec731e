/* Whose disk use is looked at next. */
#include "disk_watch.h"
#include "reconcile_model.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { LOOK_MS = 2000, PLAN = 64, OVER = 100, HOSTED = MODEL_MAX - 1 };

typedef struct watched {
	world *w;
	disk_watch *d;
	uint64_t bytes[MODEL_MAX];
	unsigned looks[MODEL_MAX];
	disk_verdict last[MODEL_MAX];
} watched;

static void have(watched *x, unsigned count)
{
	sot_instance_spec s[MODEL_MAX];
	for (unsigned n = 1; n <= count; n++)
		s[n - 1] = model_spec(n);
	model_assign(x->w, s, count);
}

static unsigned number_of(sot_uuid id)
{
	for (unsigned n = 1; n < MODEL_MAX; n++)
		if (sot_uuid_eq(id, model_id(n)))
			return n;
	fail_msg("an instance that nobody made");
	return 0;
}

/* One look; whose, 0 for nobody's. */
static unsigned look(watched *x)
{
	sot_uuid id;
	x->w->now.ms += LOOK_MS;
	if (!disk_watch_next(x->d, x->w->r, x->w->now, &id))
		return 0;
	unsigned n = number_of(id);
	x->looks[n]++;
	x->last[n] = disk_watch_judge(x->d, id, x->bytes[n], PLAN, x->w->now);
	return n;
}

static void a_round_looks_at_each_once(void **state)
{
	watched x = {.w = *state, .d = disk_watch_new()};
	have(&x, HOSTED);
	for (unsigned i = 0; i < HOSTED; i++)
		assert_int_not_equal(look(&x), 0);
	for (unsigned n = 1; n <= HOSTED; n++)
		assert_int_equal(x.looks[n], 1);
	assert_int_equal(look(&x), 0);
	assert_int_not_equal(look(&x), 0);
	x.d = disk_watch_free(x.d);
}

/* Who is over is held, and let go, without a round of the host between. */
static void who_is_over_is_looked_at_again_soon(void **state)
{
	watched x = {.w = *state, .d = disk_watch_new()};
	have(&x, HOSTED);
	x.bytes[3] = OVER;
	while (look(&x) != 3)
		continue;
	assert_true(x.last[3].is_over && x.last[3].is_changed && !x.last[3].is_to_hold);
	assert_int_equal(disk_watch_over(x.d), 1);
	unsigned between = 0;
	while (look(&x) != 3)
		between++;
	assert_in_range(between, 1, 4);
	assert_true(x.last[3].is_over && !x.last[3].is_changed && x.last[3].is_to_hold);
	assert_int_equal(disk_watch_used(x.d, model_id(3)), OVER);
	x.bytes[3] = PLAN;
	while (look(&x) != 3)
		continue;
	assert_true(!x.last[3].is_over && x.last[3].is_changed && !x.last[3].is_to_hold);
	assert_int_equal(disk_watch_over(x.d), 0);
	x.d = disk_watch_free(x.d);
}

static void those_who_are_over_leave_the_others_their_turns(void **state)
{
	watched x = {.w = *state, .d = disk_watch_new()};
	have(&x, HOSTED);
	for (unsigned n = 2; n <= HOSTED; n++)
		x.bytes[n] = OVER;
	for (unsigned i = 0; i < 200; i++)
		(void)look(&x);
	assert_int_equal(disk_watch_over(x.d), HOSTED - 1);
	/* At least every other look belongs to the round, which has one for each and one to end. */
	assert_in_range(x.looks[1], 200 / 2 / (HOSTED + 1), 200 / (HOSTED + 1));
	x.d = disk_watch_free(x.d);
}

static void who_left_the_host_is_forgotten(void **state)
{
	watched x = {.w = *state, .d = disk_watch_new()};
	have(&x, 2);
	x.bytes[1] = x.bytes[2] = OVER;
	(void)look(&x);
	(void)look(&x);
	assert_int_equal(disk_watch_over(x.d), 2);
	have(&x, 0);
	assert_null(reconcile_find(x.w->r, model_id(1)));
	assert_int_equal(look(&x), 0);
	assert_int_equal(disk_watch_over(x.d), 0);
	assert_int_equal(disk_watch_used(x.d, model_id(1)), 0);
	x.d = disk_watch_free(x.d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(a_round_looks_at_each_once, model_setup, model_teardown),
	    cmocka_unit_test_setup_teardown(
	        who_is_over_is_looked_at_again_soon, model_setup, model_teardown),
	    cmocka_unit_test_setup_teardown(
	        those_who_are_over_leave_the_others_their_turns, model_setup, model_teardown),
	    cmocka_unit_test_setup_teardown(
	        who_left_the_host_is_forgotten, model_setup, model_teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
