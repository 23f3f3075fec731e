/* Classes of equal requests, each with the cost of every host, repaired from a log of changed
 * hosts.
 *
 * A decision of a class that was in use a moment ago looks only at the hosts that changed since.
 * The caches of the classes used least recently are dropped when they outgrow their budget.
 */
#include "placer_internal.h"

#include <stdlib.h>
#include <string.h>

static class_key key_of(const placer_app_spec *spec, uint32_t app_id)
{
	const uint64_t whose[] = {
	    [PLACER_SHARED] = 0,
	    [PLACER_EXCLUSIVE_APP] = app_id,
	    [PLACER_EXCLUSIVE_TEAM] = spec->team,
	    [PLACER_EXCLUSIVE_WORKLOAD] = spec->workload,
	};

	return (class_key){
	    .shape = spec->shape,
	    .network = spec->network,
	    .workload = spec->workload,
	    .exclusive = (uint64_t)spec->exclusive << 32 | whose[spec->exclusive],
	    .required = spec->required,
	    .forbidden = spec->forbidden,
	    .preferred = spec->preferred,
	    .tolerated = spec->tolerated,
	};
}

request_class *class_of(placer *p, const placer_app_spec *spec, uint32_t app_id)
{
	class_key key = key_of(spec, app_id);
	request_class *c = sot_map_get(p->classes, &key, sizeof(key));

	if (!c) {
		c = sot_alloc(sizeof(*c));
		c->key = key;
		sot_map_set(p->classes, &key, sizeof(key), c);
	}
	c->references++;
	return c;
}

static void unlink_cached(placer *p, request_class *c)
{
	*(c->newer ? &c->newer->older : &p->newest) = c->older;
	*(c->older ? &c->older->newer : &p->oldest) = c->newer;
	c->newer = c->older = NULL;
}

static void link_newest(placer *p, request_class *c)
{
	c->older = p->newest;
	*(p->newest ? &p->newest->newer : &p->oldest) = c;
	p->newest = c;
}

static void drop_cache(placer *p, request_class *c)
{
	if (!c->cells)
		return;
	unlink_cached(p, c);
	free(c->cells);
	free(c->best_cost);
	free(c->best_host);
	free(c->az_eligible);
	free(c->rack_eligible);
	free(c->zone_seen);
	c->cells = NULL;
	p->cache_used -= c->bytes;
}

void class_release(placer *p, request_class *c)
{
	if (--c->references > 0)
		return;
	drop_cache(p, c);
	sot_map_remove(p->classes, &c->key, sizeof(c->key));
	free(c);
}

static void make_cache(placer *p, request_class *c)
{
	size_t blocks = p->block_count + 1u, places = p->place_count + 1u;

	drop_cache(p, c);
	c->bytes = (blocks * BLOCK + places * 2) * sizeof(int32_t) +
	           (p->zone_count * 3u + p->rack_count + 4u) * sizeof(uint32_t);
	while (p->oldest && p->cache_used + c->bytes > p->cache_bytes)
		drop_cache(p, p->oldest);
	c->cells = sot_alloc_array(blocks * BLOCK, sizeof(*c->cells));
	c->best_cost = sot_alloc_array(places, sizeof(*c->best_cost));
	c->best_host = sot_alloc_array(places, sizeof(*c->best_host));
	c->az_eligible = sot_alloc_array(p->zone_count + 1u, sizeof(*c->az_eligible));
	c->rack_eligible = sot_alloc_array(p->rack_count + 1u, sizeof(*c->rack_eligible));
	c->zone_seen = sot_alloc_array(p->zone_count + 1u, sizeof(*c->zone_seen));
	p->cache_used += c->bytes;
	link_newest(p, c);
}

/* The cheapest host of the block, of equals the lowest handle. */
static void find_best(const placer *p, request_class *c, uint32_t block_id)
{
	const int32_t *cells = c->cells + (size_t)block_id * BLOCK;
	uint32_t place = p->block_places[block_id];
	int32_t best = CELL_VOID, at = BLOCK - 1;

	for (int32_t i = 0; i < BLOCK; i++)
		best = cells[i] < best ? cells[i] : best;
	/* Within a block handles grow with the position. */
	for (int32_t i = 0; i < BLOCK; i++) {
		int32_t own = cells[i] == best ? i : BLOCK;
		at = own < at ? own : at;
	}
	c->best_cost[place] = best;
	c->best_host[place] = p->blocks[block_id].hosts[at];
}

static void count_cell(
    const placer *p, request_class *c, uint32_t host_id, int32_t cell, uint32_t step)
{
	const host *h = &p->hosts[host_id];

	c->candidates += cell < CELL_BAD ? step : 0;
	if (!cell_is_eligible(cell))
		return;
	uint32_t *of_rack = &c->rack_eligible[key_rack(h->rack_key)];
	c->eligible_racks -= *of_rack > 0;
	*of_rack += step;
	c->eligible_racks += *of_rack > 0;
	c->az_eligible[key_az(h->rack_key)] += step;
	c->eligible += step;
}

