/* The allow list that is read again and again: who is told may connect, who is told no more is cut,
 * and half a list cuts nobody.
 */
#include "bus_fixture.h"
#include "bus_roster.h"

static const sot_uuid one = {{1}}, two = {{2}};

static sot_str client_key(const fixture *f)
{
	return sot_str_c(f->client_keys.public_key);
}

static void tell(bus_roster *r, sot_str key, sot_uuid host)
{
	sot_err err = {0};
	if (bus_roster_add_host(r, key, host, &err) != SOT_OK)
		fail_msg("%s", err.text);
}

static void a_told_host_is_served_under_its_name_and_one_told_no_more_is_cut(void **state)
{
	fixture *f = *state;
	SOT_AUTO(bus_roster) r = bus_roster_new(f->server_bus);
	bus_deny(f->server_bus, f->client_keys.public_key);
	bus_roster_begin(r);
	tell(r, client_key(f), one);
	assert_int_equal(bus_roster_end(r), 0);
	listen_at(f, "tcp://127.0.0.1:*");
	connect_client(f);
	await(f, is_up);
	send_request(f, 60000);
	await(f, is_answered);
	assert_string_equal(f->last_peer.identity, "host:01000000-0000-0000-0000-000000000000");
	sot_uuid host;
	assert_true(bus_host_of(f->last_peer.identity, &host));
	assert_true(sot_uuid_eq(host, one));
	bus_roster_begin(r);
	assert_int_equal(bus_roster_end(r), 1);
	assert_int_equal(bus_roster_count(r), 0);
	assert_int_equal(
	    bus_send(f->server, &f->last_peer, SOT_STR("\x93\x01\x07\x01"), NULL), SOT_DENIED);
}

static void a_round_that_was_given_up_cuts_nobody(void **state)
{
	fixture *f = *state;
	bus_keypair other;
	SOT_AUTO(bus_roster) r = bus_roster_new(f->server_bus);
	assert_int_equal(bus_keypair_make(&other, NULL), SOT_OK);
	bus_roster_begin(r);
	tell(r, client_key(f), one);
	tell(r, sot_str_c(other.public_key), two);
	assert_int_equal(bus_roster_end(r), 0);
	bus_roster_begin(r);
	tell(r, client_key(f), one);
	sot_err err = {0};
	assert_int_equal(bus_roster_add_host(r, SOT_STR("short"), two, &err), SOT_INVALID);
	assert_string_equal(err.text, "a public key has 40 characters, not 5");
	bus_roster_begin(r);
	tell(r, client_key(f), one);
	tell(r, sot_str_c(other.public_key), two);
	assert_int_equal(bus_roster_end(r), 0);
	assert_int_equal(bus_roster_count(r), 2);
}

static void only_an_identity_of_a_host_names_a_host(void **state)
{
	(void)state;
	sot_uuid host;
	assert_false(bus_host_of("svc:scheduler", &host));
	assert_false(bus_host_of("host:one", &host));
	assert_false(bus_host_of("", &host));
}

#define BUS_TEST(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    BUS_TEST(a_told_host_is_served_under_its_name_and_one_told_no_more_is_cut),
	    BUS_TEST(a_round_that_was_given_up_cuts_nobody),
	    cmocka_unit_test(only_an_identity_of_a_host_names_a_host),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
