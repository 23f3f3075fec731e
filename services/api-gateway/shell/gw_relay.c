#include "gw_relay.h"

#include "sot_proto.h"

static void on_answer(void *self, sot_code code, sot_str frame, const sot_err *why)
{
	gw_call *c = self;
	struct sot_refused refused;
	sot_wire_head head = {0};
	if (code != SOT_OK || sot_wire_peek(frame, &head, NULL) != SOT_OK) {
		call_problem(c, 503, "unavailable", "%s: %s; try again", c->relay->none,
		    why != NULL ? why->text : "the answer was malformed");
		return;
	}
	sot_arena *arena = sot_arena_new(4 * SOT_WIRE_FRAME_MAX);
	if (head.id == SOT_MSG_REFUSED && sot_refused_decode(frame, arena, &refused, NULL) == SOT_OK)
		call_refused(c, &refused);
	else if (head.id != c->relay->id || !c->relay->take(c, frame, arena))
		call_problem(c, 500, "internal", "the scheduler answered with message %u", head.id);
	(void)sot_arena_free(arena);
}

void gw_relay_ask(gw_call *c, const gw_relay *relay, uint64_t request_id, sot_str frame)
{
	sot_err err = {0};
	c->relay = relay;
	if (gw_peers_ask(c->g->peers, false, request_id, frame, c->g->config->request_deadline_ms,
	        on_answer, c, &err) != SOT_OK)
		call_problem(c, 503, "unavailable", "%s; try again", err.text);
}
