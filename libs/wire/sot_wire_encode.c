/* Struct to msgpack, by description. */
#include "sot_wire_internal.h"

#include <msgpack.h>
#include <string.h>

static int write_to_buf(void *self, const char *p, size_t n)
{
	sot_buf *out = self;
	sot_buf_add(out, p, n);
	return sot_buf_failed(out) ? -1 : 0;
}

static sot_code put_fields(msgpack_packer *pk, const sot_wire_struct *type, const char *value,
    const wire_path *path, sot_err *err);

static uint64_t load_unsigned(const sot_wire_field *f, const char *at)
{
	switch (f->kind) {
	case SOT_WIRE_U8:
		return *(const uint8_t *)at;
	case SOT_WIRE_U16:
		return *(const uint16_t *)(const void *)at;
	case SOT_WIRE_U64:
		return *(const uint64_t *)(const void *)at;
	default: /* U32, ENUM */
		return *(const uint32_t *)(const void *)at;
	}
}

static sot_code put_unsigned(msgpack_packer *pk, const sot_wire_field *f, const char *at,
    const wire_path *path, sot_err *err)
{
	uint64_t v = load_unsigned(f, at);
	sot_code code = wire_check_unsigned(f, v, path, err);
	if (code == SOT_OK)
		msgpack_pack_uint64(pk, v);
	return code;
}

static sot_code put_signed(msgpack_packer *pk, const sot_wire_field *f, const char *at,
    const wire_path *path, sot_err *err)
{
	int64_t v = f->kind == SOT_WIRE_I32 ? *(const int32_t *)(const void *)at
	                                    : *(const int64_t *)(const void *)at;
	sot_code code = wire_check_signed(f, v, path, err);
	if (code == SOT_OK)
		msgpack_pack_int64(pk, v);
	return code;
}

static sot_code put_double(msgpack_packer *pk, const char *at, const wire_path *path, sot_err *err)
{
	double v = *(const double *)(const void *)at;
	sot_code code = wire_check_double(v, path, err);
	if (code == SOT_OK)
		msgpack_pack_double(pk, v);
	return code;
}

static void put_bin(msgpack_packer *pk, const void *p, size_t n)
{
	msgpack_pack_bin(pk, n);
	if (n)
		msgpack_pack_bin_body(pk, p, n);
}

static sot_code put_bytes(msgpack_packer *pk, const sot_wire_field *f, const char *at,
    const wire_path *path, sot_err *err)
{
	sot_str v = *(const sot_str *)(const void *)at;
	sot_code code = wire_check_bytes(f, v, path, err);
	if (code != SOT_OK)
		return code;
	if (f->kind == SOT_WIRE_BYTES) {
		put_bin(pk, v.p, v.n);
		return SOT_OK;
	}
	msgpack_pack_str(pk, v.n);
	if (v.n)
		msgpack_pack_str_body(pk, v.p, v.n);
	return SOT_OK;
}

static sot_code put_value(msgpack_packer *pk, const sot_wire_field *f, const char *at,
    const wire_path *path, sot_err *err)
{
	switch (f->kind) {
	case SOT_WIRE_BOOL:
		if (*(const bool *)at)
			msgpack_pack_true(pk);
		else
			msgpack_pack_false(pk);
		return SOT_OK;
	case SOT_WIRE_U8:
	case SOT_WIRE_U16:
	case SOT_WIRE_U32:
	case SOT_WIRE_U64:
	case SOT_WIRE_ENUM:
		return put_unsigned(pk, f, at, path, err);
	case SOT_WIRE_I32:
	case SOT_WIRE_I64:
		return put_signed(pk, f, at, path, err);
	case SOT_WIRE_F64:
		return put_double(pk, at, path, err);
	case SOT_WIRE_STR:
	case SOT_WIRE_BYTES:
		return put_bytes(pk, f, at, path, err);
	case SOT_WIRE_UUID:
	case SOT_WIRE_MAC:
		put_bin(pk, at, sot_wire_value_size(f));
		return SOT_OK;
	case SOT_WIRE_IP: {
		const sot_ip *ip = (const void *)at;
		put_bin(pk, ip->b, sot_ip_bits(*ip) / 8);
		return SOT_OK;
	}
	case SOT_WIRE_STRUCT:
		msgpack_pack_array(pk, f->nested->field_count);
		return put_fields(pk, f->nested, at, path, err);
	}
	return wire_refuse(path, err, "unknown kind");
}

static sot_code put_list(
    msgpack_packer *pk, const sot_wire_field *f, const char *value, wire_path *path, sot_err *err)
{
	const char *items; /* the member is a pointer to another type: copied, not cast */
	size_t count;
	memcpy(&items, value + f->offset, sizeof(items));
	memcpy(&count, value + f->count_offset, sizeof(count));
	sot_code code = wire_check_count(f, count, path, err);
	if (code != SOT_OK)
		return code;
	msgpack_pack_array(pk, count);
	for (path->index = 0; path->index < count; path->index++) {
		code = put_value(pk, f, items + path->index * sot_wire_value_size(f), path, err);
		if (code != SOT_OK)
			return code;
	}
	return SOT_OK;
}

static sot_code put_fields(msgpack_packer *pk, const sot_wire_struct *type, const char *value,
    const wire_path *path, sot_err *err)
{
	for (size_t i = 0; i < type->field_count; i++) {
		const sot_wire_field *f = &type->fields[i];
		wire_path here = {path, f->name, WIRE_NO_INDEX};
		sot_code code = f->list ? put_list(pk, f, value, &here, err)
		                        : put_value(pk, f, value + f->offset, &here, err);
		if (code != SOT_OK)
			return code;
	}
	return SOT_OK;
}

static void cut_back(sot_buf *out, size_t n)
{
	if (sot_buf_failed(out) || !out->p)
		return;
	out->n = n;
	out->p[n] = '\0';
}

sot_code sot_wire_encode(const sot_wire_struct *type, const void *value, sot_buf *out, sot_err *err)
{
	msgpack_packer pk;
	size_t before = out->n;
	wire_path top = {NULL, type->name, WIRE_NO_INDEX};
	msgpack_packer_init(&pk, out, write_to_buf);
	msgpack_pack_array(&pk, type->field_count + (type->id ? 2 : 0));
	if (type->id) {
		msgpack_pack_uint32(&pk, SOT_WIRE_VERSION);
		msgpack_pack_uint32(&pk, type->id);
	}
	sot_code code = put_fields(&pk, type, value, &top, err);
	if (code != SOT_OK) {
		cut_back(out, before);
		return code;
	}
	if (sot_buf_failed(out))
		return sot_fail(
		    err, SOT_LIMIT, "%s does not fit into a buffer of %zu bytes", type->name, out->max);
	if (out->n - before <= SOT_WIRE_FRAME_MAX)
		return SOT_OK;
	size_t size = out->n - before;
	cut_back(out, before);
	return sot_fail(err, SOT_LIMIT, "%s has %zu bytes; a frame has at most %u", type->name, size,
	    SOT_WIRE_FRAME_MAX);
}
