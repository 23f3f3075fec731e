/* forecast - how full a subnet is, in four levels, and when it will be full.
 *
 * The slope is the median of the slopes of all pairs of samples (Theil 1950, Sen 1968): a burst, a
 * gap or a single step does not bend it. Growth is only claimed when clearly more pairs rise than
 * fall (Kendall's tau), so noise around a level is not growth.
 * Pure: no I/O, no clock.
 */
#ifndef IPAM_FORECAST_H
#define IPAM_FORECAST_H

#include "sot_str.h"

enum {
	FORECAST_SAMPLES_MAX = 400,
	FORECAST_SAMPLES_MIN = 4,
	FORECAST_DAYS_MAX = 3650, /* later is never */
};

typedef struct forecast_sample {
	int64_t at_unix_ms;
	int64_t used;
} forecast_sample;

/* False: it does not grow, or too little is known (less than a day). `samples` in order of time; of
 * more than FORECAST_SAMPLES_MAX the last ones count. free_count: addresses that are left now. */
bool forecast_days_left(
    const forecast_sample *samples, size_t count, int64_t free_count, double *ret_days);

typedef enum usage_level {
	USAGE_OK,
	USAGE_NOTICE,   /* from 70 % on */
	USAGE_WARNING,  /* from 85 % on */
	USAGE_CRITICAL, /* from 95 % on */
} usage_level;

/* Upwards at once, downwards only when the use is 2 % below the threshold. */
usage_level usage_level_next(usage_level now, int64_t used, int64_t size);
const char *usage_level_name(usage_level level);
/* SOT_INVALID: no level has this name. */
sot_code usage_level_parse(sot_str name, usage_level *ret, sot_err *err) SOT_CHECK;

#endif
