/* Random valid values, by description. */
#include "random_message.h"

#include <assert.h>
#include <string.h>

#define LIST_MAX_IN_TESTS 5u

static void fill_fields(sot_rand *r, const sot_wire_struct *type, sot_arena *arena, char *ret);

/* The ends of the range in half of the cases: that is where bounds are wrong. */
static uint64_t draw(sot_rand *r, uint64_t low, uint64_t high)
{
	switch (sot_rand_below(r, 4)) {
	case 0:
		return low;
	case 1:
		return high;
	default:
		return high - low == UINT64_MAX ? sot_rand_u64(r) : low + sot_rand_below(r, high - low + 1);
	}
}

static char label_char(sot_rand *r, size_t i, size_t n)
{
	static const char set[] = "abcdefghijklmnopqrstuvwxyz0123456789-";
	size_t choices = i == 0 ? 26 : i + 1 == n ? 36 : 37;
	return set[sot_rand_below(r, choices)];
}

static void fill_text(sot_rand *r, char *p, size_t n)
{
	static const char *const characters[] = {"a", "Z", " ", "~", "\t", "\n", "\xc2\xa0", "\xdf\xbf",
	    "\xe0\xa0\x80", "\xe2\x82\xac", "\xed\x9f\xbf", "\xee\x80\x80", "\xef\xbf\xbf",
	    "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf"};
	size_t count = sizeof(characters) / sizeof(characters[0]);
	while (n) {
		const char *c = characters[sot_rand_below(r, count)];
		size_t length = strlen(c);
		if (length > n)
			continue;
		memcpy(p, c, length);
		p += length;
		n -= length;
	}
}

static sot_str draw_bytes(sot_rand *r, const sot_wire_field *f, sot_arena *arena)
{
	/* Long ones are rare: a message must fit into a frame. */
	uint64_t high = f->max > 2000 && sot_rand_below(r, 50) ? 2000 : f->max;
	size_t n = (size_t)draw(r, (uint64_t)f->min, high);
	char *p = sot_arena_alloc(arena, n + 1);
	assert(p);
	if (f->kind == SOT_WIRE_BYTES) {
		sot_rand_fill(r, p, n);
	} else if (f->format == SOT_WIRE_LABEL) {
		for (size_t i = 0; i < n; i++)
			p[i] = label_char(r, i, n);
	} else {
		fill_text(r, p, n);
	}
	return (sot_str){p, n};
}

static void fill_number(sot_rand *r, const sot_wire_field *f, char *at)
{
	bool is_signed = f->kind == SOT_WIRE_I32 || f->kind == SOT_WIRE_I64;
	/* Offset from the minimum, so that one unsigned draw serves both. */
	uint64_t v = (uint64_t)f->min + draw(r, 0, f->max - (uint64_t)f->min);
	int64_t s = (int64_t)v;
	uint32_t v32 = (uint32_t)v;
	int32_t s32 = (int32_t)s;
	uint16_t v16 = (uint16_t)v;
	uint8_t v8 = (uint8_t)v;
	const void *from[] = {NULL, &v8, &v16, NULL, is_signed ? (void *)&s32 : (void *)&v32, NULL,
	    NULL, NULL, is_signed ? (void *)&s : (void *)&v};
	size_t size = sot_wire_value_size(f);
	memcpy(at, from[size], size);
}

static void fill_value(sot_rand *r, const sot_wire_field *f, sot_arena *arena, char *at)
{
	switch (f->kind) {
	case SOT_WIRE_BOOL:
		*(bool *)at = sot_rand_below(r, 2) == 1;
		break;
	case SOT_WIRE_F64: {
		double d = (double)(int64_t)sot_rand_u64(r) / 1024.0;
		memcpy(at, &d, sizeof(d));
		break;
	}
	case SOT_WIRE_STR:
	case SOT_WIRE_BYTES: {
		sot_str s = draw_bytes(r, f, arena);
		memcpy(at, &s, sizeof(s));
		break;
	}
	case SOT_WIRE_UUID:
	case SOT_WIRE_MAC:
		sot_rand_fill(r, at, sot_wire_value_size(f));
		break;
	case SOT_WIRE_IP: {
		sot_ip ip = {.family = (uint8_t)(2 * sot_rand_below(r, 3) + 2)};
		if (ip.family == 2)
			ip.family = 0;
		sot_rand_fill(r, ip.b, sot_ip_bits(ip) / 8);
		memcpy(at, &ip, sizeof(ip));
		break;
	}
	case SOT_WIRE_STRUCT:
		fill_fields(r, f->nested, arena, at);
		break;
	default:
		fill_number(r, f, at);
		break;
	}
}

static void fill_list(sot_rand *r, const sot_wire_field *f, sot_arena *arena, char *ret)
{
	uint64_t most = f->list_max < LIST_MAX_IN_TESTS ? f->list_max : LIST_MAX_IN_TESTS;
	size_t count = (size_t)draw(r, 0, most), size = sot_wire_value_size(f);
	char *items = count ? sot_arena_alloc(arena, count * size) : NULL;
	assert(items || count == 0);
	for (size_t i = 0; i < count; i++)
		fill_value(r, f, arena, items + i * size);
	memcpy(ret + f->offset, &items, sizeof(items));
	memcpy(ret + f->count_offset, &count, sizeof(count));
}

static void fill_fields(sot_rand *r, const sot_wire_struct *type, sot_arena *arena, char *ret)
{
	for (size_t i = 0; i < type->field_count; i++) {
		const sot_wire_field *f = &type->fields[i];
		if (f->list)
			fill_list(r, f, arena, ret);
		else
			fill_value(r, f, arena, ret + f->offset);
	}
}

void random_message(sot_rand *r, const sot_wire_struct *type, sot_arena *arena, void *ret)
{
	memset(ret, 0, type->size);
	fill_fields(r, type, arena, ret);
}

static bool value_equal(const sot_wire_field *f, const char *a, const char *b)
{
	if (f->kind == SOT_WIRE_STRUCT)
		return message_equal(f->nested, a, b);
	if (f->kind != SOT_WIRE_STR && f->kind != SOT_WIRE_BYTES)
		return memcmp(a, b, sot_wire_value_size(f)) == 0;
	sot_str left, right;
	memcpy(&left, a, sizeof(left));
	memcpy(&right, b, sizeof(right));
	return sot_str_eq(left, right);
}

static bool list_equal(const sot_wire_field *f, const char *a, const char *b)
{
	const char *left, *right;
	size_t left_n, right_n;
	memcpy(&left, a + f->offset, sizeof(left));
	memcpy(&right, b + f->offset, sizeof(right));
	memcpy(&left_n, a + f->count_offset, sizeof(left_n));
	memcpy(&right_n, b + f->count_offset, sizeof(right_n));
	size_t size = sot_wire_value_size(f);
	for (size_t i = 0; left_n == right_n && i < left_n; i++)
		if (!value_equal(f, left + i * size, right + i * size))
			return false;
	return left_n == right_n;
}

bool message_equal(const sot_wire_struct *type, const void *a, const void *b)
{
	const char *left = a, *right = b;
	for (size_t i = 0; i < type->field_count; i++) {
		const sot_wire_field *f = &type->fields[i];
		if (f->list ? !list_equal(f, left, right)
		            : !value_equal(f, left + f->offset, right + f->offset))
			return false;
	}
	return true;
}
