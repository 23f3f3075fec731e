/* Requests about elastic scaling: rules, and values that apps send. Done with the batch that
 * accepts them; what follows from the rules are operations of their own. */
#include "elastic.h"
#include "requests.h"
#include "rules.h"
#include "sot_parse.h"

#include <stdio.h>
#include <string.h>

#define PERCENT_MAX 10000

static bool blame(problem *p, size_t k, const char *field, const char *text)
{
	char pointer[48];

	(void)snprintf(pointer, sizeof(pointer), "/rules/%zu/%s", k, field);
	return problem_set(p, SOT_REFUSAL_INVALID, pointer, "%s", text);
}

static elastic_rule rule_of(const sot_elastic_rule *m)
{
	elastic_rule r = {.metric = m->metric,
	    .target_milli = m->target_milli,
	    .window_s = m->window_s,
	    .sum = m->sum,
	    .for_s = m->for_s,
	    .count = m->count};

	model_copy_text(r.name, sizeof(r.name), m->name);
	model_copy_text(r.value, sizeof(r.value), m->value);
	model_copy_text(r.cron_text, sizeof(r.cron_text), m->cron);
	model_copy_text(r.zone_name, sizeof(r.zone_name), m->zone);
	return r;
}

static bool check_load(const elastic_rule *r, size_t k, problem *p)
{
	bool is_share = r->metric != SOT_ELASTIC_METRIC_CUSTOM;

	if (r->target_milli == 0)
		return blame(p, k, "target", "say which load is wanted: 1 or more");
	if (is_share && r->target_milli > PERCENT_MAX * 1000u)
		return blame(p, k, "target", "it is in percent of the plan, 10000 at most");
	if (r->window_s == 0)
		return blame(p, k, "windowSeconds", "say over how many seconds the load is taken");
	if (!is_share && !sot_is_label(sot_str_c(r->value), 30))
		return blame(p, k, "value",
		    "a rule with metric custom needs the name of its value: a-z, 0-9 and '-'");
	return true;
}

static bool check_schedule(const controller *c, elastic_rule *r, size_t k, problem *p)
{
	sot_err err = {0};
	cron line;

	if (cron_parse(sot_str_c(r->cron_text), &line, &err) != SOT_OK)
		return blame(p, k, "cron", err.text);
	if (elastic_rule_resolve(r, c->config.zone_find, c->config.zone_self, &err) != SOT_OK)
		return blame(p, k, "zone", err.text);
	if (r->for_s < 60)
		return blame(p, k, "forSeconds", "say how long it lasts: 60 or more");
	if (r->count == 0)
		return blame(p, k, "count", "say how many instances there shall be while it lasts");
	return true;
}

static bool check_rule(const controller *c, elastic_policy *policy, size_t k, problem *p)
{
	elastic_rule *r = &policy->rules[k];

	if (!sot_is_label(sot_str_c(r->name), 30))
		return blame(p, k, "name", "a rule's name is made of a-z, 0-9 and '-', a letter first");
	for (size_t j = 0; j < k; j++)
		if (strcmp(policy->rules[j].name, r->name) == 0)
			return blame(p, k, "name", "another rule has this name");
	return r->metric == SOT_ELASTIC_METRIC_SCHEDULE ? check_schedule(c, r, k, p)
	                                                : check_load(r, k, p);
}

static bool read_policy(
    const controller *c, const sot_elastic_set *m, elastic_policy *ret, problem *p)
{
	*ret = (elastic_policy){.enabled = m->enabled,
	    .dry_run = m->dry_run,
	    .min = m->min,
	    .max = m->max,
	    .up_step = m->up_step,
	    .down_step = m->down_step,
	    .up_cooldown_s = m->up_cooldown_s,
	    .down_cooldown_s = m->down_cooldown_s,
	    .stable_s = m->stable_s,
	    .tolerance_percent = m->tolerance_percent,
	    .rule_count = m->rules_count};
	model_copy_text(ret->group, sizeof(ret->group), m->group);
	if (m->min > m->max)
		return problem_set(
		    p, SOT_REFUSAL_INVALID, "/min", "min is %u and max %u: min <= max", m->min, m->max);
	if (m->rules_count == 0)
		return problem_set(p, SOT_REFUSAL_INVALID, "/rules",
		    "there must be a rule; to end elastic scaling delete it, or set enabled to false");
	for (size_t k = 0; k < m->rules_count; k++) {
		ret->rules[k] = rule_of(&m->rules[k]);
		if (!check_rule(c, ret, k, p))
			return false;
	}
	return true;
}

/* What the rules of other groups have at least. */
static uint32_t least_of_others(const app *a, const char *name)
{
	uint32_t n = 0;

	for (const sot_link *l = a->elastics.next; l != &a->elastics; l = l->next) {
		const app_elastic *x = SOT_CONTAINER(l, app_elastic, of_app);
		n += x->e && strcmp(x->group, name) != 0 ? elastic_policy_of(x->e)->min : 0;
	}
	return n;
}

