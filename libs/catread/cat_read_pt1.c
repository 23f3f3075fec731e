/* PT1: lines of fields, each ended by TAB; times are of GMT+8. */
#include "cat_read_internal.h"

#include "sot_parse.h"

#include <string.h>

#define SERVER_ZONE_S (8 * 3600)

static sot_str until(cat_cursor *c, char end)
{
	size_t from = c->at;
	while (c->at < c->n && c->p[c->at] != (unsigned char)end)
		c->at++;
	sot_str s = {(const char *)c->p + from, c->at - from};
	(void)cat_take(c); /* wrong when there was no end */
	return s;
}

static void expect(cat_cursor *c, char wanted, const char *what)
{
	if (cat_take(c) != (unsigned char)wanted)
		cat_wrong(c, what);
}

static sot_str unescape(cat_cursor *c, sot_str s)
{
	if (!memchr(s.p ? s.p : "", '\\', s.n))
		return s;
	char *dst = sot_arena_alloc(c->memory, s.n + 1);
	size_t n = 0;
	if (!dst) {
		cat_wrong(c, "no memory for this text");
		return (sot_str){NULL, 0};
	}
	for (size_t i = 0; i < s.n; i++) {
		char letter = s.p[i];
		if (letter == '\\' && i + 1 < s.n) {
			letter = s.p[++i];
			letter = (char)(letter == 't'   ? '\t'
			                : letter == 'n' ? '\n'
			                : letter == 'r' ? '\r'
			                                : letter);
		}
		dst[n++] = letter;
	}
	return (sot_str){dst, n};
}

static sot_str field(cat_cursor *c)
{
	return unescape(c, until(c, '\t'));
}

static int64_t number(cat_cursor *c, sot_str s, size_t from, size_t n)
{
	uint64_t v = 0;
	if (sot_parse_u64((sot_str){s.p + from, n}, 0, 9999, &v, NULL) != SOT_OK)
		cat_wrong(c, "a time that is not yyyy-MM-dd HH:mm:ss.SSS");
	return (int64_t)v;
}

static bool is_leap(int64_t year)
{
	return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

/* Days since 1970 by counting whole years and months: slow, and plain to read. */
static int64_t days_since_1970(int64_t year, int64_t month, int64_t day)
{
	static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	int64_t days = day - 1;
	for (int64_t y = 1970; y < year; y++)
		days += is_leap(y) ? 366 : 365;
	for (int64_t m = 1; m < month && m <= 12; m++)
		days += lengths[m - 1];
	return month > 2 && is_leap(year) ? days + 1 : days;
}

static int64_t take_time(cat_cursor *c)
{
	sot_str s = until(c, '\t');
	if (s.n != 23 || s.p[4] != '-' || s.p[7] != '-' || s.p[10] != ' ' || s.p[13] != ':' ||
	    s.p[16] != ':' || s.p[19] != '.') {
		cat_wrong(c, "a time that is not yyyy-MM-dd HH:mm:ss.SSS");
		return 0;
	}
	int64_t days = days_since_1970(number(c, s, 0, 4), number(c, s, 5, 2), number(c, s, 8, 2));
	int64_t seconds = number(c, s, 11, 2) * 3600 + number(c, s, 14, 2) * 60 + number(c, s, 17, 2);
	return (days * 86400 + seconds - SERVER_ZONE_S) * 1000 + number(c, s, 20, 3);
}

static void tail(cat_cursor *c, size_t place, bool is_transaction)
{
	sot_str status = field(c);
	if (is_transaction) {
		sot_str duration = until(c, '\t');
		uint64_t us = 0;
		bool has_unit = duration.n > 2 && memcmp(duration.p + duration.n - 2, "us", 2) == 0;
		if (!has_unit || sot_parse_u64((sot_str){duration.p, duration.n - 2}, 0, UINT64_MAX, &us,
		                     NULL) != SOT_OK)
			cat_wrong(c, "a duration that is not a number and \"us\"");
		c->tree->messages[place].duration_us = us;
	}
	c->tree->messages[place].status = status;
	c->tree->messages[place].data = field(c);
	expect(c, '\n', "a line that goes on behind its last field");
}

static void message(cat_cursor *c, char letter, unsigned depth)
{
	size_t place = c->tree->count;
	cat_read_message *m = cat_begin_message(c, "tAEHML", letter, depth);
	if (!m)
		return;
	m->at_unix_ms = take_time(c);
	m->type = field(c);
	m->name = field(c);
	if (letter != 't') {
		tail(c, place, letter == 'A');
		return;
	}
	expect(c, '\n', "a line that goes on behind its last field");
	while (!cat_bad(c)) {
		char inner = (char)cat_take(c);
		if (inner == 'T' || cat_bad(c))
			break;
		message(c, inner, depth + 1);
	}
	int64_t end_unix_ms = take_time(c);
	(void)until(c, '\t');
	(void)until(c, '\t');
	tail(c, place, true);
	m = &c->tree->messages[place];
	if (!cat_bad(c) && end_unix_ms - m->at_unix_ms != (int64_t)(m->duration_us / 1000))
		cat_wrong(c, "a transaction whose end is not its start and its duration");
}

void cat_read_pt1(cat_cursor *c)
{
	expect(c, '\t', "a header that does not begin with TAB");
	for (size_t i = 0; i < CAT_READ_HEADER && !cat_bad(c); i++) {
		sot_str s = until(c, i + 1 < CAT_READ_HEADER ? '\t' : '\n');
		c->tree->header[i] = sot_str_eq_c(s, "null") ? (sot_str){NULL, 0} : s;
	}
	if (!cat_bad(c))
		message(c, (char)cat_take(c), 0);
}
