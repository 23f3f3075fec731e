/* monitor - the bridge's core: reports and platform events in, CAT frames out.
 *
 * Pure: time comes as an argument, frames and reservations leave through hooks that the shell
 * gives. What the rules of CAT forbid (closed hours, a 62nd heartbeat, a frame of 64 KB) is dropped
 * here and counted. One owner thread.
 */
#ifndef MONITOR_MONITOR_H
#define MONITOR_MONITOR_H

#include "cat_codec.h"
#include "figures.h"
#include "figures_xml.h"
#include "sot_mem.h"

#define MONITOR_PREFIX_MAX 32

typedef struct monitor_options {
	char domain_prefix[MONITOR_PREFIX_MAX +
	                   1];     /* domains are <prefix>-controller, -agent, -instance */
	char host_name[64];        /* of the bridge's machine */
	uint32_t address;          /* of the bridge's machine: key of the controller's pages */
	bool instances_by_address; /* key of an instance: its address instead of its name */
	unsigned copy;             /* among several bridges, 0 = the only one */
	size_t machines_max;
	cat_codec codec;
} monitor_options;

typedef struct monitor_hooks {
	void *self;
	/* The frame is borrowed for the call. It is worthless from expires_unix_ms on. */
	void (*frame)(void *self, sot_str frame, int64_t expires_unix_ms);
	/* Message ids of `hour` below `bound` are about to be used: store it before returning. */
	void (*reserve)(void *self, int64_t hour, uint32_t bound);
	/* Heartbeats of this wall-clock minute are about to leave: store it before returning. */
	void (*minute)(void *self, int64_t minute);
} monitor_hooks;

typedef struct monitor_counters {
	uint64_t host_reports, instance_reports, events;
	uint64_t heartbeats, frames;
	uint64_t dropped_closed_hour; /* the server would not take that time */
	uint64_t dropped_hour_limit;  /* more than 61 heartbeats of a machine in an hour */
	uint64_t dropped_too_large;   /* a frame of 64 KB or more */
	uint64_t dropped_ids;         /* 50 million ids in an hour, or too many addresses */
	uint64_t machines_refused;    /* machines_max */
	uint64_t steps_left_out;      /* of operations with very many steps */
	uint64_t values_left_out;     /* nan, inf */
	uint64_t ids_cleaned;         /* ids of heartbeats */
	cat_repairs repairs;
} monitor_counters;

/* A row of core.event_v; texts are borrowed for the call, empty when absent. */
typedef struct monitor_event {
	int64_t at_unix_ms;
	sot_str kind, subject, app, host;
	sot_uuid operation_id;
	sot_str operation_kind;
	sot_str state_old, state_new; /* data.changed.state */
	sot_str health_new;           /* data.changed.health[1] */
	sot_str error, reason;
} monitor_event;

typedef struct monitor monitor;

/* SOT_INVALID for a prefix whose domains the server throws away, such as "cat" (cat-agent). */
sot_code monitor_prefix_check(const char *prefix, sot_err *err) SOT_CHECK;

monitor *monitor_new(const monitor_options *options, const monitor_hooks *hooks);
monitor *monitor_free(monitor *m);
SOT_DEFINE_AUTO(monitor)
/* What an earlier process stored, before anything else. */
void monitor_restore_ids(monitor *m, int64_t hour, uint32_t bound);
void monitor_restore_minute(monitor *m, int64_t minute);
void monitor_learn_host(monitor *m, const char *name, uint32_t address, sot_wall now);

void monitor_boot(monitor *m, sot_wall now); /* System/Reboot of the bridge itself */
/* True when the host is new or has a new name or address: worth storing for monitor_learn_host. */
bool monitor_host_report(monitor *m, const host_figures *f, sot_wall now);
void monitor_instance_report(monitor *m, const instance_figures *f, sot_wall now);
void monitor_take_event(monitor *m, const monitor_event *event, sot_wall now);
/* Once a second: heartbeats that are due. `usage` is the bridge's own. */
void monitor_tick(monitor *m, const bridge_figures *usage, sot_wall now);

const monitor_counters *monitor_get_counters(const monitor *m);
size_t monitor_machine_count(const monitor *m);
/* Hosts that are known, for storing; start with {0}. False at the end. */
typedef struct monitor_host {
	const char *name;
	uint32_t address;
} monitor_host;
typedef struct monitor_host_iter {
	size_t pos;
} monitor_host_iter;
bool monitor_next_host(const monitor *m, monitor_host_iter *it, monitor_host *ret);

#endif
