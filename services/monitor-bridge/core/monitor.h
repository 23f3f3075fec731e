/* monitor - the bridge's core: reports, platform events and the platform's own figures in, CAT
 * frames and OpenMetrics text out.
 *
 * Pure: time comes as an argument, frames and reservations leave through hooks that the shell
 * gives. What the rules of CAT forbid (closed hours, a 62nd heartbeat, a frame of 64 KB) is dropped
 * here and counted. What goes where is said by definitions. One owner thread.
 */
#ifndef MONITOR_MONITOR_H
#define MONITOR_MONITOR_H

#include "cat_codec.h"
#include "definitions.h"
#include "figures.h"
#include "share.h"
#include "sot_calls.h"

#define MONITOR_PREFIX_MAX 32
#define MONITOR_POOLS_MAX 4000
/* Between the parts of `fields` and `steps` of an event: neither occurs in a text of the platform.
 */
#define MONITOR_ROW_END '\x1e'
#define MONITOR_PART_END '\x1f'

typedef struct monitor_options {
	char domain_prefix[MONITOR_PREFIX_MAX +
	                   1];     /* domains are <prefix>-controller, -agent, -instance */
	char host_name[64];        /* of the bridge's machine */
	uint32_t address;          /* of the bridge's machine: key of the controller's pages */
	bool instances_by_address; /* key of an instance: its address instead of its name */
	bool domain_per_app;       /* <prefix>-<app> instead of <prefix>-instance */
	size_t machines_max;
	cat_codec codec;
	const definitions *definitions; /* borrowed, must outlive the core */
} monitor_options;

/* An ended deploy, for CAT's list of alterations. Texts are borrowed for the call. */
typedef struct monitor_deploy {
	sot_str app, actor, operation, state, version;
	int64_t at_unix_ms;
} monitor_deploy;

typedef struct monitor_hooks {
	void *self;
	/* The frame is borrowed for the call. It is worthless from expires_unix_ms on. */
	void (*frame)(void *self, sot_str frame, int64_t expires_unix_ms);
	/* Message ids of `hour` below `bound` are about to be used: store it before returning. */
	void (*reserve)(void *self, int64_t hour, uint32_t bound);
	/* Heartbeats of this wall-clock minute are about to leave: store it before returning. */
	void (*minute)(void *self, int64_t minute);
	void (*deploy)(void *self, const monitor_deploy *deploy); /* may be NULL */
} monitor_hooks;

typedef struct monitor_counters {
	uint64_t host_reports, instance_reports, events;
	uint64_t heartbeats, frames, metrics;
	uint64_t dropped_closed_hour; /* the server would not take that time */
	uint64_t dropped_hour_limit;  /* more than 61 heartbeats of a machine in an hour */
	uint64_t dropped_too_large;   /* a frame of 64 KB or more */
	uint64_t dropped_ids;         /* 50 million ids in an hour, or too many addresses */
	uint64_t dropped_undecided;   /* heartbeats of a minute in which nobody knew who sends */
	uint64_t dropped_late;        /* heartbeats that were not made before their minute was over */
	uint64_t heartbeats_late;     /* sent, but after the seconds that are for them */
	uint64_t machines_refused;    /* machines_max */
	uint64_t steps_left_out;      /* of operations with very many steps */
	uint64_t sampled_out;         /* operations without their steps: the router asks for less */
	uint64_t values_left_out;     /* nan, inf */
	uint64_t ids_cleaned;         /* ids of heartbeats */
	uint64_t calls_unread;        /* rows of services' calls that are none */
	uint64_t names_folded;        /* shown as OTHERS by CAT: too many names or types */
	cat_repairs repairs;
} monitor_counters;

/* A row of core.events_after; texts are borrowed for the call, empty when absent. */
typedef struct monitor_event {
	int64_t at_unix_ms;
	sot_str kind, subject, app, host, actor;
	sot_uuid operation_id;
	/* name PART_END value ROW_END ...: the members of data; `old.x`, `new.x` of data.changed */
	sot_str fields;
	/* Of an ended operation: name, subject, host, state, start, end (ms), detail; a row each. */
	sot_str steps;
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

/* Who shares the work; nothing is sent before the first view. The numbers of bridges are part of
 * message ids. database_now is the database's clock. */
void monitor_share_view(
    monitor *m, unsigned own, const share_member *list, size_t count, sot_wall database_now);
void monitor_lost_database(monitor *m);
bool monitor_leads(const monitor *m); /* whether events are this bridge's to send */

/* The router's wish: below 1, operations that went well come without their steps that often. */
void monitor_set_sample(monitor *m, double sample);
/* Metrics as NM1 bags (4.x) instead of messages of a tree. */
void monitor_set_bags(monitor *m, bool bags);

void monitor_boot(monitor *m, sot_wall now); /* System/Reboot of the bridge itself */
/* True when the host is new or has a new name or address: worth storing for monitor_learn_host. */
bool monitor_host_report(monitor *m, const host_figures *f, sot_wall now);
void monitor_instance_report(monitor *m, const instance_figures *f, sot_wall now);
/* What else the report of a host holds, after it: all its interfaces; its calls to the Engine since
 * the report before (`Docker`/kind). */
void monitor_host_interfaces(
    monitor *m, uint32_t address, const interface_figures *list, size_t count);
void monitor_host_calls(monitor *m, uint32_t address, const sot_calls *calls);
/* The health checks of an instance since its report before: `Health`/app. */
void monitor_checks(monitor *m, const char *name, uint32_t address, const sot_calls *calls);
/* Calls that one of the platform's services made or served (`SQL`/statement, `URL`/path), as it
 * tells them (service_calls.h), sent at once for the machine that it runs on; 0: this one. To be
 * called by the bridge that leads only. */
void monitor_service_calls(monitor *m, sot_str text, uint32_t address, sot_wall now);
/* To be called by the bridge that leads only. */
void monitor_take_event(monitor *m, const monitor_event *event, sot_wall now);
/* The platform's own figures, read from its database; copied. Pools past MONITOR_POOLS_MAX are left
 * out. */
void monitor_take_platform(monitor *m, const platform_figures *platform, const pool_figures *pools,
    size_t pool_count, sot_wall now);
/* An event of the bridge's own making, to see that it arrives: `Sotalia.Test`/name. */
void monitor_send_test(monitor *m, sot_str name, sot_wall now);
/* Once a second: heartbeats and gauges that are due. `usage` is the bridge's own. */
void monitor_tick(monitor *m, const bridge_figures *usage, sot_wall now);

/* OpenMetrics text of all machines with fresh figures, of platform and pools. No "# EOF". */
void monitor_render(const monitor *m, sot_wall now, sot_buf *out);

const monitor_counters *monitor_get_counters(const monitor *m);
size_t monitor_machine_count(const monitor *m);
/* Machines that this bridge sends for, by the last decision. */
size_t monitor_owned_count(const monitor *m);
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
