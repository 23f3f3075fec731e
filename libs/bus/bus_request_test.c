/* Requests over TCP with CURVE: identities, retries, deadlines, limits, and hostile peers. */
#include "bus_fixture.h"

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <zmq.h>

enum { LONG_MS = 60000 };

static void start(fixture *f)
{
	listen_at(f, "tcp://127.0.0.1:*");
	connect_client(f);
	await(f, is_up);
}

static void a_request_is_answered_and_the_server_knows_who_asked(void **state)
{
	fixture *f = *state;
	start(f);
	send_request(f, LONG_MS);
	assert_int_equal(f->replies, 0); /* never inside the call */
	await(f, is_answered);
	assert_int_equal(f->replies, 1);
	assert_int_equal(f->requests, 1);
	assert_string_equal(f->last_peer.identity, "host:one");
}

static bool client_was_refused(const fixture *f)
{
	(void)f;
	return metric("sot_bus_handshakes_failed_total", "client") >= 2;
}

static void an_unknown_key_is_refused_and_let_in_once_it_is_allowed(void **state)
{
	fixture *f = *state;
	bus_deny(f->server_bus, f->client_keys.public_key);
	listen_at(f, "tcp://127.0.0.1:*");
	connect_client(f);
	send_request(f, LONG_MS);
	await(f, client_was_refused); /* twice: it is dialled again after the first refusal */
	assert_int_equal(f->requests, 0);
	assert_false(is_up(f));
	bus_allow(f->server_bus, f->client_keys.public_key, "host:late");
	await(f, is_answered);
	assert_int_equal(f->replies, 1);
	assert_string_equal(f->last_peer.identity, "host:late");
}

static bool a_message_was_revoked(const fixture *f)
{
	(void)f;
	return metric("sot_bus_revoked_total", "server") > 0;
}

static void a_revoked_key_is_cut_at_the_next_message(void **state)
{
	fixture *f = *state;
	start(f);
	send_request(f, LONG_MS);
	await(f, is_answered);
	bus_deny(f->server_bus, f->client_keys.public_key);
	small_frame answer = frame_of(1);
	sot_err err;
	assert_int_equal(bus_send(f->server, &f->last_peer, frame_str(&answer), &err), SOT_DENIED);
	int64_t before = metric("sot_bus_revoked_total", "server");
	assert_int_equal(before, 1);
	send_request(f, 200);
	while (f->failures == 0)
		reactor_turn(f->r, 100);
	assert_true(a_message_was_revoked(f));
	assert_true(metric("sot_bus_revoked_total", "server") > before);
	assert_int_equal(f->requests, 1);
}

static void a_renamed_key_has_its_new_name_at_the_next_message(void **state)
{
	fixture *f = *state;
	start(f);
	bus_allow(f->server_bus, f->client_keys.public_key, "host:renamed");
	send_request(f, LONG_MS);
	await(f, is_answered);
	assert_string_equal(f->last_peer.identity, "host:renamed");
}

static bool server_refused_thrice(const fixture *f)
{
	(void)f;
	return metric("sot_bus_handshakes_failed_total", "server") >= 3;
}

static void a_server_with_another_key_is_never_talked_to(void **state)
{
	fixture *f = *state;
	listen_at(f, "tcp://127.0.0.1:*");
	bus_keypair other;
	assert_int_equal(bus_keypair_make(&other, NULL), SOT_OK);
	f->server_keys = other; /* what the client expects */
	connect_client(f);
	send_request(f, LONG_MS);
	await(f, server_refused_thrice);
	assert_int_equal(f->ups + f->requests + f->replies, 0);
}

static void a_peer_without_a_key_is_refused(void **state)
{
	fixture *f = *state;
	listen_at(f, "tcp://127.0.0.1:*");
	raw_peer plain = raw_open(f, ZMQ_DEALER, bus_server_endpoint(f->server), false);
	small_frame frame = frame_of(1);
	raw_send(&plain, frame.bytes, sizeof(frame.bytes), false);
	int64_t before = metric("sot_bus_handshakes_failed_total", "server");
	/* Once is all that is sure: a peer that sees the mismatch first never tries again. */
	while (metric("sot_bus_handshakes_failed_total", "server") == before)
		reactor_turn(f->r, 100);
	assert_int_equal(f->requests, 0);
	raw_close(&plain);
}

