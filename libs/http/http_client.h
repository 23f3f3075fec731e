/* http_client - HTTP requests in the loop, over TCP/TLS or a unix socket (libcurl multi_socket).
 *
 * Every request has a deadline, a ceiling for the reply's body and a fixed set of protocols
 * (http, https); redirects are not followed, proxies of the environment are not used. One client
 * per process; connections are pooled, except those made in another network namespace.
 */
#ifndef HTTP_CLIENT_H
#define HTTP_CLIENT_H

#include "reactor.h"

typedef struct http_client http_client;
sot_code http_client_new(reactor *r, http_client **ret, sot_err *err) SOT_CHECK;
/* Open requests are dropped, done is not called. Not inside on_data; inside done it is allowed. */
http_client *http_client_free(http_client *c);

typedef struct http_request {
	const char *method;          /* "GET" ... */
	const char *url;             /* "http://docker/v1.41/containers/json" with unix_socket */
	const char *unix_socket;     /* NULL for TCP */
	const char *ca_file;         /* NULL for the system's */
	const char *const *headers;  /* NULL-terminated "Name: value" list, or NULL */
	sot_str body;                /* copied */
	int64_t deadline_ms;         /* whole request; > 0 */
	int64_t connect_deadline_ms; /* 0: 2000 */
	size_t body_max;             /* ceiling of the reply's body in memory */
	/* When not -1 the body is written there instead of memory (downloads); body_max still holds. */
	int output_fd;
	/* When not -1: the socket is made in this network namespace (an open /proc/<pid>/ns/net). */
	int netns_fd;
	/* Called (with the self of http_client_send) for each piece of a streaming reply instead of
	 * collecting it; NULL = collect. body_max then bounds the sum of all pieces, 0 = no bound. */
	void (*on_data)(void *self, sot_str piece);
} http_request;

typedef struct http_reply {
	/* SOT_OK: a full reply was read (whatever its status). SOT_LIMIT: the body passed body_max.
	 * SOT_DENIED: TLS could not prove the server. SOT_INVALID: the URL. SOT_UNAVAILABLE: other. */
	sot_code code;
	const sot_err *why; /* NULL when SOT_OK */
	int status;
	sot_str body; /* borrowed for the call */
	double total_ms;
} http_reply;

typedef struct http_call http_call;
typedef void (*http_done_fn)(void *self, const http_reply *reply);
/* `done` is called exactly once, never inside this call, unless http_call_cancel. ret may be NULL;
 * the call it gives is valid until `done` or the cancel. Strings of `q` are copied; the fds are
 * borrowed until then. At most 4096 requests are open at once (SOT_LIMIT). */
sot_code http_client_send(http_client *c, const http_request *q, http_done_fn done, void *self,
    http_call **ret, sot_err *err) SOT_CHECK;
/* Allowed everywhere, also inside on_data; after it neither on_data nor done is called. */
void http_call_cancel(http_call *call);

SOT_DEFINE_AUTO(http_client)

#endif
