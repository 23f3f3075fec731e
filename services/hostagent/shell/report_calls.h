/* report_calls - what a report tells of calls: counts by duration, failures one by one. The lists
 * lie in the arena until the report is encoded.
 */
#ifndef HOSTAGENT_REPORT_CALLS_H
#define HOSTAGENT_REPORT_CALLS_H

#include "health.h"

/* Calls to the Engine since they were cleared. */
void report_docker_calls(const sot_calls *calls, sot_arena *arena, sot_host_report *m);
/* Health checks of one instance since its last report. */
void report_checks(const health *h, sot_str app, sot_arena *arena, sot_instance_report *m);

#endif
