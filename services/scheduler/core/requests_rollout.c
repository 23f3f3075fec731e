/* Requests about rollouts: a version, and what is said to one that runs. */
#include "requests.h"

#include <stdio.h>
#include <string.h>

bool rollout_check_strategy(operation_kind kind, const sot_rollout_strategy *s, problem *p)
{
	if (s->batch > 0 && s->batch_percent > 0)
		return problem_set(p, SOT_REFUSAL_INVALID, "/strategy/batchPercent",
		    "batch and batchPercent exclude each other: say how many, or which share");
	if (s->surge > 0 && kind != OPERATION_APP_DEPLOY)
		return problem_set(p, SOT_REFUSAL_INVALID, "/strategy/surge",
		    "only a version can be rolled out with helpers");
	if (s->pause == SOT_ROLLOUT_PAUSE_CANARY && s->canary == 0)
		return problem_set(p, SOT_REFUSAL_INVALID, "/strategy/pause",
		    "a pause after the canary needs a canary: say how many instances go first");
	if (s->pause == SOT_ROLLOUT_PAUSE_NEVER && s->pause_s > 0)
		return problem_set(p, SOT_REFUSAL_INVALID, "/strategy/pauseSeconds",
		    "say after what to pause: pause is canary or batch");
	return true;
}

static const char *what_runs(const app *a, operation_kind kind)
{
	return kind == OPERATION_APP_DEPLOY       ? a->row.version
	       : kind == OPERATION_APP_RESIZE     ? a->row.plan
	       : kind == OPERATION_APP_MIDDLEWARE ? (a->row.middleware ? a->row.middleware : "")
	                                          : a->row.image;
}

bool rollout_goes_on(request *q, uint64_t request_id, const app *a, const group *g,
    operation_kind kind, const sot_rollout_strategy *strategy, bool dry_run, sot_str to)
{
	rollout_strategy s = rollout_strategy_of(strategy);
	char target[65];
	problem p;
	sot_buf out;

	if (!rollout_check_strategy(kind, strategy, &p)) {
		request_refuse(q, request_id, &p);
		return false;
	}
	if (!dry_run)
		return true;
	model_copy_text(target, sizeof(target), to);
	model_text_init(&out);
	rollout_plan_json(a, g, kind, &s, what_runs(a, kind), target, &out);
	request_answer(q, request_id, SOT_STR(""), &out);
	sot_buf_clear(&out);
	return false;
}

void on_app_deploy(void *self, const void *from, const sot_app_deploy *m)
{
	request *q = self;
	char version[65];
	problem p;
	sot_buf spec;

	(void)from;
	if (request_is_replay(q, m->request_id, &m->context))
		return;
	const group *g = NULL;
	app *a = request_app(q, m->request_id, m->name);
	if (!a || !request_group(q, m->request_id, a, m->group, &g))
		return;
	model_copy_text(version, sizeof(version), m->version);
	if (!model_find_version(a, version)) {
		problem_set(&p, SOT_REFUSAL_NOT_FOUND, "/version",
		    "app '%s' has no version '%s'%s; upload the package first", a->row.name, version,
		    model_known_version(a, version) ? " any more, by its retention" : "");
		request_refuse(q, m->request_id, &p);
		return;
	}
	if (!rollout_goes_on(
	        q, m->request_id, a, g, OPERATION_APP_DEPLOY, &m->strategy, m->dry_run, m->version))
		return;
	model_text_init(&spec);
	sot_buf_add_c(&spec, "{\"name\":");
	sot_buf_add_json(&spec, m->name);
	sot_buf_add_c(&spec, ",\"version\":");
	sot_buf_add_json(&spec, m->version);
	if (g) {
		sot_buf_add_c(&spec, ",\"group\":");
		sot_buf_add_json(&spec, m->group);
	}
	sot_buf_add_c(&spec, "}");
	operation *o = request_accept(q, &(acceptance){.request_id = m->request_id,
	                                     .context = &m->context,
	                                     .kind = OPERATION_APP_DEPLOY,
	                                     .app = a,
	                                     .target = m->name,
	                                     .resource_id = a->row.id,
	                                     .spec = &spec,
	                                     .version = m->version,
	                                     .group = m->group});
	rollout_set_strategy(q->c, o, &m->strategy);
}

/* ---- what is said to one that runs ---- */

static bool check_act(const operation *o, sot_rollout_action action, problem *p)
{
	if (!o)
		return problem_set(p, SOT_REFUSAL_NOT_FOUND, "",
		    "no open operation has this id; it has ended, or never was");
	if (!o->rollout)
		return problem_set(p, SOT_REFUSAL_CONFLICT, "",
		    "%s is no rollout; only what goes over an app batch by batch can be steered",
		    operation_kind_name(o->row.kind));
	if (o->row.state != OPERATION_RUNNING)
		return problem_set(
		    p, SOT_REFUSAL_CONFLICT, "", "it has not begun yet; wait for it, or cancel it");
	const rollout_row *r = &o->rollout->row;
	if (action == SOT_ROLLOUT_ACTION_PAUSE && r->paused_by[0])
		return problem_set(
		    p, SOT_REFUSAL_CONFLICT, "", "it is paused already, by %s", r->paused_by);
	if (action == SOT_ROLLOUT_ACTION_RESUME && !r->paused_by[0])
		return problem_set(p, SOT_REFUSAL_CONFLICT, "", "it is not paused");
	if (action == SOT_ROLLOUT_ACTION_ROLL_BACK && r->goes_back)
		return problem_set(p, SOT_REFUSAL_CONFLICT, "", "it goes back already");
	return true;
}

static void act(controller *c, operation *o, sot_rollout_action action, const char *by)
{
	char why[160];

	(void)snprintf(why, sizeof(why), "rolled back by %s", by);
	if (action == SOT_ROLLOUT_ACTION_PAUSE)
		rollout_pause(c, o, by);
	else if (action == SOT_ROLLOUT_ACTION_RESUME)
		rollout_resume(c, o, by);
	else
		rollout_go_back(c, o, why, by);
}

void on_rollout_act(void *self, const void *from, const sot_rollout_act *m)
{
	request *q = self;
	char id[SOT_UUID_TEXT], by[129];
	problem p;
	sot_buf spec;

	(void)from;
	if (request_is_replay(q, m->request_id, &m->context))
		return;
	operation *o = sot_map_get_uuid(q->c->operations, m->operation_id);
	if (!check_act(o, m->action, &p)) {
		request_refuse(q, m->request_id, &p);
		return;
	}
	model_text_init(&spec);
	sot_buf_printf(&spec, "{\"operation\":\"%s\"}", sot_uuid_format(m->operation_id, id));
	request_accept(q, &(acceptance){.request_id = m->request_id,
	                      .context = &m->context,
	                      .kind = (operation_kind)(OPERATION_ROLLOUT_PAUSE + m->action),
	                      .target = sot_str_c(o->row.target),
	                      .resource_id = o->row.id,
	                      .spec = &spec});
	model_copy_text(by, sizeof(by), m->context.actor);
	act(q->c, o, m->action, by);
}
