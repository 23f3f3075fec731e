/* The bounded scanner, and the head of a frame. */
#include "sot_wire.h"

#include <string.h>

typedef struct cursor {
	const uint8_t *p;
	size_t left;
} cursor;

/* One item's head: how many bytes of content follow, or how many child items. */
typedef struct item {
	uint64_t content, children;
	bool container;
} item;

static bool read_be(cursor *c, size_t n, uint64_t *ret)
{
	uint64_t value = 0;
	if (c->left < n)
		return false;
	for (size_t i = 0; i < n; i++)
		value = value << 8 | c->p[i];
	c->p += n;
	c->left -= n;
	*ret = value;
	return true;
}

static bool read_container(cursor *c, size_t length_size, unsigned per_entry, item *ret)
{
	uint64_t count;
	if (!read_be(c, length_size, &count))
		return false;
	*ret = (item){.children = count * per_entry, .container = true};
	return true;
}

static bool read_blob(cursor *c, size_t length_size, item *ret)
{
	*ret = (item){0};
	return read_be(c, length_size, &ret->content);
}

/* Items whose first byte is 0xc0..0xdf. False: cut short, or a type that is not spoken here. */
static bool read_marked(cursor *c, uint8_t mark, item *ret)
{
	*ret = (item){0};
	switch (mark) {
	case 0xc0: /* nil */
	case 0xc2: /* false */
	case 0xc3: /* true */
		return true;
	case 0xc4: /* bin 8, 16, 32 */
	case 0xc5:
	case 0xc6:
		return read_blob(c, (size_t)1 << (mark - 0xc4), ret);
	case 0xca: /* float 32, 64 */
	case 0xcb:
		ret->content = (uint64_t)4 << (mark - 0xca);
		return true;
	case 0xcc: /* uint 8, 16, 32, 64 */
	case 0xcd:
	case 0xce:
	case 0xcf:
		ret->content = (uint64_t)1 << (mark - 0xcc);
		return true;
	case 0xd0: /* int 8, 16, 32, 64 */
	case 0xd1:
	case 0xd2:
	case 0xd3:
		ret->content = (uint64_t)1 << (mark - 0xd0);
		return true;
	case 0xd9: /* str 8, 16, 32 */
	case 0xda:
	case 0xdb:
		return read_blob(c, (size_t)1 << (mark - 0xd9), ret);
	case 0xdc: /* array 16, 32 */
	case 0xdd:
		return read_container(c, (size_t)2 << (mark - 0xdc), 1, ret);
	case 0xde: /* map 16, 32 */
	case 0xdf:
		return read_container(c, (size_t)2 << (mark - 0xde), 2, ret);
	default: /* 0xc1 is never used; 0xc7..0xc9 and 0xd4..0xd8 are ext */
		return false;
	}
}

/* Reads one item's head and skips its content. */
static bool read_item(cursor *c, item *ret)
{
	uint64_t mark;
	*ret = (item){0};
	if (!read_be(c, 1, &mark))
		return false;
	if (mark <= 0x7f || mark >= 0xe0)
		return true;
	if (mark <= 0x8f)
		*ret = (item){.children = (mark & 0x0f) * 2, .container = true};
	else if (mark <= 0x9f)
		*ret = (item){.children = mark & 0x0f, .container = true};
	else if (mark <= 0xbf)
		ret->content = mark & 0x1f;
	else if (!read_marked(c, (uint8_t)mark, ret))
		return false;
	if (ret->content > c->left)
		return false;
	c->p += ret->content;
	c->left -= ret->content;
	return true;
}

