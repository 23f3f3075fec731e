/* rtnl - rtnetlink requests, as many as Sotalia needs: links, addresses, the default route.
 *
 * Blocking, over one socket in the network namespace that was current at rtnl_open. Each call is
 * one request and its acknowledgement (deadline 2 s). Shared by the hook and the agent.
 * Source: rtnetlink(7), include/uapi/linux/{rtnetlink,if_link,if_addr,veth}.h.
 */
#ifndef HOSTAGENT_RTNL_H
#define HOSTAGENT_RTNL_H

#include "sot_err.h"

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct rtnl {
	int fd;
	uint32_t seq;
} rtnl;

typedef struct rtnl_link {
	int index;
	unsigned flags; /* IFF_* */
	uint32_t mtu;
	int master; /* index of its bridge, 0 = none */
	bool has_port_state;
	uint8_t port_state; /* BR_STATE_* of a bridge port */
	uint8_t mac[6];
	char kind[16]; /* "bridge", "veth", "" for a device */
} rtnl_link;

sot_code rtnl_open(rtnl *ret, sot_err *err) SOT_CHECK;
void rtnl_close(rtnl *r);

/* SOT_NOT_FOUND when there is no link of that name. */
sot_code rtnl_link_get(rtnl *r, const char *name, rtnl_link *ret, sot_err *err) SOT_CHECK;
sot_code rtnl_link_delete(rtnl *r, int index, sot_err *err) SOT_CHECK;

typedef struct rtnl_link_change {
	int index;
	bool up;              /* sets IFF_UP; a link is never set down */
	int master;           /* 0: left alone */
	uint32_t mtu;         /* 0: left alone */
	const uint8_t *mac;   /* NULL: left alone */
	bool no_ipv6_address; /* IN6_ADDR_GEN_MODE_NONE: no link-local address */
} rtnl_link_change;
sot_code rtnl_link_set(rtnl *r, const rtnl_link_change *change, sot_err *err) SOT_CHECK;

/* A veth pair: `name` here, `peer_name` with `peer_mac` directly in the namespace `peer_netns_fd`,
 * one message. Both ends are down. */
typedef struct rtnl_veth {
	const char *name, *peer_name;
	const uint8_t *peer_mac;
	int peer_netns_fd;
	uint32_t mtu;
} rtnl_veth;
sot_code rtnl_veth_add(rtnl *r, const rtnl_veth *veth, sot_err *err) SOT_CHECK;

/* A bridge without STP, forward delay and snooping, with its own MAC, down. */
sot_code rtnl_bridge_add(rtnl *r, const char *name, const uint8_t mac[6], sot_err *err) SOT_CHECK;

/* Addresses in host byte order. Adding what is there already is no error. */
sot_code rtnl_address_add(
    rtnl *r, int index, uint32_t address, uint8_t prefix, sot_err *err) SOT_CHECK;
sot_code rtnl_default_route_set(rtnl *r, int index, uint32_t gateway, sot_err *err) SOT_CHECK;

#endif
