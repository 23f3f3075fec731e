/* Requests of the gateway: replay, validate, accept. */
#include "requests.h"

#include <stdio.h>
#include <string.h>

/* ---- answers ---- */

static void reply(request *q, sot_code code, controller_effect *e)
{
	if (code != SOT_OK)
		sot_buf_reset(&e->frame);
	e->peer = *q->from;
	q->answered = true;
}

void request_refuse(request *q, uint64_t request_id, const problem *p)
{
	controller_effect *e = say_effect(q->c, EFFECT_REPLY);
	sot_refused m = {request_id, p->code, sot_str_c(p->pointer), sot_str_c(p->text)};
	sot_err err = {0};

	q->c->stats.refused++;
	reply(q, sot_refused_encode(&m, &e->frame, &err), e);
}

static void accepted(
    request *q, uint64_t request_id, sot_uuid operation_id, sot_uuid resource_id, bool replayed)
{
	controller_effect *e = say_effect(q->c, EFFECT_REPLY);
	sot_accepted m = {request_id, operation_id, resource_id, replayed};
	sot_err err = {0};

	reply(q, sot_accepted_encode(&m, &e->frame, &err), e);
}

bool request_is_replay(request *q, uint64_t request_id, const sot_request_context *context)
{
	char actor[129], key[129];
	problem p;

	model_copy_text(actor, sizeof(actor), context->actor);
	model_copy_text(key, sizeof(key), context->idempotency_key);
	const key_row *known = model_find_key(q->c, actor, key);
	if (!known)
		return false;
	if (memcmp(known->request_sha256, context->request_sha256.p, 32) == 0) {
		accepted(q, request_id, known->operation_id, known->resource_id, true);
		return true;
	}
	problem_set(&p, SOT_REFUSAL_KEY_REUSED, "",
	    "the idempotency key '%s' was used for another request before; take a new one", key);
	request_refuse(q, request_id, &p);
	return true;
}

static void add_audit(controller *c, const operation *o, const sot_request_context *context)
{
	controller_batch *b = c->next;
	audit_row *row = VECTOR_PUSH(b->audits, b->audit_count, b->audit_cap);

	memcpy(row->actor, o->row.actor, sizeof(row->actor));
	model_copy_text(row->source_address, sizeof(row->source_address), context->source_address);
	model_copy_text(row->api_request_id, sizeof(row->api_request_id), context->api_request_id);
	row->action = operation_kind_name(o->row.kind);
	memcpy(row->target, o->row.target, sizeof(row->target));
	row->operation_id = o->row.id;
}

static void remember_key(controller *c, const operation *o)
{
	key_row row = {.operation_id = o->row.id, .resource_id = o->row.resource_id};

	memcpy(row.actor, o->row.actor, sizeof(row.actor));
	memcpy(row.key, o->row.key, sizeof(row.key));
	memcpy(row.request_sha256, o->row.request_sha256, sizeof(row.request_sha256));
	model_remember_key(c, &row);
}

operation *request_accept(request *q, const acceptance *a)
{
	controller *c = q->c;
	operation_row row = {
	    .id = model_new_id(c),
	    .kind = a->kind,
	    .app_id = a->app ? a->app->row.id : (sot_uuid){{0}},
	    .resource_id = a->resource_id,
	    .spec = sot_strndup(sot_buf_str(a->spec)),
	    .count = a->count,
	    .state = OPERATION_QUEUED,
	    .created_unix_ms = c->now.wall.unix_ms,
	};

	sot_buf_clear(a->spec);
	model_copy_text(row.target, sizeof(row.target), a->target);
	model_copy_text(row.actor, sizeof(row.actor), a->context->actor);
	model_copy_text(row.key, sizeof(row.key), a->context->idempotency_key);
	model_copy_text(row.version, sizeof(row.version), a->version);
	memcpy(row.request_sha256, a->context->request_sha256.p, sizeof(row.request_sha256));
	operation *o = model_add_operation(c, &row);
	remember_key(c, o);
	add_audit(c, o, a->context);
	operation_enqueue(c, o);
	accepted(q, a->request_id, o->row.id, o->row.resource_id, false);
	return o;
}

/* ---- apps ---- */

