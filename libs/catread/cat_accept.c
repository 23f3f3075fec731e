#include "cat_accept.h"

#include "sot_map.h"
#include "sot_parse.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HOUR_MS INT64_C(3600000)
#define EXTRA_MS INT64_C(180000)
#define BEATS_MAX 61
#define NAME_MAX_BYTES 256

/* One machine of one domain. */
typedef struct beats {
	int64_t hour, minute;
	unsigned in_hour;
} beats;

struct cat_accept {
	sot_map *machines; /* "domain|address" to beats, owned */
	sot_map *ids[2];   /* of even and odd hours */
	int64_t id_hour[2];
	uint64_t counts[CAT_VERDICTS];
};

const char *cat_verdict_name(cat_verdict v)
{
	static const char *const names[CAT_VERDICTS] = {"accepted", "no_metric_bags", "domain_excluded",
	    "period_closed", "too_many_beats", "bad_document", "bad_metric", "bad_name", "id_twice",
	    "bad_id", "two_in_a_minute", "bad_aggregate"};
	return names[v];
}

cat_accept *cat_accept_new(void)
{
	cat_accept *a = sot_alloc(sizeof(*a));
	a->machines = sot_map_new();
	a->ids[0] = sot_map_new();
	a->ids[1] = sot_map_new();
	return a;
}

cat_accept *cat_accept_free(cat_accept *a)
{
	if (!a)
		return NULL;
	sot_map_iter it = {0};
	beats *b;
	while ((b = sot_map_next(a->machines, &it, NULL)))
		free(b);
	sot_map_free(a->machines);
	sot_map_free(a->ids[0]);
	sot_map_free(a->ids[1]);
	free(a);
	return NULL;
}

uint64_t cat_accept_count(const cat_accept *a, cat_verdict v)
{
	return a->counts[v];
}

/* ---- rules of one message ---- */

static bool is_excluded(sot_str domain)
{
	static const char *const names[] = {
	    "paas", "cat-agent", "PhoenixAgent", "All", "FrontEnd", "SMS-RECEIVER", ""};
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		if (sot_str_eq_c(domain, names[i]))
			return true;
	}
	return false;
}

/* The current hour; the last one for three minutes, the next one three minutes before. */
static bool is_open(int64_t at_unix_ms, int64_t now_unix_ms)
{
	int64_t begin = at_unix_ms / HOUR_MS * HOUR_MS;
	return now_unix_ms >= begin - EXTRA_MS && now_unix_ms < begin + HOUR_MS + EXTRA_MS;
}

static bool is_name(sot_str s)
{
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] < 0x20 || s.p[i] > 0x7e)
			return false;
	}
	return s.n <= NAME_MAX_BYTES;
}

static bool is_number(sot_str s)
{
	double value;
	return sot_parse_double(s, &value, NULL) == SOT_OK;
}

static bool is_metric(const cat_read_message *m)
{
	if (sot_str_eq_c(m->status, "C"))
		return m->data.n == 0 || is_number(m->data);
	if (sot_str_eq_c(m->status, "T") || sot_str_eq_c(m->status, "S"))
		return is_number(m->data);
	uint64_t count;
	sot_str sum, first = sot_str_cut(m->data, ',', &sum);
	return sot_str_eq_c(m->status, "S,C") &&
	       sot_parse_u64(first, 0, INT32_MAX, &count, NULL) == SOT_OK && is_number(sum);
}

static bool is_document(sot_str xml)
{
	cat_read_detail detail;
	size_t at = 0;
	bool bad;
	while (cat_read_next_detail(xml, &at, &detail, &bad))
		;
	return !bad;
}

/* "count;fail;sum of ms;ms,n|ms,n", with as many durations as there are calls. */
static bool is_aggregate(sot_str s)
{
	uint64_t count, fail, sum, ms, times, seen = 0;
	sot_str rest = s;
	bool ok = sot_parse_u64(sot_str_cut(rest, ';', &rest), 1, INT32_MAX, &count, NULL) == SOT_OK &&
	          sot_parse_u64(sot_str_cut(rest, ';', &rest), 0, count, &fail, NULL) == SOT_OK &&
	          sot_parse_u64(sot_str_cut(rest, ';', &rest), 0, INT64_MAX, &sum, NULL) == SOT_OK;
	while (ok && rest.n > 0) {
		sot_str number, duration = sot_str_cut(sot_str_cut(rest, '|', &rest), ',', &number);
		ok = sot_parse_u64(duration, 0, INT32_MAX, &ms, NULL) == SOT_OK &&
		     sot_parse_u64(number, 1, INT32_MAX, &times, NULL) == SOT_OK;
		seen += ok ? times : 0;
	}
	return ok && seen == count;
}

