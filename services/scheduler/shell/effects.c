/* What the commit of a batch releases: replies, requests to ipam, frames for agents, hints. */
#include "internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sot_failpoint.h"
#include "sot_log.h"
#include "sot_metrics.h"

#define HINT_GAP_MS 50   /* at most 20 hints a second */
#define LATE_DOUBLINGS 3 /* of the deadline for ipam: up to 8 times */

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
	bool is_early;
} ipam_call;

/* An ipam that is slower than the deadline would have every answer come too late, and the same
 * asked again for ever: so the deadline doubles with each answer that is missing, and is halved by
 * each that comes. */
static void note_answer(scheduler *s, bool came)
{
	if (came && s->ipam_late > 0)
		s->ipam_late--;
	else if (!came && s->ipam_late < LATE_DOUBLINGS)
		s->ipam_late++;
}

static void on_ipam(void *self, sot_code code, sot_str frame, const sot_err *why)
{
	ipam_call *call = self;
	scheduler *s = call->s;
	uint64_t request_id = call->request_id;

	s->wave.open -= call->is_early;
	sot_list_remove(&call->all);
	free(call);
	SOT_FAILPOINT_HIT("scheduler.ipam.answered");
	note_answer(s, code == SOT_OK);
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
	s->wave.open = 0;
}

void effects_ask_ipam(scheduler *s, const controller_effect *e, bool is_early)
{
	ipam_call *call = sot_alloc(sizeof(*call));
	sot_err err;

	*call = (ipam_call){.s = s, .request_id = e->request_id, .is_early = is_early};
	s->wave.open += is_early;
	sot_list_push(&s->ipam_calls, &call->all);
	SOT_FAILPOINT_HIT("scheduler.effects.before_ipam");
	sot_code code = bus_request(s->ipam, e->request_id, sot_buf_str(&e->frame),
	    s->config->ipam_deadline_ms << s->ipam_late, on_ipam, call, &err);
	if (code == SOT_OK)
		return;
	s->wave.open -= is_early;
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
	pressure_answered(s, &peer, sot_buf_str(&e->frame));
	SOT_FAILPOINT_HIT("scheduler.effects.before_reply");
	if (bus_reply(s->requests, &peer, sot_buf_str(&e->frame), &err) != SOT_OK)
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
			effects_ask_ipam(s, e, false);
			break;
		case EFFECT_ALLOW:
			SOT_FAILPOINT_HIT("scheduler.effects.before_allow");
			scheduler_allow_host(s, e->public_key, e->host_id, false);
			break;
		}
	}
	bus_server_flush(s->requests);
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
