/* bridge_metrics - the counters of all parts in the process's metric registry. */
#ifndef MONITOR_BRIDGE_METRICS_H
#define MONITOR_BRIDGE_METRICS_H

#include "monitor.h"
#include "shell/cat_sender.h"
#include "shell/report_intake.h"

typedef struct bridge_metrics_input {
	const monitor_counters *core;
	frame_queue_stats queue;
	cat_sender_stats sender;
	report_intake_stats intake;
	size_t machines;
	bool database_up;
} bridge_metrics_input;

void bridge_metrics_update(const bridge_metrics_input *in);

#endif
