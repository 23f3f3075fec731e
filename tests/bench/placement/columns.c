/* The floor that the index must beat: an exact vectorised full scan over plain columns. */
#include "columns.h"

#include "sot_mem.h"

#include <stdlib.h>

struct columns {
	uint32_t hosts;
	int32_t *left[COLUMN_DIMS];
	uint32_t *tags, *zone;
	int32_t *cost;
};

columns *columns_new(const placer *p, uint32_t hosts)
{
	columns *c = sot_alloc(sizeof(*c));

	c->hosts = hosts;
	c->tags = sot_alloc_array(hosts, sizeof(*c->tags));
	c->zone = sot_alloc_array(hosts, sizeof(*c->zone));
	c->cost = sot_alloc_array(hosts, sizeof(*c->cost));
	for (int d = 0; d < COLUMN_DIMS; d++)
		c->left[d] = sot_alloc_array(hosts, sizeof(int32_t));
	for (uint32_t h = 0; h < hosts; h++) {
		const placer_host_spec *s = placer_host_spec_of(p, h);
		/* What may not be used at all lacks the tag that everything asks for. */
		bool open = s->state == PLACER_OPEN && s->repels.bits[0] == 0;
		c->tags[h] = (uint32_t)s->tags.bits[0] << 1 | open;
		c->zone[h] = s->rack % 3;
		for (int d = 0; d < COLUMN_DIMS; d++)
			c->left[d][h] = placer_host_free(p, h, (placer_dim)d);
	}
	return c;
}

columns *columns_free(columns *c)
{
	for (int d = 0; d < COLUMN_DIMS; d++)
		free(c->left[d]);
	free(c->tags);
	free(c->zone);
	free(c->cost);
	free(c);
	return NULL;
}

uint32_t columns_place(columns *c, const int32_t need[COLUMN_DIMS], uint32_t tags, uint32_t zone)
{
	int32_t best = INT32_MAX;
	uint32_t want = tags << 1 | 1;
	const int32_t *cpu = c->left[0], *memory = c->left[1], *disk = c->left[2], *pids = c->left[3];

	for (uint32_t h = 0; h < c->hosts; h++) {
		int32_t misses = (cpu[h] < need[0]) | (memory[h] < need[1]) | (disk[h] < need[2]) |
		                 (pids[h] < need[3]) | ((c->tags[h] & want) != want) | (c->zone[h] != zone);
		int32_t cost = (cpu[h] - need[0]) / 16 + (memory[h] - need[1]) / 64;
		cost = misses ? INT32_MAX : cost;
		c->cost[h] = cost;
		best = cost < best ? cost : best;
	}
	if (best == INT32_MAX)
		return PLACER_NONE;
	uint32_t at = 0;
	while (c->cost[at] != best)
		at++;
	for (int d = 0; d < COLUMN_DIMS; d++)
		c->left[d][at] -= need[d];
	return at;
}

void columns_take(columns *c, uint32_t host, const int32_t need[COLUMN_DIMS])
{
	for (int d = 0; d < COLUMN_DIMS; d++)
		c->left[d][host] += need[d];
}
