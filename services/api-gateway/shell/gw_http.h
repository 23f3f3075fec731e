/* gw_http - the seam to the HTTP library (docs/adr/0002-http-library.md): HTTP/1.1 with TLS in the
 * reactor's loop, bodies with ceilings, answers now or later, streams that are pulled.
 *
 * Nothing outside of gw_http*.c knows the library. A request goes through: on_head, then either an
 * answer or a body (read or streamed), then on_body, then an answer, then on_end. Between on_head
 * or on_body and the answer any time may pass: the connection waits without cost.
 * Owner: the reactor's thread.
 */
#ifndef GW_HTTP_H
#define GW_HTTP_H

#include "reactor.h"

typedef struct gw_http gw_http;
typedef struct gw_request gw_request;
typedef struct gw_reply gw_reply;

typedef struct gw_http_events {
	/* The head is complete and passed the header policy. Must lead to exactly one of
	 * gw_request_read_body, gw_request_stream_body, gw_reply_send - now or later. */
	void (*on_head)(void *self, gw_request *q);
	/* The whole body was read or streamed. Must lead to gw_reply_send, now or later. */
	void (*on_body)(void *self, gw_request *q);
	/* The head broke the policy (`why` says how); must send a reply at once. */
	void (*on_refused)(void *self, gw_request *q, const sot_err *why);
	/* The body is larger than its ceiling; must send a reply at once. */
	void (*on_too_large)(void *self, gw_request *q, uint64_t max_bytes);
	/* The request is over, answered or not: release what hangs on it. */
	void (*on_end)(void *self, gw_request *q);
} gw_http_events;

typedef struct gw_http_options {
	const char *listen;             /* "127.0.0.1:7443"; port 0 picks one */
	const char *tls_cert, *tls_key; /* PEM files; both "" for plain HTTP */
	int64_t connections_max, connections_per_address_max;
	int64_t connection_memory_bytes; /* also bounds the size of a request's head */
	int64_t idle_timeout_s;          /* nothing moves on a connection */
	int64_t body_idle_timeout_s;     /* the same while a body is awaited */
	int64_t head_deadline_ms;        /* from the accept to a whole head, however it trickles */
	int64_t pace_bytes_per_s; /* a body or an answer (no stream) that is slower than this for longer
	                             than the idle timeout is cut off */
} gw_http_options;

sot_code gw_http_new(reactor *r, const gw_http_options *options, const gw_http_events *events,
    void *self, gw_http **ret, sot_err *err) SOT_CHECK;
const char *gw_http_address(const gw_http *h); /* "127.0.0.1:7443" */
/* Each connection from now on ends with its next answer ("Connection: close"): its client makes the
 * next one, which a balancer gives to another gateway. */
void gw_http_leave(gw_http *h);
/* Accepts no new connections any more, after those that wait already, and closes the kept ones that
 * rest. Who has just connected is about to ask: a proxy that could not send a request twice would
 * have to fail it, so these have a second for it. */
void gw_http_quiesce(gw_http *h);
size_t gw_http_open_requests(const gw_http *h);
/* After gw_http_quiesce: no request is open, and no connection may bring one. */
bool gw_http_is_drained(const gw_http *h);
/* Ends all requests (on_end is called for each) and closes everything. Returns NULL. */
gw_http *gw_http_free(gw_http *h);
SOT_DEFINE_AUTO(gw_http)

/* ---- a request ---- */
sot_str gw_request_method(const gw_request *q);
sot_str gw_request_path(const gw_request *q);   /* percent-encoded, without the query */
sot_str gw_request_target(const gw_request *q); /* as sent */
/* The empty view when absent. Names are compared without case. */
sot_str gw_request_header(gw_request *q, const char *name);
/* A parameter of the query, still percent-encoded; false when absent. */
bool gw_request_query(gw_request *q, const char *name, sot_str *ret);
const char *gw_request_peer(const gw_request *q); /* "192.0.2.7" */
void gw_request_set_data(gw_request *q, void *data);
void *gw_request_data(const gw_request *q);

/* Collects the body, at most max_bytes; then on_body. */
void gw_request_read_body(gw_request *q, size_t max_bytes);
sot_str gw_request_body(const gw_request *q);
/* Hands the body over piece by piece; then on_body. on_piece may send a reply: the rest of the
 * body is then read and thrown away. */
typedef void (*gw_piece_fn)(void *self, gw_request *q, sot_str piece);
void gw_request_stream_body(gw_request *q, uint64_t max_bytes, gw_piece_fn on_piece, void *self);

/* ---- a reply: made, given headers, sent (which takes it) ---- */
gw_reply *gw_reply_bytes(int status, const char *content_type, sot_str body); /* copies the body */
/* The same without a copy: the bytes must outlive the gateway's HTTP. */
gw_reply *gw_reply_constant(int status, const char *content_type, sot_str body);
/* `count` bytes of fd from `first`; takes the fd. */
gw_reply *gw_reply_file(
    gw_request *q, int status, const char *content_type, int fd, uint64_t first, uint64_t count);
/* A stream: `pull` writes at most n bytes to dst and returns how many; 0: nothing now, the stream
 * sleeps until gw_request_wake; -1: the end; GW_PULL_BROKEN: the connection is
 * closed without one, so that nobody takes what came for the whole. */
#define GW_PULL_BROKEN (-2)
typedef ssize_t (*gw_pull_fn)(void *self, char *dst, size_t n);
gw_reply *gw_reply_stream(int status, const char *content_type, gw_pull_fn pull, void *self);
void gw_reply_header(gw_reply *reply, const char *name, const char *value);
gw_reply *gw_reply_free(gw_reply *reply); /* one that is not sent after all */
void gw_reply_send(gw_request *q, gw_reply **reply_p);
/* The status of the reply that was sent, 0 for none. */
int gw_request_status(const gw_request *q);
/* ---- instead of a reply: the connection becomes the caller's (101, WebSocket) ---- */
/* At the end of this turn `head`, the whole head of the answer, is sent and on_open called. The
 * library does not touch the connection any more: its bytes are read and written here, TLS or not.
 * The request lives until gw_upgraded_close, which must come before gw_http_free. */
typedef struct gw_upgraded gw_upgraded;
typedef void (*gw_upgraded_fn)(void *self, gw_upgraded *u);
void gw_request_upgrade(gw_request *q, sot_str head, gw_upgraded_fn on_open, void *self);
int gw_upgraded_fd(
    const gw_upgraded *u); /* to wait for; TLS may hold bytes that it does not show */
/* Bytes moved, 0: would block, -1: the connection is gone. */
ssize_t gw_upgraded_read(gw_upgraded *u, void *dst, size_t n);
ssize_t gw_upgraded_write(gw_upgraded *u, const void *src, size_t n);
gw_upgraded *gw_upgraded_close(gw_upgraded *u);

void gw_request_wake(gw_request *q); /* of a stream; harmless when it is awake */
SOT_DEFINE_AUTO(gw_reply)

#endif
