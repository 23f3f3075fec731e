/* http_client - HTTP requests in the loop, over TCP/TLS or a unix socket (libcurl multi_socket).
 *
 * Every request has a deadline, a ceiling for the reply's body and a fixed set of protocols
 * (http, https); redirects are not followed. One client per process; connections are pooled.
 */
#ifndef HTTP_CLIENT_H
#define HTTP_CLIENT_H

#include "reactor.h"

typedef struct http_client http_client;
sot_code http_client_new(reactor *r, http_client **ret, sot_err *err) SOT_CHECK;
http_client *http_client_free(http_client *c); /* open requests are dropped, done is not called */

typedef struct http_request {
	const char *method;      /* "GET" ... */
	const char *url;         /* "http://docker/v1.41/containers/json" with unix_socket */
	const char *unix_socket; /* NULL for TCP */
	const char *ca_file;     /* NULL for the system's */
	const char *const *headers; /* NULL-terminated "Name: value" list, or NULL */
	sot_str body;            /* copied */
	int64_t deadline_ms;     /* whole request */
	int64_t connect_deadline_ms; /* 0: 2000 */
	size_t body_max;         /* ceiling of the reply's body in memory */
	/* When not -1 the body is written there instead of memory (downloads); body_max still holds. */
	int output_fd;
	/* When not -1: the socket is made in this network namespace (an open /proc/<pid>/ns/net). */
	int netns_fd;
	/* Called for each piece of a streaming reply instead of collecting it; NULL = collect. */
	void (*on_data)(void *self, sot_str piece);
} http_request;

typedef struct http_reply {
	sot_code code;   /* SOT_OK: a full reply was read (whatever its status) */
	const sot_err *why;
	int status;
	sot_str body;    /* borrowed for the call */
	double total_ms;
} http_reply;

typedef struct http_call http_call;
typedef void (*http_done_fn)(void *self, const http_reply *reply);
/* `done` is called exactly once, never inside this call, unless http_call_cancel. ret may be NULL. */
sot_code http_client_send(http_client *c, const http_request *q, http_done_fn done, void *self,
	http_call **ret, sot_err *err) SOT_CHECK;
void http_call_cancel(http_call *call);

SOT_DEFINE_AUTO(http_client)

#endif
