/* elastic_series - what was measured lately, and its mean. Private to elastic_step.c. */
#ifndef SCHEDULER_ELASTIC_SERIES_H
#define SCHEDULER_ELASTIC_SERIES_H

#include <stdbool.h>
#include <stdint.h>

typedef struct series series;

/* Appends to *s, which is made when it is NULL (freed with free()). period_ms: how often they come,
 * so that three that are missing are seen; 0: not known, each holds as long as the window. */
void series_add(series **s, int64_t at_ms, uint32_t period_ms, uint64_t value);
/* The mean of what came within window_ms and after since_ms; false when nothing did, or the
 * last is too old. A window that is shorter than the period holds one. */
bool series_mean(
    const series *s, int64_t now_ms, int64_t window_ms, int64_t since_ms, uint64_t *ret);

#endif
