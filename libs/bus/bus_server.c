/* The server's side of requests: a ROUTER that knows its peers by their keys. */
#include "bus_bundle.h"
#include "bus_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct bus_server {
	bus_socket socket;
	bus_server_fn fn;
	void *self;
	sot_buf bundle; /* answers of this turn to one peer, or empty */
	bus_peer bundle_to;
	bool *is_freed; /* set when it is freed inside its handler */
};

/* A peer may choose its routing id; libzmq's own ones have 5 bytes. */
static bool read_peer(bus_server *s, bus_message *m, bus_peer *ret)
{
	const char *identity = bus_sender(&s->socket, m);
	sot_str route = bus_part(m, 0);

	if (!identity)
		return false;
	if (route.n > sizeof(ret->route)) {
		sot_metric_add(s->socket.metrics.malformed, 1);
		return false;
	}
	memcpy(ret->route, route.p, route.n);
	ret->route_n = (uint8_t)route.n;
	memcpy(ret->identity, identity, strlen(identity) + 1);
	return true;
}

static void take_frame(bus_server *s, const bus_peer *from, sot_str frame)
{
	if (sot_wire_precheck(frame, NULL) == SOT_OK)
		s->fn(s->self, from, frame); /* may free s */
	else
		sot_metric_add(s->socket.metrics.malformed, 1);
}

static void say_bundles_are_read(bus_server *s, const bus_peer *to)
{
	const sot_str route = {(const char *)to->route, to->route_n};
	SOT_AUTO_BUF none = {0};

	sot_buf_init(&none, BUS_BUNDLE_MAX);
	bus_bundle_begin(&none);
	(void)bus_socket_send(&s->socket, &route, 1, sot_buf_str(&none));
}

static void take_bundle(bus_server *s, bus_peer *from, sot_str bundle)
{
	sot_str rest = {bundle.p + BUS_BUNDLE_HEAD, bundle.n - BUS_BUNDLE_HEAD}, frame;
	bool is_freed = false;

	if (!bus_bundle_check(bundle)) {
		sot_metric_add(s->socket.metrics.malformed, 1);
		return;
	}
	if (rest.n == 0)
		say_bundles_are_read(s, from);
	from->reads_bundles = true;
	s->is_freed = &is_freed;
	while (!is_freed && bus_bundle_next(&rest, &frame))
		take_frame(s, from, frame);
	if (!is_freed)
		s->is_freed = NULL;
}

static bool on_request(void *self, void *zmq)
{
	(void)zmq;
	bus_server *s = self;
	bus_message m;
	bus_peer from = {.route_n = 0};
	bus_received received = bus_receive(&s->socket, 2, &m);
	if (received == BUS_WHOLE && read_peer(s, &m, &from)) {
		if (bus_bundle_is(bus_part(&m, 1)))
			take_bundle(s, &from, bus_part(&m, 1));
		else
			take_frame(s, &from, bus_part(&m, 1));
	}
	bus_message_clear(&m);
	return received != BUS_NOTHING;
}

static void on_turn_end(void *self)
{
	bus_server_flush(self);
}

static void destroy(bus_socket *socket)
{
	bus_server_free(SOT_CONTAINER(socket, bus_server, socket));
}

sot_code bus_listen(bus *b, const char *name, const char *endpoint, bus_server_fn fn, void *self,
    bus_server **ret, sot_err *err)
{
	bus_server *s = sot_alloc(sizeof(*s));
	s->fn = fn;
	s->self = self;
	sot_buf_init(&s->bundle, BUS_BUNDLE_MAX);
	const bus_socket_config config = {.type = ZMQ_ROUTER,
	    .name = name,
	    .endpoint = endpoint,
	    .bind = true,
	    .on_readable = on_request,
	    .destroy = destroy};
	sot_code code = bus_socket_open(b, &config, s, &s->socket, err);
	if (code != SOT_OK) {
		free(s);
		return code;
	}
	*ret = s;
	return SOT_OK;
}

const char *bus_server_endpoint(const bus_server *s)
{
	return s->socket.endpoint;
}

static sot_code send_now(bus_server *s, const bus_peer *to, sot_str frame, sot_err *err)
{
	if (!bus_identity_is_allowed(s->socket.b, to->identity)) {
		sot_metric_add(s->socket.metrics.revoked, 1);
		return sot_fail(err, SOT_DENIED, "the key of %s was revoked", to->identity);
	}
	const sot_str route = {(const char *)to->route, to->route_n};
	switch (bus_socket_send(&s->socket, &route, 1, frame)) {
	case 0:
		return SOT_OK;
	case EHOSTUNREACH:
		return sot_fail(err, SOT_NOT_FOUND, "%s is not connected any more", to->identity);
	default:
		return sot_fail(err, SOT_LIMIT, "the queue to %s is full", to->identity);
	}
}

void bus_server_flush(bus_server *s)
{
	if (s->bundle.n == 0)
		return;
	(void)send_now(s, &s->bundle_to, sot_buf_str(&s->bundle), NULL);
	sot_buf_reset(&s->bundle);
	reactor_undefer(s->socket.b->r, s);
}

sot_code bus_send(bus_server *s, const bus_peer *to, sot_str frame, sot_err *err)
{
	sot_code code = bus_check_frame(&s->socket, frame, err);
	if (code != SOT_OK)
		return code;
	bus_server_flush(s); /* what was said before comes before */
	return send_now(s, to, frame, err);
}

bool bus_is_same_peer(const bus_peer *a, const bus_peer *b)
{
	return a->route_n == b->route_n && memcmp(a->route, b->route, a->route_n) == 0;
}

sot_code bus_reply(bus_server *s, const bus_peer *to, sot_str frame, sot_err *err)
{
	if (s->bundle.n > 0 &&
	    (!bus_is_same_peer(&s->bundle_to, to) || !bus_bundle_has_room(&s->bundle, frame.n)))
		bus_server_flush(s);
	if (!to->reads_bundles || !bus_bundle_has_room(&s->bundle, frame.n + BUS_BUNDLE_HEAD))
		return bus_send(s, to, frame, err);
	if (s->bundle.n == 0) {
		bus_bundle_begin(&s->bundle);
		s->bundle_to = *to;
		reactor_defer(s->socket.b->r, on_turn_end, s);
	}
	bus_bundle_add(&s->bundle, frame);
	return SOT_OK;
}

bus_server *bus_server_free(bus_server *s)
{
	if (!s)
		return NULL;
	bus_server_flush(s);
	if (s->is_freed)
		*s->is_freed = true;
	bus_socket_close(&s->socket);
	sot_buf_clear(&s->bundle);
	free(s);
	return NULL;
}
