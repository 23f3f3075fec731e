/* ipam_fence_pg_test - what comes late gives no address to an owner that nobody will tell of, or
 * that has given its address back (docs/adr/0019). The real sotalia-ipam on a real PostgreSQL.
 * Argument: the binary. */
#include "ipam_world.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define EVENTS "SELECT count(*) FROM ipam.address_event WHERE event = 'expired'"

static int64_t reserved(ipam_world *w)
{
	return ipam_sql(w, "SELECT count(*) FROM ipam.address WHERE state = 'reserved'");
}

/* The copy of a request for owner `first` with this id. */
static ipam_call repeat(ipam_world *w, int server, uint64_t request_id, uint64_t epoch)
{
	ipam_call c;
	SOT_AUTO_BUF frame;
	sot_address_want want = {.owner = ipam_owner(1), .vlan = SOT_STR("lab")};
	sot_addresses_acquire m = {.request_id = request_id,
	    .actor = SOT_STR("user:test"),
	    .wants = &want,
	    .wants_count = 1,
	    .epoch = epoch,
	    .closed = request_id - 1};
	sot_buf_init(&frame, SOT_WIRE_FRAME_MAX);
	assert_int_equal(sot_addresses_acquire_encode(&m, &frame, NULL), SOT_OK);
	ipam_send(w, server, 0, request_id, &frame, &c);
	TURN_UNTIL(w->loop, c.done);
	return c;
}

static void a_copy_that_comes_after_the_release_gives_nothing(void **state)
{
	ipam_world *w = *state;
	ipam_make_lab(w, 10);
	ipam_start(w, 0, "", NULL);
	w->epoch = 5;
	assert_int_equal(ipam_fence(w, 0, 5).message, SOT_MSG_ADDRESSES_DONE);
	ipam_call c = ipam_acquire(w, 1, 1);
	assert_int_equal(c.grants, 1);
	uint64_t asked = w->asked_id;
	w->closed = asked; /* it was answered */
	assert_int_equal(ipam_release(w, 1, &c.grant).changed, 1);
	ipam_call late = repeat(w, 0, asked, 5);
	assert_int_equal(late.refusal, SOT_REFUSAL_UNAVAILABLE);
	assert_non_null(strstr(late.text, "came late"));
	assert_int_equal(reserved(w), 0);
	ipam_call again = ipam_acquire(w, 1, 1); /* asked anew it gets one */
	assert_int_equal(again.grants, 1);
	ipam_assert_consistent(w, 1);
}

static void a_new_leader_takes_back_what_no_row_tells_of_at_once(void **state)
{
	ipam_world *w = *state;
	ipam_make_lab(w, 10);
	ipam_start(w, 0, "", NULL);
	w->epoch = 5;
	assert_int_equal(ipam_fence(w, 0, 5).changed, 0);
	ipam_call kept = ipam_acquire(w, 1, 1);
	assert_int_equal(ipam_bind(w, 1, &kept.grant, 1000000).changed, 1);
	ipam_call lost = ipam_acquire(w, 2, 4); /* their leader dies before it commits */
	assert_int_equal(lost.grants, 4);
	ipam_call fence = ipam_fence(w, 0, 6);
	assert_int_equal(fence.message, SOT_MSG_ADDRESSES_DONE);
	assert_int_equal(fence.changed, 4);
	assert_int_equal(reserved(w), 0);
	assert_int_equal(ipam_sql(w, EVENTS), 4);
	ipam_assert_consistent(w, 1); /* what is in use stays */
	/* Memory knows of them: they are the ones that cool. */
	w->epoch = 6;
	ipam_call full = ipam_acquire(w, 20, 10);
	assert_non_null(strstr(full.text, "4 cooling"));
}

static void what_an_earlier_leader_asked_is_not_carried_out_any_more(void **state)
{
	ipam_world *w = *state;
	ipam_make_lab(w, 10);
	ipam_start(w, 0, "", NULL);
	assert_int_equal(ipam_fence(w, 0, 6).message, SOT_MSG_ADDRESSES_DONE);
	ipam_end(w, 0, SIGTERM);
	ipam_start(w, 0, "", NULL); /* the fence is in the database */
	for (int tries = 0; tries < 2; tries++) {
		ipam_call late = repeat(w, 0, 77 + (uint64_t)tries, 5);
		assert_int_equal(late.refusal, SOT_REFUSAL_UNAVAILABLE);
		assert_non_null(strstr(late.text, "that of epoch 6 leads"));
	}
	assert_int_equal(reserved(w), 0);
	w->epoch = 6;
	assert_int_equal(ipam_acquire(w, 1, 1).grants, 1);
	ipam_call older = ipam_fence(w, 0, 5);
	assert_int_equal(older.refusal, SOT_REFUSAL_CONFLICT);
	assert_int_equal(reserved(w), 1);
	ipam_assert_consistent(w, 1);
}

