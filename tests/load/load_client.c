#include "load_client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { PATIENCE_MS = 2000, AGAIN_MS = 50, CONNECTIONS_MAX = 64 };

struct load_client {
	load_world *w;
	int pairs;
	size_t connections;
	bus_client *clients[LOAD_PAIRS][CONNECTIONS_MAX];
	int64_t patience_ms;
	uint64_t next_number, repeated;
	int leader; /* who answered as one last */
	sot_link again;
	reactor_watch *timer;
	sot_arena *arena;
	sot_buf frame;
};

static int64_t now_ns(void)
{
	struct timespec t;
	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void ask(load_request *q);

static void ask_later(load_request *q)
{
	load_client *c = q->client;
	q->not_before = sot_mono_add_ms(sot_mono_now(), AGAIN_MS);
	sot_list_push(&c->again, &q->again);
	c->repeated++;
}

static void on_again(void *self, uint64_t missed)
{
	load_client *c = self;
	(void)missed;
	while (!sot_list_empty(&c->again)) {
		load_request *q = SOT_CONTAINER(c->again.next, load_request, again);
		if (!sot_mono_reached(sot_mono_now(), q->not_before))
			return;
		sot_list_remove(&q->again);
		ask(q);
	}
}

static void on_accepted(void *self, const void *from, const sot_accepted *m)
{
	load_request *q = self;
	(void)from;
	q->operation_id = m->operation_id;
	q->answered_ns = now_ns();
	q->client->leader = q->scheduler;
	q->done(q);
}

/* Nothing was decided: another one may lead, or this one in a moment. */
static bool is_undecided(sot_refusal code)
{
	return code == SOT_REFUSAL_NOT_LEADER || code == SOT_REFUSAL_UNAVAILABLE;
}

static void on_refused(void *self, const void *from, const sot_refused *m)
{
	load_request *q = self;
	(void)from;
	if (is_undecided(m->code)) {
		if (q->client->leader == q->scheduler)
			q->client->leader = (q->scheduler + 1) % q->client->pairs;
		ask_later(q);
		return;
	}
	q->is_refused = true;
	q->refusal = m->code;
	q->answered_ns = now_ns();
	(void)snprintf(q->text, sizeof(q->text), "%.*s", SOT_ARG(m->text));
	q->done(q);
}

static void on_reply(void *self, sot_code code, sot_str frame, const sot_err *why)
{
	static const sot_scheduler_replies replies = {.accepted = on_accepted, .refused = on_refused};
	load_request *q = self;
	load_client *c = q->client;
	sot_err err = {0};
	(void)why;
	if (code != SOT_OK) {
		if (c->leader == q->scheduler)
			c->leader = (q->scheduler + 1) % c->pairs;
		ask_later(q);
		return;
	}
	if (sot_scheduler_dispatch_reply(&replies, q, NULL, frame, c->arena, &err) != SOT_OK)
		load_die("reply", err.text);
	sot_arena_reset(c->arena);
}

static sot_code encode(load_request *q, uint64_t id, sot_buf *frame, sot_err *err)
{
	uint8_t digest[32] = {0};
	char key[32];
	(void)snprintf(key, sizeof(key), "load-%llu", (unsigned long long)q->number);
	memcpy(digest, &q->number, sizeof(q->number));
	sot_request_context context = {.actor = SOT_STR("user:load"),
	    .idempotency_key = sot_str_c(key),
	    .request_sha256 = {(const char *)digest, sizeof(digest)}};
	if (q->kind == LOAD_CREATE) {
		sot_app_create m = {.request_id = id,
		    .context = context,
		    .name = sot_str_c(q->app),
		    .image = SOT_STR("img"),
		    .plan = SOT_STR("tiny"),
		    .vlan = SOT_STR("lab"),
		    .health = {.interval_ms = 1000,
		        .timeout_ms = 500,
		        .healthy_after = 1,
		        .unhealthy_after = 1},
		    .count = q->count};
		return sot_app_create_encode(&m, frame, err);
	}
	if (q->kind == LOAD_SCALE) {
		sot_app_scale m = {
		    .request_id = id, .context = context, .name = sot_str_c(q->app), .count = q->count};
		return sot_app_scale_encode(&m, frame, err);
	}
	sot_app_delete m = {.request_id = id, .context = context, .name = sot_str_c(q->app)};
	return sot_app_delete_encode(&m, frame, err);
}

static void ask(load_request *q)
{
	load_client *c = q->client;
	sot_err err = {0};
	uint64_t id = bus_next_request_id(c->w->gateway);
	q->scheduler = c->leader;
	sot_buf_reset(&c->frame);
	if (encode(q, id, &c->frame, &err) != SOT_OK ||
	    bus_request(c->clients[q->scheduler][q->connection], id, sot_buf_str(&c->frame),
	        c->patience_ms, on_reply, q, &err) != SOT_OK)
		load_die("request", err.text);
}

void load_send(load_client *c, load_request *q)
{
	q->client = c;
	q->number = c->next_number++;
	q->connection = q->number % c->connections;
	sot_list_init(&q->again);
	q->began_ns = now_ns();
	ask(q);
}

load_client *load_client_new(load_world *w, int pairs, size_t connections)
{
	load_client *c = sot_alloc(sizeof(*c));
	char endpoint[200];
	sot_err err = {0};
	*c = (load_client){
	    .w = w, .pairs = pairs, .connections = connections, .patience_ms = PATIENCE_MS};
	sot_list_init(&c->again);
	c->arena = sot_arena_new(1u << 20);
	sot_buf_init(&c->frame, SOT_WIRE_FRAME_MAX);
	c->timer = reactor_every_ms(w->loop, AGAIN_MS / 2, on_again, c);
	for (int pair = 0; pair < pairs; pair++) {
		load_endpoint(w, "scheduler-requests", pair, endpoint, sizeof(endpoint));
		for (size_t k = 0; k < connections; k++)
			if (bus_connect(w->gateway, "requests", endpoint, w->scheduler_key, NULL, NULL, c,
			        &c->clients[pair][k], &err) != SOT_OK)
				load_die("connecting", err.text);
			else
				bus_client_bundle(c->clients[pair][k]);
	}
	return c;
}

load_client *load_client_free(load_client *c)
{
	for (int pair = 0; pair < c->pairs; pair++) {
		for (size_t k = 0; k < c->connections; k++)
			bus_client_free(c->clients[pair][k]);
	}
	reactor_remove(c->timer);
	sot_arena_free(c->arena);
	sot_buf_clear(&c->frame);
	free(c);
	return NULL;
}

void load_client_set_patience(load_client *c, int64_t ms)
{
	c->patience_ms = ms;
}

uint64_t load_client_repeated(const load_client *c)
{
	return c->repeated;
}
