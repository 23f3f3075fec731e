/* gw_flow - the flow of one exec session between its client and the agent. Pure: frames in, frames
 * out by being asked for; no clock, no sockets.
 *
 *   agent --OUTPUT--> [output: what the client has not, and a piece of history] --OUTPUT--> client
 *   agent <--INPUT--- [input: at most GW_FLOW_INPUT_MAX] <--INPUT------------------------- client
 *
 * Towards the agent data frames are counted (exec_frame.h: EXEC_WINDOW). Towards the client bytes
 * are: each side tells by CREDIT how many it has taken in all since the client came. What is held
 * is bounded whoever stands still: a client that takes nothing stops the program. While no client
 * is there (a terminal whose browser lost its connection), the program goes on, and the last
 * GW_FLOW_HISTORY bytes are kept for when it comes back.
 */
#ifndef GW_FLOW_H
#define GW_FLOW_H

#include "exec_frame.h"
#include "sot_str.h"

enum {
	GW_FLOW_HISTORY = 64 * 1024,
	GW_FLOW_CLIENT_WINDOW = 128 * 1024, /* bytes sent to the client and not taken yet */
	GW_FLOW_UNTAKEN_MAX = 256 * 1024,   /* output that the client has not taken, sent or not */
	GW_FLOW_INPUT_MAX = 64 * 1024       /* input that the agent has not taken */
};

typedef struct gw_flow gw_flow;
/* id: told to the client in BEGUN, so that it can come back. */
gw_flow *gw_flow_new(const char *id);
gw_flow *gw_flow_free(gw_flow *f);

/* ---- the agent's side ---- */
/* False: the agent does not keep to the protocol. */
bool gw_flow_from_agent(gw_flow *f, const exec_frame *frame);
/* The next frame for the agent; 0: none now. */
size_t gw_flow_for_agent(gw_flow *f, uint8_t dst[EXEC_FRAME_MAX]);
/* The session is over for another reason than the program's end; the first reason stands. */
void gw_flow_break(gw_flow *f, exec_reason reason, const char *text);

/* ---- the client's side ---- */
/* A client came that has the output up to byte `after`. It gets what it lacks, or, when that is not
 * kept any more, all that is kept: BEGUN tells from where. Nobody else is attached. */
void gw_flow_attach(gw_flow *f, uint64_t after);
void gw_flow_detach(gw_flow *f);
/* False: the client does not keep to the protocol. */
bool gw_flow_from_client(gw_flow *f, const exec_frame *frame);
/* The next frame for the client; 0: none now. To be asked for while its connection takes some. */
size_t gw_flow_for_client(gw_flow *f, uint8_t dst[EXEC_FRAME_MAX]);

/* The agent told the end, or gw_flow_break did. */
bool gw_flow_is_over(const gw_flow *f);
/* The client got the end: nothing follows. */
bool gw_flow_is_told(const gw_flow *f);
/* How it ended; text is "" for a program that exited. Valid when it is over. */
exec_reason gw_flow_end(const gw_flow *f, int *ret_status, const char **ret_text);
size_t gw_flow_held(const gw_flow *f); /* bytes, for tests and metrics */

#endif
