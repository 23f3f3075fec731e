/* Zones, racks, hosts, networks: what is there and how much of it is left. */
#include "placer_internal.h"

#include <stdlib.h>
#include <string.h>

placer_host_spec placer_host_blank(uint32_t rack_id)
{
	placer_host_spec spec = {.rack = rack_id,
	    .load_permille = {PLACER_LOAD_UNKNOWN, PLACER_LOAD_UNKNOWN, PLACER_LOAD_UNKNOWN}};

	spec.capacity[PLACER_PIDS] = PLACER_UNLIMITED;
	spec.capacity[PLACER_INSTANCES] = PLACER_UNLIMITED;
	spec.capacity[PLACER_STARTS] = PLACER_UNLIMITED;
	return spec;
}

uint32_t placer_az_add(placer *p)
{
	assert(p->zone_count < ZONES_MAX);
	*PUSH(p->zones, p->zone_count, p->zone_cap) =
	    (zone){.log = sot_alloc_array(LOG_SIZE, sizeof(change_note))};
	uint32_t old = p->zone_scratch_cap;
	p->zone_order = sot_grow_array(p->zone_order, old, p->zone_cap, sizeof(uint32_t));
	p->zone_rank = sot_grow_array(p->zone_rank, old, p->zone_cap, sizeof(uint32_t));
	p->zone_scratch_cap = p->zone_cap;
	p->fleet_version++;
	return p->zone_count - 1;
}

uint32_t placer_rack_add(placer *p, uint32_t az)
{
	assert(az < p->zone_count && p->rack_count < RACKS_MAX);
	*PUSH(p->racks, p->rack_count, p->rack_cap) = (rack){.az = az, .fill = BLOCK};
	p->fleet_version++;
	return p->rack_count - 1;
}

static void add_block(placer *p, uint32_t rack_id)
{
	rack *r = &p->racks[rack_id];
	zone *z = &p->zones[r->az];
	block *b = PUSH(p->blocks, p->block_count, p->block_cap);

	for (int i = 0; i < BLOCK; i++)
		b->hosts[i] = PLACER_NONE;
	*PUSH(r->blocks, r->block_count, r->block_cap) = p->block_count - 1;
	*PUSH(z->blocks, z->block_count, z->block_cap) = p->block_count - 1;
	r->fill = 0;
}

/* The zone's sums hold the open hosts only. */
static void account_zone(placer *p, const host *h, int sign)
{
	zone *z = &p->zones[key_az(h->rack_key)];

	if (h->state != PLACER_OPEN)
		return;
	for (int d = PLACER_CPU; d <= PLACER_MEMORY; d++) {
		z->free[d] += (int64_t)sign * h->free[d];
		z->limit[d] += (int64_t)sign * h->limit[d];
	}
}

static void account_totals(placer *p, const host *h, int sign)
{
	if (h->state == PLACER_ABSENT)
		return;
	p->present += (uint32_t)sign;
	for (int d = 0; d < PLACER_DIMS; d++) {
		p->total[d] += (int64_t)sign * h->limit[d];
		p->having[d] += h->limit[d] > 0 ? (uint32_t)sign : 0;
	}
}

void fleet_refresh_means(placer *p)
{
	for (int d = 0; d < PLACER_DIMS; d++) {
		bool scarce = d >= PLACER_DEVICE_0 && p->having[d] < p->present;
		bool plays = p->total[d] > 0 && (d <= PLACER_MEMORY || scarce);
		p->per_mean[d] = plays ? (float)((double)p->having[d] / (double)p->total[d]) : 0;
	}
	p->means_stale = false;
}

static int32_t limit_of(const placer_host_spec *spec, int dim)
{
	int64_t ratio = spec->overcommit_permille[dim] ? spec->overcommit_permille[dim] : 1000;
	int64_t given = (int64_t)spec->capacity[dim] - spec->reserve[dim];
	int64_t limit = (given > 0 ? given : 0) * ratio / 1000;

	return limit < PLACER_UNLIMITED ? (int32_t)limit : PLACER_UNLIMITED;
}

