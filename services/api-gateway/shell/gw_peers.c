/* The ways to scheduler and ipam. Several schedulers may be named: one leads, the others say
 * not_leader; a question goes round until one answers, and the next begins at the one that did. */
#include "gateway.h"

#include "sot_failpoint.h"
#include "sot_log.h"
#include "sot_proto.h"

#include <stdlib.h>
#include <string.h>

#define ENDPOINTS_MAX 8

struct gw_peers {
	gateway *g;
	bus_client *schedulers[ENDPOINTS_MAX];
	size_t scheduler_count, leader; /* leader: who answered last */
	bus_client *ipam;
	sot_link questions;
	sot_metric *asked, *moved;
};

typedef struct question {
	sot_link link;
	gw_peers *peers;
	bool ipam;
	uint64_t request_id;
	sot_buf frame;
	size_t at, tried;
	sot_mono deadline;
	bus_reply_fn done;
	void *self;
} question;

static question *question_free(question *q)
{
	sot_list_remove(&q->link);
	sot_buf_clear(&q->frame);
	free(q);
	return NULL;
}

static void finish(question *q, sot_code code, sot_str frame, const sot_err *why)
{
	bus_reply_fn done = q->done;
	void *self = q->self;
	/* The question goes first: `done` may ask the next one. The frame is borrowed from the bus. */
	(void)question_free(q);
	done(self, code, frame, why);
}

static bool says_not_leader(sot_str frame)
{
	sot_arena *arena = sot_arena_new(64u * 1024);
	struct sot_refused refused;
	sot_wire_head head = {0};
	bool is = sot_wire_peek(frame, &head, NULL) == SOT_OK && head.id == SOT_MSG_REFUSED &&
	          sot_refused_decode(frame, arena, &refused, NULL) == SOT_OK &&
	          refused.code == SOT_REFUSAL_NOT_LEADER;
	(void)sot_arena_free(arena);
	return is;
}

static sot_code send_question(question *q, sot_err *err);

static void on_answer(void *self, sot_code code, sot_str frame, const sot_err *why)
{
	question *q = self;
	gw_peers *p = q->peers;
	sot_err err = {0};
	bool refused = code == SOT_OK && !q->ipam && says_not_leader(frame);
	if (code == SOT_OK && !refused) {
		if (!q->ipam)
			p->leader = q->at;
		finish(q, SOT_OK, frame, NULL);
		return;
	}
	if (q->ipam || ++q->tried >= p->scheduler_count) {
		finish(q, code, frame, why);
		return;
	}
	sot_metric_add(p->moved, 1);
	q->at = (q->at + 1) % p->scheduler_count;
	if (send_question(q, &err) != SOT_OK)
		finish(q, err.code, (sot_str){0}, &err);
}

static sot_code send_question(question *q, sot_err *err)
{
	gw_peers *p = q->peers;
	bus_client *to = q->ipam ? p->ipam : p->schedulers[q->at];
	int64_t left_ms = sot_mono_diff_ms(q->deadline, reactor_now(p->g->loop));
	int64_t share_ms = left_ms;
	/* While there are others to ask, a scheduler that is away must not use up all the time. */
	if (!q->ipam && p->scheduler_count > q->tried + 1)
		share_ms = left_ms / (int64_t)(p->scheduler_count - q->tried);
	if (share_ms < 1)
		return sot_fail(err, SOT_UNAVAILABLE, "no scheduler answered in time");
	SOT_FAILPOINT("gateway.ask.before_send", err);
	return bus_request(to, q->request_id, sot_buf_str(&q->frame), share_ms, on_answer, q, err);
}

/* The one that answered last, unless another one is connected and it is not. */
static size_t first_choice(const gw_peers *p)
{
	for (size_t i = 0; i < p->scheduler_count; i++) {
		size_t at = (p->leader + i) % p->scheduler_count;
		if (bus_client_is_up(p->schedulers[at]))
			return at;
	}
	return p->leader;
}

