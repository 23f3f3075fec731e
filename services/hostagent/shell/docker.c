#include "docker.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "docker_call.h"
#include "sot_map.h"

enum {
	URL_MAX = 1024,
	BODY_MAX = 1024 * 1024,
	/* The stream of events is taken up anew now and then: a peer that hung up unseen costs no more.
	 */
	EVENTS_DEADLINE_MS = 600000,
	CALL_KINDS_MAX = 24
};

struct docker {
	http_client *http;
	char *socket_path;
	sot_link open; /* calls under way */
	bool closing;
	sot_calls *calls;
};

typedef struct call {
	sot_link link;
	docker *owner;
	docker_done_fn done;
	void (*piece)(void *self, sot_str bytes);
	void *self;
	char what[96];
	sot_str name;
	bool is_read; /* GET */
	sot_mono begun;
	int64_t deadline_ms;
} call;

docker *docker_new(http_client *http, const char *socket_path)
{
	docker *d = sot_alloc(sizeof(*d));
	d->http = http;
	d->socket_path = sot_strdup(socket_path);
	d->calls = sot_calls_new(CALL_KINDS_MAX);
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
	sot_calls_free(d->calls);
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

/* ---- what is told of calls ---- */

sot_calls *docker_calls(docker *d)
{
	return d->calls;
}

/* Not there, or in the state that was asked for: for who looks or removes that is an answer. */
static bool is_failure(const call *c, const http_reply *reply, sot_code code)
{
	if (code == SOT_OK || code == SOT_LIMIT || (reply->code == SOT_OK && reply->status == 409))
		return false;
	bool removes = sot_str_eq_c(c->name, "rm") || sot_str_eq_c(c->name, "rmi");
	return !(code == SOT_NOT_FOUND && (c->is_read || removes));
}

static void note(docker *d, const call *c, const http_reply *reply, sot_code code)
{
	char status[SOT_CALL_STATUS_MAX + 1];
	int64_t us = (int64_t)(reply->total_ms * 1000);
	if (c->piece)
		return;
	if (!is_failure(c, reply, code)) {
		sot_calls_note(d->calls, c->name, us);
		return;
	}
	if (reply->code == SOT_OK)
		(void)snprintf(status, sizeof(status), "http-%d", reply->status);
	else
		(void)snprintf(status, sizeof(status), "%s",
		    sot_mono_diff_ms(sot_mono_now(), c->begun) >= c->deadline_ms ? "timeout" : "no-answer");
	sot_calls_note_failure(d->calls, c->name, us, status, sot_wall_now());
}

static void on_done(void *self, const http_reply *reply)
{
	call *c = self;
	sot_err err = {0};
	sot_list_remove(&c->link);
	docker_reply answer = {.body = reply->body, .total_ms = reply->total_ms, .why = &err};
	if (reply->code != SOT_OK) {
		answer.code = sot_fail(&err, reply->code == SOT_LIMIT ? SOT_LIMIT : SOT_UNAVAILABLE,
		    "Docker: %s: %s", c->what, reply->why ? reply->why->text : "");
	} else {
		answer.code = code_of_status(reply->status);
		if (answer.code != SOT_OK)
			explain(c, reply, answer.code, &err);
	}
	note(c->owner, c, reply, answer.code);
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
	c->owner = d;
	c->name = docker_call_name(q->method, q->path);
	c->is_read = strcmp(q->method, "GET") == 0;
	c->begun = sot_mono_now();
	c->deadline_ms = q->deadline_ms;
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

/* What changes an instance; not what is done inside it (exec_create ...), of which there may be
 * much.
 * {"type":["container"],"label":["sot.instance"],"event":["create",...]} */
#define EVENTS_PATH                                                                                \
	"/events?filters="                                                                             \
	"%7B%22type%22%3A%5B%22container%22%5D%2C%22label%22%3A%5B%22sot.instance%22%5D%2C%22"         \
	"event%22%3A%5B%22create%22%2C%22start%22%2C%22die%22%2C%22oom%22%2C%22pause%22%2C%22"         \
	"unpause%22%2C%22rename%22%2C%22update%22%2C%22destroy%22%5D%7D"

sot_code docker_follow_events(docker *d, void (*piece)(void *self, sot_str bytes),
    docker_done_fn done, void *self, sot_err *err)
{
	docker_request q = {.method = "GET", .path = EVENTS_PATH, .deadline_ms = EVENTS_DEADLINE_MS};
	call *c = sot_alloc(sizeof(*c));
	*c = (call){.done = done, .piece = piece, .self = self};
	return send_call(d, &q, c, err);
}
