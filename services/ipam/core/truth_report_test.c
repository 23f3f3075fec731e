/* Reports out of parts: in any order, repeated, given up, too many. */
#include "truth_report.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static const sot_uuid host = {{1}}, other = {{2}};
static const sot_mono start = {1000};

/* Address n of the report is 10.0.0.n. */
static sot_used_address used[8];

static sot_address_report part_of(uint64_t number, uint16_t part, uint16_t parts, size_t count)
{
	for (size_t i = 0; i < count; i++)
		used[i] =
		    (sot_used_address){.address = sot_ip_from_v4(0x0a000000 + part * 8u + (uint32_t)i)};
	return (sot_address_report){.boot_id = SOT_STR("boot"),
	    .report = number,
	    .part = part,
	    .parts = parts,
	    .taken_unix_ms = (int64_t)number * 1000,
	    .assignment_generation = 7,
	    .epoch = 3,
	    .used = used,
	    .used_count = count};
}

static truth_part add(truth_book *b, sot_uuid of, sot_address_report m, truth_report **ret)
{
	truth_part part = TRUTH_PART_STALE;
	sot_err err = {0};
	if (truth_book_add(b, of, &m, start, &part, ret, &err) != SOT_OK)
		fail_msg("%s", err.text);
	return part;
}

static void a_report_of_one_part_is_whole_at_once_and_known_when_it_is_repeated(void **state)
{
	(void)state;
	SOT_AUTO(truth_book) b = truth_book_new(100);
	SOT_AUTO(truth_report) r = NULL;
	assert_int_equal(add(b, host, part_of(1, 0, 1, 3), &r), TRUTH_PART_COMPLETE);
	assert_int_equal(r->used_count, 3);
	assert_int_equal(r->assignment_generation, 7);
	assert_int_equal(r->epoch, 3);
	assert_int_equal(r->began.ms, start.ms);
	assert_string_equal(r->boot_id, "boot");
	assert_true(sot_uuid_eq(r->host, host));
	assert_int_equal(sot_ip_v4(r->used[2].address), 0x0a000002);
	assert_int_equal(truth_book_pending(b), 0);
	truth_report *none = NULL;
	assert_int_equal(add(b, host, part_of(1, 0, 1, 3), &none), TRUTH_PART_REPEATED);
	assert_null(none);
	truth_book_lost(b, host);
	SOT_AUTO(truth_report) kept = NULL;
	assert_int_equal(add(b, host, part_of(1, 0, 1, 3), &kept), TRUTH_PART_COMPLETE);
	/* The same number of an agent that was started again. */
	sot_address_report again = part_of(1, 0, 1, 1);
	again.taken_unix_ms += 60000;
	SOT_AUTO(truth_report) fresh = NULL;
	assert_int_equal(add(b, host, again, &fresh), TRUTH_PART_COMPLETE);
}

static void parts_come_in_any_order_and_repeats_count_once(void **state)
{
	(void)state;
	SOT_AUTO(truth_book) b = truth_book_new(100);
	SOT_AUTO(truth_report) r = NULL;
	assert_int_equal(add(b, host, part_of(1, 2, 3, 2), &r), TRUTH_PART_TAKEN);
	assert_int_equal(add(b, host, part_of(1, 2, 3, 2), &r), TRUTH_PART_TAKEN);
	assert_int_equal(truth_book_pending(b), 2);
	assert_int_equal(add(b, other, part_of(1, 0, 2, 5), &r), TRUTH_PART_TAKEN);
	assert_int_equal(add(b, host, part_of(1, 0, 3, 4), &r), TRUTH_PART_TAKEN);
	assert_int_equal(add(b, host, part_of(1, 1, 3, 0), &r), TRUTH_PART_COMPLETE);
	assert_int_equal(r->used_count, 6);
	assert_int_equal(truth_book_pending(b), 5);
}

static void a_newer_report_ends_the_older_and_the_older_is_stale_then(void **state)
{
	(void)state;
	SOT_AUTO(truth_book) b = truth_book_new(100);
	SOT_AUTO(truth_report) r = NULL;
	assert_int_equal(add(b, host, part_of(1, 0, 2, 4), &r), TRUTH_PART_TAKEN);
	assert_int_equal(add(b, host, part_of(2, 0, 2, 1), &r), TRUTH_PART_TAKEN);
	assert_int_equal(truth_book_pending(b), 1);
	assert_int_equal(add(b, host, part_of(1, 1, 2, 4), &r), TRUTH_PART_STALE);
	assert_int_equal(add(b, host, part_of(2, 1, 2, 1), &r), TRUTH_PART_COMPLETE);
	assert_int_equal(r->used_count, 2);
	assert_int_equal(r->number, 2);
}

static void what_is_not_finished_in_time_is_dropped(void **state)
{
	(void)state;
	SOT_AUTO(truth_book) b = truth_book_new(100);
	SOT_AUTO(truth_report) r = NULL;
	assert_int_equal(add(b, host, part_of(1, 0, 2, 4), &r), TRUTH_PART_TAKEN);
	assert_int_equal(truth_book_expire(b, sot_mono_add_ms(start, TRUTH_ASSEMBLY_MS - 1)), 0);
	assert_int_equal(truth_book_expire(b, sot_mono_add_ms(start, TRUTH_ASSEMBLY_MS)), 1);
	assert_int_equal(truth_book_pending(b), 0);
	assert_int_equal(add(b, host, part_of(1, 1, 2, 4), &r), TRUTH_PART_TAKEN);
}

static void a_part_that_does_not_fit_and_one_too_many_are_refused(void **state)
{
	(void)state;
	SOT_AUTO(truth_book) b = truth_book_new(5);
	truth_report *r = NULL;
	truth_part part = TRUTH_PART_STALE;
	sot_err err = {0};
	sot_address_report m = part_of(1, 2, 2, 1);
	assert_int_equal(truth_book_add(b, host, &m, start, &part, &r, &err), SOT_INVALID);
	assert_string_equal(err.text, "part 2 of a report of 2 parts (parts count from 0)");
	assert_int_equal(add(b, host, part_of(1, 0, 2, 4), &r), TRUTH_PART_TAKEN);
	m = part_of(1, 1, 3, 1);
	assert_int_equal(truth_book_add(b, host, &m, start, &part, &r, &err), SOT_INVALID);
	m = part_of(1, 1, 2, 1);
	m.epoch = 4;
	assert_int_equal(truth_book_add(b, host, &m, start, &part, &r, &err), SOT_INVALID);
	m = part_of(1, 0, 2, 2);
	assert_int_equal(truth_book_add(b, other, &m, start, &part, &r, &err), SOT_LIMIT);
	assert_null(r);
	assert_int_equal(truth_book_pending(b), 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_report_of_one_part_is_whole_at_once_and_known_when_it_is_repeated),
	    cmocka_unit_test(parts_come_in_any_order_and_repeats_count_once),
	    cmocka_unit_test(a_newer_report_ends_the_older_and_the_older_is_stale_then),
	    cmocka_unit_test(what_is_not_finished_in_time_is_dropped),
	    cmocka_unit_test(a_part_that_does_not_fit_and_one_too_many_are_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
