/* Bundles: frames of one turn are one message where both sides read them, and nothing is lost where
 * one does not, where bytes are wrong, and where somebody is freed in the middle of one. */
#include "bus_bundle.h"
#include "bus_fixture.h"

#include <stdlib.h>
#include <string.h>
#include <zmq.h>

enum { MANY = 100, LONG_MS = 60000 };

/* ---- bytes ---- */

static void what_is_put_in_comes_out(void **state)
{
	(void)state;
	SOT_AUTO_BUF bundle = {0};
	sot_str frame;
	sot_buf_init(&bundle, BUS_BUNDLE_MAX);
	bus_bundle_begin(&bundle);
	assert_true(bus_bundle_check(sot_buf_str(&bundle)));
	bus_bundle_add(&bundle, SOT_STR("one"));
	bus_bundle_add(&bundle, SOT_STR(""));
	bus_bundle_add(&bundle, SOT_STR("three"));
	assert_true(bus_bundle_is(sot_buf_str(&bundle)) && bus_bundle_check(sot_buf_str(&bundle)));
	sot_str rest = {bundle.p + BUS_BUNDLE_HEAD, bundle.n - BUS_BUNDLE_HEAD};
	static const char *const expected[] = {"one", "", "three"};
	for (size_t k = 0; k < 3; k++) {
		assert_true(bus_bundle_next(&rest, &frame));
		assert_true(sot_str_eq_c(frame, expected[k]));
	}
	assert_false(bus_bundle_next(&rest, &frame));
	for (size_t n = 0; n < bundle.n; n++) /* cut anywhere but between frames */
		assert_int_equal(bus_bundle_check((sot_str){bundle.p, n}), n == 1 || n == 8 || n == 12);
}

static void room_is_counted_to_the_last_byte(void **state)
{
	(void)state;
	SOT_AUTO_BUF bundle = {0};
	char *bytes = sot_alloc(BUS_BUNDLE_MAX);
	const size_t most = BUS_BUNDLE_MAX - BUS_BUNDLE_HEAD - BUS_BUNDLE_FRAME_HEAD;
	sot_buf_init(&bundle, BUS_BUNDLE_MAX);
	bus_bundle_begin(&bundle);
	assert_false(bus_bundle_has_room(&bundle, most + 1));
	assert_false(bus_bundle_has_room(&bundle, SIZE_MAX));
	assert_true(bus_bundle_has_room(&bundle, most));
	bus_bundle_add(&bundle, (sot_str){bytes, most});
	assert_false(sot_buf_failed(&bundle));
	assert_int_equal(bundle.n, BUS_BUNDLE_MAX);
	assert_false(bus_bundle_has_room(&bundle, 0));
	free(bytes);
}

/* ---- both sides read them ---- */

static int64_t heard_before;
static bool has_heard(const fixture *f)
{
	(void)f;
	return metric("sot_bus_received_total", "client") > heard_before;
}

/* Until the server has said that it reads bundles. */
static void start(fixture *f)
{
	listen_at(f, "tcp://127.0.0.1:*");
	heard_before = metric("sot_bus_received_total", "client");
	connect_client(f);
	bus_client_bundle(f->client);
	await(f, has_heard);
}

static bool all_are_answered(const fixture *f)
{
	return f->replies == MANY;
}

static void requests_of_one_turn_are_one_message_and_so_are_their_answers(void **state)
{
	fixture *f = *state;
	start(f);
	int64_t asked = metric("sot_bus_received_total", "server"),
	        told = metric("sot_bus_received_total", "client");
	for (int k = 0; k < MANY; k++)
		send_request(f, LONG_MS);
	await(f, all_are_answered);
	assert_int_equal(f->requests, MANY);
	assert_true(f->last_peer.reads_bundles);
	assert_int_equal(metric("sot_bus_received_total", "server") - asked, 1);
	assert_int_equal(metric("sot_bus_received_total", "client") - told, 1);
}

static bool many_have_come(const fixture *f)
{
	return f->requests == MANY + 2;
}

static void what_is_flushed_goes_before_the_turn_ends_and_the_order_is_kept(void **state)
{
	fixture *f = *state;
	small_frame single = frame_of(0);
	start(f);
	f->behaviour = STAY_SILENT;
	int64_t sent = metric("sot_bus_sent_total", "client");
	send_request(f, LONG_MS);
	bus_client_flush(f->client);
	assert_int_equal(metric("sot_bus_sent_total", "client") - sent, 1);
	for (int k = 0; k < MANY; k++)
		send_request(f, LONG_MS);
	assert_int_equal(metric("sot_bus_sent_total", "client") - sent, 1);
	assert_int_equal(bus_client_send(f->client, frame_str(&single), NULL), SOT_OK);
	assert_int_equal(metric("sot_bus_sent_total", "client") - sent, 3);
	await(f, many_have_come);
	assert_false(f->last_peer.reads_bundles); /* the single one came last */
}

/* ---- one side does not ---- */

