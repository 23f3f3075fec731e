/* cron - when a line of a crontab is due: minute hour day-of-month month day-of-week, with lists,
 * ranges, steps and names. Pure.
 *
 * As in Vixie's cron: when both days are given either is enough; a time that the clocks leap over
 * is due at the leap; one that they show twice is due the first time. A line whose hour is `*` goes
 * by the time that passes, not by what the clocks show.
 */
#ifndef SCHEDULER_CRON_H
#define SCHEDULER_CRON_H

#include "time_zone.h"

typedef struct cron {
	uint64_t minutes;
	uint32_t hours, days, months, weekdays; /* a bit each; day and month from 1, Sunday is 0 */
	bool any_hour, any_day, any_weekday;
} cron;

/* SOT_INVALID with the field that is wrong. */
sot_code cron_parse(sot_str text, cron *ret, sot_err *err) SOT_CHECK;
/* Whether it is due in that minute since 1970, by the clocks of the zone (NULL: UTC). */
bool cron_is_due(const cron *c, const time_zone *z, int64_t unix_minute);

#endif
