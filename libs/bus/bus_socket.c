/* The one constructor of ZeroMQ sockets, sending and receiving, and the care for connections.
 *
 * libzmq reconnects by itself after a broken connection, but gives up for ever when the peer broke
 * the protocol or refused the key: the session ends, in silence. A host that is started before it
 * is registered would stay outside until its restart. So a connecting socket that is not up is
 * dialled anew from here, with a growing, jittered pause.
 */
#include "bus_internal.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	REDIAL_FIRST_MS = 250,
	REDIAL_MOST_MS = 5000,
	/* libzmq is given this long to come back by itself. */
	REDIAL_PATIENCE_MS = 10000,
};

/* ---- options ---- */

typedef struct option {
	int name, value;
} option;

static const option common_options[] = {
    {ZMQ_LINGER, BUS_LINGER_MS},
    {ZMQ_SNDTIMEO, 0},
    {ZMQ_RCVTIMEO, 0},
    {ZMQ_IMMEDIATE, 1},
    {ZMQ_HANDSHAKE_IVL, 2000},
    {ZMQ_CONNECT_TIMEOUT, 2000},
    {ZMQ_HEARTBEAT_IVL, 2000},
    {ZMQ_HEARTBEAT_TIMEOUT, 6000},
    {ZMQ_HEARTBEAT_TTL, 6000},
    {ZMQ_RECONNECT_IVL_MAX, 5000},
    {ZMQ_BACKLOG, 4096},
    {ZMQ_TOS, 0},
    {ZMQ_TCP_KEEPALIVE, 1},
    {ZMQ_TCP_KEEPALIVE_IDLE, 30},
    {ZMQ_TCP_KEEPALIVE_INTVL, 10},
    {ZMQ_TCP_KEEPALIVE_CNT, 3},
    {ZMQ_TCP_MAXRT, 20000},
};

/* Per peer, in messages. A client may have 10,000 requests open. */
static int high_water_mark(int type)
{
	return type == ZMQ_DEALER ? 10000 : 1000;
}

static bool set_int(void *zmq, int name, int value)
{
	return zmq_setsockopt(zmq, name, &value, sizeof(value)) == 0;
}

static bool set_key(void *zmq, int name, const char *key)
{
	return zmq_setsockopt(zmq, name, key, BUS_KEY_TEXT) == 0; /* text form, with its NUL */
}

static bool set_common(bus *b, void *zmq, int type)
{
	bool ok = true;
	for (size_t i = 0; i < sizeof(common_options) / sizeof(common_options[0]); i++)
		ok = ok && set_int(zmq, common_options[i].name, common_options[i].value);
	const int64_t size_max = SOT_WIRE_FRAME_MAX + BUS_CURVE_OVERHEAD;
	ok = ok && zmq_setsockopt(zmq, ZMQ_MAXMSGSIZE, &size_max, sizeof(size_max)) == 0;
	/* libzmq adds jitter of up to one interval to each pause; this spreads the first ones too. */
	ok = ok && set_int(zmq, ZMQ_RECONNECT_IVL, 100 + (int)sot_rand_below(&b->rand, 100));
	ok = ok && set_int(zmq, ZMQ_SNDHWM, high_water_mark(type));
	return ok && set_int(zmq, ZMQ_RCVHWM, high_water_mark(type));
}

static bool set_curve(const bus *b, void *zmq, const bus_socket_config *c)
{
	bool ok = set_key(zmq, ZMQ_CURVE_SECRETKEY, b->keys.secret_key);
	if (c->bind)
		return ok && set_int(zmq, ZMQ_CURVE_SERVER, 1) &&
		       zmq_setsockopt(zmq, ZMQ_ZAP_DOMAIN, "sotalia", 7) == 0;
	return ok && set_key(zmq, ZMQ_CURVE_PUBLICKEY, b->keys.public_key) &&
	       set_key(zmq, ZMQ_CURVE_SERVERKEY, c->server_key);
}

static bool set_type_options(void *zmq, const bus_socket_config *c)
{
	if (c->type == ZMQ_ROUTER)
		return set_int(zmq, ZMQ_ROUTER_MANDATORY, 1);
	if (c->type == ZMQ_SUB)
		return zmq_setsockopt(zmq, ZMQ_SUBSCRIBE, c->topic_prefix.p ? c->topic_prefix.p : "",
		           c->topic_prefix.n) == 0;
	return true;
}

