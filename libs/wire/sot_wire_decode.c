/* Msgpack to struct, by description, strictly. */
#include "sot_wire_internal.h"

#include <inttypes.h>
#include <msgpack.h>
#include <string.h>

typedef struct decoder {
	sot_arena *arena;
	sot_err *err;
} decoder;

static void leave_empty(const sot_wire_field *f, char *ret)
{
	const size_t none = 0;
	const char *nothing = NULL;
	if (f->list) {
		memcpy(ret + f->offset, &nothing, sizeof(nothing));
		memcpy(ret + f->count_offset, &none, sizeof(none));
	} else {
		memset(ret + f->offset, 0, sot_wire_value_size(f));
	}
}

static sot_code take_fields(const decoder *d, const sot_wire_struct *type,
    const msgpack_object_array *array, size_t first, char *ret, const wire_path *path);

static sot_code no_room(const decoder *d, const wire_path *path)
{
	return sot_fail(
	    d->err, SOT_LIMIT, "%s: the message needs more memory than it may have", path->name);
}

static sot_code wrong_type(
    const decoder *d, const msgpack_object *o, const wire_path *path, const char *wanted)
{
	static const char *const names[] = {
	    [MSGPACK_OBJECT_NIL] = "nil",
	    [MSGPACK_OBJECT_BOOLEAN] = "a boolean",
	    [MSGPACK_OBJECT_POSITIVE_INTEGER] = "an unsigned integer",
	    [MSGPACK_OBJECT_NEGATIVE_INTEGER] = "a negative integer",
	    [MSGPACK_OBJECT_FLOAT64] = "a float",
	    [MSGPACK_OBJECT_STR] = "a string",
	    [MSGPACK_OBJECT_ARRAY] = "an array",
	    [MSGPACK_OBJECT_MAP] = "a map",
	    [MSGPACK_OBJECT_BIN] = "bytes",
	    [MSGPACK_OBJECT_EXT] = "an extension",
	    [MSGPACK_OBJECT_FLOAT32] = "a 32-bit float",
	};
	size_t type = (size_t)o->type;
	const char *got = type < sizeof(names) / sizeof(names[0]) ? names[type] : NULL;
	return wire_refuse(path, d->err, "%s where %s belongs", got ? got : "something", wanted);
}

static void keep_unsigned(const sot_wire_field *f, uint64_t v, char *ret)
{
	switch (f->kind) {
	case SOT_WIRE_U8:
		*(uint8_t *)ret = (uint8_t)v;
		break;
	case SOT_WIRE_U16:
		*(uint16_t *)(void *)ret = (uint16_t)v;
		break;
	case SOT_WIRE_U64:
		*(uint64_t *)(void *)ret = v;
		break;
	default: /* U32, ENUM; the bounds of the table fit the type */
		*(uint32_t *)(void *)ret = (uint32_t)v;
		break;
	}
}

static sot_code take_unsigned(const decoder *d, const sot_wire_field *f, const msgpack_object *o,
    char *ret, const wire_path *path)
{
	if (o->type != MSGPACK_OBJECT_POSITIVE_INTEGER)
		return wrong_type(d, o, path, "an unsigned integer");
	sot_code code = wire_check_unsigned(f, o->via.u64, path, d->err);
	if (code == SOT_OK)
		keep_unsigned(f, o->via.u64, ret);
	return code;
}

static sot_code take_signed(const decoder *d, const sot_wire_field *f, const msgpack_object *o,
    char *ret, const wire_path *path)
{
	if (o->type != MSGPACK_OBJECT_POSITIVE_INTEGER && o->type != MSGPACK_OBJECT_NEGATIVE_INTEGER)
		return wrong_type(d, o, path, "an integer");
	/* Above INT64_MAX the same bits would read as a negative number. */
	if (o->type == MSGPACK_OBJECT_POSITIVE_INTEGER && o->via.u64 > INT64_MAX)
		return wire_refuse(path, d->err, "%" PRIu64 " is too large", o->via.u64);
	sot_code code = wire_check_signed(f, o->via.i64, path, d->err);
	if (code != SOT_OK)
		return code;
	if (f->kind == SOT_WIRE_I32)
		*(int32_t *)(void *)ret = (int32_t)o->via.i64;
	else
		*(int64_t *)(void *)ret = o->via.i64;
	return SOT_OK;
}

