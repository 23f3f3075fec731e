/* net_shaper - a token bucket (tbf) as the root queue of a link; by libnl-route-3.
 *
 * A token bucket limits what leaves its link: on the host's end of a veth pair what the instance
 * receives, inside on its eth0 what it sends. Source: tc-tbf(8).
 */
#ifndef HOSTAGENT_NET_SHAPER_H
#define HOSTAGENT_NET_SHAPER_H

#include "netlink.h"

/* `kbit`: thousand bits in a second, of frames without their check sums. Replaces the queue that
 * the link has. */
sot_code net_shaper_set(netlink *n, int index, uint32_t kbit, sot_err *err) SOT_CHECK;

#endif
