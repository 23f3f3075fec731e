/* bus_fixture - for the tests of libs/bus: a server's and a client's bus on one reactor, talking
 * CURVE over TCP on loopback, a raw ZeroMQ peer that does not keep the rules, and small frames.
 */
#ifndef BUS_FIXTURE_H
#define BUS_FIXTURE_H

#include "bus.h"
#include "sot_metrics.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

typedef struct fixture {
	reactor *r;
	bus_keypair server_keys, client_keys;
	bus *server_bus, *client_bus;
	bus_server *server;
	bus_client *client;
	/* what the server saw */
	int requests;
	bus_peer last_peer;
	enum { ANSWER_ONCE, ANSWER_TWICE, ANSWER_AND_PUSH, STAY_SILENT } behaviour;
	/* what the client saw */
	int replies, failures, pushes, ups, downs;
	sot_code last_code;
	sot_err last_why;
	size_t last_reply_n;
} fixture;

typedef struct small_frame {
	char bytes[12];
} small_frame;

/* [1, 7, request_id] */
small_frame frame_of(uint64_t request_id);
sot_str frame_str(const small_frame *f);

enum { HANG_MS = 60000 }; /* what has not happened by then never will */

int fixture_setup(void **state);
int fixture_teardown(void **state);
/* Turns the loop until the condition holds; fails the test when it never does. */
void await(fixture *f, bool (*condition)(const fixture *f));
void listen_at(fixture *f, const char *endpoint);
void connect_client_to(fixture *f, const char *endpoints);
void connect_client(fixture *f); /* to where the server listens; does not wait */
bool is_up(const fixture *f);
bool is_answered(const fixture *f); /* one reply or failure more than none */
void send_request(fixture *f, int64_t deadline_ms);
int64_t metric(const char *name, const char *socket_name);

/* A peer with the client's key, straight on libzmq. With curve = false: without any key. */
typedef struct raw_peer {
	void *context, *socket;
} raw_peer;
raw_peer raw_open(const fixture *f, int type, const char *endpoint, bool curve);
/* A server with the server's key that knows nothing but frames. */
raw_peer raw_listen(const fixture *f, char *ret_endpoint, size_t size);
/* Sends back a frame that has come; what is no msgpack is dropped. False when nothing was there. */
bool raw_serve(raw_peer *p);
void raw_send(raw_peer *p, const void *bytes, size_t n, bool more);
void raw_close(raw_peer *p);

#endif
