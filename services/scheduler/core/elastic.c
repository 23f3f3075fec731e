/* Elastic scaling: the leader looks at every app with rules and changes counts by ordinary
 * operations. */
#include "elastic.h"

#include "forecast.h"
#include "parts.h"
#include "rules.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LOOK_MS 5000    /* also without news: waits end, schedules begin */
#define SAMPLE_MS 60000 /* so often a decision is kept although nothing changed */
#define QUIET_MS 30000  /* a gap in what is known that is no longer is not told */

static elastic_now instant(const controller *c)
{
	return (elastic_now){c->now.mono.ms, c->now.wall.unix_ms};
}

static void tell(controller *c, app_elastic *x, const elastic_event *event, elastic_effects *ret)
{
	elastic_step(x->e, instant(c), event, ret);
	if (ret->keep && sot_list_empty(&x->dirty))
		sot_list_push(&c->dirty.elastics, &x->dirty);
}

/* ---- rules ---- */

app_elastic *elastic_find(const app *a, sot_str name)
{
	for (sot_link *l = a->elastics.next; l != &a->elastics; l = l->next) {
		app_elastic *x = SOT_CONTAINER(l, app_elastic, of_app);
		if (x->e && sot_str_eq_c(name, x->group))
			return x;
	}
	return NULL;
}

const app_elastic *elastic_in_the_way(const app *a, sot_str name)
{
	for (sot_link *l = a->elastics.next; l != &a->elastics; l = l->next) {
		const app_elastic *x = SOT_CONTAINER(l, app_elastic, of_app);
		if (x->e && (name.n == 0) != (x->group[0] == '\0'))
			return x;
	}
	return NULL;
}

static app_elastic *make(controller *c, app *a, const char *name)
{
	app_elastic *x = NULL;

	for (sot_link *l = a->elastics.next; l != &a->elastics && !x; l = l->next) {
		app_elastic *other = SOT_CONTAINER(l, app_elastic, of_app);
		x = strcmp(other->group, name) == 0 ? other : NULL;
	}
	if (!x) {
		x = sot_alloc(sizeof(*x));
		x->app = a;
		model_copy_text(x->group, sizeof(x->group), sot_str_c(name));
		sot_list_init(&x->all);
		sot_list_init(&x->dirty);
		sot_list_push(&a->elastics, &x->of_app);
	}
	if (!x->e) {
		x->e = elastic_new();
		sot_list_push(&c->all_elastics, &x->all);
	}
	return x;
}

static void say_updated(controller *c, const app_elastic *x)
{
	const elastic_policy *p = x->e ? elastic_policy_of(x->e) : NULL;
	const app *a = x->app;
	sot_buf data;

	model_text_init(&data);
	sot_buf_printf(&data,
	    "{\"app\":\"%s\",\"group\":\"%s\",\"enabled\":%s,\"dryRun\":%s,\"min\":%u,\"max\":%u,"
	    "\"rules\":[",
	    a->row.name, x->group, p && p->enabled ? "true" : "false",
	    p && p->dry_run ? "true" : "false", p ? p->min : 0, p ? p->max : 0);
	for (size_t k = 0; p && k < p->rule_count; k++) {
		sot_buf_add_c(&data, k ? "," : "");
		sot_buf_add_json(&data, sot_str_c(p->rules[k].name));
	}
	sot_buf_add_c(&data, "]}");
	say_event(c, "elastic.updated", a->row.name, a, NULL, NULL, &data);
}

void elastic_set(controller *c, app *a, const elastic_policy *policy, const char *by)
{
	app_elastic *x = make(c, a, policy->group);
	elastic_effects done;
	elastic_kept kept = *elastic_kept_of(x->e);

	/* The cool-down that runs goes on; the wait for fewer was by other rules. */
	kept.low_unix_ms = 0;
	kept.low_most = 0;
	tell(c, x, &(elastic_event){.kind = ELASTIC_POLICY, .policy = policy, .kept = kept}, &done);
	model_copy_text(x->updated_by, sizeof(x->updated_by), sot_str_c(by));
	x->updated_unix_ms = c->now.wall.unix_ms;
	x->said.any = false;
	say_updated(c, x);
}

void elastic_clear(controller *c, app_elastic *x)
{
	x->e = elastic_free(x->e);
	sot_list_remove(&x->all);
	if (sot_list_empty(&x->dirty))
		sot_list_push(&c->dirty.elastics, &x->dirty);
	say_updated(c, x);
}

void elastic_free_of(app *a)
{
	while (!sot_list_empty(&a->elastics)) {
		app_elastic *x = SOT_CONTAINER(a->elastics.next, app_elastic, of_app);
		elastic_free(x->e);
		sot_list_remove(&x->of_app);
		sot_list_remove(&x->all);
		sot_list_remove(&x->dirty);
		free(x);
	}
}

