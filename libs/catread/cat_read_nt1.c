/* The binary codecs: NT1 (trees) and NM1 (bags of metrics). */
#include "cat_read_internal.h"

#include <string.h>

static uint64_t varint(cat_cursor *c)
{
	uint64_t v = 0;
	for (unsigned shift = 0; shift < 64; shift += 7) {
		unsigned char byte = cat_take(c);
		v |= (uint64_t)(byte & 127) << shift;
		if (byte < 128)
			return v;
	}
	cat_wrong(c, "a number of more than ten bytes");
	return 0;
}

static int64_t take_time(cat_cursor *c)
{
	uint64_t v = varint(c);
	if (v > INT64_MAX)
		cat_wrong(c, "a time beyond all calendars");
	return cat_bad(c) ? 0 : (int64_t)v;
}

static sot_str text(cat_cursor *c)
{
	uint64_t n = varint(c);
	if (cat_bad(c) || n > c->n - c->at) {
		cat_wrong(c, "a text that is longer than the frame");
		return (sot_str){NULL, 0};
	}
	sot_str s = {(const char *)c->p + c->at, (size_t)n};
	c->at += (size_t)n;
	return s;
}

static void message(cat_cursor *c, char letter, unsigned depth)
{
	size_t place = c->tree->count;
	cat_read_message *m = cat_begin_message(c, "tEHML", letter, depth);
	if (!m)
		return;
	m->at_unix_ms = take_time(c);
	m->type = text(c);
	m->name = text(c);
	while (letter == 't' && !cat_bad(c)) {
		char inner = (char)cat_take(c);
		if (inner == 'T' || cat_bad(c))
			break;
		message(c, inner, depth + 1);
	}
	m = &c->tree->messages[place];
	m->status = text(c);
	m->data = text(c);
	if (letter == 't')
		m->duration_us = varint(c);
}

void cat_read_nt1(cat_cursor *c)
{
	for (size_t i = 0; i < CAT_READ_HEADER; i++)
		c->tree->header[i] = text(c);
	if (!cat_bad(c))
		message(c, (char)cat_take(c), 0);
}

static void metric(cat_cursor *c, cat_read_metric *m)
{
	m->at_unix_ms = take_time(c);
	m->name = text(c);
	m->kind = text(c);
	m->count = varint(c);
	uint64_t bits = varint(c);
	memcpy(&m->sum, &bits, sizeof(m->sum));
	m->duration_ms = varint(c);
	if (!cat_bad(c) && !sot_str_eq_c(m->kind, "COUNT") && !sot_str_eq_c(m->kind, "SUM") &&
	    !sot_str_eq_c(m->kind, "DURATION"))
		cat_wrong(c, "a kind of metric that is none of COUNT, SUM, DURATION");
}

void cat_read_nm1(cat_cursor *c)
{
	for (size_t i = 0; i <= CAT_READ_ADDRESS; i++)
		c->tree->header[i] = text(c);
	uint64_t count = varint(c);
	if (cat_bad(c) || count > CAT_READ_MESSAGES_MAX) {
		cat_wrong(c, "more metrics in a bag than can be");
		return;
	}
	c->tree->metrics = sot_arena_alloc(c->memory, (size_t)(count + 1) * sizeof(*c->tree->metrics));
	if (!c->tree->metrics) {
		cat_wrong(c, "no memory for so many metrics");
		return;
	}
	for (uint64_t i = 0; i < count && !cat_bad(c); i++)
		metric(c, &c->tree->metrics[c->tree->metric_count++]);
}
