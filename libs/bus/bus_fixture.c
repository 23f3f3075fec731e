#include "bus_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

/* Only a hang reaches it. */

small_frame frame_of(uint64_t request_id)
{
	small_frame f = {{(char)0x93, 1, 7, (char)0xcf}};
	for (int i = 0; i < 8; i++)
		f.bytes[4 + i] = (char)(request_id >> (56 - 8 * i));
	return f;
}

sot_str frame_str(const small_frame *f)
{
	return (sot_str){f->bytes, sizeof(f->bytes)};
}

int fixture_setup(void **state)
{
	fixture *f = sot_alloc(sizeof(*f));
	sot_err err;
	assert_int_equal(reactor_new(&f->r, &err), SOT_OK);
	assert_int_equal(bus_keypair_make(&f->server_keys, &err), SOT_OK);
	assert_int_equal(bus_keypair_make(&f->client_keys, &err), SOT_OK);
	assert_int_equal(bus_new(f->r, &f->server_keys, &f->server_bus, &err), SOT_OK);
	assert_int_equal(bus_new(f->r, &f->client_keys, &f->client_bus, &err), SOT_OK);
	bus_allow(f->server_bus, f->client_keys.public_key, "host:one");
	*state = f;
	return 0;
}

int fixture_teardown(void **state)
{
	fixture *f = *state;
	f->client_bus = bus_free(f->client_bus); /* frees what is open on it */
	f->server_bus = bus_free(f->server_bus);
	reactor_free(f->r);
	free(f);
	return 0;
}

void await(fixture *f, bool (*condition)(const fixture *f))
{
	sot_mono until = sot_mono_add_ms(sot_mono_now(), HANG_MS);
	while (!condition(f)) {
		assert_false(sot_mono_reached(sot_mono_now(), until));
		reactor_turn(f->r, 100);
	}
}

static void on_request(void *self, const bus_peer *from, sot_str frame)
{
	fixture *f = self;
	f->requests++;
	f->last_peer = *from;
	small_frame push = frame_of(42);
	if (f->behaviour == ANSWER_AND_PUSH)
		assert_int_equal(bus_send(f->server, from, frame_str(&push), NULL), SOT_OK);
	int answers = f->behaviour == STAY_SILENT ? 0 : f->behaviour == ANSWER_TWICE ? 2 : 1;
	while (answers-- > 0)
		assert_int_equal(bus_reply(f->server, from, frame, NULL), SOT_OK);
}

void listen_at(fixture *f, const char *endpoint)
{
	sot_err err = {.text = ""};
	sot_code code = bus_listen(f->server_bus, "server", endpoint, on_request, f, &f->server, &err);
	assert_string_equal(err.text, "");
	assert_int_equal(code, SOT_OK);
}

static void on_push(void *self, sot_str frame)
{
	(void)frame;
	((fixture *)self)->pushes++;
}

static void on_up(void *self, bool up)
{
	fixture *f = self;
	f->ups += up;
	f->downs += !up;
}

void connect_client_to(fixture *f, const char *endpoints)
{
	sot_err err;
	assert_int_equal(bus_connect(f->client_bus, "client", endpoints, f->server_keys.public_key,
	                     on_push, on_up, f, &f->client, &err),
	    SOT_OK);
}

void connect_client(fixture *f)
{
	connect_client_to(f, bus_server_endpoint(f->server));
}

bool is_up(const fixture *f)
{
	return bus_client_is_up(f->client);
}

bool is_answered(const fixture *f)
{
	return f->replies + f->failures > 0;
}

static void on_reply(void *self, sot_code code, sot_str frame, const sot_err *why)
{
	fixture *f = self;
	f->last_code = code;
	f->last_reply_n = frame.n;
	f->replies += code == SOT_OK;
	f->failures += code != SOT_OK;
	if (why)
		f->last_why = *why;
}

