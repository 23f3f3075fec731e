#include "forecast.h"

#include "sot_mem.h"

#include <stdlib.h>

#define DAY_MS 86400000.0
#define TAU_MIN 0.3 /* rising pairs minus falling ones, of all */
#define HYSTERESIS_PERCENT 2

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

static double median(double *values, size_t count)
{
	qsort(values, count, sizeof(*values), compare);
	return count % 2 ? values[count / 2] : (values[count / 2 - 1] + values[count / 2]) / 2;
}

/* The median slope in addresses a day; 0 when there is no trend upwards. */
static double slope_per_day(const forecast_sample *samples, size_t count)
{
	size_t pairs = 0;
	double rising = 0;
	double *slopes = sot_alloc_array(count * (count - 1) / 2, sizeof(*slopes));
	for (size_t i = 0; i < count; i++) {
		for (size_t j = i + 1; j < count; j++) {
			int64_t apart_ms = samples[j].at_unix_ms - samples[i].at_unix_ms;
			if (apart_ms <= 0)
				continue;
			int64_t more = samples[j].used - samples[i].used;
			rising += (more > 0) - (more < 0);
			slopes[pairs++] = (double)more / ((double)apart_ms / DAY_MS);
		}
	}
	double slope = pairs > 0 && rising / (double)pairs >= TAU_MIN ? median(slopes, pairs) : 0;
	free(slopes);
	return slope > 0 ? slope : 0;
}

bool forecast_days_left(
    const forecast_sample *samples, size_t count, int64_t free_count, double *ret_days)
{
	if (count > FORECAST_SAMPLES_MAX) {
		samples += count - FORECAST_SAMPLES_MAX;
		count = FORECAST_SAMPLES_MAX;
	}
	if (count < FORECAST_SAMPLES_MIN ||
	    (double)(samples[count - 1].at_unix_ms - samples[0].at_unix_ms) < DAY_MS)
		return false;
	double slope = slope_per_day(samples, count);
	if (slope * FORECAST_DAYS_MAX < (double)free_count || slope <= 0)
		return false;
	*ret_days = free_count > 0 ? (double)free_count / slope : 0;
	return true;
}

/* ---- levels ---- */

static const struct {
	const char *name;
	int from_percent;
} levels[] = {[USAGE_OK] = {"ok", 0},
    [USAGE_NOTICE] = {"notice", 70},
    [USAGE_WARNING] = {"warning", 85},
    [USAGE_CRITICAL] = {"critical", 95}};

usage_level usage_level_next(usage_level now, int64_t used, int64_t size)
{
	double percent = size > 0 ? (double)used * 100.0 / (double)size : 100.0;
	usage_level level = USAGE_CRITICAL;
	while (level > USAGE_OK) {
		int threshold = levels[level].from_percent;
		if (level <= now)
			threshold -= HYSTERESIS_PERCENT;
		if (percent >= threshold)
			break;
		level--;
	}
	return level;
}

const char *usage_level_name(usage_level level)
{
	return levels[level].name;
}

sot_code usage_level_parse(sot_str name, usage_level *ret, sot_err *err)
{
	for (usage_level level = USAGE_OK; level <= USAGE_CRITICAL; level++) {
		if (sot_str_eq_c(name, levels[level].name)) {
			*ret = level;
			return SOT_OK;
		}
	}
	return sot_fail(err, SOT_INVALID, "no level of use is called '%.*s'", SOT_ARG(name));
}