/* The quota would hold it for ever: better said now. */
static bool check_quota(const controller *c, const app *a, const elastic_policy *policy, problem *p)
{
	if (rules_check_quota(c, sot_str_c(a->row.team), sot_str_c(a->row.plan),
	        policy->max + least_of_others(a, policy->group), p))
		return true;
	memcpy(p->pointer, "/max", sizeof("/max"));
	return false;
}

/* Two sets of rules over one instance would pull at each other. */
static bool check_alone(const app *a, const elastic_policy *policy, problem *p)
{
	const app_elastic *other = elastic_in_the_way(a, sot_str_c(policy->group));

	if (!other)
		return true;
	return problem_set(p, SOT_REFUSAL_CONFLICT, "/group",
	    other->group[0] ? "the group '%s' of '%s' has rules of its own: delete those first, or say "
	                      "a group"
	                    : "%s'%s' has rules as a whole: delete those first",
	    other->group, a->row.name);
}

static void accept(request *q, uint64_t request_id, const sot_request_context *context,
    operation_kind kind, const app *a, sot_buf *spec)
{
	request_accept(q, &(acceptance){.request_id = request_id,
	                      .context = context,
	                      .kind = kind,
	                      .target = sot_str_c(a->row.name),
	                      .resource_id = a->row.id,
	                      .spec = spec});
}

void on_elastic_set(void *self, const void *from, const sot_elastic_set *m)
{
	request *q = self;
	elastic_policy policy;
	const group *g;
	char by[129];
	problem p;
	sot_buf spec;

	(void)from;
	if (request_is_replay(q, m->request_id, &m->context))
		return;
	app *a = request_app(q, m->request_id, m->app);
	if (!a || !request_group(q, m->request_id, a, m->group, &g))
		return;
	if (!read_policy(q->c, m, &policy, &p) || !check_alone(a, &policy, &p) ||
	    !check_quota(q->c, a, &policy, &p)) {
		request_refuse(q, m->request_id, &p);
		return;
	}
	model_text_init(&spec);
	elastic_policy_json(&policy, &spec);
	accept(q, m->request_id, &m->context, OPERATION_ELASTIC_SET, a, &spec);
	model_copy_text(by, sizeof(by), m->context.actor);
	elastic_set(q->c, a, &policy, by);
}

static void refuse_none(request *q, uint64_t request_id, const app *a, sot_str name)
{
	problem p;

	if (name.n > 0)
		problem_set(&p, SOT_REFUSAL_NOT_FOUND, "/group",
		    "the group '%.*s' of app '%s' has no elastic scaling", SOT_ARG(name), a->row.name);
	else
		problem_set(&p, SOT_REFUSAL_NOT_FOUND, "", "app '%s' has no elastic scaling%s", a->row.name,
		    elastic_in_the_way(a, name) ? " as a whole, groups of it have" : "");
	request_refuse(q, request_id, &p);
}

void on_elastic_delete(void *self, const void *from, const sot_elastic_delete *m)
{
	request *q = self;
	sot_buf spec;

	(void)from;
	if (request_is_replay(q, m->request_id, &m->context))
		return;
	app *a = request_app(q, m->request_id, m->app);
	if (!a)
		return;
	app_elastic *x = elastic_find(a, m->group);
	if (!x) {
		refuse_none(q, m->request_id, a, m->group);
		return;
	}
	model_text_init(&spec);
	sot_buf_printf(&spec, "{\"name\":\"%s\",\"group\":\"%s\"}", a->row.name, x->group);
	accept(q, m->request_id, &m->context, OPERATION_ELASTIC_DELETE, a, &spec);
	elastic_clear(q->c, x);
}

void on_elastic_value(void *self, const void *from, const sot_elastic_value *m)
{
	request *q = self;
	const group *g;
	char value[31];
	sot_buf out;
	problem p;

	(void)from;
	app *a = request_app(q, m->request_id, m->app);
	if (!a || !request_group(q, m->request_id, a, m->group, &g))
		return;
	instance *i = m->instance.n > 0 ? request_instance(q->c, m->instance) : NULL;
	model_copy_text(value, sizeof(value), m->value);
	if (m->instance.n > 0 && (!i || i->app != a)) {
		problem_set(&p, SOT_REFUSAL_NOT_FOUND, "/instance", "app '%s' has no instance '%.*s'",
		    a->row.name, SOT_ARG(m->instance));
		request_refuse(q, m->request_id, &p);
		return;
	}
	bool is_watched = !g && rollout_hear_errors(q->c, a, i, value, m->value_milli);
	if (!is_watched && !elastic_find(a, m->group) && !elastic_in_the_way(a, m->group)) {
		refuse_none(q, m->request_id, a, m->group);
		return;
	}
	size_t rules = elastic_hear_value(q->c, a, i, m->group, value, m->value_milli);
	if (rules == 0 && !is_watched) {
		problem_set(&p, SOT_REFUSAL_NOT_FOUND, "/name",
		    "no rule of app '%s' goes by the value '%s'", a->row.name, value);
		request_refuse(q, m->request_id, &p);
		return;
	}
	model_text_init(&out);
	sot_buf_printf(&out, "{\"rules\":%zu}", rules);
	request_answer(q, m->request_id, SOT_STR(""), &out);
	sot_buf_clear(&out);
}