static uint16_t worst_load(const uint16_t permille[PLACER_LOADS])
{
	uint16_t worst = 0;

	for (int i = 0; i < PLACER_LOADS; i++) {
		if (permille[i] != PLACER_LOAD_UNKNOWN && permille[i] > worst)
			worst = permille[i];
	}
	return worst;
}

void host_apply_spec(placer *p, uint32_t id, const placer_host_spec *spec)
{
	host *h = &p->hosts[id];
	bool resized = (h->state == PLACER_ABSENT) != (spec->state == PLACER_ABSENT);

	account_zone(p, h, -1);
	account_totals(p, h, -1);
	for (int d = 0; d < PLACER_DIMS; d++) {
		int32_t limit = limit_of(spec, d);
		resized = resized || limit != h->limit[d];
		h->free[d] += limit - h->limit[d];
		h->limit[d] = limit;
	}
	bool settled = h->state != (uint16_t)spec->state ||
	               memcmp(&h->tags, &spec->tags, sizeof(h->tags)) != 0 ||
	               memcmp(&h->repels, &spec->repels, sizeof(h->repels)) != 0;
	p->static_version += settled;
	h->spec = *spec;
	h->state = (uint16_t)spec->state;
	h->tags = spec->tags;
	h->repels = spec->repels;
	h->load_permille = worst_load(spec->load_permille);
	account_totals(p, h, 1);
	account_zone(p, h, 1);
	if (p->slots)
		h->load_cost = cost_load_of(p, h);
	if (resized) {
		p->means_stale = true;
		p->fleet_version++;
	}
	host_changed(p, id, settled);
}

void host_changed(placer *p, uint32_t host_id, bool settled)
{
	host *h = &p->hosts[host_id];
	zone *z = &p->zones[key_az(h->rack_key)];

	h->version++;
	change_note *last = &z->log[h->logged % LOG_SIZE];
	if (last->host == host_id)
		last->host = PLACER_NONE; /* read once, where it stands last */
	h->logged = z->log_head;
	if (settled)
		h->settled_at = z->log_head;
	z->log[z->log_head++ % LOG_SIZE] = (change_note){host_id, h->position};
}

/* Hosts lie on cache lines. */
static void set_host_room(placer *p, uint32_t cap)
{
	host *grown = aligned_alloc(CACHE_LINE, cap * sizeof(host));

	if (!grown)
		abort();
	if (p->host_count > 0)
		memcpy(grown, p->hosts, p->host_count * sizeof(host));
	free(p->hosts);
	p->hosts = grown;
	p->host_cap = cap;
}

static host *new_host(placer *p)
{
	if (p->host_count == p->host_cap)
		set_host_room(p, p->host_cap ? p->host_cap * 2 : 8);
	return &p->hosts[p->host_count++];
}

void placer_reserve(placer *p, uint32_t hosts, uint32_t instances)
{
	if (hosts > p->host_cap)
		set_host_room(p, hosts);
	if (instances > p->instance_cap) {
		p->instances = sot_resize_array(p->instances, instances, sizeof(*p->instances));
		p->instance_cap = instances;
	}
}

uint32_t placer_host_add(placer *p, const placer_host_spec *spec)
{
	assert(spec->rack < p->rack_count);
	rack *r = &p->racks[spec->rack];
	uint32_t id = p->host_count;

	if (r->fill == BLOCK)
		add_block(p, spec->rack);
	uint32_t block_id = r->blocks[r->block_count - 1];
	*new_host(p) = (host){.state = PLACER_ABSENT,
	    .rack_key = rack_key_of(r->az, spec->rack),
	    .position = block_id * BLOCK + r->fill,
	    .first = PLACER_NONE};
	p->blocks[block_id].hosts[r->fill++] = id;
	p->zones[r->az].hosts++;
	if (p->slots)
		p->hosts[id].used = sot_alloc_array((size_t)p->lanes * 2, sizeof(int32_t));
	(void)journal_add(p, ENTRY_HOST_ADD, id, id);
	host_apply_spec(p, id, spec);
	p->fleet_version++;
	return id;
}

