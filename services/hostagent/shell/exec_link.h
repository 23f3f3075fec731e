/* exec_link - sessions of people in instances: between the gateways (docs/PROTOCOL.md, exec) and
 * PID 1 of the instances (exec_entry.h). Frames are passed on as they are; what is counted is their
 * credit, so that neither side can make this one grow.
 *
 * A session is over when its gateway is gone, or the connection to it.
 */
#ifndef HOSTAGENT_EXEC_LINK_H
#define HOSTAGENT_EXEC_LINK_H

#include "agent.h"

sot_code exec_link_new(agent *a, exec_link **ret, sot_err *err) SOT_CHECK;
/* Ends all sessions and tells their gateways. */
exec_link *exec_link_free(exec_link *l);

#endif