static sot_code take_bytes(const decoder *d, const sot_wire_field *f, const msgpack_object *o,
    char *ret, const wire_path *path)
{
	bool is_str = f->kind == SOT_WIRE_STR;
	if (o->type != (is_str ? MSGPACK_OBJECT_STR : MSGPACK_OBJECT_BIN))
		return wrong_type(d, o, path, is_str ? "a string" : "bytes");
	sot_str v = {o->via.bin.ptr, o->via.bin.size};
	if (is_str)
		v = (sot_str){o->via.str.ptr, o->via.str.size};
	sot_code code = wire_check_bytes(f, v, path, d->err);
	if (code != SOT_OK)
		return code;
	sot_str copy = sot_arena_dup(d->arena, v);
	if (!copy.p)
		return no_room(d, path);
	*(sot_str *)(void *)ret = copy;
	return SOT_OK;
}

static sot_code take_fixed(const decoder *d, const sot_wire_field *f, const msgpack_object *o,
    char *ret, const wire_path *path)
{
	size_t size = sot_wire_value_size(f);
	if (o->type != MSGPACK_OBJECT_BIN)
		return wrong_type(d, o, path, "bytes");
	if (o->via.bin.size != size)
		return wire_refuse(path, d->err, "%u bytes, not %zu", o->via.bin.size, size);
	memcpy(ret, o->via.bin.ptr, size);
	return SOT_OK;
}

static sot_code take_ip(const decoder *d, const msgpack_object *o, char *ret, const wire_path *path)
{
	sot_ip ip = {0};
	if (o->type != MSGPACK_OBJECT_BIN)
		return wrong_type(d, o, path, "bytes");
	uint32_t size = o->via.bin.size;
	if (size != 0 && size != 4 && size != sizeof(ip.b))
		return wire_refuse(path, d->err, "%u bytes, not 0, 4 or 16", size);
	ip.family = size == 4 ? 4 : size ? 6 : 0;
	if (size)
		memcpy(ip.b, o->via.bin.ptr, size);
	*(sot_ip *)(void *)ret = ip;
	return SOT_OK;
}

static sot_code take_double(
    const decoder *d, const msgpack_object *o, char *ret, const wire_path *path)
{
	if (o->type != MSGPACK_OBJECT_FLOAT64)
		return wrong_type(d, o, path, "a float");
	sot_code code = wire_check_double(o->via.f64, path, d->err);
	if (code == SOT_OK)
		*(double *)(void *)ret = o->via.f64;
	return code;
}

static sot_code take_value(const decoder *d, const sot_wire_field *f, const msgpack_object *o,
    char *ret, const wire_path *path)
{
	switch (f->kind) {
	case SOT_WIRE_BOOL:
		if (o->type != MSGPACK_OBJECT_BOOLEAN)
			return wrong_type(d, o, path, "a boolean");
		*(bool *)ret = o->via.boolean;
		return SOT_OK;
	case SOT_WIRE_U8:
	case SOT_WIRE_U16:
	case SOT_WIRE_U32:
	case SOT_WIRE_U64:
	case SOT_WIRE_ENUM:
		return take_unsigned(d, f, o, ret, path);
	case SOT_WIRE_I32:
	case SOT_WIRE_I64:
		return take_signed(d, f, o, ret, path);
	case SOT_WIRE_F64:
		return take_double(d, o, ret, path);
	case SOT_WIRE_STR:
	case SOT_WIRE_BYTES:
		return take_bytes(d, f, o, ret, path);
	case SOT_WIRE_UUID:
	case SOT_WIRE_MAC:
		return take_fixed(d, f, o, ret, path);
	case SOT_WIRE_IP:
		return take_ip(d, o, ret, path);
	case SOT_WIRE_STRUCT:
		if (o->type != MSGPACK_OBJECT_ARRAY)
			return wrong_type(d, o, path, "an array of fields");
		return take_fields(d, f->nested, &o->via.array, 0, ret, path);
	}
	return wire_refuse(path, d->err, "unknown kind");
}

