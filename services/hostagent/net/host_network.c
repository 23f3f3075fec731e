#include "host_network.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host_network_internal.h"
#include "kernel_setting.h"
#include "net_address.h"

enum { TABLE_TEXT_MAX = 64 * 1024 };

const char *host_network_deed_name(host_network_deed deed)
{
	static const char *const names[] = {[HOST_NETWORK_MADE] = "made",
	    [HOST_NETWORK_REPAIRED] = "repaired",
	    [HOST_NETWORK_REMOVED] = "removed",
	    [HOST_NETWORK_FAILED] = "failed"};
	return names[deed];
}

void host_network_note_add(
    host_network_report *report, host_network_deed deed, const char *fmt, ...)
{
	va_list arguments;
	report->deeds[deed]++;
	if (report->count == HOST_NETWORK_NOTES_MAX)
		return;
	host_network_note *note = &report->notes[report->count++];
	note->deed = deed;
	va_start(arguments, fmt);
	(void)vsnprintf(note->text, sizeof(note->text), fmt, arguments);
	va_end(arguments);
}

sot_code host_network_new(const host_network_settings *settings, host_network **ret, sot_err *err)
{
	host_network *h = sot_alloc(sizeof(*h));
	sot_code code = net_uplinks_parse(&settings->uplinks, &h->uplinks, err);
	if (code != SOT_OK) {
		free(h);
		return code;
	}
	h->state_dir = sot_strdup(settings->state_dir);
	h->host_id = settings->host_id;
	sot_buf_init(&h->table, TABLE_TEXT_MAX);
	*ret = h;
	return SOT_OK;
}

host_network *host_network_free(host_network *h)
{
	if (h) {
		sot_buf_clear(&h->table);
		free(h->down);
		free(h->state_dir);
		free(h);
	}
	return NULL;
}

void host_network_let_frames_pass(host_network_report *report)
{
	static const char *const settings[] = {"net/bridge/bridge-nf-call-iptables",
	    "net/bridge/bridge-nf-call-ip6tables", "net/bridge/bridge-nf-call-arptables"};
	for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++) {
		sot_err err;
		if (!kernel_setting_differs(settings[i], "0"))
			continue;
		if (kernel_setting_write(settings[i], "0", &err) == SOT_OK)
			host_network_note_add(report, HOST_NETWORK_REPAIRED,
			    "%s was not 0: iptables saw bridged frames", settings[i]);
		else
			host_network_note_add(report, HOST_NETWORK_FAILED, "%s", err.text);
	}
}

/* One VLAN while it is made. */
typedef struct making {
	host_network *h;
	netlink *route;
	host_network_report *report;
	net_uplink uplink;
	net_link bridge, port;
	bool is_new, is_foreign; /* the bridge: just made; made by somebody else */
	sot_err *err;
} making;

/* What had to be mended of a bridge that was there already. */
#define DRIFT(m, ...)                                                                              \
	do {                                                                                           \
		if (!(m)->is_new)                                                                          \
			host_network_note_add((m)->report, HOST_NETWORK_REPAIRED, __VA_ARGS__);                \
	} while (0)

/* The host takes no part in its VLANs: no link-local address, no ND, no MLD. */
static void silence_ipv6(making *m, const net_link *link)
{
	char path[96];
	(void)snprintf(path, sizeof(path), "net/ipv6/conf/%s/disable_ipv6", link->name);
	if (!kernel_setting_differs(path, "1"))
		return;
	kernel_setting_ipv6(link->name, "disable_ipv6", "1");
	if (link->flags & IFF_UP)
		DRIFT(m, "%s: IPv6 of the host was on", link->name);
}

static sot_code change(making *m, const net_link *link, const net_link_change *what)
{
	sot_code code = net_link_set(m->route, link->index, what, m->err);
	return code == SOT_OK ? SOT_OK : sot_wrap(m->err, "%s", link->name);
}

/* 02:fe, two bytes of the host, two of the VLAN: no other scheme of the platform begins so. */
static void bridge_mac(const making *m, uint8_t ret[static 6])
{
	const uint8_t mac[6] = {0x02, 0xfe, m->h->host_id.b[14], m->h->host_id.b[15],
	    (uint8_t)(m->uplink.vlan >> 8), (uint8_t)m->uplink.vlan};
	memcpy(ret, mac, sizeof(mac));
}

