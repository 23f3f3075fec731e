#include "instance_net.h"

#include <errno.h>
#include <linux/if_bridge.h>
#include <poll.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "announcement.h"
#include "guard.h"
#include "kernel_setting.h"
#include "net_address.h"
#include "net_link.h"
#include "net_shaper.h"
#include "sot_time.h"

enum { FORWARDING_DEADLINE_MS = 2000, FORWARDING_POLL_NS = 100000 };
static const char inside_link[] = "eth0";

static sot_code write_settings(sot_err *err)
{
	static const struct {
		const char *path, *value;
		bool optional; /* a setting that the kernel was built without is no fault */
	} settings[] = {
	    {"net/ipv4/conf/eth0/arp_ignore", "1", false},
	    {"net/ipv4/conf/eth0/arp_announce", "2", false},
	    {"net/ipv4/ping_group_range", "0 2147483647", true},
	};
	for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++) {
		sot_code code = kernel_setting_write(settings[i].path, settings[i].value, err);
		if (code != SOT_OK && !settings[i].optional)
			return code;
	}
	return SOT_OK;
}

/* Without an IPv6 address of its own an instance has no business in the VLAN's IPv6; with one it
 * takes no other, from no router. Its link-local address is the one that the guard knows. */
static void write_ipv6_settings(const net_record *record)
{
	static const char *const settings[][2] = {
	    {"disable_ipv6",
	        "0"}, /* Docker turns IPv6 off in a container without a network of its own */
	    {"accept_ra", "0"}, {"accept_dad", "0"}, {"dad_transmits", "0"}, {"addr_gen_mode", "0"}};
	if (sot_ip_is_none(record->address6)) {
		kernel_setting_ipv6(inside_link, "disable_ipv6", "1");
		return;
	}
	for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++)
		kernel_setting_ipv6(inside_link, settings[i][0], settings[i][1]);
}

static sot_code put_guard(
    const net_record *record, const instance_net_context *context, sot_err *err)
{
	guard_element elements[GUARD_ELEMENTS_MAX];
	SOT_AUTO(netlink) filter = NULL;
	size_t count = guard_elements(record, elements);
	if (count == 0)
		return SOT_OK;
	sot_code code = netlink_open(NETLINK_NETFILTER, &filter, err);
	if (code == SOT_OK)
		code = guard_add(filter, elements, count, err);
	if (code == SOT_NOT_FOUND && context->make_table) {
		code = context->make_table(context->self, err);
		if (code == SOT_OK)
			code = guard_add(filter, elements, count, err);
	}
	return code;
}

/* The namespace of a dead container goes asynchronously: its link may still be there. */
static sot_code delete_leftover(netlink *host, const char *name, sot_err *err)
{
	net_link old;
	sot_code code = net_link_get(host, name, &old, err);
	if (code == SOT_NOT_FOUND)
		return SOT_OK;
	if (code != SOT_OK)
		return code;
	if (strcmp(old.kind, "veth") != 0)
		return sot_fail(err, SOT_CONFLICT,
		    "link %s exists and is a %s, not a left-over veth; rename or remove it", name,
		    old.kind[0] ? old.kind : "device");
	code = net_link_delete(host, old.index, err);
	return code == SOT_NOT_FOUND ? SOT_OK : code;
}

static sot_code find_bridge(netlink *host, const net_record *record, net_link *ret, sot_err *err)
{
	sot_code code = net_link_get(host, record->bridge, ret, err);
	if (code == SOT_NOT_FOUND)
		return sot_fail(err, SOT_NOT_FOUND,
		    "bridge %s of VLAN %u does not exist on this host; sotalia-netd makes it (see its "
		    "output "
		    "and the uplink keys of the agent's configuration)",
		    record->bridge, record->vlan);
	if (code == SOT_OK && strcmp(ret->kind, "bridge") != 0)
		return sot_fail(err, SOT_CONFLICT, "link %s is not a bridge", record->bridge);
	return code;
}

/* A left-over link is looked for only when its name is in the way. */
static sot_code add_pair(
    netlink *host, const net_record *record, const net_link_veth *veth, sot_err *err)
{
	sot_code code = net_link_add_veth(host, veth, err);
	if (code != SOT_CONFLICT)
		return code;
	code = delete_leftover(host, record->host_link, err);
	return code == SOT_OK ? net_link_add_veth(host, veth, err) : code;
}

