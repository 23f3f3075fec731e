/* placement_property - the placer against the naive reference, over random clusters.
 *
 *   placement_property --clusters 100000 --seed 1
 *
 * Each cluster (one seed) gets a random fleet, apps and rules, then a run of random actions. After
 * each: what fits is the same for every pair of app and host, the chosen host is as good as the
 * best of the reference, no hard limit is passed, what a refusal says is true (whoever removes what
 * it names makes it fit), an undone what-if leaves no trace, a plan is applied whole or not at all.
 */
#include "choices.h"
#include "sot_parse.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ACTIONS = 24 };

/* ---- refusals are true ---- */

static void drop_rules(ref_world *w, uint32_t app, placer_rule_kind kind)
{
	uint32_t kept = 0;
	for (uint32_t i = 0; i < w->rules; i++) {
		const placer_rule *r = &w->rule[i];
		if (r->kind != kind || (r->a != app && r->b != app))
			w->rule[kept++] = *r;
	}
	w->rules = kept;
}

static void share_all(ref_world *w)
{
	for (uint32_t a = 0; a < w->apps; a++)
		w->app[a].exclusive = PLACER_SHARED;
}

static void remove_amount(ref_world *w, uint32_t host, int dim, int32_t lacks)
{
	placer_host_spec *h = &w->host[host];
	int64_t limit = (int64_t)ref_limit(h, dim) + lacks;
	h->capacity[dim] = (int32_t)limit;
	h->reserve[dim] = h->overcommit_permille[dim] = 0;
}

static void remove_network(ref_world *w, uint32_t app, uint32_t host, bool reach)
{
	for (uint32_t l = 0; l < w->pools; l++) {
		if (w->pool[l].network != w->app[app].network)
			continue;
		if (reach) {
			w->pool[l].reach[host] = true;
			w->pool[l].free += 1;
		} else {
			w->pool[l].free = REF_INSTANCES;
		}
	}
}

/* Removes one obstacle as a person would: by changing what it names and nothing else. */
static void remove_obstacle(
    ref_world *w, uint32_t app, uint32_t host, uint32_t reason, const placer_refusal *why)
{
	placer_host_spec *h = &w->host[host];
	placer_app_spec *a = &w->app[app];
	if (reason >= PLACER_REASON_DIM && reason < PLACER_REASON_DIM + PLACER_DIMS) {
		int dim = (int)(reason - PLACER_REASON_DIM);
		remove_amount(w, host, dim, why->nearest_short[dim]);
		return;
	}
	if (reason >= PLACER_REASON_SPREAD && reason < PLACER_REASON_SPREAD + PLACER_LEVELS) {
		a->spread[reason - PLACER_REASON_SPREAD] = (placer_spread){0};
		return;
	}
	switch (reason) {
	case PLACER_REASON_OFFLINE:
	case PLACER_REASON_CORDONED:
	case PLACER_REASON_ENGINE:
		h->state = PLACER_OPEN;
		break;
	case PLACER_REASON_TAG_MISSING:
		for (int i = 0; i < 2; i++)
			h->tags.bits[i] |= a->required.bits[i];
		break;
	case PLACER_REASON_TAG_FORBIDDEN:
		for (int i = 0; i < 2; i++)
			h->tags.bits[i] &= ~a->forbidden.bits[i];
		break;
	case PLACER_REASON_REPELLED:
		h->repels = (placer_tags){{0, 0}};
		break;
	case PLACER_REASON_NETWORK:
	case PLACER_REASON_ADDRESSES:
		remove_network(w, app, host, reason == PLACER_REASON_NETWORK);
		break;
	case PLACER_REASON_EXCLUSIVE:
		share_all(w);
		break;
	case PLACER_REASON_MIXING:
		memset(w->mixing, 0xff, sizeof(w->mixing));
		break;
	case PLACER_REASON_LOAD:
		for (int i = 0; i < PLACER_LOADS; i++)
			h->load_permille[i] = PLACER_LOAD_UNKNOWN;
		break;
	case PLACER_REASON_APART:
		drop_rules(w, app, PLACER_AT_MOST);
		break;
	case PLACER_REASON_TOGETHER:
		drop_rules(w, app, PLACER_TOGETHER);
		break;
	default:
		for (int d = 0; d < PLACER_DIMS; d++)
			w->quota[a->team][d] = PLACER_UNLIMITED;
	}
}

