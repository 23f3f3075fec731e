/* What the files of host_network share. */
#ifndef HOSTAGENT_HOST_NETWORK_INTERNAL_H
#define HOSTAGENT_HOST_NETWORK_INTERNAL_H

#include "host_network.h"
#include "net_link.h"

/* The rule set of this host, and the elements that its records ask for: while neither is another
 * one, what was found in order is in order. */
typedef struct guard_sight {
	uint32_t generation; /* 0: not known */
	uint64_t asked_for;  /* 0: not known */
} guard_sight;

struct host_network {
	net_uplinks uplinks;
	char *state_dir;
	sot_uuid host_id;
	int *down; /* indexes of the ports that the last check found down */
	size_t down_count;
	sot_buf table; /* how the guard table read after it was made; "" before */
	guard_sight in_order;
};

/* What the bridges of this host carry as their alias. */
#define HOST_NETWORK_ALIAS "sotalia VLAN "

/* bridge-nf-call-*: frames between instances are not the business of iptables. */
void host_network_let_frames_pass(host_network_report *report);
/* Ports, isolation and limits of the instances with a record. Returns what guard_sight.asked_for
 * is.
 */
uint64_t host_network_check_ports(host_network *h, netlink *route, host_network_report *report);
/* Bridges of VLANs that are not among `vlans`. */
void host_network_remove_unused(host_network *h, netlink *route, const uint16_t *vlans,
    size_t count, host_network_report *report);
/* The guard table and its elements; `asked_for` as host_network_check_ports has just told. */
void host_network_check_guard(host_network *h, uint64_t asked_for, host_network_report *report);

#endif
