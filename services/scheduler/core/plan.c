/* From what was asked to instances and steps: the first moment of an operation. */
#include "parts.h"

#include <stdio.h>
#include <string.h>

void plan_size(const controller *c, const app *a, instance_make *make)
{
	const plan_row *p = sot_map_get_c(c->plans, a->row.plan);

	make->cpu_milli = p ? p->cpu_milli : 100;
	make->memory_bytes = p ? p->memory_bytes : 134217728;
	make->disk_bytes = p ? p->disk_bytes : 0;
	make->bandwidth_kbit = p ? p->bandwidth_kbit : 0;
}

/* The one that the operation is about; `default` when it is about the app, or its group is gone. */
static group *group_of(const operation *o)
{
	group *g = o->row.group[0] ? model_find_group(o->app, sot_str_c(o->row.group), true) : NULL;

	return g ? g : o->app->group;
}

static const group *only_group(const operation *o)
{
	return o->row.group[0] ? group_of(o) : NULL;
}

instance *plan_instance_row(controller *c, const operation *o, group *of, instance_row row)
{
	app *a = o->app;
	const image *g = sot_map_get_c(c->images, a->row.image);

	instance_make make = instance_make_new(c->shared);
	make.app_id = a->row.id;
	make.group_id = of->row.id;
	shared_set(&make.image, c->shared, sot_str_c(g ? g->row.reference : a->row.image));
	plan_size(c, a, &make);
	shared_set(
	    &make.version, c->shared, sot_str_c(of->row.version[0] ? of->row.version : a->row.version));
	shared_set(&make.middleware, c->shared, sot_str_c(a->row.middleware ? a->row.middleware : ""));
	shared_set(&make.plan, c->shared, sot_str_c(a->row.plan));
	instance_remake(&row.make, c->shared, &make);
	row.created_unix_ms = c->now.wall.unix_ms;
	instance *i = model_add_instance(c, a, &row);
	i->held = true;
	touch_group(c, of);
	touch_instance(c, i);
	say_instance_created(c, i, o);
	return i;
}

static instance *new_instance(controller *c, const operation *o)
{
	group *of = group_of(o);
	instance_row row = {.id = model_new_id(c), .number = of->row.next_number++, .generation = 1};
	char whole[96], name[LABEL_MAX_BYTES + 1];

	(void)snprintf(whole, sizeof(whole), "%s-%s-%02u", o->app->row.name, of->row.name, row.number);
	model_copy_text(name, sizeof(name), sot_str_c(whole));
	row.name = name;
	return plan_instance_row(c, o, of, row);
}

void plan_add_growth(controller *c, operation *o, const instance *i)
{
	operation_add_step(c, o, i, STEP_PLACE);
	operation_add_step(c, o, i, STEP_ADDRESS);
	operation_add_step(c, o, i, STEP_START);
	operation_add_step(c, o, i, STEP_HEALTHY);
}

static void plan_growth(controller *c, operation *o, size_t count)
{
	for (size_t k = 0; k < count; k++)
		plan_add_growth(c, o, new_instance(c, o));
}

static void plan_leaving(controller *c, operation *o, instance *i)
{
	operation_add_step(c, o, i, STEP_REMOVE);
	operation_add_step(c, o, i, STEP_RELEASE);
	say_log(c, o, LOG_INFO, "%s: will be removed%s%s", i->name, i->host ? " from " : "",
	    i->host ? i->host->row.name : "");
	instance_retire(c, i);
}

size_t app_wanted_count(const app *a, const group *g)
{
	size_t n = 0;

	for (const sot_link *l = a->instances.next; l != &a->instances; l = l->next) {
		const instance *i = SOT_CONTAINER(l, instance, of_app);
		n += i->row.desired != SOT_DESIRED_STATE_RETIRED &&
		     (!g || sot_uuid_eq(i->row.make->group_id, g->row.id));
	}
	return n;
}

/* A retry goes on with what failed: what was taken back is made again, up to the count that was
 * asked for; what stands and is not well is started again. */
static void plan_growth_again(controller *c, operation *o)
{
	size_t have = app_wanted_count(o->app, only_group(o)), lost = 0;
	size_t room = o->row.count > have ? o->row.count - have : 0;

	for (size_t k = 0; k < o->row.target_count; k++) {
		const instance *i = model_find_instance(c, o->row.targets[k]);
		if (!i || i->row.desired == SOT_DESIRED_STATE_RETIRED) {
			lost++;
		} else if (i->row.health != SOT_HEALTH_HEALTHY) {
			operation_add_step(c, o, i, i->has_failed ? STEP_RESTART : STEP_START);
			operation_add_step(c, o, i, STEP_HEALTHY);
		}
	}
	say_log(c, o, LOG_INFO, "%zu instances to add again, %zu to look after",
	    lost < room ? lost : room, o->step_count / 2);
	plan_growth(c, o, lost < room ? lost : room);
}

static void plan_scale(controller *c, operation *o)
{
	size_t have = app_wanted_count(o->app, only_group(o));

	if (o->row.target_count > 0 && o->row.count >= have) {
		plan_growth_again(c, o);
		return;
	}

	say_log(c, o, LOG_INFO, "%zu instances, %u wanted", have, o->row.count);
	if (o->row.count > have)
		plan_growth(c, o, o->row.count - have);
	for (; have > o->row.count; have--) {
		instance *i = place_leaver(c, o->app, only_group(o), o->row.pick);
		if (!i)
			break;
		plan_leaving(c, o, i);
	}
}

