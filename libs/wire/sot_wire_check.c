/* The checks that encoder and decoder share. */
#include "sot_wire_internal.h"

#include "sot_parse.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

static void add_path(sot_buf *out, const wire_path *path)
{
	if (path->up) {
		add_path(out, path->up);
		sot_buf_add_char(out, '.');
	}
	sot_buf_add_c(out, path->name);
	if (path->index != WIRE_NO_INDEX)
		sot_buf_printf(out, "[%zu]", path->index);
}

sot_code wire_refuse(const wire_path *path, sot_err *err, const char *fmt, ...)
{
	char text[SOT_ERR_TEXT_MAX];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	SOT_AUTO_BUF where;
	sot_buf_init(&where, 4096);
	add_path(&where, path);
	return sot_fail(err, SOT_INVALID, "%s: %s", where.p ? where.p : path->name, text);
}

sot_code wire_check_unsigned(
    const sot_wire_field *f, uint64_t v, const wire_path *path, sot_err *err)
{
	if (v >= (uint64_t)f->min && v <= f->max)
		return SOT_OK;
	return wire_refuse(
	    path, err, "%" PRIu64 " is not from %" PRId64 " to %" PRIu64, v, f->min, f->max);
}

sot_code wire_check_signed(const sot_wire_field *f, int64_t v, const wire_path *path, sot_err *err)
{
	if (v >= f->min && (v < 0 || (uint64_t)v <= f->max))
		return SOT_OK;
	return wire_refuse(
	    path, err, "%" PRId64 " is not from %" PRId64 " to %" PRIu64, v, f->min, f->max);
}

sot_code wire_check_double(double v, const wire_path *path, sot_err *err)
{
	return isfinite(v) ? SOT_OK : wire_refuse(path, err, "not a finite number");
}

static sot_code check_format(
    const sot_wire_field *f, sot_str v, const wire_path *path, sot_err *err)
{
	switch (f->format) {
	case SOT_WIRE_ANY:
		return sot_str_is_utf8(v) ? SOT_OK : wire_refuse(path, err, "not UTF-8, or with a NUL");
	case SOT_WIRE_TEXT:
		return sot_wire_is_text(v)
		           ? SOT_OK
		           : wire_refuse(path, err, "not UTF-8, or with control characters");
	case SOT_WIRE_LABEL:
		if ((v.n == 0 && f->min == 0) || sot_is_label(v, f->max))
			return SOT_OK;
		return wire_refuse(path, err,
		    "not a name of a-z, 0-9 and '-' that begins with a letter and ends without '-'");
	}
	return wire_refuse(path, err, "unknown format");
}

sot_code wire_check_bytes(const sot_wire_field *f, sot_str v, const wire_path *path, sot_err *err)
{
	if (v.n < (uint64_t)f->min || v.n > f->max)
		return wire_refuse(
		    path, err, "%zu bytes, not from %" PRId64 " to %" PRIu64, v.n, f->min, f->max);
	return f->kind == SOT_WIRE_STR ? check_format(f, v, path, err) : SOT_OK;
}

sot_code wire_check_count(
    const sot_wire_field *f, size_t count, const wire_path *path, sot_err *err)
{
	if (count <= f->list_max)
		return SOT_OK;
	return wire_refuse(path, err, "%zu items, at most %zu are allowed", count, f->list_max);
}

size_t sot_wire_value_size(const sot_wire_field *field)
{
	static const size_t sizes[] = {
	    [SOT_WIRE_BOOL] = sizeof(bool),
	    [SOT_WIRE_U8] = 1,
	    [SOT_WIRE_U16] = 2,
	    [SOT_WIRE_U32] = 4,
	    [SOT_WIRE_U64] = 8,
	    [SOT_WIRE_I32] = 4,
	    [SOT_WIRE_I64] = 8,
	    [SOT_WIRE_F64] = sizeof(double),
	    [SOT_WIRE_STR] = sizeof(sot_str),
	    [SOT_WIRE_BYTES] = sizeof(sot_str),
	    [SOT_WIRE_UUID] = sizeof(sot_uuid),
	    [SOT_WIRE_MAC] = sizeof(sot_mac),
	    [SOT_WIRE_IP] = sizeof(sot_ip),
	    [SOT_WIRE_ENUM] = 4,
	};
	return field->kind == SOT_WIRE_STRUCT ? field->nested->size : sizes[field->kind];
}