/* NULL, or what is wrong with the value at the cursor. */
static const char *scan(cursor *c)
{
	uint64_t open[SOT_WIRE_DEPTH_MAX]; /* children still to come, per open container */
	size_t depth = 0;
	do {
		item it;
		if (!read_item(c, &it))
			return "an item is cut short or of a type that is not allowed";
		if (it.children > c->left)
			return "a container declares more items than bytes are left";
		if (depth)
			open[depth - 1]--;
		if (it.container && depth == SOT_WIRE_DEPTH_MAX)
			return "containers are nested too deep";
		if (it.container)
			open[depth++] = it.children;
		while (depth && open[depth - 1] == 0)
			depth--;
	} while (depth);
	return c->left ? "bytes follow the value" : NULL;
}

sot_code sot_wire_precheck(sot_str frame, sot_err *err)
{
	if (frame.n > SOT_WIRE_FRAME_MAX)
		return sot_fail(err, SOT_LIMIT, "a frame of %zu bytes; at most %u are allowed", frame.n,
		    SOT_WIRE_FRAME_MAX);
	cursor c = {(const uint8_t *)frame.p, frame.n};
	const char *wrong = scan(&c);
	if (wrong)
		return sot_fail(
		    err, SOT_INVALID, "not a frame: %s (near byte %zu)", wrong, frame.n - c.left);
	return SOT_OK;
}

static bool read_unsigned(cursor *c, uint64_t *ret)
{
	uint64_t mark;
	cursor at = *c;
	if (!read_be(&at, 1, &mark))
		return false;
	if (mark <= 0x7f)
		*ret = mark;
	else if (mark < 0xcc || mark > 0xcf || !read_be(&at, (size_t)1 << (mark - 0xcc), ret))
		return false;
	*c = at;
	return true;
}

sot_code sot_wire_peek(sot_str frame, sot_wire_head *ret, sot_err *err)
{
	sot_code code = sot_wire_precheck(frame, err);
	if (code != SOT_OK)
		return code;
	cursor c = {(const uint8_t *)frame.p, frame.n};
	item array;
	uint64_t version = 0, id = 0, request_id = 0;
	bool is_array = (c.p[0] & 0xf0u) == 0x90u || c.p[0] == 0xdc || c.p[0] == 0xdd;
	if (!is_array || !read_item(&c, &array) || !read_unsigned(&c, &version) ||
	    !read_unsigned(&c, &id) || version > UINT32_MAX || id > UINT32_MAX)
		return sot_fail(err, SOT_INVALID, "not a message: [version, message id, fields...]");
	if (array.children > 2 && !read_unsigned(&c, &request_id))
		request_id = 0;
	*ret = (sot_wire_head){(uint32_t)version, (uint32_t)id, request_id};
	return SOT_OK;
}

/* Bytes of the character at the front of `s`, 0 when it may not stand in a text. */
static size_t text_length(sot_str s)
{
	size_t n = sot_str_utf8_length(s);
	unsigned char c = (unsigned char)s.p[0];
	bool c0 = n == 1 && (c < 0x20 || c == 0x7f) && c != '\t' && c != '\n';
	bool c1 = n == 2 && c == 0xc2 && (unsigned char)s.p[1] < 0xa0;
	return c0 || c1 ? 0 : n;
}

bool sot_wire_is_text(sot_str s)
{
	while (s.n) {
		size_t n = text_length(s);
		if (n == 0)
			return false;
		s = (sot_str){s.p + n, s.n - n};
	}
	return true;
}

sot_str sot_wire_make_text(sot_arena *arena, sot_str s, size_t max_bytes)
{
	size_t room = s.n < max_bytes ? s.n : max_bytes;
	char *text = sot_arena_alloc(arena, room + 1);
	size_t used = 0;
	if (!text)
		return (sot_str){NULL, 0};
	while (s.n) {
		size_t n = text_length(s);
		size_t step = n ? n : 1;
		bool skip = s.n >= 2 && memcmp(s.p, "\r\n", 2) == 0;
		if (!skip && used + step > room)
			break;
		if (!skip) {
			memcpy(text + used, n ? s.p : "?", step);
			used += step;
		}
		s = (sot_str){s.p + step, s.n - step};
	}
	return (sot_str){text, used};
}
