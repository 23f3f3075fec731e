/* what_if - questions about the fleet as it might be: hosts lost, drained or added, a plan of
 * another size. Private to core/. Answered inside a what-if of the placer, which is rolled back.
 */
#ifndef SCHEDULER_WHAT_IF_H
#define SCHEDULER_WHAT_IF_H

#include "forecast.h"

/* Writes the answer. False, with the problem filled, when the question names what is not there. */
bool what_if_json(controller *c, const sot_what_if *m, forecast *f, problem *p);
/* Moves that each pay off, not done: docs/explain.md. */
void rebalance_json(controller *c, const sot_rebalance_read *m, forecast *f);

#endif