static bool got_one(const fixture *f)
{
	return f->requests == 1;
}

static void malformed_messages_are_dropped_and_counted_while_the_peer_lives_on(void **state)
{
	fixture *f = *state;
	listen_at(f, "tcp://127.0.0.1:*");
	f->behaviour = STAY_SILENT;
	int64_t before = metric("sot_bus_malformed_total", "server");
	int64_t disconnects = metric("sot_bus_disconnects_total", "server");
	raw_peer p = raw_open(f, ZMQ_DEALER, bus_server_endpoint(f->server), true);
	raw_send(&p, "\xdd\xff\xff\xff\xff", 5, false); /* an array of 4 G values */
	raw_send(&p, "", 0, false);
	raw_send(&p, "\x90\x90", 2, false); /* two values */
	raw_send(&p, "\x90", 1, true);      /* three parts */
	raw_send(&p, "\x90", 1, true);
	raw_send(&p, "\x90", 1, false);
	small_frame good = frame_of(1);
	raw_send(&p, good.bytes, sizeof(good.bytes), false);
	await(f, got_one);
	assert_int_equal(metric("sot_bus_malformed_total", "server") - before, 4);
	assert_int_equal(metric("sot_bus_disconnects_total", "server"), disconnects);
	raw_close(&p);
}

static void a_frame_over_the_limit_drops_the_peer_which_comes_back(void **state)
{
	fixture *f = *state;
	listen_at(f, "tcp://127.0.0.1:*");
	f->behaviour = STAY_SILENT;
	raw_peer p = raw_open(f, ZMQ_DEALER, bus_server_endpoint(f->server), true);
	size_t huge_n = SOT_WIRE_FRAME_MAX + 1000;
	char *huge = sot_alloc(huge_n);
	int64_t before = metric("sot_bus_disconnects_total", "server");
	raw_send(&p, huge, huge_n, false);
	free(huge);
	while (metric("sot_bus_disconnects_total", "server") == before)
		reactor_turn(f->r, 100);
	assert_int_equal(f->requests, 0);
	/* What is sent before the peer has noticed the cut is lost with the old connection: it is sent
	 * until it arrives, as a client repeats its requests. */
	sot_mono until = sot_mono_add_ms(sot_mono_now(), HANG_MS);
	while (f->requests == 0) { /* several may arrive at once */
		assert_false(sot_mono_reached(sot_mono_now(), until));
		small_frame good = frame_of(1);
		raw_send(&p, good.bytes, sizeof(good.bytes), false);
		reactor_turn(f->r, 100);
	}
	raw_close(&p);
}

static void a_frame_of_exactly_the_limit_passes_and_one_byte_more_is_not_sent(void **state)
{
	fixture *f = *state;
	start(f);
	uint64_t id = bus_next_request_id(f->client_bus);
	small_frame head = frame_of(id);
	char *bytes = sot_alloc(SOT_WIRE_FRAME_MAX + 1);
	memcpy(bytes, head.bytes, sizeof(head.bytes));
	bytes[0] = (char)0x94;
	/* bin32 for the rest */
	uint32_t rest = SOT_WIRE_FRAME_MAX - (uint32_t)sizeof(head.bytes) - 5;
	char *bin = bytes + sizeof(head.bytes);
	bin[0] = (char)0xc6;
	for (int i = 0; i < 4; i++)
		bin[1 + i] = (char)(rest >> (24 - 8 * i));
	sot_str frame = {bytes, SOT_WIRE_FRAME_MAX + 1};
	assert_int_equal(bus_client_send(f->client, frame, NULL), SOT_INVALID);
	frame.n = SOT_WIRE_FRAME_MAX;
	sot_err err;
	assert_int_equal(bus_client_send(f->client, frame, &err), SOT_OK);
	await(f, got_one);
	free(bytes);
}

static bool is_down(const fixture *f)
{
	return f->downs == 1;
}