/* The app of a request, ready for a change; NULL after a refusal. */
static app *wanted_app(request *q, uint64_t request_id, sot_str name)
{
	app *a = model_find_app(q->c, name);
	problem p;

	if (!a)
		problem_set(&p, SOT_REFUSAL_NOT_FOUND, "/name", "no app is called '%.*s'", SOT_ARG(name));
	else if (a->row.deleting)
		problem_set(
		    &p, SOT_REFUSAL_CONFLICT, "/name", "app '%.*s' is being deleted", SOT_ARG(name));
	else
		return a;
	request_refuse(q, request_id, &p);
	return NULL;
}

static bool check_app_create(controller *c, const sot_app_create *m, problem *p)
{
	if (!validate_app_create(m, p))
		return false;
	if (model_find_app(c, m->name))
		return problem_set(
		    p, SOT_REFUSAL_CONFLICT, "/name", "an app '%.*s' exists already", SOT_ARG(m->name));
	if (!sot_map_get(c->images, m->image.p, m->image.n))
		return problem_set(p, SOT_REFUSAL_NOT_FOUND, "/image",
		    "no image is called '%.*s'; see the list of images, or register it", SOT_ARG(m->image));
	if (!sot_map_get(c->plans, m->plan.p, m->plan.n))
		return problem_set(p, SOT_REFUSAL_NOT_FOUND, "/plan",
		    "no plan is called '%.*s'; see the list of plans", SOT_ARG(m->plan));
	return true;
}

static void copy_health(health_row *to, const sot_health_spec *from)
{
	to->kind = from->kind;
	to->port = from->port;
	model_copy_text(to->path, sizeof(to->path), from->path);
	to->interval_ms = from->interval_ms;
	to->timeout_ms = from->timeout_ms;
	to->healthy_after = from->healthy_after;
	to->unhealthy_after = from->unhealthy_after;
	to->start_period_ms = from->start_period_ms;
}

static app *make_app(controller *c, const sot_app_create *m)
{
	app_row row = {
	    .id = model_new_id(c),
	    .command = sot_strndup(m->command),
	    .env = m->env_count ? sot_alloc_array(m->env_count, sizeof(env_row)) : NULL,
	    .env_count = m->env_count,
	    .created_unix_ms = c->now.wall.unix_ms,
	};

	model_copy_text(row.name, sizeof(row.name), m->name);
	model_copy_text(row.image, sizeof(row.image), m->image);
	model_copy_text(row.plan, sizeof(row.plan), m->plan);
	model_copy_text(row.vlan, sizeof(row.vlan), m->vlan);
	copy_health(&row.health, &m->health);
	for (size_t k = 0; k < m->env_count; k++) {
		row.env[k].name = sot_strndup(m->env[k].name);
		row.env[k].value = sot_strndup(m->env[k].value);
	}
	app *a = model_add_app(c, &row);
	group_row first = {.id = model_new_id(c), .app_id = a->row.id, .next_number = 1};
	memcpy(first.name, "default", sizeof("default"));
	touch_app(c, a);
	touch_group(c, model_add_group(c, a, &first));
	return a;
}

static void spec_begin(sot_buf *spec, sot_str name)
{
	model_text_init(spec);
	sot_buf_add_c(spec, "{\"name\":");
	sot_buf_add_json(spec, name);
}

static void spec_text(sot_buf *spec, const char *field, sot_str value)
{
	sot_buf_printf(spec, ",\"%s\":", field);
	sot_buf_add_json(spec, value);
}

static void on_app_create(void *self, const void *from, const sot_app_create *m)
{
	request *q = self;
	problem p;
	sot_buf spec, data;

	(void)from;
	if (request_is_replay(q, m->request_id, &m->context))
		return;
	if (!check_app_create(q->c, m, &p)) {
		request_refuse(q, m->request_id, &p);
		return;
	}
	app *a = make_app(q->c, m);
	spec_begin(&spec, m->name);
	spec_text(&spec, "image", m->image);
	spec_text(&spec, "plan", m->plan);
	spec_text(&spec, "vlan", m->vlan);
	sot_buf_printf(&spec, ",\"count\":%u}", m->count);
	operation *o = request_accept(q, &(acceptance){m->request_id, &m->context, OPERATION_APP_CREATE,
	                                     a, m->name, a->row.id, &spec, m->count, {0}});
	model_text_init(&data);
	sot_buf_add_c(&data, "{\"image\":");
	sot_buf_add_json(&data, m->image);
	spec_text(&data, "plan", m->plan);
	sot_buf_add_c(&data, "}");
	say_event(q->c, "app.created", a->row.name, a, NULL, o, &data);
}