/* The world in which all that the refusal names about the host is removed: there it fits, in a
 * placer that was made from that world alone. */
static void check_remedy(cluster *c, uint32_t app, const placer_refusal *why)
{
	static ref_world mended;
	mended = c->world;
	/* Freed addresses stay free here: what is in flight counts as granted. */
	for (int i = 0; i < REF_INSTANCES; i++) {
		ref_instance *n = &mended.instance[i];
		if (n->here && n->holding && mended.pool[n->pool].free > 0)
			mended.pool[n->pool].free--;
		n->holding = false;
	}
	for (uint32_t r = 0; r < PLACER_REASONS; r++) {
		if (why->nearest_obstacles >> r & 1)
			remove_obstacle(&mended, app, why->nearest, r, why);
	}
	/* The placer that is made anew counts no start in flight. */
	for (int i = 0; i < REF_INSTANCES; i++) {
		ref_instance *n = &mended.instance[i];
		if (n->here && n->starting)
			mended.host[n->host].capacity[PLACER_STARTS] -= 1;
		n->starting = false;
	}
	for (uint32_t h = 0; h < mended.hosts; h++) {
		int32_t *starts = &mended.host[h].capacity[PLACER_STARTS];
		*starts = *starts < 0 ? 0 : *starts;
	}
	SOT_AUTO(placer) p = cluster_rebuild(&mended);
	uint32_t left = placer_obstacles(p, app, why->nearest);
	if (left)
		(void)fprintf(stderr, "named %x, left %x\n", why->nearest_obstacles, left);
	cluster_check(c, left == 0, "the refusal named not all that keeps it off", why->nearest, left);
	cluster_check(c, placer_choose(p, app) != PLACER_NONE, "still refused", app, why->nearest);
}

/* The hosts that are named for a reason are counted under it, and no other of them is nearer. */
static void check_best(cluster *c, uint32_t app, const placer_refusal *why, uint32_t reason)
{
	uint32_t named = 0;
	int worst = 0, passed_over = PLACER_REASONS;
	for (uint32_t h = 0; h < c->world.hosts; h++) {
		uint32_t obstacles = ref_obstacles(&c->world, app, h);
		bool is_named = false;
		if (c->world.host[h].state == PLACER_ABSENT || (uint32_t)__builtin_ctz(obstacles) != reason)
			continue;
		for (int k = 0; k < PLACER_BEST; k++)
			is_named = is_named || why->best[reason][k] == h;
		named += is_named;
		int many = __builtin_popcount(obstacles);
		if (is_named)
			worst = many > worst ? many : worst;
		else
			passed_over = many < passed_over ? many : passed_over;
	}
	uint32_t wanted = why->count[reason] < PLACER_BEST ? why->count[reason] : PLACER_BEST;
	cluster_check(c, named == wanted, "the best hosts of a reason are not of it", reason, named);
	cluster_check(c, worst <= passed_over, "a nearer host is not named", reason, app);
}

static void check_refusal(cluster *c, uint32_t app, const placer_refusal *why)
{
	uint32_t present = 0, sum = 0, sole[PLACER_REASONS] = {0}, count[PLACER_REASONS] = {0};
	int fewest = PLACER_REASONS;
	for (uint32_t h = 0; h < c->world.hosts; h++) {
		if (c->world.host[h].state == PLACER_ABSENT)
			continue;
		uint32_t obstacles = ref_obstacles(&c->world, app, h);
		int many = __builtin_popcount(obstacles);
		present++;
		count[__builtin_ctz(obstacles)]++;
		sole[__builtin_ctz(obstacles)] += many == 1;
		fewest = many < fewest ? many : fewest;
	}
	for (uint32_t r = 0; r < PLACER_REASONS; r++) {
		sum += why->count[r];
		cluster_check(c, why->count[r] == count[r], "hosts counted under a wrong reason", r, app);
		cluster_check(c, why->sole[r] == sole[r], "sole obstacles miscounted", r, app);
		check_best(c, app, why, r);
	}
	cluster_check(c, sum == why->hosts && sum == present, "counts do not sum up", sum, present);
	c->refusals++;
	if (present == 0)
		return;
	cluster_check(c, __builtin_popcount(why->nearest_obstacles) == fewest,
	    "the nearest is not the nearest", why->nearest, app);
	check_remedy(c, app, why);
}

