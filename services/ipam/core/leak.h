/* leak - which addresses of owners that are gone may be given back, and the brake.
 *
 *   first seen --interval--> seen twice --+-- host reports without it, a probe is silent --> FREE
 *        |                                +-- somebody uses it, or nobody can tell -------->
 * SUSPECT
 *        +-- the owner lives, the row changed: forgotten (by SQL)
 *
 * A row that is suspect goes by the same evidence, whatever made it suspect. As long as somebody
 * uses it the observation begins anew each time that is seen; where no host can tell it stays, and
 * only an operator lets it go.
 *
 * Nothing is freed for want of evidence: two observations at least `interval_ms` apart, a complete
 * report of the row's host that is newer than the row, came after the first observation and does
 * not hold the address, and a probe that nobody answered. When too many would go at once, none
 * does: what looks like a mass leak is more often a mistake of ours.
 * Pure: no I/O, no clock. Times are the database's, unix milliseconds; 0 is never.
 */
#ifndef IPAM_LEAK_H
#define IPAM_LEAK_H

#include "sot_ip.h"
#include "sot_uuid.h"

enum {
	LEAK_RUN_MAX = 20,       /* addresses that one run may free */
	LEAK_SUBNET_PERCENT = 1, /* of a subnet's size that one run may free; one address always may */
	LEAK_SETTLE_MS = 1000,   /* a report that came sooner may have been compared before */
};

typedef enum leak_verdict {
	LEAK_WAIT,    /* for time, a report or a probe */
	LEAK_FREE,    /* goes */
	LEAK_HELD,    /* would go, but for the brake */
	LEAK_SUSPECT, /* the evidence is against it, or there cannot be any */
} leak_verdict;

/* A row whose owner is gone, and what is known of it. */
typedef struct leak_case {
	uint16_t vrf, vlan_id;
	sot_ip address;
	uint64_t generation;
	sot_uuid subnet, vlan;
	uint64_t subnet_size;
	int64_t row_updated_unix_ms;
	sot_uuid host; /* zero: it was never bound */
	bool host_exists;
	int64_t report_taken_unix_ms, report_received_unix_ms; /* of that host, the last complete one */
	/* The evidence so far; observations 0: it is new. */
	unsigned observations;
	int64_t first_unix_ms, last_unix_ms, silent_unix_ms, seen_unix_ms;
	bool is_released; /* an operator let it go on after the brake */
	bool is_suspect;  /* already */
	/* What leak_plan decided. */
	leak_verdict verdict;
	bool observe;     /* this run counts as an observation */
	bool begins_anew; /* what was observed before does not count any more */
	bool wants_probe;
	const char *why; /* a literal, for people */
} leak_case;

typedef struct leak_rules {
	int64_t interval_ms; /* between two observations */
	int64_t margin_ms;   /* how far a host's clock may be off */
	bool is_braked;
} leak_rules;

typedef struct leak_totals {
	size_t free, held, suspect, waiting;
	bool brakes; /* the brake is to be engaged now */
	char reason[160];
} leak_totals;

/* Decides about all of them: fills in what is below "What leak_plan decided". */
void leak_plan(
    leak_case *cases, size_t count, const leak_rules *rules, int64_t now_unix_ms, leak_totals *ret);

#endif
