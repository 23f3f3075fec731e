/* sot_ip - an IPv4 or IPv6 address as a value. Pure.
 *
 * Bytes are in network order; IPv4 uses the first four, the others are 0. So two equal addresses
 * are equal bytes, and the order of sot_ip_cmp is PostgreSQL's order of inet within one family.
 */
#ifndef SOT_IP_H
#define SOT_IP_H

#include "sot_str.h"

typedef struct sot_ip {
	uint8_t family; /* 4, 6, or 0 for none */
	uint8_t b[16];
} sot_ip;

#define SOT_IP_TEXT 46 /* with the NUL */

sot_ip sot_ip_from_v4(uint32_t host_order);
/* The IPv4 address in host byte order; 0 for none. Not for IPv6. */
uint32_t sot_ip_v4(sot_ip ip);
bool sot_ip_is_none(sot_ip ip);
bool sot_ip_eq(sot_ip a, sot_ip b);
/* By family, then by value. */
int sot_ip_cmp(sot_ip a, sot_ip b);
unsigned sot_ip_bits(sot_ip ip); /* 32, 128, or 0 for none */

/* `ip` + n. Wraps around at the end of its family. */
sot_ip sot_ip_add(sot_ip ip, uint64_t n);
/* high - low, UINT64_MAX when it is larger than that. Both of one family, low <= high. */
uint64_t sot_ip_distance(sot_ip low, sot_ip high);
/* The first and the last address of the network of `prefix` bits that `ip` lies in. */
sot_ip sot_ip_network(sot_ip ip, uint8_t prefix);
sot_ip sot_ip_last(sot_ip ip, uint8_t prefix);
bool sot_ip_in(sot_ip ip, sot_ip network, uint8_t prefix);

/* "10.66.0.2" or "2001:db8::2" (RFC 4291, without zone). */
sot_code sot_ip_parse(sot_str s, sot_ip *ret, sot_err *err) SOT_CHECK;
/* "10.66.0.0/24" or "2001:db8::/64": host bits must be 0; the text of a refusal names the network
 * that was meant. */
sot_code sot_ip_parse_cidr(
    sot_str s, sot_ip *ret_network, uint8_t *ret_prefix, sot_err *err) SOT_CHECK;
/* RFC 5952 for IPv6; "" for none. Returns dst. */
char *sot_ip_format(sot_ip ip, char dst[static SOT_IP_TEXT]);

#endif
