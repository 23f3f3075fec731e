/* ipam_crash_pg_test - no address twice, none lost: many clients, two processes at once, processes
 * that die between two steps. Argument: the binary. */
#include "ipam_world.h"
#include "sot_map.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include <cmocka.h>

/* Every one of N addresses is asked for by one of 64 clients, on `servers` processes at once. */
static void contend(ipam_world *w, int servers)
{
	enum { PER_CLIENT = 6, TOTAL = IPAM_CLIENTS * PER_CLIENT };
	static ipam_call calls[TOTAL];
	ipam_connect(w, IPAM_CLIENTS);
	ipam_make_lab(w, TOTAL);
	for (uint32_t i = 0; i < TOTAL; i++)
		ipam_send_acquire(w, (int)i % servers, i % IPAM_CLIENTS, 1 + i, 1, &calls[i]);
	SOT_AUTO(sot_map) seen = sot_map_new();
	for (uint32_t i = 0; i < TOTAL; i++) {
		TURN_UNTIL(w->loop, calls[i].done);
		assert_string_equal(calls[i].text, "");
		assert_int_equal(calls[i].grants, 1);
		assert_null(sot_map_set(seen, &calls[i].grant.address, sizeof(sot_ip), &calls[i]));
	}
	ipam_assert_consistent(w, TOTAL);
	for (int server = 0; server < servers; server++) {
		ipam_call c;
		ipam_send_acquire(w, server, 0, 100000, 1, &c);
		TURN_UNTIL(w->loop, c.done);
		assert_int_equal(c.refusal, SOT_REFUSAL_BLOCKED);
	}
}

static void sixty_four_clients_get_every_one_of_exactly_enough_addresses(void **state)
{
	ipam_world *w = *state;
	ipam_start(w, 0, "", NULL);
	contend(w, 1);
}

static void two_servers_at_once_never_give_a_duplicate_and_lose_none(void **state)
{
	ipam_world *w = *state;
	ipam_start(w, 0, "", NULL);
	ipam_start(w, 1, "", NULL);
	contend(w, 2);
}

static void two_servers_that_are_asked_for_the_same_owner_agree(void **state)
{
	ipam_world *w = *state;
	ipam_start(w, 0, "", NULL);
	ipam_start(w, 1, "", NULL);
	ipam_make_lab(w, 100);
	for (uint32_t i = 0; i < 100; i++) {
		ipam_call a, b;
		ipam_send_acquire(w, 0, 0, 1 + i, 1, &a);
		ipam_send_acquire(w, 1, 0, 1 + i, 1, &b);
		TURN_UNTIL(w->loop, a.done && b.done);
		assert_string_equal(a.text, "");
		assert_string_equal(b.text, "");
		assert_true(sot_ip_eq(a.grant.address, b.grant.address));
	}
	ipam_assert_consistent(w, 100);
}

static void crash_and_retry(ipam_world *w, const char *failpoint, int64_t rows_after_crash)
{
	ipam_make_lab(w, 10);
	ipam_start(w, 0, failpoint, NULL);
	ipam_call c;
	ipam_send_acquire(w, 0, 0, 1, 3, &c);
	int status = 0;
	pid_t ended = 0;
	TURN_UNTIL(w->loop, ended > 0 || (ended = waitpid(w->pids[0], &status, WNOHANG)) > 0);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	assert_int_equal(c.done, 0);
	/* The backend ends when it sees the closed socket. */
	TURN_UNTIL(w->loop,
	    ipam_sql(w, "SELECT count(*) FROM pg_stat_activity WHERE usename = 'sot_ipam'") == 0);
	assert_int_equal(ipam_sql(w, "SELECT count(*) FROM ipam.address"), rows_after_crash);
	int64_t address =
	    ipam_sql(w, "SELECT coalesce(min(address) - '0.0.0.0'::inet, 0) FROM ipam.address");
	ipam_start(w, 0, "", NULL);
	TURN_UNTIL(w->loop, c.done); /* the bus repeats the request by itself */
	assert_string_equal(c.text, "");
	assert_int_equal(c.grants, 3);
	if (rows_after_crash)
		assert_int_equal(sot_ip_v4(c.grant.address), address);
	assert_int_equal(c.grant.generation, 1);
	ipam_assert_consistent(w, 3);
}