/* ---- actions ---- */

static void note_place(cluster *c, uint32_t id, uint32_t app)
{
	uint32_t network = c->world.app[app].network;
	cluster_note_put(c, id, true, network != PLACER_NONE, PLACER_NONE);
	if (network == PLACER_NONE)
		return;
	/* The pool with most left of those that reach. */
	uint32_t best = PLACER_NONE, best_left = 0, host = c->world.instance[id].host;
	for (uint32_t l = 0; l < c->world.pools; l++) {
		uint32_t held = 0;
		for (int i = 0; i < REF_INSTANCES; i++) {
			const ref_instance *n = &c->world.instance[i];
			held += n->here && n->holding && n->pool == l;
		}
		uint32_t left = c->world.pool[l].free > held ? c->world.pool[l].free - held : 0;
		if (c->world.pool[l].network == network && c->world.pool[l].reach[host] &&
		    left > best_left) {
			best = l;
			best_left = left;
		}
	}
	cluster_check(c, best != PLACER_NONE, "placed without an address", id, app);
	c->world.instance[id].pool = best;
}

static uint32_t count_here(const cluster *c)
{
	uint32_t count = 0;
	for (int i = 0; i < REF_INSTANCES; i++)
		count += c->world.instance[i].here;
	return count;
}

static void act_place(cluster *c)
{
	uint32_t app = below(c, c->world.apps), wanted = 1 + below(c, 5);
	while (wanted-- > 0 && count_here(c) + 2 < REF_INSTANCES) {
		uint32_t chosen = placer_choose(c->placer, app), id;
		placer_refusal why = {0};
		check_choice(c, app, chosen);
		check_explanation(c, app, chosen);
		c->decisions++;
		if (placer_place(c->placer, app, 1, &id, &why) == 0) {
			cluster_check(c, chosen == PLACER_NONE, "a dry run differs", app, chosen);
			check_refusal(c, app, &why);
			return;
		}
		cluster_check(
		    c, placer_instance_host(c->placer, id) == chosen, "a dry run differs", app, chosen);
		note_place(c, id, app);
	}
}

static void act_on_instance(cluster *c)
{
	uint32_t id = cluster_any_instance(c);
	if (id == PLACER_NONE)
		return;
	ref_instance *n = &c->world.instance[id];
	switch (below(c, 5)) {
	case 0:
		placer_take(c->placer, id);
		n->here = false;
		break;
	case 1:
		placer_leave(c->placer, id);
		n->leaving = true;
		break;
	case 2:
		placer_started(c->placer, id);
		n->starting = false;
		break;
	case 3:
		placer_addressed(c->placer, id);
		n->holding = false;
		break;
	default: {
		uint32_t shape = below(c, c->world.shapes), host = n->host;
		uint32_t says = placer_fits_resized(c->placer, id, shape);
		n->shape = shape;
		placer_resize(c->placer, id, shape);
		bool over = false;
		for (int d = 0; d < PLACER_DIMS; d++)
			over = over || (d != PLACER_STARTS && d != PLACER_INSTANCES &&
			                   placer_host_free(c->placer, host, (placer_dim)d) < 0);
		const uint32_t amounts = ((1u << PLACER_DIMS) - 1) << PLACER_REASON_DIM;
		cluster_check(c,
		    over || !(says & amounts & ~(1u << (PLACER_REASON_DIM + PLACER_INSTANCES))),
		    "a size was said not to fit that does", id, says);
	}
	}
}

static void act_on_host(cluster *c)
{
	uint32_t h = below(c, c->world.hosts);
	placer_host_spec *s = &c->world.host[h];
	if (below(c, 8) == 0 && c->world.hosts < REF_HOSTS - 1) {
		cluster_random_host(c, &c->world.host[c->world.hosts]);
		uint32_t id = placer_host_add(c->placer, &c->world.host[c->world.hosts]);
		for (uint32_t l = 0; l < c->world.pools; l++)
			placer_pool_reach(c->placer, l, id, c->world.pool[l].reach[id]);
		c->world.hosts++;
	} else if (below(c, 3) == 0) {
		uint32_t rack = s->rack;
		cluster_random_host(c, s);
		s->rack = rack;
		placer_host_set(c->placer, h, s);
	} else if (below(c, 2) == 0) {
		s->load_permille[0] = (uint16_t)below(c, 1000);
		placer_host_set_load(c->placer, h, s->load_permille);
	} else {
		s->state = below(c, 2) ? PLACER_OPEN : (placer_state)below(c, 5);
		placer_host_set_state(c->placer, h, s->state);
	}
}