static void look_at_zone(placer *p, request_class *c, uint32_t zone_id)
{
	const zone *z = &p->zones[zone_id];

	for (uint32_t i = 0; i < z->block_count; i++) {
		uint32_t block_id = z->blocks[i];
		int32_t *cells = c->cells + (size_t)block_id * BLOCK;
		for (int k = 0; k < BLOCK; k++) {
			uint32_t host_id = p->blocks[block_id].hosts[k];
			if (host_id == PLACER_NONE)
				break;
			count_cell(p, c, host_id, cells[k], UINT32_MAX);
			cells[k] = cell_of(p, c, host_id);
			count_cell(p, c, host_id, cells[k], 1);
		}
		find_best(p, c, block_id);
	}
}

static void look_at_all(placer *p, request_class *c)
{
	make_cache(p, c);
	c->eligible = c->eligible_racks = c->candidates = 0;
	for (size_t i = 0; i < (size_t)p->block_count * BLOCK; i++)
		c->cells[i] = CELL_VOID;
	for (uint32_t i = 0; i < p->place_count; i++)
		c->best_cost[i] = CELL_VOID; /* the padding stays so */
	for (uint32_t z = 0; z < p->zone_count; z++) {
		look_at_zone(p, c, z);
		c->zone_seen[z] = p->zones[z].log_head;
	}
}

static void set_cell(placer *p, request_class *c, change_note note, int32_t is)
{
	uint32_t block_id = note.position / BLOCK, place = p->block_places[block_id];
	int32_t was = c->cells[note.position], best = c->best_cost[place];

	if (was == is)
		return;
	if ((was < CELL_BAD) != (is < CELL_BAD) || cell_is_eligible(was) != cell_is_eligible(is)) {
		count_cell(p, c, note.host, was, UINT32_MAX);
		count_cell(p, c, note.host, is, 1);
	}
	c->cells[note.position] = is;
	if (is < best || (is == best && note.host < c->best_host[place])) {
		c->best_cost[place] = is;
		c->best_host[place] = note.host;
	} else if (was == best && c->best_host[place] == note.host) {
		find_best(p, c, block_id);
	}
}

/* Notes from *at on that no later one replaces; at most CATCH_UP. */
static uint32_t read_log(const zone *z, uint64_t *at, change_note ret[CATCH_UP])
{
	uint32_t count = 0;

	for (; *at < z->log_head && count < CATCH_UP; ++*at) {
		ret[count] = z->log[*at % LOG_SIZE];
		count += ret[count].host != PLACER_NONE;
	}
	return count;
}

static void catch_up(placer *p, request_class *c, const zone *z, uint64_t seen)
{
	change_note notes[CATCH_UP];
	int32_t cells[CATCH_UP];

	for (uint64_t at = seen; at < z->log_head;) {
		uint32_t count = read_log(z, &at, notes);
		cells_again(p, c, notes, count, seen, cells);
		for (uint32_t i = 0; i < count; i++)
			set_cell(p, c, notes[i], cells[i]);
	}
}

void class_sync_zone(placer *p, request_class *c, uint32_t zone_id)
{
	const zone *z = &p->zones[zone_id];
	uint64_t behind = z->log_head - c->zone_seen[zone_id];

	if (behind > LOG_SIZE || behind > z->hosts / 2 + 16) {
		look_at_zone(p, c, zone_id);
	} else {
		catch_up(p, c, z, c->zone_seen[zone_id]);
	}
	c->zone_seen[zone_id] = z->log_head;
}

void class_sync_all(placer *p, request_class *c)
{
	class_sync(p, c);
	for (uint32_t z = 0; z < p->zone_count; z++)
		class_sync_zone(p, c, z);
}

void class_sync(placer *p, request_class *c)
{
	uint64_t network_version = 0;

	if (p->means_stale)
		fleet_refresh_means(p);
	index_refresh(p);
	if (c->key.network != PLACER_NONE) {
		network_refresh(p, c->key.network);
		network_version = p->networks[c->key.network].version;
	}
	if (!c->cells || c->fleet_version != p->fleet_version ||
	    c->network_version != network_version) {
		look_at_all(p, c);
	} else if (c->static_version != p->static_version) {
		for (uint32_t z = 0; z < p->zone_count; z++)
			class_sync_zone(p, c, z);
	}
	if (p->newest != c) {
		unlink_cached(p, c);
		link_newest(p, c);
	}
	c->fleet_version = p->fleet_version;
	c->network_version = network_version;
	c->static_version = p->static_version;
}
