/* cat_bag - NM1, the metric bag of CAT 4.x: servers of that version lose metrics that come as
 * messages of a tree, and 3.x refuses NM1. One frame holds the metrics of one machine. Pure.
 */
#ifndef MONITOR_CAT_BAG_H
#define MONITOR_CAT_BAG_H

#include "cat_message.h"

typedef struct cat_bag_metric {
	int64_t at_unix_ms;
	sot_str name;
	bool is_count; /* COUNT, else SUM over one count: its average is the value */
	uint64_t count;
	double sum;
} cat_bag_metric;

/* As cat_encode; of the header it takes domain, host name and address. */
sot_code cat_bag_encode(const cat_header *header, const cat_bag_metric *metrics, size_t count,
    char *dst, size_t dst_size, size_t *ret_size, cat_repairs *repairs, sot_err *err) SOT_CHECK;

#endif
