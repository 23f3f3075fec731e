/* batch_events - the events of addresses that are reserved for new owners. */
#ifndef IPAM_BATCH_EVENTS_H
#define IPAM_BATCH_EVENTS_H

#include "store.h"

typedef struct reservation_event reservation_event;

/* In the order in which they were added. Begins as {0}. */
typedef struct reservation_events {
	reservation_event *list;
	size_t count, room;
} reservation_events;

/* One more address that becomes `owner`'s. An operation of zeros is none. */
void reservation_events_add(
    reservation_events *events, sot_uuid operation_id, sot_ip address, sot_uuid owner);
/* Three parameters: subjects, operations, data. Once: the data is ended by it. */
void reservation_events_args(reservation_events *events, store_tx *tx);
void reservation_events_clear(reservation_events *events);

#endif