static sot_code take_list(
    const decoder *d, const sot_wire_field *f, const msgpack_object *o, char *ret, wire_path *path)
{
	if (o->type != MSGPACK_OBJECT_ARRAY)
		return wrong_type(d, o, path, "a list");
	size_t count = o->via.array.size, size = sot_wire_value_size(f);
	sot_code code = wire_check_count(f, count, path, d->err);
	if (code != SOT_OK)
		return code;
	char *items = count ? sot_arena_alloc(d->arena, count * size) : NULL;
	if (count && !items)
		return no_room(d, path);
	for (path->index = 0; path->index < count; path->index++) {
		code = take_value(d, f, &o->via.array.ptr[path->index], items + path->index * size, path);
		if (code != SOT_OK)
			return code;
	}
	memcpy(ret + f->offset, &items, sizeof(items)); /* the member is a pointer to another type */
	memcpy(ret + f->count_offset, &count, sizeof(count));
	return SOT_OK;
}

static sot_code take_fields(const decoder *d, const sot_wire_struct *type,
    const msgpack_object_array *array, size_t first, char *ret, const wire_path *path)
{
	for (size_t i = 0; i < type->field_count; i++) {
		const sot_wire_field *f = &type->fields[i];
		wire_path here = {path, f->name, WIRE_NO_INDEX};
		if (first + i >= array->size && f->later) {
			leave_empty(f, ret);
			continue;
		}
		if (first + i >= array->size)
			return wire_refuse(&here, d->err, "missing");
		const msgpack_object *o = &array->ptr[first + i];
		sot_code code =
		    f->list ? take_list(d, f, o, ret, &here) : take_value(d, f, o, ret + f->offset, &here);
		if (code != SOT_OK)
			return code;
	}
	return SOT_OK;
}

/* [version, id, ...] of the message that is expected? */
static sot_code check_head(
    const sot_wire_struct *type, const msgpack_object_array *array, sot_err *err)
{
	const msgpack_object *o = array->ptr;
	if (array->size < 2 || o[0].type != MSGPACK_OBJECT_POSITIVE_INTEGER ||
	    o[1].type != MSGPACK_OBJECT_POSITIVE_INTEGER)
		return sot_fail(err, SOT_INVALID, "%s: not [version, message id, fields...]", type->name);
	if (o[0].via.u64 != SOT_WIRE_VERSION)
		return sot_fail(err, SOT_INVALID, "%s: version %" PRIu64 " is not spoken here, only %u",
		    type->name, o[0].via.u64, SOT_WIRE_VERSION);
	if (o[1].via.u64 != type->id)
		return sot_fail(err, SOT_INVALID, "%s: message id %" PRIu64 ", not %" PRIu32, type->name,
		    o[1].via.u64, type->id);
	return SOT_OK;
}

static sot_code take_top(
    const decoder *d, const sot_wire_struct *type, const msgpack_object *o, void *ret)
{
	wire_path top = {NULL, type->name, WIRE_NO_INDEX};
	if (o->type != MSGPACK_OBJECT_ARRAY)
		return wrong_type(d, o, &top, "an array");
	sot_code code = type->id ? check_head(type, &o->via.array, d->err) : SOT_OK;
	if (code != SOT_OK)
		return code;
	char *value = sot_arena_alloc(d->arena, type->size);
	if (!value)
		return no_room(d, &top);
	code = take_fields(d, type, &o->via.array, type->id ? 2 : 0, value, &top);
	if (code == SOT_OK)
		memcpy(ret, value, type->size);
	return code;
}

sot_code sot_wire_decode(
    const sot_wire_struct *type, sot_str frame, sot_arena *arena, void *ret, sot_err *err)
{
	sot_code code = sot_wire_precheck(frame, err);
	if (code != SOT_OK)
		return code;
	msgpack_unpacked unpacked;
	msgpack_unpacked_init(&unpacked);
	size_t used = 0;
	decoder d = {arena, err};
	if (msgpack_unpack_next(&unpacked, frame.p, frame.n, &used) != MSGPACK_UNPACK_SUCCESS)
		code = sot_fail(err, SOT_INVALID, "%s: not msgpack", type->name);
	else
		code = take_top(&d, type, &unpacked.data, ret);
	msgpack_unpacked_destroy(&unpacked);
	return code;
}