static void on_app_delete(void *self, const void *from, const sot_app_delete *m)
{
	request *q = self;
	sot_buf spec;

	(void)from;
	if (request_is_replay(q, m->request_id, &m->context))
		return;
	app *a = wanted_app(q, m->request_id, m->name);
	if (!a)
		return;
	spec_begin(&spec, m->name);
	sot_buf_add_c(&spec, "}");
	request_accept(q, &(acceptance){m->request_id, &m->context, OPERATION_APP_DELETE, a, m->name,
	                      a->row.id, &spec, 0, {0}});
}

static void on_app_scale(void *self, const void *from, const sot_app_scale *m)
{
	request *q = self;
	sot_buf spec;

	(void)from;
	if (request_is_replay(q, m->request_id, &m->context))
		return;
	app *a = wanted_app(q, m->request_id, m->name);
	if (!a)
		return;
	spec_begin(&spec, m->name);
	sot_buf_printf(&spec, ",\"count\":%u}", m->count);
	request_accept(q, &(acceptance){m->request_id, &m->context, OPERATION_APP_SCALE, a, m->name,
	                      a->row.id, &spec, m->count, {0}});
}

static void on_app_deploy(void *self, const void *from, const sot_app_deploy *m)
{
	request *q = self;
	char version[65];
	problem p;
	sot_buf spec;

	(void)from;
	if (request_is_replay(q, m->request_id, &m->context))
		return;
	app *a = wanted_app(q, m->request_id, m->name);
	if (!a)
		return;
	model_copy_text(version, sizeof(version), m->version);
	if (!model_find_version(a, version)) {
		problem_set(&p, SOT_REFUSAL_NOT_FOUND, "/version",
		    "app '%s' has no version '%s'; upload the package first", a->row.name, version);
		request_refuse(q, m->request_id, &p);
		return;
	}
	spec_begin(&spec, m->name);
	spec_text(&spec, "version", m->version);
	sot_buf_add_c(&spec, "}");
	request_accept(q, &(acceptance){m->request_id, &m->context, OPERATION_APP_DEPLOY, a, m->name,
	                      a->row.id, &spec, 0, m->version});
}

/* ---- instances, operations, logs ---- */

static instance *wanted_instance(controller *c, sot_str text)
{
	sot_uuid id;
	sot_err err;

	if (sot_uuid_parse(text, &id, &err) == SOT_OK)
		return model_find_instance(c, id);
	return sot_map_get(c->instances_by_name, text.p, text.n);
}

static bool check_instance(const instance *i, const sot_instance_act *m, problem *p)
{
	if (!i)
		return problem_set(p, SOT_REFUSAL_NOT_FOUND, "/instance",
		    "no live instance is called '%.*s'", SOT_ARG(m->instance));
	if (i->row.desired == SOT_DESIRED_STATE_RETIRED)
		return problem_set(
		    p, SOT_REFUSAL_CONFLICT, "/instance", "%s is being retired", i->row.name);
	if (sot_ip_is_none(i->row.v4.address) && m->action != SOT_INSTANCE_ACTION_RETIRE)
		return problem_set(p, SOT_REFUSAL_CONFLICT, "/instance",
		    "%s is not placed yet; wait for its operation, or cancel that", i->row.name);
	return true;
}

static void on_instance_act(void *self, const void *from, const sot_instance_act *m)
{
	static const operation_kind kinds[] = {OPERATION_INSTANCE_START, OPERATION_INSTANCE_STOP,
	    OPERATION_INSTANCE_RESTART, OPERATION_INSTANCE_RETIRE};
	request *q = self;
	problem p;
	sot_buf spec;

	(void)from;
	if (request_is_replay(q, m->request_id, &m->context))
		return;
	instance *i = wanted_instance(q->c, m->instance);
	if (!check_instance(i, m, &p)) {
		request_refuse(q, m->request_id, &p);
		return;
	}
	spec_begin(&spec, sot_str_c(i->row.name));
	sot_buf_add_c(&spec, "}");
	request_accept(q, &(acceptance){m->request_id, &m->context, kinds[m->action], i->app,
	                      sot_str_c(i->row.name), i->row.id, &spec, 0, {0}});
}

static bool check_cancel(const operation *o, problem *p)
{
	if (!o)
		return problem_set(p, SOT_REFUSAL_NOT_FOUND, "",
		    "no open operation has this id; it has ended, or never was");
	if (o->row.kind == OPERATION_APP_DELETE && o->row.state == OPERATION_RUNNING)
		return problem_set(p, SOT_REFUSAL_CONFLICT, "",
		    "the instances are being removed already; a deletion cannot be taken back");
	return true;
}

