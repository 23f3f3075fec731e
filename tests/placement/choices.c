/* What fits, what is chosen and what is said of it, against the reference. */
#include "choices.h"

#include <stdio.h>
#include <string.h>

void check_all_pairs(cluster *c, const char *when)
{
	for (uint32_t a = 0; a < c->world.apps; a++) {
		for (uint32_t h = 0; h < c->world.hosts; h++) {
			uint32_t says = placer_obstacles(c->placer, a, h);
			uint32_t is = ref_obstacles(&c->world, a, h);
			if (says != is)
				(void)fprintf(stderr, "app %u, host %u: placer %x, reference %x\n", a, h, says, is);
			cluster_check(c, says == is, when, a, h);
		}
	}
}

/* Company by a PREFER rule that any fitting host could give. */
static const placer_rule *company_rule(const cluster *c, uint32_t app)
{
	const ref_world *w = &c->world;
	for (uint32_t i = 0; i < w->rules; i++) {
		if (w->rule[i].kind == PLACER_TOGETHER && w->rule[i].a == app && w->rule[i].b != app)
			return NULL;
	}
	for (uint32_t i = 0; i < w->rules; i++) {
		const placer_rule *r = &w->rule[i];
		if (r->kind != PLACER_PREFER_TOGETHER || r->a != app || r->b == app)
			continue;
		for (uint32_t h = 0; h < w->hosts; h++) {
			if (ref_has_company(w, r, h) && ref_obstacles(w, app, h) == 0)
				return r;
		}
	}
	return NULL;
}

void check_choice(cluster *c, uint32_t app, uint32_t chosen)
{
	const placer_rule *company = company_rule(c, app);
	if (chosen != PLACER_NONE) {
		uint32_t obstacles = ref_obstacles(&c->world, app, chosen);
		cluster_check(c, obstacles == 0, "a hard rule is broken by the choice", chosen, obstacles);
		cluster_check(c, !company || ref_has_company(&c->world, company, chosen),
		    "without the company it prefers", app, chosen);
	}
	for (uint32_t h = 0; h < c->world.hosts; h++) {
		if (ref_obstacles(&c->world, app, h) != 0)
			continue;
		cluster_check(c, chosen != PLACER_NONE, "refused although it fits", app, h);
		if (!company || ref_has_company(&c->world, company, h)) {
			cluster_check(c, !ref_is_better(&c->world, &c->policy, app, h, chosen),
			    "a better host was not chosen", h, chosen);
		}
	}
}

static bool is_named(const placer_explanation *why, uint32_t count, uint32_t host)
{
	bool named = why->chosen.host == host;
	for (uint32_t i = 0; i < count; i++)
		named = named || why->runners_up[i].host == host;
	return named;
}

/* Each is the best of what those before it left, and there are as many as there can be. */
static void check_runners_up(cluster *c, uint32_t app, const placer_explanation *why)
{
	bool any_company = !company_rule(c, app);
	for (uint32_t h = 0; h < c->world.hosts; h++) {
		if (ref_obstacles(&c->world, app, h) != 0)
			continue;
		for (uint32_t i = 0; any_company && i < why->runner_up_count; i++) {
			uint32_t other = why->runners_up[i].host;
			cluster_check(c,
			    is_named(why, i + 1, h) || !ref_is_better(&c->world, &c->policy, app, h, other),
			    "a better host is no runner-up", h, other);
		}
		cluster_check(c,
		    why->runner_up_count == PLACER_RUNNERS_UP || is_named(why, why->runner_up_count, h),
		    "a host that fits is not named though there is room", h, why->runner_up_count);
	}
}

void check_explanation(cluster *c, uint32_t app, uint32_t chosen)
{
	placer_explanation why;
	bool fits = placer_explain(c->placer, app, &why);
	cluster_check(c, fits == (chosen != PLACER_NONE), "explains another answer", app, chosen);
	if (!fits)
		return;
	cluster_check(c, why.chosen.host == chosen, "explains another host", why.chosen.host, chosen);
	for (uint32_t i = 0; i < why.runner_up_count; i++) {
		uint32_t other = why.runners_up[i].host;
		cluster_check(c, other != chosen && ref_obstacles(&c->world, app, other) == 0,
		    "a runner-up that does not fit", other, chosen);
	}
	check_runners_up(c, app, &why);
	placer_parts parts;
	placer_parts_of(c->placer, app, chosen, &parts);
	cluster_check(c, memcmp(&parts, &why.chosen, sizeof(parts)) == 0,
	    "the parts of one host differ from the explanation", app, chosen);
	double cost = ref_cost(&c->world, &c->policy, app, chosen);
	double sum = why.chosen.open + why.chosen.load + why.chosen.fit + why.chosen.pressure +
	             why.chosen.preference;
	cluster_check(c, sum - cost < 1e-3 * (1 + cost) && cost - sum < 1e-3 * (1 + cost),
	    "the parts of the cost do not sum up", app, chosen);
}
