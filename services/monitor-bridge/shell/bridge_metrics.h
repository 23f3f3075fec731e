/* bridge_metrics - the counters of all parts in the process's metric registry. */
#ifndef MONITOR_BRIDGE_METRICS_H
#define MONITOR_BRIDGE_METRICS_H

#include "monitor.h"
#include "shell/alterations.h"
#include "shell/cat_sender.h"
#include "shell/report_intake.h"

typedef struct bridge_metrics_input {
	const monitor_counters *core;
	frame_queue_stats queue;
	cat_sender_stats sender;
	report_intake_stats intake;
	alterations_stats alterations;
	size_t machines, owned;
	uint64_t lag; /* events that wait to be told */
	int64_t clock_correction_ms;
	bool leads, database_up;
} bridge_metrics_input;

void bridge_metrics_update(const bridge_metrics_input *in);

#endif
