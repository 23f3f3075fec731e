/* report_intake - the SUB socket that agents publish to: checks who speaks, decodes, and hands the
 * figures to the core. A report about another host than the one whose key signed is refused.
 */
#ifndef MONITOR_REPORT_INTAKE_H
#define MONITOR_REPORT_INTAKE_H

#include "bus.h"
#include "monitor.h"

typedef struct report_intake_stats {
	uint64_t received, refused, missed; /* missed: gaps in the publishers' numbers */
} report_intake_stats;

typedef struct report_intake report_intake;
/* `b`, `m` are borrowed. on_new_host (may be NULL) is told when monitor_host_report says so. */
sot_code report_intake_new(bus *b, const char *endpoint, monitor *m, reactor *r,
    void (*on_new_host)(void *self), void *self, report_intake **ret, sot_err *err) SOT_CHECK;
report_intake *report_intake_free(report_intake *in);
const char *report_intake_endpoint(const report_intake *in);
report_intake_stats report_intake_get_stats(const report_intake *in);
SOT_DEFINE_AUTO(report_intake)

#endif
