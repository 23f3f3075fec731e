/* instance_net - wires the network namespace of a container from its record: guard, a veth pair
 * into the bridge, addresses, routes, limits, and the settings a VLAN expects. Idempotent: what an
 * earlier try left behind under the same name is replaced.
 */
#ifndef HOSTAGENT_INSTANCE_NET_H
#define HOSTAGENT_INSTANCE_NET_H

#include "net_link.h"
#include "net_record.h"

/* Called when the guard table is not there; makes it. */
typedef sot_code (*instance_net_make_table_fn)(void *self, sot_err *err);

typedef struct instance_net_context {
	int netns_fd, host_netns_fd;           /* the container's namespace and the caller's */
	instance_net_make_table_fn make_table; /* NULL: a missing table is an error */
	void *self;                            /* for make_table */
} instance_net_context;

/* How the address is announced: a packet socket inside the container's namespace. */
typedef struct instance_announcer {
	int packet_fd, link_index;
} instance_announcer;

/* On return the caller is in its own namespace again, the link forwards, and the address was
 * announced once. The caller closes ret_announcer->packet_fd; that takes the kernel 12 ms, so it
 * belongs into a process that nobody waits for. */
sot_code instance_net_wire(const net_record *record, const instance_net_context *context,
    instance_announcer *ret_announcer, sot_err *err) SOT_CHECK;

/* Of a container that runs: what it sends is limited to `kbit` from now on (0: not at all), inside,
 * where it cannot take it away. `mac` is that of its interface: a namespace whose eth0 has another
 * one is not touched, as its pid may have become somebody else's (SOT_CONFLICT). On return the
 * caller is in its own namespace again. */
sot_code instance_net_limit(int netns_fd, int host_netns_fd, const uint8_t mac[static 6],
    uint32_t kbit, bool *ret_changed, sot_err *err) SOT_CHECK;

/* The group of its link: whether it is guarded. Pure. */
uint32_t instance_net_group(const net_record *record);
/* What the bridge port of an instance may do. Pure. */
net_link_port instance_net_port(const net_record *record);

/* Announces the address again, after 100 ms and after 1 s. For a process of its own. */
void instance_net_repeat(const net_record *record, const instance_announcer *announcer);

#endif
