/* ipam_link - the conversation with ipam (docs/PROTOCOL.md, ipam_agent): tells what addresses are
 * really wired on this host and who else uses them, and carries out the probes that ipam asks for.
 */
#ifndef HOSTAGENT_IPAM_LINK_H
#define HOSTAGENT_IPAM_LINK_H

#include "agent.h"

sot_code ipam_link_new(agent *a, ipam_link **ret, sot_err *err) SOT_CHECK;
ipam_link *ipam_link_free(ipam_link *l);
/* Something to tell is different now. */
void ipam_link_changed(ipam_link *l);
/* Once a turn, after probes may have ended: results of ordered ones are taken, and a report begins
 * when one is due. */
void ipam_link_pump(ipam_link *l);

#endif
