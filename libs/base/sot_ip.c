#include "sot_ip.h"

#include <arpa/inet.h>
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "sot_parse.h"

#define QUOTED(s) (s).n > 60 ? 60 : (int)(s).n, (s).p ? (s).p : ""

sot_ip sot_ip_from_v4(uint32_t v)
{
	return (sot_ip){4, {(uint8_t)(v >> 24), (uint8_t)(v >> 16), (uint8_t)(v >> 8), (uint8_t)v}};
}

uint32_t sot_ip_v4(sot_ip ip)
{
	assert(ip.family != 6);
	return (uint32_t)ip.b[0] << 24 | (uint32_t)ip.b[1] << 16 | (uint32_t)ip.b[2] << 8 | ip.b[3];
}

bool sot_ip_is_none(sot_ip ip)
{
	return ip.family == 0;
}

int sot_ip_cmp(sot_ip a, sot_ip b)
{
	if (a.family != b.family)
		return a.family < b.family ? -1 : 1;
	return memcmp(a.b, b.b, sizeof(a.b));
}

bool sot_ip_eq(sot_ip a, sot_ip b)
{
	return sot_ip_cmp(a, b) == 0;
}

unsigned sot_ip_bits(sot_ip ip)
{
	return ip.family == 4 ? 32 : ip.family == 6 ? 128 : 0;
}

sot_ip sot_ip_add(sot_ip ip, uint64_t n)
{
	for (unsigned i = sot_ip_bits(ip) / 8; i-- > 0 && n > 0;) {
		n += ip.b[i];
		ip.b[i] = (uint8_t)n;
		n >>= 8;
	}
	return ip;
}

uint64_t sot_ip_distance(sot_ip low, sot_ip high)
{
	assert(low.family == high.family && sot_ip_cmp(low, high) <= 0);
	uint8_t difference[16] = {0};
	int borrow = 0;
	for (unsigned i = sot_ip_bits(low) / 8; i-- > 0;) {
		int d = high.b[i] - low.b[i] - borrow;
		borrow = d < 0;
		difference[i] = (uint8_t)(d + 256 * borrow);
	}
	uint64_t n = 0;
	for (unsigned i = 0; i < sot_ip_bits(low) / 8; i++) {
		if (n >> 56)
			return UINT64_MAX;
		n = n << 8 | difference[i];
	}
	return n;
}

/* Bit `i`, counted from the left, of all that are not in the prefix. */
static sot_ip fill_host_bits(sot_ip ip, uint8_t prefix, bool one)
{
	for (unsigned i = prefix; i < sot_ip_bits(ip); i++) {
		uint8_t bit = (uint8_t)(0x80u >> (i % 8));
		ip.b[i / 8] = (uint8_t)(one ? ip.b[i / 8] | bit : ip.b[i / 8] & ~bit);
	}
	return ip;
}

sot_ip sot_ip_network(sot_ip ip, uint8_t prefix)
{
	return fill_host_bits(ip, prefix, false);
}

sot_ip sot_ip_last(sot_ip ip, uint8_t prefix)
{
	return fill_host_bits(ip, prefix, true);
}

bool sot_ip_in(sot_ip ip, sot_ip network, uint8_t prefix)
{
	return ip.family == network.family && sot_ip_eq(sot_ip_network(ip, prefix), network);
}

sot_code sot_ip_parse(sot_str s, sot_ip *ret, sot_err *err)
{
	char text[SOT_IP_TEXT];
	sot_ip ip = {.family = 6};
	uint32_t v4;
	if (sot_parse_ipv4(s, &v4, NULL) == SOT_OK) {
		*ret = sot_ip_from_v4(v4);
		return SOT_OK;
	}
	bool good = s.n >= 2 && s.n < sizeof(text) && memchr(s.p, ':', s.n) && !memchr(s.p, 0, s.n);
	if (good) {
		memcpy(text, s.p, s.n);
		text[s.n] = '\0';
		good = inet_pton(AF_INET6, text, ip.b) == 1;
	}
	if (!good)
		return sot_fail(err, SOT_INVALID,
		    "\"%.*s\" is not an address such as 10.66.0.2 or 2001:db8::2", QUOTED(s));
	*ret = ip;
	return SOT_OK;
}

sot_code sot_ip_parse_cidr(sot_str s, sot_ip *ret_network, uint8_t *ret_prefix, sot_err *err)
{
	sot_str length;
	sot_str address = sot_str_cut(s, '/', &length);
	sot_ip ip;
	uint64_t prefix = 0;
	if (sot_ip_parse(address, &ip, NULL) != SOT_OK || (length.n > 1 && length.p[0] == '0') ||
	    sot_parse_u64(length, 0, sot_ip_bits(ip), &prefix, NULL) != SOT_OK)
		return sot_fail(err, SOT_INVALID,
		    "\"%.*s\" is not a subnet such as 10.66.0.0/24 or 2001:db8::/64", QUOTED(s));
	sot_ip network = sot_ip_network(ip, (uint8_t)prefix);
	if (!sot_ip_eq(network, ip)) {
		char text[SOT_IP_TEXT];
		return sot_fail(err, SOT_INVALID, "\"%.*s\" has host bits set; the subnet is %s/%u",
		    QUOTED(s), sot_ip_format(network, text), (unsigned)prefix);
	}
	*ret_network = network;
	*ret_prefix = (uint8_t)prefix;
	return SOT_OK;
}

char *sot_ip_format(sot_ip ip, char dst[static SOT_IP_TEXT])
{
	dst[0] = '\0';
	if (ip.family == 4)
		return sot_format_ipv4(sot_ip_v4(ip), dst);
	if (ip.family == 6)
		(void)inet_ntop(AF_INET6, ip.b, dst, SOT_IP_TEXT);
	return dst;
}
