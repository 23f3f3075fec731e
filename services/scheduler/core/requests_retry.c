/* Again, but only what failed: a new operation that is linked to the first. */
#include "middleware.h"
#include "requests.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool may_retry(operation_kind kind)
{
	return kind <= OPERATION_APP_MIDDLEWARE ||
	       (operation_kind_is_bulk(kind) && kind <= OPERATION_BULK_MIDDLEWARE);
}

static bool is_of_instance(operation_kind kind)
{
	return kind >= OPERATION_INSTANCE_START && kind <= OPERATION_INSTANCE_MOVE;
}

static bool check_version(const controller *c, const app *a, operation_kind kind,
    const sot_operation_retry *m, problem *p)
{
	char version[65];

	if (kind == OPERATION_APP_MIDDLEWARE)
		return m->version.n == 0 ||
		       middleware_version_find(middleware_find(c, m->what), m->version) ||
		       problem_set(p, SOT_REFUSAL_NOT_FOUND, "", "'%.*s' has no version '%.*s'",
		           SOT_ARG(m->what), SOT_ARG(m->version));
	model_copy_text(version, sizeof(version), m->version);
	if (!version[0] || model_find_version(a, version))
		return true;
	return problem_set(p, SOT_REFUSAL_NOT_FOUND, "", "app '%s' has no version '%s' any more",
	    a->row.name, version);
}

/* What it changes to may be gone, or retired, since. */
static bool check_what(controller *c, operation_kind kind, sot_str what, problem *p)
{
	if (kind == OPERATION_APP_REBUILD)
		return request_check_image(c, what, p);
	return kind != OPERATION_APP_RESIZE || request_check_plan(c, what, p);
}

/* `ret_app` stays NULL for a bulk operation. */
static bool check(controller *c, const sot_operation_retry *m, operation_kind *ret_kind,
    app **ret_app, problem *p)
{
	sot_err err = {0};

	if (sot_map_get_uuid(c->operations, m->operation_id))
		return problem_set(p, SOT_REFUSAL_CONFLICT, "",
		    "the operation has not ended; wait for it, or cancel it first");
	if (operation_kind_parse(m->kind, ret_kind, &err) != SOT_OK || !may_retry(*ret_kind))
		return problem_set(p, SOT_REFUSAL_CONFLICT, "",
		    "an operation of kind %.*s has no parts that could be done again; send its request "
		    "again",
		    SOT_ARG(m->kind));
	if (*ret_kind == OPERATION_BULK_MIDDLEWARE && m->version.n == 0)
		return problem_set(p, SOT_REFUSAL_CONFLICT, "",
		    "each app was to get the version that it had before; send its request again: those "
		    "that have it are left alone");
	if (operation_kind_is_bulk(*ret_kind)) {
		return (m->targets_count > 0 ||
		           problem_set(p, SOT_REFUSAL_CONFLICT, "", "nothing of it failed")) &&
		       request_has_room(c, NULL, m->targets_count + 1, p);
	}
	*ret_app = model_find_app(c, m->app);
	if (!*ret_app || (*ret_app)->row.deleting)
		return problem_set(p, SOT_REFUSAL_CONFLICT, "", "app '%.*s' is gone, or is being deleted",
		    SOT_ARG(m->app));
	if (is_of_instance(*ret_kind) &&
	    (m->targets_count != 1 || !model_find_instance(c, m->targets[0])))
		return problem_set(p, SOT_REFUSAL_CONFLICT, "", "its instance was retired meanwhile");
	return check_version(c, *ret_app, *ret_kind, m, p) && check_what(c, *ret_kind, m->what, p) &&
	       request_has_room(c, *ret_app, 1, p);
}