uint32_t instance_net_group(const net_record *record)
{
	return record->guard ? GUARD_LINK_GROUP : 0;
}

net_link_port instance_net_port(const net_record *record)
{
	return (net_link_port){
	    .isolated = record->isolated, .group_forward = record->guard ? NET_LINK_ALL_GROUPS : 0};
}

static sot_code set_up_host_end(netlink *host, const net_record *record, int netns_fd, sot_err *err)
{
	net_link bridge, port;
	sot_code code = find_bridge(host, record, &bridge, err);
	if (code != SOT_OK)
		return code;
	const net_link_veth veth = {.name = record->host_link,
	    .peer_name = inside_link,
	    .peer_mac = record->mac,
	    .peer_netns_fd = netns_fd,
	    .master = bridge.index,
	    .mtu = record->mtu,
	    .group = instance_net_group(record)};
	code = add_pair(host, record, &veth, err);
	if (code == SOT_OK)
		code = net_link_get(host, record->host_link, &port, err);
	if (code != SOT_OK)
		return code;
	/* The host has no business in the instance's VLAN: no ND, no MLD from its end. */
	kernel_setting_ipv6(record->host_link, "disable_ipv6", "1");
	const net_link_port rights = instance_net_port(record);
	if (rights.isolated || rights.group_forward)
		code = net_link_set_port(host, port.index, &rights, err);
	if (code == SOT_OK && record->bandwidth_kbit)
		code = net_shaper_set(host, port.index, record->bandwidth_kbit, err);
	if (code == SOT_OK)
		code = net_link_set(host, port.index, &(net_link_change){.up = true}, err);
	return code;
}

static sot_code give_addresses(netlink *inside, int index, const net_record *record, sot_err *err)
{
	sot_code code = net_address_add(inside, index, record->address, record->prefix, err);
	if (code == SOT_OK && !sot_ip_is_none(record->address6))
		code = net_address_add(inside, index, record->address6, record->prefix6, err);
	if (code == SOT_OK)
		code = net_link_set(inside, index, &(net_link_change){.up = true}, err);
	if (code == SOT_OK && !sot_ip_is_none(record->gateway))
		code = net_address_set_gateway(inside, index, record->gateway, err);
	if (code == SOT_OK && !sot_ip_is_none(record->gateway6))
		code = net_address_set_gateway(inside, index, record->gateway6, err);
	return code;
}

static sot_code set_up_inside(const net_record *record, int *ret_index, sot_err *err)
{
	SOT_AUTO(netlink) inside = NULL;
	net_link link;
	sot_code code = netlink_open(NETLINK_ROUTE, &inside, err);
	if (code == SOT_OK) /* the loopback device of every namespace has the index 1 */
		code = net_link_set(inside, 1, &(net_link_change){.up = true}, err);
	if (code == SOT_OK)
		code = net_link_get(inside, inside_link, &link, err);
	if (code == SOT_OK)
		code = write_settings(err);
	if (code != SOT_OK)
		return code;
	write_ipv6_settings(record);
	if (record->bandwidth_kbit)
		code = net_shaper_set(inside, link.index, record->bandwidth_kbit, err);
	if (code == SOT_OK)
		code = give_addresses(inside, link.index, record, err);
	if (code == SOT_OK)
		*ret_index = link.index;
	return code;
}

/* Frames sent before the bridge port forwards are lost, the first ARP of PID 1 among them. */
static sot_code wait_for_forwarding(netlink *host, const char *name, sot_err *err)
{
	const struct timespec pause = {.tv_nsec = FORWARDING_POLL_NS};
	sot_mono deadline = sot_mono_add_ms(sot_mono_now(), FORWARDING_DEADLINE_MS);
	for (;;) {
		net_link port;
		sot_code code = net_link_get(host, name, &port, err);
		if (code != SOT_OK)
			return code;
		if (port.has_port_state && port.port_state == BR_STATE_FORWARDING)
			return SOT_OK;
		if (sot_mono_reached(sot_mono_now(), deadline))
			return sot_fail(err, SOT_UNAVAILABLE,
			    "bridge port %s does not forward after %d ms (is STP on at the bridge, or the "
			    "bridge down?)",
			    name, FORWARDING_DEADLINE_MS);
		(void)clock_nanosleep(CLOCK_MONOTONIC, 0, &pause, NULL);
	}
}

