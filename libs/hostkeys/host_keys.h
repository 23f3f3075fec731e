/* host_keys - the keys of the hosts, as the database has them, to the roster of a bus.
 *
 * For every service that agents dial: each asks at an interval whether
 * scheduler.host_key_v gives other rows than before.
 */
#ifndef HOST_KEYS_H
#define HOST_KEYS_H

#include "bus_roster.h"
#include "store.h"

/* What the database calls the rows that were read last, for the statement's only parameter: it
 * gives no rows while they are the same. Empty before the first. */
typedef struct host_keys_stamp {
	char text[120];
} host_keys_stamp;

/* One round of the roster, unless there are no rows. `rows`: id uuid, public_key text, denied bool,
 * stamp text, one for each host; a denied one is left out, which cuts it off. False, told in the
 * log: a row could not be read, and nobody is cut off on half a list. ret_denied (may be NULL): how
 * many were cut off just now. */
bool host_keys_take(
    bus_roster *r, host_keys_stamp *stamp, const store_result *rows, size_t *ret_denied);
/* For who keeps a list of its own: the stamp of the rows, once all of them were taken. */
void host_keys_keep_stamp(host_keys_stamp *stamp, const store_result *rows);

#endif
