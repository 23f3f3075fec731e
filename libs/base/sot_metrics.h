/* sot_metrics - counters, gauges and histograms of one process, in OpenMetrics text.
 *
 * Metrics live in a registry of fixed structs; names follow Prometheus: sot_<area>_<what>_<unit>,
 * counters end in _total. Register once at start; updating is a plain store. One owner thread.
 */
#ifndef SOT_METRICS_H
#define SOT_METRICS_H

#include "sot_str.h"

typedef struct sot_metric sot_metric;

/* `labels` is NULL or a literal such as "queue=\"reply\"". Never NULL; aborts past 256 metrics.
 * The strings are borrowed for ever: use literals. The same name and labels give the same metric.
 */
sot_metric *sot_counter(const char *name, const char *labels, const char *help);
sot_metric *sot_gauge(const char *name, const char *labels, const char *help);
/* Buckets in milliseconds: 1 2 5 10 20 50 100 200 500 1000 2000 5000 10000. */
sot_metric *sot_histogram_ms(const char *name, const char *labels, const char *help);
void sot_metric_add(sot_metric *m, uint64_t n);
void sot_metric_set(sot_metric *m, int64_t value);
void sot_metric_observe_ms(sot_metric *m, int64_t ms);
int64_t sot_metric_value(const sot_metric *m);
void sot_metrics_render(sot_buf *out); /* OpenMetrics 1.0 text, ends with "# EOF" */

#endif
