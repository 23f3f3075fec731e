/* net_shaper - a token bucket (tbf) as the root queue of a link; by libnl-route-3.
 *
 * A token bucket limits what leaves its link: on the host's end of a veth pair what the instance
 * receives, inside on its eth0 what it sends. Source: tc-tbf(8).
 */
#ifndef HOSTAGENT_NET_SHAPER_H
#define HOSTAGENT_NET_SHAPER_H

#include "netlink.h"

#include <stdbool.h>
#include <stdint.h>

/* `kbit`: thousand bits in a second, of frames without their check sums. Replaces the queue that
 * the link has. */
sot_code net_shaper_set(netlink *n, int index, uint32_t kbit, sot_err *err) SOT_CHECK;
/* Takes it away. */
sot_code net_shaper_clear(netlink *n, int index, sot_err *err) SOT_CHECK;
/* Whether a limit that was read is the one that net_shaper_set makes of `kbit`. Pure. */
bool net_shaper_is(uint64_t bytes_per_s, uint32_t kbit);

typedef struct net_shaper {
	int index; /* of the link */
	uint64_t bytes_per_s;
} net_shaper;
/* Every root token bucket of the namespace; *ret_shapers is freed by the caller. */
sot_code net_shaper_list(
    netlink *n, net_shaper **ret_shapers, size_t *ret_count, sot_err *err) SOT_CHECK;

#endif