/* A bridge of ours has our alias or our MAC (a crash may have come between the two). */
static sot_code know_bridge(making *m)
{
	static const char ours[] = HOST_NETWORK_ALIAS;
	uint8_t mac[6];
	bridge_mac(m, mac);
	m->is_foreign = strncmp(m->bridge.alias, ours, sizeof(ours) - 1) != 0 &&
	                memcmp(m->bridge.mac, mac, sizeof(mac)) != 0;
	/* The untagged bridge may be the operator's: it is used as it is. */
	if (m->is_foreign && m->uplink.vlan != 0 && m->uplink.kind != NET_UPLINK_BRIDGE)
		return sot_fail(m->err, SOT_CONFLICT,
		    "bridge %s exists and was not made by Sotalia; name it in vlan_bridges to use it as it "
		    "is, or remove it",
		    m->uplink.bridge);
	return SOT_OK;
}

static sot_code find_bridge(making *m)
{
	const char *name = m->uplink.bridge;
	sot_code code = net_link_get(m->route, name, &m->bridge, m->err);
	if (code == SOT_NOT_FOUND && m->uplink.kind == NET_UPLINK_BRIDGE)
		return sot_fail(m->err, SOT_NOT_FOUND,
		    "bridge %s does not exist; make it, or take it out of vlan_bridges", name);
	if (code == SOT_NOT_FOUND) {
		m->is_new = true;
		return SOT_OK;
	}
	if (code == SOT_OK && strcmp(m->bridge.kind, "bridge") != 0)
		return sot_fail(
		    m->err, SOT_CONFLICT, "link %s exists and is not a bridge; rename or remove it", name);
	return code == SOT_OK ? know_bridge(m) : code;
}

static sot_code add_bridge(making *m)
{
	uint8_t mac[6];
	bridge_mac(m, mac);
	sot_code code = net_link_add_bridge(m->route, m->uplink.bridge, mac, m->err);
	if (code == SOT_OK)
		host_network_note_add(m->report, HOST_NETWORK_MADE, "bridge %s", m->uplink.bridge);
	return code == SOT_OK ? net_link_get(m->route, m->uplink.bridge, &m->bridge, m->err) : code;
}

static sot_code set_bridge(making *m)
{
	uint8_t mac[6];
	char alias[sizeof(m->bridge.alias)];
	net_link_change what = {0};
	sot_code code = SOT_OK;
	bridge_mac(m, mac);
	(void)snprintf(alias, sizeof(alias), HOST_NETWORK_ALIAS "%u", m->uplink.vlan);
	if (strcmp(alias, m->bridge.alias) != 0)
		what.alias = alias;
	if (memcmp(mac, m->bridge.mac, sizeof(mac)) != 0) {
		what.mac = mac;
		DRIFT(m, "%s: its MAC was another", m->bridge.name);
	}
	if (what.alias || what.mac)
		code = change(m, &m->bridge, &what);
	if (code == SOT_OK &&
	    (m->bridge.stp_state || m->bridge.forward_delay || m->bridge.multicast_snooping)) {
		code = net_link_reset_bridge(m->route, m->bridge.index, m->err);
		if (code == SOT_OK)
			DRIFT(m, "%s: STP %u, forward delay %u, multicast snooping %u instead of 0",
			    m->bridge.name, m->bridge.stp_state, m->bridge.forward_delay,
			    m->bridge.multicast_snooping);
	}
	return code;
}

static sot_code make_tagged(making *m)
{
	net_link device;
	const net_uplink *u = &m->uplink;
	sot_code code = net_link_get(m->route, u->device, &device, m->err);
	if (code == SOT_NOT_FOUND)
		return sot_fail(m->err, SOT_NOT_FOUND,
		    "there is neither %s nor the device %s (vlan_uplink) to make it on", u->link,
		    u->device);
	if (code != SOT_OK)
		return code;
	/* As a port of the untagged bridge it may carry tagged VLANs besides: the kernel gives a tagged
	 * frame to the VLAN's device before the bridge sees it. */
	if (device.master && strcmp(device.master_kind, "bridge") != 0)
		return sot_fail(m->err, SOT_CONFLICT,
		    "%s (vlan_uplink) is a port of a %s; name the %s itself as vlan_uplink", u->device,
		    device.master_kind, device.master_kind);
	code = net_link_add_vlan(m->route, u->link, device.index, u->vlan, m->err);
	if (code == SOT_OK)
		code = net_link_get(m->route, u->link, &m->port, m->err);
	if (code == SOT_OK)
		code = change(m, &m->port, &(net_link_change){.alias = HOST_NETWORK_ALIAS "uplink"});
	if (code == SOT_OK && !(device.flags & IFF_UP))
		code = change(m, &device, &(net_link_change){.up = true});
	if (code == SOT_OK)
		host_network_note_add(m->report, HOST_NETWORK_MADE, "802.1Q device %s", u->link);
	return code;
}

