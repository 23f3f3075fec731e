/* Rebalancing in steps that each pay off, by the same cost that places. */
#include "placer_search.h"

#include <stdlib.h>

enum {
	TRIES = 3, /* instances of a host that are tried before it counts as settled */
	BROKEN_GAIN = 1 << 20,
};

typedef struct candidate {
	uint32_t instance;
	double gain; /* of taking it away */
} candidate;

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
	if (class_obstacles_now(p, a->class, was.host) || rule_obstacles(p, was.app, was.host)) {
		gain = BROKEN_GAIN;
	} else {
		gain = (double)cost_of(p, a->class, &p->hosts[was.host]) / COST_ONE;
	}
	placer_rollback(p, mark);
	return gain;
}

/* The most rewarding to take away, best first; returns how many. */
static uint32_t candidates_of(placer *p, uint32_t host_id, candidate best[TRIES])
{
	uint32_t count = 0, next;

	for (uint32_t i = p->hosts[host_id].first; i != PLACER_NONE; i = next) {
		next = p->instances[i].next;
		candidate own = {i, gain_of_taking(p, i)};
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

static double top_gain(placer *p, uint32_t host_id)
{
	candidate best[TRIES];

	if (p->hosts[host_id].state == PLACER_ABSENT)
		return 0;
	return candidates_of(p, host_id, best) > 0 ? best[0].gain : 0;
}

/* Moves one instance off the host when that pays; true when it did. */
static bool improve(placer *p, uint32_t host_id, double min_gain, double *gain, uint32_t *ret_to)
{
	candidate best[TRIES];
	uint32_t count = candidates_of(p, host_id, best);

	for (uint32_t i = 0; i < count; i++) {
		placer_mark mark = placer_begin(p);
		uint32_t id = best[i].instance, app_id = p->instances[id].app;
		placer_take(p, id);
		search s;
		search_begin(&s, p, app_id);
		uint32_t to = search_run(&s);
		double cost = to == PLACER_NONE ? 0 : (double)s.best.cost / COST_ONE;
		placer_rollback(p, mark);
		if (to == PLACER_NONE || to == host_id || best[i].gain - cost < min_gain)
			continue;
		if (placer_move_instance(p, id) == PLACER_NONE)
			continue;
		*gain += best[i].gain < BROKEN_GAIN ? best[i].gain - cost : 0;
		*ret_to = to;
		return true;
	}
	return false;
}

void placer_plan_rebalance(placer *p, const placer_rebalance *options, placer_plan *ret)
{
	placer_mark mark = placer_begin(p);
	double *gains = sot_alloc_array(p->host_count + 1u, sizeof(*gains)), total = 0;
	uint32_t moves = 0;

	for (uint32_t h = 0; h < p->host_count; h++)
		gains[h] = top_gain(p, h);
	while (moves < options->max_moves) {
		uint32_t worst = 0, to = PLACER_NONE;
		for (uint32_t h = 1; h < p->host_count; h++)
			worst = gains[h] > gains[worst] ? h : worst;
		if (p->host_count == 0 || gains[worst] < options->min_gain)
			break;
		if (!improve(p, worst, options->min_gain, &total, &to)) {
			gains[worst] = 0; /* settled */
			continue;
		}
		moves++;
		gains[worst] = top_gain(p, worst);
		gains[to] = top_gain(p, to);
	}
	free(gains);
	placer_plan_take(p, mark, ret);
	ret->gain = total;
}
