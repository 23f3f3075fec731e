/* cat_read - reads what CAT's clients send: NT1, PT1 and NM1 frames.
 *
 * Written from the description of the wire (services/monitor-bridge/README.md, "On the wire"), not
 * from the encoder, so that both cannot share a mistake: it serves sotalia-catdump, the bridge's
 * `trace`, and the tests. Any bytes are survived. Pure.
 */
#ifndef CAT_READ_H
#define CAT_READ_H

#include "sot_mem.h"

#define CAT_READ_DEPTH_MAX 64
#define CAT_READ_MESSAGES_MAX 20000
#define CAT_READ_FRAME_MAX (8u * 1024u * 1024u)
#define CAT_READ_HEADER 10

/* In the order of the wire. */
enum {
	CAT_READ_DOMAIN,
	CAT_READ_HOST_NAME,
	CAT_READ_ADDRESS,
	CAT_READ_THREAD_GROUP,
	CAT_READ_THREAD_ID,
	CAT_READ_THREAD_NAME,
	CAT_READ_MESSAGE_ID,
	CAT_READ_PARENT_ID,
	CAT_READ_ROOT_ID,
	CAT_READ_SESSION
};

typedef struct cat_read_message {
	char letter; /* E H M L, or A for a transaction of either shape */
	unsigned depth;
	int64_t at_unix_ms;
	uint64_t duration_us; /* transactions */
	sot_str type, name, status, data;
} cat_read_message;

typedef struct cat_read_metric {
	int64_t at_unix_ms;
	sot_str name, kind; /* COUNT, SUM, DURATION */
	uint64_t count, duration_ms;
	double sum;
} cat_read_metric;

/* Either messages (NT1, PT1: the first is the root, in the order of the wire) or metrics (NM1). */
typedef struct cat_read_tree {
	char codec[4];
	sot_str header[CAT_READ_HEADER]; /* absent ones are empty */
	cat_read_message *messages;
	size_t count;
	cat_read_metric *metrics;
	size_t metric_count;
} cat_read_tree;

/* The size of the first frame of a stream with its length; 0 when `bytes` do not hold it whole yet.
 * SOT_INVALID for a length that CAT itself would trip over (below 4) or that is absurd: the stream
 * cannot be read on. */
sot_code cat_read_frame_size(sot_str bytes, size_t *ret, sot_err *err) SOT_CHECK;

/* `frame` is one whole frame with its length. Texts point into the frame or into `memory`.
 * SOT_INVALID says what is wrong and at which byte. */
sot_code cat_read_frame(
    sot_str frame, sot_arena *memory, cat_read_tree *ret, sot_err *err) SOT_CHECK;

/* One JSON object without a line end. */
void cat_read_json(const cat_read_tree *tree, sot_buf *out);

/* ---- figures of a heartbeat ---- */

typedef struct cat_read_detail {
	sot_str group, id;
	double value;
} cat_read_detail;
/* Walks the details of a status document as strictly as the server: *at begins with 0; false at the
 * end, and then *ret_bad tells whether the document is one that the server throws away. */
bool cat_read_next_detail(sot_str xml, size_t *at, cat_read_detail *ret, bool *ret_bad);

#endif
