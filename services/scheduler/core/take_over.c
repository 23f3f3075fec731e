/* Take-over: every row that a new leader reads becomes what the last one had in memory. */
#include "middleware.h"
#include "parts.h"

#include <stdlib.h>
#include <string.h>

#define BINDS_OF_A_TICK 200

void controller_load_plan(controller *c, const plan_row *row)
{
	plan_row *copy = sot_alloc(sizeof(*copy));

	*copy = *row;
	free(sot_map_set(c->plans, row->name, strlen(row->name), copy));
}

void controller_load_team(controller *c, const team_row *row)
{
	team_row *copy = sot_alloc(sizeof(*copy));

	*copy = *row;
	free(sot_map_set(c->teams, row->name, strlen(row->name), copy));
	fleet_forget_told(c);
}

void controller_load_host_class(controller *c, const host_class_row *row)
{
	host_class_row *copy = sot_alloc(sizeof(*copy));

	*copy = *row;
	free(sot_map_set(c->host_classes, row->name, strlen(row->name), copy));
}

void controller_load_mixing(controller *c, const mixing_row *row)
{
	c->mixing[row->workload][row->beside] = row->at_most;
	fleet_forget_told(c);
}

void controller_load_image(controller *c, const image_row *row)
{
	model_add_image(c, row);
}

sot_code controller_load_image_version(controller *c, const image_version_row *row, sot_err *err)
{
	image *i = sot_map_get_c(c->images, row->image);

	if (!i)
		return sot_fail(err, SOT_INTERNAL, "version '%s' is of no image", row->version);
	image_add_version(i, row);
	return SOT_OK;
}

void controller_load_middleware(controller *c, const middleware_row *row)
{
	middleware_add(c, row, false);
}

void controller_load_host(controller *c, const host_row *row)
{
	host_row copy;

	host_row_copy(&copy, row);
	model_add_host(c, &copy);
}

void controller_load_app(controller *c, const app_row *row)
{
	app_row copy;

	app_row_copy(&copy, row);
	model_add_app(c, &copy)->is_written = true;
}

static sot_code missing(const char *what, sot_uuid id, const char *where, sot_err *err)
{
	char text[SOT_UUID_TEXT];

	return sot_fail(err, SOT_INTERNAL, "%s names %s %s, which is not there", where, what,
	    sot_uuid_format(id, text));
}

sot_code controller_load_group(controller *c, const group_row *row, sot_err *err)
{
	app *a = sot_map_get_uuid(c->apps, row->app_id);

	if (!a)
		return missing("app", row->app_id, "a group", err);
	group_row copy;
	group_row_copy(&copy, row);
	model_add_group(c, a, &copy)->is_written = true;
	return SOT_OK;
}

sot_code controller_load_version(controller *c, const version_row *row, sot_err *err)
{
	app *a = sot_map_get_uuid(c->apps, row->app_id);

	if (!a)
		return missing("app", row->app_id, "a version", err);
	model_add_version(c, a, row, false);
	return SOT_OK;
}

sot_code controller_load_instance(controller *c, const instance_row *row, sot_err *err)
{
	app *a = sot_map_get_uuid(c->apps, row->make->app_id);
	host *h = model_host(c, row->host_id);

	if (!a)
		return missing("app", row->make->app_id, "an instance", err);
	if (!h && !sot_uuid_is_zero(row->host_id))
		return missing("host", row->host_id, "an instance", err);
	host *target = model_host(c, row->moving_to);
	if (!target && !sot_uuid_is_zero(row->moving_to))
		return missing("host", row->moving_to, "an instance", err);
	(void)shared_keep(row->make);
	instance *i = model_add_instance(c, a, row);
	i->host = h;
	i->is_written = true;
	if (instance_is_starting(i))
		errand_of(i)->unsampled = 1;
	if (h)
		sot_list_push(&h->instances, &i->of_host);
	if (target) {
		errand_of(i)->target = target;
		sot_list_push(&target->arrivals, &i->errand->of_target);
	}
	return SOT_OK;
}

