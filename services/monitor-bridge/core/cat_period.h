/* cat_period - which hours the server has open. Pure.
 *
 * CAT keeps one report per clock hour and opens it 3 minutes early and closes it 3 minutes late. A
 * tree outside of the open hours is dropped by the server without a word, so it is dropped and
 * counted here instead.
 */
#ifndef MONITOR_CAT_PERIOD_H
#define MONITOR_CAT_PERIOD_H

#include <stdbool.h>
#include <stdint.h>

#define CAT_HOUR_MS INT64_C(3600000)
#define CAT_PERIOD_EXTRA_MS INT64_C(180000)

static inline int64_t cat_hour_of(int64_t unix_ms)
{
	return unix_ms / CAT_HOUR_MS;
}
static inline bool cat_period_is_open(int64_t at_unix_ms, int64_t now_unix_ms)
{
	int64_t hour = cat_hour_of(at_unix_ms), now_hour = cat_hour_of(now_unix_ms);
	int64_t into_hour_ms = now_unix_ms % CAT_HOUR_MS;
	if (hour == now_hour)
		return true;
	if (hour == now_hour - 1)
		return into_hour_ms < CAT_PERIOD_EXTRA_MS;
	return hour == now_hour + 1 && into_hour_ms >= CAT_HOUR_MS - CAT_PERIOD_EXTRA_MS;
}
/* When a tree of this time stops being welcome. */
static inline int64_t cat_period_end_unix_ms(int64_t at_unix_ms)
{
	return (cat_hour_of(at_unix_ms) + 1) * CAT_HOUR_MS + CAT_PERIOD_EXTRA_MS;
}

#endif