void elastic_collect(controller *c, controller_batch *b)
{
	while (!sot_list_empty(&c->dirty.elastics)) {
		app_elastic *x = SOT_CONTAINER(c->dirty.elastics.next, app_elastic, dirty);
		sot_list_remove(&x->dirty);
		elastic_row *row = VECTOR_PUSH(b->elastics, b->elastic_count, b->elastic_cap);
		*row = (elastic_row){.app_id = x->app->row.id, .updated_unix_ms = x->updated_unix_ms};
		memcpy(row->group, x->group, sizeof(row->group));
		memcpy(row->updated_by, x->updated_by, sizeof(row->updated_by));
		if (x->e) {
			row->policy = elastic_policy_of(x->e);
			row->kept = *elastic_kept_of(x->e);
		}
	}
}

/* ---- take-over ---- */

sot_code controller_load_elastic(controller *c, const elastic_row *row, sot_err *err)
{
	app *a = sot_map_get_uuid(c->apps, row->app_id);
	char id[SOT_UUID_TEXT];
	elastic_effects done;

	if (!a)
		return sot_fail(err, SOT_INTERNAL, "elastic scaling names app %s, which is not there",
		    sot_uuid_format(row->app_id, id));
	app_elastic *x = make(c, a, row->group);
	elastic_step(x->e, (elastic_now){0, row->updated_unix_ms},
	    &(elastic_event){.kind = ELASTIC_POLICY, .policy = row->policy, .kept = row->kept}, &done);
	memcpy(x->updated_by, row->updated_by, sizeof(x->updated_by));
	x->updated_unix_ms = row->updated_unix_ms;
	return SOT_OK;
}

sot_code controller_load_elastic_rule(controller *c, const elastic_rule_row *row, sot_err *err)
{
	app *a = sot_map_get_uuid(c->apps, row->app_id);
	const app_elastic *x = a ? elastic_find(a, sot_str_c(row->group)) : NULL;
	elastic_effects done;

	if (!x)
		return sot_fail(err, SOT_INTERNAL, "a rule of elastic scaling belongs to no app");
	elastic_policy policy = *elastic_policy_of(x->e);
	elastic_kept kept = *elastic_kept_of(x->e);
	if (policy.rule_count == ELASTIC_RULES_MAX)
		return sot_fail(err, SOT_INTERNAL, "%s has more rules than there may be", a->row.name);
	elastic_rule *rule = &policy.rules[policy.rule_count++];
	*rule = row->rule;
	/* A zone that is gone from this machine must not stop the take-over: by UTC then. */
	sot_err why = {0};
	if (elastic_rule_resolve(rule, c->config.zone_find, c->config.zone_self, &why) != SOT_OK &&
	    cron_parse(sot_str_c(rule->cron_text), &rule->cron, err) != SOT_OK)
		return SOT_INTERNAL;
	elastic_step(x->e, (elastic_now){0, 0},
	    &(elastic_event){.kind = ELASTIC_POLICY, .policy = &policy, .kept = kept}, &done);
	return SOT_OK;
}

/* ---- what is heard ---- */

/* The group that is scaled; NULL: the app as a whole. */
static const group *group_of(const app_elastic *x)
{
	return x->group[0] ? model_find_group(x->app, sot_str_c(x->group), false) : NULL;
}

static bool is_of(const app_elastic *x, const group *g, const instance *i)
{
	return !x->group[0] || (g && sot_uuid_eq(i->row.make->group_id, g->row.id));
}

void elastic_hear(
    controller *c, instance *i, const struct sot_instance_report *r, uint32_t interval_ms)
{
	uint64_t cpu = r->cpu_limit_milli ? r->cpu_limit_milli : i->row.make->cpu_milli;
	uint64_t memory = r->memory_limit_bytes ? r->memory_limit_bytes : i->row.make->memory_bytes;
	elastic_effects done;

	for (sot_link *l = i->app->elastics.next; l != &i->app->elastics; l = l->next) {
		app_elastic *x = SOT_CONTAINER(l, app_elastic, of_app);
		if (!x->e || !is_of(x, group_of(x), i))
			continue;
		tell(c, x,
		    &(elastic_event){.kind = ELASTIC_SAMPLE,
		        .id = i->row.id,
		        .cpu_milli = cpu ? r->cpu_used_milli * 100000ull / cpu : 0,
		        .memory_milli = memory ? (uint64_t)((unsigned __int128)r->memory_working_set_bytes *
		                                            100000 / memory)
		                               : 0,
		        .period_ms = interval_ms},
		    &done);
		x->is_news = true;
	}
}