sot_code controller_load_operation(
    controller *c, const operation_row *row, uint64_t next_line, sot_err *err)
{
	operation_row copy;

	if (operation_state_is_final(row->state))
		return sot_fail(err, SOT_INTERNAL, "an operation that has ended was loaded");
	operation_row_copy(&copy, row);
	operation *o = model_add_operation(c, &copy);
	o->next_line = next_line;
	o->is_written = true;
	if (row->position >= c->next_position)
		c->next_position = row->position + 1;
	if (o->parent)
		o->parent->running_children += row->state == OPERATION_RUNNING;
	o->refusal = (decision_row){.id = row->id,
	    .operation_id = row->id,
	    .refused = true,
	    .open = true,
	    .at_unix_ms = row->updated_unix_ms,
	    .data = sot_strdup("{}")};
	if (o->app)
		sot_list_push(&o->app->queue, &o->queued);
	return SOT_OK;
}

sot_code controller_load_step(controller *c, const step_row *row, sot_err *err)
{
	operation *o = sot_map_get_uuid(c->operations, row->operation_id);

	if (!o)
		return missing("operation", row->operation_id, "a step", err);
	step_row copy;
	step_row_copy(&copy, row);
	model_add_step(c, o, &copy)->is_written = true;
	return SOT_OK;
}

sot_code controller_load_rollout(controller *c, const rollout_row *row, sot_err *err)
{
	operation *o = sot_map_get_uuid(c->operations, row->operation_id);

	if (!o || !o->rollout)
		return missing("operation", row->operation_id, "a rollout", err);
	o->rollout->row = *row;
	return SOT_OK;
}

sot_code controller_load_departure(controller *c, const departure_row *row, sot_err *err)
{
	host *h = model_host(c, row->host_id);

	if (!h)
		return missing("host", row->host_id, "a departure", err);
	departure_load(c, h, row);
	return SOT_OK;
}

void controller_load_brake(controller *c, const brake_row *row)
{
	c->brake.row = *row;
}

void controller_load_key(controller *c, const key_row *row)
{
	model_remember_key(c, row->actor, row->key, &row->used);
}

/* Its id tells when an operation began. */
static int64_t begun_unix_ms(sot_uuid id)
{
	int64_t ms = 0;

	for (int k = 0; k < 6; k++)
		ms = ms << 8 | id.b[k];
	return ms;
}

void controller_forget_keys(controller *c, int64_t before_unix_ms)
{
	sot_map_iter it = {0};
	used_key *used;
	sot_str key;

	while ((used = sot_map_next(c->keys, &it, &key))) {
		const operation *o = sot_map_get_uuid(c->operations, used->operation_id);
		if (begun_unix_ms(used->operation_id) >= before_unix_ms ||
		    (o && !operation_state_is_final(o->row.state)))
			continue;
		sot_map_remove(c->keys, key.p, key.n);
		free(used);
	}
}

/* New instances whose start was not given a slot: their agents have not heard of them. */
static void hold_back(controller *c, const operation *o)
{
	for (size_t k = 2; k < o->step_count; k++) {
		const step *s = o->steps[k], *first = o->steps[k - 2];
		instance *i = step_instance(c, s);
		if (i && s->row.kind == STEP_START && s->row.state == OPERATION_QUEUED &&
		    first->row.kind == STEP_PLACE && step_instance(c, first) == i)
			i->held = true;
	}
}

/* What the last leader ordered to start, and is not over. */
static void adopt_start(controller *c, instance *i)
{
	bool restarts = i->row.restart_seq > i->row.observed_restart_seq;

	if (instance_is_told(i) && i->row.desired == SOT_DESIRED_STATE_RUNNING &&
	    i->row.state != INSTANCE_MOVING && i->row.state != INSTANCE_FAILED &&
	    (instance_is_starting(i) || restarts))
		start_adopt(c, i);
}

/* What has come from another host and stood in line there: its agent has not heard of it, and no
 * row says so. Who has heard of it hears it once more. */
static void tell_arrived(controller *c, instance *i)
{
	if (instance_is_told(i) && i->row.state == INSTANCE_CREATING &&
	    i->row.observed_generation < i->row.generation)
		model_spec_changed(c, i);
}

