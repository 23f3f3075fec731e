/* docker - requests to the Docker Engine over its unix socket, each with a deadline. The only
 * module that opens that socket.
 */
#ifndef HOSTAGENT_DOCKER_H
#define HOSTAGENT_DOCKER_H

#include "http_client.h"
#include "sot_calls.h"

typedef struct docker docker;
docker *docker_new(http_client *http, const char *socket_path); /* borrows the client */
/* After the client was freed, with all owners of open calls still there: each open call ends with
 * SOT_UNAVAILABLE, and no new one can begin. */
docker *docker_free(docker *d);
SOT_DEFINE_AUTO(docker)

/* code by what the Engine answered: 2xx and 304 SOT_OK, 404 SOT_NOT_FOUND, 409 SOT_CONFLICT, 400
 * SOT_INVALID, everything else and no answer SOT_UNAVAILABLE; `why` holds the Engine's words.
 * SOT_LIMIT: it answered more than body_max; `body` is the beginning of that. */
typedef struct docker_reply {
	sot_code code;
	const sot_err *why;
	sot_str body;
	double total_ms;
} docker_reply;
typedef void (*docker_done_fn)(void *self, const docker_reply *reply);

typedef struct docker_request {
	const char *method; /* "GET", "POST", "DELETE" */
	const char *path;   /* "/containers/json?all=1", without the version */
	sot_str body;       /* JSON, or empty */
	int64_t deadline_ms;
	size_t body_max; /* 0: 1 MiB */
} docker_request;
/* `done` is called exactly once, never inside this call. */
sot_code docker_send(
    docker *d, const docker_request *q, docker_done_fn done, void *self, sot_err *err) SOT_CHECK;

/* Calls since they were cleared, by the names of core/docker_call.h: to be told and cleared by the
 * caller. The stream of events is none; an answer that something is not there, or is already as
 * wanted, is not a failure. */
sot_calls *docker_calls(docker *d);

/* The stream of the Engine's container events of this platform; `piece` for each bytes that come,
 * `done` when it ends. At most one at a time. */
sot_code docker_follow_events(docker *d, void (*piece)(void *self, sot_str bytes),
    docker_done_fn done, void *self, sot_err *err) SOT_CHECK;

#endif
