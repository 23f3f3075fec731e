/* Requests of the gateway: replay, validate, accept. */
#include "requests.h"
#include "forecast.h"
#include "parts.h"
#include "rules.h"

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
	sot_refused m = {.request_id = request_id,
	    .code = p->code,
	    .pointer = sot_str_c(p->pointer),
	    .text = sot_str_c(p->text),
	    .retry_after_ms = p->retry_after_ms};
	sot_err err = {0};

	q->c->stats.refused++;
	reply(q, sot_refused_encode(&m, &e->frame, &err), e);
}

void request_answer(request *q, uint64_t request_id, sot_str etag, const sot_buf *body)
{
	sot_answer m = {request_id, etag, sot_buf_str(body)};
	sot_err err = {0};
	problem p;

	if (sot_buf_failed(body) || body->n > ANSWER_MAX) {
		problem_set(
		    &p, SOT_REFUSAL_LIMIT, "", "the answer is longer than 960 KiB; ask for less at a time");
		request_refuse(q, request_id, &p);
		return;
	}
	controller_effect *e = say_effect(q->c, EFFECT_REPLY);
	reply(q, sot_answer_encode(&m, &e->frame, &err), e);
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
	const used_key *known = model_find_key(q->c, actor, key);
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

void operation_audit(controller *c, const operation *o, const sot_request_context *context)
{
	controller_batch *b = c->next;
	audit_row *row = VECTOR_PUSH(b->audits, b->audit_count, b->audit_cap);

	model_copy_text(row->actor, sizeof(row->actor), sot_str_c(o->row.actor));
	model_copy_text(row->source_address, sizeof(row->source_address), context->source_address);
	model_copy_text(row->api_request_id, sizeof(row->api_request_id), context->api_request_id);
	row->action = operation_kind_name(o->row.kind);
	model_copy_text(row->target, sizeof(row->target), sot_str_c(o->row.target));
	row->operation_id = o->row.id;
}

static void remember_key(controller *c, const operation *o)
{
	used_key used = {.operation_id = o->row.id, .resource_id = o->row.resource_id};

	memcpy(used.request_sha256, o->row.request_sha256, sizeof(used.request_sha256));
	model_remember_key(c, o->row.actor, o->row.key, &used);
}

operation *operation_accept(controller *c, const acceptance *a)
{
	sot_uuid id = model_new_id(c);
	operation_row row = {
	    .id = id,
	    .kind = a->kind,
	    .app_id = a->app ? a->app->row.id : (sot_uuid){{0}},
	    .resource_id = sot_uuid_is_zero(a->resource_id) ? id : a->resource_id,
	    .spec = sot_strndup(sot_buf_str(a->spec)),
	    .position = c->next_position++,
	    .count = a->count,
	    .state = OPERATION_QUEUED,
	    .created_unix_ms = c->now.wall.unix_ms,
	};

	sot_buf_clear(a->spec);
	operation_row_init(&row);
	model_put_text(&row.target, TARGET_MAX_BYTES, a->target);
	model_share_text(c, &row.actor, ACTOR_MAX_BYTES, a->context->actor);
	model_put_text(&row.key, KEY_MAX_BYTES, a->context->idempotency_key);
	model_share_text(c, &row.version, WORD_MAX_BYTES, a->version);
	model_share_text(c, &row.to_host, LABEL_MAX_BYTES, a->to_host);
	model_share_text(c, &row.reason, REASON_MAX_BYTES, a->context->reason);
	model_share_text(c, &row.plan, PLAN_MAX_BYTES, a->plan);
	model_share_text(c, &row.bandwidth, PLAN_MAX_BYTES, a->bandwidth);
	model_share_text(c, &row.image, WORD_MAX_BYTES, a->image);
	model_share_text(c, &row.group, NAME_MAX_BYTES, a->group);
	row.pick = a->pick;
	memcpy(row.request_sha256, a->context->request_sha256.p, sizeof(row.request_sha256));
	operation *o = model_add_operation(c, &row);
	remember_key(c, o);
	operation_audit(c, o, a->context);
	operation_enqueue(c, o);
	return o;
}

operation *request_accept(request *q, const acceptance *a)
{
	operation *o = operation_accept(q->c, a);

	accepted(q, a->request_id, o->row.id, o->row.resource_id, false);
	return o;
}

/* ---- apps ---- */

app *request_app(request *q, uint64_t request_id, sot_str name)
{
	app *a = model_find_app(q->c, name);
	problem p;

	if (!a)
		problem_set(&p, SOT_REFUSAL_NOT_FOUND, "/name", "no app is called '%.*s'", SOT_ARG(name));
	else if (a->row.deleting)
		problem_set(
		    &p, SOT_REFUSAL_CONFLICT, "/name", "app '%.*s' is being deleted", SOT_ARG(name));
	else if (request_has_room(q->c, a, 1, &p))
		return a;
	request_refuse(q, request_id, &p);
	return NULL;
}

bool request_group(request *q, uint64_t request_id, const app *a, sot_str name, const group **ret)
{
	problem p;

	*ret = name.n > 0 ? model_find_group(a, name, false) : NULL;
	if (name.n == 0 || *ret)
		return true;
	problem_set(&p, SOT_REFUSAL_NOT_FOUND, "/group", "app '%s' has no group '%.*s'", a->row.name,
	    SOT_ARG(name));
	request_refuse(q, request_id, &p);
	return false;
}

static bool check_app_create(controller *c, const sot_app_create *m, problem *p)
{
	if (!validate_app_create(m, p))
		return false;
	if (model_find_app(c, m->name))
		return problem_set(
		    p, SOT_REFUSAL_CONFLICT, "/name", "an app '%.*s' exists already", SOT_ARG(m->name));
	if (!request_check_image(c, m->image, p))
		return false;
	if (!sot_map_get(c->plans, m->plan.p, m->plan.n))
		return problem_set(p, SOT_REFUSAL_NOT_FOUND, "/plan",
		    "no plan is called '%.*s'; see the list of plans", SOT_ARG(m->plan));
	return request_has_room(c, NULL, 1, p) &&
	       rules_check_placement(c, m->name, m->team, &m->placement, p) &&
	       rules_check_quota(c, m->team, m->plan, m->count, p);
}

static void copy_health(controller *c, health_row *to, const sot_health_spec *from)
{
	to->kind = from->kind;
	to->port = from->port;
	model_share_text(c, &to->path, PATH_MAX_BYTES, from->path);
	to->interval_ms = from->interval_ms;
	to->timeout_ms = from->timeout_ms;
	to->healthy_after = from->healthy_after;
	to->unhealthy_after = from->unhealthy_after;
	to->start_period_ms = from->start_period_ms;
	to->restart_after = from->restart_after;
	model_share_text(c, &to->command, COMMAND_MAX_BYTES, from->command);
}

static app_row app_row_of(controller *c, const sot_app_create *m)
{
	app_row row = {
	    .id = model_new_id(c),
	    .command = sot_strndup(m->command),
	    .env = m->env_count ? sot_alloc_array(m->env_count, sizeof(env_row)) : NULL,
	    .env_count = m->env_count,
	    .placement = rules_placement_of(&m->placement),
	    .created_unix_ms = c->now.wall.unix_ms,
	    .recovery = m->recovery,
	    .on_return = m->on_return,
	};

	model_copy_text(row.name, sizeof(row.name), m->name);
	app_row_init(&row);
	model_share_text(c, &row.image, WORD_MAX_BYTES, m->image);
	model_share_text(c, &row.plan, PLAN_MAX_BYTES, m->plan);
	model_share_text(c, &row.vlan, VLAN_REF_MAX - 1, m->vlan);
	model_share_text(c, &row.team, NAME_MAX_BYTES, m->team);
	copy_health(c, &row.health, &m->health);
	for (size_t k = 0; k < m->env_count; k++) {
		row.env[k].name = sot_strndup(m->env[k].name);
		row.env[k].value = sot_strndup(m->env[k].value);
	}
	return row;
}

static app *make_app(controller *c, const sot_app_create *m)
{
	app_row row = app_row_of(c, m);
	app *a = model_add_app(c, &row);
	group_row first = {.id = model_new_id(c), .app_id = a->row.id, .next_number = 1};
	group_row_init(&first);
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

/* The app as it would be, for the time of the forecast. */
static bool create_goes_on(request *q, const sot_app_create *m)
{
	if (!m->dry_run && m->if_still_true.n == 0)
		return true;
	app_row row = app_row_of(q->c, m);
	app *a = model_add_app(q->c, &row);
	bool goes_on = forecast_goes_on(q, m->request_id, a, m->count, m->dry_run, m->if_still_true);
	model_drop_app(q->c, a);
	return goes_on;
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
	if (!create_goes_on(q, m))
		return;
	app *a = make_app(q->c, m);
	spec_begin(&spec, m->name);
	spec_text(&spec, "image", m->image);
	spec_text(&spec, "plan", m->plan);
	spec_text(&spec, "vlan", m->vlan);
	sot_buf_printf(&spec, ",\"count\":%u}", m->count);
	operation *o = request_accept(q, &(acceptance){.request_id = m->request_id,
	                                     .context = &m->context,
	                                     .kind = OPERATION_APP_CREATE,
	                                     .app = a,
	                                     .target = m->name,
	                                     .resource_id = a->row.id,
	                                     .spec = &spec,
	                                     .count = m->count});
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
	app *a = request_app(q, m->request_id, m->name);
	if (!a)
		return;
	spec_begin(&spec, m->name);
	sot_buf_add_c(&spec, "}");
	request_accept(q, &(acceptance){.request_id = m->request_id,
	                      .context = &m->context,
	                      .kind = OPERATION_APP_DELETE,
	                      .app = a,
	                      .target = m->name,
	                      .resource_id = a->row.id,
	                      .spec = &spec});
}

static void on_app_scale(void *self, const void *from, const sot_app_scale *m)
{
	request *q = self;
	problem p;
	sot_buf spec;

	(void)from;
	if (request_is_replay(q, m->request_id, &m->context))
		return;
	const group *g = NULL;
	app *a = request_app(q, m->request_id, m->name);
	if (!a || !request_group(q, m->request_id, a, m->group, &g))
		return;
	size_t others = g ? app_wanted_count(a, NULL) - app_wanted_count(a, g) : 0;
	if (!rules_check_quota(q->c, sot_str_c(a->row.team), sot_str_c(a->row.plan),
	        m->count + (uint32_t)others, &p)) {
		request_refuse(q, m->request_id, &p);
		return;
	}
	if (g && (m->dry_run || m->if_still_true.n > 0)) {
		problem_set(
		    &p, SOT_REFUSAL_INVALID, "/group", "a forecast is of the whole app, without a group");
		request_refuse(q, m->request_id, &p);
		return;
	}
	if (!forecast_goes_on(q, m->request_id, a, m->count, m->dry_run, m->if_still_true))
		return;
	spec_begin(&spec, m->name);
	sot_buf_printf(&spec, ",\"count\":%u", m->count);
	if (g)
		spec_text(&spec, "group", m->group);
	if (m->pick != SOT_SCALE_PICK_SPREAD)
		spec_text(&spec, "pick", sot_str_c(scale_pick_name(m->pick)));
	sot_buf_add_c(&spec, "}");
	request_accept(q, &(acceptance){.request_id = m->request_id,
	                      .context = &m->context,
	                      .kind = OPERATION_APP_SCALE,
	                      .app = a,
	                      .target = m->name,
	                      .resource_id = a->row.id,
	                      .spec = &spec,
	                      .count = m->count,
	                      .group = m->group,
	                      .pick = m->pick});
}

/* ---- instances, operations ---- */

instance *request_instance(controller *c, sot_str text)
{
	sot_uuid id;
	sot_err err;

	if (sot_uuid_parse(text, &id, &err) == SOT_OK)
		return model_find_instance(c, id);
	return model_find_instance_named(c, text);
}

static bool check_instance(
    const controller *c, const instance *i, const sot_instance_act *m, problem *p)
{
	if (!i)
		return problem_set(p, SOT_REFUSAL_NOT_FOUND, "/instance",
		    "no live instance is called '%.*s'", SOT_ARG(m->instance));
	if (i->row.desired == SOT_DESIRED_STATE_RETIRED)
		return problem_set(p, SOT_REFUSAL_CONFLICT, "/instance", "%s is being retired", i->name);
	if (sot_ip_is_none(i->row.v4.address) && m->action != SOT_INSTANCE_ACTION_RETIRE)
		return problem_set(p, SOT_REFUSAL_CONFLICT, "/instance",
		    "%s is not placed yet; wait for its operation, or cancel that", i->name);
	return request_has_room(c, i->app, 1, p);
}

static void on_instance_act(void *self, const void *from, const sot_instance_act *m)
{
	static const operation_kind kinds[] = {[SOT_INSTANCE_ACTION_START] = OPERATION_INSTANCE_START,
	    [SOT_INSTANCE_ACTION_STOP] = OPERATION_INSTANCE_STOP,
	    [SOT_INSTANCE_ACTION_RESTART] = OPERATION_INSTANCE_RESTART,
	    [SOT_INSTANCE_ACTION_RETIRE] = OPERATION_INSTANCE_RETIRE,
	    [SOT_INSTANCE_ACTION_FREEZE] = OPERATION_INSTANCE_FREEZE,
	    [SOT_INSTANCE_ACTION_UNFREEZE] = OPERATION_INSTANCE_UNFREEZE,
	    [SOT_INSTANCE_ACTION_REBUILD] = OPERATION_INSTANCE_REBUILD};
	request *q = self;
	problem p;
	sot_buf spec;

	(void)from;
	if (request_is_replay(q, m->request_id, &m->context))
		return;
	instance *i = request_instance(q->c, m->instance);
	if (!check_instance(q->c, i, m, &p)) {
		request_refuse(q, m->request_id, &p);
		return;
	}
	spec_begin(&spec, sot_str_c(i->name));
	sot_buf_add_c(&spec, "}");
	request_accept(q, &(acceptance){.request_id = m->request_id,
	                      .context = &m->context,
	                      .kind = kinds[m->action],
	                      .app = i->app,
	                      .target = sot_str_c(i->name),
	                      .resource_id = i->row.id,
	                      .spec = &spec});
}

static bool check_cancel(const operation *o, problem *p)
{
	if (!o)
		return problem_set(p, SOT_REFUSAL_NOT_FOUND, "",
		    "no open operation has this id; it has ended, or never was");
	if (o->row.kind == OPERATION_APP_DELETE && o->row.state == OPERATION_RUNNING)
		return problem_set(p, SOT_REFUSAL_CONFLICT, "",
		    "the instances are being removed already; a deletion cannot be taken back");
	if (o->row.cancelled_by[0])
		return problem_set(p, SOT_REFUSAL_CONFLICT, "",
		    "%s cancelled it already; %u targets that run are waited for: cancel their operations "
		    "one by one if you must",
		    o->row.cancelled_by, o->running_children);
	return true;
}

static void on_operation_cancel(void *self, const void *from, const sot_operation_cancel *m)
{
	request *q = self;
	char id[SOT_UUID_TEXT], why[200], actor[129];
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
	request_accept(q, &(acceptance){.request_id = m->request_id,
	                      .context = &m->context,
	                      .kind = OPERATION_CANCEL,
	                      .target = sot_str_c(o->row.target),
	                      .resource_id = o->row.id,
	                      .spec = &spec});
	model_copy_text(actor, sizeof(actor), m->context.actor);
	if (operation_kind_is_bulk(o->row.kind)) {
		bulk_cancel(q->c, o, actor);
		return;
	}
	model_share_text(q->c, &o->row.cancelled_by, ACTOR_MAX_BYTES, sot_str_c(actor));
	(void)snprintf(why, sizeof(why), "cancelled by %s", actor);
	operation_end(q->c, o, OPERATION_CANCELLED, why);
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
    .app_update = on_app_update,
    .host_set = on_host_set,
    .host_class_set = on_host_class_set,
    .plan_set = on_plan_set,
    .team_set = on_team_set,
    .mixing_set = on_mixing_set,
    .catalogue_delete = on_catalogue_delete,
    .instance_act = on_instance_act,
    .instance_move = on_instance_move,
    .app_set_recovery = on_app_set_recovery,
    .host_declare_lost = on_host_declare_lost,
    .host_evacuate = on_host_evacuate,
    .host_brake_release = on_host_brake_release,
    .host_drain = on_host_drain,
    .host_maintenance = on_host_maintenance,
    .host_container = on_host_container,
    .host_retire = on_host_retire,
    .package_register = on_package_register,
    .image_register = on_image_register,
    .image_add = on_image_add,
    .image_act = on_image_act,
    .app_resize = on_app_resize,
    .instance_resize = on_instance_resize,
    .app_rebuild = on_app_rebuild,
    .app_middleware = on_app_middleware,
    .middleware_retention = on_middleware_retention,
    .app_set = on_app_set,
    .group_set = on_group_set,
    .group_delete = on_group_delete,
    .group_move = on_group_move,
    .rollout_act = on_rollout_act,
    .elastic_set = on_elastic_set,
    .elastic_delete = on_elastic_delete,
    .elastic_value = on_elastic_value,
    .host_register = on_host_register,
    .host_set_schedulable = on_host_set_schedulable,
    .operation_cancel = on_operation_cancel,
    .operation_retry = on_operation_retry,
    .operation_bulk = on_operation_bulk,
    .logs_read = on_logs_read,
    .usage_read = on_usage_read,
    .inside_read = on_inside_read,
    .what_if = on_what_if,
    .capacity_read = on_capacity_read,
    .rebalance_read = on_rebalance_read,
    .fleet_rebalance = on_fleet_rebalance,
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
