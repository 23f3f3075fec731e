/* What monitor.c (reports, heartbeats) and monitor_events.c (platform events) share. */
#ifndef MONITOR_MONITOR_INTERNAL_H
#define MONITOR_MONITOR_INTERNAL_H

#include "cat_id.h"
#include "machine_table.h"
#include "monitor.h"
#include "operation_book.h"

#define MONITOR_DOMAIN_MAX (MONITOR_PREFIX_MAX + 16)
#define MONITOR_XML_MAX (48 * 1024)

struct monitor {
	monitor_options options;
	monitor_hooks hooks;
	char domain_controller[MONITOR_DOMAIN_MAX];
	char domain_agent[MONITOR_DOMAIN_MAX];
	char domain_instance[MONITOR_DOMAIN_MAX];
	machine_table *machines;
	machine *bridge; /* lives in `machines`: the controller's machine */
	operation_book *operations;
	cat_reservation reservation;
	cat_sequences *sequences;
	int64_t minute;         /* last one with heartbeats */
	int64_t minute_blocked; /* served by an earlier process */
	int64_t forgot_unix_ms;
	monitor_counters counters;
	char frame[CAT_FRAME_MAX];
	char xml[MONITOR_XML_MAX];
};

/* Sends one tree for a machine, or counts why not. */
void monitor_emit(monitor *m, machine *of, const cat_message *root, sot_wall now);
machine *monitor_instance_machine(monitor *m, const char *name, uint32_t address);

#endif
