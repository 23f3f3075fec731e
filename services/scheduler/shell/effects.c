/* Batches and what their commits release. */
#include "internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sot_failpoint.h"
#include "sot_log.h"
#include "sot_metrics.h"

#define HINT_GAP_MS 50 /* at most 20 hints a second */

_Static_assert(sizeof(bus_peer) <= CONTROLLER_PEER_SIZE, "a bus peer fits the core's opaque one");

controller_now scheduler_now(const scheduler *s)
{
	return (controller_now){reactor_now(s->r), reactor_wall(s->r)};
}

void scheduler_allow_host(scheduler *s, const char *public_key, sot_uuid id, bool denied)
{
	char identity[BUS_IDENTITY_MAX], text[SOT_UUID_TEXT];

	if (denied) {
		bus_deny(s->bus, public_key);
		return;
	}
	(void)snprintf(identity, sizeof(identity), "host:%s", sot_uuid_format(id, text));
	bus_allow(s->bus, public_key, identity);
}

/* ---- effects ---- */

/* An open request to ipam: a failure carries no frame, so the id travels here. */
typedef struct ipam_call {
	sot_link all;
	scheduler *s;
	uint64_t request_id;
} ipam_call;

static void on_ipam(void *self, sot_code code, sot_str frame, const sot_err *why)
{
	ipam_call *call = self;
	scheduler *s = call->s;
	uint64_t request_id = call->request_id;

	sot_list_remove(&call->all);
	free(call);
	SOT_FAILPOINT_HIT("scheduler.ipam.answered");
	if (code != SOT_OK)
		sot_log_err(SOT_WARN, "ipam.unanswered", why, "%s", "");
	if (!s->c)
		return;
	controller_ipam_reply(s->c, scheduler_now(s), request_id, code, frame, why ? why->text : NULL);
	scheduler_settle(s);
}

void effects_forget(scheduler *s)
{
	while (!sot_list_empty(&s->ipam_calls)) {
		ipam_call *call = SOT_CONTAINER(s->ipam_calls.next, ipam_call, all);
		bus_client_forget(s->ipam, call);
		sot_list_remove(&call->all);
		free(call);
	}
}

static void ask_ipam(scheduler *s, const controller_effect *e)
{
	ipam_call *call = sot_alloc(sizeof(*call));
	sot_err err;

	*call = (ipam_call){.s = s, .request_id = e->request_id};
	sot_list_push(&s->ipam_calls, &call->all);
	SOT_FAILPOINT_HIT("scheduler.effects.before_ipam");
	sot_code code = bus_request(s->ipam, e->request_id, sot_buf_str(&e->frame),
	    s->config->ipam_deadline_ms, on_ipam, call, &err);
	if (code == SOT_OK)
		return;
	sot_list_remove(&call->all);
	free(call);
	controller_ipam_reply(s->c, scheduler_now(s), e->request_id, code, (sot_str){0}, err.text);
	scheduler_settle(s);
}

static void reply(scheduler *s, const controller_effect *e)
{
	bus_peer peer;
	sot_err err;

	memcpy(&peer, e->peer.bytes, sizeof(peer));
	SOT_FAILPOINT_HIT("scheduler.effects.before_reply");
	if (bus_send(s->requests, &peer, sot_buf_str(&e->frame), &err) != SOT_OK)
		sot_log_err(SOT_WARN, "reply.lost", &err, "peer=%s", peer.identity);
}

static void tell_agent(scheduler *s, const controller_effect *e)
{
	const bus_peer *peer = sot_map_get_uuid(s->peers, e->host_id);
	sot_err err;

	SOT_FAILPOINT_HIT("scheduler.effects.before_assign");
	/* A lost push is healed by the generation in the next heartbeat_ack. */
	if (!peer || bus_send(s->agents, peer, sot_buf_str(&e->frame), &err) != SOT_OK)
		sot_metric_add(s->metrics.agents_dropped, 1);
	SOT_FAILPOINT_HIT("scheduler.effects.after_assign");
}