void send_request(fixture *f, int64_t deadline_ms)
{
	uint64_t id = bus_next_request_id(f->client_bus);
	small_frame frame = frame_of(id);
	sot_err err;
	assert_int_equal(
	    bus_request(f->client, id, frame_str(&frame), deadline_ms, on_reply, f, &err), SOT_OK);
}

int64_t metric(const char *name, const char *socket_name)
{
	static char labels[16][64]; /* the registry keeps the pointer of labels it does not know yet */
	static size_t used;
	char text[64];
	snprintf(text, sizeof(text), "name=\"%s\"", socket_name);
	size_t i = 0;
	while (i < used && strcmp(labels[i], text) != 0)
		i++;
	if (i == used) {
		assert_true(used < 16);
		memcpy(labels[used++], text, sizeof(text));
	}
	return sot_metric_value(sot_counter(name, labels[i], "test"));
}

raw_peer raw_open(const fixture *f, int type, const char *endpoint, bool curve)
{
	raw_peer p = {.context = zmq_ctx_new()};
	p.socket = zmq_socket(p.context, type);
	int linger = 0, reconnect_ms = 20;
	zmq_setsockopt(p.socket, ZMQ_LINGER, &linger, sizeof(linger));
	zmq_setsockopt(p.socket, ZMQ_RECONNECT_IVL, &reconnect_ms, sizeof(reconnect_ms));
	if (curve) {
		zmq_setsockopt(p.socket, ZMQ_CURVE_SERVERKEY, f->server_keys.public_key, BUS_KEY_TEXT);
		zmq_setsockopt(p.socket, ZMQ_CURVE_PUBLICKEY, f->client_keys.public_key, BUS_KEY_TEXT);
		zmq_setsockopt(p.socket, ZMQ_CURVE_SECRETKEY, f->client_keys.secret_key, BUS_KEY_TEXT);
	}
	assert_int_equal(zmq_connect(p.socket, endpoint), 0);
	return p;
}

raw_peer raw_listen(const fixture *f, char *ret_endpoint, size_t size)
{
	raw_peer p = {.context = zmq_ctx_new()};
	int yes = 1, none = 0;
	p.socket = zmq_socket(p.context, ZMQ_ROUTER);
	zmq_setsockopt(p.socket, ZMQ_LINGER, &none, sizeof(none));
	zmq_setsockopt(p.socket, ZMQ_CURVE_SERVER, &yes, sizeof(yes));
	zmq_setsockopt(p.socket, ZMQ_CURVE_SECRETKEY, f->server_keys.secret_key, BUS_KEY_TEXT);
	assert_int_equal(zmq_bind(p.socket, "tcp://127.0.0.1:*"), 0);
	assert_int_equal(zmq_getsockopt(p.socket, ZMQ_LAST_ENDPOINT, ret_endpoint, &size), 0);
	return p;
}

bool raw_serve(raw_peer *p)
{
	char route[64], frame[4096];
	int route_n = zmq_recv(p->socket, route, sizeof(route), ZMQ_DONTWAIT);
	if (route_n < 0)
		return false;
	int n = zmq_recv(p->socket, frame, sizeof(frame), ZMQ_DONTWAIT);
	assert_in_range(n, 1, sizeof(frame));
	if (sot_wire_precheck((sot_str){frame, (size_t)n}, NULL) != SOT_OK)
		return raw_serve(p);
	assert_int_equal(zmq_send(p->socket, route, (size_t)route_n, ZMQ_SNDMORE), route_n);
	assert_int_equal(zmq_send(p->socket, frame, (size_t)n, 0), n);
	return true;
}

void raw_send(raw_peer *p, const void *bytes, size_t n, bool more)
{
	assert_int_equal(zmq_send(p->socket, bytes, n, ZMQ_DONTWAIT | (more ? ZMQ_SNDMORE : 0)), n);
}

void raw_close(raw_peer *p)
{
	zmq_close(p->socket);
	zmq_ctx_term(p->context);
}
