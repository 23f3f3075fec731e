/* Where the minima of a class lie: block after block in the order in which a search reads them.
 *
 * A search asks a zone for its cheapest block outside some racks. So the blocks of a zone lie side
 * by side and are compared in lanes; those of a rack too, so that a rack is left out by one stroke.
 */
#include "placer_internal.h"

#include <stdlib.h>

void index_clear(placer *p)
{
	free(p->block_places);
	free(p->place_blocks);
	free(p->rack_places);
	free(p->place_marks);
	free(p->apart);
}

size_t index_bytes(const placer *p)
{
	return (p->block_count + p->place_count * 2u) * sizeof(uint32_t) +
	       p->rack_count * sizeof(place_range) + p->place_count * sizeof(apart_block);
}

/* Room for every block and for the padding of every zone. */
static void make_room(placer *p)
{
	size_t places = p->block_count + (size_t)p->zone_count * LANES + 1;

	index_clear(p);
	p->block_places = sot_alloc_array(p->block_count + 1u, sizeof(*p->block_places));
	p->place_blocks = sot_alloc_array(places, sizeof(*p->place_blocks));
	p->rack_places = sot_alloc_array(p->rack_count + 1u, sizeof(*p->rack_places));
	p->place_marks = sot_alloc_array(places, sizeof(*p->place_marks));
	p->apart = sot_alloc_array(places, sizeof(*p->apart));
	p->mark = 0;
}

static void count_places(placer *p)
{
	p->place_count = 0;
	for (uint32_t z = 0; z < p->zone_count; z++) {
		zone *own = &p->zones[z];
		own->first_place = p->place_count;
		own->place_count = (own->block_count + LANES - 1) / LANES * LANES;
		p->place_count += own->place_count;
	}
}

void index_refresh(placer *p)
{
	if (p->index_version == p->fleet_version)
		return;
	make_room(p);
	count_places(p);
	uint32_t *next = sot_alloc_array(p->zone_count + 1u, sizeof(*next));
	for (uint32_t z = 0; z < p->zone_count; z++)
		next[z] = p->zones[z].first_place;
	for (uint32_t i = 0; i < p->place_count; i++)
		p->place_blocks[i] = PLACER_NONE;
	for (uint32_t r = 0; r < p->rack_count; r++) {
		const rack *k = &p->racks[r];
		p->rack_places[r].first = next[k->az];
		for (uint32_t b = 0; b < k->block_count; b++) {
			p->place_blocks[next[k->az]] = k->blocks[b];
			p->rack_places[r].last = next[k->az];
			p->block_places[k->blocks[b]] = next[k->az]++;
		}
	}
	free(next);
	p->index_version = p->fleet_version;
}

uint32_t index_new_mark(placer *p)
{
	if (p->mark == UINT32_MAX) {
		for (uint32_t i = 0; i < p->place_count; i++)
			p->place_marks[i] = 0;
		p->mark = 0;
	}
	return ++p->mark;
}
