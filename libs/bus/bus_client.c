/* The client's side of requests: a DEALER for each endpoint, open requests by id, and one timer for
 * each.
 *
 * A request is sent at once, at 1/4 of its deadline, then after twice that pause and so on; and on
 * every new connection, as what was queued on the old one is lost. Its end is a reply or the
 * deadline, whichever comes first; `done` is the last thing that is called, as it may free all.
 *
 * Of several endpoints the one that was connected last is the current one: a server that stands
 * still while another has taken over looks connected for some seconds more.
 */
#include "bus_bundle.h"
#include "bus_internal.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { OPEN_REQUESTS_MAX = 10000 };

typedef struct leg {
	bus_socket socket;
	bus_client *c;
	bool reads_bundles; /* the server on this connection does */
} leg;

struct bus_client {
	leg *legs;
	size_t leg_count;
	leg *current;    /* where frames go; NULL while none is up */
	char *endpoints; /* as given, for people */
	bus_push_fn on_push;
	bus_up_fn on_up;
	void *self;
	sot_map *open;       /* request id -> request */
	uint64_t connection; /* counts the times that there was a new current one */
	bool bundles;        /* wanted */
	sot_buf bundle;      /* requests of this turn for the current leg, or empty */
	bool *is_freed;      /* set when it is freed inside one of its handlers */
	sot_metric *open_gauge, *retries, *deadlines, *late;
	sot_metric *round_trip;
};

typedef struct request {
	bus_client *c;
	uint64_t id;
	bus_reply_fn done;
	void *self;
	sot_mono begun, deadline;
	int64_t deadline_ms, pause_ms;
	uint64_t sent_on; /* the connection it was sent on last; 0 = not sent yet */
	unsigned sends;
	reactor_watch *timer;
	size_t frame_n;
	char frame[];
} request;

/* ---- one request ---- */

static void request_free(request *q)
{
	sot_map_remove(q->c->open, &q->id, sizeof(q->id));
	sot_metric_set(q->c->open_gauge, (int64_t)sot_map_count(q->c->open));
	reactor_remove(q->timer);
	free(q);
}

static void on_turn_end(void *self)
{
	bus_client_flush(self);
}

static void drop_bundle(bus_client *c)
{
	sot_buf_reset(&c->bundle);
	reactor_undefer(c->legs[0].socket.b->r, c);
}

void bus_client_flush(bus_client *c)
{
	if (c->bundle.n == 0)
		return;
	/* What does not go out is sent again when its pause ends, as a request whose answer is lost. */
	if (c->current)
		(void)bus_socket_send(&c->current->socket, NULL, 0, sot_buf_str(&c->bundle));
	drop_bundle(c);
}

static bool send_frame(bus_client *c, sot_str frame)
{
	if (c->bundle.n > 0 && !bus_bundle_has_room(&c->bundle, frame.n))
		bus_client_flush(c);
	if (!c->current->reads_bundles || !bus_bundle_has_room(&c->bundle, frame.n + BUS_BUNDLE_HEAD)) {
		bus_client_flush(c); /* what was said before comes before */
		return bus_socket_send(&c->current->socket, NULL, 0, frame) == 0;
	}
	if (c->bundle.n == 0) {
		bus_bundle_begin(&c->bundle);
		reactor_defer(c->legs[0].socket.b->r, on_turn_end, c);
	}
	bus_bundle_add(&c->bundle, frame);
	return true;
}

static void request_send(request *q)
{
	bus_client *c = q->c;
	if (!c->current || !send_frame(c, (sot_str){q->frame, q->frame_n}))
		return;
	if (q->sends++ > 0)
		sot_metric_add(c->retries, 1);
	q->sent_on = c->connection;
}

/* Until the next sending or the deadline. */
static void request_arm(request *q, sot_mono now)
{
	int64_t left_ms = sot_mono_diff_ms(q->deadline, now);
	reactor_rearm_ms(q->timer, q->pause_ms < left_ms ? q->pause_ms : left_ms);
	q->pause_ms = q->pause_ms > INT64_MAX / 2 ? INT64_MAX : q->pause_ms * 2;
}

static void request_expire(request *q)
{
	bus_client *c = q->c;
	sot_err why;
	if (q->sends > 0)
		sot_fail(&why, SOT_UNAVAILABLE, "no answer from %s within %" PRId64 " ms, asked %u times",
		    c->endpoints, q->deadline_ms, q->sends);
	else
		sot_fail(&why, SOT_UNAVAILABLE, "no connection to %s within %" PRId64 " ms", c->endpoints,
		    q->deadline_ms);
	sot_metric_add(c->deadlines, 1);
	bus_reply_fn done = q->done;
	void *self = q->self;
	request_free(q);
	done(self, SOT_UNAVAILABLE, (sot_str){NULL, 0}, &why);
}

static void on_request_timer(void *self, uint64_t missed)
{
	(void)missed;
	request *q = self;
	sot_mono now = reactor_now(q->c->legs[0].socket.b->r);
	if (sot_mono_reached(now, q->deadline)) {
		request_expire(q);
		return;
	}
	request_send(q);
	request_arm(q, now);
}

