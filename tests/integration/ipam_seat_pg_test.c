/* ipam_seat_pg_test - of several ipams one serves, and another one takes over (docs/adr/0047). The
 * real sotalia-ipam on a real PostgreSQL. Argument: the binary. */
#include "ipam_world.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include <cmocka.h>

static int64_t epoch(ipam_world *w)
{
	return ipam_sql(w, "SELECT coalesce((SELECT epoch FROM core.leader WHERE role = 'ipam'), 0)");
}
static int64_t serves(ipam_world *w, const char *instance)
{
	char sql[200];
	(void)snprintf(sql, sizeof(sql),
	    "SELECT count(*) FROM core.leader WHERE role = 'ipam' AND holder = '%s' AND lease_until > "
	    "clock_timestamp()",
	    instance);
	return ipam_sql(w, sql);
}

static int setup(void **state)
{
	int code = setenv("SOT_IPAM_SEAT_MS", "1000", 1) == 0 ? ipam_world_setup(state) : -1;
	if (code == 0)
		(void)ipam_sql(*state, "DELETE FROM core.leader WHERE role = 'ipam'");
	return code;
}

static int teardown(void **state)
{
	const ipam_world *w = *state;
	for (int i = 0; i < IPAM_SERVERS; i++)
		if (w->pids[i] > 0)
			(void)kill(w->pids[i], SIGCONT);
	return ipam_world_teardown(state);
}

/* Its own connection is there: it takes signals. */
static void await_standby(ipam_world *w, int64_t seats)
{
	TURN_UNTIL(w->loop, ipam_sql(w, "SELECT count(*) FROM pg_stat_activity WHERE application_name "
	                                "LIKE '%ipam-seat%'") == seats);
}

static ipam_call ask(ipam_world *w, int server, uint32_t owner)
{
	ipam_call c;
	ipam_send_acquire(w, server, 0, owner, 1, &c);
	TURN_UNTIL(w->loop, c.done);
	return c;
}

static void start(ipam_world *w, int index, const char *instance)
{
	char option[40];
	(void)snprintf(option, sizeof(option), "--instance=%s", instance);
	ipam_start(w, index, "", option);
}

static void another_one_takes_over_when_the_one_that_serves_is_killed(void **state)
{
	ipam_world *w = *state;
	ipam_make_lab(w, 10);
	start(w, 0, "a");
	ipam_call first = ask(w, 0, 1);
	assert_int_equal(first.grants, 1);
	assert_int_equal(serves(w, "a"), 1);
	start(w, 1, "b");
	await_standby(w, 2);
	int64_t before = epoch(w);
	(void)ipam_end(w, 0, SIGKILL);
	ipam_call second = ask(w, 1, 2);
	assert_int_equal(second.grants, 1);
	assert_false(sot_ip_eq(first.grant.address, second.grant.address));
	assert_int_equal(epoch(w), before + 1);
	assert_int_equal(serves(w, "b"), 1);
	/* Whoever holds an address gets the same again, of whichever. */
	ipam_call again = ask(w, 1, 1);
	assert_true(sot_ip_eq(first.grant.address, again.grant.address));
	ipam_assert_consistent(w, 2);
}

static void a_clean_stop_gives_the_seat_back_at_once(void **state)
{
	ipam_world *w = *state;
	ipam_make_lab(w, 10);
	/* So long would it last. */
	assert_int_equal(setenv("SOT_IPAM_SEAT_MS", "60000", 1), 0);
	start(w, 0, "a");
	assert_int_equal(ask(w, 0, 1).grants, 1);
	assert_int_equal(ipam_end(w, 0, SIGTERM), 0);
	assert_int_equal(serves(w, "a"), 0);
	start(w, 1, "b");
	assert_int_equal(ask(w, 1, 2).grants, 1);
	/* One that stands by ends as cleanly, and leaves the other one its seat. */
	start(w, 0, "a");
	await_standby(w, 2);
	assert_int_equal(ipam_end(w, 0, SIGTERM), 0);
	assert_int_equal(serves(w, "b"), 1);
}

static void one_that_stood_still_ends_when_it_goes_on(void **state)
{
	ipam_world *w = *state;
	bus_client *both = NULL;
	char endpoints[200];
	ipam_make_lab(w, 10);
	start(w, 0, "a");
	assert_int_equal(ask(w, 0, 1).grants, 1);
	assert_int_equal(kill(w->pids[0], SIGSTOP), 0);
	start(w, 1, "b");
	/* As the scheduler and the gateways do: whichever serves. */
	(void)snprintf(endpoints, sizeof(endpoints), "ipc://%s/r0,ipc://%s/r1", w->dir, w->dir);
	assert_int_equal(
	    bus_connect(w->bus, "ipam", endpoints, w->server_key, NULL, NULL, w, &both, NULL), SOT_OK);
	bus_client *alone = w->clients[0][0];
	w->clients[0][0] = both;
	assert_int_equal(ask(w, 0, 2).grants, 1);
	w->clients[0][0] = alone;
	both = bus_client_free(both);
	assert_int_equal(serves(w, "b"), 1);
	assert_int_equal(kill(w->pids[0], SIGCONT), 0);
	int status = ipam_end(w, 0, 0);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 1);
	assert_int_equal(serves(w, "b"), 1);
	ipam_assert_consistent(w, 2);
}

static void without_a_name_it_serves_at_once_and_takes_no_seat(void **state)
{
	ipam_world *w = *state;
	ipam_make_lab(w, 10);
	ipam_start(w, 0, "", NULL);
	assert_int_equal(ask(w, 0, 1).grants, 1);
	assert_int_equal(epoch(w), 0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(
	        another_one_takes_over_when_the_one_that_serves_is_killed, setup, teardown),
	    cmocka_unit_test_setup_teardown(a_clean_stop_gives_the_seat_back_at_once, setup, teardown),
	    cmocka_unit_test_setup_teardown(one_that_stood_still_ends_when_it_goes_on, setup, teardown),
	    cmocka_unit_test_setup_teardown(
	        without_a_name_it_serves_at_once_and_takes_no_seat, setup, teardown),
	};
	ipam_world_binary = argc > 1 ? argv[1] : NULL;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