static size_t rules_by(const elastic_policy *p, const char *value)
{
	size_t rules = 0;

	for (size_t k = 0; k < p->rule_count; k++)
		rules += p->rules[k].metric == SOT_ELASTIC_METRIC_CUSTOM &&
		         strcmp(p->rules[k].value, value) == 0;
	return rules;
}

size_t elastic_hear_value(
    controller *c, app *a, const instance *i, sot_str of, const char *value, uint64_t milli)
{
	sot_uuid id = i ? i->row.id : (sot_uuid){{0}};
	elastic_effects done;
	size_t rules = 0;

	for (sot_link *l = a->elastics.next; l != &a->elastics; l = l->next) {
		app_elastic *x = SOT_CONTAINER(l, app_elastic, of_app);
		if (!x->e || (i && !is_of(x, group_of(x), i)) || (of.n > 0 && !sot_str_eq_c(of, x->group)))
			continue;
		rules += rules_by(elastic_policy_of(x->e), value);
		tell(c, x,
		    &(elastic_event){.kind = ELASTIC_VALUE, .value = value, .id = id, .milli = milli},
		    &done);
		x->is_news = true;
	}
	return rules;
}

/* ---- what is decided ---- */

static elastic_part part_of(const instance *i)
{
	if (i->row.desired == SOT_DESIRED_STATE_STOPPED)
		return ELASTIC_STOPPED;
	return i->row.state == INSTANCE_RUNNING && !instance_is_starting(i) ? ELASTIC_WORKS
	                                                                    : ELASTIC_STARTS;
}

/* Returns the members, freed by the caller. */
static elastic_member *members_of(const app_elastic *x, const group *g, size_t *ret_count)
{
	elastic_member *members = sot_alloc_array(app_wanted_count(x->app, g) + 1, sizeof(*members));
	size_t n = 0;

	for (const sot_link *l = x->app->instances.next; l != &x->app->instances; l = l->next) {
		const instance *i = SOT_CONTAINER(l, instance, of_app);
		if (is_of(x, g, i) && i->row.desired != SOT_DESIRED_STATE_RETIRED)
			members[n++] = (elastic_member){i->row.id, part_of(i)};
	}
	*ret_count = n;
	return members;
}

static const char *busy_with(const app *a, char dst[static 160])
{
	const operation *o = app_operation(a);

	if (!o)
		return NULL;
	(void)snprintf(dst, 160, "%s by %.60s %s", operation_kind_name(o->row.kind), o->row.actor,
	    o->row.state == OPERATION_RUNNING ? "runs" : "stands in line");
	return dst;
}

/* The most that the team's quota lets the app have, up to `to`; `p` says why no more. */
static uint32_t quota_allows(
    const controller *c, const app *a, uint32_t others, uint32_t from, uint32_t to, problem *p)
{
	while (to > from &&
	       !rules_check_quota(c, sot_str_c(a->row.team), sot_str_c(a->row.plan), to + others, p))
		to--;
	return to;
}

/* More than fit are not asked for: an operation that waits would stand in the way of the next. */
static void check_room(controller *c, app *a, uint32_t others, elastic_decision *d)
{
	problem p = {.text = ""};
	sot_buf why;

	uint32_t to = quota_allows(c, a, others, d->count, d->to, &p);
	if (to < d->to)
		elastic_refuse(d, ELASTIC_QUOTA, to, p.text);
	if (d->outcome != ELASTIC_SCALE)
		return;
	model_text_init(&why);
	uint32_t fit = forecast_room(c, a, d->to - d->count, &why);
	if (fit < d->to - d->count) {
		char text[ELASTIC_TEXT_MAX];
		model_copy_text(text, sizeof(text), sot_buf_str(&why));
		elastic_refuse(d, ELASTIC_CAPACITY, d->count + fit, text);
	}
	sot_buf_clear(&why);
}

static operation *scale(controller *c, app_elastic *x, const elastic_decision *d)
{
	static const char no_digest[32];
	const elastic_policy *p = elastic_policy_of(x->e);
	char actor[48], key[SOT_UUID_TEXT];
	elastic_effects done;
	sot_buf spec;

	(void)snprintf(
	    actor, sizeof(actor), "elastic:%s", d->rule < 0 ? "min" : p->rules[d->rule].name);
	sot_request_context context = {.actor = sot_str_c(actor),
	    .idempotency_key = sot_str_c(sot_uuid_format(model_new_id(c), key)),
	    .request_sha256 = {no_digest, sizeof(no_digest)},
	    .reason = sot_str_c(d->reason)};
	model_text_init(&spec);
	sot_buf_printf(&spec, "{\"name\":\"%s\",\"count\":%u", x->app->row.name, d->to);
	if (x->group[0])
		sot_buf_printf(&spec, ",\"group\":\"%s\"", x->group);
	sot_buf_add_c(&spec, "}");
	operation *o = operation_accept(c, &(acceptance){.context = &context,
	                                       .kind = OPERATION_APP_SCALE,
	                                       .app = x->app,
	                                       .target = sot_str_c(x->app->row.name),
	                                       .resource_id = x->app->row.id,
	                                       .spec = &spec,
	                                       .count = d->to,
	                                       .group = sot_str_c(x->group),
	                                       .pick = SOT_SCALE_PICK_SPREAD});
	say_log(c, o, LOG_INFO, "%s", d->reason);
	tell(c, x, &(elastic_event){.kind = ELASTIC_SCALED, .count = d->to}, &done);
	return o;
}

