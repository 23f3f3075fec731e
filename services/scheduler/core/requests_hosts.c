/* Requests about where instances run, and about hosts that are lost. */
#include "requests.h"

#include <stdio.h>
#include <string.h>

static bool check_target(controller *c, instance *i, host *h, sot_str name, problem *p)
{
	sot_buf why;

	if (!h)
		return problem_set(
		    p, SOT_REFUSAL_NOT_FOUND, "/host", "no host is called '%.*s'", SOT_ARG(name));
	if (h == i->host)
		return problem_set(
		    p, SOT_REFUSAL_CONFLICT, "/host", "%s is on %s already", i->name, h->row.name);
	model_text_init(&why);
	bool fits = fleet_choose_move(c, i, h, &why) != NULL;
	if (!fits)
		problem_set(p, SOT_REFUSAL_CONFLICT, "/host", "%.*s", SOT_ARG(sot_buf_str(&why)));
	sot_buf_clear(&why);
	return fits;
}

static bool check_move(controller *c, instance *i, const sot_instance_move *m, problem *p)
{
	if (!i)
		return problem_set(p, SOT_REFUSAL_NOT_FOUND, "/instance",
		    "no live instance is called '%.*s'", SOT_ARG(m->instance));
	if (i->row.desired == SOT_DESIRED_STATE_RETIRED)
		return problem_set(p, SOT_REFUSAL_CONFLICT, "/instance", "%s is being retired", i->name);
	if (instance_target(i))
		return problem_set(p, SOT_REFUSAL_CONFLICT, "/instance", "%s moves to %s already", i->name,
		    instance_target(i)->row.name);
	if (!instance_is_told(i))
		return problem_set(p, SOT_REFUSAL_CONFLICT, "/instance",
		    "%s is not placed yet; wait for its operation, or cancel that", i->name);
	return m->host.n == 0 || check_target(c, i, model_find_host(c, m->host), m->host, p);
}

void on_instance_move(void *self, const void *from, const sot_instance_move *m)
{
	request *q = self;
	problem p;
	sot_buf spec;

	(void)from;
	if (request_is_replay(q, m->request_id, &m->context))
		return;
	instance *i = request_instance(q->c, m->instance);
	if (!check_move(q->c, i, m, &p)) {
		request_refuse(q, m->request_id, &p);
		return;
	}
	model_text_init(&spec);
	sot_buf_add_c(&spec, "{\"name\":");
	sot_buf_add_json(&spec, sot_str_c(i->name));
	sot_buf_add_c(&spec, ",\"from\":");
	sot_buf_add_json(&spec, sot_str_c(i->host->row.name));
	sot_buf_add_c(&spec, ",\"to\":");
	sot_buf_add_json(&spec, m->host);
	sot_buf_add_c(&spec, "}");
	request_accept(q, &(acceptance){.request_id = m->request_id,
	                      .context = &m->context,
	                      .kind = OPERATION_INSTANCE_MOVE,
	                      .app = i->app,
	                      .target = sot_str_c(i->name),
	                      .resource_id = i->row.id,
	                      .spec = &spec,
	                      .to_host = m->host});
}

/* ---- lost hosts ---- */

void on_app_set_recovery(void *self, const void *from, const sot_app_set_recovery *m)
{
	request *q = self;
	sot_buf spec;

	(void)from;
	if (request_is_replay(q, m->request_id, &m->context))
		return;
	app *a = request_app(q, m->request_id, m->name);
	if (!a)
		return;
	a->row.recovery = m->recovery;
	a->row.on_return = m->on_return;
	touch_app(q->c, a);
	model_text_init(&spec);
	sot_buf_printf(&spec, "{\"recovery\":\"%s\",\"onReturn\":\"%s\"}", recovery_name(m->recovery),
	    on_return_name(m->on_return));
	/* app NULL: it is done at once, whatever the app's queue does. */
	request_accept(q, &(acceptance){.request_id = m->request_id,
	                      .context = &m->context,
	                      .kind = OPERATION_APP_RECOVERY,
	                      .target = m->name,
	                      .resource_id = a->row.id,
	                      .spec = &spec});
}

