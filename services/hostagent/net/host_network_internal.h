/* What the files of host_network share. */
#ifndef HOSTAGENT_HOST_NETWORK_INTERNAL_H
#define HOSTAGENT_HOST_NETWORK_INTERNAL_H

#include "host_network.h"
#include "net_link.h"

struct host_network {
	net_uplinks uplinks;
	char *state_dir;
	sot_uuid host_id;
	int *down; /* indexes of the ports that the last check found down */
	size_t down_count;
	sot_buf table; /* how the guard table read after it was made; "" before */
};

/* What the bridges of this host carry as their alias. */
#define HOST_NETWORK_ALIAS "sotalia VLAN "

/* bridge-nf-call-*: frames between instances are not the business of iptables. */
void host_network_let_frames_pass(host_network_report *report);
/* Ports, isolation and limits of the instances with a record. */
void host_network_check_ports(host_network *h, netlink *route, host_network_report *report);
/* Bridges of VLANs that are not among `vlans`. */
void host_network_remove_unused(host_network *h, netlink *route, const uint16_t *vlans,
    size_t count, host_network_report *report);
/* The guard table and its elements. */
void host_network_check_guard(host_network *h, host_network_report *report);

#endif
