#include "bridge.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "rtnl.h"
#include "sot_parse.h"

/* Settings that a kernel may lack are written when present. */
static void write_when_present(const char *path, const char *value)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	ssize_t ignored = write(fd, value, strlen(value));
	(void)ignored;
	close(fd);
}

/* Frames between instances are not the business of iptables: with these on, a FORWARD policy of
 * DROP (which Docker sets) cuts instances off from each other. */
static void let_bridged_frames_pass(void)
{
	write_when_present("/proc/sys/net/bridge/bridge-nf-call-iptables", "0");
	write_when_present("/proc/sys/net/bridge/bridge-nf-call-ip6tables", "0");
	write_when_present("/proc/sys/net/bridge/bridge-nf-call-arptables", "0");
}

/* 02:fe, two bytes of the host, two of the VLAN (0): no other scheme of the platform begins so. */
static sot_code have_bridge(rtnl *r, const bridge_settings *settings, rtnl_link *ret, sot_err *err)
{
	uint8_t mac[6] = {0x02, 0xfe, settings->host_id.b[14], settings->host_id.b[15], 0, 0};
	sot_code code = rtnl_link_get(r, settings->name, ret, err);
	if (code == SOT_NOT_FOUND) {
		code = rtnl_bridge_add(r, settings->name, mac, err);
		if (code == SOT_OK || code == SOT_CONFLICT)
			code = rtnl_link_get(r, settings->name, ret, err);
	}
	if (code == SOT_OK && strcmp(ret->kind, "bridge") != 0)
		code = sot_fail(err, SOT_CONFLICT,
		    "link %s exists and is not a bridge; set bridge_name to another name", settings->name);
	return code;
}

static sot_code enslave(rtnl *r, const char *name, int master, uint32_t *ret_mtu, sot_err *err)
{
	rtnl_link uplink;
	sot_code code = rtnl_link_get(r, name, &uplink, err);
	if (code != SOT_OK)
		return sot_wrap(err, "bridge_uplink");
	if (uplink.master != 0 && uplink.master != master)
		return sot_fail(err, SOT_CONFLICT, "bridge_uplink %s belongs to another bridge", name);
	*ret_mtu = uplink.mtu;
	rtnl_link_change change = {.index = uplink.index, .up = true, .master = master};
	return rtnl_link_set(r, &change, err);
}

static sot_code give_address(rtnl *r, const char *text, int index, sot_err *err)
{
	uint32_t address = 0;
	uint64_t prefix = 0;
	sot_str rest;
	sot_str head = sot_str_cut(sot_str_c(text), '/', &rest);
	sot_code code = sot_parse_ipv4(head, &address, err);
	if (code == SOT_OK)
		code = sot_parse_u64(rest, 1, 32, &prefix, err);
	if (code != SOT_OK)
		return sot_wrap(err, "bridge_address");
	return rtnl_address_add(r, index, address, (uint8_t)prefix, err);
}

static sot_code set_up(rtnl *r, const bridge_settings *settings, uint32_t *ret_mtu, sot_err *err)
{
	char path[96];
	rtnl_link bridge;
	sot_code code = have_bridge(r, settings, &bridge, err);
	if (code != SOT_OK)
		return code;
	uint32_t mtu = bridge.mtu;
	if (*settings->uplink)
		code = enslave(r, settings->uplink, bridge.index, &mtu, err);
	if (code != SOT_OK)
		return code;
	(void)snprintf(path, sizeof(path), "/proc/sys/net/ipv6/conf/%s/disable_ipv6", settings->name);
	write_when_present(path, "1");
	rtnl_link_change change = {
	    .index = bridge.index, .up = true, .mtu = mtu != bridge.mtu ? mtu : 0};
	code = rtnl_link_set(r, &change, err);
	if (code == SOT_OK && *settings->address)
		code = give_address(r, settings->address, bridge.index, err);
	if (code == SOT_OK)
		*ret_mtu = mtu;
	return code;
}

sot_code bridge_set_up(const bridge_settings *settings, uint32_t *ret_mtu, sot_err *err)
{
	rtnl r;
	sot_code code = rtnl_open(&r, err);
	if (code != SOT_OK)
		return code;
	let_bridged_frames_pass();
	code = set_up(&r, settings, ret_mtu, err);
	rtnl_close(&r);
	return code == SOT_OK ? SOT_OK : sot_wrap(err, "bridge %s", settings->name);
}