static void plan_delete(controller *c, operation *o)
{
	o->app->row.deleting = true;
	touch_app(c, o->app);
	for (sot_link *l = o->app->instances.next, *next; l != &o->app->instances; l = next) {
		next = l->next;
		plan_leaving(c, o, SOT_CONTAINER(l, instance, of_app));
	}
}

void plan_helper(controller *c, operation *o)
{
	instance *i = new_instance(c, o);

	if (o->row.kind == OPERATION_APP_DEPLOY)
		INSTANCE_SET(c, i, version, sot_str_c(o->row.version));
	plan_add_growth(c, o, i);
}

static void plan_instance(controller *c, operation *o)
{
	instance *i = model_find_instance(c, o->row.resource_id);

	if (!i || i->row.desired == SOT_DESIRED_STATE_RETIRED) {
		operation_end(c, o, OPERATION_FAILED, "the instance was retired before its turn came");
		return;
	}
	switch (o->row.kind) {
	case OPERATION_INSTANCE_STOP:
		operation_add_step(c, o, i, STEP_STOP);
		return;
	case OPERATION_INSTANCE_START:
		operation_add_step(c, o, i, STEP_START);
		break;
	case OPERATION_INSTANCE_RESTART:
		operation_add_step(c, o, i, STEP_RESTART);
		break;
	case OPERATION_INSTANCE_RESIZE:
		operation_add_step(c, o, i, STEP_RESIZE);
		break;
	case OPERATION_INSTANCE_REBUILD:
		operation_add_step(c, o, i, STEP_REBUILD);
		break;
	case OPERATION_INSTANCE_FREEZE:
		operation_add_step(c, o, i, STEP_FREEZE);
		return;
	case OPERATION_INSTANCE_UNFREEZE:
		operation_add_step(c, o, i, STEP_UNFREEZE);
		break;
	default:
		plan_leaving(c, o, i);
		return;
	}
	operation_add_step(c, o, i, STEP_HEALTHY);
}

static void plan_move(controller *c, operation *o)
{
	const instance *i = model_find_instance(c, o->row.resource_id);

	if (!i || i->row.desired == SOT_DESIRED_STATE_RETIRED) {
		operation_end(c, o, OPERATION_FAILED, "the instance was retired before its turn came");
		return;
	}
	bool runs = i->row.desired == SOT_DESIRED_STATE_RUNNING;
	operation_add_step(c, o, i, STEP_TARGET);
	operation_add_step(c, o, i, STEP_LEAVE);
	operation_add_step(c, o, i, STEP_ADDRESS);
	operation_add_step(c, o, i,
	    runs                                         ? STEP_START
	    : i->row.desired == SOT_DESIRED_STATE_FROZEN ? STEP_FREEZE
	                                                 : STEP_STOP);
	if (runs)
		operation_add_step(c, o, i, STEP_HEALTHY);
}

static bool needs_app(operation_kind kind)
{
	return kind <= OPERATION_INSTANCE_ADOPT;
}

void operation_begin(controller *c, operation *o)
{
	char what[100];

	if (needs_app(o->row.kind) && (!o->app || o->app->row.deleting)) {
		operation_end(c, o, OPERATION_FAILED, "the app was deleted");
		return;
	}
	o->row.state = OPERATION_RUNNING;
	shared_set_alone(&o->row.waits_for, SOT_STR(""));
	touch_operation(c, o);
	switch (o->row.kind) {
	case OPERATION_APP_CREATE:
	case OPERATION_APP_SCALE:
		plan_scale(c, o);
		break;
	case OPERATION_APP_DELETE:
		plan_delete(c, o);
		break;
	case OPERATION_APP_DEPLOY:
		(void)snprintf(what, sizeof(what), "version %s", o->row.version);
		rollout_begin(c, o, STEP_DEPLOY, what);
		break;
	case OPERATION_APP_RESIZE:
		(void)snprintf(what, sizeof(what), "plan %s", o->row.plan);
		rollout_begin(c, o, STEP_RESIZE, what);
		break;
	case OPERATION_APP_REBUILD:
		(void)snprintf(what, sizeof(what), "image %s", o->row.image);
		rollout_begin(c, o, STEP_REBUILD, what);
		break;
	case OPERATION_APP_MIDDLEWARE:
		(void)snprintf(what, sizeof(what), "%.40s %.50s", o->row.image,
		    o->row.version[0] ? o->row.version : "taken out");
		rollout_begin(c, o, STEP_MIDDLEWARE, what);
		break;
	case OPERATION_INSTANCE_RESIZE:
	case OPERATION_INSTANCE_FREEZE:
	case OPERATION_INSTANCE_UNFREEZE:
	case OPERATION_INSTANCE_REBUILD:
	case OPERATION_INSTANCE_START:
	case OPERATION_INSTANCE_STOP:
	case OPERATION_INSTANCE_RESTART:
	case OPERATION_INSTANCE_RETIRE:
		plan_instance(c, o);
		break;
	case OPERATION_INSTANCE_MOVE:
		plan_move(c, o);
		break;
	case OPERATION_INSTANCE_ADOPT:
		adoption_begin(c, o);
		break;
	case OPERATION_HOST_REPLACE:
	case OPERATION_HOST_EVACUATE:
		plan_replace(c, o);
		break;
	case OPERATION_HOST_RETURN:
		plan_return(c, o);
		break;
	default: /* done with its request: no steps */
		break;
	}
}
