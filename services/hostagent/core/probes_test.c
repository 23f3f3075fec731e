/* The probe of an address, on a clock of the test's own. */
#include "probes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static const sot_mac stranger = {{2, 0, 0, 0, 0, 9}};

static sot_ip address(unsigned n)
{
	return sot_ip_from_v4(0x0a420000u + n);
}

/* Sends what is due; how many questions that were. */
static unsigned send_due(probes *p, sot_mono now)
{
	unsigned n = 0;
	while (probes_next_due(p, now))
		n++;
	return n;
}

static void silence_is_three_questions_100_ms_apart_and_100_ms_for_the_last(void **state)
{
	SOT_AUTO(probes) p = probes_new();
	sot_mono now = {1000};
	(void)state;
	assert_int_equal(probes_ask(p, 100, address(1), now)->state, PROBE_RUNNING);
	for (unsigned i = 0; i < PROBE_COUNT; i++) {
		assert_int_equal(probes_next_due_ms(p, now), 0);
		assert_int_equal(send_due(p, now), 1);
		assert_int_equal(send_due(p, now), 0);
		assert_false(probes_advance(p, now));
		assert_int_equal(probes_next_due_ms(p, now), PROBE_INTERVAL_MS);
		now.ms += PROBE_INTERVAL_MS - 1;
		assert_int_equal(send_due(p, now), 0);
		assert_false(probes_advance(p, now));
		now.ms++;
	}
	assert_int_equal(now.ms, 1300);
	assert_true(probes_advance(p, now));
	assert_int_equal(probes_ask(p, 100, address(1), now)->state, PROBE_SILENT);
	assert_true(probes_next_due_ms(p, now) == INT64_MAX);
}

static void an_answer_ends_it_at_once_and_names_who(void **state)
{
	SOT_AUTO(probes) p = probes_new();
	sot_mono now = {1000};
	(void)state;
	(void)probes_ask(p, 100, address(1), now);
	(void)probes_ask(p, 200, address(1), now);
	assert_int_equal(send_due(p, now), 2);
	assert_false(probes_hear(p, 100, address(2), stranger, now));
	assert_true(probes_hear(p, 100, address(1), stranger, now));
	const probe *x = probes_ask(p, 100, address(1), now);
	assert_int_equal(x->state, PROBE_ANSWERED);
	assert_memory_equal(&x->answer, &stranger, sizeof(stranger));
	/* The same address on another VLAN is another address. */
	assert_int_equal(probes_ask(p, 200, address(1), now)->state, PROBE_RUNNING);
	assert_false(probes_hear(p, 100, address(1), (sot_mac){{2}}, now));
	assert_memory_equal(&probes_ask(p, 100, address(1), now)->answer, &stranger, sizeof(stranger));
}

static void an_end_is_good_for_five_seconds_then_it_is_asked_anew(void **state)
{
	SOT_AUTO(probes) p = probes_new();
	sot_mono now = {1000};
	(void)state;
	(void)probes_ask(p, 0, address(1), now);
	probes_failed(p, 0, address(1), "no link", now);
	now.ms += PROBE_FRESH_MS - 1;
	assert_int_equal(probes_ask(p, 0, address(1), now)->state, PROBE_FAILED);
	assert_string_equal(probes_ask(p, 0, address(1), now)->error, "no link");
	now.ms++;
	const probe *x = probes_ask(p, 0, address(1), now);
	assert_int_equal(x->state, PROBE_RUNNING);
	assert_int_equal(x->sent, 0);
}

static void the_table_is_bounded_and_old_ends_make_room(void **state)
{
	SOT_AUTO(probes) p = probes_new();
	sot_mono now = {1000};
	(void)state;
	for (unsigned i = 0; i < PROBES_MAX; i++)
		assert_non_null(probes_ask(p, 0, address(i), now));
	assert_null(probes_ask(p, 0, address(PROBES_MAX), now));
	assert_non_null(probes_ask(p, 0, address(7), now));
	for (unsigned i = 0; i < PROBE_COUNT; i++, now.ms += PROBE_INTERVAL_MS)
		assert_int_equal(send_due(p, now), PROBES_MAX);
	assert_true(probes_advance(p, now));
	assert_null(probes_ask(p, 0, address(PROBES_MAX), now));
	now.ms += PROBE_FRESH_MS;
	assert_non_null(probes_ask(p, 0, address(PROBES_MAX), now));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(silence_is_three_questions_100_ms_apart_and_100_ms_for_the_last),
	    cmocka_unit_test(an_answer_ends_it_at_once_and_names_who),
	    cmocka_unit_test(an_end_is_good_for_five_seconds_then_it_is_asked_anew),
	    cmocka_unit_test(the_table_is_bounded_and_old_ends_make_room),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