static void a_server_that_knows_no_bundles_is_asked_one_by_one(void **state)
{
	fixture *f = *state;
	char endpoint[256];
	int served = 0;
	raw_peer s = raw_listen(f, endpoint, sizeof(endpoint));
	connect_client_to(f, endpoint);
	bus_client_bundle(f->client);
	await(f, is_up);
	for (int k = 0; k < MANY; k++)
		send_request(f, LONG_MS);
	sot_mono until = sot_mono_add_ms(sot_mono_now(), HANG_MS);
	while (!all_are_answered(f)) {
		assert_false(sot_mono_reached(sot_mono_now(), until));
		reactor_turn(f->r, 1);
		while (raw_serve(&s))
			served++;
	}
	assert_int_equal(served, MANY);
	raw_close(&s);
}

static void a_client_that_wants_none_gets_none(void **state)
{
	fixture *f = *state;
	listen_at(f, "tcp://127.0.0.1:*");
	connect_client(f);
	await(f, is_up);
	int64_t told = metric("sot_bus_received_total", "client");
	for (int k = 0; k < MANY; k++)
		send_request(f, LONG_MS);
	await(f, all_are_answered);
	assert_int_equal(metric("sot_bus_received_total", "client") - told, MANY);
}

/* ---- wrong bytes ---- */

static bool got_two(const fixture *f)
{
	return f->requests == 2;
}

static void a_bundle_whose_lengths_lie_is_dropped_whole_and_a_bad_frame_alone(void **state)
{
	fixture *f = *state;
	SOT_AUTO_BUF bundle = {0};
	small_frame one = frame_of(1), two = frame_of(2);
	listen_at(f, "tcp://127.0.0.1:*");
	f->behaviour = STAY_SILENT;
	int64_t before = metric("sot_bus_malformed_total", "server");
	raw_peer p = raw_open(f, ZMQ_DEALER, bus_server_endpoint(f->server), true);
	sot_buf_init(&bundle, BUS_BUNDLE_MAX);
	bus_bundle_begin(&bundle);
	bus_bundle_add(&bundle, frame_str(&one));
	bus_bundle_add(&bundle, SOT_STR("\xdd\xff\xff\xff\xff"));
	bus_bundle_add(&bundle, frame_str(&two));
	raw_send(&p, bundle.p, bundle.n - 1, false);
	raw_send(&p, "\xc1\xff\xff\xff\xff", 5, false);
	raw_send(&p, bundle.p, bundle.n, false);
	await(f, got_two);
	assert_int_equal(metric("sot_bus_malformed_total", "server") - before, 3);
	raw_close(&p);
}

/* ---- freed in the middle ---- */

static void free_client(void *self, sot_code code, sot_str frame, const sot_err *why)
{
	fixture *f = self;
	(void)frame;
	(void)why;
	assert_int_equal(code, SOT_OK);
	f->replies++;
	f->client = bus_client_free(f->client);
}

static void a_client_may_be_freed_at_any_answer_of_a_bundle(void **state)
{
	fixture *f = *state;
	start(f);
	for (int k = 0; k < 3; k++) {
		uint64_t id = bus_next_request_id(f->client_bus);
		small_frame frame = frame_of(id);
		assert_int_equal(
		    bus_request(f->client, id, frame_str(&frame), LONG_MS, free_client, f, NULL), SOT_OK);
	}
	await(f, is_answered);
	assert_int_equal(f->replies, 1);
	assert_null(f->client);
}

static void free_server(void *self, const bus_peer *from, sot_str frame)
{
	fixture *f = self;
	f->requests++;
	assert_int_equal(bus_reply(f->server, from, frame, NULL), SOT_OK);
	f->server = bus_server_free(f->server);
}

static void a_server_may_be_freed_at_any_request_of_a_bundle_and_its_answers_go_out(void **state)
{
	fixture *f = *state;
	assert_int_equal(
	    bus_listen(f->server_bus, "server", "tcp://127.0.0.1:*", free_server, f, &f->server, NULL),
	    SOT_OK);
	heard_before = metric("sot_bus_received_total", "client");
	connect_client(f);
	bus_client_bundle(f->client);
	await(f, has_heard);
	for (int k = 0; k < 3; k++)
		send_request(f, LONG_MS);
	await(f, is_answered);
	assert_int_equal(f->requests, 1);
	assert_int_equal(f->replies, 1);
	assert_null(f->server);
}

#define BUS_TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_is_put_in_comes_out),
	    cmocka_unit_test(room_is_counted_to_the_last_byte),
	    BUS_TEST(requests_of_one_turn_are_one_message_and_so_are_their_answers),
	    BUS_TEST(what_is_flushed_goes_before_the_turn_ends_and_the_order_is_kept),
	    BUS_TEST(a_server_that_knows_no_bundles_is_asked_one_by_one),
	    BUS_TEST(a_client_that_wants_none_gets_none),
	    BUS_TEST(a_bundle_whose_lengths_lie_is_dropped_whole_and_a_bad_frame_alone),
	    BUS_TEST(a_client_may_be_freed_at_any_answer_of_a_bundle),
	    BUS_TEST(a_server_may_be_freed_at_any_request_of_a_bundle_and_its_answers_go_out),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
