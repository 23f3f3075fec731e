/* The search: the best host of a class that no rule of the app forbids, without looking at each.
 *
 * Zones in the order of the tiers; in a zone the racks without the app by the best cost of their
 * blocks ("plain"), then those with it host by host, as far as they can still win. Where a rule of
 * the app refuses the best host of a block, the block is looked at host by host, once.
 */
#include "placer_search.h"

#include <string.h>

enum { ZONE_CLOSED = UINT32_MAX };

static bool is_excluded(const search *s, uint32_t host_id)
{
	for (uint32_t i = 0; i < s->excluded_count; i++) {
		if (s->excluded[i] == host_id)
			return true;
	}
	return false;
}

/* The tiers, then cost, then the handle. */
static bool is_better(const search_key *a, const search_key *b)
{
	if (a->zone != b->zone)
		return a->zone < b->zone;
	if (a->rack != b->rack)
		return a->rack < b->rack;
	if (a->host != b->host)
		return a->host < b->host;
	if (a->cost != b->cost)
		return a->cost < b->cost;
	return a->id < b->id;
}

static const search_key nothing = {UINT32_MAX, UINT32_MAX, UINT32_MAX, INT32_MAX, PLACER_NONE};

/* Permille of the scarcer of cpu and memory that the zone's open hosts have left. */
static int64_t zone_share(const placer *p, uint32_t zone_id)
{
	const zone *z = &p->zones[zone_id];
	int64_t share = INT64_MAX;

	for (int d = 0; d < 2; d++) {
		int64_t own = z->limit[d] > 0 ? z->free[d] * 1000 / z->limit[d] : 0;
		share = own < share ? own : share;
	}
	return share;
}

static bool zone_before(const search *s, uint32_t a, uint32_t b)
{
	if (s->prefer[PLACER_AZ]) {
		const tally *t = &s->app->domains[PLACER_AZ];
		uint32_t in_a = tally_staying(t, a), in_b = tally_staying(t, b);
		if (in_a != in_b)
			return in_a < in_b;
	}
	return zone_share(s->p, a) > zone_share(s->p, b);
}

/* Open zones in the order of preference; ranks for those who look at single hosts. */
static void order_zones(search *s)
{
	placer *p = s->p;
	const tally *t = &s->app->domains[PLACER_AZ];

	s->zone_count = 0;
	for (uint32_t z = 0; z < p->zone_count; z++) {
		p->zone_rank[z] = ZONE_CLOSED;
		if (s->limits.of[PLACER_AZ] != UINT32_MAX && tally_staying(t, z) >= s->limits.of[PLACER_AZ])
			continue;
		uint32_t at = s->zone_count++;
		for (; s->by_zone && at > 0 && zone_before(s, z, p->zone_order[at - 1]); at--)
			p->zone_order[at] = p->zone_order[at - 1];
		p->zone_order[at] = z;
	}
	for (uint32_t i = 0; i < s->zone_count; i++)
		p->zone_rank[p->zone_order[i]] = s->by_zone ? i : 0;
}

/* One host with every rule of the app; keeps it when it beats the best so far. */
static void consider(search *s, uint32_t host_id)
{
	const placer *p = s->p;
	const host *h = &p->hosts[host_id];
	search_key key = {
	    .zone = p->zone_rank[h->az], .cost = s->class->cells[h->position], .id = host_id};

	if (key.cost >= CELL_BAD || key.zone == ZONE_CLOSED || !is_better(&key, &s->best))
		return;
	uint32_t in_rack = tally_staying(&s->app->domains[PLACER_RACK], h->spec.rack);
	uint32_t on_host = tally_staying(&s->app->domains[PLACER_HOST], host_id);
	if (in_rack >= s->limits.of[PLACER_RACK] || on_host >= s->limits.of[PLACER_HOST])
		return;
	key.rack = s->prefer[PLACER_RACK] ? in_rack : 0;
	key.host = s->prefer[PLACER_HOST] ? on_host : 0;
	if (!is_better(&key, &s->best) || is_excluded(s, host_id))
		return;
	if (s->app->rule_count == 0 || rule_obstacles(p, s->app_id, host_id) == 0)
		s->best = key;
}

/* ---- racks without the app ---- */