/* ---- labels and metrics ---- */

const char *bus_labels(const char *name)
{
	/* Metrics live as long as the process, and so must their labels: one per name, few names. */
	static char *known[128];
	char text[96];
	snprintf(text, sizeof(text), "name=\"%s\"", name);
	size_t i = 0;
	while (known[i] && strcmp(known[i], text) != 0)
		assert(++i < sizeof(known) / sizeof(known[0]));
	if (!known[i])
		known[i] = sot_strdup(text);
	return known[i];
}

static bus_socket_metrics metrics_of(const char *labels)
{
	return (bus_socket_metrics){
	    .received = sot_counter("sot_bus_received_total", labels, "Messages received."),
	    .sent = sot_counter("sot_bus_sent_total", labels, "Messages handed to ZeroMQ."),
	    .malformed = sot_counter("sot_bus_malformed_total", labels, "Dropped: not a message."),
	    .revoked = sot_counter("sot_bus_revoked_total", labels, "Dropped: the key was revoked."),
	    .unroutable = sot_counter("sot_bus_unroutable_total", labels, "Dropped: peer is gone."),
	    .full = sot_counter("sot_bus_full_total", labels, "Not sent: no connection or queue full."),
	    .connections = sot_gauge("sot_bus_connections", labels, "Open connections."),
	    .handshakes_failed =
	        sot_counter("sot_bus_handshakes_failed_total", labels, "Handshakes that failed."),
	    .disconnects = sot_counter("sot_bus_disconnects_total", labels, "Connections lost."),
	};
}

/* ---- the connection ---- */

static int64_t jittered(bus_socket *s, int64_t ms)
{
	return ms + (int64_t)sot_rand_below(&s->b->rand, (uint64_t)ms);
}

static void set_up(bus_socket *s, bool up)
{
	if (s->bound || s->up == up)
		return;
	s->up = up;
	if (up)
		s->redial_ms = REDIAL_FIRST_MS;
	reactor_rearm_ms(s->redial, up ? -1 : jittered(s, REDIAL_PATIENCE_MS));
	sot_metric_set(s->metrics.connections, up);
	if (s->on_up)
		s->on_up(s, up); /* last: it may close s */
}

static void on_redial(void *self, uint64_t missed)
{
	(void)missed;
	bus_socket *s = self;
	/* ENOENT when the session has ended already, which is why we are here. */
	(void)zmq_disconnect(s->zmq, s->endpoint);
	(void)zmq_connect(s->zmq, s->endpoint); /* it succeeded before with the same endpoint */
	reactor_touched(s->watch);
	reactor_rearm_ms(s->redial, jittered(s, REDIAL_PATIENCE_MS));
}

static void on_refused(bus_socket *s)
{
	if (s->bound || s->up)
		return;
	reactor_rearm_ms(s->redial, jittered(s, s->redial_ms));
	s->redial_ms = s->redial_ms * 2 < REDIAL_MOST_MS ? s->redial_ms * 2 : REDIAL_MOST_MS;
}

static void on_event(bus_socket *s, uint16_t event)
{
	switch (event) {
	case ZMQ_EVENT_ACCEPTED:
		sot_metric_set(s->metrics.connections, sot_metric_value(s->metrics.connections) + 1);
		break;
	case ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL:
	case ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL:
	case ZMQ_EVENT_HANDSHAKE_FAILED_AUTH:
		sot_metric_add(s->metrics.handshakes_failed, 1);
		on_refused(s);
		break;
	case ZMQ_EVENT_DISCONNECTED:
		sot_metric_add(s->metrics.disconnects, 1);
		if (s->bound)
			sot_metric_set(s->metrics.connections, sot_metric_value(s->metrics.connections) - 1);
		set_up(s, false);
		break;
	case ZMQ_EVENT_HANDSHAKE_SUCCEEDED:
		set_up(s, true);
		break;
	default:
		break;
	}
}

