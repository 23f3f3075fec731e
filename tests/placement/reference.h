/* reference - placement the slow and plain way: every rule counted from scratch over all instances.
 *
 * Written from placer.h alone and shares no code with it but its plain data types. The property
 * tests compare the two; whatever this file can do better than by counting is left out on purpose.
 */
#ifndef PLACEMENT_REFERENCE_H
#define PLACEMENT_REFERENCE_H

#include "placer.h"

enum {
	REF_ZONES = 4,
	REF_RACKS = 9,
	REF_HOSTS = 40,
	REF_SHAPES = 8,
	REF_APPS = 8,
	REF_RULES = 8,
	REF_INSTANCES = 256,
	REF_NETWORKS = 2,
	REF_POOLS = 4,
	REF_TEAMS = 2,
	REF_SLOTS = 5,
};

typedef struct ref_shape {
	placer_shape_spec spec;
	int32_t day[2][REF_SLOTS]; /* used when spec.profile is not NULL */
} ref_shape;

typedef struct ref_instance {
	bool here, leaving, starting, holding;
	uint32_t app, host, shape, pool;
} ref_instance;

typedef struct ref_pool {
	uint32_t network, free;
	bool reach[REF_HOSTS];
} ref_pool;

typedef struct ref_world {
	uint32_t slots, zones, racks, hosts, shapes, apps, rules, networks, pools;
	uint32_t rack_zone[REF_RACKS];
	placer_host_spec host[REF_HOSTS];
	ref_shape shape[REF_SHAPES];
	placer_app_spec app[REF_APPS];
	placer_rule rule[REF_RULES];
	ref_instance instance[REF_INSTANCES]; /* by the placer's handle */
	ref_pool pool[REF_POOLS];
	uint32_t mixing[PLACER_WORKLOADS][PLACER_WORKLOADS];
	int32_t quota[REF_TEAMS][PLACER_DIMS]; /* PLACER_UNLIMITED: none */
} ref_world;

/* What the host can give in a dimension, with reserve and overcommit. */
int32_t ref_limit(const placer_host_spec *spec, int dim);
/* Bits by placer_reason of what keeps one more instance of the app off the host. */
uint32_t ref_obstacles(const ref_world *w, uint32_t app, uint32_t host);
/* The instances of an app in a domain of the level; with `all` those that leave too. */
uint32_t ref_count(const ref_world *w, uint32_t app, placer_level level, uint32_t domain, bool all);
uint32_t ref_domain(const ref_world *w, uint32_t host, placer_level level);
/* The cost of one more instance of the app on the host, in double precision. */
double ref_cost(const ref_world *w, const placer_policy *y, uint32_t app, uint32_t host);
/* True when `a` is a strictly better choice than `b` by more than rounding; both must fit. */
bool ref_is_better(
    const ref_world *w, const placer_policy *y, uint32_t app, uint32_t a, uint32_t b);
/* The app prefers to be together with another and the host offers that. */
bool ref_has_company(const ref_world *w, const placer_rule *r, uint32_t host);
/* A description of the first hard limit of amounts that is passed on any host, NULL when none. */
const char *ref_overbooked(const ref_world *w);

#endif
