/* What gw_hub.c (numbering and reading events) and gw_stream.c (one SSE reader) share. */
#ifndef GW_HUB_H
#define GW_HUB_H

#include "gateway.h"
#include "gw_ring.h"

/* Where the ring's head is. */
uint64_t gw_hub_last(const gw_hub *h);
uint64_t gw_hub_floor(const gw_hub *h); /* events up to this number are gone */
sot_uuid gw_hub_stream(const gw_hub *h);
const gw_ring *gw_hub_ring(const gw_hub *h);
bool gw_hub_is_ready(const gw_hub *h); /* the first reading has happened */

/* Asks the database once more how far the numbers go, and wakes all listeners when it has answered:
 * until then another gateway may have numbered events that this one has not read. */
void gw_hub_settle(gw_hub *h);
bool gw_hub_is_settled(const gw_hub *h);

/* Renders one row of events_read as an SSE block. */
void gw_sse_render(const store_result *res, size_t row, sot_buf *out);

/* A reader that is woken when events come and at each heartbeat. */
typedef struct gw_listener {
	sot_link link;
	void (*on_news)(void *self, bool heartbeat);
	void *self;
	const char *account; /* whose rights it reads with */
	bool stale;          /* set when these have changed: the reader must ask for them again */
} gw_listener;
void gw_hub_listen(gw_hub *h, gw_listener *l);
void gw_hub_ignore(gw_hub *h, gw_listener *l);

/* A row of events_read as the message that is published; borrows from the result. */
struct sot_event;
sot_code gw_hub_read_event(
    const store_result *res, size_t row, struct sot_event *ret, sot_err *err) SOT_CHECK;

/* gw_replay.c; *ret is NULL when the configuration has no replay endpoint. Free it after the
 * database: open questions end with that. */
typedef struct gw_replay gw_replay;
sot_code gw_replay_new(gateway *g, gw_replay **ret, sot_err *err) SOT_CHECK;
gw_replay *gw_replay_free(gw_replay *r);

#endif
