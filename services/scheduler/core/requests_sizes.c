/* Requests that change instances where they stand: another plan, another image. */
#include "requests.h"

#include <stdio.h>
#include <string.h>

bool request_check_plan(const controller *c, sot_str plan, problem *p)
{
	return sot_map_get(c->plans, plan.p, plan.n) != NULL ||
	       problem_set(p, SOT_REFUSAL_NOT_FOUND, "/plan",
	           "no plan is called '%.*s'; see the list of plans", SOT_ARG(plan));
}

static void add_text(sot_buf *spec, const char *before, sot_str value)
{
	sot_buf_add_c(spec, before);
	sot_buf_add_json(spec, value);
}

void on_app_resize(void *self, const void *from, const sot_app_resize *m)
{
	request *q = self;
	problem p;
	sot_buf spec;

	(void)from;
	if (request_is_replay(q, m->request_id, &m->context))
		return;
	app *a = request_app(q, m->request_id, m->name);
	if (!a)
		return;
	if (!request_check_plan(q->c, m->plan, &p)) {
		request_refuse(q, m->request_id, &p);
		return;
	}
	if (!rollout_goes_on(
	        q, m->request_id, a, NULL, OPERATION_APP_RESIZE, &m->strategy, m->dry_run, m->plan))
		return;
	model_text_init(&spec);
	add_text(&spec, "{\"name\":", m->name);
	add_text(&spec, ",\"plan\":", m->plan);
	sot_buf_add_c(&spec, "}");
	operation *o = request_accept(q, &(acceptance){.request_id = m->request_id,
	                                     .context = &m->context,
	                                     .kind = OPERATION_APP_RESIZE,
	                                     .app = a,
	                                     .target = m->name,
	                                     .resource_id = a->row.id,
	                                     .spec = &spec,
	                                     .plan = m->plan});
	rollout_set_strategy(q->c, o, &m->strategy);
}

static bool check_resize(controller *c, const instance *i, const sot_instance_resize *m, problem *p)
{
	char plan[33], why[300];

	if (!i)
		return problem_set(p, SOT_REFUSAL_NOT_FOUND, "/instance",
		    "no live instance is called '%.*s'", SOT_ARG(m->instance));
	if (i->row.desired == SOT_DESIRED_STATE_RETIRED)
		return problem_set(p, SOT_REFUSAL_CONFLICT, "/instance", "%s is being retired", i->name);
	if (m->plan.n == 0 && m->bandwidth == SOT_BANDWIDTH_CHOICE_KEEP)
		return problem_set(p, SOT_REFUSAL_INVALID, "/plan",
		    "neither a plan nor a bandwidth limit is said, so nothing would change");
	if (m->plan.n > 0 && !request_check_plan(c, m->plan, p))
		return false;
	model_copy_text(plan, sizeof(plan), m->plan);
	return resize_fits(c, i, plan, why, sizeof(why)) ||
	       problem_set(p, SOT_REFUSAL_CONFLICT, "/plan", "%s", why);
}

void on_instance_resize(void *self, const void *from, const sot_instance_resize *m)
{
	request *q = self;
	problem p;
	sot_buf spec;
	char bandwidth[12] = "";

	(void)from;
	if (request_is_replay(q, m->request_id, &m->context))
		return;
	const instance *i = request_instance(q->c, m->instance);
	if (!check_resize(q->c, i, m, &p)) {
		request_refuse(q, m->request_id, &p);
		return;
	}
	model_text_init(&spec);
	add_text(&spec, "{\"name\":", sot_str_c(i->name));
	if (m->plan.n > 0)
		add_text(&spec, ",\"plan\":", m->plan);
	if (m->bandwidth == SOT_BANDWIDTH_CHOICE_OWN)
		(void)snprintf(bandwidth, sizeof(bandwidth), "%u", m->bandwidth_kbit);
	else if (m->bandwidth == SOT_BANDWIDTH_CHOICE_PLAN)
		(void)snprintf(bandwidth, sizeof(bandwidth), "plan");
	if (bandwidth[0])
		add_text(&spec, ",\"bandwidthKbit\":", sot_str_c(bandwidth));
	sot_buf_add_c(&spec, "}");
	request_accept(q, &(acceptance){.request_id = m->request_id,
	                      .context = &m->context,
	                      .kind = OPERATION_INSTANCE_RESIZE,
	                      .app = i->app,
	                      .target = sot_str_c(i->name),
	                      .resource_id = i->row.id,
	                      .spec = &spec,
	                      .plan = m->plan,
	                      .bandwidth = sot_str_c(bandwidth)});
}

void on_app_rebuild(void *self, const void *from, const sot_app_rebuild *m)
{
	request *q = self;
	problem p;
	sot_buf spec;

	(void)from;
	if (request_is_replay(q, m->request_id, &m->context))
		return;
	app *a = request_app(q, m->request_id, m->name);
	if (!a)
		return;
	sot_str wanted = m->image.n > 0 ? m->image : sot_str_c(a->row.image);
	if (!request_check_image(q->c, wanted, &p)) {
		request_refuse(q, m->request_id, &p);
		return;
	}
	if (!rollout_goes_on(
	        q, m->request_id, a, NULL, OPERATION_APP_REBUILD, &m->strategy, m->dry_run, wanted))
		return;
	model_text_init(&spec);
	add_text(&spec, "{\"name\":", m->name);
	add_text(&spec, ",\"image\":", wanted);
	sot_buf_add_c(&spec, "}");
	operation *o = request_accept(q, &(acceptance){.request_id = m->request_id,
	                                     .context = &m->context,
	                                     .kind = OPERATION_APP_REBUILD,
	                                     .app = a,
	                                     .target = m->name,
	                                     .resource_id = a->row.id,
	                                     .spec = &spec,
	                                     .image = wanted});
	rollout_set_strategy(q->c, o, &m->strategy);
}
