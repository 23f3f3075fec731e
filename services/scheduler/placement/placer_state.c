/* What stands where, the journal that takes it back, and the placer's life. */
#include "placer_internal.h"

#include <stdlib.h>

placer *placer_new(const placer_config *config)
{
	placer *p = sot_alloc(sizeof(*p));

	p->policy = config->policy;
	p->slots = config->slots;
	p->lanes = (config->slots + LANES - 1) / LANES * LANES;
	p->cache_bytes = config->cache_bytes ? config->cache_bytes : (size_t)32 << 20;
	p->classes = sot_map_new();
	p->free_instance = p->free_app = PLACER_NONE;
	for (int a = 0; a < PLACER_WORKLOADS; a++) {
		for (int b = 0; b < PLACER_WORKLOADS; b++)
			p->mixing[a][b] = PLACER_NONE;
	}
	return p;
}

static void free_parts(placer *p)
{
	for (uint32_t i = 0; i < p->app_count; i++) {
		if (p->apps[i].class)
			class_release(p, p->apps[i].class);
		for (int level = 0; level < PLACER_LEVELS; level++)
			tally_clear(&p->apps[i].domains[level]);
		free(p->apps[i].rules);
	}
	for (uint32_t i = 0; i < p->host_count; i++) {
		tally_clear(&p->hosts[i].apps);
		free(p->hosts[i].used);
	}
	for (uint32_t i = 0; i < p->rack_count; i++)
		free(p->racks[i].blocks);
	for (uint32_t i = 0; i < p->zone_count; i++) {
		free(p->zones[i].blocks);
		free(p->zones[i].log);
	}
	for (uint32_t i = 0; i < p->shape_count; i++)
		free(p->shapes[i].profile);
	for (uint32_t i = 0; i < p->network_count; i++) {
		free(p->networks[i].pools);
		free(p->networks[i].by_host);
	}
	for (uint32_t i = 0; i < p->pool_count; i++)
		free(p->pools[i].reach);
}

placer *placer_free(placer *p)
{
	if (!p)
		return NULL;
	assert(p->open_marks == 0);
	free_parts(p);
	void *arrays[] = {p->hosts, p->racks, p->zones, p->blocks, p->shapes, p->apps, p->instances,
	    p->networks, p->pools, p->teams, p->rules, p->journal, p->zone_order, p->zone_rank};
	for (size_t i = 0; i < sizeof(arrays) / sizeof(arrays[0]); i++)
		free(arrays[i]);
	index_clear(p);
	p->classes = sot_map_free(p->classes);
	free(p);
	return NULL;
}

static size_t tallies_bytes(const placer *p)
{
	size_t items = 0;

	for (uint32_t i = 0; i < p->app_count; i++) {
		for (int level = 0; level < PLACER_LEVELS; level++)
			items += tally_room(&p->apps[i].domains[level]);
	}
	for (uint32_t i = 0; i < p->host_count; i++)
		items += tally_room(&p->hosts[i].apps);
	return items * sizeof(uint32_t);
}

size_t placer_memory_bytes(const placer *p)
{
	size_t days = (size_t)p->lanes * 2 * sizeof(int32_t), bytes = sizeof(*p);

	bytes += p->host_cap * sizeof(host) + p->host_count * days;
	bytes += p->block_cap * sizeof(block) + index_bytes(p);
	bytes += p->rack_cap * sizeof(rack) + p->zone_cap * sizeof(zone);
	bytes += p->zone_count * LOG_SIZE * sizeof(change_note);
	bytes += p->shape_cap * sizeof(shape) + p->app_cap * sizeof(app);
	for (uint32_t i = 0; i < p->shape_count; i++)
		bytes += p->shapes[i].profile ? days : 0;
	for (uint32_t i = 0; i < p->app_count; i++)
		bytes += p->apps[i].rule_cap * sizeof(uint32_t);
	for (uint32_t i = 0; i < p->pool_count; i++)
		bytes += p->pools[i].reach_words * sizeof(uint64_t);
	for (uint32_t i = 0; i < p->network_count; i++)
		bytes += p->networks[i].by_host_count;
	bytes += p->instance_cap * sizeof(instance) + p->rule_cap * sizeof(placer_rule);
	bytes += p->journal_cap * sizeof(entry) + sot_map_count(p->classes) * sizeof(request_class);
	return bytes + p->cache_used + tallies_bytes(p);
}