/* ---- what is told ---- */

static void say_decision(controller *c, const app_elastic *x, const elastic_decision *d,
    const char *rule, const operation *o)
{
	sot_buf data;

	model_text_init(&data);
	sot_buf_printf(&data,
	    "{\"group\":\"%s\",\"rule\":\"%s\",\"outcome\":\"%s\",\"hold\":\"%s\",\"count\":%u,"
	    "\"wanted\":%u,\"to\":%u,\"reason\":",
	    x->group, rule, elastic_outcome_name(d->outcome), elastic_hold_name(d->hold), d->count,
	    d->wanted, d->to);
	sot_buf_add_json(&data, sot_str_c(d->reason));
	sot_buf_add_c(&data, "}");
	say_event(c, "elastic.decision", x->app->row.name, x->app, NULL, o, &data);
}

/* A gap that ends soon is not worth a word: after each change of the count there is one. */
static bool is_short_gap(const controller *c, app_elastic *x, const elastic_decision *d)
{
	if (d->hold != ELASTIC_UNKNOWN) {
		x->unknown = false;
		return false;
	}
	if (!x->unknown) {
		x->unknown = true;
		x->unknown_since = c->now.mono;
	}
	return sot_mono_diff_ms(c->now.mono, x->unknown_since) < QUIET_MS;
}

static void keep_decision(
    controller *c, app_elastic *x, const elastic_decision *d, const operation *o)
{
	controller_batch *b = c->next;
	const elastic_decision *last = &x->said.decision;
	bool turned = !x->said.any || last->outcome != d->outcome || last->hold != d->hold ||
	              last->to != d->to || d->outcome == ELASTIC_SCALE;
	bool changed = turned || last->count != d->count || last->wanted != d->wanted;

	if (is_short_gap(c, x, d) ||
	    (!changed && sot_mono_diff_ms(c->now.mono, x->said.at) < SAMPLE_MS))
		return;
	elastic_decision_row *row =
	    VECTOR_PUSH(b->elastic_decisions, b->elastic_decision_count, b->elastic_decision_cap);
	*row = (elastic_decision_row){.app_id = x->app->row.id,
	    .operation_id = o ? o->row.id : (sot_uuid){{0}},
	    .at_unix_ms = c->now.wall.unix_ms,
	    .decision = *d};
	memcpy(row->group, x->group, sizeof(row->group));
	if (d->rule >= 0)
		memcpy(row->rule, elastic_policy_of(x->e)->rules[d->rule].name, sizeof(row->rule));
	if (turned)
		say_decision(c, x, d, row->rule, o);
	x->said.any = true;
	x->said.decision = *d;
	x->said.at = c->now.mono;
}

static void look(controller *c, app_elastic *x)
{
	const elastic_policy *p = elastic_policy_of(x->e);
	const group *g = group_of(x);
	char busy[160];
	elastic_event event = {.kind = ELASTIC_LOOK, .busy = busy_with(x->app, busy)};
	elastic_effects done;
	operation *o = NULL;

	x->is_news = false;
	x->looked = c->now.mono;
	if (!p->enabled || x->app->row.deleting)
		return;
	elastic_member *members = members_of(x, g, &event.member_count);
	event.members = members;
	tell(c, x, &event, &done);
	free(members);
	elastic_decision *d = &done.decision;
	if (d->outcome == ELASTIC_SCALE && d->to > d->count)
		check_room(c, x->app, (uint32_t)app_wanted_count(x->app, NULL) - d->count, d);
	if (d->outcome == ELASTIC_SCALE)
		o = scale(c, x, d);
	keep_decision(c, x, d, o);
}

void elastic_tick(controller *c)
{
	for (sot_link *l = c->all_elastics.next, *next; l != &c->all_elastics; l = next) {
		app_elastic *x = SOT_CONTAINER(l, app_elastic, all);
		next = l->next;
		if (x->is_news || sot_mono_diff_ms(c->now.mono, x->looked) >= LOOK_MS)
			look(c, x);
	}
}
