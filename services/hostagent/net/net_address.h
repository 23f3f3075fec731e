/* net_address - addresses and default routes of a link; by libnl-route-3. */
#ifndef HOSTAGENT_NET_ADDRESS_H
#define HOSTAGENT_NET_ADDRESS_H

#include "netlink.h"
#include "sot_ip.h"

/* Adding what is there already is no error. IPv6 is added without duplicate address detection:
 * the agent has probed before. */
sot_code net_address_add(
    netlink *n, int index, sot_ip address, uint8_t prefix, sot_err *err) SOT_CHECK;
sot_code net_address_delete(
    netlink *n, int index, sot_ip address, uint8_t prefix, sot_err *err) SOT_CHECK;
/* The default route of the gateway's family; the gateway need not lie in an own prefix. */
sot_code net_address_set_gateway(netlink *n, int index, sot_ip gateway, sot_err *err) SOT_CHECK;

typedef struct net_address {
	int index; /* of the link */
	sot_ip address;
	uint8_t prefix;
} net_address;
/* All addresses of all links, both families; *ret_addresses is freed by the caller. */
sot_code net_address_list(
    netlink *n, net_address **ret_addresses, size_t *ret_count, sot_err *err) SOT_CHECK;

#endif