/* The block's best host is refused by a rule: the best of the others takes its place. */
static void override_block(search *s, uint32_t block_id)
{
	placer *p = s->p;
	const block *b = &p->blocks[block_id];
	const int32_t *cells = s->class->cells + (size_t)block_id * BLOCK;

	p->override_stamp[block_id] = p->stamp;
	p->override_cost[block_id] = CELL_VOID;
	for (int i = 0; i < BLOCK; i++) {
		if (cells[i] >= CELL_BAD || cells[i] >= p->override_cost[block_id] ||
		    is_excluded(s, b->hosts[i]) || rule_obstacles(p, s->app_id, b->hosts[i]) != 0)
			continue;
		p->override_cost[block_id] = cells[i];
		p->override_host[block_id] = b->hosts[i];
	}
}

static bool is_overridden(const search *s, uint32_t block_id)
{
	return s->overrides && s->p->override_stamp[block_id] == s->p->stamp;
}

/* The cheapest block of the zone outside marked racks, PLACER_NONE when none has room. */
static uint32_t cheapest_block(const search *s, const zone *z, search_key *ret)
{
	const placer *p = s->p;
	uint32_t best = PLACER_NONE;

	for (uint32_t i = 0; i < z->block_count; i++) {
		uint32_t b = z->blocks[i];
		bool other = is_overridden(s, b);
		int32_t cost = other ? p->override_cost[b] : s->class->block_best[b];
		if (cost >= CELL_BAD || cost > ret->cost || (s->marked && p->rack_marks[p->block_racks[b]]))
			continue;
		uint32_t id = other ? p->override_host[b] : s->class->block_host[b];
		if (cost < ret->cost || id < ret->id) {
			ret->cost = cost;
			ret->id = id;
			best = b;
		}
	}
	return best;
}

static void search_plain(search *s, uint32_t zone_id)
{
	const placer *p = s->p;

	for (;;) {
		search_key key = {.zone = p->zone_rank[zone_id], .cost = INT32_MAX, .id = PLACER_NONE};
		uint32_t b = cheapest_block(s, &p->zones[zone_id], &key);
		if (b == PLACER_NONE || !is_better(&key, &s->best))
			return;
		if (is_overridden(s, b) ||
		    (!is_excluded(s, key.id) &&
		        (s->app->rule_count == 0 || rule_obstacles(p, s->app_id, key.id) == 0))) {
			s->best = key;
			return;
		}
		s->overrides = true;
		override_block(s, b);
	}
}

/* ---- racks with the app ---- */

static void search_rack(search *s, const tally_item *item)
{
	const placer *p = s->p;
	const rack *r = &p->racks[item->key];
	uint32_t staying = item->count - item->leaving;
	search_key least = {.zone = p->zone_rank[r->az], .rack = s->prefer[PLACER_RACK] ? staying : 0};

	if (staying >= s->limits.of[PLACER_RACK])
		return;
	for (uint32_t i = 0; i < r->block_count; i++) {
		uint32_t b = r->blocks[i];
		least.cost = s->class->block_best[b];
		if (least.cost >= CELL_BAD || !is_better(&least, &s->best))
			continue;
		for (int k = 0; k < BLOCK; k++) {
			if (p->blocks[b].hosts[k] != PLACER_NONE)
				consider(s, p->blocks[b].hosts[k]);
		}
	}
}

static void search_occupied(search *s, uint32_t zone_id)
{
	const tally *t = &s->app->domains[PLACER_RACK];

	for (uint32_t i = 0; s->marked && i < t->count; i++) {
		if (s->p->racks[t->items[i].key].az == zone_id)
			search_rack(s, &t->items[i]);
	}
}

static void mark_racks(search *s, uint32_t mark)
{
	const tally *t = &s->app->domains[PLACER_RACK];

	for (uint32_t i = 0; s->marked && i < t->count; i++)
		s->p->rack_marks[t->items[i].key] = mark;
}

/* ---- together with another app ---- */

static void consider_zone(search *s, uint32_t zone_id)
{
	const zone *z = &s->p->zones[zone_id];

	for (uint32_t i = 0; i < z->block_count; i++) {
		for (int k = 0; k < BLOCK; k++) {
			uint32_t host_id = s->p->blocks[z->blocks[i]].hosts[k];
			if (host_id != PLACER_NONE)
				consider(s, host_id);
		}
	}
}

