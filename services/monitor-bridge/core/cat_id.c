#include "cat_id.h"

#include <stdio.h>
#include <stdlib.h>

static size_t slot_of(int64_t hour)
{
	return (size_t)(hour % CAT_ID_HOURS);
}

void cat_reservation_restore(cat_reservation *r, int64_t hour, uint32_t bound)
{
	size_t slot = slot_of(hour);
	if (hour <= r->hour[slot])
		return;
	r->hour[slot] = hour;
	r->base[slot] = r->bound[slot] = bound;
}

static void open_hour(cat_reservation *r, size_t slot, int64_t hour)
{
	if (r->hour[slot] == hour)
		return;
	r->hour[slot] = hour;
	r->base[slot] = r->bound[slot] = 0;
}

sot_code cat_id_next(
    cat_reservation *r, cat_sequence *s, int64_t hour, uint32_t *ret, bool *ret_grew, sot_err *err)
{
	size_t slot = slot_of(hour);
	if (hour <= 0 || hour < r->hour[slot] || hour < s->hour[slot])
		return sot_fail(err, SOT_INVALID, "hour %lld is not open", (long long)hour);
	open_hour(r, slot, hour);
	if (s->hour[slot] != hour) {
		s->hour[slot] = hour;
		s->next[slot] = r->base[slot];
	}
	if (s->next[slot] >= CAT_ID_SEQUENCE_MAX)
		return sot_fail(err, SOT_LIMIT, "more than %u messages in an hour", CAT_ID_SEQUENCE_MAX);
	*ret_grew = s->next[slot] >= r->bound[slot];
	if (*ret_grew)
		r->bound[slot] = s->next[slot] + CAT_ID_HEADROOM;
	*ret = s->next[slot]++;
	return SOT_OK;
}

struct cat_sequences {
	sot_map *all; /* owns: sequence_key to cat_sequence */
	size_t max;
};

typedef struct sequence_key {
	uint32_t domain, address;
} sequence_key;

cat_sequences *cat_sequences_new(size_t max)
{
	cat_sequences *q = sot_alloc(sizeof(*q));
	q->all = sot_map_new();
	q->max = max;
	return q;
}

cat_sequences *cat_sequences_free(cat_sequences *q)
{
	if (!q)
		return NULL;
	sot_map_iter it = {0};
	cat_sequence *s;
	while ((s = sot_map_next(q->all, &it, NULL)))
		free(s);
	sot_map_free(q->all);
	free(q);
	return NULL;
}

cat_sequence *cat_sequences_get(cat_sequences *q, uint32_t domain, uint32_t address)
{
	const sequence_key key = {domain, address};
	cat_sequence *s = sot_map_get(q->all, &key, sizeof(key));
	if (s || sot_map_count(q->all) >= q->max)
		return s;
	s = sot_alloc(sizeof(*s));
	(void)sot_map_set(q->all, &key, sizeof(key), s);
	return s;
}

void cat_sequences_forget(cat_sequences *q, int64_t hour)
{
	sot_map_iter it = {0};
	sot_str key;
	cat_sequence *s;
	while ((s = sot_map_next(q->all, &it, &key))) {
		int64_t last = s->hour[0] > s->hour[1] ? s->hour[0] : s->hour[1];
		if (last >= hour - CAT_ID_HOURS)
			continue;
		(void)sot_map_remove(q->all, key.p, key.n);
		free(s);
	}
}

sot_str cat_id_format(sot_str domain, uint32_t address, unsigned copy, int64_t hour,
    uint32_t sequence, char dst[static CAT_ID_MAX])
{
	char suffix[16] = "";
	if (copy > 0)
		(void)snprintf(suffix, sizeof(suffix), ".%u", copy);
	int n = snprintf(dst, CAT_ID_MAX, "%.*s-%08x%s-%lld-%u", SOT_ARG(domain), address, suffix,
	    (long long)hour, sequence);
	return (sot_str){dst, n < CAT_ID_MAX ? (size_t)n : CAT_ID_MAX - 1};
}
