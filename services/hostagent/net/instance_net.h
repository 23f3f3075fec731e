/* instance_net - wires the network namespace of a container from its record: a veth pair into the
 * bridge, address, route, and the settings a VLAN expects. Idempotent: what an earlier try left
 * behind under the same name is replaced.
 */
#ifndef HOSTAGENT_INSTANCE_NET_H
#define HOSTAGENT_INSTANCE_NET_H

#include "net_record.h"

/* `netns_fd` is the container's namespace, `host_netns_fd` the caller's. On return the caller is
 * in its own namespace again; the link forwards. */
sot_code instance_net_wire(
    const net_record *record, int netns_fd, int host_netns_fd, sot_err *err) SOT_CHECK;

/* Announces the address now, after 100 ms and after 1 s from inside the container's namespace.
 * Takes 1 s: for a process of its own. */
void instance_net_announce(const net_record *record, int netns_fd);

#endif
