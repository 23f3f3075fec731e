/* net_link - network links: read, make, change, delete; by libnl-route-3.
 *
 * Each call is one request over the caller's netlink socket (NETLINK_ROUTE) in that socket's
 * namespace. Names are checked by the caller (at most 15 bytes).
 */
#ifndef HOSTAGENT_NET_LINK_H
#define HOSTAGENT_NET_LINK_H

#include "netlink.h"

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct net_link {
	char name[IFNAMSIZ];
	int index;
	unsigned flags; /* IFF_* */
	uint32_t mtu;
	int master; /* index of its bridge or bond, 0 = none */
	uint32_t group;
	int lower; /* index of the device that a VLAN device lies on, 0 = none */
	uint8_t mac[6];
	char kind[16];        /* "bridge", "veth", "vlan", "bond"; "" for a device */
	char master_kind[16]; /* what it is a port of: "bridge", "bond", "" */
	char qdisc[16];       /* of its root: "noqueue", "tbf" */
	char alias[64];       /* what its maker wrote on it, "" for nothing */
	uint16_t vlan_id;     /* of a VLAN device */
	/* Of a bridge: */
	uint32_t stp_state, forward_delay;
	uint8_t multicast_snooping;
	/* Of a bridge port: */
	bool has_port_state, isolated;
	uint16_t group_forward; /* which link-local groups it forwards, a bit each */
	uint8_t port_state;     /* BR_STATE_* */
} net_link;

/* SOT_NOT_FOUND when there is no link of that name. */
sot_code net_link_get(netlink *n, const char *name, net_link *ret, sot_err *err) SOT_CHECK;
/* All links of the namespace; *ret_links is freed by the caller. */
sot_code net_link_list(netlink *n, net_link **ret_links, size_t *ret_count, sot_err *err) SOT_CHECK;
sot_code net_link_delete(netlink *n, int index, sot_err *err) SOT_CHECK;

typedef struct net_link_change {
	bool up;               /* sets IFF_UP; a link is never set down */
	int master;            /* 0: left alone; NET_LINK_NO_MASTER: taken out of its bridge */
	uint32_t mtu;          /* 0: left alone */
	const uint8_t *mac;    /* NULL: left alone */
	const char *alias;     /* NULL: left alone */
	const uint32_t *group; /* NULL: left alone */
} net_link_change;
#define NET_LINK_NO_MASTER (-1)
sot_code net_link_set(netlink *n, int index, const net_link_change *change, sot_err *err) SOT_CHECK;

/* A veth pair: `name` here, `peer_name` with `peer_mac` directly in the namespace `peer_netns_fd`,
 * one message. Both ends are down; `master` (0: none) gets the end that is here, which is in
 * `group`. */
typedef struct net_link_veth {
	const char *name, *peer_name;
	const uint8_t *peer_mac;
	int peer_netns_fd, master;
	uint32_t mtu, group;
} net_link_veth;
sot_code net_link_add_veth(netlink *n, const net_link_veth *veth, sot_err *err) SOT_CHECK;

/* A bridge without STP, forward delay and multicast snooping, with its own MAC, down. */
sot_code net_link_add_bridge(
    netlink *n, const char *name, const uint8_t mac[6], sot_err *err) SOT_CHECK;
/* Gives a bridge those settings again. */
sot_code net_link_reset_bridge(netlink *n, int index, sot_err *err) SOT_CHECK;

/* An 802.1Q device on `lower`, down. SOT_LIMIT when the kernel has no 8021q; the
 * text says what to do. */
sot_code net_link_add_vlan(
    netlink *n, const char *name, int lower, uint16_t vlan_id, sot_err *err) SOT_CHECK;

/* What a bridge port may do. */
typedef struct net_link_port {
	bool isolated;          /* reaches only ports that are not isolated */
	uint16_t group_forward; /* NET_LINK_ALL_GROUPS or 0 */
} net_link_port;
/* LLDP and its like are forwarded, instead of given to the host itself; not the three groups that
 * no bridge may forward. So the guard sees them. */
#define NET_LINK_ALL_GROUPS 0xfff8u
sot_code net_link_set_port(
    netlink *n, int index, const net_link_port *port, sot_err *err) SOT_CHECK;

#endif
