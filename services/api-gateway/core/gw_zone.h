/* gw_zone - names of DNS zones: which reverse zones a subnet needs, which addresses a zone holds,
 * and the name of an address (RFC 1035 3.5, RFC 3596 2.5). Pure.
 *
 * Reverse zones end on octets (IPv4) and nibbles (IPv6): a /22 has four zones of /24, and a /26
 * stands in the zone of its /24.
 */
#ifndef GW_ZONE_H
#define GW_ZONE_H

#include "sot_ip.h"

#define GW_ZONE_NAME 80 /* of a reverse zone or of an address in it, with the NUL */

/* How many zones a subnet has, 1 to 128; the name of the one with this number. */
size_t gw_zone_count(sot_ip network, uint8_t prefix);
void gw_zone_name(sot_ip network, uint8_t prefix, size_t number, char dst[static GW_ZONE_NAME]);
/* "66.10.in-addr.arpa" to 10.66.0.0/16. SOT_NOT_FOUND: it is no reverse zone; SOT_INVALID: it wants
 * to be one and is wrong. */
sot_code gw_zone_parse(
    sot_str name, sot_ip *ret_network, uint8_t *ret_prefix, sot_err *err) SOT_CHECK;
/* "11.0.66.10.in-addr.arpa" */
void gw_zone_pointer(sot_ip address, char dst[static GW_ZONE_NAME]);

#endif
