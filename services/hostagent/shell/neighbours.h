/* neighbours - the agent's ears and voice on the VLANs: one packet socket for ARP and one for
 * neighbour discovery, on all bridges of this host, with filters in the kernel. Sends the questions
 * of the probes out of a VLAN's bridge with the bridge's own MAC, so that answers come to this host
 * and no port learns a MAC that is not there; hears who else uses addresses of our instances.
 */
#ifndef HOSTAGENT_NEIGHBOURS_H
#define HOSTAGENT_NEIGHBOURS_H

#include "agent.h"

sot_code neighbours_new(agent *a, neighbours **ret, sot_err *err) SOT_CHECK;
neighbours *neighbours_free(neighbours *n);
/* The desired set or the bridges are others now. */
void neighbours_changed(neighbours *n);
/* Questions that became due are sent in this turn; call it after a probe was asked for. */
void neighbours_pump(neighbours *n);
/* Whether a question would reach anybody on that VLAN: its bridge is up and has a carrier. */
bool neighbours_reach(const neighbours *n, uint16_t vlan_id);

#endif
