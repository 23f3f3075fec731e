/* cat_decoder - reads NT1 and PT1 frames back, for tests only. Written from the description of the
 * wire, not from the encoder, so that both cannot share a mistake.
 *
 * A frame becomes a flat list of messages in wire order with their depth. Texts point into the
 * frame (NT1) or into the list's own memory (PT1, unescaped).
 */
#ifndef MONITOR_TESTING_CAT_DECODER_H
#define MONITOR_TESTING_CAT_DECODER_H

#include "sot_mem.h"

#define DECODED_MESSAGES_MAX 256

typedef struct decoded_message {
	char letter; /* E H M L, or A for a transaction of either shape */
	unsigned depth;
	int64_t at_unix_ms;
	uint64_t duration_us;
	sot_str type, name, status, data;
} decoded_message;

typedef struct decoded_tree {
	char codec[4];
	sot_str header[10]; /* domain, host name, address, group, thread id, thread, id, parent, root,
	                       session */
	decoded_message messages[DECODED_MESSAGES_MAX];
	size_t count;
} decoded_tree;

/* `frame` is one whole frame with its length. `memory` keeps unescaped text. */
bool decode_frame(sot_str frame, sot_arena *memory, decoded_tree *ret);

#endif