sot_code gw_peers_ask(gw_peers *p, bool ipam, uint64_t request_id, sot_str frame,
    int64_t deadline_ms, bus_reply_fn done, void *self, sot_err *err)
{
	question *q = sot_alloc(sizeof(*q));
	sot_code code;
	q->peers = p;
	q->ipam = ipam;
	q->request_id = request_id;
	q->at = first_choice(p);
	q->done = done;
	q->self = self;
	q->deadline = sot_mono_add_ms(reactor_now(p->g->loop), deadline_ms);
	sot_buf_init(&q->frame, SOT_WIRE_FRAME_MAX);
	sot_buf_add_str(&q->frame, frame);
	sot_list_push(&p->questions, &q->link);
	sot_metric_add(p->asked, 1);
	code = send_question(q, err);
	if (code != SOT_OK)
		(void)question_free(q);
	return code;
}

void gw_peers_forget(gw_peers *p, void *self)
{
	sot_link *next;
	if (p == NULL)
		return;
	for (sot_link *l = p->questions.next; l != &p->questions; l = next) {
		question *q = SOT_CONTAINER(l, question, link);
		next = l->next;
		if (q->self != self)
			continue;
		for (size_t i = 0; i < p->scheduler_count; i++)
			bus_client_forget(p->schedulers[i], q);
		bus_client_forget(p->ipam, q);
		(void)question_free(q);
	}
}

bool gw_peers_scheduler_is_up(const gw_peers *p)
{
	for (size_t i = 0; i < p->scheduler_count; i++)
		if (bus_client_is_up(p->schedulers[i]))
			return true;
	return false;
}

static sot_code connect_to(gw_peers *p, const char *name, const char *endpoint, const char *service,
    bus_client **ret, sot_err *err)
{
	char path[640], key[BUS_KEY_TEXT];
	(void)snprintf(path, sizeof(path), "%s/%s.pub", p->g->config->keys_dir, service);
	if (bus_public_key_load(path, key, err) != SOT_OK)
		return err->code;
	sot_code code = bus_connect(p->g->bus, name, endpoint, key, NULL, NULL, p, ret, err);
	if (code == SOT_OK)
		bus_client_bundle(*ret); /* many users ask at once */
	return code;
}

static sot_code connect_schedulers(gw_peers *p, sot_err *err)
{
	sot_str rest = sot_str_c(p->g->config->scheduler_requests);
	while (rest.n > 0) {
		char endpoint[256];
		sot_str one = sot_str_cut(rest, ',', &rest);
		if (p->scheduler_count == ENDPOINTS_MAX)
			return sot_fail(
			    err, SOT_INVALID, "scheduler_requests has more than %d endpoints", ENDPOINTS_MAX);
		if (sot_str_copy(one, endpoint, sizeof(endpoint), err) != SOT_OK)
			return sot_wrap(err, "scheduler_requests");
		if (connect_to(p, "scheduler", endpoint, "scheduler", &p->schedulers[p->scheduler_count],
		        err) != SOT_OK)
			return err->code;
		p->scheduler_count++;
	}
	return SOT_OK;
}

sot_code gw_peers_new(gateway *g, gw_peers **ret, sot_err *err)
{
	gw_peers *p = sot_alloc(sizeof(*p));
	p->g = g;
	sot_list_init(&p->questions);
	p->asked =
	    sot_counter("sot_gateway_commands_total", NULL, "Messages sent to scheduler and ipam");
	p->moved = sot_counter("sot_gateway_commands_moved_total", NULL,
	    "Messages sent again to another scheduler: not the leader, or no answer");
	if (connect_schedulers(p, err) != SOT_OK ||
	    connect_to(p, "ipam", g->config->ipam_requests, "ipam", &p->ipam, err) != SOT_OK) {
		(void)gw_peers_free(p);
		return err->code;
	}
	*ret = p;
	return SOT_OK;
}

gw_peers *gw_peers_free(gw_peers *p)
{
	if (p == NULL)
		return NULL;
	for (size_t i = 0; i < p->scheduler_count; i++)
		(void)bus_client_free(p->schedulers[i]);
	if (p->ipam != NULL)
		(void)bus_client_free(p->ipam);
	while (!sot_list_empty(&p->questions))
		(void)question_free(SOT_CONTAINER(p->questions.next, question, link));
	free(p);
	return NULL;
}
