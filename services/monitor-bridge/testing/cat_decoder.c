#include "cat_decoder.h"

#include <string.h>

typedef struct reader {
	const unsigned char *p;
	size_t n, at;
	bool bad;
	sot_arena *memory;
	decoded_tree *tree;
} reader;

static int take(reader *r)
{
	if (r->at >= r->n) {
		r->bad = true;
		return 0;
	}
	return r->p[r->at++];
}

/* ---- NT1 ---- */

static uint64_t varint(reader *r)
{
	uint64_t v = 0;
	for (unsigned shift = 0; shift < 64 && !r->bad; shift += 7) {
		int byte = take(r);
		v |= (uint64_t)(byte & 127) << shift;
		if (byte < 128)
			return v;
	}
	r->bad = true;
	return 0;
}

static sot_str text(reader *r)
{
	uint64_t n = varint(r);
	if (r->bad || n > r->n - r->at) {
		r->bad = true;
		return (sot_str){NULL, 0};
	}
	sot_str s = {(const char *)r->p + r->at, (size_t)n};
	r->at += (size_t)n;
	return s;
}

static decoded_message *new_message(reader *r)
{
	if (r->tree->count == DECODED_MESSAGES_MAX) {
		r->bad = true;
		return NULL;
	}
	return &r->tree->messages[r->tree->count++];
}

static void nt1_message(reader *r, char letter, unsigned depth)
{
	decoded_message *m = new_message(r);
	if (!m)
		return;
	m->letter = letter == 't' ? 'A' : letter;
	m->depth = depth;
	m->at_unix_ms = (int64_t)varint(r);
	m->type = text(r);
	m->name = text(r);
	while (letter == 't' && !r->bad) {
		char inner = (char)take(r);
		if (inner == 'T')
			break;
		nt1_message(r, inner, depth + 1);
	}
	m->status = text(r);
	m->data = text(r);
	if (letter == 't')
		m->duration_us = varint(r);
	if (!strchr("tEHML", letter))
		r->bad = true;
}

/* ---- PT1 ---- */

static sot_str until(reader *r, char end)
{
	size_t from = r->at;
	while (r->at < r->n && r->p[r->at] != (unsigned char)end)
		r->at++;
	sot_str s = {(const char *)r->p + from, r->at - from};
	if (r->at == r->n) {
		r->bad = true;
	} else {
		r->at++;
	}
	return s;
}

static sot_str unescape(reader *r, sot_str s)
{
	char *dst = sot_arena_alloc(r->memory, s.n + 1);
	size_t n = 0;
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];
		if (c == '\\' && i + 1 < s.n) {
			c = s.p[++i];
			c = (char)(c == 't' ? '\t' : c == 'n' ? '\n' : c == 'r' ? '\r' : c);
		}
		dst[n++] = c;
	}
	return (sot_str){dst, n};
}

static int64_t digits(sot_str s, size_t from, size_t n)
{
	int64_t v = 0;
	for (size_t i = from; i < from + n; i++)
		v = v * 10 + (s.p[i] - '0');
	return v;
}

/* Days since 1970 by counting whole years and months: slow, and plain to read. */
static int64_t days_since_1970(int64_t year, int64_t month, int64_t day)
{
	static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	int64_t days = day - 1;
	for (int64_t y = 1970; y < year; y++)
		days += (y % 4 == 0 && (y % 100 != 0 || y % 400 == 0)) ? 366 : 365;
	for (int64_t m = 1; m < month; m++)
		days += lengths[m - 1];
	if (month > 2 && year % 4 == 0 && (year % 100 != 0 || year % 400 == 0))
		days++;
	return days;
}

/* "yyyy-MM-dd HH:mm:ss.SSS" in GMT+8 */
static int64_t pt1_time(reader *r, sot_str s)
{
	if (s.n != 23) {
		r->bad = true;
		return 0;
	}
	int64_t days = days_since_1970(digits(s, 0, 4), digits(s, 5, 2), digits(s, 8, 2));
	int64_t seconds = digits(s, 11, 2) * 3600 + digits(s, 14, 2) * 60 + digits(s, 17, 2);
	return (days * 86400 + seconds - 8 * 3600) * 1000 + digits(s, 20, 3);
}

static void pt1_tail(reader *r, decoded_message *m, bool is_transaction)
{
	m->status = unescape(r, until(r, '\t'));
	if (is_transaction) {
		sot_str duration = until(r, '\t');
		if (duration.n < 3) {
			r->bad = true;
			return;
		}
		m->duration_us = (uint64_t)digits(duration, 0, duration.n - 2);
	}
	m->data = unescape(r, until(r, '\t'));
	if (take(r) != '\n')
		r->bad = true;
}

static void pt1_message(reader *r, char letter, unsigned depth)
{
	decoded_message *m = new_message(r);
	if (!m)
		return;
	m->letter = letter == 't' ? 'A' : letter;
	m->depth = depth;
	m->at_unix_ms = pt1_time(r, until(r, '\t'));
	m->type = unescape(r, until(r, '\t'));
	m->name = unescape(r, until(r, '\t'));
	if (letter != 't') {
		pt1_tail(r, m, letter == 'A');
		return;
	}
	if (take(r) != '\n')
		r->bad = true;
	char inner;
	while (!r->bad && (inner = (char)take(r)) != 'T')
		pt1_message(r, inner, depth + 1);
	int64_t end_unix_ms = pt1_time(r, until(r, '\t'));
	(void)until(r, '\t');
	(void)until(r, '\t');
	pt1_tail(r, m, true);
	if (end_unix_ms != m->at_unix_ms + (int64_t)(m->duration_us / 1000))
		r->bad = true;
}

static void read_header(reader *r, bool is_nt1)
{
	if (!is_nt1)
		(void)until(r, '\t');
	for (size_t i = 0; i < 10; i++) {
		sot_str field = is_nt1 ? text(r) : until(r, i < 9 ? '\t' : '\n');
		bool is_absent = !is_nt1 && sot_str_eq_c(field, "null");
		r->tree->header[i] = is_absent ? (sot_str){NULL, 0} : field;
	}
}

bool decode_frame(sot_str frame, sot_arena *memory, decoded_tree *ret)
{
	reader r = {.p = (const unsigned char *)frame.p, .n = frame.n, .memory = memory, .tree = ret};
	uint32_t length = 0;
	memset(ret, 0, sizeof(*ret));
	for (int i = 0; i < 4; i++)
		length = length << 8 | (uint32_t)take(&r);
	if (r.bad || length != frame.n - 4 || length < 4)
		return false;
	for (int i = 0; i < 3; i++)
		ret->codec[i] = (char)take(&r);
	bool is_nt1 = strcmp(ret->codec, "NT1") == 0;
	if (!is_nt1 && strcmp(ret->codec, "PT1") != 0)
		return false;
	read_header(&r, is_nt1);
	char letter = (char)take(&r);
	if (is_nt1) {
		nt1_message(&r, letter, 0);
	} else {
		pt1_message(&r, letter, 0);
	}
	return !r.bad && r.at == r.n;
}
