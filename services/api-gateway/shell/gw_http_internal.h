/* What gw_http.c (the daemon) and gw_http_request.c (one request) share. */
#ifndef GW_HTTP_INTERNAL_H
#define GW_HTTP_INTERNAL_H

#include "gw_http.h"
#include "sot_map.h"
#include "sot_metrics.h"

#include <gnutls/gnutls.h>
#include <microhttpd.h>

/* Bodies of refused requests are read and thrown away up to this size, so that the client gets to
 * read the refusal; a longer one is cut off. */
#define GW_HTTP_DRAIN_MAX (16u * 1024 * 1024)
#define GW_HTTP_TARGET_MAX 4096

struct gw_http {
	reactor *loop;
	struct MHD_Daemon *daemon;
	reactor_watch *readable, *timer, *sweep;
	int64_t head_deadline_ms;
	unsigned idle_timeout_s, body_idle_timeout_s;
	sot_link heads; /* gw_connection: whose next request's head is not complete */
	int64_t pace_bytes_per_s;
	sot_metric *slow_heads, *slow_bodies, *slow_answers, *rests;
	gw_http_events events;
	void *self;
	sot_link requests;
	size_t open;
	uint64_t calls; /* by the library, for and of bytes of requests and answers */
	bool run_scheduled, running, leaving, quiet, ending;
	char address[64];
	char *cert, *key;
};

/* One TCP connection: by when it must have sent a whole head. */
typedef struct gw_connection {
	sot_link link;              /* in heads while awaits_head */
	bool awaits_head, has_line; /* has_line: a request has begun on it */
	bool is_kept;               /* one was answered on it */
	sot_mono deadline;
	int fd; /* the library's */
} gw_connection;

typedef enum gw_phase { PHASE_HEAD, PHASE_BODY, PHASE_DRAIN, PHASE_WAIT, PHASE_SENT } gw_phase;

struct gw_request {
	sot_link link;
	gw_http *http;
	struct MHD_Connection *connection;
	gw_phase phase;
	bool suspended, decided, expects_continue, has_body;
	char *target; /* as sent */
	sot_str method, path;
	char peer[64];
	void *data;
	sot_buf body;
	uint64_t body_max, body_bytes, declared_bytes;
	gw_piece_fn on_piece;
	void *piece_self;
	/* How slowly it moves: whole seconds of this body or this answer, and what has moved in them.
	 * An answer of known size counts as moved from the beginning. */
	uint64_t pace_s, moved_bytes;
	gw_reply *reply;
	gw_upgraded *upgraded; /* NULL: answered as usual */
	bool is_over;          /* it was given away, and is given back to be closed */
};

struct gw_reply {
	int status;
	struct MHD_Response *response;
	gw_pull_fn pull; /* a stream: it may rest as long as it likes */
	void *pull_self;
	uint64_t size_bytes; /* of an answer in memory */
	gw_request *request; /* of a stream, once it is sent */
};

/* A connection that was given away: suspended for the library until it is closed. */
struct gw_upgraded {
	gw_request *request;
	gnutls_session_t tls; /* NULL: plain */
	int fd;
	gw_upgraded_fn on_open;
	void *self;
	char *head;
};

/* Runs the library once at the end of this turn. */
void gw_http_schedule(gw_http *h);
/* The head of the connection's request is complete: its deadline is met. */
void gw_http_head_complete(struct MHD_Connection *connection);
/* Called once a second: true when its client is slower than anybody needs to be. Counted by calls,
 * so that a gateway that stood still blames nobody. */
bool gw_request_is_slow(gw_request *q);
/* Lets a suspended request go on. */
void gw_http_resume(gw_request *q);
gw_request *gw_request_new(gw_http *h, struct MHD_Connection *connection, const char *target);
gw_request *gw_request_free(gw_request *q);
/* The library's access handler, once the request object exists. */
enum MHD_Result gw_request_step(
    gw_request *q, const char *method, const char *version, const char *data, size_t *size);

#endif
