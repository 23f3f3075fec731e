/* machine_table - what is known of each machine on CAT's pages: a host, an instance, the bridge.
 *
 * A machine is a pair of domain and key. The table decides when its heartbeat is due: once in a
 * wall-clock minute, at its own second between 5 and 14, so that clock skew never puts two into one
 * minute and 10,000 machines do not send at once. One that could not be made then (the process was
 * held up, the database late) is due until second 50: late is better than a hole in the graph.
 * Bounded: past `machines_max` new machines are refused; machines without a report for
 * MACHINE_FORGET_MS are forgotten. Pure.
 */
#ifndef MONITOR_MACHINE_TABLE_H
#define MONITOR_MACHINE_TABLE_H

#include "figures.h"
#include "sot_calls.h"

#define MACHINE_FRESH_MS 60000 /* older figures are not sent */
#define MACHINE_FORGET_MS 7200000
#define MACHINE_FIRST_SECOND 5
#define MACHINE_SPREAD_SECONDS 10
#define MACHINE_LAST_SECOND 15         /* later than this is late */
#define MACHINE_LATE_SECOND 50         /* and later than this is lost */
#define MACHINE_HEARTBEATS_PER_HOUR 61 /* what the server keeps */
#define MACHINE_KEY_MAX 64
#define MACHINE_CALL_KINDS_MAX 32

typedef enum machine_kind { MACHINE_HOST, MACHINE_INSTANCE, MACHINE_BRIDGE } machine_kind;

typedef struct machine {
	machine_kind kind;
	char key[MACHINE_KEY_MAX]; /* CAT's ipAddress */
	char host_name[MACHINE_KEY_MAX];
	char app[FIGURES_APP_MAX + 1]; /* of an instance */
	uint32_t address;              /* for message ids */
	int second;                    /* of the minute, when its heartbeat is due */
	int64_t seen_unix_ms;
	bool has_figures;         /* since the last heartbeat or before: false until the first report */
	int64_t heartbeat_minute; /* wall-clock minute of the last one, 0 = none */
	int64_t heartbeat_hour;
	unsigned heartbeats_in_hour;
	union {
		host_figures host;
		instance_figures instance;
	} figures;
	interface_figures *interfaces; /* owned, of a host */
	size_t interface_count;
	sot_calls *calls; /* owned; of the minute, NULL for none: to the Engine, or health checks */
} machine;

typedef struct machine_table machine_table;
machine_table *machine_table_new(size_t machines_max);
machine_table *machine_table_free(machine_table *t);
SOT_DEFINE_AUTO(machine_table)
size_t machine_table_count(const machine_table *t);

/* The machine, made when it is new. NULL when the table is full. */
machine *machine_table_get(machine_table *t, machine_kind kind, const char *key);
/* All of them; start with {0}. */
machine *machine_table_next(const machine_table *t, sot_map_iter *it);
/* Forgets the silent ones; returns how many. */
size_t machine_table_forget(machine_table *t, int64_t now_unix_ms);

/* Takes the figures of a report; counters of an interval are summed until the next heartbeat. */
void machine_take_host(machine *m, const host_figures *f, int64_t now_unix_ms);
void machine_take_instance(machine *m, const instance_figures *f, int64_t now_unix_ms);
/* The interfaces of the latest report, at most FIGURES_INTERFACES_MAX. */
void machine_take_interfaces(machine *m, const interface_figures *list, size_t count);
/* Calls since the report before. */
void machine_take_calls(machine *m, const sot_calls *calls);
/* True when a heartbeat is due now. */
bool machine_is_due(const machine *m, int64_t now_unix_ms);
/* Whether it should have had a heartbeat in that minute, which is over, and had none. */
bool machine_missed_minute(const machine *m, int64_t minute, int64_t now_unix_ms);
/* Marks the minute as served. False when the hour's 61 are used up: then it must not be sent. */
bool machine_serve_minute(machine *m, int64_t now_unix_ms);
/* The minute is another bridge's: it is served, and its sums begin anew, without a heartbeat. */
void machine_skip_minute(machine *m, int64_t now_unix_ms);
/* After the figures were sent: the sums begin anew. */
void machine_clear_sums(machine *m);

#endif
