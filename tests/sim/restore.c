/* The database comes back from a backup: what was done since is forgotten by all services, and not
 * by the machines. Scheduler and ipam are in one database, so both go back to one moment. As the
 * procedure has it (docs/production.md), the services are down meanwhile; the machines carry out
 * what they were told last. */
#include "world.h"

#include <string.h>

enum {
	BACKUP_MS = 40000,
	BACKUP_WITHIN_MS = 60000,
	AGE_MS = 5000,
	AGE_WITHIN_MS = 50000,
	DOWN_MS = 20000,
	DOWN_WITHIN_MS = 20000,
};

void restore_plan(world *w)
{
	w->backup.taken_ms = BACKUP_MS + (int64_t)sim_below(w->s, BACKUP_WITHIN_MS);
	w->backup.down_ms = w->backup.taken_ms + AGE_MS + (int64_t)sim_below(w->s, AGE_WITHIN_MS);
	w->backup.back_ms = w->backup.down_ms + DOWN_MS + (int64_t)sim_below(w->s, DOWN_WITHIN_MS);
}

static void take(world *w)
{
	w->backup.store = store_model_copy(w->store);
	memcpy(w->backup.addresses, w->addresses, sizeof(w->addresses));
	w->backup.fence_epoch = w->fence_epoch;
}

static bool is_of_a_row(const world *w, const container *c)
{
	for (size_t k = 0; k < ADDRESSES; k++) {
		if (w->addresses[k].held && sot_uuid_eq(w->addresses[k].owner, c->instance_id))
			return w->addresses[k].address == c->bound;
	}
	return false;
}

/* ipam gives nothing out before every host has told what it uses: what is used and of no row is
 * suspect then. The hosts of a run tell it at once. */
static void suspect_what_is_used(world *w)
{
	for (int a = 0; a < HOSTS; a++) {
		for (size_t k = 0; k < w->agents[a].count; k++) {
			const container *c = &w->agents[a].containers[k];
			uint32_t slot = c->bound - w->addresses[0].address;
			if (c->exists && slot < ADDRESSES && !is_of_a_row(w, c))
				w->addresses[slot].is_suspect = true;
		}
	}
}

/* What was accepted since is gone, and nobody can tell: its sender asks anew if it still wants it.
 */
static void forget_requests(world *w)
{
	for (size_t k = 0; k < w->request_count; k++) {
		sent_request *r = &w->requests[k];
		if (r->accepted && !store_model_operation(w->store, r->operation_id)) {
			r->accepted = false;
			w->backup.forgotten++;
		}
	}
}

static void put_back(world *w)
{
	ipam_restart(w);
	store_model_free(w->store);
	w->store = w->backup.store;
	w->backup.store = NULL;
	if (w->plant != PLANT_UNTOLD_RESTORE)
		store_model_say_restored(w->store);
	memcpy(w->addresses, w->backup.addresses, sizeof(w->addresses));
	w->fence_epoch = w->asker.epoch = w->backup.fence_epoch;
	suspect_what_is_used(w);
	forget_requests(w);
	w->backup.is_back = true;
}

bool restore_holds_services(const world *w)
{
	return w->restores && !w->backup.is_back && sim_now(w->s).ms >= w->backup.down_ms;
}

void restore_tick(world *w)
{
	int64_t now = sim_now(w->s).ms;

	if (!w->restores || w->backup.is_back)
		return;
	if (!w->backup.store && now >= w->backup.taken_ms)
		take(w);
	for (int n = 0; n < NODES && now >= w->backup.down_ms; n++) {
		if (w->nodes[n].alive)
			node_crash(&w->nodes[n]);
	}
	if (now >= w->backup.back_ms)
		put_back(w);
}
