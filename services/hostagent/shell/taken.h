/* taken - net/taken: which addresses were found to be somebody else's. What an agent knows of them
 * it tells the scheduler, and ipam takes them away; the next agent of this host, which may hear its
 * new orders late, must not bind them because that somebody is silent just then. */
#ifndef HOSTAGENT_TAKEN_H
#define HOSTAGENT_TAKEN_H

#include "agent.h"

/* After the first set: what the agent before this one had found. */
void taken_recall(agent *a);
/* Before the statuses of this turn are told: writes what is other than in the file. A file that
 * cannot be written is logged once and tried again each turn; what is known is told all the same.
 */
void taken_store(agent *a);

#endif
