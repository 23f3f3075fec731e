/* gw_ring - the newest events, rendered once and shared by all readers.
 *
 * Pure. Numbers have no gap; the ring holds at most `capacity` events and `max_bytes` of text and
 * forgets the oldest. A reader keeps only the number it has read last; one that falls behind the
 * ring goes on from the database.
 */
#ifndef GW_RING_H
#define GW_RING_H

#include "sot_mem.h"
#include "sot_uuid.h"

typedef struct gw_event {
	uint64_t number;
	sot_uuid operation_id; /* zero when none */
	sot_str sse;           /* "id: ...\nevent: ...\ndata: ...\n\n" */
} gw_event;

typedef struct gw_ring gw_ring;
gw_ring *gw_ring_new(size_t capacity, size_t max_bytes);
gw_ring *gw_ring_free(gw_ring *r);
/* Copies the text. A number that does not follow the last one empties the ring first. */
void gw_ring_push(gw_ring *r, uint64_t number, sot_uuid operation_id, sot_str sse);
/* Empties it; the next push may have any number. */
void gw_ring_reset(gw_ring *r);
uint64_t gw_ring_last(const gw_ring *r);  /* 0 when empty */
uint64_t gw_ring_first(const gw_ring *r); /* 0 when empty */
/* Borrowed until the next push; NULL when it is not (or no longer) held. */
const gw_event *gw_ring_get(const gw_ring *r, uint64_t number);
SOT_DEFINE_AUTO(gw_ring)

#endif
