#include "instance_net.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_bridge.h>
#include <net/ethernet.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "gratuitous_arp.h"
#include "rtnl.h"
#include "sot_time.h"

enum { FORWARDING_DEADLINE_MS = 2000, FORWARDING_POLL_NS = 200000 };
static const char inside_link[] = "eth0";

/* A setting the kernel was built without is no fault: the caller decides. */
static sot_code write_setting(const char *path, const char *value, sot_err *err)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return sot_fail_errno(
		    err, errno == ENOENT ? SOT_NOT_FOUND : SOT_UNAVAILABLE, errno, "%s", path);
	size_t n = strlen(value);
	ssize_t written = write(fd, value, n);
	int why = errno;
	close(fd);
	if (written < 0 || (size_t)written != n)
		return sot_fail_errno(err, SOT_UNAVAILABLE, why, "%s", path);
	return SOT_OK;
}

static sot_code write_settings(sot_err *err)
{
	static const struct {
		const char *path, *value;
		bool optional;
	} settings[] = {
	    {"/proc/sys/net/ipv4/conf/eth0/arp_ignore", "1", false},
	    {"/proc/sys/net/ipv4/conf/eth0/arp_announce", "2", false},
	    {"/proc/sys/net/ipv4/ping_group_range", "0 2147483647", true},
	    {"/proc/sys/net/ipv6/conf/eth0/accept_ra", "0", true},
	};
	for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++) {
		sot_code code = write_setting(settings[i].path, settings[i].value, err);
		if (code != SOT_OK && !settings[i].optional)
			return code;
	}
	return SOT_OK;
}

/* The namespace of a dead container goes asynchronously: its link may still be there. */
static sot_code delete_leftover(rtnl *host, const char *name, sot_err *err)
{
	rtnl_link old;
	sot_code code = rtnl_link_get(host, name, &old, err);
	if (code == SOT_NOT_FOUND)
		return SOT_OK;
	if (code != SOT_OK)
		return code;
	if (strcmp(old.kind, "veth") != 0)
		return sot_fail(err, SOT_CONFLICT,
		    "link %s exists and is a %s, not a left-over veth; rename or remove it", name,
		    old.kind[0] ? old.kind : "device");
	code = rtnl_link_delete(host, old.index, err);
	return code == SOT_NOT_FOUND ? SOT_OK : code;
}

static sot_code add_pair(rtnl *host, const net_record *record, int netns_fd, sot_err *err)
{
	char path[96];
	rtnl_link bridge, port;
	rtnl_veth veth = {.name = record->host_link,
	    .peer_name = inside_link,
	    .peer_mac = record->mac,
	    .peer_netns_fd = netns_fd,
	    .mtu = record->mtu};
	sot_code code = rtnl_link_get(host, record->bridge, &bridge, err);
	if (code == SOT_OK && strcmp(bridge.kind, "bridge") != 0)
		code = sot_fail(err, SOT_CONFLICT, "link %s is not a bridge", record->bridge);
	if (code == SOT_OK)
		code = delete_leftover(host, record->host_link, err);
	if (code == SOT_OK)
		code = rtnl_veth_add(host, &veth, err);
	if (code == SOT_OK)
		code = rtnl_link_get(host, record->host_link, &port, err);
	if (code != SOT_OK)
		return code;
	/* The host has no business in the instance's VLAN: no ND, no MLD from its end. */
	(void)snprintf(
	    path, sizeof(path), "/proc/sys/net/ipv6/conf/%s/disable_ipv6", record->host_link);
	(void)write_setting(path, "1", NULL);
	rtnl_link_change change = {.index = port.index, .master = bridge.index, .up = true};
	return rtnl_link_set(host, &change, err);
}

static sot_code set_up_inside(rtnl *inside, const net_record *record, sot_err *err)
{
	rtnl_link loopback, link;
	sot_code code = rtnl_link_get(inside, "lo", &loopback, err);
	if (code == SOT_OK)
		code = rtnl_link_set(inside, &(rtnl_link_change){.index = loopback.index, .up = true}, err);
	if (code == SOT_OK)
		code = write_settings(err);
	if (code == SOT_OK)
		code = rtnl_link_get(inside, inside_link, &link, err);
	if (code == SOT_OK)
		code = rtnl_address_add(inside, link.index, record->address, record->prefix, err);
	if (code == SOT_OK)
		code = rtnl_link_set(inside, &(rtnl_link_change){.index = link.index, .up = true}, err);
	if (code == SOT_OK && record->gateway != 0)
		code = rtnl_default_route_set(inside, link.index, record->gateway, err);
	return code == SOT_OK ? SOT_OK : sot_wrap(err, "inside the container");
}

/* Frames sent before the bridge port forwards are lost, the first ARP of PID 1 among them. */
static sot_code wait_for_forwarding(rtnl *host, const char *name, sot_err *err)
{
	struct timespec pause = {.tv_nsec = FORWARDING_POLL_NS};
	sot_mono deadline = sot_mono_add_ms(sot_mono_now(), FORWARDING_DEADLINE_MS);
	for (;;) {
		rtnl_link port;
		sot_code code = rtnl_link_get(host, name, &port, err);
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

static sot_code wire_inside(const net_record *record, int netns_fd, int host_netns_fd, sot_err *err)
{
	rtnl inside;
	if (setns(netns_fd, CLONE_NEWNET) != 0)
		return sot_fail_errno(err, SOT_UNAVAILABLE, errno, "enter the container's network");
	sot_code code = rtnl_open(&inside, err);
	if (code == SOT_OK) {
		code = set_up_inside(&inside, record, err);
		rtnl_close(&inside);
	}
	if (setns(host_netns_fd, CLONE_NEWNET) != 0)
		return sot_fail_errno(err, SOT_INTERNAL, errno, "return to the host's network");
	return code;
}

sot_code instance_net_wire(const net_record *record, int netns_fd, int host_netns_fd, sot_err *err)
{
	rtnl host;
	sot_code code = rtnl_open(&host, err);
	if (code != SOT_OK)
		return code;
	code = add_pair(&host, record, netns_fd, err);
	if (code == SOT_OK)
		code = wire_inside(record, netns_fd, host_netns_fd, err);
	if (code == SOT_OK)
		code = wait_for_forwarding(&host, record->host_link, err);
	rtnl_close(&host);
	return code;
}

void instance_net_announce(const net_record *record, int netns_fd)
{
	static const int pauses_ms[] = {0, 100, 900};
	if (setns(netns_fd, CLONE_NEWNET) != 0)
		return;
	unsigned index = if_nametoindex(inside_link);
	/* Protocol 0: the socket receives nothing, it only sends. */
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	for (size_t i = 0; fd >= 0 && i < sizeof(pauses_ms) / sizeof(pauses_ms[0]); i++) {
		(void)poll(NULL, 0, pauses_ms[i]);
		if (gratuitous_arp_send(fd, (int)index, record->address, record->mac, NULL) != SOT_OK)
			break; /* the container is gone */
	}
	if (fd >= 0)
		close(fd);
}
