/* cat_sender - one TCP connection to the best CAT server that can be reached.
 *
 * Servers are tried in order; a better one is tried again from time to time; when none can be
 * reached there is a back-off from 0.5 s to 30 s. CAT never answers, so a frame counts as sent when
 * the kernel took it; a peer that takes nothing for 10 s is given up. Frames wait in the
 * frame_queue, whose size is fixed. Owner: the reactor's thread.
 */
#ifndef MONITOR_CAT_SENDER_H
#define MONITOR_CAT_SENDER_H

#include "cat_router.h"
#include "frame_queue.h"
#include "reactor.h"

typedef struct cat_sender_options {
	int64_t connect_timeout_ms;
	int64_t climb_interval_ms;
} cat_sender_options;

typedef struct cat_sender_stats {
	bool up;
	uint64_t bytes;      /* handed to the kernel */
	uint64_t frames;     /* of them whole */
	uint64_t frames_cut; /* lost in the middle with a connection */
	uint64_t connects, connect_failures, losses;
	char server[24]; /* "10.0.0.1:2280", or "" */
} cat_sender_stats;

typedef struct cat_sender cat_sender;
/* `queue` is borrowed. */
cat_sender *cat_sender_new(reactor *r, frame_queue *queue, const cat_sender_options *options);
cat_sender *cat_sender_free(cat_sender *s);
SOT_DEFINE_AUTO(cat_sender)
/* A list that differs from the present one closes the connection and begins with the best. */
void cat_sender_use(cat_sender *s, const cat_server_list *servers);
/* The operator's `block`: nothing is sent while it lasts. */
void cat_sender_block(cat_sender *s, bool block);
/* Frames were pushed: writes what the socket takes. */
void cat_sender_kick(cat_sender *s);
/* Nothing waits, neither in the queue nor half written. */
bool cat_sender_is_idle(const cat_sender *s);
cat_sender_stats cat_sender_get_stats(const cat_sender *s);

#endif
