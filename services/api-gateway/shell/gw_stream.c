/* GET /v1/events and GET /v1/events/stream. A stream is a cursor: what the ring holds is copied
 * from there, what is older is read from the database; a slow reader costs no memory but one block.
 */
#include "gw_filter.h"
#include "gw_hub.h"

#include "gw_sql.h"
#include "gw_text.h"
#include "sot_failpoint.h"
#include "sot_log.h"
#include "sot_parse.h"

#include <stdlib.h>
#include <string.h>

#define CATCH_UP 100
#define PENDING_MAX (32u * 1024 * 1024)

typedef struct stream {
	gw_call *call;
	gw_listener listener;
	uint64_t cursor; /* the last event that was written */
	sot_buf pending; /* rendered, not sent yet */
	size_t sent;     /* of pending */
	uint64_t told;   /* the last event whose number the client knows */
	gw_filter filter;
	bool reading, heartbeat, reset, doubted, broken;
} stream;

static void stream_free(void *state)
{
	stream *s = state;
	gw_hub_ignore(s->call->g->hub, &s->listener);
	sot_buf_clear(&s->pending);
	free(s);
}

static void on_news(void *self, bool heartbeat)
{
	stream *s = self;
	s->heartbeat = s->heartbeat || heartbeat;
	gw_request_wake(s->call->http);
}

/* ---- older events, from the database ---- */
static void add_if_wanted(stream *s, const store_result *res, size_t row)
{
	SOT_AUTO_BUF sse;
	sot_buf_init(&sse, 256u * 1024);
	gw_sse_render(res, row, &sse);
	if (gw_filter_fits(&s->filter, sot_buf_str(&sse)))
		sot_buf_add_str(&s->pending, sot_buf_str(&sse));
}

static void on_rows(void *self, const store_result *res)
{
	gw_call *c = self;
	stream *s = c->state;
	for (size_t row = 0; row < store_rows(res); row++) {
		int64_t number = 0;
		if (store_i64(res, row, 0, &number, NULL) != SOT_OK)
			continue;
		add_if_wanted(s, res, row);
		s->cursor = (uint64_t)number;
	}
}

static void on_read(void *self, const store_outcome *outcome)
{
	gw_call *c = self;
	stream *s = c->state;
	s->reading = false;
	/* The client comes back with Last-Event-ID, then to a gateway that can read. */
	s->broken = outcome->code != SOT_OK || sot_buf_failed(&s->pending);
	gw_request_wake(c->http);
}

static void read_older(gw_call *c, stream *s)
{
	store_tx *tx = store_begin_read(c->g->db);
	sot_err err = {0};
	SOT_FAILPOINT_HIT("gateway.stream.before_catch_up");
	store_query(tx, GW_SQL_EVENTS_READ, on_rows, c);
	store_arg_i64(tx, (int64_t)s->cursor);
	store_arg_i64(tx, CATCH_UP);
	s->reading = true;
	if (store_commit(&tx, on_read, c, &err) == SOT_OK)
		return;
	s->reading = false;
	s->broken = true;
}

/* ---- pull ---- */
static void add_reset(stream *s, const gw_hub *h)
{
	char id[SOT_UUID_TEXT];
	(void)sot_uuid_format(gw_hub_stream(h), id);
	s->cursor = gw_hub_last(h);
	sot_buf_printf(&s->pending,
	    "id: %s.%llu\nevent: reset\ndata: {\"cursor\":\"%s.%llu\",\"detail\":\"the position is not "
	    "of this stream of events, or older than they are kept; read the lists again, then go on "
	    "from "
	    "the cursor here\"}\n\n",
	    id, (unsigned long long)s->cursor, id, (unsigned long long)s->cursor);
	s->reset = false;
	s->told = s->cursor;
}

/* A filter may pass nothing for long: the client learns how far it is all the same. */
static void add_heartbeat(stream *s, const gw_hub *h)
{
	char id[SOT_UUID_TEXT];
	if (s->told != s->cursor && !gw_filter_is_empty(&s->filter))
		sot_buf_printf(&s->pending, "id: %s.%llu\n\n", sot_uuid_format(gw_hub_stream(h), id),
		    (unsigned long long)s->cursor);
	else
		sot_buf_add_c(&s->pending, ": hb\n\n");
	s->told = s->cursor;
}

/* A number that is not there yet: either another gateway was quicker, which one more question
 * shows, or the database was restored and what the position meant is gone. */
static void check_position(stream *s, gw_hub *h)
{
	if (s->cursor <= gw_hub_last(h)) {
		s->doubted = false;
	} else if (!s->doubted) {
		s->doubted = true;
		gw_hub_settle(h);
	} else if (gw_hub_is_settled(h)) {
		add_reset(s, h);
	}
}

