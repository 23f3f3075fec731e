/* bus - messages between Sotalia's processes: ZeroMQ with every limit and time-out set, CURVE on
 * every socket, identities from keys.
 *
 * - Requests travel DEALER -> ROUTER with a request id, a deadline and bounded retries; servers are
 *   idempotent. PUB/SUB carries hints and reports, each with a publisher id and a sequence, so that
 *   a subscriber sees a gap.
 * - A peer's identity is the name that the key store knows for its CURVE public key (ZAP User-Id,
 *   RFC 27), never its routing id: "svc:scheduler", "svc:gateway", "host:<uuid>". Unknown keys are
 *   refused at the handshake; a revoked key is refused at every message.
 * - Frames larger than SOT_WIRE_FRAME_MAX drop the peer. Malformed frames are counted and dropped.
 * Owner: the reactor's thread. Libraries: libzmq 4.3, czmq (zcert for key files only).
 */
#ifndef BUS_H
#define BUS_H

#include "reactor.h"
#include "sot_wire.h"

#define BUS_KEY_TEXT 41 /* Z85 public or secret key with the NUL */
#define BUS_IDENTITY_MAX 64

/* ---- keys ---- */
typedef struct bus_keypair {
	char public_key[BUS_KEY_TEXT], secret_key[BUS_KEY_TEXT];
} bus_keypair;
sot_code bus_keypair_make(bus_keypair *ret, sot_err *err) SOT_CHECK;
/* zcert format (ZPL); the secret file (path + "_secret") is 0400. */
sot_code bus_keypair_load(const char *path, bus_keypair *ret, sot_err *err) SOT_CHECK;
sot_code bus_keypair_save(const char *path, const bus_keypair *keys, sot_err *err) SOT_CHECK;
/* Only the public part: "<dir>/<name>.pub", one Z85 line. */
sot_code bus_public_key_load(
    const char *path, char ret[static BUS_KEY_TEXT], sot_err *err) SOT_CHECK;

/* ---- the bus of a process ---- */
typedef struct bus bus;
/* Starts the ZeroMQ context and the ZAP handler (in the loop, fails closed). `r` is borrowed. */
sot_code bus_new(reactor *r, const bus_keypair *keys, bus **ret, sot_err *err) SOT_CHECK;
/* Sends what is queued for at most the linger time (1 s), closes everything: servers, clients,
 * publishers and subscribers that are still open are freed. Never inside a handler of the bus. */
bus *bus_free(bus *b);
/* The allow list. Adding a known key renames it. Denying cuts at the next message of the peer: what
 * it sends is dropped and counted, bus_send to it says SOT_DENIED, a new connection is refused. A
 * subscriber that is connected already still receives: publish hints, never secrets. */
void bus_allow(bus *b, const char *public_key, const char *identity);
void bus_deny(bus *b, const char *public_key);
/* Every "<dir>/<name>.pub" is allowed as "svc:<name>". */
sot_code bus_allow_services(bus *b, const char *dir, sot_err *err) SOT_CHECK;
SOT_DEFINE_AUTO(bus)
/* For programs that play many peers: a crowd is a context with room for that many connections, and
 * a bus that joins it has a key of its own but no context and no threads. Who joined only connects,
 * and is freed before the crowd. */
sot_code bus_crowd_new(reactor *r, int connections, bus **ret, sot_err *err) SOT_CHECK;
sot_code bus_join(bus *crowd, const bus_keypair *keys, bus **ret, sot_err *err) SOT_CHECK;

/* ---- server: ROUTER ---- */
typedef struct bus_server bus_server;
/* Who sent a frame; valid as long as the server. Copy it to answer later. */
typedef struct bus_peer {
	uint8_t route[64];
	uint8_t route_n;
	bool reads_bundles; /* what it sent came in a bundle: bus_reply may answer with one */
	char identity[BUS_IDENTITY_MAX];
} bus_peer;
/* Whether both are the same connection. */
bool bus_is_same_peer(const bus_peer *a, const bus_peer *b);
/* `frame` is borrowed for the call and has passed sot_wire_precheck. */
typedef void (*bus_server_fn)(void *self, const bus_peer *from, sot_str frame);
/* name: for metrics and logs, e.g. "requests". endpoint: "tcp://127.0.0.1:7201" or "ipc://...";
 * a port 0 or "*" picks one, see bus_server_endpoint. */
sot_code bus_listen(bus *b, const char *name, const char *endpoint, bus_server_fn fn, void *self,
    bus_server **ret, sot_err *err) SOT_CHECK;
const char *bus_server_endpoint(const bus_server *s);
/* SOT_NOT_FOUND when the peer is gone, SOT_LIMIT when its queue is full, SOT_DENIED when its key
 * was revoked (all counted), SOT_INVALID for a frame larger than SOT_WIRE_FRAME_MAX. */
