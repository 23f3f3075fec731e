/* The two clocks, and the text form of a wall instant. */
#include "sot_time.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static int64_t clock_us(clockid_t clock)
{
	struct timespec ts;
	int rc = clock_gettime(clock, &ts);
	assert(rc == 0); /* both clocks exist on every Linux */
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

static int64_t clock_ms(clockid_t clock)
{
	return clock_us(clock) / 1000;
}

sot_mono sot_mono_now(void)
{
	return (sot_mono){clock_ms(CLOCK_MONOTONIC)};
}

int64_t sot_mono_us_now(void)
{
	return clock_us(CLOCK_MONOTONIC);
}

sot_wall sot_wall_now(void)
{
	return (sot_wall){clock_ms(CLOCK_REALTIME)};
}

/* Days since 1970-01-01 to a date of the Gregorian calendar. Not gmtime_r: it consults the zone
 * database and its lock. Source: Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms". */
static void civil_from_days(int64_t days, int *ret_year, int *ret_month, int *ret_day)
{
	int64_t z = days + 719468;
	int64_t era = (z >= 0 ? z : z - 146096) / 146097;
	int64_t doe = z - era * 146097;
	int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	int64_t mp = (5 * doy + 2) / 153;
	*ret_day = (int)(doy - (153 * mp + 2) / 5 + 1);
	*ret_month = (int)(mp < 10 ? mp + 3 : mp - 9);
	*ret_year = (int)(yoe + era * 400 + (*ret_month <= 2 ? 1 : 0));
}

char *sot_wall_format(sot_wall t, char dst[static 25])
{
	const int64_t last = 253402300799999; /* 9999-12-31T23:59:59.999Z */
	int64_t ms = t.unix_ms < 0 ? 0 : t.unix_ms > last ? last : t.unix_ms;
	int year, month, day;
	civil_from_days(ms / 86400000, &year, &month, &day);
	int64_t in_day = ms % 86400000;
	char text[64];
	snprintf(text, sizeof(text), "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", year, month, day,
	    (int)(in_day / 3600000), (int)(in_day / 60000 % 60), (int)(in_day / 1000 % 60),
	    (int)(in_day % 1000));
	return memcpy(dst, text, 25);
}