static void act_on_rules(cluster *c)
{
	uint32_t app = below(c, c->world.apps);
	placer_app_spec *s = &c->world.app[app];
	if (below(c, 3) == 0) {
		uint32_t l = below(c, c->world.pools);
		c->world.pool[l].free = below(c, 12);
		placer_pool_set_free(c->placer, l, c->world.pool[l].free);
	} else if (below(c, 6) == 0) {
		drop_rules(&c->world, app, PLACER_AT_MOST);
		drop_rules(&c->world, app, PLACER_TOGETHER);
		drop_rules(&c->world, app, PLACER_PREFER_TOGETHER);
		placer_rules_clear(c->placer, app);
	} else {
		cluster_random_spread(c, s);
		s->shape = below(c, c->world.shapes);
		placer_app_set(c->placer, app, s);
	}
}

/* ---- what-if, plans ---- */

static void act_what_if(cluster *c)
{
	static ref_world before;
	placer_mark mark = placer_begin(c->placer);
	uint32_t ids[4], inner;
	before = c->world;
	for (int i = 0; i < 6; i++) {
		uint32_t app = below(c, c->world.apps), h = below(c, c->world.hosts);
		uint32_t id = cluster_any_instance(c);
		inner = below(c, 5);
		if (inner == 0) {
			(void)placer_place(c->placer, app, 3, ids, NULL);
		} else if (inner == 1) {
			placer_host_set_state(c->placer, h, (placer_state)below(c, 5));
		} else if (inner == 2 && id != PLACER_NONE && c->world.instance[id].here) {
			c->world.instance[id].here = false;
			placer_take(c->placer, id);
		} else if (inner == 3 && id != PLACER_NONE) {
			placer_resize(c->placer, id, below(c, c->world.shapes));
			placer_leave(c->placer, id);
		} else {
			placer_app_spec s = c->world.app[app];
			s.shape = below(c, c->world.shapes);
			placer_app_set(c->placer, app, &s);
			(void)placer_explain(c->placer, app, &(placer_explanation){0});
		}
	}
	placer_rollback(c->placer, mark);
	c->world = before;
}

/* Follows the plan in the world and in the placer, then they must be equal again. */
static void follow(cluster *c, placer_plan *plan)
{
	sot_err err = {0};
	for (size_t i = 0; i < plan->move_count; i++) {
		const placer_move *m = &plan->moves[i];
		cluster_check(c,
		    m->instance != PLACER_NONE && c->world.instance[m->instance].host == m->from,
		    "a move from where it is not", m->instance, m->from);
	}
	sot_code code = placer_plan_apply(c->placer, plan, &err);
	cluster_check(c, code == SOT_OK, "a plan that is still true was refused", 0, 0);
	for (size_t i = 0; i < plan->move_count; i++) {
		ref_instance *n = &c->world.instance[plan->moves[i].instance];
		n->host = plan->moves[i].to;
		n->starting = true;
		n->holding = placer_instance_holds(c->placer, plan->moves[i].instance, &n->pool);
	}
	c->plans++;
}

static void act_evacuate(cluster *c)
{
	uint32_t hosts[2] = {below(c, c->world.hosts), below(c, c->world.hosts)};
	placer_plan plan;
	size_t staying = 0;
	for (int i = 0; i < REF_INSTANCES; i++) {
		const ref_instance *n = &c->world.instance[i];
		staying += n->here && !n->leaving && (n->host == hosts[0] || n->host == hosts[1]);
	}
	placer_plan_evacuate(c->placer, hosts, 2, &plan);
	check_all_pairs(c, "planning left a trace");
	cluster_check(c, plan.move_count + plan.refused == staying, "moves and refusals do not sum up",
	    (uint32_t)plan.move_count, (uint32_t)staying);
	for (size_t i = 0; i < plan.move_count; i++) {
		const placer_move *m = &plan.moves[i];
		cluster_check(
		    c, m->to != hosts[0] && m->to != hosts[1], "moved to where all leave", m->to, 0);
		cluster_check(
		    c, c->world.host[m->to].state == PLACER_OPEN, "moved to a closed host", m->to, 0);
	}
	if (plan.move_count > 0 && below(c, 3) == 0) {
		uint32_t to = plan.moves[0].to;
		sot_err err = {0};
		c->world.host[to].state = PLACER_CORDONED;
		placer_host_set_state(c->placer, to, PLACER_CORDONED);
		cluster_check(c, placer_plan_apply(c->placer, &plan, &err) == SOT_CONFLICT,
		    "a plan that is not true any more was applied", to, 0);
	} else {
		const char *over = ref_overbooked(&c->world);
		act_what_if(c); /* leaves no trace: the plan is still true */
		follow(c, &plan);
		cluster_check(c, over || !ref_overbooked(&c->world), "overbooked by a plan", 0, 0);
	}
	placer_plan_clear(&plan);
}

