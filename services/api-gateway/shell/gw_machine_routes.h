/* gw_machine_routes - what enrolment shares with the other routes of machines. */
#ifndef GW_MACHINE_ROUTES_H
#define GW_MACHINE_ROUTES_H

#include "gateway.h"

#include <jansson.h>

/* Answers with the member "problem" of what the database said; its "code" picks the status. */
void machine_answer_problem(gw_call *c, const json_t *answer);

/* Fails machines whose runner is not heard of any more, every few seconds while the gateway runs.
 */
void machine_watch_start(gateway *g);
void machine_watch_stop(gateway *g);

#endif