/* The best of the hosts in a domain that runs the other app. */
static void search_together(search *s, const placer_rule *r)
{
	const tally *t = &s->p->apps[r->b].domains[r->level];

	for (uint32_t i = 0; i < t->count; i++) {
		tally_item item = t->items[i];
		if (item.count == item.leaving)
			continue;
		if (r->level == PLACER_HOST) {
			consider(s, item.key);
		} else if (r->level == PLACER_AZ) {
			consider_zone(s, item.key);
		} else {
			const rack *k = &s->p->racks[item.key];
			for (uint32_t b = 0; b < k->block_count * BLOCK; b++) {
				uint32_t host_id = s->p->blocks[k->blocks[b / BLOCK]].hosts[b % BLOCK];
				if (host_id != PLACER_NONE)
					consider(s, host_id);
			}
		}
	}
}

/* True when the rules among apps have decided, s->best or nothing. */
static bool search_company(search *s)
{
	for (int pass = 0; pass < 2; pass++) {
		placer_rule_kind kind = pass == 0 ? PLACER_TOGETHER : PLACER_PREFER_TOGETHER;
		for (uint32_t i = 0; i < s->app->rule_count; i++) {
			const placer_rule *r = &s->p->rules[s->app->rules[i]];
			if (r->kind != kind || r->a != s->app_id || r->b == s->app_id)
				continue;
			class_sync_all(s->p, s->class);
			search_together(s, r);
			if (kind == PLACER_TOGETHER || s->best.id != PLACER_NONE)
				return true;
		}
	}
	return false;
}

/* ---- the whole ---- */

void search_begin(search *s, placer *p, uint32_t app_id)
{
	assert(app_id < p->app_count);
	const app *a = &p->apps[app_id];

	*s = (search){.p = p, .app = a, .app_id = app_id, .class = a->class};
	class_sync(p, s->class);
	s->limits = spread_ceilings(p, s->class, app_id);
	for (int level = 0; level < PLACER_LEVELS; level++)
		s->prefer[level] = a->spec.spread[level].prefer;
	s->by_zone = s->prefer[PLACER_AZ] || a->spec.spread[PLACER_AZ].max_skew ||
	             a->spec.spread[PLACER_AZ].max_count;
	for (int level = PLACER_RACK; level < PLACER_LEVELS; level++) {
		s->marked = s->marked || s->prefer[level] || s->limits.of[level] != UINT32_MAX;
	}
	order_zones(s);
}

static void search_zones(search *s)
{
	mark_racks(s, 1);
	for (uint32_t i = 0; i < s->zone_count; i++) {
		uint32_t zone_id = s->p->zone_order[i];
		class_sync_zone(s->p, s->class, zone_id);
		search_plain(s, zone_id);
		search_occupied(s, zone_id);
		if (s->by_zone && s->best.id != PLACER_NONE)
			break;
	}
	mark_racks(s, 0);
}

uint32_t search_run(search *s)
{
	s->best = nothing;
	s->overrides = false;
	s->p->stamp++;
	if (quota_obstacle(s->p, s->app_id, s->app->spec.shape))
		return PLACER_NONE;
	if (!search_company(s))
		search_zones(s);
	return s->best.id;
}

uint32_t placer_choose(placer *p, uint32_t app_id)
{
	search s;

	search_begin(&s, p, app_id);
	return search_run(&s);
}

uint32_t placer_place_on(placer *p, uint32_t app_id, uint32_t host_id)
{
	assert(app_id < p->app_count && host_id < p->host_count);
	const placer_app_spec *spec = &p->apps[app_id].spec;
	instance record = {.app = app_id,
	    .host = host_id,
	    .shape = spec->shape,
	    .pool = PLACER_NONE,
	    .starting = true};

	if (spec->network != PLACER_NONE) {
		record.pool = network_pool_for(p, spec->network, host_id);
		record.holding = true;
	}
	return instance_put(p, &record);
}

uint32_t placer_place(
    placer *p, uint32_t app_id, uint32_t count, uint32_t *ret_instances, placer_refusal *ret_why)
{
	for (uint32_t i = 0; i < count; i++) {
		uint32_t host_id = placer_choose(p, app_id);
		if (host_id == PLACER_NONE) {
			if (ret_why)
				placer_refuse(p, app_id, ret_why);
			return i;
		}
		ret_instances[i] = placer_place_on(p, app_id, host_id);
	}
	return count;
}
