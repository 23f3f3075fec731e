/* Requests about groups of an app: made, edited, deleted, and instances moved between them. Done
 * with the batch that accepts them. */
#include "elastic.h"
#include "requests.h"
#include "sot_parse.h"

#include <stdio.h>
#include <string.h>

static bool check_set(const app *a, const sot_group_set *m, problem *p)
{
	if (!sot_is_label(m->group, 30))
		return problem_set(p, SOT_REFUSAL_INVALID, "/group",
		    "'%.*s' is no name of a group: a-z, 0-9 and '-', a letter first", SOT_ARG(m->group));
	/* app-group-07 is a host name: 63 at most, with room for the number. */
	if (strlen(a->row.name) + m->group.n + 8 > 63)
		return problem_set(p, SOT_REFUSAL_INVALID, "/group",
		    "'%s-%.*s-…' would be too long for a host name", a->row.name, SOT_ARG(m->group));
	if (m->environment.n > 0 && !sot_is_label(m->environment, 30))
		return problem_set(p, SOT_REFUSAL_INVALID, "/environment",
		    "'%.*s' is no name of an environment: a-z, 0-9 and '-'", SOT_ARG(m->environment));
	return true;
}

static void accept(request *q, uint64_t request_id, const sot_request_context *context,
    operation_kind kind, const app *a, const group *g, const char *event, sot_buf *spec)
{
	char subject[80];
	sot_buf data;

	model_text_init(&data);
	sot_buf_add_str(&data, sot_buf_str(spec));
	(void)snprintf(subject, sizeof(subject), "%s/%s", a->row.name, g->row.name);
	operation *o = request_accept(q, &(acceptance){.request_id = request_id,
	                                     .context = context,
	                                     .kind = kind,
	                                     .target = sot_str_c(subject),
	                                     .resource_id = g->row.id,
	                                     .spec = spec});
	say_event(q->c, event, subject, (app *)(uintptr_t)a, NULL, o, &data);
}

static void spec_of(sot_buf *spec, const app *a, const group *g)
{
	model_text_init(spec);
	sot_buf_printf(spec, "{\"app\":\"%s\",\"group\":\"%s\",\"environment\":\"%s\"", a->row.name,
	    g->row.name, g->row.environment);
}

void on_group_set(void *self, const void *from, const sot_group_set *m)
{
	request *q = self;
	problem p;
	sot_buf spec;

	(void)from;
	if (request_is_replay(q, m->request_id, &m->context))
		return;
	app *a = request_app(q, m->request_id, m->app);
	if (!a)
		return;
	if (!check_set(a, m, &p)) {
		request_refuse(q, m->request_id, &p);
		return;
	}
	group *g = model_find_group(a, m->group, true);
	if (!g) {
		group_row row = {.id = model_new_id(q->c), .app_id = a->row.id, .next_number = 1};
		group_row_init(&row);
		model_copy_text(row.name, sizeof(row.name), m->group);
		g = model_add_group(q->c, a, &row);
	}
	/* One that was deleted goes on: its numbers are never used twice. */
	g->row.deleted = false;
	model_share_text(q->c, &g->row.environment, NAME_MAX_BYTES, m->environment);
	touch_group(q->c, g);
	spec_of(&spec, a, g);
	sot_buf_add_c(&spec, "}");
	accept(q, m->request_id, &m->context, OPERATION_GROUP_SET, a, g, "group.updated", &spec);
}

static group *known_group(request *q, uint64_t request_id, const app *a, sot_str name)
{
	group *g = model_find_group(a, name, false);
	problem p;

	if (g)
		return g;
	problem_set(&p, SOT_REFUSAL_NOT_FOUND, "/group", "app '%s' has no group '%.*s'", a->row.name,
	    SOT_ARG(name));
	request_refuse(q, request_id, &p);
	return NULL;
}

void on_group_delete(void *self, const void *from, const sot_group_delete *m)
{
	request *q = self;
	problem p;
	sot_buf spec;

	(void)from;
	if (request_is_replay(q, m->request_id, &m->context))
		return;
	app *a = request_app(q, m->request_id, m->app);
	group *g = a ? known_group(q, m->request_id, a, m->group) : NULL;
	if (!g)
		return;
	size_t count = app_wanted_count(a, g);
	if (g == a->group || count > 0) {
		problem_set(&p, SOT_REFUSAL_CONFLICT, "/group",
		    g == a->group
		        ? "the group '%s' is every app's first one; it stays"
		        : "'%s' has instances still: move them to another group, or scale it to 0",
		    g->row.name);
		request_refuse(q, m->request_id, &p);
		return;
	}
	app_elastic *rules = elastic_find(a, m->group);
	if (rules)
		elastic_clear(q->c, rules);
	g->row.deleted = true;
	shared_set_alone(&g->row.version, SOT_STR(""));
	touch_group(q->c, g);
	spec_of(&spec, a, g);
	sot_buf_add_c(&spec, "}");
	accept(q, m->request_id, &m->context, OPERATION_GROUP_DELETE, a, g, "group.deleted", &spec);
}

static bool check_move(const controller *c, const app *a, const sot_group_move *m, problem *p)
{
	char pointer[32];

	for (size_t k = 0; k < m->instances_count; k++) {
		const instance *i = request_instance((controller *)(uintptr_t)c, m->instances[k]);
		(void)snprintf(pointer, sizeof(pointer), "/instances/%zu", k);
		if (!i || i->app != a)
			return problem_set(p, SOT_REFUSAL_NOT_FOUND, pointer, "app '%s' has no instance '%.*s'",
			    a->row.name, SOT_ARG(m->instances[k]));
		if (i->row.desired == SOT_DESIRED_STATE_RETIRED)
			return problem_set(p, SOT_REFUSAL_CONFLICT, pointer, "%s is being retired", i->name);
	}
	return true;
}

void on_group_move(void *self, const void *from, const sot_group_move *m)
{
	request *q = self;
	problem p;
	sot_buf spec;

	(void)from;
	if (request_is_replay(q, m->request_id, &m->context))
		return;
	app *a = request_app(q, m->request_id, m->app);
	group *g = a ? known_group(q, m->request_id, a, m->group) : NULL;
	if (!g)
		return;
	if (!check_move(q->c, a, m, &p)) {
		request_refuse(q, m->request_id, &p);
		return;
	}
	spec_of(&spec, a, g);
	sot_buf_add_c(&spec, ",\"instances\":[");
	for (size_t k = 0; k < m->instances_count; k++) {
		instance *i = request_instance(q->c, m->instances[k]);
		if (!sot_uuid_eq(i->row.make->group_id, g->row.id)) {
			instance_make make = instance_make_of(i->row.make);
			make.group_id = g->row.id;
			instance_remake(&i->row.make, q->c->shared, &make);
			i->row.number = g->row.next_number++;
			touch_instance(q->c, i);
		}
		sot_buf_add_c(&spec, k > 0 ? "," : "");
		sot_buf_add_json(&spec, sot_str_c(i->name));
	}
	sot_buf_add_c(&spec, "]}");
	touch_group(q->c, g);
	accept(q, m->request_id, &m->context, OPERATION_GROUP_MOVE, a, g, "group.moved", &spec);
}
