#include "cat_id.h"

#include <stdio.h>

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
