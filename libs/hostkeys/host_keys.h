/* host_keys - the keys of the hosts, as the database has them, to the roster of a bus.
 *
 * For every service that agents dial: each reads scheduler.host_key_v at an interval.
 */
#ifndef HOST_KEYS_H
#define HOST_KEYS_H

#include "bus_roster.h"
#include "store.h"

/* One round of the roster. `rows`: id uuid, public_key text, denied bool, one for each host; a
 * denied one is left out, which cuts it off. False, told in the log: a row could not be read, and
 * nobody is cut off on half a list. ret_denied (may be NULL): how many were cut off just now. */
bool host_keys_take(bus_roster *r, const store_result *rows, size_t *ret_denied);

#endif
