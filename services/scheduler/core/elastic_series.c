/* The last measurements of one thing. */
#include "elastic_series.h"

#include "sot_mem.h"

#include <stddef.h>

#define KEPT 64 /* of a longer window the mean is over the last ones */
#define MISSED_MAX 3
#define PERIOD_MIN_MS 1000

struct series {
	uint32_t period_ms, next, count;
	struct {
		int64_t at_ms;
		uint64_t value;
	} items[KEPT];
};

void series_add(series **s, int64_t at_ms, uint32_t period_ms, uint64_t value)
{
	if (!*s)
		*s = sot_alloc(sizeof(**s));
	series *x = *s;
	x->period_ms = period_ms > 0 && period_ms < PERIOD_MIN_MS ? PERIOD_MIN_MS : period_ms;
	x->items[x->next].at_ms = at_ms;
	x->items[x->next].value = value;
	x->next = (x->next + 1) % KEPT;
	if (x->count < KEPT)
		x->count++;
}

bool series_mean(
    const series *s, int64_t now_ms, int64_t window_ms, int64_t since_ms, uint64_t *ret)
{
	unsigned __int128 sum = 0;
	uint32_t n = 0;

	if (!s || s->count == 0)
		return false;
	if (s->period_ms > window_ms)
		window_ms = s->period_ms;
	int64_t last = s->items[(s->next + KEPT - 1) % KEPT].at_ms;
	if (s->period_ms > 0 && now_ms - last > (int64_t)MISSED_MAX * s->period_ms)
		return false;
	for (uint32_t k = 1; k <= s->count; k++) {
		int64_t at = s->items[(s->next + KEPT - k) % KEPT].at_ms;
		if (at <= since_ms || (k > 1 || s->period_ms == 0 ? now_ms - at > window_ms : false))
			break;
		sum += s->items[(s->next + KEPT - k) % KEPT].value;
		n++;
	}
	if (n == 0)
		return false;
	*ret = (uint64_t)(sum / n);
	return true;
}
