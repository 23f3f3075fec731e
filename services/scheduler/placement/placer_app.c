/* Apps: their spread, their rules with other apps, their teams' quotas. */
#include "placer_internal.h"

#include <stdlib.h>
#include <string.h>

uint32_t placer_shape_add(placer *p, const placer_shape_spec *spec)
{
	shape *s = PUSH(p->shapes, p->shape_count, p->shape_cap);

	*s = (shape){0};
	memcpy(s->need, spec->need, sizeof(s->need));
	s->need[PLACER_INSTANCES] = s->need[PLACER_STARTS] = 1;
	if (spec->profile) {
		assert(p->slots > 0);
		s->profile = sot_alloc_array((size_t)p->lanes * 2, sizeof(int32_t));
		for (uint32_t d = PLACER_CPU; d <= PLACER_MEMORY; d++) {
			const int32_t *day = spec->profile + (size_t)d * p->slots;
			memcpy(s->profile + (size_t)d * p->lanes, day, p->slots * sizeof(*day));
			s->need[d] = 0;
			for (uint32_t t = 0; t < p->slots; t++)
				s->need[d] = day[t] > s->need[d] ? day[t] : s->need[d];
		}
	}
	for (int d = 0; d < PLACER_DIMS; d++)
		assert(s->need[d] >= 0 && s->need[d] <= PLACER_UNLIMITED);
	return p->shape_count - 1;
}

void app_apply_spec(placer *p, uint32_t id, const placer_app_spec *spec)
{
	app *a = &p->apps[id];
	request_class *old = a->class;

	assert(spec->shape < p->shape_count && spec->workload < PLACER_WORKLOADS);
	assert(spec->network == PLACER_NONE || spec->network < p->network_count);
	a->spec = *spec;
	a->class = class_of(p, spec, id);
	if (old)
		class_release(p, old);
}

uint32_t placer_app_add(placer *p, const placer_app_spec *spec)
{
	uint32_t id = p->free_app;

	if (id == PLACER_NONE) {
		*PUSH(p->apps, p->app_count, p->app_cap) = (app){0};
		id = p->app_count - 1;
	} else {
		p->free_app = p->apps[id].next_free;
	}
	app_apply_spec(p, id, spec);
	return id;
}

/* What is already there was placed under the old terms: only these may change while it stands. */
static bool company_is_kept(const app *a, const placer_app_spec *spec)
{
	return a->domains[PLACER_HOST].count == 0 ||
	       (a->spec.workload == spec->workload && a->spec.exclusive == spec->exclusive &&
	           a->spec.team == spec->team);
}

void placer_app_set(placer *p, uint32_t id, const placer_app_spec *spec)
{
	assert(id < p->app_count && company_is_kept(&p->apps[id], spec));
	entry *e = journal_add(p, ENTRY_APP, id, PLACER_NONE);

	if (e) {
		e->spec = sot_alloc(sizeof(*spec));
		memcpy(e->spec, &p->apps[id].spec, sizeof(*spec));
	}
	app_apply_spec(p, id, spec);
}

const placer_app_spec *placer_app_spec_of(const placer *p, uint32_t id)
{
	assert(id < p->app_count);
	return &p->apps[id].spec;
}

void placer_need_of(const placer *p, uint32_t id, int32_t ret_need[PLACER_DIMS])
{
	assert(id < p->app_count);
	memcpy(ret_need, p->shapes[p->apps[id].spec.shape].need, PLACER_DIMS * sizeof(*ret_need));
}

/* ---- rules ---- */

void placer_rule_add(placer *p, const placer_rule *rule)
{
	assert(rule->a < p->app_count && rule->b < p->app_count && p->open_marks == 0);
	uint32_t ends[] = {rule->a, rule->b};

	*PUSH(p->rules, p->rule_count, p->rule_cap) = *rule;
	for (int i = 0; i < (rule->a == rule->b ? 1 : 2); i++) {
		app *a = &p->apps[ends[i]];
		*PUSH(a->rules, a->rule_count, a->rule_cap) = p->rule_count - 1;
	}
}