/* What an instance was in the middle of when the last leader stopped. */
static void resume_instance(controller *c, instance *i)
{
	if (i->row.desired == SOT_DESIRED_STATE_RETIRED) {
		/* The last leader may have asked, and never read the answer. */
		if (sot_ip_is_none(i->row.v4.address) && i->row.make->vlan[0])
			address_need_set(c, i, ADDRESS_ACQUIRE);
		instance_reclaim(c, i);
	} else if (i->row.state == INSTANCE_PLACED && model_holds_address(i)) {
		address_need_set(c, i, ADDRESS_RELEASE); /* moved: of a VLAN that does not reach its host */
	} else if (i->row.state == INSTANCE_RUNNING) {
		i->bound = true; /* most likely; said again when there is time */
		i->bind_again = true;
		if (sot_list_empty(&i->app->to_bind))
			sot_list_push(&c->to_bind, &i->app->to_bind);
	} else if (i->host && sot_ip_is_none(i->row.v4.address)) {
		address_need_set(c, i, ADDRESS_ACQUIRE);
	}
}

static void bind_again(controller *c, instance *i)
{
	i->bind_again = false;
	if (i->row.state == INSTANCE_RUNNING && i->need == ADDRESS_NOTHING &&
	    i->row.desired != SOT_DESIRED_STATE_RETIRED && model_holds_address(i))
		address_need_set(c, i, ADDRESS_BIND);
}

/* Whether ipam heard of every binding is not known: it is told again, a few at a time, so that it
 * has time for what is new. */
void bind_some(controller *c)
{
	int n = 0;

	while (!sot_list_empty(&c->to_bind)) {
		app *a = SOT_CONTAINER(c->to_bind.next, app, to_bind);
		for (sot_link *l = a->instances.next; l != &a->instances; l = l->next) {
			instance *i = SOT_CONTAINER(l, instance, of_app);
			if (!i->bind_again)
				continue;
			if (n++ == BINDS_OF_A_TICK)
				return;
			bind_again(c, i);
		}
		sot_list_remove(&a->to_bind);
	}
}

static int compare_age(const void *a, const void *b)
{
	const instance_kept *x = &(*(instance *const *)a)->row, *y = &(*(instance *const *)b)->row;

	if (x->created_unix_ms != y->created_unix_ms)
		return x->created_unix_ms < y->created_unix_ms ? -1 : 1;
	return (x->number > y->number) - (x->number < y->number);
}

/* Oldest first, in whatever order the rows came. */
static void sort_instances(app *a)
{
	instance **list = NULL;
	size_t count = 0, room = 0;

	for (sot_link *l = a->instances.next; l != &a->instances; l = l->next)
		*VECTOR_PUSH(list, count, room) = SOT_CONTAINER(l, instance, of_app);
	if (count > 1)
		qsort(list, count, sizeof(*list), compare_age);
	for (size_t k = 0; k < count; k++) {
		sot_list_remove(&list[k]->of_app);
		sot_list_push(&a->instances, &list[k]->of_app);
	}
	free(list);
}

void controller_loaded(controller *c, controller_now now)
{
	c->now = now;
	c->loaded_at = now.mono;
	if (!c->brake.row.engaged)
		brake_excuse_silent(c);
	for (sot_link *l = c->all_hosts.next; l != &c->all_hosts; l = l->next) {
		host *h = SOT_CONTAINER(l, host, all);
		h->last_seen = now.mono;
		h->seen_written_unix_ms = now.wall.unix_ms;
	}
	for (sot_link *l = c->all_operations.next; l != &c->all_operations; l = l->next)
		hold_back(c, SOT_CONTAINER(l, operation, all));
	for (sot_link *l = c->all_apps.next; l != &c->all_apps; l = l->next) {
		app *a = SOT_CONTAINER(l, app, all);
		sort_instances(a);
		for (sot_link *k = a->instances.next, *next; k != &a->instances; k = next) {
			next = k->next;
			adopt_start(c, SOT_CONTAINER(k, instance, of_app));
			resume_instance(c, SOT_CONTAINER(k, instance, of_app));
			tell_arrived(c, SOT_CONTAINER(k, instance, of_app));
		}
	}
	for (sot_link *l = c->all_operations.next; l != &c->all_operations; l = l->next) {
		operation *o = SOT_CONTAINER(l, operation, all);
		for (size_t k = 0; k < o->step_count; k++)
			o->steps[k]->since = now.mono;
		wake_operation(c, o);
	}
	fleet_begin(c);
	fence_ask(c);
	vlans_ask(c);
}
