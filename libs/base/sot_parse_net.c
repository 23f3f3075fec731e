/* Strict text to value and back: IPv4 addresses, prefixes, MAC addresses. */
#include "sot_parse.h"

#include <stdio.h>

#define QUOTED(s) (s).n > 40 ? 40 : (int)(s).n, (s).p ? (s).p : ""

/* 0..255 without leading zeros: "010" would be octal to some readers, decimal to others. */
static bool read_octet(sot_str part, uint32_t *ret)
{
	uint64_t value;
	if (part.n > 3 || (part.n > 1 && part.p[0] == '0') ||
	    sot_parse_u64(part, 0, 255, &value, NULL) != SOT_OK)
		return false;
	*ret = (uint32_t)value;
	return true;
}

sot_code sot_parse_ipv4(sot_str s, uint32_t *ret, sot_err *err)
{
	uint32_t addr = 0;
	sot_str rest = s;
	bool good = s.n >= 7 && s.n <= 15 && s.p[s.n - 1] != '.';
	for (int i = 0; good && i < 4; i++) {
		uint32_t octet = 0;
		good = read_octet(sot_str_cut(rest, '.', &rest), &octet);
		addr = addr << 8 | octet;
	}
	if (!good || rest.n)
		return sot_fail(
		    err, SOT_INVALID, "\"%.*s\" is not an IPv4 address such as 10.66.0.2", QUOTED(s));
	*ret = addr;
	return SOT_OK;
}

sot_code sot_parse_cidr4(sot_str s, uint32_t *ret_net, uint8_t *ret_prefix, sot_err *err)
{
	sot_str length;
	sot_str address = sot_str_cut(s, '/', &length);
	uint32_t net;
	uint64_t prefix;
	if (sot_parse_ipv4(address, &net, NULL) != SOT_OK || length.n > 2 ||
	    (length.n == 2 && length.p[0] == '0') ||
	    sot_parse_u64(length, 0, 32, &prefix, NULL) != SOT_OK)
		return sot_fail(
		    err, SOT_INVALID, "\"%.*s\" is not a network such as 10.66.0.0/24", QUOTED(s));
	uint32_t host_mask = prefix == 0 ? UINT32_MAX : (1u << (32 - prefix)) - 1;
	if (prefix < 32 && (net & host_mask) != 0) {
		char text[16];
		return sot_fail(err, SOT_INVALID, "\"%.*s\" has host bits set; the network is %s/%u",
		    QUOTED(s), sot_format_ipv4(net & ~host_mask, text), (unsigned)prefix);
	}
	*ret_net = net;
	*ret_prefix = (uint8_t)prefix;
	return SOT_OK;
}

sot_code sot_parse_mac(sot_str s, uint8_t ret[6], sot_err *err)
{
	bool good = s.n == 17;
	uint8_t mac[6];
	for (size_t i = 0; good && i < 6; i++) {
		good = (i == 5 || s.p[3 * i + 2] == ':') &&
		       sot_hex_decode((sot_str){s.p + 3 * i, 2}, mac + i, 1, NULL) == SOT_OK;
	}
	if (!good)
		return sot_fail(
		    err, SOT_INVALID, "\"%.*s\" is not a MAC such as 02:0a:0a:42:00:02", QUOTED(s));
	for (size_t i = 0; i < 6; i++)
		ret[i] = mac[i];
	return SOT_OK;
}

char *sot_format_ipv4(uint32_t addr, char *dst)
{
	char *at = dst;
	for (int shift = 24; shift >= 0; shift -= 8) {
		uint32_t part = addr >> shift & 255u;
		if (part >= 100)
			*at++ = (char)('0' + part / 100);
		if (part >= 10)
			*at++ = (char)('0' + part / 10 % 10);
		*at++ = (char)('0' + part % 10);
		*at++ = shift > 0 ? '.' : '\0';
	}
	return dst;
}

char *sot_format_mac(const uint8_t mac[6], char *dst)
{
	snprintf(
	    dst, 18, "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2], mac[3], mac[4], mac[5]);
	return dst;
}
