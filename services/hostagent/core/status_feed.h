/* status_feed - which statuses the scheduler does not have yet. One message is in flight; it is
 * built anew with a higher seq until its ack comes, so it always tells the newest state. Pure.
 */
#ifndef HOSTAGENT_STATUS_FEED_H
#define HOSTAGENT_STATUS_FEED_H

#include "sot_map.h"
#include "sot_proto.h"
#include "unknowns.h"

typedef struct status_feed status_feed;
status_feed *status_feed_new(void);
status_feed *status_feed_free(status_feed *f);
SOT_DEFINE_AUTO(status_feed)

/* Notes what is now; cheap when nothing changed. */
void status_feed_put(status_feed *f, const sot_instance_status *status);
/* All of them, as a listing of the Engine found them. */
void status_feed_set_unknown(status_feed *f, unknowns *found);
/* After a hello everything is told again, marked `full`. */
void status_feed_restart(status_feed *f);
/* Whether something waits to be told. */
bool status_feed_is_due(const status_feed *f);
/* Fills the instances, seq, full and the unknown containers of a message; the instances live in the
 * arena. Marks them as in flight. */
sot_code status_feed_build(
    status_feed *f, sot_arena *arena, sot_status *ret_message, sot_err *err) SOT_CHECK;
void status_feed_ack(status_feed *f, uint64_t seq);

#endif