static void on_operation_cancel(void *self, const void *from, const sot_operation_cancel *m)
{
	request *q = self;
	char id[SOT_UUID_TEXT], why[200];
	problem p;
	sot_buf spec;

	(void)from;
	if (request_is_replay(q, m->request_id, &m->context))
		return;
	operation *o = sot_map_get_uuid(q->c->operations, m->operation_id);
	if (!check_cancel(o, &p)) {
		request_refuse(q, m->request_id, &p);
		return;
	}
	model_text_init(&spec);
	sot_buf_printf(&spec, "{\"operation\":\"%s\"}", sot_uuid_format(m->operation_id, id));
	request_accept(q, &(acceptance){m->request_id, &m->context, OPERATION_CANCEL, NULL,
	                      sot_str_c(o->row.target), o->row.id, &spec, 0, {0}});
	(void)snprintf(why, sizeof(why), "cancelled by %.*s", SOT_ARG(m->context.actor));
	operation_end(q->c, o, OPERATION_CANCELLED, why);
}

static bool check_logs(const instance *i, problem *p)
{
	if (!i)
		return problem_set(p, SOT_REFUSAL_NOT_FOUND, "", "no live instance has this id");
	if (!i->host)
		return problem_set(p, SOT_REFUSAL_CONFLICT, "", "%s is not placed yet", i->row.name);
	if (!i->host->has_session)
		return problem_set(p, SOT_REFUSAL_UNAVAILABLE, "",
		    "the agent of host %s is not connected; try again", i->host->row.name);
	return true;
}

static void on_logs_read(void *self, const void *from, const sot_logs_read *m)
{
	request *q = self;
	controller *c = q->c;
	const instance *i = model_find_instance(c, m->instance_id);
	problem p;
	sot_err err = {0};

	(void)from;
	if (!check_logs(i, &p)) {
		request_refuse(q, m->request_id, &p);
		return;
	}
	for (sot_link *l = c->relays.next; l != &c->relays; l = l->next) {
		const relay *open = SOT_CONTAINER(l, relay, all);
		if (open->request_id == m->request_id &&
		    memcmp(&open->from, q->from, sizeof(open->from)) == 0) {
			q->answered = true; /* asked again before the agent answered */
			return;
		}
	}
	relay *r = sot_alloc(sizeof(*r));
	r->agent_request_id = c->next_request_id++;
	r->request_id = m->request_id;
	r->from = *q->from;
	r->deadline = sot_mono_add_ms(c->now.mono, c->config.logs_deadline_ms);
	sot_list_push(&c->relays, &r->all);
	sot_agent_logs_read ask = {r->agent_request_id, m->instance_id, m->tail};
	controller_effect *e = say_effect(c, EFFECT_AGENT);
	e->host_id = i->host->row.id;
	if (sot_agent_logs_read_encode(&ask, &e->frame, &err) != SOT_OK)
		sot_buf_reset(&e->frame);
	q->answered = true;
}

static void on_ping(void *self, const void *from, const sot_ping *m)
{
	request *q = self;
	controller_effect *e = say_effect(q->c, EFFECT_REPLY);
	sot_pong pong = {m->request_id};
	sot_err err = {0};

	(void)from;
	reply(q, sot_pong_encode(&pong, &e->frame, &err), e);
}

static const sot_scheduler_handlers handlers = {
    .app_create = on_app_create,
    .app_delete = on_app_delete,
    .app_scale = on_app_scale,
    .app_deploy = on_app_deploy,
    .instance_act = on_instance_act,
    .package_register = on_package_register,
    .image_register = on_image_register,
    .host_register = on_host_register,
    .host_set_schedulable = on_host_set_schedulable,
    .operation_cancel = on_operation_cancel,
    .logs_read = on_logs_read,
    .ping = on_ping,
};

void controller_request(
    controller *c, controller_now now, const controller_peer *from, sot_str frame)
{
	request q = {.c = c, .from = from};
	sot_wire_head head = {0};
	sot_err err = {0};
	problem p;

	c->now = now;
	c->stats.requests++;
	if (sot_scheduler_dispatch(&handlers, &q, from, frame, c->arena, &err) != SOT_OK) {
		if (sot_wire_peek(frame, &head, &(sot_err){0}) != SOT_OK)
			head.request_id = 0;
		problem_set(&p, SOT_REFUSAL_INVALID, "", "%s", err.text);
		request_refuse(&q, head.request_id, &p);
	}
	sot_arena_reset(c->arena);
}
