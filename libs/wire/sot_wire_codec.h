/* sot_wire_codec - encode and decode by description: what the code generated from proto/ calls.
 *
 * A struct or message is described by a constant table of its fields. Encoder and decoder walk the
 * same table with the same checks, so nothing is sent that a peer of the same schema would refuse.
 * Programs use the typed functions of sot_proto.h; only tests and fuzzers need this header. Pure.
 */
#ifndef SOT_WIRE_CODEC_H
#define SOT_WIRE_CODEC_H

#include "sot_wire.h"

typedef enum sot_wire_kind {
	SOT_WIRE_BOOL,
	SOT_WIRE_U8,
	SOT_WIRE_U16,
	SOT_WIRE_U32,
	SOT_WIRE_U64,
	SOT_WIRE_I32,
	SOT_WIRE_I64,
	SOT_WIRE_F64,
	SOT_WIRE_STR,
	SOT_WIRE_BYTES,
	SOT_WIRE_UUID,
	SOT_WIRE_MAC,
	SOT_WIRE_IP,   /* sot_ip: bin of 0 (none), 4 or 16 bytes */
	SOT_WIRE_ENUM, /* in memory a C enum of 4 bytes, on the wire its number */
	SOT_WIRE_STRUCT
} sot_wire_kind;

typedef enum sot_wire_format {
	SOT_WIRE_ANY,   /* str: UTF-8 without NUL */
	SOT_WIRE_TEXT,  /* sot_wire_is_text */
	SOT_WIRE_LABEL, /* sot_is_label, or empty when min is 0 */
} sot_wire_format;

typedef struct sot_wire_struct sot_wire_struct;

typedef struct sot_wire_field {
	const char *name;
	sot_wire_kind kind;
	sot_wire_format format;
	/* Bounds of a number (as its own signedness) or of a length in bytes. */
	int64_t min;
	uint64_t max;
	size_t offset; /* of the value, or of a list's pointer */
	bool list;
	size_t list_max, count_offset; /* of a list: most items; where its size_t count is */
	const sot_wire_struct *nested; /* of SOT_WIRE_STRUCT */
	bool later; /* a sender from before this field leaves it out: it is 0, or empty, then */
} sot_wire_field;

struct sot_wire_struct {
	const char *name;
	uint32_t id; /* of a message; 0 for a struct */
	size_t size; /* sizeof the C struct */
	const sot_wire_field *fields;
	size_t field_count;
};

/* Bytes that one value of the field takes in memory. */
size_t sot_wire_value_size(const sot_wire_field *field);

/* Appends one frame: [version, id, fields...], or [fields...] of a struct. On failure `out` is as
 * before (but failed and empty when its ceiling was hit). */
sot_code sot_wire_encode(
    const sot_wire_struct *type, const void *value, sot_buf *out, sot_err *err) SOT_CHECK;
/* The frame must be exactly one value of this type; unknown trailing fields are ignored. Strings
 * and lists are copied into the arena. `ret` is untouched on failure. */
sot_code sot_wire_decode(const sot_wire_struct *type, sot_str frame, sot_arena *arena, void *ret,
    sot_err *err) SOT_CHECK;

#endif
