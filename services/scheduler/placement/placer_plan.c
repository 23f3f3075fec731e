/* Moves, plans from the journal, and applying them only while they are still true. */
#include "placer_internal.h"

#include <inttypes.h>
#include <stdlib.h>

#define STARTS_BIT REASON_BIT(PLACER_REASON_DIM + PLACER_STARTS)

static bool pool_of_instance_reaches(const placer *p, const instance *i, uint32_t host_id)
{
	const pool *l = &p->pools[i->pool];
	uint32_t word = host_id / 64;

	return word < l->reach_words && (l->reach[word] >> (host_id % 64) & 1);
}

/* Chooses for an instance that was just taken. Its own address counts as left. An instance that is
 * on its way out of an app with another size now keeps its own: the class of the app decides. */
static uint32_t choose_for(placer *p, const instance *was)
{
	const app *a = &p->apps[was->app];
	bool lends = was->pool != PLACER_NONE && !was->holding && a->spec.network != PLACER_NONE;
	uint32_t host_id;

	if (lends)
		pool_hold(p, was->pool, -1);
	if (a->spec.shape == was->shape) {
		host_id = placer_choose(p, was->app);
	} else {
		placer_app_spec as_it_is = a->spec;
		as_it_is.shape = was->shape;
		placer_mark mark = placer_begin(p);
		placer_app_set(p, was->app, &as_it_is);
		host_id = placer_choose(p, was->app);
		placer_rollback(p, mark);
	}
	if (lends)
		pool_hold(p, was->pool, 1);
	return host_id;
}

/* The instance that was just taken stands on the host from now on, under its handle. */
static void put_again(placer *p, uint32_t id, instance record, uint32_t host_id)
{
	uint32_t network_id = p->apps[record.app].spec.network;

	record.host = host_id;
	record.starting = true;
	if (network_id != PLACER_NONE &&
	    (record.pool == PLACER_NONE || !pool_of_instance_reaches(p, &record, host_id))) {
		record.pool = network_pool_for(p, network_id, host_id);
		record.holding = record.pool != PLACER_NONE;
	}
	uint32_t again = instance_put(p, &record);
	assert(again == id);
	(void)again;
	(void)id;
}

void instance_move_to(placer *p, uint32_t id, uint32_t host_id)
{
	instance record = p->instances[id];

	placer_take(p, id);
	put_again(p, id, record, host_id);
}

uint32_t placer_move_instance(placer *p, uint32_t id)
{
	assert(id < p->instance_count && p->instances[id].host != PLACER_NONE);
	instance record = p->instances[id];
	placer_mark mark = placer_begin(p);

	placer_take(p, id);
	uint32_t host_id = choose_for(p, &record);
	if (host_id == PLACER_NONE || host_id == record.host) {
		placer_rollback(p, mark);
		return PLACER_NONE;
	}
	put_again(p, id, record, host_id);
	placer_keep(p, mark);
	return host_id;
}

uint32_t placer_fits_resized(placer *p, uint32_t id, uint32_t shape_id)
{
	assert(id < p->instance_count && p->instances[id].host != PLACER_NONE);
	instance was = p->instances[id];
	placer_app_spec spec = p->apps[was.app].spec;
	placer_mark mark = placer_begin(p);
	const uint32_t amounts = ((1u << PLACER_DIMS) - 1) << PLACER_REASON_DIM;

	spec.shape = shape_id;
	placer_take(p, id);
	request_class *c = class_of(p, &spec, was.app);
	uint32_t found = class_obstacles_now(p, c, was.host) & (amounts & ~STARTS_BIT);
	found |= quota_obstacle(p, was.app, shape_id);
	class_release(p, c);
	placer_rollback(p, mark);
	return found;
}

/* ---- plans ---- */

/* Remembers the version of the first time; later ones are the plan's own doing. */
#define SEE(array, count, cap, seen_id, seen_version)                                              \
	do {                                                                                           \
		size_t at_ = 0;                                                                            \
		while (at_ < (count) && (array)[at_].id != (seen_id))                                      \
			at_++;                                                                                 \
		if (at_ == (count)) {                                                                      \
			placer_seen *seen_ = PUSH(array, count, cap);                                          \
			*seen_ = (placer_seen){(seen_id), (seen_version)};                                     \
		}                                                                                          \
	} while (0)

static placer_move *move_of(placer_plan *plan, uint32_t id)
{
	for (size_t i = plan->move_count; i-- > 0;) {
		if (plan->moves[i].instance == id && plan->moves[i].to != plan->moves[i].from)
			return &plan->moves[i];
	}
	return NULL;
}

static void plan_entry(placer_plan *plan, const entry *e)
{
	placer_move *m = move_of(plan, e->id);

	if (e->kind == ENTRY_TAKE) {
		if (m && m->to == e->instance.host) {
			m->to = PLACER_NONE;
			return;
		}
		*PUSH(plan->moves, plan->move_count, plan->move_cap) = (placer_move){.instance = e->id,
		    .app = e->instance.app,
		    .shape = e->instance.shape,
		    .from = e->instance.host,
		    .to = PLACER_NONE};
		return;
	}
	if (m && m->to == PLACER_NONE && m->app == e->instance.app && m->shape == e->instance.shape) {
		m->to = e->instance.host;
		return;
	}
	*PUSH(plan->moves, plan->move_count, plan->move_cap) = (placer_move){.instance = e->id,
	    .app = e->instance.app,
	    .shape = e->instance.shape,
	    .from = PLACER_NONE,
	    .to = e->instance.host};
}

