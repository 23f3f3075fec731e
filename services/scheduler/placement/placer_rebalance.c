/* Rebalancing in steps that each pay off.
 *
 * The cost is the one that places, without the prices that are paid for what may still come: a host
 * in use costs one and its load what overload costs; what lies below the knee is free. The host
 * where one move saves most comes first, until none saves enough. */
#include "placer_search.h"

#include <stdlib.h>

enum {
	TRIES = 3, /* instances of a host that are tried before it counts as settled */
	TIE_BREAK = 100,
	BROKEN_GAIN = 1 << 20,
};

/* A host in use, in units of cost: what the prices of the policy are measured in. */
#define OPEN_PRICE 1.0f

typedef struct candidate {
	uint32_t instance;
	double gain; /* of taking it away */
} candidate;

/* It could not be placed where it was, were it placed now; it has just been taken. */
static bool broke_a_rule(placer *p, const instance *was)
{
	const app *a = &p->apps[was->app];
	bool limited = false;

	for (int level = 0; level < PLACER_LEVELS; level++)
		limited = limited || a->spec.spread[level].max_skew || a->spec.spread[level].max_count;
	if (class_obstacles_now(p, a->class, was->host) || rule_obstacles(p, was->app, was->host))
		return true;
	if (!limited)
		return false;
	class_sync(p, a->class);
	ceilings limits = spread_ceilings(p, a->class, was->app);
	return app_obstacles(p, was->app, was->host, &limits) != 0;
}

/* What the host saves when the instance is gone; very much when it breaks a rule there. */
static double gain_of_taking(placer *p, uint32_t id)
{
	instance was = p->instances[id];
	const app *a = &p->apps[was.app];
	double gain = 0;

	if (was.leaving || was.starting || a->spec.shape != was.shape)
		return gain;
	placer_mark mark = placer_begin(p);
	placer_take(p, id);
	gain = broke_a_rule(p, &was) ? BROKEN_GAIN
	                             : (double)cost_of(p, a->class, &p->hosts[was.host]) / COST_ONE;
	placer_rollback(p, mark);
	return gain;
}

static bool may_move(const placer_rebalance *options, uint32_t id)
{
	return !options->may_move || options->may_move(options->self, id);
}

/* The most rewarding to take away, best first; returns how many. */
static uint32_t candidates_of(
    placer *p, const placer_rebalance *options, uint32_t host_id, candidate best[TRIES])
{
	uint32_t count = 0, next;

	for (uint32_t i = p->hosts[host_id].first; i != PLACER_NONE; i = next) {
		next = p->instances[i].next;
		candidate own = {i, may_move(options, i) ? gain_of_taking(p, i) : 0};
		if (own.gain <= 0)
			continue;
		uint32_t at = count < TRIES ? count++ : TRIES;
		for (; at > 0 && best[at - 1].gain < own.gain; at--) {
			if (at < TRIES)
				best[at] = best[at - 1];
		}
		if (at < TRIES)
			best[at] = own;
	}
	return count;
}

typedef struct balance {
	placer *p;
	const placer_rebalance *options;
	uint32_t moves;
	double total;
	double *gains; /* by host: what the best instance to take away saves */
	placer_move *made;
	size_t made_count, made_cap;
} balance;

static bool is_in_window(const placer_rebalance *o, uint32_t host_id)
{
	return o->host_count == 0 ||
	       (host_id >= o->first_host && host_id - o->first_host < o->host_count);
}

static double top_gain(const balance *b, uint32_t host_id)
{
	candidate best[TRIES];

	if (b->p->hosts[host_id].state == PLACER_ABSENT || !is_in_window(b->options, host_id))
		return 0;
	return candidates_of(b->p, b->options, host_id, best) > 0 ? best[0].gain : 0;
}

static void note_move(balance *b, uint32_t id, uint32_t from, uint32_t to, double gain, bool mends)
{
	*PUSH(b->made, b->made_count, b->made_cap) =
	    (placer_move){.instance = id, .gain = gain, .mends = mends};
	b->moves++;
	b->total += gain;
	b->gains[from] = top_gain(b, from);
	b->gains[to] = top_gain(b, to);
}

static uint32_t worst_host(const balance *b)
{
	uint32_t worst = 0;

	for (uint32_t h = 1; h < b->p->host_count; h++)
		worst = b->gains[h] > b->gains[worst] ? h : worst;
	return worst;
}

