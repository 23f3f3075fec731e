/* cat_codec - the two encodings that CAT 3.1 understands: NT1 (binary, the default) and PT1 (text).
 *
 * A frame is a 4-byte big-endian length of what follows, then "NT1" or "PT1", then the tree. Pure;
 * no allocation. Byte layout: services/monitor-bridge/README.md, "On the wire".
 */
#ifndef MONITOR_CAT_CODEC_H
#define MONITOR_CAT_CODEC_H

#include "cat_message.h"

typedef enum cat_codec { CAT_NT1, CAT_PT1 } cat_codec;

/* Writes one frame to `dst` and its size to *ret_size. SOT_LIMIT when it would pass dst_size or
 * CAT_FRAME_MAX; SOT_INVALID for a tree that is nested too deeply, or a child of something that is
 * not a transaction. What had to be repaired on the way is counted in `repairs`. */
sot_code cat_encode(cat_codec codec, const cat_header *header, const cat_message *root, char *dst,
    size_t dst_size, size_t *ret_size, cat_repairs *repairs, sot_err *err) SOT_CHECK;

#endif
