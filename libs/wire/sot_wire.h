/* sot_wire - msgpack on the wire: a bounded scanner, a writer, and typed readers.
 *
 * One message is one frame: the array [version, message id, fields...]. Codecs are generated from
 * proto/ (see docs/PROTOCOL.md); this is their run time. sot_wire_precheck runs before msgpack-c
 * sees a byte (msgpack-c trusts declared counts). Pure.
 * Source: https://github.com/msgpack/msgpack/blob/master/spec.md
 */
#ifndef SOT_WIRE_H
#define SOT_WIRE_H

#include "sot_mem.h"
#include "sot_uuid.h"

#define SOT_WIRE_VERSION 1u
#define SOT_WIRE_FRAME_MAX (1024u * 1024u)
#define SOT_WIRE_DEPTH_MAX 16u

/* Exactly one value, depth <= 16, every declared count or length <= the bytes left, no ext types,
 * frame <= SOT_WIRE_FRAME_MAX. */
sot_code sot_wire_precheck(sot_str frame, sot_err *err) SOT_CHECK;

/* The head every message has. request_id is 0 for messages without one; by rule it is the first
 * field of every request and reply. */
typedef struct sot_wire_head {
	uint32_t version;
	uint32_t id;
	uint64_t request_id;
} sot_wire_head;
/* Runs the precheck and reads the head. Does not know the message: request_id is filled when the
 * first field is an unsigned integer. */
sot_code sot_wire_peek(sot_str frame, sot_wire_head *ret, sot_err *err) SOT_CHECK;

#endif
