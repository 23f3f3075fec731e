/* What the parts of the core share: monitor.c (reports, heartbeats), monitor_emit.c (one tree),
 * monitor_events.c (rules), monitor_operations.c (operations as trees), monitor_gauges.c,
 * monitor_calls.c (calls of the minute). */
#ifndef MONITOR_MONITOR_INTERNAL_H
#define MONITOR_MONITOR_INTERNAL_H

#include "cat_bag.h"
#include "cat_id.h"
#include "cat_text.h"
#include "cat_writer.h"
#include "machine_table.h"
#include "monitor.h"
#include "name_watch.h"

#define MONITOR_DOMAIN_MAX (MONITOR_PREFIX_MAX + 16)
#define MONITOR_XML_MAX (48 * 1024)
#define MONITOR_STEPS_MAX 100
#define MONITOR_GAUGES_FRESH_MS 90000

struct monitor {
	monitor_options options;
	monitor_hooks hooks;
	char domain_controller[MONITOR_DOMAIN_MAX];
	char domain_agent[MONITOR_DOMAIN_MAX];
	char domain_instance[MONITOR_DOMAIN_MAX];
	char domain_app[MONITOR_DOMAIN_MAX +
	                FIGURES_APP_MAX]; /* the one in use, with a domain per app */
	machine_table *machines;
	machine *bridge; /* lives in `machines`: the controller's machine */
	cat_reservation reservation;
	cat_sequences *sequences;
	name_watch *names;
	share share;
	bool bags;
	double sample;
	int64_t minute;         /* last one with heartbeats */
	int64_t minute_blocked; /* served by an earlier process */
	int64_t minute_gauges;
	int64_t minute_closed; /* last one whose losses are counted */
	int64_t forgot_unix_ms;
	platform_figures platform;
	pool_figures *pools; /* owned */
	size_t pool_count;
	int64_t platform_unix_ms;
	monitor_counters counters;
	char frame[CAT_FRAME_MAX];
	char xml[MONITOR_XML_MAX];
};

/* A message id with the three places that it goes to. */
typedef struct monitor_id {
	char s[CAT_ID_MAX];
	size_t n;
} monitor_id;

/* Links of a tree to others; all may be empty. */
typedef struct monitor_links {
	sot_str id, parent, root; /* an empty id is made anew */
} monitor_links;

/* With a domain per app it is good until the next call. */
const char *monitor_domain_of(monitor *m, const machine *of);
/* All calls of a machine as transactions of a type: one for each kind, one for each failure. */
void monitor_send_calls(
    monitor *m, const machine *of, sot_str type, const sot_calls *calls, sot_wall now);
/* A fresh id of `domain` that carries the address of `of`; false when there is none (counted). */
bool monitor_next_id(
    monitor *m, const char *domain, const machine *of, int64_t at_unix_ms, monitor_id *ret);
/* Sends one tree for a machine, or counts why not. SOT_LIMIT only for a frame of 64 KB, which is
 * not counted: the caller may leave parts out. */
sot_code monitor_try_emit(monitor *m, const machine *of, const cat_message *root,
    const monitor_links *links, sot_wall now) SOT_CHECK;
/* The same, with nothing left to try. */
void monitor_emit(monitor *m, const machine *of, const cat_message *root, sot_wall now);
/* A metric of the controller's domain: a count, or a gauge. */
void monitor_emit_metric(
    monitor *m, sot_str name, bool is_count, double value, int64_t at_unix_ms, sot_wall now);

machine *monitor_instance_machine(monitor *m, const char *name, uint32_t address);
/* NULL when the table is full. */
machine *monitor_host_by_name(monitor *m, sot_str name, sot_wall now);

/* The value of a member of the event's data, empty when there is none. */
sot_str monitor_event_member(const monitor_event *event, sot_str name);
void monitor_operation_ended(monitor *m, const monitor_event *event, sot_wall now);
void monitor_send_gauges(monitor *m, sot_wall now);

#endif
