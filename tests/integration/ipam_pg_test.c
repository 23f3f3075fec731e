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

int main(int argc, char **argv)
{
	ipam_world_binary = argc > 1 ? argv[1] : NULL;
	const struct CMUnitTest tests[] = {
	    IPAM_TEST(an_owner_keeps_its_address_until_it_is_released_and_cooled),
	    IPAM_TEST(all_or_nothing),
	    IPAM_TEST(peers_that_may_not_ask_are_denied),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
