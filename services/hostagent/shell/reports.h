/* reports - the host's and the instances' figures, published to scheduler and monitor-bridge. */
#ifndef HOSTAGENT_REPORTS_H
#define HOSTAGENT_REPORTS_H

#include "agent.h"

sot_code reports_new(agent *a, reports **ret, sot_err *err) SOT_CHECK;
reports *reports_free(reports *r);

#endif
