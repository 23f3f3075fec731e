/* bridge - makes the Linux bridge of the instances at the agent's start, by netlink. Idempotent;
 * touches no other link but the configured uplink.
 */
#ifndef HOSTAGENT_BRIDGE_H
#define HOSTAGENT_BRIDGE_H

#include "sot_uuid.h"

typedef struct bridge_settings {
	const char *name;
	const char *uplink;  /* "" for none */
	const char *address; /* "10.66.0.1/24" of this host, or "" */
	sot_uuid host_id;    /* the bridge's MAC follows from it */
} bridge_settings;

/* *ret_mtu: what the instances' links get (the uplink's, or the bridge's). Blocking, milliseconds.
 */
sot_code bridge_set_up(const bridge_settings *settings, uint32_t *ret_mtu, sot_err *err) SOT_CHECK;

#endif
