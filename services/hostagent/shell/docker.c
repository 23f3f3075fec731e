#include "docker.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sot_map.h"

enum {
	URL_MAX = 1024,
	BODY_MAX = 1024 * 1024,
	/* The stream of events is taken up anew now and then: a peer that hung up unseen costs no more.
	 */
	EVENTS_DEADLINE_MS = 600000
};

struct docker {
	http_client *http;
	char *socket_path;
	sot_link open; /* calls under way */
	bool closing;
};

typedef struct call {
	sot_link link;
	docker_done_fn done;
	void (*piece)(void *self, sot_str bytes);
	void *self;
	char what[96];
} call;

docker *docker_new(http_client *http, const char *socket_path)
{
	docker *d = sot_alloc(sizeof(*d));
	d->http = http;
	d->socket_path = sot_strdup(socket_path);
	sot_list_init(&d->open);
	return d;
}

docker *docker_free(docker *d)
{
	sot_err err = {0};
	docker_reply answer = {.why = &err};
	if (!d)
		return NULL;
	d->closing = true;
	answer.code = sot_fail(&err, SOT_UNAVAILABLE, "the agent ends");
	while (!sot_list_empty(&d->open)) {
		call *c = SOT_CONTAINER(d->open.next, call, link);
		sot_list_remove(&c->link);
		c->done(c->self, &answer);
		free(c);
	}
	free(d->socket_path);
	free(d);
	return NULL;
}

static sot_code code_of_status(int status)
{
	if ((status >= 200 && status < 300) || status == 304)
		return SOT_OK;
	if (status == 404)
		return SOT_NOT_FOUND;
	if (status == 409)
		return SOT_CONFLICT;
	return status == 400 ? SOT_INVALID : SOT_UNAVAILABLE;
}

/* What runc says comes behind the names of all who passed it on; there is no room for both. */
static const char *without_names(const char *words)
{
	static const char *const last[] = {
	    "runc create failed: ", "unable to start container process: ",
	    "error during container init: ", "error running hook: "};
	for (size_t i = 0; i < sizeof(last) / sizeof(last[0]); i++) {
		const char *at = strstr(words, last[i]);
		words = at ? at + strlen(last[i]) : words;
	}
	return words;
}

/* The Engine's refusals are {"message": "..."}. */
static void explain(const call *c, const http_reply *reply, sot_code code, sot_err *err)
{
	json_t *object = json_loadb(reply->body.p ? reply->body.p : "", reply->body.n, 0, NULL);
	const char *words = json_string_value(json_object_get(object, "message"));
	sot_fail(
	    err, code, "Docker: %s: %d %s", c->what, reply->status, words ? without_names(words) : "");
	json_decref(object);
}

static void on_done(void *self, const http_reply *reply)
{
	call *c = self;
	sot_err err = {0};
	sot_list_remove(&c->link);
	docker_reply answer = {.body = reply->body, .total_ms = reply->total_ms, .why = &err};
	if (reply->code != SOT_OK) {
		answer.code = sot_fail(
		    &err, SOT_UNAVAILABLE, "Docker: %s: %s", c->what, reply->why ? reply->why->text : "");
	} else {
		answer.code = code_of_status(reply->status);
		if (answer.code != SOT_OK)
			explain(c, reply, answer.code, &err);
	}
	c->done(c->self, &answer);
	free(c);
}

static void on_piece(void *self, sot_str bytes)
{
	call *c = self;
	c->piece(c->self, bytes);
}

static sot_code send_call(docker *d, const docker_request *q, call *c, sot_err *err)
{
	static const char *const headers[] = {"Content-Type: application/json", NULL};
	char url[URL_MAX];
	sot_list_init(&c->link);
	if (d->closing) {
		free(c);
		return sot_fail(err, SOT_UNAVAILABLE, "the agent ends");
	}
	int n = snprintf(url, sizeof(url), "http://docker/v1.41%s", q->path);
	if (n < 0 || (size_t)n >= sizeof(url)) {
		free(c);
		return sot_fail(err, SOT_LIMIT, "Docker: a path of %d bytes", n);
	}
	(void)snprintf(c->what, sizeof(c->what), "%s %.40s", q->method, q->path);
	http_request request = {.method = q->method,
	    .url = url,
	    .unix_socket = d->socket_path,
	    .headers = q->body.n > 0 ? headers : NULL,
	    .body = q->body,
	    .deadline_ms = q->deadline_ms,
	    .body_max = c->piece      ? 0
	                : q->body_max ? q->body_max
	                              : BODY_MAX,
	    .output_fd = -1,
	    .netns_fd = -1,
	    .on_data = c->piece ? on_piece : NULL};
	sot_code code = http_client_send(d->http, &request, on_done, c, NULL, err);
	if (code == SOT_OK)
		sot_list_push(&d->open, &c->link);
	else
		free(c);
	return code;
}

sot_code docker_send(
    docker *d, const docker_request *q, docker_done_fn done, void *self, sot_err *err)
{
	call *c = sot_alloc(sizeof(*c));
	*c = (call){.done = done, .self = self};
	return send_call(d, q, c, err);
}

sot_code docker_follow_events(docker *d, void (*piece)(void *self, sot_str bytes),
    docker_done_fn done, void *self, sot_err *err)
{
	docker_request q = {.method = "GET",
	    .path = "/events?filters=%7B%22type%22%3A%5B%22container%22%5D%2C%22label%22%3A%5B%22sot."
	            "instance%22%5D%7D",
	    .deadline_ms = EVENTS_DEADLINE_MS};
	call *c = sot_alloc(sizeof(*c));
	*c = (call){.done = done, .piece = piece, .self = self};
	return send_call(d, &q, c, err);
}