static void a_request_survives_the_restart_of_the_server(void **state)
{
	fixture *f = *state;
	start(f);
	char endpoint[256];
	assert_int_equal(
	    sot_str_copy(sot_str_c(bus_server_endpoint(f->server)), endpoint, sizeof(endpoint), NULL),
	    SOT_OK);
	f->behaviour = STAY_SILENT;
	send_request(f, LONG_MS);
	await(f, got_one); /* it is lost with the server */
	f->server = bus_server_free(f->server);
	await(f, is_down);
	assert_int_equal(f->replies + f->failures, 0);
	f->behaviour = ANSWER_ONCE;
	listen_at(f, endpoint);
	await(f, is_answered);
	assert_int_equal(f->replies, 1);
	assert_int_equal(f->requests, 2);
	assert_int_equal(f->ups, 2);
}

/* The second server of a client with two endpoints. */
static int second_requests;
static bus_server *second;
static void on_second(void *self, const bus_peer *from, sot_str frame)
{
	(void)self;
	second_requests++;
	assert_int_equal(bus_send(second, from, frame, NULL), SOT_OK);
}
static void second_listens(fixture *f, const char *endpoint)
{
	assert_int_equal(
	    bus_listen(f->server_bus, "second", endpoint, on_second, NULL, &second, NULL), SOT_OK);
}
static bool is_up_thrice(const fixture *f)
{
	return f->ups == 3;
}

static void of_several_servers_the_one_that_came_up_last_is_asked(void **state)
{
	fixture *f = *state;
	char endpoints[256];
	sot_str here, there;
	second_requests = 0;
	listen_at(f, "tcp://127.0.0.1:*");
	second_listens(f, "tcp://127.0.0.1:*");
	(void)snprintf(endpoints, sizeof(endpoints), "%s,%s", bus_server_endpoint(second),
	    bus_server_endpoint(f->server));
	second = bus_server_free(second); /* a standby: it does not listen */
	connect_client_to(f, endpoints);
	await(f, is_up);
	f->behaviour = STAY_SILENT;
	send_request(f, LONG_MS);
	await(f, got_one); /* stands still from now on */
	there = sot_str_cut(sot_str_c(endpoints), ',', &here);
	endpoints[there.n] = '\0';
	second_listens(f, endpoints);
	await(f, is_answered);
	assert_int_equal(f->ups, 2);
	assert_int_equal(second_requests, 1);
	/* It goes: the first one is still there. */
	second = bus_server_free(second);
	f->behaviour = ANSWER_ONCE;
	await(f, is_up_thrice);
	assert_int_equal(f->downs, 0);
	send_request(f, LONG_MS);
	while (f->replies < 2)
		reactor_turn(f->r, 100);
	assert_int_equal(f->requests, 2);
	f->server = bus_server_free(f->server);
	await(f, is_down);
	assert_int_equal(f->downs, 1);
}

static void more_endpoints_than_fit_or_an_empty_one_are_said(void **state)
{
	fixture *f = *state;
	bus_client *c = NULL;
	sot_err err = {0};
	assert_int_equal(bus_connect(f->client_bus, "client", "tcp://127.0.0.1:1,",
	                     f->server_keys.public_key, NULL, NULL, f, &c, &err),
	    SOT_INVALID);
	assert_int_equal(bus_connect(f->client_bus, "client", "a,b,c,d,e,f,g,h,i",
	                     f->server_keys.public_key, NULL, NULL, f, &c, &err),
	    SOT_INVALID);
	assert_non_null(strstr(err.text, "more than 8 endpoints"));
	assert_null(c);
}

static void a_silent_server_gives_unavailable_exactly_once_after_retries(void **state)
{
	fixture *f = *state;
	start(f);
	f->behaviour = STAY_SILENT;
	send_request(f, 400);
	await(f, is_answered);
	for (int i = 0; i < 10; i++)
		reactor_turn(f->r, 50);
	assert_int_equal(f->failures, 1);
	assert_int_equal(f->last_code, SOT_UNAVAILABLE);
	assert_non_null(strstr(f->last_why.text, bus_server_endpoint(f->server)));
	assert_in_range(f->requests, 2, 3); /* at 0, 100 and 300 ms; a slow machine may merge two */
}

