/* sot_parse - strict text to value: the whole text must be the value, within bounds. Pure. */
#ifndef SOT_PARSE_H
#define SOT_PARSE_H

#include "sot_str.h"

sot_code sot_parse_u64(sot_str s, uint64_t lo, uint64_t hi, uint64_t *ret, sot_err *err) SOT_CHECK;
sot_code sot_parse_i64(sot_str s, int64_t lo, int64_t hi, int64_t *ret, sot_err *err) SOT_CHECK;
sot_code sot_parse_double(sot_str s, double *ret, sot_err *err) SOT_CHECK; /* no nan, no inf */
sot_code sot_parse_bool(
    sot_str s, bool *ret, sot_err *err) SOT_CHECK; /* true false on off yes no */
/* IPv4 dotted quad to host byte order: "10.66.0.2". */
sot_code sot_parse_ipv4(sot_str s, uint32_t *ret, sot_err *err) SOT_CHECK;
/* "10.66.0.0/24" to network (host bits must be 0) and prefix length. */
sot_code sot_parse_cidr4(sot_str s, uint32_t *ret_net, uint8_t *ret_prefix, sot_err *err) SOT_CHECK;
/* "02:0a:0a:42:00:02" */
sot_code sot_parse_mac(sot_str s, uint8_t ret[6], sot_err *err) SOT_CHECK;
/* dst: at least 16 bytes / 18 bytes; return dst. */
char *sot_format_ipv4(uint32_t addr, char *dst);
char *sot_format_mac(const uint8_t mac[6], char *dst);
/* "512m", "2g", "1024k", "300" (bytes) to bytes. */
sot_code sot_parse_size(sot_str s, uint64_t *ret_bytes, sot_err *err) SOT_CHECK;
/* A time of RFC 3339 in UTC, "2026-11-22T08:49:33Z" with up to nine digits of a second after a dot,
 * to nanoseconds since 1970; until the year 2200. */
sot_code sot_parse_time_ns(sot_str s, uint64_t *ret_unix_ns, sot_err *err) SOT_CHECK;
/* Lower-case hex. dst holds 2n+1 bytes. */
void sot_hex_encode(const void *p, size_t n, char *dst);
/* The whole of `s` must be 2 * dst_n digits, either case; dst is untouched on failure. */
sot_code sot_hex_decode(sot_str s, void *dst, size_t dst_n, sot_err *err) SOT_CHECK;
int sot_hex_digit(char c); /* 0..15, -1 for anything else */
/* A DNS label (RFC 1123): 1..max of [a-z0-9-], begins with a letter, does not end with '-'. */
bool sot_is_label(sot_str s, size_t max);

#endif