/* ---- instances ---- */

/* What the residents of a host share, kept through puts and takes. Facts may break the rule (two
 * owners on one exclusive host): such a host admits nobody until it is one owner's again. */
static void account_company(placer *p, host *h, uint64_t own, int sign)
{
	if (h->instances == 0) {
		h->exclusive = 0;
	} else if (sign > 0) {
		h->exclusive = h->instances == 1 || h->exclusive == own ? own : EXCLUSIVE_BROKEN;
	} else if (h->exclusive == EXCLUSIVE_BROKEN) {
		h->exclusive = p->apps[h->apps.keys[0]].class->key.exclusive;
		for (uint32_t i = 1; i < h->apps.count; i++) {
			if (p->apps[h->apps.keys[i]].class->key.exclusive != h->exclusive)
				h->exclusive = EXCLUSIVE_BROKEN;
		}
	}
}

/* The counters that follow from an instance being on its host; sign -1 takes them back. */
static void account(placer *p, const instance *i, int sign)
{
	app *a = &p->apps[i->app];
	host *h = &p->hosts[i->host];
	int32_t leaving = i->leaving ? sign : 0;

	__builtin_prefetch(h->apps.keys);
	for (int level = 0; level < PLACER_LEVELS; level++)
		tally_add(&a->domains[level], host_domain(p, i->host, (placer_level)level), sign, leaving);
	a->leaving += (uint32_t)leaving;
	tally_add(&h->apps, i->app, sign, leaving);
	h->workloads[a->spec.workload] += (uint32_t)sign;
	h->instances += (uint32_t)sign;
	account_company(p, h, a->class->key.exclusive, sign);
	h->free[PLACER_STARTS] -= i->starting ? sign : 0;
	host_book(p, h, &p->shapes[i->shape], sign);
	quota_book(p, i->app, i->shape, sign);
	pool_hold(p, i->holding ? i->pool : PLACER_NONE, sign);
	a->version++;
	host_changed(p, i->host, false);
}

static void link_after(placer *p, uint32_t id, uint32_t prev, uint32_t next)
{
	host *h = &p->hosts[p->instances[id].host];

	*(prev == PLACER_NONE ? &h->first : &p->instances[prev].next) = id;
	if (next != PLACER_NONE)
		p->instances[next].prev = id;
	p->instances[id].prev = prev;
	p->instances[id].next = next;
}

static uint32_t new_instance(placer *p)
{
	uint32_t id = p->free_instance;

	if (id == PLACER_NONE) {
		(void)PUSH(p->instances, p->instance_count, p->instance_cap);
		return p->instance_count - 1;
	}
	p->free_instance = p->instances[id].next;
	return id;
}

uint32_t instance_put(placer *p, const instance *record)
{
	uint32_t id = new_instance(p);
	entry *e = journal_add(p, ENTRY_PUT, id, record->host);

	if (e)
		e->instance = *record;
	p->instances[id] = *record;
	link_after(p, id, PLACER_NONE, p->hosts[record->host].first);
	account(p, &p->instances[id], 1);
	return id;
}

uint32_t placer_put(placer *p, uint32_t app_id, uint32_t shape_id, uint32_t host_id)
{
	assert(app_id < p->app_count && shape_id < p->shape_count && host_id < p->host_count);
	instance record = {.app = app_id, .host = host_id, .shape = shape_id, .pool = PLACER_NONE};
	return instance_put(p, &record);
}

static void instance_remove(placer *p, uint32_t id)
{
	instance *i = &p->instances[id];

	account(p, i, -1);
	*(i->prev == PLACER_NONE ? &p->hosts[i->host].first : &p->instances[i->prev].next) = i->next;
	if (i->next != PLACER_NONE)
		p->instances[i->next].prev = i->prev;
	i->host = PLACER_NONE;
	i->next = p->free_instance;
	p->free_instance = id;
}

static instance *standing(placer *p, uint32_t id)
{
	assert(id < p->instance_count && p->instances[id].host != PLACER_NONE);
	return &p->instances[id];
}

void placer_take(placer *p, uint32_t id)
{
	instance *i = standing(p, id);

	(void)journal_add(p, ENTRY_TAKE, id, i->host);
	instance_remove(p, id);
}

