#include "net_uplinks.h"

#include <stdio.h>
#include <string.h>

#include "sot_parse.h"

enum { VLAN_MAX = 4094 };

static sot_str trimmed(sot_str s)
{
	while (s.n > 0 && s.p[0] == ' ') {
		s.p++;
		s.n--;
	}
	while (s.n > 0 && s.p[s.n - 1] == ' ')
		s.n--;
	return s;
}

/* The kernel takes any byte but '/' and white space; a name that is "." or ".." is a path. */
static sot_code copy_name(sot_str s, char ret[static IFNAMSIZ], sot_err *err)
{
	bool ok =
	    s.n > 0 && s.n < IFNAMSIZ && !sot_str_eq(s, SOT_STR(".")) && !sot_str_eq(s, SOT_STR(".."));
	for (size_t i = 0; ok && i < s.n; i++)
		ok = s.p[i] > ' ' && s.p[i] < 127 && s.p[i] != '/';
	if (!ok)
		return sot_fail(err, SOT_INVALID,
		    "\"%.*s\" is not the name of a network link (1 to 15 characters without '/')",
		    SOT_ARG(s));
	return sot_str_copy(s, ret, IFNAMSIZ, err);
}

static const net_uplink *named(const net_uplinks *u, uint16_t vlan)
{
	for (size_t i = 0; i < u->named_count; i++)
		if (u->named[i].vlan == vlan)
			return &u->named[i];
	return NULL;
}

static sot_code add_named(net_uplinks *u, const net_uplink *uplink, sot_err *err)
{
	if (named(u, uplink->vlan))
		return sot_fail(err, SOT_INVALID, "VLAN %u is named twice", uplink->vlan);
	if (u->named_count == NET_UPLINKS_MAX)
		return sot_fail(err, SOT_LIMIT, "more than %u VLANs", NET_UPLINKS_MAX);
	const char *name = uplink->kind == NET_UPLINK_BRIDGE ? uplink->bridge : uplink->link;
	bool is_taken = strcmp(name, u->device) == 0 || strcmp(name, u->untagged.link) == 0;
	for (size_t i = 0; i < u->named_count; i++)
		is_taken = is_taken || strcmp(name, u->named[i].link) == 0 ||
		           strcmp(name, u->named[i].bridge) == 0;
	if (is_taken)
		return sot_fail(
		    err, SOT_INVALID, "VLAN %u: %s carries something else already", uplink->vlan, name);
	u->named[u->named_count++] = *uplink;
	return SOT_OK;
}

static sot_code parse_pair(net_uplinks *u, sot_str pair, net_uplink_kind kind, sot_err *err)
{
	uint64_t vlan = 0;
	sot_str name;
	sot_str number = sot_str_cut(pair, '=', &name);
	net_uplink uplink = {.kind = kind};
	sot_code code = sot_parse_u64(trimmed(number), 1, VLAN_MAX, &vlan, err);
	if (code != SOT_OK)
		return sot_wrap(err, "\"%.*s\" is not VLAN=name", SOT_ARG(pair));
	uplink.vlan = (uint16_t)vlan;
	code = copy_name(trimmed(name), kind == NET_UPLINK_BRIDGE ? uplink.bridge : uplink.link, err);
	if (code == SOT_OK && kind == NET_UPLINK_ACCESS)
		(void)snprintf(uplink.bridge, sizeof(uplink.bridge), "br%u", uplink.vlan);
	return code == SOT_OK ? add_named(u, &uplink, err) : code;
}

static sot_code parse_pairs(
    net_uplinks *u, const char *key, const char *text, net_uplink_kind kind, sot_err *err)
{
	sot_str rest = trimmed(sot_str_c(text));
	while (rest.n > 0) {
		sot_str pair = sot_str_cut(rest, ',', &rest);
		sot_code code = parse_pair(u, trimmed(pair), kind, err);
		if (code != SOT_OK)
			return sot_wrap(err, "%s", key);
	}
	return SOT_OK;
}

static sot_code parse_address(const char *text, net_uplinks *u, sot_err *err)
{
	uint64_t prefix = 0;
	sot_str rest;
	if (!*text)
		return SOT_OK;
	sot_code code = sot_ip_parse(sot_str_cut(sot_str_c(text), '/', &rest), &u->address, err);
	if (code == SOT_OK)
		code = sot_parse_u64(rest, 1, sot_ip_bits(u->address), &prefix, err);
	u->prefix = (uint8_t)prefix;
	return code == SOT_OK ? SOT_OK : sot_wrap(err, "bridge_address");
}

static sot_code parse_name(
    const char *key, const char *text, char ret[static IFNAMSIZ], sot_err *err)
{
	sot_code code = copy_name(sot_str_c(text), ret, err);
	return code == SOT_OK ? SOT_OK : sot_wrap(err, "%s", key);
}

sot_code net_uplinks_parse(const net_uplinks_settings *settings, net_uplinks *ret, sot_err *err)
{
	net_uplinks u = {.untagged.kind = NET_UPLINK_UNTAGGED};
	sot_code code = parse_name("bridge_name", settings->bridge_name, u.untagged.bridge, err);
	if (code == SOT_OK && *settings->bridge_uplink)
		code = parse_name("bridge_uplink", settings->bridge_uplink, u.untagged.link, err);
	if (code == SOT_OK && *settings->vlan_uplink)
		code = parse_name("vlan_uplink", settings->vlan_uplink, u.device, err);
	if (code == SOT_OK)
		code = parse_address(settings->bridge_address, &u, err);
	if (code == SOT_OK)
		code = parse_pairs(&u, "vlan_links", settings->vlan_links, NET_UPLINK_ACCESS, err);
	if (code == SOT_OK)
		code = parse_pairs(&u, "vlan_bridges", settings->vlan_bridges, NET_UPLINK_BRIDGE, err);
	if (code == SOT_OK)
		*ret = u;
	return code;
}

sot_code net_uplinks_find(const net_uplinks *u, uint16_t vlan, net_uplink *ret, sot_err *err)
{
	net_uplink uplink = {.vlan = vlan, .kind = NET_UPLINK_TAGGED};
	const net_uplink *own = vlan == 0 ? &u->untagged : named(u, vlan);
	if (own) {
		*ret = *own;
		return SOT_OK;
	}
	if (!u->device[0])
		return sot_fail(err, SOT_NOT_FOUND,
		    "VLAN %u: nothing carries it on this host; set vlan_uplink to the device with the "
		    "tagged "
		    "VLANs, or name its link in vlan_links or its bridge in vlan_bridges",
		    vlan);
	int n = snprintf(
	    uplink.link, sizeof(uplink.link), "%.*s.%u", (int)sizeof(u->device) - 1, u->device, vlan);
	if (n < 0 || (size_t)n >= sizeof(uplink.link))
		return sot_fail(err, SOT_INVALID,
		    "VLAN %u: the name %s.%u is longer than 15 characters; give the device a shorter name, "
		    "or "
		    "make the 802.1Q device yourself and name it in vlan_links",
		    vlan, u->device, vlan);
	(void)snprintf(uplink.bridge, sizeof(uplink.bridge), "br%u", vlan);
	memcpy(uplink.device, u->device, sizeof(uplink.device));
	*ret = uplink;
	return SOT_OK;
}
