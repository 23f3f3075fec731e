/* uplink - the conversation with the schedulers (docs/PROTOCOL.md, hostagent): the agent always
 * dials out, to all of them; the one that answers as leader is listened to.
 */
#ifndef HOSTAGENT_UPLINK_H
#define HOSTAGENT_UPLINK_H

#include "agent.h"

sot_code uplink_new(agent *a, uplink **ret, sot_err *err) SOT_CHECK;
uplink *uplink_free(uplink *u);
/* Sends what the feed has to tell, unless a message is on its way. */
void uplink_tell(uplink *u);
/* What a witness found, to the leader; lost when there is none: it asks again. */
void uplink_probed(uplink *u, const sot_host_probed *m);
/* How a command of rotation ended. Lost when no leader is connected: it asks again. */
void uplink_rotated(uplink *u, const sot_rotated *m);
/* The Engine's version is known (agent.docker_version), or that it does not answer: from now on the
 * schedulers are greeted, and again whenever what a hello tells of the machine has changed. */
void uplink_engine_asked(uplink *u);
bool uplink_is_up(const uplink *u);
/* Calls each for every part of a comma list, with its surrounding spaces cut off. */
void uplink_each_endpoint(
    const char *list, void (*each)(void *self, const char *endpoint), void *self);

#endif
