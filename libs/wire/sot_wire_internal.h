/* sot_wire_internal - the checks that encoder and decoder share, and where an error happened. */
#ifndef SOT_WIRE_INTERNAL_H
#define SOT_WIRE_INTERNAL_H

#include "sot_wire_codec.h"

#define WIRE_NO_INDEX SIZE_MAX

/* A place in a message, as a chain on the stack: app_create.env[3].name */
typedef struct wire_path {
	const struct wire_path *up;
	const char *name;
	size_t index; /* in a list, or WIRE_NO_INDEX */
} wire_path;

/* SOT_INVALID, "<path>: <text>". */
sot_code wire_refuse(const wire_path *path, sot_err *err, const char *fmt, ...) SOT_PRINTF(3, 4);

/* The value within the field's bounds? */
sot_code wire_check_unsigned(
    const sot_wire_field *f, uint64_t v, const wire_path *path, sot_err *err) SOT_CHECK;
sot_code wire_check_signed(
    const sot_wire_field *f, int64_t v, const wire_path *path, sot_err *err) SOT_CHECK;
sot_code wire_check_double(double v, const wire_path *path, sot_err *err) SOT_CHECK;
sot_code wire_check_bytes(
    const sot_wire_field *f, sot_str v, const wire_path *path, sot_err *err) SOT_CHECK;
sot_code wire_check_count(
    const sot_wire_field *f, size_t count, const wire_path *path, sot_err *err) SOT_CHECK;

#endif
