/* What a difference between report and row means, and what tells of a restored database. */
#include "sot_mem.h"
#include "truth.h"

#include "sot_mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static const sot_uuid host = {{1}}, other_host = {{2}}, owner = {{3}}, other_owner = {{4}},
                      life_one = {{5}}, life_two = {{6}};

enum { TAKEN = 1000000, MARGIN = 5000, LONG_AGO = TAKEN - 60000 };

static const truth_evidence evidence = {
    .taken_unix_ms = TAKEN, .margin_ms = MARGIN, .generation = 9, .generation_wanted = 9};

/* The owner's address, bound to and reported by its host, long ago. */
static truth_difference right(void)
{
	return (truth_difference){.host = host,
	    .address = sot_ip_from_v4(0x0a000001),
	    .is_reported = true,
	    .instance = owner,
	    .state = TRUTH_BOUND,
	    .owner = owner,
	    .row_host = host,
	    .row_updated_unix_ms = LONG_AGO,
	    .owner_is_live = true,
	    .owner_should_run = true,
	    .owner_host = host};
}

static truth_verdict judge(truth_difference d)
{
	char detail[TRUTH_DETAIL_MAX];
	truth_verdict verdict = truth_judge(&d, &evidence, detail);
	assert_int_equal(detail[0] != '\0', verdict > TRUTH_UNDECIDED);
	return verdict;
}

static void an_address_that_is_bound_and_used_is_fine(void **state)
{
	(void)state;
	assert_int_equal(judge(right()), TRUTH_FINE);
	truth_difference fresh = right();
	fresh.row_updated_unix_ms = TAKEN + 1;
	assert_int_equal(judge(fresh), TRUTH_FINE);
	truth_difference reserved = right();
	reserved.state = TRUTH_RESERVED;
	reserved.row_host = (sot_uuid){{0}};
	assert_int_equal(judge(reserved), TRUTH_FINE);
}

static void used_by_an_instance_that_no_row_gives_it_to_is_foreign(void **state)
{
	(void)state;
	truth_difference none = right();
	none.state = TRUTH_NO_ROW;
	none.row_updated_unix_ms = 0;
	none.owner = none.row_host = (sot_uuid){{0}};
	assert_int_equal(judge(none), TRUTH_FOREIGN);
	assert_true(truth_needs_suspect(&none));
	for (truth_state s = TRUTH_COOLING; s <= TRUTH_SUSPECT; s++) {
		truth_difference d = right();
		d.state = s;
		assert_int_equal(judge(d), TRUTH_FOREIGN);
		assert_int_equal(truth_needs_suspect(&d), s == TRUTH_COOLING);
	}
	truth_difference taken = right();
	taken.owner = other_owner;
	assert_int_equal(judge(taken), TRUTH_FOREIGN);
	assert_false(truth_needs_suspect(&taken));
}

static void a_report_that_is_not_newer_than_the_row_decides_nothing(void **state)
{
	(void)state;
	truth_difference d = right();
	d.state = TRUTH_COOLING;
	d.row_updated_unix_ms = TAKEN - MARGIN;
	assert_int_equal(judge(d), TRUTH_UNDECIDED);
	d.row_updated_unix_ms--;
	assert_int_equal(judge(d), TRUTH_FOREIGN);
	truth_difference missing = right();
	missing.is_reported = false;
	missing.row_updated_unix_ms = TAKEN;
	assert_int_equal(judge(missing), TRUTH_UNDECIDED);
}

static void bound_and_not_used_is_missing_once_the_host_knows_of_it(void **state)
{
	(void)state;
	truth_difference d = right();
	d.is_reported = false;
	assert_int_equal(judge(d), TRUTH_MISSING);
	truth_evidence behind = evidence;
	behind.generation_wanted = 10;
	char detail[TRUTH_DETAIL_MAX];
	assert_int_equal(truth_judge(&d, &behind, detail), TRUTH_UNDECIDED);
	d.owner_should_run = false;
	assert_int_equal(judge(d), TRUTH_FINE);
	d.owner_should_run = true;
	d.owner_is_live = false;
	assert_int_equal(judge(d), TRUTH_FINE);
}

