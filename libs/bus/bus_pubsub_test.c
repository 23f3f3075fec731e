/* Publish and subscribe over TCP with CURVE: gaps are counted, nobody blocks, strangers stay out.
 */
#include "bus_fixture.h"

#include <stdlib.h>
#include <string.h>
#include <zmq.h>

typedef struct heard {
	uint64_t messages, missed, last_gap;
	char identity[BUS_IDENTITY_MAX], topic[32];
} heard;

static void on_message(void *self, const char *identity, sot_str topic, sot_str frame, uint64_t gap)
{
	heard *h = self;
	assert_true(frame.n > 0);
	h->messages++;
	h->missed += gap;
	h->last_gap = gap;
	assert_int_equal(sot_str_copy(sot_str_c(identity), h->identity, sizeof(h->identity), NULL), 0);
	assert_int_equal(sot_str_copy(topic, h->topic, sizeof(h->topic), NULL), 0);
}

static void publish(bus_publisher *p, const char *topic)
{
	small_frame frame = frame_of(1);
	bus_publish(p, sot_str_c(topic), frame_str(&frame));
}

/* Publishes on `topic` until it is heard: a subscription needs a moment to arrive. */
static void publish_until_heard(fixture *f, bus_publisher *p, const char *topic, const heard *h)
{
	for (int i = 0; h->messages == 0; i++) {
		assert_true(i < 100000);
		publish(p, topic);
		reactor_turn(f->r, 1);
	}
}

/* A last word on `topic`, to see that everything before it was read. */
static void drain(fixture *f, bus_publisher *p, const char *topic, const heard *h)
{
	uint64_t before = h->messages;
	publish(p, topic);
	while (h->messages == before)
		reactor_turn(f->r, 1000);
	for (uint64_t last = 0; last != h->messages;) {
		last = h->messages;
		for (int i = 0; i < 20; i++)
			reactor_turn(f->r, 5);
	}
}

typedef struct channel {
	bus_publisher *p;
	bus_subscriber *s;
	heard h;
} channel;

/* The publisher listens (hints): the server's bus publishes, the client's subscribes. */
static void open_hints(fixture *f, channel *c, const char *prefix)
{
	sot_err err;
	assert_int_equal(
	    bus_publisher_new(f->server_bus, "hints", "tcp://127.0.0.1:*", true, NULL, &c->p, &err),
	    SOT_OK);
	assert_int_equal(
	    bus_subscriber_new(f->client_bus, "hints-in", bus_publisher_endpoint(c->p), false,
	        f->server_keys.public_key, sot_str_c(prefix), on_message, &c->h, &c->s, &err),
	    SOT_OK);
}

/* The subscriber listens (reports): agents dial out. */
static void open_reports(fixture *f, channel *c)
{
	sot_err err;
	assert_int_equal(bus_subscriber_new(f->server_bus, "reports", "tcp://127.0.0.1:*", true, NULL,
	                     SOT_STR(""), on_message, &c->h, &c->s, &err),
	    SOT_OK);
	assert_int_equal(bus_publisher_new(f->client_bus, "reports-out", bus_subscriber_endpoint(c->s),
	                     false, f->server_keys.public_key, &c->p, &err),
	    SOT_OK);
}

static void a_hint_arrives_and_a_stream_without_loss_has_no_gap(void **state)
{
	fixture *f = *state;
	channel c = {0};
	open_hints(f, &c, "outbox");
	publish_until_heard(f, c.p, "outbox", &c.h);
	uint64_t before = c.h.messages;
	for (int i = 0; i < 100; i++) {
		publish(c.p, "outbox");
		publish(c.p, "other"); /* not subscribed: must not look like a loss */
	}
	drain(f, c.p, "outbox", &c.h);
	assert_true(c.h.messages >= before + 101);
	assert_int_equal(c.h.missed, 0);
	assert_string_equal(c.h.topic, "outbox");
	assert_string_equal(c.h.identity, ""); /* the subscriber connects: it knows the server's key */
}

static void a_report_names_its_publisher_by_its_key(void **state)
{
	fixture *f = *state;
	channel c = {0};
	open_reports(f, &c);
	publish_until_heard(f, c.p, "report", &c.h);
	assert_string_equal(c.h.identity, "host:one");
}

