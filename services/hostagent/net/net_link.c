#include "net_link.h"

#include <linux/if_bridge.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <netlink/errno.h>
#include <netlink/route/link.h>
#include <netlink/route/link/veth.h>
#include <netlink/route/link/vlan.h>
#include <stdlib.h>
#include <string.h>

/* A link object of libnl; aborts on OOM. */
static struct rtnl_link *made(struct rtnl_link *link)
{
	if (!link)
		abort();
	return link;
}

static void set_mac(struct rtnl_link *link, const uint8_t mac[6])
{
	struct nl_addr *address = nl_addr_build(AF_LLC, mac, 6);
	if (!address)
		abort();
	rtnl_link_set_addr(link, address);
	nl_addr_put(address);
}

/* Asks the kernel to make what the object describes; takes the object. */
static sot_code add(netlink *n, struct rtnl_link *link, sot_err *err)
{
	struct nl_msg *m = NULL;
	int why = rtnl_link_build_add_request(link, NLM_F_CREATE | NLM_F_EXCL, &m);
	rtnl_link_put(link);
	if (why < 0)
		return sot_fail(err, SOT_INTERNAL, "a link request: %s", nl_geterror(why));
	return netlink_ask(n, &m, NULL, NULL, err);
}

sot_code net_link_delete(netlink *n, int index, sot_err *err)
{
	const struct ifinfomsg which = {.ifi_family = AF_UNSPEC, .ifi_index = index};
	struct nl_msg *m = netlink_message(RTM_DELLINK, 0, &which, sizeof(which));
	return netlink_ask(n, &m, NULL, NULL, err);
}

sot_code net_link_set(netlink *n, int index, const net_link_change *change, sot_err *err)
{
	struct ifinfomsg which = {.ifi_family = AF_UNSPEC, .ifi_index = index};
	if (change->up)
		which.ifi_flags = which.ifi_change = IFF_UP;
	struct nl_msg *m = netlink_message(RTM_NEWLINK, 0, &which, sizeof(which));
	if (change->master)
		netlink_put_u32(m, IFLA_MASTER, change->master > 0 ? (uint32_t)change->master : 0);
	if (change->mtu)
		netlink_put_u32(m, IFLA_MTU, change->mtu);
	if (change->mac)
		netlink_put(m, IFLA_ADDRESS, change->mac, 6);
	if (change->group)
		netlink_put_u32(m, IFLA_GROUP, *change->group);
	if (change->alias)
		netlink_put(m, IFLA_IFALIAS, change->alias, strlen(change->alias));
	return netlink_ask(n, &m, NULL, NULL, err);
}

sot_code net_link_add_veth(netlink *n, const net_link_veth *veth, sot_err *err)
{
	struct rtnl_link *here = made(rtnl_link_veth_alloc());
	struct rtnl_link *peer = made(rtnl_link_veth_get_peer(here));
	rtnl_link_set_name(here, veth->name);
	rtnl_link_set_mtu(here, veth->mtu);
	if (veth->master)
		rtnl_link_set_master(here, veth->master);
	if (veth->group)
		rtnl_link_set_group(here, veth->group);
	rtnl_link_set_name(peer, veth->peer_name);
	rtnl_link_set_mtu(peer, veth->mtu);
	set_mac(peer, veth->peer_mac);
	rtnl_link_set_ns_fd(peer, veth->peer_netns_fd);
	rtnl_link_put(peer); /* get_peer took a reference */
	sot_code code = add(n, here, err);
	return code == SOT_OK ? SOT_OK : sot_wrap(err, "veth %s", veth->name);
}

static void put_bridge_settings(struct nl_msg *m, bool with_delay)
{
	struct nlattr *info = netlink_nest(m, IFLA_LINKINFO);
	netlink_put_text(m, IFLA_INFO_KIND, "bridge");
	struct nlattr *data = netlink_nest(m, IFLA_INFO_DATA);
	netlink_put_u32(m, IFLA_BR_STP_STATE, 0);
	netlink_put_u8(m, IFLA_BR_MCAST_SNOOPING, 0);
	if (with_delay)
		netlink_put_u32(m, IFLA_BR_FORWARD_DELAY, 0);
	(void)nla_nest_end(m, data);
	(void)nla_nest_end(m, info);
}

/* By hand: libnl 3.7 knows none of a bridge's own settings. */
sot_code net_link_add_bridge(netlink *n, const char *name, const uint8_t mac[6], sot_err *err)
{
	const struct ifinfomsg any = {.ifi_family = AF_UNSPEC};
	struct nl_msg *m = netlink_message(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &any, sizeof(any));
	netlink_put_text(m, IFLA_IFNAME, name);
	netlink_put(m, IFLA_ADDRESS, mac, 6);
	put_bridge_settings(m, true);
	sot_code code = netlink_ask(n, &m, NULL, NULL, err);
	return code == SOT_OK ? SOT_OK : sot_wrap(err, "bridge %s", name);
}

/* In two requests: the kernel takes no forward delay of 0 while STP is still on. */
sot_code net_link_reset_bridge(netlink *n, int index, sot_err *err)
{
	const struct ifinfomsg which = {.ifi_family = AF_UNSPEC, .ifi_index = index};
	sot_code code = SOT_OK;
	for (int with_delay = 0; code == SOT_OK && with_delay <= 1; with_delay++) {
		struct nl_msg *m = netlink_message(RTM_NEWLINK, 0, &which, sizeof(which));
		put_bridge_settings(m, with_delay);
		code = netlink_ask(n, &m, NULL, NULL, err);
	}
	return code;
}

sot_code net_link_add_vlan(netlink *n, const char *name, int lower, uint16_t vlan_id, sot_err *err)
{
	struct rtnl_link *link = made(rtnl_link_vlan_alloc());
	rtnl_link_set_name(link, name);
	rtnl_link_set_link(link, lower);
	(void)rtnl_link_vlan_set_id(link, vlan_id);
	sot_code code = add(n, link, err);
	if (code == SOT_LIMIT)
		return sot_fail(err, SOT_LIMIT,
		    "this kernel cannot make the 802.1Q device %s: load the module 8021q (modprobe 8021q), "
		    "or "
		    "make %s yourself, or name an untagged link in vlan_links",
		    name, name);
	return code == SOT_OK ? SOT_OK : sot_wrap(err, "802.1Q device %s", name);
}

sot_code net_link_set_port(netlink *n, int index, const net_link_port *settings, sot_err *err)
{
	const struct ifinfomsg which = {.ifi_family = AF_BRIDGE, .ifi_index = index};
	struct nl_msg *m = netlink_message(RTM_SETLINK, 0, &which, sizeof(which));
	struct nlattr *port = netlink_nest(m, IFLA_PROTINFO);
	netlink_put_u8(m, IFLA_BRPORT_ISOLATED, settings->isolated);
	netlink_put(m, IFLA_BRPORT_GROUP_FWD_MASK, &settings->group_forward, sizeof(uint16_t));
	(void)nla_nest_end(m, port);
	sot_code code = netlink_ask(n, &m, NULL, NULL, err);
	return code == SOT_OK ? SOT_OK : sot_wrap(err, "settings of a bridge port");
}
