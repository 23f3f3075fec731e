#include "fleet.h"

#include <stdlib.h>

enum { RACK = 40, ZONES = 3, SHAPES = 12, NETWORKS = 4, TEAMS = 20, APP_SIZE = 20 };

static const int32_t sizes[SHAPES][3] = {{500, 1024, 10}, {1000, 2048, 20}, {2000, 4096, 20},
    {2000, 8192, 40}, {4000, 8192, 40}, {4000, 16384, 80}, {8000, 16384, 80}, {8000, 32768, 100},
    {1000, 4096, 10}, {500, 2048, 10}, {3000, 6144, 30}, {6000, 12288, 60}};
static const int32_t makes[3][3] = {
    {32000, 131072, 2000}, {64000, 262144, 4000}, {96000, 393216, 4000}};

static placer_tags tag(uint32_t number)
{
	return (placer_tags){{1ull << number, 0}};
}

static void add_hosts(fleet *f)
{
	placer *p = f->placer;
	uint32_t rack = 0;

	for (uint32_t z = 0; z < ZONES; z++)
		(void)placer_az_add(p);
	for (uint32_t h = 0; h < f->hosts; h++) {
		if (h % RACK == 0)
			rack = placer_rack_add(p, h / RACK % ZONES);
		placer_host_spec s = placer_host_blank(rack);
		const int32_t *make = makes[sot_rand_below(&f->rand, 3)];
		for (int d = PLACER_CPU; d <= PLACER_DISK; d++)
			s.capacity[d] = make[d];
		s.overcommit_permille[PLACER_CPU] = 1500;
		s.reserve[PLACER_MEMORY] = 4096;
		s.capacity[PLACER_PIDS] = 100000;
		s.capacity[PLACER_INSTANCES] = 200;
		s.tags = tag((uint32_t)sot_rand_below(&f->rand, 2));
		if (sot_rand_below(&f->rand, 50) == 0)
			s.repels = tag(5); /* kept for one team */
		if (sot_rand_below(&f->rand, 100) == 0)
			s.state = PLACER_CORDONED;
		s.load_permille[0] = (uint16_t)sot_rand_below(&f->rand, 700);
		(void)placer_host_add(p, &s);
	}
}

static void add_networks(fleet *f)
{
	for (uint32_t n = 0; n < NETWORKS; n++) {
		(void)placer_network_add(f->placer);
		for (uint32_t z = 0; z < ZONES; z++) {
			uint32_t pool = placer_pool_add(f->placer, n, 1u << 24);
			for (uint32_t h = 0; h < f->hosts; h++) {
				if (h / RACK % ZONES == z)
					placer_pool_reach(f->placer, pool, h, true);
			}
		}
	}
}

static void add_apps(fleet *f, uint32_t classes)
{
	uint32_t networks = classes > 96 ? NETWORKS : 1, work = classes > 24 ? 4 : 1;

	for (int i = 0; i < SHAPES; i++) {
		placer_shape_spec s = {.need = {sizes[i][0], sizes[i][1], sizes[i][2], 50}};
		(void)placer_shape_add(f->placer, &s);
	}
	for (uint32_t a = 0; a < f->apps; a++) {
		placer_app_spec s = {.shape = (uint32_t)sot_rand_below(&f->rand, SHAPES),
		    .network = (uint32_t)sot_rand_below(&f->rand, networks),
		    .team = (uint32_t)sot_rand_below(&f->rand, TEAMS),
		    .workload = (uint8_t)sot_rand_below(&f->rand, work)};
		if (sot_rand_below(&f->rand, 2) == 0)
			s.required = tag((uint32_t)sot_rand_below(&f->rand, 2) * 0);
		s.spread[PLACER_AZ].max_skew = 1;
		s.spread[PLACER_AZ].prefer = true;
		s.spread[PLACER_RACK].prefer = true;
		s.spread[PLACER_HOST].prefer = true;
		(void)placer_app_add(f->placer, &s);
	}
	for (uint32_t a = 0; a < f->apps; a += 5) {
		placer_rule r = {.kind = PLACER_AT_MOST,
		    .level = PLACER_HOST,
		    .a = a,
		    .b = (uint32_t)sot_rand_below(&f->rand, f->apps)};
		placer_rule_add(f->placer, &r);
	}
}

static void set_limits(fleet *f)
{
	int32_t quota[PLACER_DIMS];

	for (int d = 0; d < PLACER_DIMS; d++)
		quota[d] = PLACER_UNLIMITED;
	for (uint32_t t = 0; t < TEAMS; t++)
		placer_quota_set(f->placer, t, quota);
	placer_mixing_set(f->placer, 0, 3, 30);
}

void fleet_init_empty(fleet *f, uint32_t hosts, uint32_t room, uint32_t apps, uint32_t classes)
{
	placer_config config = {.policy = placer_default_policy()};

	*f = (fleet){.hosts = hosts, .apps = apps};
	config.cache_bytes = hosts > 20000 ? (size_t)256 << 20 : 0;
	sot_rand_seed(&f->rand, 20221);
	f->placer = placer_new(&config);
	add_hosts(f);
	add_networks(f);
	add_apps(f, classes);
	set_limits(f);
	f->present = sot_alloc_array(room + 1u, sizeof(*f->present));
}

void fleet_init(fleet *f, uint32_t hosts, uint32_t instances, uint32_t classes)
{
	uint32_t apps = (instances > 20000 ? instances : 20000) / APP_SIZE;

	fleet_init_empty(f, hosts, instances, apps, classes);
	fleet_fill(f, instances);
}

void fleet_clear(fleet *f)
{
	f->placer = placer_free(f->placer);
	free(f->present);
}

uint32_t fleet_random_app(fleet *f)
{
	return (uint32_t)sot_rand_below(&f->rand, f->apps);
}

void fleet_fill(fleet *f, uint32_t count)
{
	while (count-- > 0) {
		uint32_t id;
		if (placer_place(f->placer, fleet_random_app(f), 1, &id, NULL) == 1) {
			f->present[f->present_count++] = id;
		} else {
			f->refused++;
		}
	}
}

void fleet_leave(fleet *f)
{
	if (f->present_count > 0) {
		uint32_t at = (uint32_t)sot_rand_below(&f->rand, f->present_count);
		placer_take(f->placer, f->present[at]);
		f->present[at] = f->present[--f->present_count];
	}
}

void fleet_turn(fleet *f)
{
	fleet_leave(f);
	fleet_fill(f, 1);
}