static void request_answer(request *q, sot_str frame)
{
	bus_client *c = q->c;
	sot_mono now = reactor_now(c->legs[0].socket.b->r);
	sot_metric_observe_ms(c->round_trip, sot_mono_diff_ms(now, q->begun));
	bus_reply_fn done = q->done;
	void *self = q->self;
	request_free(q);
	done(self, SOT_OK, frame, NULL);
}

/* ---- messages and connections ---- */

/* Given out by this process, but not open: a reply that came twice or too late. */
static bool was_given_out(const bus *b, uint64_t id)
{
	return id - b->first_request_id < b->next_request_id - b->first_request_id;
}

static void on_frame(bus_client *c, sot_str frame)
{
	sot_wire_head head;
	if (sot_wire_peek(frame, &head, NULL) != SOT_OK) {
		sot_metric_add(c->legs[0].socket.metrics.malformed, 1);
		return;
	}
	request *q = sot_map_get(c->open, &head.request_id, sizeof(head.request_id));
	if (q)
		request_answer(q, frame);
	else if (was_given_out(c->legs[0].socket.b, head.request_id))
		sot_metric_add(c->late, 1);
	else if (c->on_push)
		c->on_push(c->self, frame);
}

static void on_bundle(leg *l, sot_str bundle)
{
	bus_client *c = l->c;
	sot_str rest = {bundle.p + BUS_BUNDLE_HEAD, bundle.n - BUS_BUNDLE_HEAD}, frame;
	bool is_freed = false;

	if (!bus_bundle_check(bundle)) {
		sot_metric_add(l->socket.metrics.malformed, 1);
		return;
	}
	l->reads_bundles = c->bundles;
	c->is_freed = &is_freed;
	while (!is_freed && bus_bundle_next(&rest, &frame))
		on_frame(c, frame);
	if (!is_freed)
		c->is_freed = NULL;
}

static bool on_readable(void *self, void *zmq)
{
	(void)zmq;
	leg *l = self;
	bus_message m;
	bus_received received = bus_receive(&l->socket, 1, &m);
	if (received == BUS_WHOLE && bus_bundle_is(bus_part(&m, 0)))
		on_bundle(l, bus_part(&m, 0));
	else if (received == BUS_WHOLE)
		on_frame(l->c, bus_part(&m, 0)); /* may free l */
	bus_message_clear(&m);
	return received != BUS_NOTHING;
}

static leg *another_that_is_up(bus_client *c)
{
	for (size_t i = 0; i < c->leg_count; i++)
		if (c->legs[i].socket.up)
			return &c->legs[i];
	return NULL;
}

static void ask_for_bundles(leg *l)
{
	SOT_AUTO_BUF none = {0};

	sot_buf_init(&none, BUS_BUNDLE_MAX);
	bus_bundle_begin(&none);
	(void)bus_socket_send(&l->socket, NULL, 0, sot_buf_str(&none));
}

static void on_connection(bus_socket *socket, bool up)
{
	leg *l = SOT_CONTAINER(socket, leg, socket);
	bus_client *c = l->c;
	l->reads_bundles = false;
	if (up && c->bundles)
		ask_for_bundles(l);
	if (!up && c->current != l)
		return;
	c->current = up ? l : another_that_is_up(c);
	drop_bundle(c); /* was for another one; all of it is sent again */
	sot_metric_set(socket->metrics.connections, c->current != NULL);
	if (c->current) {
		c->connection++;
		sot_map_iter it = {0};
		for (request *q; (q = sot_map_next(c->open, &it, NULL)) != NULL;)
			if (q->sent_on != c->connection)
				request_send(q);
	}
	if (c->on_up)
		c->on_up(c->self, c->current != NULL); /* last: may free c */
}

/* ---- interface ---- */

static void destroy(bus_socket *socket)
{
	bus_client_free(SOT_CONTAINER(socket, leg, socket)->c);
}

static void set_metrics(bus_client *c)
{
	const char *labels = c->legs[0].socket.labels;
	c->open_gauge = sot_gauge("sot_bus_open_requests", labels, "Requests that wait for an answer.");
	c->retries = sot_counter("sot_bus_retries_total", labels, "Requests sent again.");
	c->deadlines = sot_counter("sot_bus_deadlines_total", labels, "Requests without an answer.");
	c->late = sot_counter("sot_bus_late_replies_total", labels, "Replies twice or too late.");
	c->round_trip = sot_histogram_ms("sot_bus_request_ms", labels, "From request to reply.");
}

static sot_code open_legs(
    bus_client *c, bus *b, bus_socket_config *config, const char *endpoints, sot_err *err)
{
	sot_str rest = sot_str_c(endpoints);
	size_t count = 1;
	for (const char *at = endpoints; (at = strchr(at, ',')) != NULL; at++)
		count++;
	if (count > BUS_ENDPOINTS_MAX)
		return sot_fail(
		    err, SOT_INVALID, "%s: more than %d endpoints", endpoints, BUS_ENDPOINTS_MAX);
	c->legs = sot_alloc_array(count, sizeof(*c->legs));
	while (c->leg_count < count) {
		char endpoint[BUS_ENDPOINT_MAX];
		leg *l = &c->legs[c->leg_count];
		sot_code code =
		    sot_str_copy(sot_str_cut(rest, ',', &rest), endpoint, sizeof(endpoint), err);
		config->endpoint = endpoint;
		l->c = c;
		if (code == SOT_OK)
			code = bus_socket_open(b, config, l, &l->socket, err);
		if (code != SOT_OK)
			return code;
		c->leg_count++;
	}
	return SOT_OK;
}

