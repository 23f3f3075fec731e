/* The search: the best host of a class that no rule of the app forbids, without looking at each.
 *
 * Zones in the order of the tiers; in a zone the racks without the app by the best cost of their
 * blocks ("plain"), then those with it host by host, as far as they can still win. Where a rule of
 * the app refuses the best host of a block, the block is looked at apart: host by host, once.
 */
#include "placer_search.h"

#include <string.h>

enum { ZONE_CLOSED = UINT32_MAX };
enum { FETCHED = 8 * CACHE_LINE }; /* of a tally: more than most apps have */

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

/* Permille of the scarcer of cpu and memory that the zone's open hosts have left. Whatever changes
 * it changes a host. */
static int64_t zone_share(placer *p, uint32_t zone_id)
{
	zone *z = &p->zones[zone_id];

	if (z->share_at == z->log_head)
		return z->share;
	z->share = INT64_MAX;
	for (int d = 0; d < 2; d++) {
		int64_t own = z->limit[d] > 0 ? z->free[d] * 1000 / z->limit[d] : 0;
		z->share = own < z->share ? own : z->share;
	}
	z->share_at = z->log_head;
	return z->share;
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
	search_key key = {.zone = p->zone_rank[key_az(h->rack_key)],
	    .cost = s->class->cells[h->position],
	    .id = host_id};

	if (key.cost >= CELL_BAD || key.zone == ZONE_CLOSED || !is_better(&key, &s->best))
		return;
	uint32_t in_rack = tally_staying(&s->app->domains[PLACER_RACK], h->rack_key);
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

/* Of the host's block. */
static uint32_t place_of(const placer *p, uint32_t host_id)
{
	return p->block_places[p->hosts[host_id].position / BLOCK];
}

static bool is_allowed(const search *s, uint32_t host_id)
{
	return !is_excluded(s, host_id) &&
	       (s->app->rule_count == 0 || rule_obstacles(s->p, s->app_id, host_id) == 0);
}

/* The best of the block's hosts that the rules of the app allow. */
static void look_apart(const search *s, apart_block *ret)
{
	const placer *p = s->p;
	uint32_t block_id = p->place_blocks[ret->place];
	const block *b = &p->blocks[block_id];
	const int32_t *cells = s->class->cells + (size_t)block_id * BLOCK;

	ret->cost = CELL_BAD;
	ret->host = PLACER_NONE;
	for (int i = 0; i < BLOCK; i++) {
		if (cells[i] < ret->cost && is_allowed(s, b->hosts[i])) {
			ret->cost = cells[i];
			ret->host = b->hosts[i];
		}
	}
}

static void set_apart(search *s, uint32_t place)
{
	apart_block *own = &s->p->apart[s->apart_count++];

	s->p->place_marks[place] = s->mark;
	own->place = place;
	look_apart(s, own);
}

void search_exclude(search *s, uint32_t host_id)
{
	placer *p = s->p;
	uint32_t place = place_of(p, host_id);

	s->excluded[s->excluded_count++] = host_id;
	for (uint32_t i = 0; i < s->apart_count; i++) {
		if (p->apart[i].place == place)
			look_apart(s, &p->apart[i]);
	}
}

/* The cheapest host of the zone by block, of equals the lowest handle, without those in marked
 * places. Loops without branches, so that they run in vectors. */
static void find_cheapest(const search *s, const zone *z, search_key *key)
{
	const int32_t *costs = s->class->best_cost + z->first_place;
	const uint32_t *hosts = s->class->best_host + z->first_place;
	const uint32_t *marks = s->p->place_marks + z->first_place;
	uint32_t count = z->place_count, mark = s->mark;
	int32_t least = CELL_BAD, id = INT32_MAX;

	for (uint32_t i = 0; i < count; i++) {
		int32_t own = costs[i], cost = marks[i] == mark ? CELL_BAD : own;
		least = cost < least ? cost : least;
	}
	for (uint32_t i = 0; i < count; i++) {
		int32_t differs = (marks[i] == mark) | (costs[i] != least);
		int32_t own = (int32_t)hosts[i] | (-differs & INT32_MAX);
		id = own < id ? own : id;
	}
	key->cost = least;
	key->id = least < CELL_BAD ? (uint32_t)id : PLACER_NONE;
}

/* Whether one of the zone's blocks looked at apart has a better host; then it is in *key. */
static bool is_apart_better(const search *s, const zone *z, search_key *key)
{
	bool better = false;

	for (uint32_t i = 0; i < s->apart_count; i++) {
		const apart_block *a = &s->p->apart[i];
		if (a->place - z->first_place >= z->place_count || a->host == PLACER_NONE)
			continue;
		if (a->cost < key->cost || (a->cost == key->cost && a->host < key->id)) {
			key->cost = a->cost;
			key->id = a->host;
			better = true;
		}
	}
	return better;
}

static void search_plain(search *s, uint32_t zone_id)
{
	const zone *z = &s->p->zones[zone_id];

	for (;;) {
		search_key key = {.zone = s->p->zone_rank[zone_id], .id = PLACER_NONE};
		find_cheapest(s, z, &key);
		bool apart = is_apart_better(s, z, &key);
		if (key.id == PLACER_NONE || !is_better(&key, &s->best))
			return;
		if (apart || is_allowed(s, key.id)) {
			s->best = key;
			return;
		}
		set_apart(s, place_of(s->p, key.id));
	}
}

/* ---- racks with the app ---- */

static void search_rack(search *s, uint32_t rack_id, uint32_t staying)
{
	const placer *p = s->p;
	const rack *r = &p->racks[rack_id];
	search_key least = {.zone = p->zone_rank[r->az], .rack = s->prefer[PLACER_RACK] ? staying : 0};

	if (staying >= s->limits.of[PLACER_RACK])
		return;
	for (uint32_t i = 0; i < r->block_count; i++) {
		uint32_t b = r->blocks[i];
		least.cost = s->class->best_cost[p->block_places[b]];
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

	/* At least one stays in each of them: a rack without any has won. */
	if (!s->marked || (s->prefer[PLACER_RACK] && s->app->leaving == 0 && s->best.rack == 0))
		return;
	uint32_t from = tally_lower_bound(t, rack_key_of(zone_id, 0));
	for (uint32_t i = from; i < t->count && key_az(t->keys[i]) == zone_id; i++) {
		search_rack(s, key_rack(t->keys[i]), tally_staying_at(t, i));
	}
}

/* Apart, because few racks have more than two blocks and a loop for two takes longer to begin. */
static __attribute__((noinline)) void mark_inner(uint32_t *marks, place_range places, uint32_t mark)
{
	for (uint32_t place = places.first + 1; place < places.last; place++)
		marks[place] = mark;
}

/* The zone's racks with the app are no part of the plain search. */
static void mark_racks(const search *s, uint32_t zone_id)
{
	const tally *t = &s->app->domains[PLACER_RACK];
	uint32_t *marks = s->p->place_marks, mark = s->mark;

	if (!s->marked)
		return;
	uint32_t from = tally_lower_bound(t, rack_key_of(zone_id, 0));
	for (uint32_t i = from; i < t->count && key_az(t->keys[i]) == zone_id; i++) {
		place_range places = s->p->rack_places[key_rack(t->keys[i])];
		marks[places.first] = marks[places.last] = mark;
		if (places.last - places.first > 1)
			mark_inner(marks, places, mark);
	}
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
		if (tally_staying_at(t, i) == 0)
			continue;
		if (r->level == PLACER_HOST) {
			consider(s, t->keys[i]);
		} else if (r->level == PLACER_AZ) {
			consider_zone(s, t->keys[i]);
		} else {
			const rack *k = &s->p->racks[key_rack(t->keys[i])];
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

/* What a decision reads of the app last and finds in no cache: on its way from the start. */
static void fetch_app(const app *a)
{
	for (int level = 0; level < PLACER_LEVELS; level++) {
		const tally *t = &a->domains[level];
		const char *keys = (const char *)t->keys;
		for (size_t at = 0; at < t->count * sizeof(*t->keys) && at < FETCHED; at += CACHE_LINE)
			__builtin_prefetch(keys + at);
	}
}

void search_begin(search *s, placer *p, uint32_t app_id)
{
	assert(app_id < p->app_count);
	const app *a = &p->apps[app_id];

	fetch_app(a);
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
	s->mark = index_new_mark(p);
}

static void search_zones(search *s)
{
	for (uint32_t i = 0; i < s->zone_count; i++) {
		uint32_t zone_id = s->p->zone_order[i];
		class_sync_zone(s->p, s->class, zone_id);
		if (i == s->marked_zones) {
			mark_racks(s, zone_id);
			s->marked_zones++;
		}
		search_plain(s, zone_id);
		search_occupied(s, zone_id);
		if (s->by_zone && s->best.id != PLACER_NONE)
			break;
	}
}

uint32_t search_run(search *s)
{
	s->best = nothing;
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
