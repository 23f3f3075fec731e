#include "rtnl.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

enum { REQUEST_MAX = 1024, REPLY_MAX = 32768, DEADLINE_S = 2 };

typedef struct request {
	_Alignas(struct nlmsghdr) uint8_t bytes[REQUEST_MAX];
	size_t n;
} request;

typedef struct reply {
	_Alignas(struct nlmsghdr) uint8_t bytes[REPLY_MAX];
} reply;

/* Copies, because a cast of the byte array would break the aliasing rules. */
static void set_length(request *q)
{
	uint32_t n = (uint32_t)q->n;
	memcpy(q->bytes + offsetof(struct nlmsghdr, nlmsg_len), &n, sizeof(n));
}

static void begin(request *q, rtnl *r, uint16_t type, uint16_t flags, const void *payload, size_t n)
{
	struct nlmsghdr head = {.nlmsg_type = type,
	    .nlmsg_flags = (uint16_t)(NLM_F_REQUEST | NLM_F_ACK | flags),
	    .nlmsg_seq = ++r->seq};
	memset(q, 0, sizeof(*q));
	memcpy(q->bytes, &head, sizeof(head));
	memcpy(q->bytes + NLMSG_HDRLEN, payload, n);
	q->n = NLMSG_HDRLEN + NLMSG_ALIGN(n);
	set_length(q);
}

static void attribute(request *q, uint16_t type, const void *p, size_t n)
{
	struct rtattr a = {.rta_len = (uint16_t)RTA_LENGTH(n), .rta_type = type};
	assert(q->n + RTA_SPACE(n) <= sizeof(q->bytes)); /* all inputs are bounded names and numbers */
	memcpy(q->bytes + q->n, &a, sizeof(a));
	if (n > 0)
		memcpy(q->bytes + q->n + RTA_LENGTH(0), p, n);
	q->n += RTA_SPACE(n);
	set_length(q);
}

static void attribute_u32(request *q, uint16_t type, uint32_t v)
{
	attribute(q, type, &v, sizeof(v));
}

static void attribute_u8(request *q, uint16_t type, uint8_t v)
{
	attribute(q, type, &v, sizeof(v));
}

static void attribute_text(request *q, uint16_t type, const char *text)
{
	attribute(q, type, text, strlen(text) + 1);
}

static size_t nest(request *q, uint16_t type)
{
	size_t start = q->n;
	attribute(q, type, NULL, 0);
	return start;
}

static void unnest(request *q, size_t start)
{
	uint16_t n = (uint16_t)(q->n - start);
	memcpy(q->bytes + start + offsetof(struct rtattr, rta_len), &n, sizeof(n));
}

sot_code rtnl_open(rtnl *ret, sot_err *err)
{
	struct sockaddr_nl any = {.nl_family = AF_NETLINK};
	struct timeval deadline = {.tv_sec = DEADLINE_S};
	int on = 1;
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	if (fd < 0)
		return sot_fail_errno(err, SOT_UNAVAILABLE, errno, "a netlink socket");
	/* The kernel's own words on a refusal; older kernels do without. */
	(void)setsockopt(fd, SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof(on));
	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &deadline, sizeof(deadline)) != 0 ||
	    bind(fd, (struct sockaddr *)&any, sizeof(any)) != 0) {
		int why = errno;
		close(fd);
		return sot_fail_errno(err, SOT_UNAVAILABLE, why, "a netlink socket");
	}
	*ret = (rtnl){.fd = fd};
	return SOT_OK;
}

void rtnl_close(rtnl *r)
{
	if (r->fd >= 0)
		close(r->fd);
	r->fd = -1;
}

/* A walk over attributes, with the bounds checks of RTA_OK and RTA_NEXT but without their mixed
 * signs: `walk w = {start, bytes}; while ((a = next(&w)))`. */
typedef struct walk {
	const uint8_t *at;
	size_t left;
} walk;

static const struct rtattr *next(walk *w)
{
	const struct rtattr *a = (const void *)w->at;
	if (w->left < sizeof(*a) || a->rta_len < sizeof(*a) || a->rta_len > w->left)
		return NULL;
	size_t step = RTA_ALIGN((size_t)a->rta_len);
	step = step < w->left ? step : w->left;
	w->at += step;
	w->left -= step;
	return a;
}