static void fill(stream *s)
{
	gateway *g = s->call->g;
	const gw_event *e;
	if (s->reset && gw_hub_is_ready(g->hub))
		add_reset(s, g->hub);
	check_position(s, g->hub);
	if (s->cursor < gw_hub_floor(g->hub))
		add_reset(s, g->hub);
	while (s->pending.n < 16384 && (e = gw_ring_get(gw_hub_ring(g->hub), s->cursor + 1)) != NULL) {
		if (gw_filter_fits(&s->filter, e->sse))
			sot_buf_add_str(&s->pending, e->sse);
		s->cursor = e->number;
	}
	if (s->pending.n == 0 && s->cursor < gw_hub_last(g->hub))
		read_older(s->call, s);
	if (s->pending.n == 0 && s->heartbeat)
		add_heartbeat(s, g->hub);
	s->heartbeat = false;
}

static ssize_t pull(void *self, char *dst, size_t n)
{
	stream *s = self;
	/* The client comes back, and is asked again who it is. */
	if (s->broken || s->call->g->quiet || s->listener.stale ||
	    sot_wall_now().unix_ms >= s->call->caller.ends_unix_ms)
		return -1;
	if (s->sent == s->pending.n && !s->reading) {
		sot_buf_reset(&s->pending);
		s->sent = 0;
		fill(s);
	}
	if (s->reading || s->broken || s->sent == s->pending.n)
		return s->broken ? -1 : 0;
	if (n > s->pending.n - s->sent)
		n = s->pending.n - s->sent;
	memcpy(dst, s->pending.p + s->sent, n);
	s->sent += n;
	return (ssize_t)n;
}

/* ---- begin ---- */
static sot_code read_position(gw_call *c, char *text, size_t size)
{
	sot_str header = gw_request_header(c->http, "Last-Event-ID");
	if (header.n > 0 && sot_str_copy(header, text, size, NULL) == SOT_OK)
		return SOT_OK;
	return call_query(c, "after", text, size);
}

static sot_code place(gw_call *c, stream *s)
{
	const gw_hub *h = c->g->hub;
	char text[96];
	bool has_stream = false;
	sot_uuid of = {0};
	sot_err err = {0};
	if (read_position(c, text, sizeof(text)) != SOT_OK)
		return SOT_INVALID;
	s->cursor = gw_hub_last(h);
	if (text[0] == '\0')
		return SOT_OK;
	if (gw_cursor_parse(sot_str_c(text), &has_stream, &of, &s->cursor, &err) != SOT_OK) {
		call_problem(c, 400, "invalid", "%s", err.text);
		return SOT_INVALID;
	}
	s->reset = has_stream && !sot_uuid_eq(of, gw_hub_stream(h));
	return SOT_OK;
}

static sot_code read_filter(gw_call *c, gw_filter *ret)
{
	*ret = (gw_filter){.kinds = ""};
	if (call_query(c, "kind", ret->kinds, sizeof(ret->kinds)) != SOT_OK ||
	    call_query(c, "app", ret->app, sizeof(ret->app)) != SOT_OK ||
	    call_query(c, "host", ret->host, sizeof(ret->host)) != SOT_OK)
		return SOT_INVALID;
	if (strpbrk(ret->app, "\"\\") == NULL && strpbrk(ret->host, "\"\\") == NULL)
		return SOT_OK;
	call_problem(c, 400, "invalid", "query parameters 'app' and 'host' are names");
	return SOT_INVALID;
}

void serve_event_stream(gw_call *c)
{
	stream *s;
	gw_reply *reply;
	if (!gw_hub_is_ready(c->g->hub)) {
		call_problem(c, 503, "unavailable", "the events have not been read yet; try again");
		return;
	}
	s = c->state = sot_alloc(sizeof(*s));
	c->state_free = stream_free;
	s->call = c;
	s->listener = (gw_listener){.on_news = on_news, .self = s, .account = c->caller.name};
	sot_buf_init(&s->pending, PENDING_MAX);
	gw_hub_listen(c->g->hub, &s->listener);
	if (place(c, s) != SOT_OK || read_filter(c, &s->filter) != SOT_OK)
		return;
	s->told = s->cursor;
	sot_buf_add_c(&s->pending, "retry: 2000\n\n");
	reply = gw_reply_stream(200, "text/event-stream", pull, s);
	gw_reply_header(reply, "Cache-Control", "no-store");
	gw_reply_header(reply, "X-Accel-Buffering", "no");
	sot_metric_add(c->g->answers[2], 1);
	call_reply(c, &reply);
}

