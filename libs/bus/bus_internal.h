/* bus_internal - what the files of libs/bus share. Not for users of the library.
 *
 * bus_socket is the part that servers, clients, publishers and subscribers have in common: one
 * ZeroMQ socket with every option set, its monitor, and the care for its connection.
 */
#ifndef BUS_INTERNAL_H
#define BUS_INTERNAL_H

#include "bus.h"
#include "sot_index.h"
#include "sot_map.h"
#include "sot_metrics.h"
#include "sot_rand.h"

#include <zmq.h>

enum {
	BUS_ENDPOINT_MAX = 256,
	BUS_LINGER_MS = 1000,
	/* A CURVE message is longer than what it carries: 8 command, 8 nonce, 16 MAC, 1 flags. */
	BUS_CURVE_OVERHEAD = 33,
};

typedef struct bus_socket bus_socket;

struct bus {
	reactor *r;
	void *context;
	bus *crowd; /* whose context it is; NULL: its own */
	bus_keypair keys;
	sot_index *by_key;      /* allowed_peer */
	sot_index *by_identity; /* allowed_peer: of those with one identity who was added last */
	sot_link allowed;       /* all of them, owned */
	void *zap_socket;
	reactor_watch *zap_watch;
	sot_link sockets;
	sot_rand rand; /* jitter only */
	uint64_t first_request_id, next_request_id;
	uint64_t monitors; /* for their names */
	sot_metric *zap_allowed, *zap_refused;
};

typedef struct allowed_peer {
	sot_link all; /* in bus.allowed */
	char key[BUS_KEY_TEXT];
	char identity[];
} allowed_peer;

/* Metrics that every socket has, labelled with its name. */
typedef struct bus_socket_metrics {
	sot_metric *received, *sent, *malformed, *revoked, *unroutable, *full;
	sot_metric *connections, *handshakes_failed, *disconnects;
} bus_socket_metrics;

struct bus_socket {
	sot_link link;
	bus *b;
	void (*destroy)(bus_socket *s); /* frees the object around; called by bus_free */
	void *zmq;
	reactor_watch *watch;
	void *monitor;
	reactor_watch *monitor_watch;
	reactor_watch *redial; /* NULL for a listening socket */
	int64_t redial_ms;     /* the next pause */
	bool up, bound;
	void (*on_up)(bus_socket *s, bool up); /* may be NULL */
	char endpoint[BUS_ENDPOINT_MAX];
	const char *labels; /* name="..." for metrics, lives for ever */
	bus_socket_metrics metrics;
};

typedef struct bus_socket_config {
	int type; /* ZMQ_ROUTER ... */
	const char *name, *endpoint;
	bool bind;
	const char *server_key;        /* when connecting */
	sot_str topic_prefix;          /* ZMQ_SUB only */
	reactor_socket_fn on_readable; /* NULL for a socket that only sends */
	void (*on_up)(bus_socket *s, bool up);
	void (*destroy)(bus_socket *s);
} bus_socket_config;

/* The one constructor: options, CURVE, monitor, bind or connect. `self` gets the messages.
 * On failure `s` needs no close. */
sot_code bus_socket_open(
    bus *b, const bus_socket_config *config, void *self, bus_socket *s, sot_err *err) SOT_CHECK;
void bus_socket_close(bus_socket *s);
/* Sends `frame` behind `count` head frames, never blocking. 0 or an errno (EAGAIN, EHOSTUNREACH).
 */
int bus_socket_send(bus_socket *s, const sot_str *heads, size_t count, sot_str frame);
/* SOT_INVALID when a frame is too large to send. */
sot_code bus_check_frame(const bus_socket *s, sot_str frame, sot_err *err) SOT_CHECK;
/* A label string `name="..."` that lives as long as the process. */
const char *bus_labels(const char *name);

enum { BUS_PARTS_MAX = 3 };
typedef struct bus_message {
	zmq_msg_t parts[BUS_PARTS_MAX];
	size_t count; /* parts received and kept */
} bus_message;
typedef enum bus_received { BUS_NOTHING, BUS_MALFORMED, BUS_WHOLE } bus_received;
/* Receives one message. BUS_WHOLE: it had exactly `parts` parts; else it is counted as malformed.
 * The caller calls bus_message_clear in any case. */
bus_received bus_receive(bus_socket *s, size_t parts, bus_message *m);
void bus_message_clear(bus_message *m);
sot_str bus_part(bus_message *m, size_t i);
/* The identity of who sent it, by the key of its connection; NULL when it is not (or no longer)
 * allowed, which is counted. */
const char *bus_sender(bus_socket *s, bus_message *m);

const allowed_peer *bus_find_key(const bus *b, const char *key);
bool bus_identity_is_allowed(const bus *b, const char *identity);

sot_code bus_zap_open(bus *b, sot_err *err) SOT_CHECK;
void bus_zap_close(bus *b);
/* How the ZAP handler hands the peer's key to every message of the connection. */
#define BUS_KEY_PROPERTY "X-Sotalia-Key"

#endif