static void forget_rule(app *a, uint32_t rule_id)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < a->rule_count; i++) {
		if (a->rules[i] != rule_id)
			a->rules[kept++] = a->rules[i];
	}
	a->rule_count = kept;
}

void placer_rules_clear(placer *p, uint32_t id)
{
	assert(id < p->app_count && p->open_marks == 0);
	app *a = &p->apps[id];

	while (a->rule_count > 0) {
		uint32_t rule_id = a->rules[a->rule_count - 1];
		placer_rule *r = &p->rules[rule_id];
		forget_rule(&p->apps[r->a], rule_id);
		forget_rule(&p->apps[r->b], rule_id);
	}
}

void placer_app_remove(placer *p, uint32_t id)
{
	assert(id < p->app_count && p->apps[id].class && p->open_marks == 0);
	app *a = &p->apps[id];

	assert(a->domains[PLACER_HOST].count == 0);
	placer_rules_clear(p, id);
	class_release(p, a->class);
	for (int level = 0; level < PLACER_LEVELS; level++)
		tally_clear(&a->domains[level]);
	free(a->rules);
	*a = (app){.version = a->version + 1, .next_free = p->free_app};
	p->free_app = id;
}

static uint32_t rule_obstacle(
    const placer *p, const placer_rule *r, uint32_t app_id, uint32_t host_id)
{
	uint32_t domain = host_domain(p, host_id, r->level);
	const tally *of_b = &p->apps[r->b].domains[r->level];

	if (r->kind == PLACER_PREFER_TOGETHER)
		return 0;
	if (r->kind == PLACER_TOGETHER) {
		bool alone = r->a == app_id && r->a != r->b && tally_staying(of_b, domain) == 0;
		return alone ? REASON_BIT(PLACER_REASON_TOGETHER) : 0;
	}
	bool is_b = r->b == app_id;
	/* A domain without a: the rule is silent, unless a is what comes. */
	if (is_b && r->a != r->b && tally_count(&p->apps[r->a].domains[r->level], domain) == 0)
		return 0;
	return tally_count(of_b, domain) + is_b > r->k ? REASON_BIT(PLACER_REASON_APART) : 0;
}

uint32_t rule_obstacles(const placer *p, uint32_t app_id, uint32_t host_id)
{
	const app *a = &p->apps[app_id];
	uint32_t found = 0;

	for (uint32_t i = 0; i < a->rule_count; i++)
		found |= rule_obstacle(p, &p->rules[a->rules[i]], app_id, host_id);
	return found;
}

/* ---- spread ---- */

static bool domain_is_eligible(
    const placer *p, const request_class *c, placer_level level, uint32_t domain)
{
	if (level == PLACER_AZ)
		return c->az_eligible[domain] > 0;
	if (level == PLACER_RACK)
		return c->rack_eligible[key_rack(domain)] > 0;
	return cell_is_eligible(c->cells[p->hosts[domain].position]);
}

static uint32_t eligible_domains(const placer *p, const request_class *c, placer_level level)
{
	uint32_t count = 0;

	if (level == PLACER_RACK)
		return c->eligible_racks;
	if (level == PLACER_HOST)
		return c->eligible;
	for (uint32_t z = 0; z < p->zone_count; z++)
		count += c->az_eligible[z] > 0;
	return count;
}

/* How many stay in the emptiest eligible domain. */
static uint32_t emptiest(
    const placer *p, const request_class *c, const tally *t, placer_level level)
{
	uint32_t domains = eligible_domains(p, c, level), occupied = 0, least = UINT32_MAX;

	if (t->count < domains)
		return 0;
	for (uint32_t i = 0; i < t->count; i++) {
		if (!domain_is_eligible(p, c, level, t->keys[i]))
			continue;
		uint32_t staying = tally_staying_at(t, i);
		occupied++;
		least = staying < least ? staying : least;
	}
	return occupied < domains || least == UINT32_MAX ? 0 : least;
}