static walk inside_of(const struct rtattr *a)
{
	return (walk){RTA_DATA(a), RTA_PAYLOAD(a)};
}

/* The text of NLMSGERR_ATTR_MSG, when the kernel gave one. */
static const char *kernel_words(const struct nlmsghdr *h)
{
	const struct nlmsgerr *e = NLMSG_DATA(h);
	size_t skip = NLMSG_HDRLEN + sizeof(*e);
	if (!(h->nlmsg_flags & NLM_F_ACK_TLVS))
		return "";
	if (!(h->nlmsg_flags & NLM_F_CAPPED))
		skip += e->msg.nlmsg_len - sizeof(e->msg);
	if (NLMSG_ALIGN(skip) >= h->nlmsg_len)
		return "";
	walk w = {(const uint8_t *)h + NLMSG_ALIGN(skip), h->nlmsg_len - NLMSG_ALIGN(skip)};
	for (const struct rtattr *a; (a = next(&w)) != NULL;)
		if (a->rta_type == NLMSGERR_ATTR_MSG && RTA_PAYLOAD(a) > 0 &&
		    ((const char *)RTA_DATA(a))[RTA_PAYLOAD(a) - 1] == '\0')
			return RTA_DATA(a);
	return "";
}

static sot_code refusal(const struct nlmsghdr *h, sot_err *err)
{
	const struct nlmsgerr *e = NLMSG_DATA(h);
	int why = -e->error;
	sot_code code = SOT_UNAVAILABLE;
	if (why == 0)
		return SOT_OK;
	if (why == ENODEV || why == ESRCH)
		code = SOT_NOT_FOUND;
	else if (why == EEXIST)
		code = SOT_CONFLICT;
	else if (why == EPERM)
		code = SOT_DENIED;
	const char *words = kernel_words(h);
	return sot_fail_errno(err, code, why, "netlink%s%s", *words ? ": " : "", words);
}

static const struct nlmsghdr *next_message(const uint8_t **at, size_t *left)
{
	const struct nlmsghdr *h = (const void *)*at;
	if (*left < sizeof(*h) || h->nlmsg_len < sizeof(*h) || h->nlmsg_len > *left)
		return NULL;
	size_t step = NLMSG_ALIGN((size_t)h->nlmsg_len);
	step = step < *left ? step : *left;
	*at += step;
	*left -= step;
	return h;
}