void effects_carry_out(scheduler *s, const controller_batch *b)
{
	SOT_FAILPOINT_HIT("scheduler.effects.begin");
	for (size_t k = 0; k < b->effect_count; k++) {
		const controller_effect *e = &b->effects[k];
		if (e->frame.n == 0 && e->kind != EFFECT_ALLOW)
			continue;
		switch (e->kind) {
		case EFFECT_REPLY:
			reply(s, e);
			break;
		case EFFECT_AGENT:
			tell_agent(s, e);
			break;
		case EFFECT_IPAM:
			ask_ipam(s, e);
			break;
		case EFFECT_ALLOW:
			SOT_FAILPOINT_HIT("scheduler.effects.before_allow");
			scheduler_allow_host(s, e->public_key, e->host_id, false);
			break;
		}
	}
	SOT_FAILPOINT_HIT("scheduler.effects.end");
	if (b->event_count > 0 && !s->hint_pending) {
		s->hint_pending = true;
		reactor_rearm_ms(s->hint_timer, HINT_GAP_MS);
	}
}

void effects_hint(void *self, uint64_t missed)
{
	scheduler *s = self;
	SOT_AUTO_BUF frame = {0};
	sot_outbox_hint m = {reactor_wall(s->r).unix_ms};
	sot_err err;

	(void)missed;
	s->hint_pending = false;
	sot_buf_init(&frame, SOT_WIRE_FRAME_MAX);
	if (sot_outbox_hint_encode(&m, &frame, &err) == SOT_OK)
		bus_publish(s->hints, SOT_STR("outbox"), sot_buf_str(&frame));
}

/* ---- batches ---- */

static void settle(scheduler *s);

static void on_committed(void *self, const store_outcome *outcome)
{
	scheduler *s = self;

	if (outcome->code != SOT_OK) {
		sot_metric_add(s->metrics.batches_failed, 1);
		sot_log_err(SOT_ERROR, "batch.failed", outcome->why, "sqlstate=%s constraint=%s",
		    outcome->sqlstate, outcome->constraint);
		leadership_lose(s, true, "a batch was not committed; its memory is thrown away");
		return;
	}
	SOT_FAILPOINT_HIT("scheduler.batch.after_commit");
	sot_metric_add(s->metrics.batches, 1);
	sot_metric_observe_ms(s->metrics.batch_ms, sot_mono_diff_ms(reactor_now(s->r), s->batch_sent));
	controller_batch *b = SOT_TAKE(s->inflight);
	effects_carry_out(s, b);
	controller_batch_free(b);
	SOT_FAILPOINT_HIT("scheduler.batch.effects_done");
	settle(s);
}

static sot_code commit(scheduler *s, sot_err *err)
{
	SOT_FAILPOINT("scheduler.batch.before_commit", err);
	store_tx *tx = store_begin(s->store);
	write_batch(s, tx, s->inflight);
	s->batch_sent = reactor_now(s->r);
	sot_code code = store_commit(&tx, on_committed, s, err);
	SOT_FAILPOINT_HIT("scheduler.batch.sent");
	return code;
}

static void settle(scheduler *s)
{
	sot_err err;

	if (!s->c || s->inflight || s->draining)
		return;
	s->inflight = controller_take_batch(s->c, scheduler_now(s));
	if (!s->inflight)
		return;
	if (!controller_batch_has_rows(s->inflight)) {
		controller_batch *b = SOT_TAKE(s->inflight);
		effects_carry_out(s, b);
		controller_batch_free(b);
		return;
	}
	if (commit(s, &err) != SOT_OK) {
		sot_log_err(SOT_ERROR, "batch.not_sent", &err, "%s", "");
		leadership_lose(s, true, "a batch could not be sent");
	}
}

static void on_settle(void *self)
{
	scheduler *s = self;

	s->settling = false;
	settle(s);
}

void scheduler_settle(scheduler *s)
{
	if (s->settling)
		return;
	s->settling = true;
	reactor_defer(s->r, on_settle, s);
}
