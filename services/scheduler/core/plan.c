/* From what was asked to instances and steps: the first moment of an operation. */
#include "parts.h"

#include <stdio.h>
#include <string.h>

static void say_created(controller *c, const operation *o, const instance *i)
{
	char id[SOT_UUID_TEXT];
	sot_buf data;

	model_text_init(&data);
	sot_buf_printf(&data, "{\"id\":\"%s\",\"group\":\"%s\"}", sot_uuid_format(i->row.id, id),
	    i->app->group->row.name);
	say_event(c, "instance.created", i->row.name, i->app, NULL, o, &data);
}

static instance *new_instance(controller *c, const operation *o)
{
	app *a = o->app;
	const plan_row *p = sot_map_get_c(c->plans, a->row.plan);
	const image *g = sot_map_get_c(c->images, a->row.image);
	instance_row row = {
	    .id = model_new_id(c),
	    .app_id = a->row.id,
	    .group_id = a->group->row.id,
	    .number = a->group->row.next_number++,
	    .generation = 1,
	    .cpu_milli = p ? p->cpu_milli : 100,
	    .memory_bytes = p ? p->memory_bytes : 134217728,
	    .disk_bytes = p ? p->disk_bytes : 0,
	    .bandwidth_kbit = p ? p->bandwidth_kbit : 0,
	    .image = sot_strdup(g ? g->row.reference : a->row.image),
	    .error = sot_strdup(""),
	    .created_unix_ms = c->now.wall.unix_ms,
	};

	char name[96];
	(void)snprintf(name, sizeof(name), "%s-%s-%02u", a->row.name, a->group->row.name, row.number);
	model_copy_text(row.name, sizeof(row.name), sot_str_c(name));
	memcpy(row.version, a->row.version, sizeof(row.version));
	instance *i = model_add_instance(c, a, &row);
	touch_group(c, a->group);
	touch_instance(c, i);
	say_created(c, o, i);
	return i;
}

static void plan_growth(controller *c, operation *o, size_t count)
{
	for (size_t k = 0; k < count; k++) {
		const instance *i = new_instance(c, o);
		operation_add_step(c, o, i, STEP_PLACE);
		operation_add_step(c, o, i, STEP_ADDRESS);
		operation_add_step(c, o, i, STEP_START);
		operation_add_step(c, o, i, STEP_HEALTHY);
	}
}

static void plan_leaving(controller *c, operation *o, instance *i)
{
	operation_add_step(c, o, i, STEP_REMOVE);
	operation_add_step(c, o, i, STEP_RELEASE);
	say_log(c, o, LOG_INFO, "%s: will be removed%s%s", i->row.name, i->host ? " from " : "",
	    i->host ? i->host->row.name : "");
	instance_retire(c, i);
}

static size_t wanted_count(const app *a)
{
	size_t n = 0;

	for (const sot_link *l = a->instances.next; l != &a->instances; l = l->next)
		n += SOT_CONTAINER(l, instance, of_app)->row.desired != SOT_DESIRED_STATE_RETIRED;
	return n;
}

static void plan_scale(controller *c, operation *o)
{
	size_t have = wanted_count(o->app);

	say_log(c, o, LOG_INFO, "%zu instances, %u wanted", have, o->row.count);
	if (o->row.count > have)
		plan_growth(c, o, o->row.count - have);
	for (; have > o->row.count; have--) {
		instance *i = place_leaver(c, o->app);
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

static void plan_deploy(controller *c, operation *o)
{
	for (sot_link *l = o->app->instances.next; l != &o->app->instances; l = l->next) {
		const instance *i = SOT_CONTAINER(l, instance, of_app);
		if (i->row.desired == SOT_DESIRED_STATE_RETIRED)
			continue;
		operation_add_step(c, o, i, STEP_DEPLOY);
		operation_add_step(c, o, i, STEP_HEALTHY);
	}
	say_log(c, o, LOG_INFO, "version %s, instance by instance", o->row.version);
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
	default:
		plan_leaving(c, o, i);
		return;
	}
	operation_add_step(c, o, i, STEP_HEALTHY);
}

static bool needs_app(operation_kind kind)
{
	return kind <= OPERATION_INSTANCE_RETIRE;
}

void operation_begin(controller *c, operation *o)
{
	if (needs_app(o->row.kind) && (!o->app || o->app->row.deleting)) {
		operation_end(c, o, OPERATION_FAILED, "the app was deleted");
		return;
	}
	o->row.state = OPERATION_RUNNING;
	o->row.waits_for[0] = '\0';
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
		plan_deploy(c, o);
		break;
	case OPERATION_INSTANCE_START:
	case OPERATION_INSTANCE_STOP:
	case OPERATION_INSTANCE_RESTART:
	case OPERATION_INSTANCE_RETIRE:
		plan_instance(c, o);
		break;
	default: /* done with its request: no steps */
		break;
	}
}
