/* rebalance - moves that each pay off, as an operation, and a standing look that tells when it
 * would pay. Private to core/. The plan alone: rebalance_json in what_if.h.
 */
#ifndef SCHEDULER_REBALANCE_H
#define SCHEDULER_REBALANCE_H

#include "parts.h"

/* The open rebalancing, NULL when there is none. */
operation *rebalance_running(const controller *c);
/* The operation is one of its moves. */
bool rebalance_owns(const operation *o);
/* Where the instance of such a move goes now. NULL: it stays for good (o->stays), or waits for what
 * `why` says. */
host *rebalance_choose(controller *c, operation *o, instance *i, sot_buf *why);
/* A part of the hosts is looked at; when all were and it begins to pay, an event says so. */
void rebalance_tick(controller *c);
/* What the last look found, as a JSON object; null before the first. */
void rebalance_found_json(const controller *c, sot_buf *out);

#endif
