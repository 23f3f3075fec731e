#include "net_address.h"

#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <netlink/attr.h>
#include <netlink/errno.h>
#include <netlink/route/addr.h>
#include <netlink/route/route.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum { ADDRESSES_MAX = 100000 };

static int family_of(sot_ip ip)
{
	return ip.family == 6 ? AF_INET6 : AF_INET;
}

static struct nl_addr *built(sot_ip ip, uint8_t prefix)
{
	struct nl_addr *address = nl_addr_build(family_of(ip), ip.b, sot_ip_bits(ip) / 8);
	if (!address)
		abort();
	nl_addr_set_prefixlen(address, prefix);
	return address;
}

/* The object of an address on a link; aborts on OOM. */
static struct rtnl_addr *described(int index, sot_ip address, uint8_t prefix)
{
	struct rtnl_addr *object = rtnl_addr_alloc();
	struct nl_addr *local = built(address, prefix);
	if (!object || rtnl_addr_set_local(object, local) < 0)
		abort();
	nl_addr_put(local);
	rtnl_addr_set_ifindex(object, index);
	rtnl_addr_set_prefixlen(object, prefix);
	return object;
}

static void set_broadcast(struct rtnl_addr *object, sot_ip address, uint8_t prefix)
{
	struct nl_addr *broadcast = built(sot_ip_last(address, prefix), 32);
	if (rtnl_addr_set_broadcast(object, broadcast) < 0)
		abort();
	nl_addr_put(broadcast);
}

sot_code net_address_add(netlink *n, int index, sot_ip address, uint8_t prefix, sot_err *err)
{
	struct nl_msg *m = NULL;
	struct rtnl_addr *object = described(index, address, prefix);
	if (address.family == 6)
		rtnl_addr_set_flags(object, IFA_F_NODAD);
	else if (prefix < 31)
		set_broadcast(object, address, prefix);
	int why = rtnl_addr_build_add_request(object, NLM_F_CREATE | NLM_F_REPLACE, &m);
	rtnl_addr_put(object);
	if (why < 0)
		return sot_fail(err, SOT_INTERNAL, "an address request: %s", nl_geterror(why));
	char text[SOT_IP_TEXT];
	sot_code code = netlink_ask(n, &m, NULL, NULL, err);
	return code == SOT_OK ? SOT_OK
	                      : sot_wrap(err, "address %s/%u", sot_ip_format(address, text), prefix);
}

sot_code net_address_delete(netlink *n, int index, sot_ip address, uint8_t prefix, sot_err *err)
{
	struct nl_msg *m = NULL;
	struct rtnl_addr *object = described(index, address, prefix);
	int why = rtnl_addr_build_delete_request(object, 0, &m);
	rtnl_addr_put(object);
	if (why < 0)
		return sot_fail(err, SOT_INTERNAL, "an address request: %s", nl_geterror(why));
	return netlink_ask(n, &m, NULL, NULL, err);
}

/* ONLINK: a gateway outside the prefix (a /32 address) is reachable all the same. */
static struct rtnl_nexthop *next_hop(int index, sot_ip gateway)
{
	struct rtnl_nexthop *hop = rtnl_route_nh_alloc();
	struct nl_addr *via = built(gateway, (uint8_t)sot_ip_bits(gateway));
	if (!hop)
		abort();
	rtnl_route_nh_set_ifindex(hop, index);
	rtnl_route_nh_set_gateway(hop, via);
	rtnl_route_nh_set_flags(hop, RTNH_F_ONLINK);
	nl_addr_put(via);
	return hop;
}

sot_code net_address_set_gateway(netlink *n, int index, sot_ip gateway, sot_err *err)
{
	struct nl_msg *m = NULL;
	struct rtnl_route *route = rtnl_route_alloc();
	struct nl_addr *everywhere = nl_addr_build(family_of(gateway), NULL, 0);
	if (!route || !everywhere)
		abort();
	(void)rtnl_route_set_family(route, (uint8_t)family_of(gateway));
	(void)rtnl_route_set_dst(route, everywhere);
	nl_addr_put(everywhere);
	rtnl_route_set_table(route, RT_TABLE_MAIN);
	rtnl_route_set_scope(route, RT_SCOPE_UNIVERSE);
	rtnl_route_set_protocol(route, RTPROT_STATIC);
	rtnl_route_add_nexthop(route, next_hop(index, gateway));
	int why = rtnl_route_build_add_request(route, NLM_F_CREATE | NLM_F_REPLACE, &m);
	rtnl_route_put(route);
	if (why < 0)
		return sot_fail(err, SOT_INTERNAL, "a route request: %s", nl_geterror(why));
	char text[SOT_IP_TEXT];
	sot_code code = netlink_ask(n, &m, NULL, NULL, err);
	return code == SOT_OK ? SOT_OK : sot_wrap(err, "gateway %s", sot_ip_format(gateway, text));
}

typedef struct address_list {
	net_address *addresses;
	size_t count, room;
} address_list;

static bool read_address(struct nlmsghdr *h, net_address *ret)
{
	struct nlattr *at[IFA_MAX + 1];
	const struct ifaddrmsg *info = nlmsg_data(h);
	if (h->nlmsg_type != RTM_NEWADDR || nlmsg_parse(h, sizeof(*info), at, IFA_MAX, NULL) < 0)
		return false;
	struct nlattr *own = at[IFA_LOCAL] ? at[IFA_LOCAL] : at[IFA_ADDRESS];
	size_t bytes = info->ifa_family == AF_INET6 ? 16 : 4;
	if (!own || nla_len(own) != (int)bytes)
		return false;
	*ret = (net_address){.index = (int)info->ifa_index,
	    .address.family = bytes == 16 ? 6 : 4,
	    .prefix = info->ifa_prefixlen};
	memcpy(ret->address.b, nla_data(own), bytes);
	return true;
}

static void take(struct nlmsghdr *h, void *self)
{
	address_list *list = self;
	net_address address;
	if (list->count >= ADDRESSES_MAX || !read_address(h, &address))
		return;
	if (list->count == list->room) {
		size_t room = list->room ? 2 * list->room : 32;
		list->addresses =
		    sot_grow_array(list->addresses, list->room, room, sizeof(*list->addresses));
		list->room = room;
	}
	list->addresses[list->count++] = address;
}

sot_code net_address_list(netlink *n, net_address **ret_addresses, size_t *ret_count, sot_err *err)
{
	const struct ifaddrmsg any = {.ifa_family = AF_UNSPEC};
	address_list list = {0};
	struct nl_msg *m = netlink_message(RTM_GETADDR, NLM_F_DUMP, &any, sizeof(any));
	sot_code code = netlink_ask(n, &m, take, &list, err);
	if (code != SOT_OK) {
		free(list.addresses);
		return sot_wrap(err, "the list of addresses");
	}
	*ret_addresses = list.addresses;
	*ret_count = list.count;
	return SOT_OK;
}