static void change(placer *p, uint32_t id, instance next)
{
	instance *i = standing(p, id);

	(void)journal_add(p, ENTRY_CHANGE, id, i->host);
	account(p, i, -1);
	*i = next;
	account(p, i, 1);
}

void placer_leave(placer *p, uint32_t id)
{
	instance next = *standing(p, id);

	next.leaving = true;
	if (!p->instances[id].leaving)
		change(p, id, next);
}

void placer_started(placer *p, uint32_t id)
{
	instance next = *standing(p, id);

	next.starting = false;
	if (p->instances[id].starting)
		change(p, id, next);
}

void placer_addressed(placer *p, uint32_t id)
{
	instance next = *standing(p, id);

	next.holding = false;
	if (p->instances[id].holding)
		change(p, id, next);
}

void placer_address_is_of(placer *p, uint32_t id, uint32_t pool_id)
{
	instance next = *standing(p, id);

	assert(pool_id < p->pool_count);
	next.pool = pool_id;
	next.holding = false;
	change(p, id, next);
}

void placer_resize(placer *p, uint32_t id, uint32_t shape_id)
{
	instance next = *standing(p, id);

	assert(shape_id < p->shape_count);
	next.shape = shape_id;
	if (p->instances[id].shape != shape_id)
		change(p, id, next);
}

uint32_t placer_instance_host(const placer *p, uint32_t id)
{
	assert(id < p->instance_count);
	return p->instances[id].host;
}

uint32_t placer_instance_app(const placer *p, uint32_t id)
{
	assert(id < p->instance_count);
	return p->instances[id].app;
}

bool placer_instance_holds(const placer *p, uint32_t id, uint32_t *ret_pool)
{
	assert(id < p->instance_count && p->instances[id].host != PLACER_NONE);
	*ret_pool = p->instances[id].pool;
	return p->instances[id].holding;
}

/* ---- journal ---- */

entry *journal_add(placer *p, entry_kind kind, uint32_t id, uint32_t host_id)
{
	if (p->open_marks == 0)
		return NULL;
	entry *e = PUSH(p->journal, p->journal_count, p->journal_cap);
	*e = (entry){.kind = kind, .id = id, .host = host_id};
	if (kind == ENTRY_TAKE || kind == ENTRY_CHANGE)
		e->instance = p->instances[id];
	if (host_id != PLACER_NONE)
		e->version = p->hosts[host_id].version;
	return e;
}

placer_mark placer_begin(placer *p)
{
	p->open_marks++;
	return p->journal_count;
}

void placer_keep(placer *p, placer_mark mark)
{
	assert(p->open_marks > 0 && mark <= p->journal_count);
	if (--p->open_marks > 0)
		return; /* the outer mark may still take it back */
	while (p->journal_count > mark)
		free(p->journal[--p->journal_count].spec);
}

/* Entries are undone last first: free list and neighbours are just as they were then. */
static void undo(placer *p, entry *e)
{
	instance *i = &p->instances[e->id];

	switch (e->kind) {
	case ENTRY_PUT:
		instance_remove(p, e->id);
		p->apps[e->instance.app].version -= 2;
		break;
	case ENTRY_TAKE:
		assert(p->free_instance == e->id);
		p->free_instance = i->next;
		*i = e->instance;
		link_after(p, e->id, i->prev, i->next);
		account(p, i, 1);
		p->apps[i->app].version -= 2;
		break;
	case ENTRY_CHANGE:
		account(p, i, -1);
		*i = e->instance;
		account(p, i, 1);
		p->apps[i->app].version -= 4;
		break;
	case ENTRY_HOST_ADD: {
		placer_host_spec gone = p->hosts[e->id].spec;
		gone.state = PLACER_ABSENT;
		host_apply_spec(p, e->id, &gone);
		break;
	}
	case ENTRY_HOST:
		host_apply_spec(p, e->id, e->spec);
		break;
	case ENTRY_APP:
		app_apply_spec(p, e->id, e->spec);
		break;
	}
	if (e->host != PLACER_NONE)
		p->hosts[e->host].version = e->version;
	free(e->spec);
}

void placer_rollback(placer *p, placer_mark mark)
{
	assert(p->open_marks > 0 && mark <= p->journal_count);
	while (p->journal_count > mark) {
		entry e = p->journal[--p->journal_count];
		undo(p, &e);
	}
	p->open_marks--;
}
