/* frame_queue - frames that wait for CAT, in a ring of fixed size: CAT being away never grows the
 * process. A full ring drops its oldest frames; frames whose hour has closed are dropped too. Both
 * are counted. Pure: the caller passes `now`.
 */
#ifndef MONITOR_FRAME_QUEUE_H
#define MONITOR_FRAME_QUEUE_H

#include "sot_mem.h"

#include <sys/uio.h>

typedef struct frame_queue frame_queue;

typedef struct frame_queue_stats {
	uint64_t pushed, overflowed, expired;
	size_t frames, bytes; /* waiting now */
} frame_queue_stats;

/* All memory is taken here: `bytes_max` plus 16 bytes for each of `frames_max`. */
frame_queue *frame_queue_new(size_t bytes_max, size_t frames_max);
frame_queue *frame_queue_free(frame_queue *q);
SOT_DEFINE_AUTO(frame_queue)

/* Copies the frame. False only for an empty frame or one that is larger than the whole ring
 * (counted as overflowed). */
bool frame_queue_push(frame_queue *q, sot_str frame, int64_t expires_unix_ms);
/* Drops what is at the front and expired. */
void frame_queue_expire(frame_queue *q, int64_t now_unix_ms);
/* Views of up to `bytes_wanted` bytes from the front, in one or two pieces; returns how many
 * pieces. They end on a frame's end unless the first frame alone is larger, and hold none that is
 * expired. Valid until the next push or expire. */
int frame_queue_peek(
    frame_queue *q, size_t bytes_wanted, int64_t now_unix_ms, struct iovec ret[static 2]);
/* Takes `n` written bytes from the front. When they end inside a frame, the rest of that frame is
 * copied to `rest` (at least 64 KB) and taken as well: *ret_rest is its size. So the ring never
 * holds half a frame, and a frame that is cut by a lost connection is never continued on the next.
 */
void frame_queue_take(frame_queue *q, size_t n, char *rest, size_t *ret_rest);
frame_queue_stats frame_queue_get_stats(const frame_queue *q);

#endif