/* Two parts: [event u16, value u32] in host order, then the endpoint. */
static bool on_monitor(void *self, void *monitor)
{
	bus_socket *s = self;
	uint8_t head[6];
	char endpoint[BUS_ENDPOINT_MAX];
	int n = zmq_recv(monitor, head, sizeof(head), ZMQ_DONTWAIT);
	if (n < 0)
		return false;
	(void)zmq_recv(monitor, endpoint, sizeof(endpoint), ZMQ_DONTWAIT);
	uint16_t event;
	memcpy(&event, head, sizeof(event));
	if (n == (int)sizeof(head))
		on_event(s, event); /* may free s */
	return true;
}

static bool open_monitor(bus_socket *s)
{
	char name[64];
	bus *owner = s->b->crowd ? s->b->crowd : s->b; /* names are of the context */
	snprintf(
	    name, sizeof(name), "inproc://bus-monitor-%llu", (unsigned long long)owner->monitors++);
	const int events = ZMQ_EVENT_ACCEPTED | ZMQ_EVENT_DISCONNECTED | ZMQ_EVENT_HANDSHAKE_SUCCEEDED |
	                   ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL | ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL |
	                   ZMQ_EVENT_HANDSHAKE_FAILED_AUTH;
	if (zmq_socket_monitor(s->zmq, name, events) != 0)
		return false;
	s->monitor = zmq_socket(s->b->context, ZMQ_PAIR);
	/* No limit: a full pipe would block the I/O thread of libzmq. */
	if (!s->monitor || !set_int(s->monitor, ZMQ_RCVHWM, 0) || !set_int(s->monitor, ZMQ_LINGER, 0) ||
	    zmq_connect(s->monitor, name) != 0)
		return false;
	s->monitor_watch = reactor_add_socket(s->b->r, s->monitor, on_monitor, s);
	return true;
}

/* ---- open and close ---- */

static sot_code attach(bus_socket *s, const bus_socket_config *c, sot_err *err)
{
	int rc = c->bind ? zmq_bind(s->zmq, c->endpoint) : zmq_connect(s->zmq, c->endpoint);
	if (rc != 0)
		return sot_fail(err,
		    errno == EINVAL || errno == EPROTONOSUPPORT ? SOT_INVALID : SOT_UNAVAILABLE,
		    "cannot %s %s (%s): %s", c->bind ? "listen on" : "connect to", c->endpoint, c->name,
		    zmq_strerror(errno));
	size_t size = sizeof(s->endpoint);
	if (c->bind)
		return zmq_getsockopt(s->zmq, ZMQ_LAST_ENDPOINT, s->endpoint, &size) == 0
		           ? SOT_OK
		           : sot_fail(err, SOT_INTERNAL, "%s has no endpoint", c->name);
	return sot_str_copy(sot_str_c(c->endpoint), s->endpoint, sizeof(s->endpoint), err);
}

static sot_code open_socket(bus_socket *s, const bus_socket_config *c, sot_err *err)
{
	bus *b = s->b;
	s->zmq = zmq_socket(b->context, c->type);
	if (!s->zmq)
		return sot_fail(
		    err, SOT_UNAVAILABLE, "cannot make the socket %s: %s", c->name, zmq_strerror(errno));
	if (!set_common(b, s->zmq, c->type) || !set_curve(b, s->zmq, c) || !set_type_options(s->zmq, c))
		return sot_fail(err, SOT_INVALID, "cannot set the options or keys of the socket %s: %s",
		    c->name, zmq_strerror(errno));
	if (!open_monitor(s))
		return sot_fail(
		    err, SOT_UNAVAILABLE, "cannot watch the socket %s: %s", c->name, zmq_strerror(errno));
	return attach(s, c, err);
}

sot_code bus_socket_open(
    bus *b, const bus_socket_config *c, void *self, bus_socket *s, sot_err *err)
{
	*s = (bus_socket){.b = b,
	    .destroy = c->destroy,
	    .on_up = c->on_up,
	    .bound = c->bind,
	    .redial_ms = REDIAL_FIRST_MS,
	    .labels = bus_labels(c->name)};
	s->metrics = metrics_of(s->labels);
	sot_list_push(&b->sockets, &s->link);
	sot_code code = open_socket(s, c, err);
	if (code != SOT_OK) {
		bus_socket_close(s);
		return code;
	}
	if (!c->bind)
		s->redial = reactor_after_ms(b->r, jittered(s, REDIAL_PATIENCE_MS), on_redial, s);
	if (c->on_readable)
		s->watch = reactor_add_socket(b->r, s->zmq, c->on_readable, self);
	return SOT_OK;
}

