/* steps - carries out one step that reconcile named, and reports its end. */
#ifndef HOSTAGENT_STEPS_H
#define HOSTAGENT_STEPS_H

#include "agent.h"

void steps_begin(agent *a, const action *next);

#endif