void placer_host_set(placer *p, uint32_t id, const placer_host_spec *spec)
{
	assert(id < p->host_count && spec->rack == p->hosts[id].spec.rack);
	entry *e = journal_add(p, ENTRY_HOST, id, id);

	if (e) {
		e->spec = sot_alloc(sizeof(*spec));
		memcpy(e->spec, &p->hosts[id].spec, sizeof(*spec));
	}
	host_apply_spec(p, id, spec);
}

void placer_host_set_state(placer *p, uint32_t id, placer_state state)
{
	placer_host_spec spec = *placer_host_spec_of(p, id);

	if (spec.state == state)
		return;
	spec.state = state;
	placer_host_set(p, id, &spec);
}

void placer_host_set_load(placer *p, uint32_t id, const uint16_t permille[PLACER_LOADS])
{
	placer_host_spec spec = *placer_host_spec_of(p, id);

	if (memcmp(spec.load_permille, permille, sizeof(spec.load_permille)) == 0)
		return;
	memcpy(spec.load_permille, permille, sizeof(spec.load_permille));
	uint64_t version = p->hosts[id].version;
	placer_host_set(p, id, &spec);
	p->hosts[id].version = version; /* a new sample makes no plan untrue */
}

/* Adds the shape to the day of the host and finds the new peaks. */
static void book_day(placer *p, host *h, const shape *s, int sign)
{
	for (uint32_t d = PLACER_CPU; d <= PLACER_MEMORY; d++) {
		int32_t *used = h->used + (size_t)d * p->lanes, peak = 0;
		const int32_t *more = s->profile ? s->profile + (size_t)d * p->lanes : NULL;
		for (uint32_t t = 0; t < p->slots; t++) {
			used[t] += sign * (more ? more[t] : s->need[d]);
			peak = used[t] > peak ? used[t] : peak;
		}
		h->free[d] = h->limit[d] - peak;
	}
}

void host_book(placer *p, host *h, const shape *s, int sign)
{
	account_zone(p, h, -1);
	for (int d = 0; d < PLACER_DIMS; d++) {
		if (d != PLACER_STARTS && !(p->slots && d <= PLACER_MEMORY))
			h->free[d] -= sign * s->need[d];
	}
	if (p->slots) {
		book_day(p, h, s, sign);
		h->load_cost = cost_load_of(p, h);
	}
	account_zone(p, h, 1);
}

const placer_host_spec *placer_host_spec_of(const placer *p, uint32_t id)
{
	assert(id < p->host_count);
	return &p->hosts[id].spec;
}

int32_t placer_host_free(const placer *p, uint32_t id, placer_dim dim)
{
	assert(id < p->host_count);
	return p->hosts[id].free[dim];
}

uint32_t placer_host_instances(const placer *p, uint32_t id)
{
	assert(id < p->host_count);
	return p->hosts[id].instances;
}

uint32_t placer_host_count(const placer *p)
{
	return p->host_count;
}

void placer_mixing_set(placer *p, uint8_t a, uint8_t b, uint32_t k)
{
	assert(a < PLACER_WORKLOADS && b < PLACER_WORKLOADS && p->open_marks == 0);
	p->mixing[a][b] = k;
	memset(p->mixing_with, 0, sizeof(p->mixing_with));
	for (int one = 0; one < PLACER_WORKLOADS; one++) {
		for (int other = 0; other < PLACER_WORKLOADS; other++) {
			if (p->mixing[one][other] == PLACER_NONE)
				continue;
			p->mixing_with[one] |= 1u << other;
			p->mixing_with[other] |= 1u << one;
		}
	}
	p->fleet_version++;
}

