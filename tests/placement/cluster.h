/* cluster - a random world kept twice: in the placer and in the reference. */
#ifndef PLACEMENT_CLUSTER_H
#define PLACEMENT_CLUSTER_H

#include "reference.h"
#include "sot_rand.h"

typedef struct cluster {
	ref_world world;
	placer *placer;
	placer_policy policy;
	sot_rand rand;
	uint64_t seed;
	uint32_t refusals, decisions, plans;
} cluster;

/* Zones, racks, hosts, networks, apps, rules: all by the seed. */
void cluster_init(cluster *c, uint64_t seed);
void cluster_clear(cluster *c);
/* A placer that holds just what the world holds (handles of instances may differ). */
placer *cluster_rebuild(const ref_world *w);
/* Writes the instance of the placer into the world. */
void cluster_note_put(cluster *c, uint32_t instance, bool starting, bool holding, uint32_t pool);
void cluster_random_host(cluster *c, placer_host_spec *ret);
void cluster_random_spread(cluster *c, placer_app_spec *spec);
/* A random instance that is here, PLACER_NONE when none is. */
uint32_t cluster_any_instance(cluster *c);

/* Ends the program with the seed and the text when `ok` is false. */
void cluster_check(const cluster *c, bool ok, const char *what, uint32_t a, uint32_t b);

static inline uint32_t below(cluster *c, uint32_t n)
{
	return (uint32_t)sot_rand_below(&c->rand, n);
}

#endif