static cat_verdict judge_message(const cat_read_message *m)
{
	if (!is_name(m->type) || !is_name(m->name))
		return CAT_BAD_NAME;
	if (m->letter == 'M' && !is_metric(m))
		return CAT_BAD_METRIC;
	if (m->letter == 'A' && sot_str_starts(m->data, "@") &&
	    !is_aggregate((sot_str){m->data.p + 1, m->data.n - 1}))
		return CAT_BAD_AGGREGATE;
	if (m->letter == 'H' && !is_document(m->data))
		return CAT_BAD_DOCUMENT;
	return CAT_ACCEPTED;
}

/* ---- what is remembered ---- */

static cat_verdict judge_beat(cat_accept *a, const cat_read_tree *t, int64_t at_unix_ms)
{
	char key[600];
	int n = snprintf(key, sizeof(key), "%.*s|%.*s", SOT_ARG(t->header[CAT_READ_DOMAIN]),
	    SOT_ARG(t->header[CAT_READ_ADDRESS]));
	size_t key_n = n < 0 ? 0 : (size_t)n < sizeof(key) ? (size_t)n : sizeof(key) - 1;
	beats *b = sot_map_get(a->machines, key, key_n);
	if (!b) {
		b = sot_alloc(sizeof(*b));
		(void)sot_map_set(a->machines, key, key_n, b);
	}
	if (b->hour != at_unix_ms / HOUR_MS) {
		b->hour = at_unix_ms / HOUR_MS;
		b->in_hour = 0;
	}
	bool again = b->minute == at_unix_ms / 60000;
	b->minute = at_unix_ms / 60000;
	if (++b->in_hour > BEATS_MAX)
		return CAT_TOO_MANY_BEATS;
	return again ? CAT_TWO_IN_A_MINUTE : CAT_ACCEPTED;
}

/* <domain>-<8 hex>[.n]-<hour>-<number>, read from the right. */
static bool is_id(sot_str id, int64_t hour)
{
	sot_str parts[3];
	for (int i = 2; i >= 0; i--) {
		size_t n = id.n;
		while (n > 0 && id.p[n - 1] != '-')
			n--;
		if (n < 2)
			return false;
		parts[i] = (sot_str){id.p + n, id.n - n};
		id.n = n - 1;
	}
	uint64_t in_id, sequence;
	uint8_t address[4];
	sot_str copy, hex = sot_str_cut(parts[0], '.', &copy);
	return sot_hex_decode(hex, address, sizeof(address), NULL) == SOT_OK &&
	       sot_parse_u64(parts[1], 0, INT32_MAX, &in_id, NULL) == SOT_OK &&
	       (int64_t)in_id == hour &&
	       sot_parse_u64(parts[2], 0, 49999999, &sequence, NULL) == SOT_OK;
}

static bool is_new_id(cat_accept *a, sot_str id, int64_t hour)
{
	size_t slot = (size_t)(hour % 2);
	if (a->id_hour[slot] != hour) {
		sot_map_free(a->ids[slot]);
		a->ids[slot] = sot_map_new();
		a->id_hour[slot] = hour;
	}
	return sot_map_set(a->ids[slot], id.p, id.n, a) == NULL;
}

static cat_verdict judge(cat_accept *a, const cat_read_tree *t, int64_t now_unix_ms)
{
	if (t->count == 0)
		return CAT_NO_METRIC_BAGS;
	int64_t at_unix_ms = t->messages[0].at_unix_ms, hour = at_unix_ms / HOUR_MS;
	if (is_excluded(t->header[CAT_READ_DOMAIN]))
		return CAT_DOMAIN_EXCLUDED;
	if (!is_open(at_unix_ms, now_unix_ms))
		return CAT_PERIOD_CLOSED;
	if (!is_id(t->header[CAT_READ_MESSAGE_ID], hour))
		return CAT_BAD_ID;
	if (!is_new_id(a, t->header[CAT_READ_MESSAGE_ID], hour))
		return CAT_ID_TWICE;
	for (size_t i = 0; i < t->count; i++) {
		cat_verdict v = judge_message(&t->messages[i]);
		if (v == CAT_ACCEPTED && t->messages[i].letter == 'H')
			v = judge_beat(a, t, t->messages[i].at_unix_ms);
		if (v != CAT_ACCEPTED)
			return v;
	}
	return CAT_ACCEPTED;
}

cat_verdict cat_accept_tree(cat_accept *a, const cat_read_tree *tree, int64_t now_unix_ms)
{
	cat_verdict v = judge(a, tree, now_unix_ms);
	a->counts[v]++;
	return v;
}
