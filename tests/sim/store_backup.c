/* A backup of the store, and what is said to it when it is put back. */
#include "store_model_internal.h"

enum { BEYOND = 1000000 }; /* as core.restored has it */

store_model *store_model_copy(const store_model *s)
{
	store_model *copy = store_model_new();
	sot_map_iter it = {0};
	const uint64_t *line;
	sot_str key;

	for (int t = 0; t < TABLES; t++) {
		const void *row;
		it = (sot_map_iter){0};
		while ((row = sot_map_next(s->tables[t].rows, &it, &key)))
			(void)sot_map_set(copy->tables[t].rows, key.p, key.n, store_model_copy_row(t, row));
	}
	it = (sot_map_iter){0};
	while ((line = sot_map_next(s->lines, &it, &key))) {
		uint64_t *mine = sot_alloc(sizeof(*mine));
		*mine = *line;
		(void)sot_map_set(copy->lines, key.p, key.n, mine);
	}
	copy->small = s->small;
	copy->elastics = s->elastics;
	copy->epoch = s->epoch;
	copy->brake = s->brake;
	copy->brakes = s->brakes;
	copy->forgets_rollouts = s->forgets_rollouts;
	return copy;
}

void store_model_say_restored(store_model *backup)
{
	sot_map_iter it = {0};
	host_row *h;

	backup->epoch += BEYOND;
	backup->holder = -1;
	backup->lease_until_ms = 0;
	while ((h = sot_map_next(backup->tables[HOSTS].rows, &it, NULL)))
		h->generation += BEYOND;
}