ceilings spread_ceilings(const placer *p, const request_class *c, uint32_t app_id)
{
	const app *a = &p->apps[app_id];
	ceilings limits;

	for (int level = 0; level < PLACER_LEVELS; level++) {
		const placer_spread *s = &a->spec.spread[level];
		uint32_t ceiling = s->max_count ? s->max_count : UINT32_MAX;
		if (s->max_skew) {
			uint32_t most = s->max_skew + emptiest(p, c, &a->domains[level], (placer_level)level);
			ceiling = most < ceiling ? most : ceiling;
		}
		limits.of[level] = ceiling;
	}
	return limits;
}

void placer_ceilings(placer *p, uint32_t app_id, uint32_t ret_most[PLACER_LEVELS])
{
	assert(app_id < p->app_count);
	request_class *c = p->apps[app_id].class;

	class_sync(p, c);
	ceilings limits = spread_ceilings(p, c, app_id);
	for (int level = 0; level < PLACER_LEVELS; level++)
		ret_most[level] = limits.of[level] < INT32_MAX ? limits.of[level] : INT32_MAX;
}

uint32_t app_obstacles(const placer *p, uint32_t app_id, uint32_t host_id, const ceilings *limits)
{
	const app *a = &p->apps[app_id];
	uint32_t found = a->rule_count ? rule_obstacles(p, app_id, host_id) : 0;

	for (int level = 0; level < PLACER_LEVELS; level++) {
		if (limits->of[level] == UINT32_MAX)
			continue;
		uint32_t domain = host_domain(p, host_id, (placer_level)level);
		if (tally_staying(&a->domains[level], domain) >= limits->of[level])
			found |= REASON_BIT(PLACER_REASON_SPREAD + level);
	}
	return found;
}

void placer_crowding(
    const placer *p, uint32_t app_id, uint32_t host_id, uint32_t ret_counts[PLACER_LEVELS])
{
	assert(app_id < p->app_count && host_id < p->host_count);
	for (int level = 0; level < PLACER_LEVELS; level++) {
		ret_counts[level] = tally_staying(
		    &p->apps[app_id].domains[level], host_domain(p, host_id, (placer_level)level));
	}
}

uint32_t placer_worst_loss(const placer *p, uint32_t app_id, placer_level level)
{
	const tally *t = &p->apps[app_id].domains[level];
	uint32_t worst = 0;

	for (uint32_t i = 0; i < t->count; i++) {
		uint32_t staying = tally_staying_at(t, i);
		worst = staying > worst ? staying : worst;
	}
	return worst;
}

/* ---- quotas ---- */

static team *team_at(placer *p, uint32_t id)
{
	assert(id < 1u << 20);
	while (p->team_count <= id)
		*PUSH(p->teams, p->team_count, p->team_cap) = (team){0};
	return &p->teams[id];
}

void placer_quota_set(placer *p, uint32_t id, const int32_t limit[PLACER_DIMS])
{
	assert(p->open_marks == 0);
	team *t = team_at(p, id);

	memcpy(t->limit, limit, sizeof(t->limit));
	t->limited = true;
}

uint32_t quota_obstacle(const placer *p, uint32_t app_id, uint32_t shape_id)
{
	uint32_t id = p->apps[app_id].spec.team;

	if (id == PLACER_NONE || id >= p->team_count || !p->teams[id].limited)
		return 0;
	for (int d = 0; d < PLACER_DIMS; d++) {
		const team *t = &p->teams[id];
		if (t->limit[d] < PLACER_UNLIMITED &&
		    t->used[d] + p->shapes[shape_id].need[d] > t->limit[d])
			return REASON_BIT(PLACER_REASON_QUOTA);
	}
	return 0;
}

void quota_book(placer *p, uint32_t app_id, uint32_t shape_id, int sign)
{
	uint32_t id = p->apps[app_id].spec.team;

	if (id == PLACER_NONE)
		return;
	team *t = team_at(p, id);
	for (int d = 0; d < PLACER_DIMS; d++)
		t->used[d] += (int64_t)sign * p->shapes[shape_id].need[d];
}