/* A port that refuses everybody for as long as the socket is open: bound, so that nobody else gets
 * it, and never listening. (A freed server goes on listening until libzmq's thread sees to it.) */
static int open_closed_port(char *ret_endpoint, size_t size)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t length = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, length), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &length), 0);
	(void)snprintf(ret_endpoint, size, "tcp://127.0.0.1:%u", (unsigned)ntohs(address.sin_port));
	return fd;
}

static void a_server_that_is_not_there_gives_unavailable(void **state)
{
	fixture *f = *state;
	char endpoint[64];
	int port = open_closed_port(endpoint, sizeof(endpoint));
	sot_err err;
	assert_int_equal(bus_connect(f->client_bus, "client", endpoint, f->server_keys.public_key, NULL,
	                     NULL, f, &f->client, &err),
	    SOT_OK);
	send_request(f, 100);
	await(f, is_answered);
	assert_int_equal(f->last_code, SOT_UNAVAILABLE);
	assert_non_null(strstr(f->last_why.text, "no connection"));
	small_frame frame = frame_of(1);
	assert_int_equal(bus_client_send(f->client, frame_str(&frame), NULL), SOT_UNAVAILABLE);
	(void)close(port);
}

static bool has_pushes(const fixture *f)
{
	return f->pushes >= 1 && f->replies >= 1;
}

static void a_second_reply_is_ignored_and_a_push_is_not_mistaken_for_one(void **state)
{
	fixture *f = *state;
	start(f);
	f->behaviour = ANSWER_TWICE;
	int64_t late = metric("sot_bus_late_replies_total", "client");
	send_request(f, LONG_MS);
	await(f, is_answered);
	f->behaviour = ANSWER_AND_PUSH;
	send_request(f, LONG_MS);
	await(f, has_pushes);
	while (f->replies < 2)
		reactor_turn(f->r, 100);
	assert_int_equal(f->replies, 2);
	assert_int_equal(f->pushes, 1);
	assert_int_equal(metric("sot_bus_late_replies_total", "client") - late, 1);
}

static bool is_served_and_pushed(const fixture *f)
{
	return f->pushes >= 100;
}

/* While it sends libzmq takes note of what came, at most once a millisecond, and the descriptor
 * does not tell of it any more. Nothing else wakes this loop after the last frame. */
static void what_comes_while_frames_are_sent_is_read(void **state)
{
	fixture *f = *state;
	char endpoint[256];
	small_frame frame = frame_of(42);
	raw_peer s = raw_listen(f, endpoint, sizeof(endpoint));
	connect_client_to(f, endpoint);
	await(f, is_up);
	for (int sent = 0, served = 0; served < 100;) {
		served += raw_serve(&s);
		sot_mono next = sot_mono_add_ms(sot_mono_now(), 2);
		while (!sot_mono_reached(sot_mono_now(), next))
			served += raw_serve(&s);
		sent++;
		if (sent <= 100)
			assert_int_equal(bus_client_send(f->client, frame_str(&frame), NULL), SOT_OK);
	}
	await(f, is_served_and_pushed);
	raw_close(&s);
}

static void never(void *self, sot_code code, sot_str frame, const sot_err *why)
{
	(void)code;
	(void)frame;
	(void)why;
	((fixture *)self)->failures++;
}

static void ten_thousand_requests_may_be_open_and_not_one_more(void **state)
{
	fixture *f = *state;
	start(f);
	f->behaviour = STAY_SILENT;
	for (int i = 0; i < 10000; i++) {
		uint64_t id = bus_next_request_id(f->client_bus);
		small_frame frame = frame_of(id);
		assert_int_equal(
		    bus_request(f->client, id, frame_str(&frame), LONG_MS, never, f, NULL), SOT_OK);
	}
	uint64_t id = bus_next_request_id(f->client_bus);
	small_frame frame = frame_of(id);
	sot_err err;
	sot_code code = bus_request(f->client, id, frame_str(&frame), LONG_MS, never, f, &err);
	assert_int_equal(code, SOT_LIMIT);
	while (f->requests < 10000) /* all of them arrive: none was dropped at a queue's limit */
		reactor_turn(f->r, 100);
	bus_client_forget(f->client, f);
	assert_int_equal(
	    bus_request(f->client, id, frame_str(&frame), LONG_MS, never, f, &err), SOT_OK);
	assert_int_equal(f->failures, 0);
}