static sot_code open_announcer(int link_index, instance_announcer *ret, sot_err *err)
{
	/* Protocol 0: the socket receives nothing, it only sends. */
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return sot_fail_errno(err, SOT_UNAVAILABLE, errno, "a packet socket");
	*ret = (instance_announcer){.packet_fd = fd, .link_index = link_index};
	return SOT_OK;
}

static sot_code wire_inside(const net_record *record, const instance_net_context *context,
    instance_announcer *ret, sot_err *err)
{
	int index = 0;
	if (setns(context->netns_fd, CLONE_NEWNET) != 0)
		return sot_fail_errno(err, SOT_UNAVAILABLE, errno, "enter the container's network");
	sot_code code = set_up_inside(record, &index, err);
	if (code == SOT_OK)
		code = open_announcer(index, ret, err);
	if (setns(context->host_netns_fd, CLONE_NEWNET) != 0)
		return sot_fail_errno(err, SOT_INTERNAL, errno, "return to the host's network");
	return code == SOT_OK ? SOT_OK : sot_wrap(err, "inside the container");
}

sot_code instance_net_wire(const net_record *record, const instance_net_context *context,
    instance_announcer *ret_announcer, sot_err *err)
{
	SOT_AUTO(netlink) host = NULL;
	instance_announcer announcer = {.packet_fd = -1};
	sot_code code = put_guard(record, context, err);
	if (code == SOT_OK)
		code = netlink_open(NETLINK_ROUTE, &host, err);
	if (code == SOT_OK)
		code = set_up_host_end(host, record, context->netns_fd, err);
	if (code == SOT_OK)
		code = wire_inside(record, context, &announcer, err);
	if (code == SOT_OK)
		code = wait_for_forwarding(host, record->host_link, err);
	if (code == SOT_OK)
		code = announcement_send(announcer.packet_fd, announcer.link_index, record, err);
	if (code == SOT_OK)
		*ret_announcer = announcer;
	else if (announcer.packet_fd >= 0)
		close(announcer.packet_fd);
	return code;
}

static sot_code limit_here(const uint8_t mac[static 6], uint32_t kbit, bool *ret, sot_err *err)
{
	SOT_AUTO(netlink) inside = NULL;
	net_link link = {.index = 0};
	net_shaper *all = NULL;
	const net_shaper *now = NULL;
	size_t count = 0;
	sot_code code = netlink_open(NETLINK_ROUTE, &inside, err);
	if (code == SOT_OK)
		code = net_link_get(inside, inside_link, &link, err);
	if (code == SOT_OK && memcmp(link.mac, mac, sizeof(link.mac)) != 0)
		code = sot_fail(err, SOT_CONFLICT, "%s is another one's", inside_link);
	if (code == SOT_OK)
		code = net_shaper_list(inside, &all, &count, err);
	if (code != SOT_OK)
		return code;
	for (size_t i = 0; i < count && !now; i++)
		if (all[i].index == link.index)
			now = &all[i];
	*ret = kbit ? !now || !net_shaper_is(now->bytes_per_s, kbit) : now != NULL;
	if (*ret && kbit)
		code = net_shaper_set(inside, link.index, kbit, err);
	else if (*ret)
		code = net_shaper_clear(inside, link.index, err);
	free(all);
	return code;
}

sot_code instance_net_limit(int netns_fd, int host_netns_fd, const uint8_t mac[static 6],
    uint32_t kbit, bool *ret_changed, sot_err *err)
{
	*ret_changed = false;
	if (setns(netns_fd, CLONE_NEWNET) != 0)
		return sot_fail_errno(err, SOT_UNAVAILABLE, errno, "enter the container's network");
	sot_code code = limit_here(mac, kbit, ret_changed, err);
	if (setns(host_netns_fd, CLONE_NEWNET) != 0)
		abort(); /* in a tenant's network nothing of this process may go on */
	return code;
}

void instance_net_repeat(const net_record *record, const instance_announcer *announcer)
{
	static const int pauses_ms[] = {100, 900};
	for (size_t i = 0; i < sizeof(pauses_ms) / sizeof(pauses_ms[0]); i++) {
		(void)poll(NULL, 0, pauses_ms[i]);
		if (announcement_send(announcer->packet_fd, announcer->link_index, record, NULL) != SOT_OK)
			return; /* the container is gone */
	}
}