void bus_socket_close(bus_socket *s)
{
	s->watch = reactor_remove(s->watch);
	s->monitor_watch = reactor_remove(s->monitor_watch);
	s->redial = reactor_remove(s->redial);
	if (s->zmq) {
		zmq_socket_monitor(s->zmq, NULL, 0);
		zmq_close(s->zmq);
	}
	if (s->monitor)
		zmq_close(s->monitor);
	s->zmq = s->monitor = NULL;
	sot_list_remove(&s->link);
	sot_metric_set(s->metrics.connections, 0);
}

/* ---- sending ---- */

sot_code bus_check_frame(const bus_socket *s, sot_str frame, sot_err *err)
{
	if (frame.n > SOT_WIRE_FRAME_MAX)
		return sot_fail(err, SOT_INVALID, "a message of %zu bytes on %s: the most is %u", frame.n,
		    s->labels, SOT_WIRE_FRAME_MAX);
	return SOT_OK;
}

static int send_parts(bus_socket *s, const sot_str *heads, size_t count, sot_str frame)
{
	for (size_t i = 0; i < count; i++)
		if (zmq_send(s->zmq, heads[i].p, heads[i].n, ZMQ_DONTWAIT | ZMQ_SNDMORE) < 0)
			return errno;
	return zmq_send(s->zmq, frame.p, frame.n, ZMQ_DONTWAIT) < 0 ? errno : 0;
}

int bus_socket_send(bus_socket *s, const sot_str *heads, size_t count, sot_str frame)
{
	int failed = send_parts(s, heads, count, frame);
	if (failed == EAGAIN) {
		/* libzmq looks for new connections at most once a millisecond while it sends; asking for
		 * the events makes it look now. Only the first part can fail, so nothing is half sent. */
		int events;
		size_t size = sizeof(events);
		(void)zmq_getsockopt(s->zmq, ZMQ_EVENTS, &events, &size);
		failed = send_parts(s, heads, count, frame);
	}
	reactor_touched(s->watch);
	if (failed == EHOSTUNREACH)
		sot_metric_add(s->metrics.unroutable, 1);
	else if (failed)
		sot_metric_add(s->metrics.full, 1);
	else
		sot_metric_add(s->metrics.sent, 1);
	return failed;
}

/* ---- receiving ---- */

bus_received bus_receive(bus_socket *s, size_t parts, bus_message *m)
{
	m->count = 0;
	size_t came = 0;
	bool more = true;
	while (more) {
		zmq_msg_t surplus;
		zmq_msg_t *part = m->count < parts ? &m->parts[m->count] : &surplus;
		zmq_msg_init(part);
		if (zmq_msg_recv(part, s->zmq, ZMQ_DONTWAIT) < 0) {
			zmq_msg_close(part);
			return BUS_NOTHING; /* the parts of a message come all at once */
		}
		came++;
		more = zmq_msg_more(part) != 0;
		if (part == &surplus) {
			zmq_msg_close(part);
		} else {
			m->count++;
		}
	}
	sot_metric_add(s->metrics.received, 1);
	if (came == parts)
		return BUS_WHOLE;
	sot_metric_add(s->metrics.malformed, 1);
	return BUS_MALFORMED;
}

void bus_message_clear(bus_message *m)
{
	while (m->count > 0)
		zmq_msg_close(&m->parts[--m->count]);
}

sot_str bus_part(bus_message *m, size_t i)
{
	return (sot_str){zmq_msg_data(&m->parts[i]), zmq_msg_size(&m->parts[i])};
}

const char *bus_sender(bus_socket *s, bus_message *m)
{
	const char *key = zmq_msg_gets(&m->parts[m->count - 1], BUS_KEY_PROPERTY);
	const allowed_peer *peer = bus_find_key(s->b, key);
	if (!peer)
		sot_metric_add(s->metrics.revoked, 1);
	return peer ? peer->identity : NULL;
}