static void used_on_another_host_than_bound_is_moved_unless_the_scheduler_moved_it(void **state)
{
	(void)state;
	truth_difference d = right();
	d.row_host = other_host;
	d.owner_host = other_host;
	assert_int_equal(judge(d), TRUTH_MOVED);
	d.owner_host = host;
	assert_int_equal(judge(d), TRUTH_FINE);
}

static bool restored(truth_life life, truth_witness witness)
{
	char reason[TRUTH_DETAIL_MAX];
	return truth_was_restored(&life, &witness, reason);
}

static void a_new_stream_or_a_witness_of_later_events_tells_of_a_restore(void **state)
{
	(void)state;
	truth_life same = {
	    .stream = life_one, .guard_stream = life_one, .event_number = 10, .event_id = 20};
	truth_life newer = same, emptied = same;
	newer.guard_stream = life_two;
	emptied.event_id = 0;
	assert_false(restored(same, (truth_witness){.event_number = 99}));
	assert_false(restored(same, (truth_witness){life_one, 10, 20}));
	assert_true(restored(same, (truth_witness){life_one, 11, 20}));
	assert_true(restored(same, (truth_witness){life_one, 10, 21}));
	assert_false(restored(emptied, (truth_witness){life_one, 10, 21}));
	assert_false(restored(same, (truth_witness){life_two, 99, 99}));
	assert_true(restored(newer, (truth_witness){.event_number = 0}));
}

static void a_host_that_has_seen_more_than_the_database_tells_of_a_restore(void **state)
{
	(void)state;
	char reason[TRUTH_DETAIL_MAX] = "";
	truth_evidence e = evidence;
	assert_false(truth_host_is_ahead(5, 5, &e, reason));
	assert_true(truth_host_is_ahead(6, 5, &e, reason));
	assert_string_equal(reason, "a host has obeyed epoch 6, and the database knows only 5");
	e.generation = 10;
	assert_true(truth_host_is_ahead(5, 5, &e, reason));
}

static void a_witness_is_read_as_it_was_written(void **state)
{
	(void)state;
	SOT_AUTO_BUF text;
	sot_buf_init(&text, 200);
	truth_witness w = {life_one, 17, UINT64_MAX}, back = {0};
	sot_err err = {0};
	truth_witness_format(&w, &text);
	assert_int_equal(truth_witness_parse(sot_buf_str(&text), &back, &err), SOT_OK);
	assert_true(sot_uuid_eq(back.stream, life_one));
	assert_int_equal(back.event_number, 17);
	assert_true(back.event_id == UINT64_MAX);
	assert_int_equal(truth_witness_parse(SOT_STR("rubbish"), &back, &err), SOT_INVALID);
}

static void states_have_the_words_of_the_table(void **state)
{
	(void)state;
	truth_state s = TRUTH_NO_ROW;
	sot_err err = {0};
	assert_int_equal(truth_state_parse(SOT_STR("suspect"), &s, &err), SOT_OK);
	assert_int_equal(s, TRUTH_SUSPECT);
	assert_int_equal(truth_state_parse(SOT_STR("lost"), &s, &err), SOT_INTERNAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(an_address_that_is_bound_and_used_is_fine),
	    cmocka_unit_test(used_by_an_instance_that_no_row_gives_it_to_is_foreign),
	    cmocka_unit_test(a_report_that_is_not_newer_than_the_row_decides_nothing),
	    cmocka_unit_test(bound_and_not_used_is_missing_once_the_host_knows_of_it),
	    cmocka_unit_test(used_on_another_host_than_bound_is_moved_unless_the_scheduler_moved_it),
	    cmocka_unit_test(a_new_stream_or_a_witness_of_later_events_tells_of_a_restore),
	    cmocka_unit_test(a_host_that_has_seen_more_than_the_database_tells_of_a_restore),
	    cmocka_unit_test(a_witness_is_read_as_it_was_written),
	    cmocka_unit_test(states_have_the_words_of_the_table),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
