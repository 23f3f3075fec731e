/* The server's side of requests: a ROUTER that knows its peers by their keys. */
#include "bus_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct bus_server {
	bus_socket socket;
	bus_server_fn fn;
	void *self;
};

static bool on_request(void *self, void *zmq)
{
	(void)zmq;
	bus_server *s = self;
	bus_message m;
	bus_peer from = {.route_n = 0};
	const char *identity = NULL;
	bus_received received = bus_receive(&s->socket, 2, &m);
	bool ok = received == BUS_WHOLE;
	if (ok) {
		identity = bus_sender(&s->socket, &m);
		sot_str route = bus_part(&m, 0);
		/* A peer may choose its routing id; libzmq's own ones have 5 bytes. */
		ok = identity && route.n <= sizeof(from.route) &&
		     sot_wire_precheck(bus_part(&m, 1), NULL) == SOT_OK;
		if (identity && !ok)
			sot_metric_add(s->socket.metrics.malformed, 1);
		if (ok) {
			memcpy(from.route, route.p, route.n);
			from.route_n = (uint8_t)route.n;
			memcpy(from.identity, identity, strlen(identity) + 1);
		}
	}
	if (ok)
		s->fn(s->self, &from, bus_part(&m, 1)); /* may free s */
	bus_message_clear(&m);
	return received != BUS_NOTHING;
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

sot_code bus_send(bus_server *s, const bus_peer *to, sot_str frame, sot_err *err)
{
	sot_code code = bus_check_frame(&s->socket, frame, err);
	if (code != SOT_OK)
		return code;
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

bus_server *bus_server_free(bus_server *s)
{
	if (!s)
		return NULL;
	bus_socket_close(&s->socket);
	free(s);
	return NULL;
}
