#include "gw_zone.h"

#include "sot_parse.h"

#include <stdio.h>
#include <string.h>

static const char v4_suffix[] = "in-addr.arpa", v6_suffix[] = "ip6.arpa";

/* The prefix length of the zones of a subnet. */
static unsigned zone_bits(sot_ip network, unsigned prefix)
{
	unsigned step = network.family == 4 ? 8 : 4, most = sot_ip_bits(network) - step;
	unsigned bits = (prefix + step - 1) / step * step;
	return bits < most ? bits : most;
}

size_t gw_zone_count(sot_ip network, uint8_t prefix)
{
	unsigned bits = zone_bits(network, prefix);
	return bits > prefix ? (size_t)1 << (bits - prefix) : 1;
}

/* The labels of the first `bits` bits, last first, then the suffix. */
static void write_name(sot_ip ip, unsigned bits, char *dst)
{
	size_t n = 0;
	if (ip.family == 4)
		for (unsigned i = bits / 8; i-- > 0;)
			n += (size_t)snprintf(dst + n, GW_ZONE_NAME - n, "%u.", ip.b[i]);
	else
		for (unsigned i = bits / 4; i-- > 0;)
			n += (size_t)snprintf(
			    dst + n, GW_ZONE_NAME - n, "%x.", ip.b[i / 2] >> (i % 2 == 0 ? 4 : 0) & 15);
	(void)snprintf(dst + n, GW_ZONE_NAME - n, "%s", ip.family == 4 ? v4_suffix : v6_suffix);
}

void gw_zone_name(sot_ip network, uint8_t prefix, size_t number, char dst[static GW_ZONE_NAME])
{
	unsigned bits = zone_bits(network, prefix);
	/* What varies lies in the last octet or nibble of the zone. */
	unsigned shift = bits % 8 == 0 ? 0 : 4;
	sot_ip zone = sot_ip_network(network, (uint8_t)(bits < prefix ? bits : prefix));
	if (bits > prefix)
		zone.b[(bits - 1) / 8] = (uint8_t)(zone.b[(bits - 1) / 8] + (number << shift));
	write_name(zone, bits, dst);
}

void gw_zone_pointer(sot_ip address, char dst[static GW_ZONE_NAME])
{
	write_name(address, sot_ip_bits(address), dst);
}

/* The part before ".<suffix>"; empty when the name does not end so. */
static sot_str labels_of(sot_str name, const char *suffix)
{
	size_t n = strlen(suffix);
	if (name.n < n + 2 || memcmp(name.p + name.n - n, suffix, n) != 0 ||
	    name.p[name.n - n - 1] != '.')
		return (sot_str){0};
	return (sot_str){name.p, name.n - n - 1};
}

/* Takes the last label off. */
static sot_str cut_last(sot_str *rest)
{
	size_t at = rest->n;
	sot_str label;
	while (at > 0 && rest->p[at - 1] != '.')
		at--;
	label = (sot_str){rest->p + at, rest->n - at};
	rest->n = at > 0 ? at - 1 : 0;
	return label;
}

static sot_code parse_v4(sot_str labels, sot_ip *ip, unsigned *bits)
{
	ip->family = 4;
	for (*bits = 0; labels.n > 0; *bits += 8) {
		uint64_t octet = 0;
		sot_str label = cut_last(&labels);
		if (*bits == 32 || (label.n > 1 && label.p[0] == '0') ||
		    sot_parse_u64(label, 0, 255, &octet, NULL) != SOT_OK)
			return SOT_INVALID;
		ip->b[*bits / 8] = (uint8_t)octet;
	}
	return SOT_OK;
}

static sot_code parse_v6(sot_str labels, sot_ip *ip, unsigned *bits)
{
	ip->family = 6;
	for (*bits = 0; labels.n > 0; *bits += 4) {
		sot_str label = cut_last(&labels);
		int digit = label.n == 1 ? sot_hex_digit(label.p[0]) : -1;
		if (*bits == 128 || digit < 0)
			return SOT_INVALID;
		ip->b[*bits / 8] |= (uint8_t)(digit << (*bits % 8 == 0 ? 4 : 0));
	}
	return SOT_OK;
}

sot_code gw_zone_parse(sot_str name, sot_ip *ret_network, uint8_t *ret_prefix, sot_err *err)
{
	sot_str v4 = labels_of(name, v4_suffix), v6 = labels_of(name, v6_suffix);
	sot_ip ip = {0};
	unsigned bits = 0;
	sot_code code;
	if (v4.n == 0 && v6.n == 0)
		return sot_fail(err, SOT_NOT_FOUND, "'%.*s' is no reverse zone", SOT_ARG(name));
	code = v4.n > 0 ? parse_v4(v4, &ip, &bits) : parse_v6(v6, &ip, &bits);
	if (code != SOT_OK)
		return sot_fail(err, SOT_INVALID,
		    "'%.*s' is no reverse zone such as 66.10.in-addr.arpa or 8.b.d.0.1.0.0.2.ip6.arpa",
		    SOT_ARG(name));
	*ret_network = ip;
	*ret_prefix = (uint8_t)bits;
	return SOT_OK;
}
