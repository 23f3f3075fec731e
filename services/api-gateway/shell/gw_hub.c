/* The outbox to the world: numbers committed events, reads the new ones once into a shared ring,
 * publishes them on the bus, and wakes the readers. A hint makes it quick; the timer makes it
 * certain. Losing this process loses nothing: numbers are in the database. */
#include "gw_hub.h"

#include "gw_sql.h"
#include "gw_webhooks.h"
#include "sot_failpoint.h"
#include "sot_log.h"
#include "sot_proto.h"

#include <stdlib.h>
#include <string.h>

#define RING_EVENTS 8192
#define RING_BYTES (16u * 1024 * 1024)
#define READ_MAX 500
#define POLL_BUSY_MS 500
#define POLL_IDLE_MS 5000
#define HEARTBEAT_MS 15000
#define SUBSCRIPTIONS_MAX 16
#define SEAL_MAX 200 /* rows that one call of gateway.audit_seal seals */

typedef struct watch {
	sot_link link;
	sot_uuid operation;
	void (*fn)(void *self);
	void *self;
} watch;

struct gw_hub {
	gateway *g;
	gw_ring *ring;
	sot_uuid stream;
	uint64_t last, target; /* read and published up to; known to exist */
	uint64_t floor;        /* events up to this one are gone */
	bool ready, asking, poked, unsettled;
	bool sealing, sealed_all; /* a call of audit_seal is under way; the last one left nothing */
	sot_link listeners, watches;
	bus_publisher *publisher;
	gw_replay *replay;
	bus_subscriber *subscriptions[SUBSCRIPTIONS_MAX];
	size_t subscription_count;
	reactor_watch *poll, *heartbeat;
	sot_metric *published, *lag, *listening;
};

uint64_t gw_hub_last(const gw_hub *h)
{
	return h->last;
}

uint64_t gw_hub_floor(const gw_hub *h)
{
	return h->floor;
}

sot_uuid gw_hub_stream(const gw_hub *h)
{
	return h->stream;
}

const gw_ring *gw_hub_ring(const gw_hub *h)
{
	return h->ring;
}

bool gw_hub_is_ready(const gw_hub *h)
{
	return h->ready;
}

/* ---- one event ---- */
void gw_sse_render(const store_result *res, size_t row, sot_buf *out)
{
	sot_buf_printf(out, "id: %.*s.%.*s\nevent: %.*s\ndata: ", SOT_ARG(store_text(res, row, 8)),
	    SOT_ARG(store_text(res, row, 0)), SOT_ARG(store_text(res, row, 1)));
	sot_buf_add_str(out, store_text(res, row, 10));
	sot_buf_add_c(out, "\n\n");
}

sot_code gw_hub_read_event(const store_result *res, size_t row, struct sot_event *ret, sot_err *err)
{
	int64_t number = 0;
	*ret = (struct sot_event){
	    .kind = store_text(res, row, 1),
	    .subject = store_text(res, row, 2),
	    .app = store_text(res, row, 3),
	    .host = store_text(res, row, 4),
	    .actor = store_text(res, row, 5),
	    .data_json = store_text(res, row, 9),
	};
	if (store_i64(res, row, 0, &number, err) != SOT_OK ||
	    store_i64(res, row, 7, &ret->at_unix_ms, err) != SOT_OK ||
	    store_uuid(res, row, 8, &ret->stream, err) != SOT_OK)
		return err->code;
	ret->number = (uint64_t)number;
	if (!store_is_null(res, row, 6))
		return store_uuid(res, row, 6, &ret->operation_id, err);
	return SOT_OK;
}

static void publish(gw_hub *h, const struct sot_event *e)
{
	sot_err err = {0};
	SOT_AUTO_BUF frame;
	sot_buf_init(&frame, SOT_WIRE_FRAME_MAX);
	if (sot_event_encode(e, &frame, &err) != SOT_OK) {
		sot_log_err(
		    SOT_WARN, "event.unpublished", &err, "number=%llu", (unsigned long long)e->number);
		return;
	}
	bus_publish(h->publisher, e->kind, sot_buf_str(&frame));
	sot_metric_add(h->published, 1);
}

