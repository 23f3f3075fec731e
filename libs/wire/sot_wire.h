/* sot_wire - msgpack on the wire: a bounded scanner, and what every frame begins with.
 *
 * One message is one frame: the array [version, message id, fields...]. Codecs are generated from
 * proto/ (see docs/PROTOCOL.md); sot_wire_codec.h is their run time. sot_wire_precheck runs before
 * msgpack-c sees a byte (msgpack-c trusts declared counts). Pure.
 * Source: https://github.com/msgpack/msgpack/blob/master/spec.md
 */
#ifndef SOT_WIRE_H
#define SOT_WIRE_H

#include "sot_ip.h"
#include "sot_mem.h"
#include "sot_uuid.h"

#define SOT_WIRE_VERSION 1u
#define SOT_WIRE_FRAME_MAX (1024u * 1024u)
#define SOT_WIRE_DEPTH_MAX 16u

typedef struct sot_mac {
	uint8_t b[6];
} sot_mac;

/* Exactly one value, depth <= 16, every declared count or length <= the bytes left, no ext types,
 * frame <= SOT_WIRE_FRAME_MAX. SOT_INVALID names the offset; SOT_LIMIT: the frame is too large. */
sot_code sot_wire_precheck(sot_str frame, sot_err *err) SOT_CHECK;

/* The head every message has. request_id is 0 for messages without one; by rule it is the first
 * field of every request and reply. */
typedef struct sot_wire_head {
	uint32_t version;
	uint32_t id;
	uint64_t request_id;
} sot_wire_head;
/* Runs the precheck and reads the head. Does not know the message: request_id is filled when the
 * first field is an unsigned integer. Any version is read; decoders refuse the ones they do not
 * speak. */
sot_code sot_wire_peek(sot_str frame, sot_wire_head *ret, sot_err *err) SOT_CHECK;

/* Whether `s` is UTF-8 without control characters (C0, DEL, C1) but TAB and LF: what fields with
 * format "text" hold. */
bool sot_wire_is_text(sot_str s);
/* A copy of `s` that is_text and at most max_bytes long, for words that come from elsewhere (an
 * engine's error, a program's output): CR LF becomes LF, other bad bytes become '?', the end is cut
 * between characters. {NULL, 0} when the arena is full. */
sot_str sot_wire_make_text(sot_arena *arena, sot_str s, size_t max_bytes);

#endif
