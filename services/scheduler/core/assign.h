/* assign - the desired set of a host as frames for its agent. Private to core/. */
#ifndef SCHEDULER_ASSIGN_H
#define SCHEDULER_ASSIGN_H

#include "model.h"

/* The whole set of the host at its present generation, in parts. */
void assign_full(controller *c, host *h);
/* The difference to `from`: the instances in h->pushes, which is empty afterwards. */
void assign_delta(controller *c, host *h, uint64_t from);
/* An empty difference: the agent holds what it should, and learns the epoch. */
void assign_nothing(controller *c, host *h);

#endif
