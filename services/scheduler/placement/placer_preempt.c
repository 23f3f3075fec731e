/* Room for the more important: which instances would have to leave which host. */
#include "placer_internal.h"

#include <stdlib.h>
#include <string.h>

typedef struct victim {
	uint32_t id;
	instance record;
} victim;

typedef struct victims {
	victim *items;
	uint32_t count, cap;
	uint64_t importance; /* sum of priorities */
} victims;

static bool may_leave(const placer *p, uint32_t id, uint8_t priority)
{
	const instance *i = &p->instances[id];
	const placer_app_spec *spec = &p->apps[i->app].spec;

	return !i->leaving && spec->preemptable && spec->priority < priority;
}

static uint32_t obstacles_here(placer *p, uint32_t app_id, uint32_t host_id, const ceilings *c)
{
	return class_obstacles_now(p, p->apps[app_id].class, host_id) |
	       app_obstacles(p, app_id, host_id, c);
}

/* The least important that may leave and whose app's budget is not used up by those before. */
static uint32_t next_victim(const placer *p, uint32_t host_id, uint8_t priority, const victims *v)
{
	uint32_t best = PLACER_NONE;

	for (uint32_t id = p->hosts[host_id].first; id != PLACER_NONE; id = p->instances[id].next) {
		const app *a = &p->apps[p->instances[id].app];
		uint32_t gone = a->leaving;
		for (uint32_t i = 0; i < v->count; i++)
			gone += v->items[i].record.app == p->instances[id].app;
		if (!may_leave(p, id, priority) || gone >= a->spec.budget)
			continue;
		if (best == PLACER_NONE || a->spec.priority < p->apps[p->instances[best].app].spec.priority)
			best = id;
	}
	return best;
}

/* Whoever turns out not to be in the way stays: the most important are asked first. */
static void spare(placer *p, uint32_t app_id, uint32_t host_id, const ceilings *c, victims *v)
{
	uint32_t kept = v->count;

	for (uint32_t i = v->count; i-- > 0;) {
		victim one = v->items[i];
		uint32_t back = instance_put(p, &one.record);
		if (obstacles_here(p, app_id, host_id, c) != 0) {
			placer_take(p, back);
			continue;
		}
		v->importance -= p->apps[one.record.app].spec.priority;
		memmove(&v->items[i], &v->items[i + 1], (--kept - i) * sizeof(victim));
	}
	v->count = kept;
}

/* Takes until the app fits; false when it cannot. Undone by the caller. */
static bool make_room(placer *p, uint32_t app_id, uint32_t host_id, const ceilings *c, victims *v)
{
	uint8_t priority = p->apps[app_id].spec.priority;

	v->count = 0;
	v->importance = 0;
	while (obstacles_here(p, app_id, host_id, c) != 0) {
		uint32_t id = next_victim(p, host_id, priority, v);
		if (id == PLACER_NONE)
			return false;
		*PUSH(v->items, v->count, v->cap) = (victim){id, p->instances[id]};
		v->importance += p->apps[p->instances[id].app].spec.priority;
		placer_take(p, id);
	}
	return true;
}

static bool is_better(const victims *a, const victims *b)
{
	return a->count != b->count ? a->count < b->count : a->importance < b->importance;
}

uint32_t placer_preempt(
    placer *p, uint32_t app_id, uint32_t *ret_host, uint32_t *ret_instances, uint32_t max)
{
	request_class *c = p->apps[app_id].class;
	victims own = {0}, best = {.count = max + 1};

	class_sync(p, c);
	ceilings limits = spread_ceilings(p, c, app_id);
	for (uint32_t h = 0; h < p->host_count; h++) {
		if (class_obstacles_now(p, c, h) & STATIC_REASONS)
			continue;
		placer_mark mark = placer_begin(p);
		bool fits = make_room(p, app_id, h, &limits, &own);
		if (fits)
			spare(p, app_id, h, &limits, &own);
		placer_rollback(p, mark);
		if (!fits || own.count == 0 || !is_better(&own, &best))
			continue;
		best.count = own.count;
		best.importance = own.importance;
		*ret_host = h;
		for (uint32_t i = 0; i < own.count; i++)
			ret_instances[i] = own.items[i].id;
	}
	free(own.items);
	return best.count <= max ? best.count : 0;
}
