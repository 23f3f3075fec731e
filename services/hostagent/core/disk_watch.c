#include "disk_watch.h"

#include <stdlib.h>
#include <string.h>

#include "sot_map.h"
#include "sot_mem.h"

enum { AGAIN_MS = 6000 }; /* after which who is over is due again */

typedef struct usage {
	uint64_t bytes;
	bool is_over, was_seen; /* was_seen: in this round */
	sot_mono at;            /* of the last look */
} usage;

struct disk_watch {
	sot_map *usages; /* instance id -> usage */
	unsigned over;
	bool was_again; /* the last look was for one that is over */
};

disk_watch *disk_watch_new(void)
{
	disk_watch *w = sot_alloc(sizeof(*w));
	w->usages = sot_map_new();
	return w;
}

disk_watch *disk_watch_free(disk_watch *w)
{
	sot_map_iter it = {0};
	if (!w)
		return NULL;
	for (usage *u; (u = sot_map_next(w->usages, &it, NULL)) != NULL;)
		free(u);
	w->usages = sot_map_free(w->usages);
	free(w);
	return NULL;
}

static usage *usage_of(disk_watch *w, sot_uuid id)
{
	usage *u = sot_map_get_uuid(w->usages, id);
	if (!u) {
		u = sot_alloc(sizeof(*u));
		(void)sot_map_set_uuid(w->usages, id, u);
	}
	return u;
}

static void begin_round(disk_watch *w, const reconcile *r)
{
	sot_map_iter it = {0};
	sot_str key;
	for (usage *u; (u = sot_map_next(w->usages, &it, &key)) != NULL;) {
		sot_uuid id;
		memcpy(id.b, key.p, sizeof(id.b));
		u->was_seen = false;
		if (reconcile_find(r, id))
			continue;
		w->over -= u->is_over;
		(void)sot_map_remove_uuid(w->usages, id);
		free(u);
	}
}

/* Of those that are over and due again the one that waits longest. */
static bool next_again(const disk_watch *w, const reconcile *r, sot_mono now, sot_uuid *ret_id)
{
	sot_map_iter it = {0};
	sot_str key;
	int64_t longest = AGAIN_MS - 1;
	bool is_found = false;
	if (w->over == 0)
		return false;
	for (const usage *u; (u = sot_map_next(w->usages, &it, &key)) != NULL;) {
		sot_uuid id;
		int64_t waits_ms = sot_mono_diff_ms(now, u->at);
		if (!u->is_over || waits_ms <= longest)
			continue;
		memcpy(id.b, key.p, sizeof(id.b));
		if (!reconcile_find(r, id))
			continue;
		longest = waits_ms;
		*ret_id = id;
		is_found = true;
	}
	return is_found;
}

bool disk_watch_next(disk_watch *w, const reconcile *r, sot_mono now, sot_uuid *ret_id)
{
	sot_map_iter it = {0};
	w->was_again = !w->was_again && next_again(w, r, now, ret_id);
	if (w->was_again)
		return true;
	for (const instance *i; (i = reconcile_iterate(r, &it)) != NULL;) {
		sot_uuid id = instance_want(i)->spec.instance_id;
		const usage *u = sot_map_get_uuid(w->usages, id);
		if (u && u->was_seen)
			continue;
		usage_of(w, id)->was_seen = true;
		*ret_id = id;
		return true;
	}
	begin_round(w, r);
	return false;
}

disk_verdict disk_watch_judge(
    disk_watch *w, sot_uuid id, uint64_t bytes, uint64_t plan_bytes, sot_mono now)
{
	usage *u = usage_of(w, id);
	bool was_over = u->is_over;
	u->bytes = bytes;
	u->at = now;
	u->is_over = plan_bytes > 0 && bytes > plan_bytes;
	w->over = w->over - was_over + u->is_over;
	return (disk_verdict){u->is_over, u->is_over != was_over, u->is_over && was_over};
}

uint64_t disk_watch_used(const disk_watch *w, sot_uuid id)
{
	const usage *u = sot_map_get_uuid(w->usages, id);
	return u ? u->bytes : 0;
}

unsigned disk_watch_over(const disk_watch *w)
{
	return w->over;
}
