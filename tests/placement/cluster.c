#include "cluster.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void cluster_check(const cluster *c, bool ok, const char *what, uint32_t a, uint32_t b)
{
	if (ok)
		return;
	(void)fprintf(stderr,
	    "placement_property: seed %llu: %s (%u, %u)\n"
	    "replay: placement_property --clusters 1 --seed %llu\n",
	    (unsigned long long)c->seed, what, a, b, (unsigned long long)c->seed);
	exit(1);
}

static bool one_in(cluster *c, uint32_t n)
{
	return below(c, n) == 0;
}

static placer_tags random_tags(cluster *c, uint32_t density)
{
	placer_tags t = {{0, 0}};
	for (uint32_t i = 0; i < 4; i++) {
		uint32_t number = i < 2 ? i : 62 + i; /* both words */
		if (one_in(c, density))
			t.bits[number / 64] |= 1ull << (number % 64);
	}
	return t;
}

void cluster_random_host(cluster *c, placer_host_spec *ret)
{
	placer_host_spec s = placer_host_blank(below(c, c->world.racks));
	s.state = one_in(c, 8) ? (placer_state)below(c, 4) : PLACER_OPEN;
	s.tags = random_tags(c, 2);
	if (one_in(c, 8))
		s.repels = random_tags(c, 3);
	s.capacity[PLACER_CPU] = 1000 * (int32_t)(1 + below(c, 16));
	s.capacity[PLACER_MEMORY] = 1024 * (int32_t)(1 + below(c, 16));
	s.capacity[PLACER_DISK] = 10000 * (int32_t)(1 + below(c, 4));
	if (one_in(c, 3))
		s.overcommit_permille[PLACER_CPU] = 500 + (int32_t)below(c, 3000);
	if (one_in(c, 3))
		s.reserve[PLACER_MEMORY] = (int32_t)below(c, 2000);
	if (one_in(c, 6))
		s.capacity[PLACER_INSTANCES] = (int32_t)below(c, 6);
	if (one_in(c, 6))
		s.capacity[PLACER_STARTS] = (int32_t)below(c, 3);
	if (one_in(c, 2))
		s.capacity[PLACER_DEVICE_0] = (int32_t)below(c, 5);
	if (one_in(c, 3))
		s.load_permille[below(c, PLACER_LOADS)] = (uint16_t)below(c, 950);
	*ret = s;
}

void cluster_random_spread(cluster *c, placer_app_spec *spec)
{
	for (int level = 0; level < PLACER_LEVELS; level++) {
		spec->spread[level] = (placer_spread){
		    .prefer = one_in(c, 2),
		    .max_skew = one_in(c, 3) ? 1 + below(c, 2) : 0,
		    .max_count = one_in(c, 5) ? 1 + below(c, 4) : 0,
		};
	}
}

static void random_app(cluster *c, placer_app_spec *ret)
{
	placer_app_spec s = {.shape = below(c, c->world.shapes),
	    .network = one_in(c, 2) ? below(c, c->world.networks) : PLACER_NONE,
	    .team = one_in(c, 2) ? below(c, REF_TEAMS) : PLACER_NONE,
	    .workload = (uint8_t)below(c, PLACER_WORKLOADS),
	    .priority = (uint8_t)below(c, 4),
	    .preemptable = one_in(c, 2),
	    .budget = below(c, 4)};
	if (one_in(c, 4))
		s.exclusive = (placer_exclusive)below(c, 4);
	if (one_in(c, 4))
		s.required = random_tags(c, 4);
	if (one_in(c, 4))
		s.forbidden = random_tags(c, 4);
	for (int i = 0; i < 2; i++)
		s.forbidden.bits[i] &= ~s.required.bits[i]; /* nothing would mend a contradiction */
	if (one_in(c, 3))
		s.preferred = random_tags(c, 2);
	if (one_in(c, 2))
		s.tolerated = random_tags(c, 2);
	cluster_random_spread(c, &s);
	*ret = s;
}

static void random_shape(cluster *c, ref_shape *ret)
{
	ref_shape s = {0};
	s.spec.need[PLACER_CPU] = 100 * (int32_t)below(c, 30);
	s.spec.need[PLACER_MEMORY] = 64 * (int32_t)(1 + below(c, 40));
	s.spec.need[PLACER_DISK] = 100 * (int32_t)below(c, 60);
	s.spec.need[PLACER_PIDS] = (int32_t)below(c, 100);
	if (one_in(c, 3))
		s.spec.need[PLACER_DEVICE_0] = (int32_t)below(c, 3);
	for (int d = 0; d < 2; d++) {
		for (uint32_t t = 0; t < c->world.slots; t++)
			s.day[d][t] = (int32_t)below(c, (uint32_t)s.spec.need[d] + 1);
	}
	if (c->world.slots && !one_in(c, 3))
		s.spec.profile = &s.day[0][0]; /* says only that there is one */
	*ret = s;
}

static void random_rule(cluster *c, placer_rule *ret)
{
	*ret = (placer_rule){.kind = (placer_rule_kind)below(c, 3),
	    .level = (placer_level)below(c, PLACER_LEVELS),
	    .a = below(c, c->world.apps),
	    .b = below(c, c->world.apps),
	    .k = below(c, 3)};
}

static void random_networks(cluster *c)
{
	ref_world *w = &c->world;
	w->networks = 1 + below(c, REF_NETWORKS);
	w->pools = w->networks + below(c, REF_POOLS - w->networks + 1);
	for (uint32_t l = 0; l < w->pools; l++) {
		w->pool[l].network = l < w->networks ? l : below(c, w->networks);
		w->pool[l].free = below(c, 12);
		for (uint32_t h = 0; h < REF_HOSTS; h++)
			w->pool[l].reach[h] = !one_in(c, 3);
	}
}

