/* The reading half of net_link: RTM_NEWLINK to struct. */
#include "net_link.h"

#include <linux/if_bridge.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <netlink/attr.h>
#include <stdlib.h>
#include <string.h>

enum { LINKS_MAX = 100000 };

static void copy_text(struct nlattr *a, char *dst, size_t size)
{
	if (a)
		(void)nla_strlcpy(dst, a, size);
}

static uint32_t u32_of(struct nlattr *a)
{
	return a && nla_len(a) >= 4 ? nla_get_u32(a) : 0;
}

static uint8_t u8_of(struct nlattr *a)
{
	return a && nla_len(a) >= 1 ? nla_get_u8(a) : 0;
}

static void read_bridge(struct nlattr *data, net_link *ret)
{
	struct nlattr *at[IFLA_BR_MAX + 1];
	if (nla_parse_nested(at, IFLA_BR_MAX, data, NULL) < 0)
		return;
	ret->stp_state = u32_of(at[IFLA_BR_STP_STATE]);
	ret->forward_delay = u32_of(at[IFLA_BR_FORWARD_DELAY]);
	ret->multicast_snooping = u8_of(at[IFLA_BR_MCAST_SNOOPING]);
}

static void read_vlan(struct nlattr *data, net_link *ret)
{
	struct nlattr *at[IFLA_VLAN_MAX + 1];
	if (nla_parse_nested(at, IFLA_VLAN_MAX, data, NULL) == 0 && at[IFLA_VLAN_ID])
		ret->vlan_id = nla_get_u16(at[IFLA_VLAN_ID]);
}

static void read_port(struct nlattr *data, net_link *ret)
{
	struct nlattr *at[IFLA_BRPORT_MAX + 1];
	if (nla_parse_nested(at, IFLA_BRPORT_MAX, data, NULL) < 0 || !at[IFLA_BRPORT_STATE])
		return;
	ret->has_port_state = true;
	ret->port_state = u8_of(at[IFLA_BRPORT_STATE]);
	ret->isolated = u8_of(at[IFLA_BRPORT_ISOLATED]) != 0;
	if (at[IFLA_BRPORT_GROUP_FWD_MASK])
		ret->group_forward = nla_get_u16(at[IFLA_BRPORT_GROUP_FWD_MASK]);
}

static void read_info(struct nlattr *info, net_link *ret)
{
	struct nlattr *at[IFLA_INFO_MAX + 1];
	if (nla_parse_nested(at, IFLA_INFO_MAX, info, NULL) < 0)
		return;
	copy_text(at[IFLA_INFO_KIND], ret->kind, sizeof(ret->kind));
	copy_text(at[IFLA_INFO_SLAVE_KIND], ret->master_kind, sizeof(ret->master_kind));
	if (at[IFLA_INFO_DATA] && strcmp(ret->kind, "bridge") == 0)
		read_bridge(at[IFLA_INFO_DATA], ret);
	else if (at[IFLA_INFO_DATA] && strcmp(ret->kind, "vlan") == 0)
		read_vlan(at[IFLA_INFO_DATA], ret);
	if (at[IFLA_INFO_SLAVE_DATA] && strcmp(ret->master_kind, "bridge") == 0)
		read_port(at[IFLA_INFO_SLAVE_DATA], ret);
}

static bool read_link(struct nlmsghdr *h, net_link *ret)
{
	struct nlattr *at[IFLA_MAX + 1];
	const struct ifinfomsg *info = nlmsg_data(h);
	if (h->nlmsg_type != RTM_NEWLINK || nlmsg_parse(h, sizeof(*info), at, IFLA_MAX, NULL) < 0)
		return false;
	*ret = (net_link){.index = info->ifi_index,
	    .flags = info->ifi_flags,
	    .mtu = u32_of(at[IFLA_MTU]),
	    .master = (int)u32_of(at[IFLA_MASTER]),
	    .group = u32_of(at[IFLA_GROUP]),
	    .lower = (int)u32_of(at[IFLA_LINK])};
	copy_text(at[IFLA_IFNAME], ret->name, sizeof(ret->name));
	copy_text(at[IFLA_QDISC], ret->qdisc, sizeof(ret->qdisc));
	copy_text(at[IFLA_IFALIAS], ret->alias, sizeof(ret->alias));
	if (at[IFLA_ADDRESS] && nla_len(at[IFLA_ADDRESS]) == sizeof(ret->mac))
		memcpy(ret->mac, nla_data(at[IFLA_ADDRESS]), sizeof(ret->mac));
	if (at[IFLA_LINKINFO])
		read_info(at[IFLA_LINKINFO], ret);
	return true;
}

static void take_one(struct nlmsghdr *h, void *self)
{
	(void)read_link(h, self);
}

sot_code net_link_get(netlink *n, const char *name, net_link *ret, sot_err *err)
{
	const struct ifinfomsg any = {.ifi_family = AF_UNSPEC};
	net_link link = {0};
	struct nl_msg *m = netlink_message(RTM_GETLINK, 0, &any, sizeof(any));
	netlink_put_text(m, IFLA_IFNAME, name);
	sot_code code = netlink_ask(n, &m, take_one, &link, err);
	if (code != SOT_OK)
		return sot_wrap(err, "link %s", name);
	if (link.index == 0)
		return sot_fail(err, SOT_NOT_FOUND, "link %s: no answer names it", name);
	*ret = link;
	return SOT_OK;
}

typedef struct link_list {
	net_link *links;
	size_t count, room;
} link_list;

static void take_all(struct nlmsghdr *h, void *self)
{
	link_list *list = self;
	net_link link;
	if (list->count >= LINKS_MAX || !read_link(h, &link))
		return;
	if (list->count == list->room) {
		size_t room = list->room ? 2 * list->room : 64;
		list->links = sot_grow_array(list->links, list->room, room, sizeof(*list->links));
		list->room = room;
	}
	list->links[list->count++] = link;
}

sot_code net_link_list(netlink *n, net_link **ret_links, size_t *ret_count, sot_err *err)
{
	const struct ifinfomsg any = {.ifi_family = AF_UNSPEC};
	link_list list = {0};
	struct nl_msg *m = netlink_message(RTM_GETLINK, NLM_F_DUMP, &any, sizeof(any));
	sot_code code = netlink_ask(n, &m, take_all, &list, err);
	if (code != SOT_OK) {
		free(list.links);
		return sot_wrap(err, "the list of links");
	}
	*ret_links = list.links;
	*ret_count = list.count;
	return SOT_OK;
}