/* A holder that asks again goes by the statement that looks; it is fenced as well. */
static void a_second_ipam_is_fenced_by_the_database(void **state)
{
	ipam_world *w = *state;
	ipam_make_lab(w, 10);
	ipam_start(w, 0, "", NULL);
	ipam_start(w, 1, "", NULL);
	w->epoch = 5;
	ipam_call c;
	ipam_send_acquire(w, 1, 0, 2, 1, &c);
	TURN_UNTIL(w->loop, c.done);
	assert_int_equal(c.grants, 1);
	assert_int_equal(ipam_fence(w, 0, 6).changed, 1);
	/* The other one has not heard of the fence. */
	ipam_send_acquire(w, 1, 0, 1, 1, &c);
	TURN_UNTIL(w->loop, c.done);
	assert_int_equal(c.refusal, SOT_REFUSAL_UNAVAILABLE);
	assert_non_null(strstr(c.text, "that of epoch 6 leads"));
	assert_int_equal(reserved(w), 0);
	ipam_assert_consistent(w, 0);
}

static void repeated_a_fence_leaves_what_its_leader_asked_for(void **state)
{
	ipam_world *w = *state;
	ipam_make_lab(w, 10);
	ipam_start(w, 0, "", NULL);
	w->epoch = 6;
	assert_int_equal(ipam_fence(w, 0, 6).changed, 0);
	assert_int_equal(ipam_acquire(w, 1, 3).grants, 3);
	ipam_call again = ipam_fence(w, 0, 6);
	assert_int_equal(again.message, SOT_MSG_ADDRESSES_DONE);
	assert_int_equal(again.changed, 0);
	ipam_assert_consistent(w, 3);
}

static void a_fence_waits_for_what_is_being_given_out(void **state)
{
	ipam_world *w = *state;
	ipam_make_lab(w, 10);
	ipam_start(w, 0, "", NULL);
	/* As a dead ipam's last transaction: it has looked at the epoch, and commits later. */
	(void)ipam_sql(w, "BEGIN; SELECT asker_epoch FROM ipam.guard FOR KEY SHARE");
	(void)ipam_sql(w,
	    "INSERT INTO ipam.address (address, subnet, state, owner, lease_until, generation) SELECT"
	    " '10.66.0.77', id, 'reserved', '00000000-0000-0000-0000-000000000077', now() + interval"
	    " '1 hour', 1 FROM ipam.subnet");
	ipam_call c;
	SOT_AUTO_BUF frame;
	sot_buf_init(&frame, SOT_WIRE_FRAME_MAX);
	sot_addresses_fence m = {bus_next_request_id(w->bus), 7};
	assert_int_equal(sot_addresses_fence_encode(&m, &frame, NULL), SOT_OK);
	ipam_send(w, 0, 0, m.request_id, &frame, &c);
	TURN_UNTIL(w->loop, ipam_sql(w, "SELECT count(*) FROM pg_locks WHERE NOT granted") == 1);
	assert_int_equal(c.done, 0);
	(void)ipam_sql(w, "COMMIT");
	TURN_UNTIL(w->loop, c.done);
	assert_int_equal(c.changed, 1);
	assert_int_equal(reserved(w), 0);
}

int main(int argc, char **argv)
{
	ipam_world_binary = argc > 1 ? argv[1] : NULL;
	const struct CMUnitTest tests[] = {
	    IPAM_TEST(a_copy_that_comes_after_the_release_gives_nothing),
	    IPAM_TEST(a_new_leader_takes_back_what_no_row_tells_of_at_once),
	    IPAM_TEST(what_an_earlier_leader_asked_is_not_carried_out_any_more),
	    IPAM_TEST(a_second_ipam_is_fenced_by_the_database),
	    IPAM_TEST(repeated_a_fence_leaves_what_its_leader_asked_for),
	    IPAM_TEST(a_fence_waits_for_what_is_being_given_out),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
