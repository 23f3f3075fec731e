/* ipam_pg_test - the real sotalia-ipam on a real PostgreSQL over CURVE sockets: what is granted,
 * kept, refused. Argument: the binary. */
#include "ipam_world.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include <cmocka.h>

static void an_owner_keeps_its_address_until_it_is_released_and_cooled(void **state)
{
	ipam_world *w = *state;
	ipam_start(w, 0, "", NULL);
	ipam_make_lab(w, 2);
	ipam_call one = ipam_acquire(w, 1, 1);
	assert_int_equal(one.message, SOT_MSG_ADDRESSES_GRANTED);
	ipam_call same = ipam_acquire(w, 1, 1);
	assert_true(sot_ip_eq(same.grant.address, one.grant.address));
	assert_int_equal(same.grant.generation, one.grant.generation);
	ipam_call bound = ipam_bind(w, 1, &one.grant, 1000000);
	assert_int_equal(bound.changed, 1);
	assert_int_equal(ipam_bind(w, 1, &one.grant, 1000000).changed, 1);
	assert_int_equal(
	    ipam_sql(w, "SELECT count(*) FROM ipam.address_event WHERE event = 'bound'"), 1);
	ipam_grant older = one.grant;
	older.generation++;
	ipam_call stale = ipam_release(w, 1, &older);
	assert_int_equal(stale.changed, 0);
	assert_int_equal(stale.skipped, 1);
	assert_int_equal(ipam_release(w, 1, &one.grant).changed, 1);
	assert_int_equal(ipam_release(w, 1, &one.grant).skipped, 1);
	ipam_call other = ipam_acquire(w, 2, 1);
	assert_false(sot_ip_eq(other.grant.address, one.grant.address));
	ipam_call blocked = ipam_acquire(w, 3, 1);
	assert_int_equal(blocked.refusal, SOT_REFUSAL_BLOCKED);
	assert_non_null(strstr(blocked.text, "VLAN lab has no free IPv4 address for 1 wanted"));
	assert_non_null(
	    strstr(blocked.text, "10.66.0.0/16 (2 addresses: 0 free, 1 reserved, 1 cooling"));
	(void)ipam_sql(w, "UPDATE ipam.address SET free_after = now() WHERE state = 'cooling'");
	ipam_call cooled = ipam_acquire(w, 3, 1);
	assert_true(sot_ip_eq(cooled.grant.address, one.grant.address));
	assert_int_equal(cooled.grant.generation, one.grant.generation + 1);
	ipam_assert_consistent(w, 2);
}

static void all_or_nothing(void **state)
{
	ipam_world *w = *state;
	ipam_start(w, 0, "", NULL);
	ipam_make_lab(w, 5);
	ipam_call blocked = ipam_acquire(w, 1, 6);
	assert_int_equal(blocked.refusal, SOT_REFUSAL_BLOCKED);
	assert_int_equal(ipam_sql(w, "SELECT count(*) FROM ipam.address"), 0);
	ipam_call fits = ipam_acquire(w, 1, 5);
	assert_int_equal(fits.grants, 5);
	ipam_call missing = ipam_acquire(w, 4, 3); /* two of them are held, the third does not fit */
	assert_int_equal(missing.refusal, SOT_REFUSAL_BLOCKED);
	ipam_call held = ipam_acquire(w, 2, 4);
	assert_int_equal(held.grants, 4);
	ipam_call twice = ipam_acquire(w, 1, 1);
	assert_int_equal(twice.grants, 1);
	ipam_assert_consistent(w, 5);
}