/* Where it would go, were it placed now, and what it costs there; PLACER_NONE when nowhere. */
static uint32_t best_place(placer *p, uint32_t id, double *ret_cost)
{
	uint32_t app_id = p->instances[id].app;
	placer_mark mark = placer_begin(p);
	search s;

	placer_take(p, id);
	search_begin(&s, p, app_id);
	uint32_t to = search_run(&s);
	*ret_cost = to == PLACER_NONE ? 0 : (double)s.best.cost / COST_ONE;
	placer_rollback(p, mark);
	return to;
}

/* Moves one instance off the host to the best other place when that pays; true when it did. */
static bool improve(balance *b, uint32_t from)
{
	placer *p = b->p;
	candidate best[TRIES];
	uint32_t count = candidates_of(p, b->options, from, best);
	double cost;

	for (uint32_t i = 0; i < count; i++) {
		uint32_t id = best[i].instance, to = best_place(p, id, &cost);
		if (to == PLACER_NONE || to == from || best[i].gain - cost < b->options->min_gain)
			continue;
		if (placer_move_instance(p, id) == PLACER_NONE)
			continue;
		bool mends = best[i].gain >= BROKEN_GAIN;
		note_move(b, id, from, to, mends ? 0 : best[i].gain - cost, mends);
		return true;
	}
	return false;
}

/* What the moves of one instance saved together is what its way from first to last saves. */
static void tell_gains(const balance *b, placer_plan *plan)
{
	for (size_t i = 0; i < b->made_count; i++) {
		for (size_t k = 0; k < plan->move_count; k++) {
			placer_move *m = &plan->moves[k];
			if (m->instance != b->made[i].instance)
				continue;
			m->gain += b->made[i].gain;
			m->mends = m->mends || b->made[i].mends;
		}
	}
}

static void move_singly(balance *b)
{
	while (b->moves < b->options->max_moves && b->p->host_count > 0) {
		uint32_t worst = worst_host(b);
		if (b->gains[worst] < b->options->min_gain)
			return;
		if (!improve(b, worst))
			b->gains[worst] = 0; /* settled */
	}
}

static void use_policy(placer *p, const placer_policy *policy)
{
	p->policy = *policy;
	fleet_refresh_means(p);
	for (uint32_t h = 0; p->slots && h < p->host_count; h++)
		p->hosts[h].load_cost = cost_load_of(p, &p->hosts[h]);
	p->fleet_version++;
}

/* Returns the policy that places; to be given back to use_policy. */
static placer_policy begin_balancing(placer *p)
{
	placer_policy placing = p->policy, balancing = p->policy;

	balancing.open_price = OPEN_PRICE;
	balancing.load_price = balancing.peak_price = balancing.variance_price = 0;
	if (p->slots)
		balancing.fit /= TIE_BREAK; /* load decides; what is left only between equals */
	use_policy(p, &balancing);
	return placing;
}

void placer_plan_rebalance(placer *p, const placer_rebalance *options, placer_plan *ret)
{
	balance b = {.p = p, .options = options};
	placer_policy placing = begin_balancing(p);
	placer_mark mark = placer_begin(p);

	b.gains = sot_alloc_array(p->host_count + 1u, sizeof(*b.gains));
	for (uint32_t h = 0; h < p->host_count; h++)
		b.gains[h] = top_gain(&b, h);
	move_singly(&b);
	free(b.gains);
	placer_plan_take(p, mark, ret);
	use_policy(p, &placing);
	tell_gains(&b, ret);
	free(b.made);
	ret->gain = b.total;
}

bool placer_move_pays(placer *p, uint32_t id, double min_gain, placer_move *ret)
{
	assert(id < p->instance_count && p->instances[id].host != PLACER_NONE);
	const instance *i = &p->instances[id];
	placer_policy placing = begin_balancing(p);
	double cost, gain = gain_of_taking(p, id);
	uint32_t to = gain > 0 ? best_place(p, id, &cost) : PLACER_NONE;

	use_policy(p, &placing);
	if (to == PLACER_NONE || to == i->host || gain - cost < min_gain)
		return false;
	bool mends = gain >= BROKEN_GAIN;
	*ret = (placer_move){.instance = id,
	    .app = i->app,
	    .shape = i->shape,
	    .from = i->host,
	    .to = to,
	    .gain = mends ? 0 : gain - cost,
	    .mends = mends};
	return true;
}