static void tell_watches(gw_hub *h, sot_uuid operation)
{
	sot_link *next;
	for (sot_link *l = h->watches.next; l != &h->watches; l = next) {
		watch *w = SOT_CONTAINER(l, watch, link);
		next = l->next;
		if (sot_uuid_eq(w->operation, operation))
			w->fn(w->self);
	}
}

/* Users, grants and tokens: whoever they are about is asked again who they are. */
static void tell_rights(gw_hub *h, const struct sot_event *e)
{
	if (!sot_str_starts(e->kind, "user.") && !sot_str_starts(e->kind, "grant.") &&
	    !sot_str_starts(e->kind, "token."))
		return;
	gw_auth_forget_all(h->g->auth);
	for (sot_link *l = h->listeners.next; l != &h->listeners; l = l->next) {
		gw_listener *listener = SOT_CONTAINER(l, gw_listener, link);
		listener->stale = listener->stale || sot_str_eq_c(e->subject, listener->account);
	}
}

static void take_row(gw_hub *h, const store_result *res, size_t row)
{
	struct sot_event e;
	sot_err err = {0};
	SOT_AUTO_BUF sse;
	sot_buf_init(&sse, 256u * 1024);
	if (gw_hub_read_event(res, row, &e, &err) != SOT_OK) {
		sot_log_err(SOT_ERROR, "event.unreadable", &err, "after=%llu", (unsigned long long)h->last);
		return;
	}
	gw_sse_render(res, row, &sse);
	h->last = e.number;
	gw_ring_push(h->ring, e.number, e.operation_id, sot_buf_str(&sse));
	publish(h, &e);
	tell_rights(h, &e);
	if (!sot_uuid_is_zero(e.operation_id))
		tell_watches(h, e.operation_id);
}

/* ---- reading ---- */
static void tell_listeners(gw_hub *h, bool heartbeat)
{
	sot_link *next;
	for (sot_link *l = h->listeners.next; l != &h->listeners; l = next) {
		gw_listener *listener = SOT_CONTAINER(l, gw_listener, link);
		next = l->next;
		listener->on_news(listener->self, heartbeat);
	}
}

static void ask_number(gw_hub *h);
static void ask_rows(gw_hub *h);

static void on_rows(void *self, const store_result *res)
{
	gw_hub *h = self;
	for (size_t row = 0; row < store_rows(res); row++)
		take_row(h, res, row);
	if (store_rows(res) == 0)
		h->target = h->last;
}

static void rest(gw_hub *h, bool failed)
{
	h->asking = false;
	sot_metric_set(h->lag, (int64_t)(h->target - h->last));
	if (h->poked && !failed) {
		ask_number(h);
	} else if (h->unsettled && !failed) {
		h->unsettled = false;
		tell_listeners(h, false);
	}
}

static void on_rows_done(void *self, const store_outcome *outcome)
{
	gw_hub *h = self;
	if (outcome->code != SOT_OK)
		sot_log_err(
		    SOT_WARN, "events.read", outcome->why, "after=%llu", (unsigned long long)h->last);
	tell_listeners(h, false);
	gw_webhooks_poke(h->g->webhooks);
	if (outcome->code == SOT_OK && h->last < h->target)
		ask_rows(h);
	else
		rest(h, outcome->code != SOT_OK);
}

static void ask_rows(gw_hub *h)
{
	store_tx *tx = store_begin_read(h->g->db);
	sot_err err = {0};
	store_query(tx, GW_SQL_EVENTS_READ, on_rows, h);
	store_arg_i64(tx, (int64_t)h->last);
	store_arg_i64(tx, READ_MAX);
	if (store_commit(&tx, on_rows_done, h, &err) != SOT_OK)
		rest(h, true);
}

/* A restored database is another life: its numbers mean other events. */
static void begin_stream(gw_hub *h, sot_uuid stream, uint64_t last)
{
	if (h->ready)
		sot_log(SOT_WARN, "events.new_stream", "last=%llu", (unsigned long long)last);
	gw_ring_reset(h->ring);
	h->stream = stream;
	h->last = last;
	h->ready = true;
}

