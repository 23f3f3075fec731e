/* report_clock - when the agent reports its addresses to ipam: every so often as ipam asks, soon
 * after a change but not more often than twice a second, and again with a growing pause after a
 * failure. One report is under way at a time. Pure.
 */
#ifndef HOSTAGENT_REPORT_CLOCK_H
#define HOSTAGENT_REPORT_CLOCK_H

#include "sot_time.h"

typedef struct report_clock {
	bool is_busy, is_touched;
	unsigned failures;
	sot_mono begun, due; /* of the last report; of the next, when nothing changes */
} report_clock;

/* Due at once. */
void report_clock_init(report_clock *c, sot_mono now);
/* Something is different from what was told. */
void report_clock_touch(report_clock *c);
/* Whether a report begins now; then it is under way until its end. */
bool report_clock_begin(report_clock *c, sot_mono now);
void report_clock_end(report_clock *c, bool ok, uint32_t next_report_ms, sot_mono now);
/* Until the next begin: 0 when it is due, INT64_MAX while one is under way. */
int64_t report_clock_wait_ms(const report_clock *c, sot_mono now);

#endif
