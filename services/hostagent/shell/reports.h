/* reports - the host's and the instances' figures, published to scheduler and monitor-bridge. */
#ifndef HOSTAGENT_REPORTS_H
#define HOSTAGENT_REPORTS_H

#include "agent.h"

sot_code reports_new(agent *a, reports **ret, sot_err *err) SOT_CHECK;
reports *reports_free(reports *r);

/* The frames that were published last; views until the next report. Empty before the first. */
sot_str reports_last_host(const reports *r);
/* How many there are, at most `max`. */
size_t reports_last_instances(const reports *r, sot_str *dst, size_t max);

#endif