static void random_limits(cluster *c)
{
	ref_world *w = &c->world;
	for (int a = 0; a < PLACER_WORKLOADS; a++) {
		for (int b = 0; b < PLACER_WORKLOADS; b++)
			w->mixing[a][b] = one_in(c, 6) ? below(c, 4) : PLACER_NONE;
	}
	for (int t = 0; t < REF_TEAMS; t++) {
		for (int d = 0; d < PLACER_DIMS; d++)
			w->quota[t][d] = PLACER_UNLIMITED;
		if (one_in(c, 2))
			w->quota[t][PLACER_MEMORY] = (int32_t)below(c, 40000);
	}
}

void cluster_init(cluster *c, uint64_t seed)
{
	memset(c, 0, sizeof(*c));
	c->seed = seed;
	c->policy = placer_default_policy();
	sot_rand_seed(&c->rand, seed);
	ref_world *w = &c->world;
	w->slots = one_in(c, 3) ? 1 + below(c, REF_SLOTS) : 0;
	w->zones = 1 + below(c, REF_ZONES);
	w->racks = w->zones + below(c, REF_RACKS - w->zones + 1);
	w->shapes = 1 + below(c, REF_SHAPES);
	w->apps = 1 + below(c, REF_APPS);
	w->rules = one_in(c, 2) ? 0 : below(c, REF_RULES + 1);
	for (uint32_t r = 0; r < w->racks; r++)
		w->rack_zone[r] = r < w->zones ? r : below(c, w->zones);
	random_networks(c);
	random_limits(c);
	uint32_t hosts = 1 + below(c, one_in(c, 4) ? REF_HOSTS - 2 : 10);
	for (; w->hosts < hosts; w->hosts++)
		cluster_random_host(c, &w->host[w->hosts]);
	for (uint32_t i = 0; i < w->shapes; i++)
		random_shape(c, &w->shape[i]);
	for (uint32_t i = 0; i < w->apps; i++)
		random_app(c, &w->app[i]);
	for (uint32_t i = 0; i < w->rules; i++)
		random_rule(c, &w->rule[i]);
	c->placer = cluster_rebuild(w);
}

void cluster_clear(cluster *c)
{
	c->placer = placer_free(c->placer);
}

static void rebuild_fleet(const ref_world *w, placer *p)
{
	for (uint32_t i = 0; i < w->zones; i++)
		(void)placer_az_add(p);
	for (uint32_t i = 0; i < w->racks; i++)
		(void)placer_rack_add(p, w->rack_zone[i]);
	for (uint32_t i = 0; i < w->hosts; i++)
		(void)placer_host_add(p, &w->host[i]);
	for (uint32_t i = 0; i < w->networks; i++)
		(void)placer_network_add(p);
	for (uint32_t i = 0; i < w->pools; i++) {
		(void)placer_pool_add(p, w->pool[i].network, w->pool[i].free);
		for (uint32_t h = 0; h < w->hosts; h++)
			placer_pool_reach(p, i, h, w->pool[i].reach[h]);
	}
	for (int a = 0; a < PLACER_WORKLOADS; a++) {
		for (int b = 0; b < PLACER_WORKLOADS; b++)
			placer_mixing_set(p, (uint8_t)a, (uint8_t)b, w->mixing[a][b]);
	}
	for (uint32_t t = 0; t < REF_TEAMS; t++)
		placer_quota_set(p, t, w->quota[t]);
}

placer *cluster_rebuild(const ref_world *w)
{
	/* A small cache on every other world, so that classes are dropped and made again. */
	placer_config config = {.policy = placer_default_policy(),
	    .slots = w->slots,
	    .cache_bytes = w->hosts % 2 ? 1500 : 0};
	placer *p = placer_new(&config);
	rebuild_fleet(w, p);
	for (uint32_t i = 0; i < w->shapes; i++) {
		placer_shape_spec spec = w->shape[i].spec;
		int32_t day[2 * REF_SLOTS];
		for (uint32_t t = 0; t < w->slots; t++) {
			day[t] = w->shape[i].day[0][t];
			day[w->slots + t] = w->shape[i].day[1][t];
		}
		spec.profile = spec.profile ? day : NULL;
		(void)placer_shape_add(p, &spec);
	}
	for (uint32_t i = 0; i < w->apps; i++)
		(void)placer_app_add(p, &w->app[i]);
	for (uint32_t i = 0; i < w->rules; i++)
		placer_rule_add(p, &w->rule[i]);
	for (int i = 0; i < REF_INSTANCES; i++) {
		const ref_instance *n = &w->instance[i];
		if (!n->here)
			continue;
		uint32_t id = placer_put(p, n->app, n->shape, n->host);
		if (n->leaving)
			placer_leave(p, id);
	}
	return p;
}

void cluster_note_put(cluster *c, uint32_t id, bool starting, bool holding, uint32_t pool)
{
	cluster_check(c, id < REF_INSTANCES && !c->world.instance[id].here, "handle in use", id, 0);
	uint32_t app = placer_instance_app(c->placer, id);
	c->world.instance[id] = (ref_instance){.here = true,
	    .starting = starting,
	    .holding = holding,
	    .app = app,
	    .host = placer_instance_host(c->placer, id),
	    .shape = c->world.app[app].shape,
	    .pool = pool};
}

uint32_t cluster_any_instance(cluster *c)
{
	uint32_t begin = below(c, REF_INSTANCES);
	for (uint32_t i = 0; i < REF_INSTANCES; i++) {
		uint32_t id = (begin + i) % REF_INSTANCES;
		if (c->world.instance[id].here)
			return id;
	}
	return PLACER_NONE;
}