/* Instances that were made and are gone again, and moves back home, are no moves. New ones have no
 * handle yet. */
static void tidy(placer_plan *plan)
{
	size_t kept = 0;

	for (size_t i = 0; i < plan->move_count; i++) {
		placer_move m = plan->moves[i];
		if (m.from == m.to)
			continue;
		if (m.from == PLACER_NONE)
			m.instance = PLACER_NONE;
		plan->moves[kept++] = m;
	}
	plan->move_count = kept;
}

void placer_plan_take(placer *p, placer_mark mark, placer_plan *ret)
{
	*ret = (placer_plan){0};
	for (size_t i = mark; i < p->journal_count; i++) {
		const entry *e = &p->journal[i];
		if (e->kind == ENTRY_PUT || e->kind == ENTRY_TAKE)
			plan_entry(ret, e);
	}
	tidy(ret);
	placer_rollback(p, mark);
	for (size_t i = 0; i < ret->move_count; i++) {
		const placer_move *m = &ret->moves[i];
		if (m->to != PLACER_NONE)
			SEE(ret->hosts, ret->host_count, ret->host_cap, m->to, p->hosts[m->to].version);
		SEE(ret->apps, ret->app_count, ret->app_cap, m->app, p->apps[m->app].version);
	}
}

void placer_plan_clear(placer_plan *plan)
{
	free(plan->moves);
	free(plan->hosts);
	free(plan->apps);
	*plan = (placer_plan){0};
}

static sot_code check_seen(const placer *p, const placer_plan *plan, sot_err *err)
{
	for (size_t i = 0; i < plan->host_count; i++) {
		const placer_seen *seen = &plan->hosts[i];
		uint64_t now = p->hosts[seen->id].version;
		if (now != seen->version)
			return sot_fail(err, SOT_CONFLICT,
			    "host %" PRIu32 " changed since the plan was made (version %" PRIu64
			    ", now %" PRIu64 "): plan again",
			    seen->id, seen->version, now);
	}
	for (size_t i = 0; i < plan->app_count; i++) {
		const placer_seen *seen = &plan->apps[i];
		uint64_t now = p->apps[seen->id].version;
		if (now != seen->version)
			return sot_fail(err, SOT_CONFLICT,
			    "app %" PRIu32 " changed since the plan was made (version %" PRIu64 ", now %" PRIu64
			    "): plan again",
			    seen->id, seen->version, now);
	}
	return SOT_OK;
}

static void apply_move(placer *p, placer_move *m)
{
	instance record = {.app = m->app, .host = m->to, .shape = m->shape, .pool = PLACER_NONE};
	uint32_t network_id = p->apps[m->app].spec.network;

	if (m->to == PLACER_NONE) {
		placer_take(p, m->instance);
	} else if (m->instance != PLACER_NONE) {
		instance_move_to(p, m->instance, m->to);
	} else {
		record.starting = true;
		if (network_id != PLACER_NONE)
			record.pool = network_pool_for(p, network_id, m->to);
		record.holding = record.pool != PLACER_NONE;
		m->instance = instance_put(p, &record);
	}
}

sot_code placer_plan_apply(placer *p, placer_plan *plan, sot_err *err)
{
	sot_code code = check_seen(p, plan, err);

	for (size_t i = 0; code == SOT_OK && i < plan->move_count; i++)
		apply_move(p, &plan->moves[i]);
	return code;
}

/* ---- drain ---- */

static void evacuate_host(placer *p, uint32_t host_id, size_t *ret_refused)
{
	uint32_t *leaving = sot_alloc_array(p->hosts[host_id].instances + 1u, sizeof(*leaving));
	uint32_t count = 0;

	for (uint32_t i = p->hosts[host_id].first; i != PLACER_NONE; i = p->instances[i].next) {
		if (!p->instances[i].leaving)
			leaving[count++] = i;
	}
	/* The newest stand first in the list: the oldest move first. */
	while (count-- > 0) {
		if (placer_move_instance(p, leaving[count]) == PLACER_NONE)
			++*ret_refused;
	}
	free(leaving);
}

void placer_plan_evacuate(placer *p, const uint32_t *hosts, size_t host_count, placer_plan *ret)
{
	placer_mark mark = placer_begin(p);
	size_t refused = 0;

	for (size_t i = 0; i < host_count; i++) {
		if (p->hosts[hosts[i]].state == PLACER_OPEN)
			placer_host_set_state(p, hosts[i], PLACER_CORDONED);
	}
	for (size_t i = 0; i < host_count; i++) {
		size_t first = 0; /* a host that is named twice is emptied once */
		while (hosts[first] != hosts[i])
			first++;
		if (first == i)
			evacuate_host(p, hosts[i], &refused);
	}
	placer_plan_take(p, mark, ret);
	ret->refused = refused;
}