static void act_rebalance(cluster *c)
{
	placer_rebalance options = {.max_moves = 1 + below(c, 5), .min_gain = 0.001};
	placer_plan plan;
	const char *over = ref_overbooked(&c->world);
	placer_plan_rebalance(c->placer, &options, &plan);
	check_all_pairs(c, "planning left a trace");
	cluster_check(c, plan.move_count <= options.max_moves, "more moves than allowed",
	    (uint32_t)plan.move_count, options.max_moves);
	follow(c, &plan);
	cluster_check(c, over || !ref_overbooked(&c->world), "overbooked by a rebalance", 0, 0);
	placer_plan_clear(&plan);
}

static void act_preempt(cluster *c)
{
	static ref_world without;
	uint32_t app = below(c, c->world.apps), host, ids[16];
	uint32_t count = placer_preempt(c->placer, app, &host, ids, 16);
	without = c->world;
	for (uint32_t i = 0; i < count; i++) {
		const placer_app_spec *s = &c->world.app[c->world.instance[ids[i]].app];
		cluster_check(c, c->world.instance[ids[i]].host == host, "evicted elsewhere", ids[i], host);
		cluster_check(c, s->preemptable && s->priority < c->world.app[app].priority,
		    "evicts whom it may not", ids[i], app);
		without.instance[ids[i]].here = false;
	}
	uint32_t left = count ? ref_obstacles(&without, app, host) & ~(1u << PLACER_REASON_QUOTA) : 0;
	/* Who leaves may lower the emptiest domain of the app itself; its own never leave. */
	cluster_check(c, left == 0, "evicting did not make room", host, left);
}

static void run_cluster(cluster *c)
{
	static void (*const actions[])(cluster *) = {act_place, act_place, act_place, act_place,
	    act_place, act_on_instance, act_on_instance, act_on_host, act_on_rules, act_what_if,
	    act_evacuate, act_rebalance, act_preempt};
	check_all_pairs(c, "at the start");
	for (int i = 0; i < ACTIONS; i++) {
		uint32_t which = below(c, sizeof(actions) / sizeof(actions[0]));
		actions[which](c);
		check_all_pairs(c, "after an action");
	}
}

int main(int argc, char **argv)
{
	uint64_t clusters = 1, seed = 1, totals[3] = {0};
	sot_err err = {0};
	static cluster c;
	for (int i = 1; i + 1 < argc; i += 2) {
		uint64_t *to = strcmp(argv[i], "--clusters") == 0 ? &clusters
		               : strcmp(argv[i], "--seed") == 0   ? &seed
		                                                  : NULL;
		if (!to || sot_parse_u64(sot_str_c(argv[i + 1]), 0, INT64_MAX, to, &err) != SOT_OK) {
			(void)fprintf(stderr, "usage: placement_property --clusters N --seed N\n");
			return 64;
		}
	}
	for (uint64_t k = 0; k < clusters; k++) {
		cluster_init(&c, seed + k);
		run_cluster(&c);
		totals[0] += c.decisions;
		totals[1] += c.refusals;
		totals[2] += c.plans;
		cluster_clear(&c);
	}
	(void)printf("%llu clusters from seed %llu: %llu decisions, %llu refusals, %llu plans agree\n",
	    (unsigned long long)clusters, (unsigned long long)seed, (unsigned long long)totals[0],
	    (unsigned long long)totals[1], (unsigned long long)totals[2]);
	return 0;
}