sot_code bus_send(bus_server *s, const bus_peer *to, sot_str frame, sot_err *err);
/* As bus_send, for the one of many answers in a turn: a peer that reads bundles (bus_bundle.h) gets
 * those of a turn as one message, at its end or with bus_server_flush. SOT_OK then says only that
 * it is on its way; what is lost is counted. */
sot_code bus_reply(bus_server *s, const bus_peer *to, sot_str frame, sot_err *err);
/* Sends now what bus_reply has put together: before long work in the same turn. */
void bus_server_flush(bus_server *s);
bus_server *bus_server_free(bus_server *s);

/* ---- client: DEALER ---- */
typedef struct bus_client bus_client;
enum { BUS_ENDPOINTS_MAX = 8 };
/* `endpoints` is one, or several with commas between, of servers with the same key of which one
 * serves at a time, because those that wait do not listen. Frames go to the one whose connection
 * was made last; what is open is sent again when that is another one.
 * Frames that answer no open request (pushes of the server) go to `on_push` (may be NULL).
 * `on_up` (may be NULL) is told when the connection is made, or another one takes its place
 * (true), and when none is left (false). A lost or refused connection is tried again for ever, with
 * a growing, jittered pause. */
typedef void (*bus_push_fn)(void *self, sot_str frame);
typedef void (*bus_up_fn)(void *self, bool up);
sot_code bus_connect(bus *b, const char *name, const char *endpoints, const char *server_public_key,
    bus_push_fn on_push, bus_up_fn on_up, void *self, bus_client **ret, sot_err *err) SOT_CHECK;
bool bus_client_is_up(const bus_client *c);
/* From the next connection on requests of one turn travel as one message, at its end or with
 * bus_client_flush, to a server that reads bundles (bus_bundle.h); to another one, one by one. */
void bus_client_bundle(bus_client *c);
/* Sends now what waits for the end of the turn: before long work in the same turn. */
void bus_client_flush(bus_client *c);
/* Sends without expecting an answer. SOT_UNAVAILABLE when not connected or the queue is full. */
sot_code bus_client_send(bus_client *c, sot_str frame, sot_err *err);
/* A fresh request id of this process: random start, then counting; never 0. */
uint64_t bus_next_request_id(bus *b);
/* `frame` holds request_id as its first field. It is sent now and again after 1/4 of the deadline
 * (doubling), and at once on a new connection, until a frame with that request id comes back or the
 * deadline passes. Later replies to the same id are ignored and counted. `done` is called
 * exactly once, never inside this call: with SOT_OK and the reply's frame, or with SOT_UNAVAILABLE
 * and the reason. At most 10,000 open requests per client (SOT_LIMIT at once, `done` not called).
 */
typedef void (*bus_reply_fn)(void *self, sot_code code, sot_str frame, const sot_err *why);
sot_code bus_request(bus_client *c, uint64_t request_id, sot_str frame, int64_t deadline_ms,
    bus_reply_fn done, void *self, sot_err *err) SOT_CHECK;
/* Forgets all open requests whose self is this; their `done` is not called. */
void bus_client_forget(bus_client *c, void *self);
bus_client *bus_client_free(bus_client *c);

/* ---- publish / subscribe ----
 * On the wire: topic frame, then [publisher id u64, seq u64] as 16 big-endian bytes, then the
 * message frame. The publisher id is random per publisher; seq counts per topic from 1, so that a
 * subscriber of some topics sees no false gaps. A publisher has at most 1024 topics. */
typedef struct bus_publisher bus_publisher;
typedef struct bus_subscriber bus_subscriber;
/* bind = true: listens at endpoint (CURVE server). false: connects to a listening subscriber with
 * that server key (agents dial out). */
sot_code bus_publisher_new(bus *b, const char *name, const char *endpoint, bool bind,
    const char *server_public_key, bus_publisher **ret, sot_err *err) SOT_CHECK;
void bus_publish(bus_publisher *p, sot_str topic, sot_str frame); /* never blocks; drops counted */
const char *bus_publisher_endpoint(const bus_publisher *p);
bus_publisher *bus_publisher_free(bus_publisher *p);
/* gap = how many messages of this publisher were missed just before this one. identity is the
 * publisher's where the subscriber binds, "" where it connects. */
typedef void (*bus_message_fn)(
    void *self, const char *identity, sot_str topic, sot_str frame, uint64_t gap);
sot_code bus_subscriber_new(bus *b, const char *name, const char *endpoint, bool bind,
    const char *server_public_key, sot_str topic_prefix, bus_message_fn fn, void *self,
    bus_subscriber **ret, sot_err *err) SOT_CHECK;
const char *bus_subscriber_endpoint(const bus_subscriber *s);
bus_subscriber *bus_subscriber_free(bus_subscriber *s);

#endif