/* Sends, and reads until the acknowledgement; a link reply on the way is given to `ret_link`. */
typedef void (*link_fn)(const struct nlmsghdr *h, rtnl_link *ret);
static sot_code talk(rtnl *r, const request *q, link_fn on_link, rtnl_link *ret_link, sot_err *err)
{
	struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
	reply in;
	if (sendto(r->fd, q->bytes, q->n, 0, (struct sockaddr *)&kernel, sizeof(kernel)) < 0)
		return sot_fail_errno(err, SOT_UNAVAILABLE, errno, "netlink send");
	for (;;) {
		ssize_t n = recv(r->fd, in.bytes, sizeof(in.bytes), 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return sot_fail_errno(err, SOT_UNAVAILABLE, errno, "netlink answer");
		size_t left = (size_t)n;
		const uint8_t *at = in.bytes;
		for (const struct nlmsghdr *h; (h = next_message(&at, &left)) != NULL;) {
			if (h->nlmsg_seq != r->seq)
				continue;
			if (h->nlmsg_type == NLMSG_ERROR)
				return refusal(h, err);
			if (h->nlmsg_type == RTM_NEWLINK && on_link)
				on_link(h, ret_link);
		}
	}
}

static sot_code carry_out(rtnl *r, const request *q, sot_err *err)
{
	return talk(r, q, NULL, NULL, err);
}

static void copy_text(const struct rtattr *a, char *dst, size_t size)
{
	size_t n = RTA_PAYLOAD(a) < size ? RTA_PAYLOAD(a) : size - 1;
	memcpy(dst, RTA_DATA(a), n);
	dst[n < size ? n : size - 1] = '\0';
}

static void read_port_state(const struct rtattr *slave, rtnl_link *ret)
{
	walk w = inside_of(slave);
	for (const struct rtattr *a; (a = next(&w)) != NULL;)
		if ((a->rta_type & NLA_TYPE_MASK) == IFLA_BRPORT_STATE) {
			memcpy(&ret->port_state, RTA_DATA(a), 1);
			ret->has_port_state = true;
		}
}

static void read_link_info(const struct rtattr *info, rtnl_link *ret)
{
	walk w = inside_of(info);
	bool bridge_port = false;
	for (const struct rtattr *a; (a = next(&w)) != NULL;) {
		int type = a->rta_type & NLA_TYPE_MASK;
		if (type == IFLA_INFO_KIND)
			copy_text(a, ret->kind, sizeof(ret->kind));
		else if (type == IFLA_INFO_SLAVE_KIND)
			bridge_port = RTA_PAYLOAD(a) >= 6 && memcmp(RTA_DATA(a), "bridge", 6) == 0;
		else if (type == IFLA_INFO_SLAVE_DATA && bridge_port)
			read_port_state(a, ret);
	}
}

static void read_link(const struct nlmsghdr *h, rtnl_link *ret)
{
	const struct ifinfomsg *info = NLMSG_DATA(h);
	walk w = {
	    (const uint8_t *)h + NLMSG_SPACE(sizeof(*info)), h->nlmsg_len - NLMSG_SPACE(sizeof(*info))};
	*ret = (rtnl_link){.index = info->ifi_index, .flags = info->ifi_flags};
	for (const struct rtattr *a; (a = next(&w)) != NULL;) {
		switch (a->rta_type & NLA_TYPE_MASK) {
		case IFLA_MTU:
			memcpy(&ret->mtu, RTA_DATA(a), sizeof(ret->mtu));
			break;
		case IFLA_MASTER:
			memcpy(&ret->master, RTA_DATA(a), sizeof(ret->master));
			break;
		case IFLA_ADDRESS:
			if (RTA_PAYLOAD(a) == sizeof(ret->mac))
				memcpy(ret->mac, RTA_DATA(a), sizeof(ret->mac));
			break;
		case IFLA_LINKINFO:
			read_link_info(a, ret);
			break;
		default:
			break;
		}
	}
}

sot_code rtnl_link_get(rtnl *r, const char *name, rtnl_link *ret, sot_err *err)
{
	struct ifinfomsg any = {.ifi_family = AF_UNSPEC};
	request q;
	rtnl_link link = {0};
	begin(&q, r, RTM_GETLINK, 0, &any, sizeof(any));
	attribute_text(&q, IFLA_IFNAME, name);
	sot_code code = talk(r, &q, read_link, &link, err);
	if (code != SOT_OK)
		return sot_wrap(err, "link %s", name);
	if (link.index == 0)
		return sot_fail(err, SOT_NOT_FOUND, "link %s: no answer names it", name);
	*ret = link;
	return SOT_OK;
}

sot_code rtnl_link_delete(rtnl *r, int index, sot_err *err)
{
	struct ifinfomsg which = {.ifi_family = AF_UNSPEC, .ifi_index = index};
	request q;
	begin(&q, r, RTM_DELLINK, 0, &which, sizeof(which));
	return carry_out(r, &q, err);
}

static void no_ipv6_address(request *q)
{
	size_t af = nest(q, IFLA_AF_SPEC | NLA_F_NESTED);
	size_t inet6 = nest(q, AF_INET6 | NLA_F_NESTED);
	attribute_u8(q, IFLA_INET6_ADDR_GEN_MODE, IN6_ADDR_GEN_MODE_NONE);
	unnest(q, inet6);
	unnest(q, af);
}

sot_code rtnl_link_set(rtnl *r, const rtnl_link_change *change, sot_err *err)
{
	struct ifinfomsg which = {.ifi_family = AF_UNSPEC, .ifi_index = change->index};
	request q;
	if (change->up)
		which.ifi_flags = which.ifi_change = IFF_UP;
	begin(&q, r, RTM_NEWLINK, 0, &which, sizeof(which));
	if (change->master)
		attribute_u32(&q, IFLA_MASTER, (uint32_t)change->master);
	if (change->mtu)
		attribute_u32(&q, IFLA_MTU, change->mtu);
	if (change->mac)
		attribute(&q, IFLA_ADDRESS, change->mac, 6);
	if (change->no_ipv6_address)
		no_ipv6_address(&q);
	return carry_out(r, &q, err);
}

sot_code rtnl_veth_add(rtnl *r, const rtnl_veth *veth, sot_err *err)
{
	struct ifinfomsg any = {.ifi_family = AF_UNSPEC};
	request q;
	begin(&q, r, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &any, sizeof(any));
	attribute_text(&q, IFLA_IFNAME, veth->name);
	attribute_u32(&q, IFLA_MTU, veth->mtu);
	size_t info = nest(&q, IFLA_LINKINFO);
	attribute_text(&q, IFLA_INFO_KIND, "veth");
	size_t data = nest(&q, IFLA_INFO_DATA);
	size_t peer = q.n;
	attribute(&q, VETH_INFO_PEER, &any, sizeof(any));
	attribute_text(&q, IFLA_IFNAME, veth->peer_name);
	attribute(&q, IFLA_ADDRESS, veth->peer_mac, 6);
	attribute_u32(&q, IFLA_MTU, veth->mtu);
	attribute_u32(&q, IFLA_NET_NS_FD, (uint32_t)veth->peer_netns_fd);
	unnest(&q, peer);
	unnest(&q, data);
	unnest(&q, info);
	return carry_out(r, &q, err);
}

sot_code rtnl_bridge_add(rtnl *r, const char *name, const uint8_t mac[6], sot_err *err)
{
	struct ifinfomsg any = {.ifi_family = AF_UNSPEC};
	request q;
	begin(&q, r, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &any, sizeof(any));
	attribute_text(&q, IFLA_IFNAME, name);
	attribute(&q, IFLA_ADDRESS, mac, 6);
	size_t info = nest(&q, IFLA_LINKINFO);
	attribute_text(&q, IFLA_INFO_KIND, "bridge");
	size_t data = nest(&q, IFLA_INFO_DATA);
	attribute_u32(&q, IFLA_BR_STP_STATE, 0);
	attribute_u32(&q, IFLA_BR_FORWARD_DELAY, 0);
	attribute_u8(&q, IFLA_BR_MCAST_SNOOPING, 0);
	unnest(&q, data);
	unnest(&q, info);
	return carry_out(r, &q, err);
}

sot_code rtnl_address_add(rtnl *r, int index, uint32_t address, uint8_t prefix, sot_err *err)
{
	struct ifaddrmsg which = {.ifa_family = AF_INET,
	    .ifa_prefixlen = prefix,
	    .ifa_scope = RT_SCOPE_UNIVERSE,
	    .ifa_index = (unsigned)index};
	uint32_t local = htonl(address);
	request q;
	begin(&q, r, RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE, &which, sizeof(which));
	attribute(&q, IFA_LOCAL, &local, sizeof(local));
	attribute(&q, IFA_ADDRESS, &local, sizeof(local));
	if (prefix < 31) {
		uint32_t broadcast = htonl(address | (UINT32_MAX >> prefix));
		attribute(&q, IFA_BROADCAST, &broadcast, sizeof(broadcast));
	}
	return carry_out(r, &q, err);
}

sot_code rtnl_default_route_set(rtnl *r, int index, uint32_t gateway, sot_err *err)
{
	/* ONLINK: a gateway outside the prefix (a /32 address) is reachable all the same. */
	struct rtmsg route = {.rtm_family = AF_INET,
	    .rtm_table = RT_TABLE_MAIN,
	    .rtm_protocol = RTPROT_STATIC,
	    .rtm_scope = RT_SCOPE_UNIVERSE,
	    .rtm_type = RTN_UNICAST,
	    .rtm_flags = RTNH_F_ONLINK};
	uint32_t via = htonl(gateway);
	request q;
	begin(&q, r, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE, &route, sizeof(route));
	attribute(&q, RTA_GATEWAY, &via, sizeof(via));
	attribute_u32(&q, RTA_OIF, (uint32_t)index);
	return carry_out(r, &q, err);
}