static void on_number(void *self, const store_result *res)
{
	gw_hub *h = self;
	int64_t last = 0, floor = 0;
	sot_uuid stream;
	if (store_rows(res) != 1 || store_i64(res, 0, 0, &last, NULL) != SOT_OK ||
	    store_uuid(res, 0, 1, &stream, NULL) != SOT_OK ||
	    store_i64(res, 0, 2, &floor, NULL) != SOT_OK)
		return;
	h->floor = (uint64_t)floor;
	if (!h->ready || !sot_uuid_eq(stream, h->stream))
		begin_stream(h, stream, (uint64_t)last);
	h->target = (uint64_t)last;
	/* One call numbers at most 1000 events: after that many there may be more. */
	h->poked = h->poked || h->target - h->last >= 1000;
}

static void on_number_done(void *self, const store_outcome *outcome)
{
	gw_hub *h = self;
	SOT_FAILPOINT_HIT("gateway.events.after_number");
	if (outcome->code == SOT_OK && h->last < h->target) {
		ask_rows(h);
		return;
	}
	if (outcome->code != SOT_OK)
		sot_log_err(
		    SOT_WARN, "events.number", outcome->why, "after=%llu", (unsigned long long)h->last);
	rest(h, outcome->code != SOT_OK);
}

static void ask_number(gw_hub *h)
{
	store_tx *tx;
	sot_err err = {0};
	h->poked = false;
	h->asking = true;
	tx = store_begin(h->g->db);
	store_query(tx, GW_SQL_EVENTS_NUMBER, on_number, h);
	if (store_commit(&tx, on_number_done, h, &err) != SOT_OK)
		rest(h, true);
}

void gw_hub_poke(gw_hub *h)
{
	h->poked = true;
	if (!h->asking)
		ask_number(h);
}

void gw_hub_settle(gw_hub *h)
{
	h->unsettled = true;
	gw_hub_poke(h);
}

bool gw_hub_is_settled(const gw_hub *h)
{
	return !h->unsettled;
}

/* ---- the audit's seal, at the same pace ---- */
static void on_sealed_rows(void *self, const store_result *res)
{
	gw_hub *h = self;
	int64_t sealed = 0;
	if (store_rows(res) == 1 && store_i64(res, 0, 0, &sealed, NULL) == SOT_OK)
		h->sealed_all = sealed < SEAL_MAX;
}

static void seal(gw_hub *h);

static void on_sealed(void *self, const store_outcome *outcome)
{
	gw_hub *h = self;
	h->sealing = false;
	if (outcome->code != SOT_OK)
		sot_log_err(SOT_WARN, "audit.seal", outcome->why, "%s", "");
	else if (!h->sealed_all)
		seal(h);
}

static void seal(gw_hub *h)
{
	store_tx *tx;
	sot_err err = {0};
	if (h->sealing)
		return;
	h->sealing = h->sealed_all = true;
	tx = store_begin(h->g->db);
	store_query(tx, GW_SQL_AUDIT_SEAL, on_sealed_rows, h);
	if (store_commit(&tx, on_sealed, h, &err) != SOT_OK)
		h->sealing = false;
}

static bool anybody(const gw_hub *h)
{
	return !sot_list_empty(&h->listeners) || !sot_list_empty(&h->watches);
}

static void on_poll(void *self, uint64_t missed)
{
	gw_hub *h = self;
	(void)missed;
	reactor_rearm_ms(h->poll, !h->ready || anybody(h) ? POLL_BUSY_MS : POLL_IDLE_MS);
	if (!store_is_up(h->g->db))
		return;
	gw_hub_poke(h);
	seal(h);
}

static void on_heartbeat(void *self, uint64_t missed)
{
	(void)missed;
	tell_listeners(self, true);
}

static void on_hint(void *self, const char *identity, sot_str topic, sot_str frame, uint64_t gap)
{
	(void)identity;
	(void)topic;
	(void)frame;
	(void)gap;
	gw_hub_poke(self);
}

void gw_hub_end_streams(gw_hub *h)
{
	tell_listeners(h, false);
}

/* ---- readers ---- */
void gw_hub_listen(gw_hub *h, gw_listener *l)
{
	sot_list_push(&h->listeners, &l->link);
	sot_metric_add(h->listening, 1);
	reactor_rearm_ms(h->poll, 0);
}

