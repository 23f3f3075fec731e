/* gw_relay - what the scheduler relays to a host's agent for a call, and the agent's answer. A
 * refusal, silence and nonsense are answered here.
 */
#ifndef GW_RELAY_H
#define GW_RELAY_H

#include "gateway.h"

typedef struct gw_relay {
	const char *none; /* how a problem begins: "no figures" */
	uint16_t id;      /* of the message that answers: SOT_MSG_... */
	/* Answers the call with a message of that id; false, and no answer, when it cannot be decoded.
	 * What is decoded into the arena ends with the call. */
	bool (*take)(gw_call *c, sot_str frame, sot_arena *arena);
} gw_relay;

/* Sends an encoded question; a problem is answered when it cannot be sent. `relay` is borrowed
 * until the call is answered. */
void gw_relay_ask(gw_call *c, const gw_relay *relay, uint64_t request_id, sot_str frame);

#endif
