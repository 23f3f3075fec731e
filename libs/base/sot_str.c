/* Views of bytes, UTF-8, and bounded buffers. */
#include "sot_str.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

sot_str sot_str_c(const char *c)
{
	return (sot_str){c, c ? strlen(c) : 0};
}

bool sot_str_eq(sot_str a, sot_str b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

bool sot_str_eq_c(sot_str a, const char *c)
{
	return sot_str_eq(a, sot_str_c(c));
}

bool sot_str_starts(sot_str s, const char *prefix)
{
	size_t n = strlen(prefix);
	return n == 0 || (s.n >= n && memcmp(s.p, prefix, n) == 0);
}

sot_str sot_str_cut(sot_str s, char sep, sot_str *rest)
{
	const char *at = s.n ? memchr(s.p, sep, s.n) : NULL;
	if (!at) {
		*rest = (sot_str){NULL, 0};
		return s;
	}
	size_t head = (size_t)(at - s.p);
	*rest = (sot_str){at + 1, s.n - head - 1};
	return (sot_str){s.p, head};
}

static bool is_tail(unsigned char c)
{
	return (c & 0xc0u) == 0x80;
}

/* Length of the sequence at p, 0 when it is not valid (Unicode 15, table 3-7). */
static size_t utf8_length(const unsigned char *p, size_t n)
{
	unsigned char c = p[0];
	if (c < 0x80)
		return 1;
	if (c >= 0xc2 && c <= 0xdf)
		return n >= 2 && is_tail(p[1]) ? 2 : 0;
	if (c >= 0xe0 && c <= 0xef) {
		if (n < 3 || !is_tail(p[1]) || !is_tail(p[2]))
			return 0;
		bool overlong = c == 0xe0 && p[1] < 0xa0;
		bool surrogate = c == 0xed && p[1] > 0x9f;
		return overlong || surrogate ? 0 : 3;
	}
	if (c >= 0xf0 && c <= 0xf4) {
		if (n < 4 || !is_tail(p[1]) || !is_tail(p[2]) || !is_tail(p[3]))
			return 0;
		bool overlong = c == 0xf0 && p[1] < 0x90;
		bool too_high = c == 0xf4 && p[1] > 0x8f;
		return overlong || too_high ? 0 : 4;
	}
	return 0;
}

size_t sot_str_utf8_length(sot_str s)
{
	return s.n ? utf8_length((const unsigned char *)s.p, s.n) : 0;
}

bool sot_str_is_utf8(sot_str s)
{
	while (s.n) {
		size_t n = sot_str_utf8_length(s);
		if (n == 0 || s.p[0] == '\0')
			return false;
		s = (sot_str){s.p + n, s.n - n};
	}
	return true;
}

uint64_t sot_str_mark(sot_str s)
{
	uint64_t mark = 0xcbf29ce484222325u;
	for (size_t i = 0; i < s.n; i++)
		mark = (mark ^ (unsigned char)s.p[i]) * 0x100000001b3u;
	return mark ? mark : 1;
}

sot_code sot_str_copy(sot_str s, char *dst, size_t dst_size, sot_err *err)
{
	if (s.n >= dst_size)
		return sot_fail(
		    err, SOT_LIMIT, "%zu bytes, at most %zu fit", s.n, dst_size ? dst_size - 1 : 0);
	if (s.n)
		memcpy(dst, s.p, s.n);
	dst[s.n] = '\0';
	return SOT_OK;
}

void sot_buf_init(sot_buf *b, size_t max_bytes)
{
	*b = (sot_buf){.max = max_bytes};
}

void sot_buf_clear(sot_buf *b)
{
	free(b->p);
	sot_buf_init(b, b->max);
}

void sot_buf_reset(sot_buf *b)
{
	b->n = 0;
	b->failed = false;
	if (b->p)
		b->p[0] = '\0';
}

bool sot_buf_failed(const sot_buf *b)
{
	return b->failed;
}

static void give_up(sot_buf *b)
{
	sot_buf_clear(b);
	b->failed = true;
}

/* Makes room for `more` bytes and a NUL. The size comes from outside, so a malloc that fails is a
 * failed buffer and not an abort. */
static bool reserve(sot_buf *b, size_t more)
{
	if (b->failed)
		return false;
	if (more > b->max - b->n) {
		give_up(b);
		return false;
	}
	size_t need = b->n + more + 1;
	if (need <= b->cap)
		return true;
	size_t cap = b->cap ? b->cap : 64;
	while (cap < need)
		cap = cap > SIZE_MAX / 2 ? need : cap * 2;
	char *p = realloc(b->p, cap);
	if (!p) {
		give_up(b);
		return false;
	}
	b->p = p;
	b->cap = cap;
	return true;
}

void sot_buf_add(sot_buf *b, const void *p, size_t n)
{
	if (!reserve(b, n))
		return;
	if (n)
		memcpy(b->p + b->n, p, n);
	b->n += n;
	b->p[b->n] = '\0';
}

void sot_buf_add_str(sot_buf *b, sot_str s)
{
	sot_buf_add(b, s.p, s.n);
}

void sot_buf_add_c(sot_buf *b, const char *c)
{
	sot_buf_add_str(b, sot_str_c(c));
}

void sot_buf_add_char(sot_buf *b, char c)
{
	sot_buf_add(b, &c, 1);
}

/* Most texts fit into the room that is there: then they are formatted once. */
void sot_buf_printf(sot_buf *b, const char *fmt, ...)
{
	va_list ap, again;
	va_start(ap, fmt);
	va_copy(again, ap);
	size_t room = b->p && !b->failed ? b->cap - b->n : 0; /* the NUL's byte with it */
	int n = vsnprintf(room ? b->p + b->n : NULL, room, fmt, ap);
	va_end(ap);
	if (n < 0) {
		give_up(b);
	} else if ((size_t)n < room && (size_t)n <= b->max - b->n) {
		b->n += (size_t)n;
	} else if (reserve(b, (size_t)n)) {
		vsnprintf(b->p + b->n, (size_t)n + 1, fmt, again);
		b->n += (size_t)n;
	}
	va_end(again);
}

void sot_buf_consume(sot_buf *b, size_t n)
{
	if (n >= b->n) {
		b->n = 0;
	} else if (n) {
		memmove(b->p, b->p + n, b->n - n);
		b->n -= n;
	}
	if (b->p)
		b->p[b->n] = '\0';
}

sot_str sot_buf_str(const sot_buf *b)
{
	return (sot_str){b->p, b->n};
}

static void add_json_char(sot_buf *b, unsigned char c)
{
	switch (c) {
	case '"':
		sot_buf_add_c(b, "\\\"");
		break;
	case '\\':
		sot_buf_add_c(b, "\\\\");
		break;
	case '\n':
		sot_buf_add_c(b, "\\n");
		break;
	case '\r':
		sot_buf_add_c(b, "\\r");
		break;
	case '\t':
		sot_buf_add_c(b, "\\t");
		break;
	default:
		if (c < 0x20 || c == 0x7f)
			sot_buf_printf(b, "\\u%04x", c);
		else
			sot_buf_add_char(b, (char)c);
	}
}

/* How many bytes at the front stand for themselves in a JSON string. */
static size_t plain_length(sot_str s)
{
	size_t n = 0;
	while (n < s.n && s.p[n] >= 0x20 && s.p[n] < 0x7f && s.p[n] != '"' && s.p[n] != '\\')
		n++;
	return n;
}

void sot_buf_add_json(sot_buf *b, sot_str s)
{
	sot_buf_add_char(b, '"');
	while (s.n) {
		size_t plain = plain_length(s);
		if (plain) {
			sot_buf_add(b, s.p, plain);
			s = (sot_str){s.p + plain, s.n - plain};
			continue;
		}
		size_t n = sot_str_utf8_length(s);
		if (n == 1)
			add_json_char(b, (unsigned char)s.p[0]);
		else if (n)
			sot_buf_add(b, s.p, n);
		else
			sot_buf_add_c(b, "\xef\xbf\xbd");
		n = n ? n : 1;
		s = (sot_str){s.p + n, s.n - n};
	}
	sot_buf_add_char(b, '"');
}
