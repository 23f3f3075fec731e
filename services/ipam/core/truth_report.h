/* truth_report - whole reports of hosts out of the parts that arrive (proto/ipam_agent.toml).
 *
 * A host has at most one report in the making: a part of a newer one throws the older away, a part
 * of an older one is stale. Bounded by addresses over all hosts and by time.
 * Pure: the caller passes `now`. One owner thread.
 */
#ifndef IPAM_TRUTH_REPORT_H
#define IPAM_TRUTH_REPORT_H

#include "sot_map.h"
#include "sot_proto.h"

enum {
	TRUTH_BOOT_ID_MAX = 41,
	TRUTH_PARTS_MAX = 100,
	TRUTH_ASSEMBLY_MS = 10000, /* from the first part to the last */
};

/* What one host uses, complete. */
typedef struct truth_report {
	sot_uuid host;
	char boot_id[TRUTH_BOOT_ID_MAX];
	uint64_t number;
	int64_t taken_unix_ms; /* the host's clock */
	sot_mono began;        /* when its first part arrived */
	uint64_t assignment_generation, epoch;
	sot_used_address *used;
	size_t used_count;
	sot_stranger *strangers;
	size_t strangers_count;
} truth_report;
truth_report *truth_report_free(truth_report *r);
SOT_DEFINE_AUTO(truth_report)

typedef enum truth_part {
	TRUTH_PART_TAKEN,    /* more are to come */
	TRUTH_PART_COMPLETE, /* this was the last one */
	TRUTH_PART_REPEATED, /* its report was complete before */
	TRUTH_PART_STALE,    /* the host has begun a newer report */
} truth_part;

typedef struct truth_book truth_book;
/* addresses_max: over all reports in the making. */
truth_book *truth_book_new(size_t addresses_max);
truth_book *truth_book_free(truth_book *b);
SOT_DEFINE_AUTO(truth_book)

/* `m` is borrowed. *ret_report is set, and the caller's, with TRUTH_PART_COMPLETE. SOT_INVALID: the
 * part does not fit its report. SOT_LIMIT: too much is in the making already. */
sot_code truth_book_add(truth_book *b, sot_uuid host, const sot_address_report *m, sot_mono now,
    truth_part *ret, truth_report **ret_report, sot_err *err) SOT_CHECK;
/* The host's last complete report was not kept: repeated, it counts as new. */
void truth_book_lost(truth_book *b, sot_uuid host);
/* Drops what was not completed in time; returns how many reports. */
size_t truth_book_expire(truth_book *b, sot_mono now);
/* Addresses of reports in the making. */
size_t truth_book_pending(const truth_book *b);

#endif
