/* fleet - the cluster of the speed figures: hosts of three makes in three zones and racks of 40,
 * apps of mixed sizes with tags, networks, rules, quotas; all by a seed. */
#ifndef BENCH_PLACEMENT_FLEET_H
#define BENCH_PLACEMENT_FLEET_H

#include "placer.h"
#include "sot_rand.h"

typedef struct fleet {
	placer *placer;
	sot_rand rand;
	uint32_t hosts, apps;
	uint32_t *present; /* handles of what stands, in random order of age */
	uint32_t present_count;
	uint32_t refused;
} fleet;

/* With room for so many instances, and none of them. `classes` in {24, 96, 288}: how many kinds of
 * requests differ in size, tags, network or work. */
void fleet_init_empty(fleet *f, uint32_t hosts, uint32_t room, uint32_t apps, uint32_t classes);
/* With so many instances, of apps of 20 each. */
void fleet_init(fleet *f, uint32_t hosts, uint32_t instances, uint32_t classes);
void fleet_clear(fleet *f);
/* Room in f->present for `count` and random apps' instances placed one by one. */
void fleet_fill(fleet *f, uint32_t count);
/* One random departure. */
void fleet_leave(fleet *f);
/* One random departure, one request of a random app. */
void fleet_turn(fleet *f);
uint32_t fleet_random_app(fleet *f);

#endif