static bool check_host(const host *h, sot_str name, problem *p)
{
	if (!h)
		return problem_set(
		    p, SOT_REFUSAL_NOT_FOUND, "/name", "no host is called '%.*s'", SOT_ARG(name));
	if (h->row.state == HOST_RETIRED)
		return problem_set(p, SOT_REFUSAL_CONFLICT, "/name", "host %s is retired", h->row.name);
	return true;
}

static bool check_loss(const host *h, sot_str name, problem *p)
{
	if (!check_host(h, name, p))
		return false;
	if (!host_state_may(h->row.state, HOST_HOST_LOST) || h->row.state == HOST_HOST_LOST)
		return problem_set(p, SOT_REFUSAL_CONFLICT, "/name",
		    "%s is %s; only a host that is silent (suspect or agent_lost) can be declared lost, "
		    "any "
		    "other is drained",
		    h->row.name, host_state_name(h->row.state));
	return true;
}

static void spec_reason(sot_buf *spec, sot_str reason)
{
	model_text_init(spec);
	sot_buf_add_c(spec, "{\"reason\":");
	sot_buf_add_json(spec, reason);
	sot_buf_add_c(spec, "}");
}

void on_host_declare_lost(void *self, const void *from, const sot_host_declare_lost *m)
{
	request *q = self;
	host *h = model_find_host(q->c, m->name);
	char why[401];
	problem p;
	sot_buf spec;

	(void)from;
	if (request_is_replay(q, m->request_id, &m->context))
		return;
	if (!check_loss(h, m->name, &p)) {
		request_refuse(q, m->request_id, &p);
		return;
	}
	spec_reason(&spec, m->reason);
	request_accept(q, &(acceptance){.request_id = m->request_id,
	                      .context = &m->context,
	                      .kind = OPERATION_HOST_DECLARE_LOST,
	                      .target = m->name,
	                      .resource_id = h->row.id,
	                      .spec = &spec});
	(void)snprintf(why, sizeof(why), "declared lost by %.*s: %.*s", SOT_ARG(m->context.actor),
	    SOT_ARG(m->reason));
	loss_declare(q->c, h, LOSS_OPERATOR, why);
}

void on_host_evacuate(void *self, const void *from, const sot_host_evacuate *m)
{
	request *q = self;
	const host *h = model_find_host(q->c, m->name);
	problem p;
	sot_buf spec;

	(void)from;
	if (request_is_replay(q, m->request_id, &m->context))
		return;
	bool ok = check_host(h, m->name, &p);
	if (ok && h->row.state != HOST_HOST_LOST)
		ok = problem_set(&p, SOT_REFUSAL_CONFLICT, "/name",
		    "%s is %s; what runs on a host that is not lost is drained, and a silent one must be "
		    "declared lost first",
		    h->row.name, host_state_name(h->row.state));
	if (!ok) {
		request_refuse(q, m->request_id, &p);
		return;
	}
	model_text_init(&spec);
	sot_buf_printf(&spec, "{\"includePinned\":%s}", m->include_pinned ? "true" : "false");
	operation *o = request_accept(q, &(acceptance){.request_id = m->request_id,
	                                     .context = &m->context,
	                                     .kind = OPERATION_HOST_EVACUATE,
	                                     .target = m->name,
	                                     .resource_id = h->row.id,
	                                     .spec = &spec});
	o->row.include_pinned = m->include_pinned;
}

void on_host_brake_release(void *self, const void *from, const sot_host_brake_release *m)
{
	request *q = self;
	char why[401];
	problem p;
	sot_buf spec;

	(void)from;
	if (request_is_replay(q, m->request_id, &m->context))
		return;
	if (!q->c->brake.row.engaged) {
		problem_set(&p, SOT_REFUSAL_CONFLICT, "", "the brake is not engaged: nothing is held back");
		request_refuse(q, m->request_id, &p);
		return;
	}
	spec_reason(&spec, m->reason);
	request_accept(q, &(acceptance){.request_id = m->request_id,
	                      .context = &m->context,
	                      .kind = OPERATION_BRAKE_RELEASE,
	                      .target = SOT_STR("replacement"),
	                      .resource_id = model_new_id(q->c),
	                      .spec = &spec});
	(void)snprintf(
	    why, sizeof(why), "released by %.*s: %.*s", SOT_ARG(m->context.actor), SOT_ARG(m->reason));
	brake_release(q->c, why);
}