sot_code bus_connect(bus *b, const char *name, const char *endpoints, const char *server_public_key,
    bus_push_fn on_push, bus_up_fn on_up, void *self, bus_client **ret, sot_err *err)
{
	bus_client *c = sot_alloc(sizeof(*c));
	bus_socket_config config = {.type = ZMQ_DEALER,
	    .name = name,
	    .server_key = server_public_key,
	    .on_readable = on_readable,
	    .on_up = on_connection,
	    .destroy = destroy};
	c->open = sot_map_new();
	sot_buf_init(&c->bundle, BUS_BUNDLE_MAX);
	c->endpoints = sot_strdup(endpoints);
	c->on_push = on_push;
	c->on_up = on_up;
	c->self = self;
	sot_code code = open_legs(c, b, &config, endpoints, err);
	if (code != SOT_OK) {
		bus_client_free(c);
		return code;
	}
	set_metrics(c);
	*ret = c;
	return SOT_OK;
}

bool bus_client_is_up(const bus_client *c)
{
	return c->current != NULL;
}

void bus_client_bundle(bus_client *c)
{
	c->bundles = true;
}

sot_code bus_client_send(bus_client *c, sot_str frame, sot_err *err)
{
	sot_code code = bus_check_frame(&c->legs[0].socket, frame, err);
	if (code != SOT_OK)
		return code;
	if (!c->current)
		return sot_fail(err, SOT_UNAVAILABLE, "no connection to %s", c->endpoints);
	bus_client_flush(c); /* what was said before comes before */
	if (bus_socket_send(&c->current->socket, NULL, 0, frame) != 0)
		return sot_fail(
		    err, SOT_UNAVAILABLE, "the queue to %s is full", c->current->socket.endpoint);
	return SOT_OK;
}

static sot_code check_request(
    const bus_client *c, uint64_t id, sot_str frame, int64_t deadline_ms, sot_err *err)
{
	if (id == 0 || deadline_ms <= 0)
		return sot_fail(
		    err, SOT_INVALID, "request id %" PRIu64 ", deadline %" PRId64 " ms", id, deadline_ms);
	if (sot_map_count(c->open) >= OPEN_REQUESTS_MAX)
		return sot_fail(
		    err, SOT_LIMIT, "%d requests to %s are open already", OPEN_REQUESTS_MAX, c->endpoints);
	if (sot_map_get(c->open, &id, sizeof(id)))
		return sot_fail(err, SOT_CONFLICT, "request id %" PRIu64 " is in use", id);
	return bus_check_frame(&c->legs[0].socket, frame, err);
}

sot_code bus_request(bus_client *c, uint64_t request_id, sot_str frame, int64_t deadline_ms,
    bus_reply_fn done, void *self, sot_err *err)
{
	sot_code code = check_request(c, request_id, frame, deadline_ms, err);
	if (code != SOT_OK)
		return code;
	request *q = sot_alloc(sizeof(*q) + frame.n);
	sot_mono now = reactor_now(c->legs[0].socket.b->r);
	*q = (request){.c = c,
	    .id = request_id,
	    .done = done,
	    .self = self,
	    .begun = now,
	    .deadline = sot_mono_add_ms(now, deadline_ms),
	    .deadline_ms = deadline_ms,
	    .pause_ms = deadline_ms / 4 > 0 ? deadline_ms / 4 : 1,
	    .frame_n = frame.n};
	memcpy(q->frame, frame.p, frame.n);
	sot_map_set(c->open, &q->id, sizeof(q->id), q);
	sot_metric_set(c->open_gauge, (int64_t)sot_map_count(c->open));
	q->timer = reactor_after_ms(c->legs[0].socket.b->r, -1, on_request_timer, q);
	request_send(q);
	request_arm(q, now);
	return SOT_OK;
}

void bus_client_forget(bus_client *c, void *self)
{
	sot_map_iter it = {0};
	for (request *q; (q = sot_map_next(c->open, &it, NULL)) != NULL;)
		if (q->self == self)
			request_free(q);
}

bus_client *bus_client_free(bus_client *c)
{
	if (!c)
		return NULL;
	sot_map_iter it = {0};
	for (request *q; (q = sot_map_next(c->open, &it, NULL)) != NULL;)
		request_free(q);
	sot_map_free(c->open);
	bus_client_flush(c);
	if (c->is_freed)
		*c->is_freed = true;
	sot_buf_clear(&c->bundle);
	for (size_t i = 0; i < c->leg_count; i++)
		bus_socket_close(&c->legs[i].socket);
	free(c->legs);
	free(c->endpoints);
	free(c);
	return NULL;
}
