/* load_docker - what a simulated host does with its desired set: the agent's reconcile over a
 * Docker and a state folder in memory, whose steps take a drawn time. For tests only.
 */
#ifndef LOAD_DOCKER_H
#define LOAD_DOCKER_H

#include "desired.h"
#include "status_feed.h"

typedef struct load_docker load_docker;
load_docker *load_docker_new(uint64_t seed, int step_min_ms, int step_max_ms);
load_docker *load_docker_free(load_docker *d);
void load_docker_take(load_docker *d, const desired *set, sot_mono now);
/* Ends and begins the steps that are due and puts what is now into the feed; returns how long
 * nothing more is to be done, in ms. */
int64_t load_docker_work(load_docker *d, status_feed *feed, sot_mono now);

size_t load_docker_running(const load_docker *d);
bool load_docker_has(const load_docker *d, sot_uuid id);
/* Every container. */
void load_docker_each(load_docker *d,
    void (*visit)(void *self, sot_uuid id, bool is_running, sot_ip address), void *self);

#endif
