#include "sim.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

typedef struct seen {
	char text[256];
} seen;

static void note(void *self, sot_str data)
{
	seen *s = self;
	size_t n = strlen(s->text);

	assert_true(n + data.n < sizeof(s->text));
	memcpy(s->text + n, data.p, data.n);
	s->text[n + data.n] = '\0';
}

static void events_run_by_time_then_by_order(void **state)
{
	SOT_AUTO(sim) s = sim_new(1);
	seen got = {{0}};

	(void)state;
	sim_after(s, 20, note, &got, SOT_STR("c"));
	sim_after(s, 10, note, &got, SOT_STR("a"));
	sim_after(s, 10, note, &got, SOT_STR("b"));
	sot_mono start = sim_now(s);
	while (sim_step(s))
		;
	assert_string_equal(got.text, "abc");
	assert_int_equal(sot_mono_diff_ms(sim_now(s), start), 20);
}

static void send_digits(sim_link *l)
{
	for (char c = '0'; c <= '9'; c++)
		sim_link_send(l, (sot_str){&c, 1});
}

static void a_link_keeps_order_unless_told_otherwise(void **state)
{
	SOT_AUTO(sim) s = sim_new(2);
	sim_faults faults = {.delay_min_ms = 1, .delay_max_ms = 50};
	seen got = {{0}};
	sim_link *l = sim_link_new(s, &faults, note, &got);

	(void)state;
	send_digits(l);
	while (sim_step(s))
		;
	assert_string_equal(got.text, "0123456789");
	got.text[0] = '\0';
	faults.reorder_permille = 1000;
	send_digits(l);
	while (sim_step(s))
		;
	assert_int_equal(strlen(got.text), 10);
	assert_string_not_equal(got.text, "0123456789");
	sim_link_free(l);
}

static void a_cut_link_loses_and_a_reset_link_loses_what_is_under_way(void **state)
{
	SOT_AUTO(sim) s = sim_new(3);
	sim_faults faults = {.delay_min_ms = 1, .delay_max_ms = 5};
	seen got = {{0}};
	sim_link *l = sim_link_new(s, &faults, note, &got);

	(void)state;
	sim_link_send(l, SOT_STR("lost"));
	sim_link_reset(l);
	sim_link_cut(l, true);
	sim_link_send(l, SOT_STR("cut"));
	sim_link_cut(l, false);
	sim_link_send(l, SOT_STR("x"));
	while (sim_step(s))
		;
	assert_string_equal(got.text, "x");
	sim_link_free(l);
}

static void drops_and_duplicates_follow_their_rates(void **state)
{
	SOT_AUTO(sim) s = sim_new(4);
	sim_faults faults = {.delay_min_ms = 1, .delay_max_ms = 1, .drop_permille = 1000};
	seen got = {{0}};
	sim_link *l = sim_link_new(s, &faults, note, &got);

	(void)state;
	sim_link_send(l, SOT_STR("a"));
	faults.drop_permille = 0;
	faults.duplicate_permille = 1000;
	sim_link_send(l, SOT_STR("b"));
	while (sim_step(s))
		;
	assert_string_equal(got.text, "bb");
	sim_link_free(l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(events_run_by_time_then_by_order),
	    cmocka_unit_test(a_link_keeps_order_unless_told_otherwise),
	    cmocka_unit_test(a_cut_link_loses_and_a_reset_link_loses_what_is_under_way),
	    cmocka_unit_test(drops_and_duplicates_follow_their_rates),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