static void free_client(void *self, sot_code code, sot_str frame, const sot_err *why)
{
	(void)why;
	(void)frame;
	fixture *f = self;
	f->replies += code == SOT_OK;
	f->failures += code != SOT_OK;
	f->client = bus_client_free(f->client);
}

static void a_client_may_be_freed_where_its_reply_or_failure_is_handled(void **state)
{
	fixture *f = *state;
	start(f);
	for (int round = 0; round < 2; round++) {
		f->behaviour = round == 0 ? ANSWER_ONCE : STAY_SILENT;
		uint64_t id = bus_next_request_id(f->client_bus);
		small_frame frame = frame_of(id);
		assert_int_equal(bus_request(f->client, id, frame_str(&frame), round == 0 ? LONG_MS : 50,
		                     free_client, f, NULL),
		    SOT_OK);
		while (f->client)
			reactor_turn(f->r, 100);
		connect_client(f);
		await(f, is_up);
	}
	assert_int_equal(f->replies, 1);
	assert_int_equal(f->failures, 1);
}

static void a_peer_that_is_gone_is_not_found(void **state)
{
	fixture *f = *state;
	start(f);
	send_request(f, LONG_MS);
	await(f, is_answered);
	f->client = bus_client_free(f->client);
	small_frame frame = frame_of(1);
	sot_code code = SOT_OK;
	while ((code = bus_send(f->server, &f->last_peer, frame_str(&frame), NULL)) == SOT_OK)
		reactor_turn(f->r, 100);
	assert_int_equal(code, SOT_NOT_FOUND);
}

static void an_endpoint_that_is_taken_or_nonsense_is_said(void **state)
{
	fixture *f = *state;
	listen_at(f, "tcp://127.0.0.1:*");
	bus_server *other = NULL;
	sot_err err;
	sot_code code = bus_listen(
	    f->server_bus, "other", bus_server_endpoint(f->server), NULL, NULL, &other, &err);
	assert_int_equal(code, SOT_UNAVAILABLE);
	assert_non_null(strstr(err.text, bus_server_endpoint(f->server)));
	code = bus_listen(f->server_bus, "other", "nonsense", NULL, NULL, &other, &err);
	assert_int_equal(code, SOT_INVALID);
	assert_null(other);
}

#define BUS_TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    BUS_TEST(a_request_is_answered_and_the_server_knows_who_asked),
	    BUS_TEST(an_unknown_key_is_refused_and_let_in_once_it_is_allowed),
	    BUS_TEST(a_revoked_key_is_cut_at_the_next_message),
	    BUS_TEST(a_renamed_key_has_its_new_name_at_the_next_message),
	    BUS_TEST(a_server_with_another_key_is_never_talked_to),
	    BUS_TEST(a_peer_without_a_key_is_refused),
	    BUS_TEST(malformed_messages_are_dropped_and_counted_while_the_peer_lives_on),
	    BUS_TEST(a_frame_over_the_limit_drops_the_peer_which_comes_back),
	    BUS_TEST(a_frame_of_exactly_the_limit_passes_and_one_byte_more_is_not_sent),
	    BUS_TEST(a_request_survives_the_restart_of_the_server),
	    BUS_TEST(of_several_servers_the_one_that_came_up_last_is_asked),
	    BUS_TEST(more_endpoints_than_fit_or_an_empty_one_are_said),
	    BUS_TEST(a_silent_server_gives_unavailable_exactly_once_after_retries),
	    BUS_TEST(a_server_that_is_not_there_gives_unavailable),
	    BUS_TEST(a_second_reply_is_ignored_and_a_push_is_not_mistaken_for_one),
	    BUS_TEST(what_comes_while_frames_are_sent_is_read),
	    BUS_TEST(ten_thousand_requests_may_be_open_and_not_one_more),
	    BUS_TEST(a_client_may_be_freed_where_its_reply_or_failure_is_handled),
	    BUS_TEST(a_peer_that_is_gone_is_not_found),
	    BUS_TEST(an_endpoint_that_is_taken_or_nonsense_is_said),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