static sot_code have_port(making *m)
{
	const net_uplink *u = &m->uplink;
	sot_code code = net_link_get(m->route, u->link, &m->port, m->err);
	if (code == SOT_NOT_FOUND && u->kind == NET_UPLINK_TAGGED)
		return make_tagged(m);
	if (code == SOT_NOT_FOUND)
		return sot_fail(m->err, SOT_NOT_FOUND, "the link %s (%s) does not exist", u->link,
		    u->kind == NET_UPLINK_ACCESS ? "vlan_links" : "bridge_uplink");
	if (code == SOT_OK && strcmp(m->port.kind, "vlan") == 0 && u->kind == NET_UPLINK_TAGGED &&
	    m->port.vlan_id != u->vlan)
		return sot_fail(m->err, SOT_CONFLICT,
		    "%s is an 802.1Q device of VLAN %u; rename or remove it", u->link, m->port.vlan_id);
	return code;
}

/* A tagged device is ours by its name; another link may be the port of somebody else's bridge. */
static sot_code enslave(making *m)
{
	const net_link *port = &m->port;
	net_link_change what = {.up = true, .master = m->bridge.index};
	bool is_up = port->flags & IFF_UP;
	if (port->master == m->bridge.index && is_up)
		return SOT_OK;
	if (port->master && port->master != m->bridge.index &&
	    (m->uplink.kind != NET_UPLINK_TAGGED || strcmp(port->master_kind, "bridge") != 0))
		return sot_fail(m->err, SOT_CONFLICT, "%s is a port of another %s%s", port->name,
		    port->master_kind,
		    strcmp(port->master_kind, "bond") == 0 ? "; name the bond instead of it" : "");
	DRIFT(m, "%s: %s %s", m->bridge.name, port->name,
	    port->master == m->bridge.index ? "was down" : "was not its port");
	return change(m, port, &what);
}

/* A bridge's MTU follows its smallest port, until it is changed once: so a new one gets another
 * first. An instance's smaller MTU is then not everybody's. */
static sot_code hold_mtu(making *m, uint32_t mtu)
{
	return change(m, &m->bridge, &(net_link_change){.mtu = mtu - 1});
}

static sot_code set_mtu_and_up(making *m)
{
	net_link *bridge = &m->bridge;
	uint32_t mtu = m->port.index ? m->port.mtu : bridge->mtu;
	net_link_change what = {.up = true, .mtu = m->is_new || mtu != bridge->mtu ? mtu : 0};
	if (what.mtu)
		DRIFT(m, "%s: MTU %u, its uplink has %u", bridge->name, bridge->mtu, mtu);
	if (!(bridge->flags & IFF_UP))
		DRIFT(m, "%s: was down", bridge->name);
	sot_code code = m->is_new ? hold_mtu(m, mtu) : SOT_OK;
	bridge->mtu = mtu;
	if (code == SOT_OK && (what.mtu || !(bridge->flags & IFF_UP)))
		code = change(m, bridge, &what);
	return code;
}

static sot_code give_address(making *m)
{
	const net_uplinks *u = &m->h->uplinks;
	net_address *all = NULL;
	size_t count = 0;
	sot_code code = net_address_list(m->route, &all, &count, m->err);
	bool is_there = false;
	for (size_t i = 0; code == SOT_OK && i < count; i++)
		is_there = is_there || (all[i].index == m->bridge.index && all[i].prefix == u->prefix &&
		                           sot_ip_eq(all[i].address, u->address));
	free(all);
	if (code != SOT_OK || is_there)
		return code;
	code = net_address_add(m->route, m->bridge.index, u->address, u->prefix, m->err);
	if (code == SOT_OK)
		DRIFT(m, "%s: the host's address was not there", m->bridge.name);
	return code;
}

