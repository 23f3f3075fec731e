/* net_uplinks - how a VLAN leaves this host: one parser of the uplink keys, for netd and the agent.
 *
 *   vlan_uplink   a device that carries tagged VLANs (a NIC, a bond): VLAN 100 leaves by <dev>.100,
 *                 which is made as an 802.1Q device or taken as it is when it exists
 *   vlan_links    "100=eth1,200=bond0.200": a link that carries one VLAN untagged (an access port)
 *   vlan_bridges  "300=br-dmz": a bridge that somebody else made; it is used and never changed
 *   bridge_name, bridge_uplink, bridge_address: VLAN 0, the untagged bridge
 * Pure.
 */
#ifndef HOSTAGENT_NET_UPLINKS_H
#define HOSTAGENT_NET_UPLINKS_H

#include "sot_ip.h"

#include <net/if.h>

#define NET_UPLINKS_MAX 256u

typedef struct net_uplinks_settings {
	const char *vlan_uplink, *vlan_links, *vlan_bridges;
	const char *bridge_name, *bridge_uplink, *bridge_address; /* "" for none, but for the name */
} net_uplinks_settings;

typedef enum net_uplink_kind {
	NET_UPLINK_TAGGED,   /* `link` is <dev>.<vlan>, made when absent */
	NET_UPLINK_ACCESS,   /* `link` must exist */
	NET_UPLINK_BRIDGE,   /* `bridge` must exist; nothing is changed */
	NET_UPLINK_UNTAGGED, /* VLAN 0; `link` may be "" */
} net_uplink_kind;

typedef struct net_uplink {
	uint16_t vlan;
	net_uplink_kind kind;
	char bridge[IFNAMSIZ];
	char link[IFNAMSIZ];
	char device[IFNAMSIZ]; /* what a tagged link lies on */
} net_uplink;

typedef struct net_uplinks {
	char device[IFNAMSIZ];             /* vlan_uplink, or "" */
	net_uplink named[NET_UPLINKS_MAX]; /* vlan_links and vlan_bridges */
	size_t named_count;
	net_uplink untagged;
	sot_ip address; /* of this host on the untagged bridge, or none */
	uint8_t prefix;
} net_uplinks;

/* SOT_INVALID names the key and what is wrong in it. */
sot_code net_uplinks_parse(
    const net_uplinks_settings *settings, net_uplinks *ret, sot_err *err) SOT_CHECK;
/* SOT_NOT_FOUND when nothing carries the VLAN on this host: the text says which key to set. */
sot_code net_uplinks_find(
    const net_uplinks *u, uint16_t vlan, net_uplink *ret, sot_err *err) SOT_CHECK;

#endif
