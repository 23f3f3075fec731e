/* truth - what the difference between a host's report and the rows means.
 *
 * SQL compares the report with the rows as sets and hands over the differences; here each gets its
 * verdict. Nothing is concluded from a report that is older than the row it is compared with, and
 * nothing is missing before the host has the present desired set.
 * Pure: no I/O, no clock. Times are the database's, unix milliseconds.
 */
#ifndef IPAM_TRUTH_H
#define IPAM_TRUTH_H

#include "sot_ip.h"
#include "sot_str.h"
#include "sot_uuid.h"

enum { TRUTH_DETAIL_MAX = 160 };

typedef enum truth_state {
	TRUTH_NO_ROW,
	TRUTH_RESERVED,
	TRUTH_BOUND,
	TRUTH_COOLING,
	TRUTH_STATIC,
	TRUTH_EXCLUDED,
	TRUTH_CONFLICT,
	TRUTH_SUSPECT,
} truth_state;
/* The word of ipam.address.state; the empty one is TRUTH_NO_ROW. SOT_INTERNAL for another. */
sot_code truth_state_parse(sot_str word, truth_state *ret, sot_err *err) SOT_CHECK;

/* One address that a host reports and no row simply confirms, or the other way round. */
typedef struct truth_difference {
	sot_uuid host; /* that reports it, or should */
	uint16_t vrf;
	sot_ip address;
	bool is_reported;
	sot_uuid instance; /* as reported */
	truth_state state;
	sot_uuid owner, row_host; /* of the row; zero for none */
	int64_t row_updated_unix_ms;
	/* What the scheduler says of the row's owner. */
	bool owner_is_live, owner_should_run;
	sot_uuid owner_host; /* zero: not placed */
} truth_difference;

/* What a verdict rests on. */
typedef struct truth_evidence {
	int64_t taken_unix_ms; /* when the host was looked at, never later than it arrived */
	int64_t margin_ms;     /* how far the host's clock may be off */
	uint64_t generation;   /* of the desired set that the host has */
	uint64_t generation_wanted;
} truth_evidence;

typedef enum truth_verdict {
	TRUTH_FINE,
	TRUTH_UNDECIDED, /* the report is too old: what was found before stands */
	TRUTH_FOREIGN,   /* used by an instance that no row gives it to */
	TRUTH_MISSING,   /* bound to the host, which does not use it */
	TRUTH_MOVED,     /* used on another host than it is bound to */
} truth_verdict;

/* ret_detail: why, for people; "" when there is no finding. */
truth_verdict truth_judge(
    const truth_difference *d, const truth_evidence *e, char ret_detail[static TRUTH_DETAIL_MAX]);
/* True when a foreign address must be kept from being given out: nothing else keeps it. */
bool truth_needs_suspect(const truth_difference *d);

/* ---- whether the database is an older one than the world ---- */
typedef struct truth_life {
	sot_uuid stream, guard_stream; /* of the platform now; that ipam last worked on */
	uint64_t leader_epoch;
	uint64_t event_number; /* the last one given */
	uint64_t event_id;     /* of the newest event that is kept, 0: none is */
} truth_life;
/* What ipam itself remembers outside of the database. */
typedef struct truth_witness {
	sot_uuid stream; /* zero: it remembers nothing */
	uint64_t event_number, event_id;
} truth_witness;

/* True when the database was restored, with the reason in words. */
bool truth_was_restored(
    const truth_life *life, const truth_witness *witness, char ret_reason[static TRUTH_DETAIL_MAX]);
/* The same from a host's report: it has seen what this database has not. */
bool truth_host_is_ahead(uint64_t epoch, uint64_t leader_epoch, const truth_evidence *e,
    char ret_reason[static TRUTH_DETAIL_MAX]);

/* "<stream> <number> <id>\n" and back. SOT_INVALID: the text is no witness. */
void truth_witness_format(const truth_witness *w, sot_buf *out);
sot_code truth_witness_parse(sot_str text, truth_witness *ret, sot_err *err) SOT_CHECK;

#endif