/* In a tenant's VLAN the host has no address, or the tenants would reach it. */
static sot_code take_addresses(making *m)
{
	net_address *all = NULL;
	size_t count = 0;
	char text[SOT_IP_TEXT];
	sot_code code = net_address_list(m->route, &all, &count, m->err);
	for (size_t i = 0; code == SOT_OK && i < count; i++) {
		const net_address *a = &all[i];
		if (a->index != m->bridge.index && a->index != m->port.index)
			continue;
		code = net_address_delete(m->route, a->index, a->address, a->prefix, m->err);
		if (code == SOT_NOT_FOUND)
			code = SOT_OK;
		DRIFT(m, "%s: the host had the address %s in it", m->bridge.name,
		    sot_ip_format(a->address, text));
	}
	free(all);
	return code;
}

/* The uplink first: a VLAN without one gets no bridge, on which its instances would be alone. */
static sot_code make_own(making *m)
{
	sot_code code = m->uplink.link[0] ? have_port(m) : SOT_OK;
	if (code == SOT_OK && m->is_new)
		code = add_bridge(m);
	if (code == SOT_OK && !m->is_foreign)
		code = set_bridge(m);
	if (code != SOT_OK)
		return code;
	silence_ipv6(m, &m->bridge);
	if (m->port.index && m->uplink.vlan != 0)
		silence_ipv6(m, &m->port);
	if (m->port.index)
		code = enslave(m);
	if (code == SOT_OK)
		code = set_mtu_and_up(m);
	if (code == SOT_OK && m->uplink.vlan != 0)
		code = take_addresses(m);
	if (code == SOT_OK && m->uplink.vlan == 0 && !sot_ip_is_none(m->h->uplinks.address))
		code = give_address(m);
	return code;
}

static sot_code make_vlan(making *m, uint16_t vlan)
{
	sot_code code = net_uplinks_find(&m->h->uplinks, vlan, &m->uplink, m->err);
	if (code != SOT_OK)
		return code;
	code = find_bridge(m);
	if (code == SOT_OK && m->uplink.kind != NET_UPLINK_BRIDGE)
		code = make_own(m);
	else if (code == SOT_OK && !(m->bridge.flags & IFF_UP))
		code = sot_fail(m->err, SOT_UNAVAILABLE,
		    "bridge %s (vlan_bridges) is down; its owner must set it up", m->bridge.name);
	return code == SOT_OK ? SOT_OK : sot_wrap(m->err, "VLAN %u", vlan);
}

sot_code host_network_make(host_network *h, uint16_t vlan, host_network_place *ret,
    host_network_report *report, sot_err *err)
{
	SOT_AUTO(netlink) route = NULL;
	sot_code code = netlink_open(NETLINK_ROUTE, &route, err);
	if (code != SOT_OK)
		return code;
	making m = {.h = h, .route = route, .report = report, .err = err};
	host_network_let_frames_pass(report);
	code = make_vlan(&m, vlan);
	if (code != SOT_OK)
		return code;
	memcpy(ret->bridge, m.bridge.name, sizeof(ret->bridge));
	ret->mtu = m.bridge.mtu;
	return SOT_OK;
}

static bool has_zero(const uint16_t *vlans, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (vlans[i] == 0)
			return true;
	return false;
}

void host_network_check(
    host_network *h, const uint16_t *vlans, size_t count, host_network_report *report)
{
	SOT_AUTO(netlink) route = NULL;
	sot_err err;
	*report = (host_network_report){.count = 0};
	if (netlink_open(NETLINK_ROUTE, &route, &err) != SOT_OK) {
		host_network_note_add(report, HOST_NETWORK_FAILED, "%s", err.text);
		return;
	}
	host_network_let_frames_pass(report);
	for (size_t i = has_zero(vlans, count) ? 1 : 0; i <= count; i++) {
		making m = {.h = h, .route = route, .report = report, .err = &err};
		if (make_vlan(&m, i == 0 ? 0 : vlans[i - 1]) != SOT_OK)
			host_network_note_add(report, HOST_NETWORK_FAILED, "%s", err.text);
	}
	uint64_t asked_for = host_network_check_ports(h, route, report);
	host_network_remove_unused(h, route, vlans, count, report);
	host_network_check_guard(h, asked_for, report);
}