static void write_spec(const sot_operation_retry *m, operation_kind kind, sot_buf *spec)
{
	char id[SOT_UUID_TEXT];

	model_text_init(spec);
	sot_buf_printf(spec, "{\"retryOf\":\"%s\"", sot_uuid_format(m->operation_id, id));
	if (kind == OPERATION_APP_CREATE || kind == OPERATION_APP_SCALE || kind == OPERATION_BULK_SCALE)
		sot_buf_printf(spec, ",\"count\":%u", m->count);
	if (m->version.n > 0) {
		sot_buf_add_c(spec, ",\"version\":");
		sot_buf_add_json(spec, m->version);
	}
	if (m->what.n > 0) {
		sot_buf_printf(spec, ",\"%s\":",
		    kind == OPERATION_APP_RESIZE    ? "plan"
		    : kind == OPERATION_APP_REBUILD ? "image"
		                                    : "middleware");
		sot_buf_add_json(spec, m->what);
	}
	if (kind == OPERATION_INSTANCE_MOVE) {
		sot_buf_add_c(spec, ",\"to\":");
		sot_buf_add_json(spec, m->host);
	}
	sot_buf_add_c(spec, "}");
}

static void add_children(controller *c, operation *o, const sot_operation_retry *m)
{
	static const operation_kind kinds[] = {OPERATION_INSTANCE_START, OPERATION_INSTANCE_STOP,
	    OPERATION_INSTANCE_RESTART, OPERATION_INSTANCE_RETIRE, OPERATION_APP_SCALE,
	    OPERATION_APP_DEPLOY, OPERATION_APP_REBUILD, OPERATION_APP_MIDDLEWARE};
	operation_kind kind = kinds[o->row.kind - OPERATION_BULK_START];

	o->row.parallel = m->parallel ? m->parallel : 1;
	o->row.failures_max = m->failures_max;
	for (size_t k = 0; k < m->targets_count; k++) {
		const instance *i = model_find_instance(c, m->targets[k]);
		app *a = i ? i->app : sot_map_get_uuid(c->apps, m->targets[k]);
		if (a && !a->row.deleting && (!i || i->row.desired != SOT_DESIRED_STATE_RETIRED))
			rollout_set_strategy(c, bulk_add_child(c, o, kind, a, i, m->version), &m->strategy);
	}
	say_log(c, o, LOG_INFO, "%u of %zu targets are still there", o->row.children.total,
	    m->targets_count);
}

static void keep_targets(operation *o, const sot_operation_retry *m)
{
	if (m->targets_count == 0)
		return;
	o->row.targets = sot_alloc_array(m->targets_count, sizeof(*o->row.targets));
	memcpy(o->row.targets, m->targets, m->targets_count * sizeof(*o->row.targets));
	o->row.target_count = m->targets_count;
}

static void name_target(controller *c, const sot_operation_retry *m, const app *a,
    operation_kind kind, char dst[static 81])
{
	const instance *i = is_of_instance(kind) && m->targets_count == 1
	                        ? model_find_instance(c, m->targets[0])
	                        : NULL;

	if (operation_kind_is_bulk(kind))
		(void)snprintf(dst, 81, "%zu that were not done", m->targets_count);
	else
		(void)snprintf(dst, 81, "%s", i ? i->name : a->row.name);
}

void on_operation_retry(void *self, const void *from, const sot_operation_retry *m)
{
	request *q = self;
	operation_kind kind = OPERATION_KINDS;
	app *a = NULL;
	char name[81];
	sot_uuid resource;
	sot_str none = {0};
	problem p;
	sot_buf spec;

	(void)from;
	if (request_is_replay(q, m->request_id, &m->context))
		return;
	if (!check(q->c, m, &kind, &a, &p)) {
		request_refuse(q, m->request_id, &p);
		return;
	}
	name_target(q->c, m, a, kind, name);
	write_spec(m, kind, &spec);
	if (operation_kind_is_bulk(kind))
		resource = (sot_uuid){{0}};
	else
		resource = is_of_instance(kind) ? m->targets[0] : a->row.id;
	operation *o = request_accept(q, &(acceptance){.request_id = m->request_id,
	                                     .context = &m->context,
	                                     .kind = kind,
	                                     .app = a,
	                                     .target = sot_str_c(name),
	                                     .resource_id = resource,
	                                     .spec = &spec,
	                                     .count = m->count,
	                                     .version = m->version,
	                                     .plan = kind == OPERATION_APP_RESIZE ? m->what : none,
	                                     .image = kind == OPERATION_APP_RESIZE ? none : m->what,
	                                     .to_host = m->host});
	o->row.retry_of = m->operation_id;
	if (operation_kind_is_bulk(kind))
		add_children(q->c, o, m);
	else
		keep_targets(o, m);
	rollout_set_strategy(q->c, o, &m->strategy);
}