/* ---- networks ---- */

uint32_t placer_network_add(placer *p)
{
	*PUSH(p->networks, p->network_count, p->network_cap) = (network){0};
	return p->network_count - 1;
}

uint32_t placer_pool_add(placer *p, uint32_t network_id, uint32_t free_count)
{
	assert(network_id < p->network_count && p->open_marks == 0);
	network *n = &p->networks[network_id];

	*PUSH(p->pools, p->pool_count, p->pool_cap) = (pool){.network = network_id, .free = free_count};
	*PUSH(n->pools, n->pool_count, n->pool_cap) = p->pool_count - 1;
	n->version++;
	return p->pool_count - 1;
}

static bool has_address(const pool *l)
{
	return l->free > l->held;
}

void placer_pool_set_free(placer *p, uint32_t id, uint32_t free_count)
{
	assert(id < p->pool_count && p->open_marks == 0);
	pool *l = &p->pools[id];
	bool had = has_address(l);

	l->free = free_count;
	p->networks[l->network].version += had != has_address(l);
}

void pool_hold(placer *p, uint32_t id, int sign)
{
	if (id == PLACER_NONE)
		return;
	pool *l = &p->pools[id];
	bool had = has_address(l);

	l->held += sign;
	p->networks[l->network].version += had != has_address(l);
}

void placer_pool_reach(placer *p, uint32_t id, uint32_t host_id, bool reaches)
{
	assert(id < p->pool_count && host_id < p->host_count && p->open_marks == 0);
	pool *l = &p->pools[id];
	uint32_t word = host_id / 64;

	if (word >= l->reach_words) {
		uint32_t words = p->host_cap / 64 + 1;
		l->reach = sot_grow_array(l->reach, l->reach_words, words, sizeof(*l->reach));
		l->reach_words = words;
	}
	uint64_t bit = 1ull << (host_id % 64);
	l->reach[word] = reaches ? l->reach[word] | bit : l->reach[word] & ~bit;
	p->networks[l->network].version++;
}

uint32_t placer_pool_free(const placer *p, uint32_t id)
{
	assert(id < p->pool_count);
	return has_address(&p->pools[id]) ? (uint32_t)(p->pools[id].free - p->pools[id].held) : 0;
}

static bool pool_reaches(const pool *l, uint32_t host_id)
{
	uint32_t word = host_id / 64;
	return word < l->reach_words && (l->reach[word] >> (host_id % 64) & 1);
}

void network_refresh(placer *p, uint32_t network_id)
{
	network *n = &p->networks[network_id];

	if (n->known_version == n->version && n->by_host_count >= p->host_count)
		return;
	n->by_host = sot_grow_array(n->by_host, n->by_host_count, p->host_cap, sizeof(uint8_t));
	n->by_host_count = p->host_cap;
	memset(n->by_host, ADDRESS_OUT_OF_REACH, n->by_host_count);
	for (uint32_t i = 0; i < n->pool_count; i++) {
		const pool *l = &p->pools[n->pools[i]];
		uint8_t state = has_address(l) ? ADDRESS_LEFT : ADDRESS_NONE_LEFT;
		for (uint32_t h = 0; h < p->host_count; h++) {
			if (pool_reaches(l, h) && n->by_host[h] < state)
				n->by_host[h] = state;
		}
	}
	n->known_version = n->version;
}

uint32_t network_pool_for(const placer *p, uint32_t network_id, uint32_t host_id)
{
	const network *n = &p->networks[network_id];
	uint32_t best = PLACER_NONE;

	for (uint32_t i = 0; i < n->pool_count; i++) {
		uint32_t id = n->pools[i];
		if (pool_reaches(&p->pools[id], host_id) && has_address(&p->pools[id]) &&
		    (best == PLACER_NONE || placer_pool_free(p, id) > placer_pool_free(p, best)))
			best = id;
	}
	return best;
}