/* ---- the list ---- */
static void on_list(void *self, const store_result *res)
{
	gw_call *c = self;
	const gw_filter *filter = c->state;
	size_t rows = store_rows(res);
	char stream_id[SOT_UUID_TEXT];
	const gw_hub *h = c->g->hub;
	const char *gap = "";
	sot_buf_add_c(&c->rows, "{\"items\":[");
	for (size_t row = 0; row < rows; row++) {
		SOT_AUTO_BUF sse;
		sot_buf_init(&sse, 256u * 1024);
		gw_sse_render(res, row, &sse);
		if (!gw_filter_fits(filter, sot_buf_str(&sse)))
			continue;
		sot_buf_add_c(&c->rows, gap);
		sot_buf_add_str(&c->rows, store_text(res, row, 10));
		gap = ",";
	}
	(void)sot_uuid_format(gw_hub_stream(h), stream_id);
	sot_buf_printf(&c->rows,
	    "],\"total\":%llu,\"cursor\":\"%s.%llu\",\"next\":", (unsigned long long)gw_hub_last(h),
	    stream_id, (unsigned long long)gw_hub_last(h));
	if (rows > 0)
		sot_buf_printf(&c->rows, "\"%.*s.%.*s\"", SOT_ARG(store_text(res, rows - 1, 8)),
		    SOT_ARG(store_text(res, rows - 1, 0)));
	else
		sot_buf_add_c(&c->rows, "null");
	sot_buf_add_c(&c->rows, "}\n");
}

static void on_listed(void *self, const store_outcome *outcome)
{
	gw_call *c = self;
	if (outcome->code != SOT_OK)
		call_store_failed(c, outcome);
	else
		call_json(c, 200, sot_buf_str(&c->rows));
}

static sot_code list_position(gw_call *c, uint64_t *ret_after, uint64_t *ret_limit)
{
	char text[96];
	bool has_stream = false;
	sot_uuid of = {0};
	sot_err err = {0};
	if (call_query(c, "after", text, sizeof(text)) != SOT_OK)
		return SOT_INVALID;
	if (text[0] != '\0' &&
	    gw_cursor_parse(sot_str_c(text), &has_stream, &of, ret_after, &err) != SOT_OK) {
		call_problem(c, 400, "invalid", "%s", err.text);
		return SOT_INVALID;
	}
	if (has_stream && gw_hub_is_ready(c->g->hub) && !sot_uuid_eq(of, gw_hub_stream(c->g->hub))) {
		call_problem(c, 409, "other_stream",
		    "the position is of another life of the data; read the lists again");
		return SOT_INVALID;
	}
	if (call_query(c, "limit", text, sizeof(text)) != SOT_OK)
		return SOT_INVALID;
	if (text[0] != '\0' && sot_parse_u64(sot_str_c(text), 1, 500, ret_limit, NULL) != SOT_OK) {
		call_problem(c, 400, "invalid", "query parameter 'limit' must be 1 to 500");
		return SOT_INVALID;
	}
	return SOT_OK;
}

/* Without a position the list begins where events are kept. */
static bool position_was_given(gw_call *c)
{
	sot_str after;
	return gw_request_query(c->http, "after", &after);
}

static void answer_too_old(gw_call *c)
{
	char id[SOT_UUID_TEXT];
	const gw_hub *h = c->g->hub;
	call_problem(c, 410, "too_old",
	    "events up to %llu are not kept any more; take a snapshot: read the lists, then go on with "
	    "after=%s.%llu",
	    (unsigned long long)gw_hub_floor(h), sot_uuid_format(gw_hub_stream(h), id),
	    (unsigned long long)gw_hub_last(h));
}

void serve_event_list(gw_call *c)
{
	uint64_t after = 0, limit = 100;
	store_tx *tx;
	sot_err err = {0};
	gw_filter *filter = c->state = sot_alloc(sizeof(*filter));
	c->state_free = free;
	if (list_position(c, &after, &limit) != SOT_OK || read_filter(c, filter) != SOT_OK)
		return;
	if (position_was_given(c) && after < gw_hub_floor(c->g->hub)) {
		answer_too_old(c);
		return;
	}
	tx = store_begin_read(c->g->db);
	store_query(tx, GW_SQL_EVENTS_READ, on_list, c);
	store_arg_i64(tx, (int64_t)after);
	store_arg_i64(tx, (int64_t)limit);
	if (store_commit(&tx, on_listed, c, &err) != SOT_OK)
		call_fail(c, &err);
}