static void killed_between_commit_and_answer_the_retry_gets_the_same_address(void **state)
{
	crash_and_retry(*state, "ipam.answer.before_send=crash", 3);
}

static void killed_before_the_commit_the_retry_starts_from_nothing(void **state)
{
	crash_and_retry(*state, "store.tx.before_commit=crash", 0);
}

static void a_lost_answer_to_commit_is_read_back_before_it_is_answered(void **state)
{
	ipam_world *w = *state;
	ipam_make_lab(w, 10);
	ipam_start(w, 0, "store.tx.after_commit=error:1", NULL);
	ipam_call c = ipam_acquire(w, 1, 4);
	assert_string_equal(c.text, "");
	assert_int_equal(c.grants, 4);
	ipam_assert_consistent(w, 4);
	assert_int_equal(ipam_sql(w, "SELECT count(*) FROM ipam.address_event"), 4);
}

/* Until ipam has found the database again. */
static ipam_call acquire_at_last(ipam_world *w, uint32_t first, uint32_t count)
{
	ipam_call c;
	TURN_UNTIL(
	    w->loop, (c = ipam_acquire(w, first, count), c.message == SOT_MSG_ADDRESSES_GRANTED));
	return c;
}

/* A leader's reservations do not wait for the disk (docs/adr/0044). What it commits afterwards
 * does, and takes them along; what it has not committed may be gone, and is given out anew. */
static void what_a_leader_commits_keeps_its_addresses_when_postgres_dies(void **state)
{
	ipam_world *w = *state;
	ipam_make_lab(w, 10);
	(void)ipam_sql(w, "ALTER SYSTEM SET wal_writer_delay = '10s'");
	(void)ipam_sql(w, "SELECT pg_reload_conf()");
	ipam_start(w, 0, "", NULL);
	w->epoch = 5;
	assert_int_equal(ipam_fence(w, 0, 5).message, SOT_MSG_ADDRESSES_DONE);
	ipam_call kept = ipam_acquire(w, 1, 3);
	assert_int_equal(kept.grants, 3);
	(void)ipam_sql(w, "UPDATE core.platform SET stream = stream"); /* the leader's commit */
	ipam_call lost = ipam_acquire(w, 4, 2);
	assert_int_equal(lost.grants, 2);
	w->control = pg_control_kill(w->control, w->loop);
	assert_true(ipam_sql(w, "SELECT count(*) FROM ipam.address WHERE state = 'reserved'") >= 3);
	ipam_call again = acquire_at_last(w, 1, 3);
	assert_int_equal(again.grants, 3);
	assert_true(sot_ip_eq(again.grant.address, kept.grant.address));
	/* All ten are there for ten owners: memory does not keep what the database has lost. */
	assert_int_equal(ipam_acquire(w, 4, 7).grants, 7);
	ipam_assert_consistent(w, 10);
	(void)ipam_sql(w, "ALTER SYSTEM RESET wal_writer_delay");
	(void)ipam_sql(w, "SELECT pg_reload_conf()");
}

int main(int argc, char **argv)
{
	ipam_world_binary = argc > 1 ? argv[1] : NULL;
	const struct CMUnitTest tests[] = {
	    IPAM_TEST(sixty_four_clients_get_every_one_of_exactly_enough_addresses),
	    IPAM_TEST(two_servers_at_once_never_give_a_duplicate_and_lose_none),
	    IPAM_TEST(two_servers_that_are_asked_for_the_same_owner_agree),
	    IPAM_TEST(killed_between_commit_and_answer_the_retry_gets_the_same_address),
	    IPAM_TEST(killed_before_the_commit_the_retry_starts_from_nothing),
	    IPAM_TEST(a_lost_answer_to_commit_is_read_back_before_it_is_answered),
	    IPAM_TEST(what_a_leader_commits_keeps_its_addresses_when_postgres_dies),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