void gw_hub_ignore(gw_hub *h, gw_listener *l)
{
	sot_list_remove(&l->link);
	sot_metric_set(h->listening, sot_metric_value(h->listening) - 1);
}

void gw_hub_watch(gw_hub *h, sot_uuid operation, void (*fn)(void *self), void *self)
{
	watch *w = sot_alloc(sizeof(*w));
	w->operation = operation;
	w->fn = fn;
	w->self = self;
	sot_list_push(&h->watches, &w->link);
	reactor_rearm_ms(h->poll, 0);
}

void gw_hub_unwatch(gw_hub *h, void *self)
{
	sot_link *next;
	if (h == NULL)
		return;
	for (sot_link *l = h->watches.next; l != &h->watches; l = next) {
		watch *w = SOT_CONTAINER(l, watch, link);
		next = l->next;
		if (w->self != self)
			continue;
		sot_list_remove(l);
		free(w);
	}
}

/* ---- life ---- */
static sot_code subscribe(gw_hub *h, const char *endpoints, const char *service, sot_err *err)
{
	char path[640], key[BUS_KEY_TEXT], endpoint[256];
	sot_str rest_text = sot_str_c(endpoints);
	(void)snprintf(path, sizeof(path), "%s/%s.pub", h->g->config->keys_dir, service);
	if (bus_public_key_load(path, key, err) != SOT_OK)
		return err->code;
	while (rest_text.n > 0) {
		sot_str one = sot_str_cut(rest_text, ',', &rest_text);
		if (h->subscription_count == SUBSCRIPTIONS_MAX)
			return sot_fail(err, SOT_INVALID, "more than %d hint endpoints", SUBSCRIPTIONS_MAX);
		if (sot_str_copy(one, endpoint, sizeof(endpoint), err) != SOT_OK ||
		    bus_subscriber_new(h->g->bus, "hints", endpoint, false, key, SOT_STR("outbox"), on_hint,
		        h, &h->subscriptions[h->subscription_count], err) != SOT_OK)
			return sot_wrap(err, "hints of %s", service);
		h->subscription_count++;
	}
	return SOT_OK;
}

sot_code gw_hub_new(gateway *g, gw_hub **ret, sot_err *err)
{
	gw_hub *h = sot_alloc(sizeof(*h));
	h->g = g;
	h->ring = gw_ring_new(RING_EVENTS, RING_BYTES);
	sot_list_init(&h->listeners);
	sot_list_init(&h->watches);
	h->published = sot_counter("sot_gateway_events_total", NULL, "Events read and published");
	h->lag = sot_gauge("sot_gateway_events_lag", NULL, "Numbered events not read yet");
	h->listening = sot_gauge("sot_gateway_streams", NULL, "Open event streams");
	h->poll = reactor_after_ms(g->loop, 0, on_poll, h);
	h->heartbeat = reactor_every_ms(g->loop, HEARTBEAT_MS, on_heartbeat, h);
	if (bus_publisher_new(g->bus, "events", g->config->events_endpoint, true, NULL, &h->publisher,
	        err) != SOT_OK ||
	    gw_replay_new(g, &h->replay, err) != SOT_OK ||
	    subscribe(h, g->config->scheduler_hints, "scheduler", err) != SOT_OK ||
	    subscribe(h, g->config->ipam_hints, "ipam", err) != SOT_OK) {
		(void)gw_hub_free(h);
		return err->code;
	}
	*ret = h;
	return SOT_OK;
}

gw_hub *gw_hub_free(gw_hub *h)
{
	if (h == NULL)
		return NULL;
	reactor_remove(h->poll);
	reactor_remove(h->heartbeat);
	for (size_t i = 0; i < h->subscription_count; i++)
		(void)bus_subscriber_free(h->subscriptions[i]);
	(void)gw_replay_free(h->replay);
	if (h->publisher != NULL)
		(void)bus_publisher_free(h->publisher);
	while (!sot_list_empty(&h->watches))
		gw_hub_unwatch(h, SOT_CONTAINER(h->watches.next, watch, link)->self);
	(void)gw_ring_free(h->ring);
	free(h);
	return NULL;
}
