/* Replay over ZeroMQ: a subscriber that has missed events asks on the replay endpoint (ROUTER) what
 * came after a number, in the very frames that were published. */
#include "gw_hub.h"

#include "gw_sql.h"
#include "sot_log.h"
#include "sot_proto.h"

#include <stdlib.h>
#include <string.h>

#define PAGE_MAX 500
#define PAGE_BYTES_MAX (512u * 1024)
#define OPEN_MAX 64

struct gw_replay {
	gateway *g;
	bus_server *server;
	size_t open;
	sot_metric *pages;
};

/* One question while the database is read. */
typedef struct question {
	gw_replay *r;
	bus_peer from;
	struct sot_events_page page;
	sot_str events[PAGE_MAX];
	sot_arena *arena;
	size_t bytes;
} question;

static void finish(question *q)
{
	(void)sot_arena_free(q->arena);
	q->r->open--;
	free(q);
}

static void answer(question *q)
{
	sot_err err = {0};
	SOT_AUTO_BUF frame;
	sot_buf_init(&frame, SOT_WIRE_FRAME_MAX);
	q->page.stream = gw_hub_stream(q->r->g->hub);
	q->page.last = gw_hub_last(q->r->g->hub);
	q->page.events = q->events;
	if (sot_events_page_encode(&q->page, &frame, &err) != SOT_OK ||
	    bus_send(q->r->server, &q->from, sot_buf_str(&frame), &err) != SOT_OK)
		sot_log_err(SOT_WARN, "replay.unanswered", &err, "peer=%s", q->from.identity);
	sot_metric_add(q->r->pages, 1);
}

static void refuse(gw_replay *r, const bus_peer *to, uint64_t request_id, const char *why)
{
	struct sot_refused m = {.request_id = request_id,
	    .code = SOT_REFUSAL_UNAVAILABLE,
	    .text = sot_str_c(why),
	    .retry_after_ms = 1000};
	SOT_AUTO_BUF frame;
	sot_buf_init(&frame, SOT_WIRE_FRAME_MAX);
	if (sot_refused_encode(&m, &frame, NULL) == SOT_OK)
		(void)bus_send(r->server, to, sot_buf_str(&frame), NULL);
}

static void add_event(question *q, const store_result *res, size_t row)
{
	struct sot_event e;
	sot_str copy;
	SOT_AUTO_BUF frame;
	sot_buf_init(&frame, SOT_WIRE_FRAME_MAX);
	if (gw_hub_read_event(res, row, &e, NULL) != SOT_OK ||
	    sot_event_encode(&e, &frame, NULL) != SOT_OK || frame.n > 32768)
		return;
	copy = sot_arena_dup(q->arena, sot_buf_str(&frame));
	q->events[q->page.events_count++] = copy;
	q->bytes += copy.n;
}

static void on_rows(void *self, const store_result *res)
{
	question *q = self;
	q->page.events_count = 0; /* the store reads again after a lost connection */
	q->bytes = 0;
	for (size_t row = 0; row < store_rows(res) && row < PAGE_MAX && q->bytes < PAGE_BYTES_MAX;
	     row++)
		add_event(q, res, row);
}

static void on_read(void *self, const store_outcome *outcome)
{
	question *q = self;
	if (outcome->code == SOT_OK)
		answer(q);
	else
		refuse(q->r, &q->from, q->page.request_id, "the database does not answer");
	finish(q);
}

static void read_after(question *q, uint64_t after, uint32_t limit)
{
	store_tx *tx = store_begin_read(q->r->g->db);
	sot_err err = {0};
	store_query(tx, GW_SQL_EVENTS_READ, on_rows, q);
	store_arg_i64(tx, (int64_t)after);
	store_arg_i64(tx, limit);
	if (store_commit(&tx, on_read, q, &err) == SOT_OK)
		return;
	refuse(q->r, &q->from, q->page.request_id, err.text);
	finish(q);
}

static void on_question(void *self, const bus_peer *from, sot_str frame)
{
	gw_replay *r = self;
	const gw_hub *h = r->g->hub;
	struct sot_events_read m;
	question *q;
	sot_arena *arena = sot_arena_new(SOT_WIRE_FRAME_MAX);
	sot_err err = {0};
	if (sot_events_read_decode(frame, arena, &m, &err) != SOT_OK) {
		sot_log_err(SOT_WARN, "replay.malformed", &err, "peer=%s", from->identity);
		(void)sot_arena_free(arena);
		return;
	}
	if (!gw_hub_is_ready(h) || r->open >= OPEN_MAX) {
		refuse(r, from, m.request_id, "the gateway is busy; ask again");
		(void)sot_arena_free(arena);
		return;
	}
	q = sot_alloc(sizeof(*q));
	r->open++;
	*q = (question){.r = r, .from = *from, .arena = arena};
	q->page.request_id = m.request_id;
	q->page.too_old = m.after < gw_hub_floor(h) ||
	                  (!sot_uuid_is_zero(m.stream) && !sot_uuid_eq(m.stream, gw_hub_stream(h)));
	if (!q->page.too_old) {
		read_after(q, m.after, m.limit);
		return;
	}
	answer(q);
	finish(q);
}

sot_code gw_replay_new(gateway *g, gw_replay **ret, sot_err *err)
{
	gw_replay *r;
	*ret = NULL;
	if (g->config->replay_endpoint[0] == '\0')
		return SOT_OK;
	r = sot_alloc(sizeof(*r));
	r->g = g;
	r->pages = sot_counter("sot_gateway_replay_pages_total", NULL, "Pages of events over ZeroMQ");
	if (bus_listen(g->bus, "replay", g->config->replay_endpoint, on_question, r, &r->server, err) !=
	    SOT_OK) {
		free(r);
		return sot_wrap(err, "replay_endpoint");
	}
	*ret = r;
	return SOT_OK;
}

gw_replay *gw_replay_free(gw_replay *r)
{
	if (r == NULL)
		return NULL;
	r->server = bus_server_free(r->server);
	free(r);
	return NULL;
}
