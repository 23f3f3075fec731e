/* load_agents - simulated hosts: the agent's own core (desired, reconcile, probes, status_feed)
 * with a Docker that does each step after a drawn time, each with its own CURVE key, connected to
 * every scheduler. What they hold outlives the schedulers, as containers do. For tests only.
 */
#ifndef LOAD_AGENTS_H
#define LOAD_AGENTS_H

#include "load_world.h"

typedef struct load_agents load_agents;

typedef struct load_agents_options {
	size_t first, count; /* hosts `first`...: the rows are made too */
	int pairs;           /* schedulers to connect to */
	int step_min_ms, step_max_ms;
	/* Told of each instance that an assignment names, when not NULL. */
	void (*on_assigned)(void *self, size_t host, sot_str instance_name);
	void *self;
} load_agents_options;

load_agents *load_agents_new(load_world *w, const load_agents_options *options);
load_agents *load_agents_free(load_agents *a);
/* A power cut of the hosts' network cards: all connections anew, at once. */
void load_agents_reconnect(load_agents *a);

/* ---- where they stand ---- */
size_t load_agents_connected(const load_agents *a); /* to the scheduler of pair 0 */
/* Agents that a leader of at least that epoch has greeted, that have its set, and that have told
 * everything. */
size_t load_agents_synced(const load_agents *a, uint64_t epoch);
size_t load_agents_running(const load_agents *a);         /* containers */
uint64_t load_agents_stale_refused(const load_agents *a); /* words of older epochs */

/* Compares with the rows, when nothing is under way: each instance that is not retired has exactly
 * one container, on its host, that runs with its address; nobody else has one; no address runs
 * twice. Returns how many complaints there are, and prints the first ten. */
size_t load_agents_compare(load_agents *a);

#endif