static void a_slow_subscriber_never_blocks_the_publisher_and_sees_what_it_missed(void **state)
{
	fixture *f = *state;
	channel c = {0};
	open_hints(f, &c, "outbox");
	publish_until_heard(f, c.p, "outbox", &c.h);
	drain(f, c.p, "outbox", &c.h);
	uint64_t before = c.h.messages;
	int64_t counted_before = metric("sot_bus_missed_total", "hints-in");
	/* The loop does not turn meanwhile: nobody reads, and yet the publisher gets through. */
	uint64_t published = 300000;
	for (uint64_t i = 0; i < published; i++)
		publish(c.p, "outbox");
	/* What was lost last shows with the next message that comes through. */
	for (int words = 0; c.h.messages - before + c.h.missed != published; words++) {
		assert_true(words < 1000);
		publish(c.p, "outbox");
		published++;
		for (int i = 0; i < 50 && c.h.messages - before + c.h.missed != published; i++)
			reactor_turn(f->r, 10);
	}
	assert_true(c.h.missed > 0);
	assert_int_equal(metric("sot_bus_missed_total", "hints-in") - counted_before, c.h.missed);
}

static void a_revoked_publisher_is_not_heard_any_more(void **state)
{
	fixture *f = *state;
	channel c = {0};
	open_reports(f, &c);
	publish_until_heard(f, c.p, "report", &c.h);
	bus_deny(f->server_bus, f->client_keys.public_key);
	uint64_t before = c.h.messages;
	int64_t revoked = metric("sot_bus_revoked_total", "reports");
	publish(c.p, "report");
	while (metric("sot_bus_revoked_total", "reports") == revoked)
		reactor_turn(f->r, 100);
	assert_int_equal(c.h.messages, before);
}

static void unknown_publishers_and_subscribers_are_refused(void **state)
{
	fixture *f = *state;
	bus_deny(f->server_bus, f->client_keys.public_key);
	channel hints = {0}, reports = {0};
	open_hints(f, &hints, "");
	open_reports(f, &reports);
	while (metric("sot_bus_handshakes_failed_total", "hints") == 0 ||
	       metric("sot_bus_handshakes_failed_total", "reports") == 0) {
		publish(hints.p, "outbox");
		publish(reports.p, "report");
		reactor_turn(f->r, 20);
	}
	assert_int_equal(hints.h.messages + reports.h.messages, 0);
}

static void malformed_and_replayed_publications_are_dropped_and_counted(void **state)
{
	fixture *f = *state;
	channel c = {0};
	open_reports(f, &c);
	int64_t malformed = metric("sot_bus_malformed_total", "reports");
	int64_t replayed = metric("sot_bus_replayed_total", "reports");
	raw_peer p = raw_open(f, ZMQ_PUB, bus_subscriber_endpoint(c.s), true);
	small_frame frame = frame_of(1);
	uint8_t stamp[16] = {[7] = 1, [15] = 5};
	while (c.h.messages == 0) { /* until the subscription is there */
		stamp[15] = (uint8_t)(stamp[15] + 1);
		raw_send(&p, "report", 6, true);
		raw_send(&p, stamp, sizeof(stamp), true);
		raw_send(&p, frame.bytes, sizeof(frame.bytes), false);
		reactor_turn(f->r, 10);
	}
	raw_send(&p, "report", 6, false); /* one part */
	raw_send(&p, "report", 6, true);  /* a short stamp */
	raw_send(&p, stamp, 3, true);
	raw_send(&p, frame.bytes, sizeof(frame.bytes), false);
	stamp[15] = 1; /* older than what was heard */
	raw_send(&p, "report", 6, true);
	raw_send(&p, stamp, sizeof(stamp), true);
	raw_send(&p, frame.bytes, sizeof(frame.bytes), false);
	stamp[14] = 1; /* 257 */
	raw_send(&p, "report", 6, true);
	raw_send(&p, stamp, sizeof(stamp), true);
	raw_send(&p, frame.bytes, sizeof(frame.bytes), false);
	while (c.h.last_gap == 0)
		reactor_turn(f->r, 100);
	assert_int_equal(metric("sot_bus_malformed_total", "reports") - malformed, 2);
	assert_int_equal(metric("sot_bus_replayed_total", "reports") - replayed, 1);
	raw_close(&p);
}

#define BUS_TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    BUS_TEST(a_hint_arrives_and_a_stream_without_loss_has_no_gap),
	    BUS_TEST(a_report_names_its_publisher_by_its_key),
	    BUS_TEST(a_slow_subscriber_never_blocks_the_publisher_and_sees_what_it_missed),
	    BUS_TEST(a_revoked_publisher_is_not_heard_any_more),
	    BUS_TEST(unknown_publishers_and_subscribers_are_refused),
	    BUS_TEST(malformed_and_replayed_publications_are_dropped_and_counted),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
