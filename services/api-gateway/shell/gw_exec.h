/* gw_exec - sessions of people in instances, between their clients (WebSocket) and the agents
 * (bus); docs/exec.md. Each is a row with audit and event from before it begins until it has ended.
 */
#ifndef GW_EXEC_H
#define GW_EXEC_H

#include "gateway.h"

sot_code gw_exec_new(gateway *g, gw_exec **ret, sot_err *err) SOT_CHECK;
/* Ends all sessions, with a reason for their clients. */
void gw_exec_end_all(gw_exec *x);
gw_exec *gw_exec_free(gw_exec *x);

#endif