static void peers_that_may_not_ask_are_denied(void **state)
{
	ipam_world *w = *state;
	ipam_start(w, 0, "", NULL);
	char path[200];
	bus_keypair keys;
	bus *other = NULL;
	bus_client *client = NULL;
	sot_err err = {0};
	(void)snprintf(path, sizeof(path), "%s/monitor-bridge.key", w->dir);
	assert_int_equal(bus_keypair_load(path, &keys, &err), SOT_OK);
	assert_int_equal(bus_new(w->loop, &keys, &other, &err), SOT_OK);
	(void)snprintf(path, sizeof(path), "ipc://%s/r0", w->dir);
	assert_int_equal(
	    bus_connect(other, "ipam", path, w->server_key, NULL, NULL, w, &client, &err), SOT_OK);
	bus_client *own = w->clients[0][0];
	w->clients[0][0] = client;
	ipam_call c = ipam_acquire(w, 1, 1);
	assert_int_equal(c.refusal, SOT_REFUSAL_DENIED);
	w->clients[0][0] = own;
	bus_client_free(client);
	bus_free(other);
}

/* Whether the request for `first` was committed together with the one that it says will follow;
 * that one is sent when ipam has answered something that came after the first. */
static bool is_one_commit(ipam_world *w, uint32_t first)
{
	char sql[200], ids[2][SOT_UUID_TEXT];
	ipam_call calls[2];
	w->following = 1;
	ipam_send_acquire(w, 0, 0, first, 1, &calls[0]);
	(void)ipam_vlans(w, 0);
	w->following = 0;
	ipam_send_acquire(w, 0, 0, first + 1, 1, &calls[1]);
	TURN_UNTIL(w->loop, calls[0].done && calls[1].done);
	assert_int_equal(calls[0].grants + calls[1].grants, 2);
	(void)snprintf(sql, sizeof(sql),
	    "SELECT count(DISTINCT xmin::text) FROM ipam.address WHERE owner IN ('%s', '%s')",
	    sot_uuid_format(ipam_owner(first), ids[0]), sot_uuid_format(ipam_owner(first + 1), ids[1]));
	return ipam_sql(w, sql) == 1;
}

/* A machine that has much to do may let the moment pass, or read both at once. */
static void requests_of_one_wave_are_one_commit(void **state)
{
	enum { PAIRS = 40 };
	ipam_world *w = *state;
	uint32_t together = 0;
	ipam_start(w, 0, "", NULL);
	ipam_make_lab(w, 100);
	(void)ipam_acquire(w, 1000, 1);
	for (uint32_t pair = 1; pair <= PAIRS; pair++)
		together += is_one_commit(w, pair * 2);
	assert_in_range(together, PAIRS / 4, PAIRS);
	w->following = 7; /* they never come: it is not held back for them */
	assert_int_equal(ipam_acquire(w, 2000, 1).grants, 1);
}

/* The first request of a wave is held back for a moment, however long the wave goes on. */
static void a_wave_without_an_end_is_answered(void **state)
{
	enum { SENT_MAX = 3000 };
	static ipam_call calls[SENT_MAX];
	ipam_world *w = *state;
	uint32_t sent = 0;
	ipam_start(w, 0, "", NULL);
	ipam_make_lab(w, SENT_MAX + 1);
	(void)ipam_acquire(w, 1000, 1);
	w->following = 1;
	while (sent < SENT_MAX && !calls[0].done) {
		ipam_send_acquire(w, 0, 0, sent + 1, 1, &calls[sent]);
		sent++;
		reactor_turn(w->loop, 0);
	}
	assert_int_equal(calls[0].done, 1);
	TURN_UNTIL(w->loop, calls[sent - 1].done);
}

int main(int argc, char **argv)
{
	ipam_world_binary = argc > 1 ? argv[1] : NULL;
	const struct CMUnitTest tests[] = {
	    IPAM_TEST(an_owner_keeps_its_address_until_it_is_released_and_cooled),
	    IPAM_TEST(all_or_nothing),
	    IPAM_TEST(peers_that_may_not_ask_are_denied),
	    IPAM_TEST(requests_of_one_wave_are_one_commit),
	    IPAM_TEST(a_wave_without_an_end_is_answered),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
