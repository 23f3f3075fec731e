/* The controller's frame: memory, take-over, batches. What it decides is in the other files. */
#include "parts.h"

#include <stdlib.h>
#include <string.h>

#define MESSAGE_ARENA_MAX (8u * 1024 * 1024)

controller_config controller_config_default(uint64_t epoch)
{
	return (controller_config){
	    .epoch = epoch,
	    .suspect_after_ms = 15000,
	    .lost_after_ms = 40000,
	    .retry_ms = 10000,
	    .ipam_retry_ms = 1000,
	    .wait_deadline_ms = 86400000,
	    .start_deadline_ms = 600000,
	    .healthy_deadline_ms = 300000,
	    .stop_deadline_ms = 180000,
	    .failure_grace_ms = 15000,
	    .logs_deadline_ms = 5000,
	    .seen_write_ms = 30000,
	};
}

static controller_batch *batch_new(void)
{
	return sot_alloc(sizeof(controller_batch));
}

controller *controller_new(const controller_config *config, uint64_t seed)
{
	controller *c = sot_alloc(sizeof(*c));
	sot_map **maps[] = {&c->plans, &c->images, &c->hosts, &c->hosts_by_name, &c->apps,
	    &c->apps_by_name, &c->groups, &c->instances, &c->instances_by_name, &c->by_address,
	    &c->operations, &c->keys, &c->asked};
	sot_link *lists[] = {&c->all_hosts, &c->all_apps, &c->all_operations, &c->awake, &c->asking,
	    &c->changed_hosts, &c->relays, &c->dirty.hosts, &c->dirty.images, &c->dirty.apps,
	    &c->dirty.groups, &c->dirty.instances, &c->dirty.operations, &c->dirty.steps};

	c->config = *config;
	sot_rand_seed(&c->rand, seed);
	for (size_t i = 0; i < sizeof(maps) / sizeof(maps[0]); i++)
		*maps[i] = sot_map_new();
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
		sot_list_init(lists[i]);
	vlans_init(c);
	fleet_init(c);
	c->next = batch_new();
	c->next_request_id = sot_rand_u64(&c->rand) >> 16;
	c->arena = sot_arena_new(MESSAGE_ARENA_MAX);
	return c;
}

static void free_instance(instance *i)
{
	sot_list_remove(&i->stale);
	instance_row_clear(&i->row);
	free(i);
}

static void free_operation(operation *o)
{
	for (size_t k = 0; k < o->step_count; k++)
		free(o->steps[k]);
	free(o->steps);
	operation_row_clear(&o->row);
	free(o);
}

static void free_app(app *a)
{
	app_row_clear(&a->row);
	free(a->group);
	free(a->versions);
	free(a);
}

static void release_instance(void *value)
{
	free_instance(value);
}

static void release_operation(void *value)
{
	free_operation(value);
}

static void release_app(void *value)
{
	free_app(value);
}

/* Frees the first `done` items of an array and closes the gap; returns how many are left. */
static size_t free_written(void *array, size_t count, size_t done, void (*release)(void *value))
{
	void **items = array;

	for (size_t k = 0; k < done; k++)
		release(items[k]);
	if (done > 0)
		memmove(items, items + done, (count - done) * sizeof(*items));
	return count - done;
}

/* What the last batch wrote is of no use any more; what died since is still to be written. */
static void free_graveyard(controller *c)
{
	c->buried_count = free_written(c->buried, c->buried_count, c->written.buried, release_instance);
	c->ended_count = free_written(c->ended, c->ended_count, c->written.ended, release_operation);
	c->deleted_count = free_written(c->deleted, c->deleted_count, c->written.deleted, release_app);
	c->written.buried = c->written.ended = c->written.deleted = 0;
}

static void mark_written(controller *c)
{
	c->written.buried = c->buried_count;
	c->written.ended = c->ended_count;
	c->written.deleted = c->deleted_count;
}

static void free_relays(controller *c)
{
	while (!sot_list_empty(&c->relays)) {
		relay *r = SOT_CONTAINER(c->relays.next, relay, all);
		sot_list_remove(&r->all);
		free(r);
	}
}

/* Frees a map and what it holds; `release` frees one value. */
static void free_map(sot_map *map, void (*release)(void *value))
{
	sot_map_iter it = {0};
	void *value;

	while (release && (value = sot_map_next(map, &it, NULL)))
		release(value);
	sot_map_free(map);
}

static void release_asked(void *value)
{
	asked_free(value);
}

controller *controller_free(controller *c)
{
	if (!c)
		return NULL;
	mark_written(c);
	free_graveyard(c);
	free_relays(c);
	free_map(c->plans, free);
	free_map(c->images, free);
	free_map(c->hosts, free);
	free_map(c->hosts_by_name, NULL);
	free_map(c->apps, release_app);
	free_map(c->apps_by_name, NULL);
	free_map(c->groups, NULL);
	free_map(c->instances, release_instance);
	free_map(c->instances_by_name, NULL);
	free_map(c->by_address, NULL);
	free_map(c->operations, release_operation);
	free_map(c->keys, free);
	free_map(c->asked, release_asked);
	vlans_clear(c);
	fleet_clear(c);
	free(c->buried);
	free(c->ended);
	free(c->deleted);
	sot_arena_free(c->arena);
	controller_batch_free(c->next);
	free(c);
	return NULL;
}

/* ---- take-over ---- */

void controller_load_plan(controller *c, const plan_row *row)
{
	plan_row *copy = sot_alloc(sizeof(*copy));

	*copy = *row;
	free(sot_map_set(c->plans, row->name, strlen(row->name), copy));
}

void controller_load_image(controller *c, const image_row *row)
{
	model_add_image(c, row);
}

void controller_load_host(controller *c, const host_row *row)
{
	model_add_host(c, row);
}

void controller_load_app(controller *c, const app_row *row)
{
	app_row copy;

	app_row_copy(&copy, row);
	model_add_app(c, &copy);
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
	model_add_group(c, a, row);
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
	app *a = sot_map_get_uuid(c->apps, row->app_id);
	host *h = sot_map_get_uuid(c->hosts, row->host_id);
	instance_row copy;

	if (!a)
		return missing("app", row->app_id, "an instance", err);
	if (!h && !sot_uuid_is_zero(row->host_id))
		return missing("host", row->host_id, "an instance", err);
	instance_row_copy(&copy, row);
	instance *i = model_add_instance(c, a, &copy);
	i->host = h;
	if (h)
		sot_list_push(&h->instances, &i->of_host);
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
	if (o->app)
		sot_list_push(&o->app->queue, &o->queued);
	return SOT_OK;
}

sot_code controller_load_step(controller *c, const step_row *row, sot_err *err)
{
	operation *o = sot_map_get_uuid(c->operations, row->operation_id);

	if (!o)
		return missing("operation", row->operation_id, "a step", err);
	model_add_step(c, o, row);
	return SOT_OK;
}

void controller_load_key(controller *c, const key_row *row)
{
	model_remember_key(c, row);
}

/* What an instance was in the middle of when the last leader stopped. */
static void resume_instance(controller *c, instance *i)
{
	if (i->row.desired == SOT_DESIRED_STATE_RETIRED) {
		/* The last leader may have asked, and never read the answer. */
		if (sot_ip_is_none(i->row.v4.address) && i->row.vlan[0])
			address_need_set(c, i, ADDRESS_ACQUIRE);
		instance_reclaim(c, i);
	} else if (i->row.state == INSTANCE_RUNNING) {
		address_need_set(c, i, ADDRESS_BIND);
	} else if (i->host && sot_ip_is_none(i->row.v4.address)) {
		address_need_set(c, i, ADDRESS_ACQUIRE);
	}
}

void controller_loaded(controller *c, controller_now now)
{
	c->now = now;
	for (sot_link *l = c->all_hosts.next; l != &c->all_hosts; l = l->next) {
		host *h = SOT_CONTAINER(l, host, all);
		h->last_seen = now.mono;
		h->seen_written_unix_ms = now.wall.unix_ms;
	}
	for (sot_link *l = c->all_apps.next; l != &c->all_apps; l = l->next) {
		app *a = SOT_CONTAINER(l, app, all);
		for (sot_link *k = a->instances.next, *next; k != &a->instances; k = next) {
			next = k->next;
			resume_instance(c, SOT_CONTAINER(k, instance, of_app));
		}
	}
	for (sot_link *l = c->all_operations.next; l != &c->all_operations; l = l->next) {
		operation *o = SOT_CONTAINER(l, operation, all);
		for (size_t k = 0; k < o->step_count; k++)
			o->steps[k]->since = now.mono;
		wake_operation(c, o);
	}
	vlans_ask(c);
}

void controller_tick(controller *c, controller_now now)
{
	c->now = now;
	agents_tick(c);
	relays_tick(c);
	operations_tick(c);
	vlans_ask(c);
}

/* ---- batches ---- */

static void *collect_next(sot_link *list)
{
	sot_link *l = list->next;

	if (l == list)
		return NULL;
	sot_list_remove(l);
	return l;
}

/* Moves one dirty list into an array of row pointers of the batch. */
#define COLLECT(list, type, array, count)                                                          \
	do {                                                                                           \
		size_t room_ = 0;                                                                          \
		sot_link *l_;                                                                              \
		while ((l_ = collect_next(&(list))))                                                       \
			*VECTOR_PUSH(array, count, room_) = &SOT_CONTAINER(l_, type, dirty)->row;              \
	} while (0)

static bool holds_nothing(const instance_row *row)
{
	return sot_ip_is_none(row->v4.address) && sot_ip_is_none(row->v6.address);
}

/* Who lost an address is written before who got it: the unique index looks row by row. */
static void put_addressless_first(controller_batch *b)
{
	const instance_row **sorted = sot_alloc_array(b->instance_count + 1, sizeof(*sorted));
	size_t n = 0;

	for (size_t k = 0; k < b->instance_count; k++) {
		if (holds_nothing(b->instances[k]))
			sorted[n++] = b->instances[k];
	}
	for (size_t k = 0; k < b->instance_count; k++) {
		if (!holds_nothing(b->instances[k]))
			sorted[n++] = b->instances[k];
	}
	free(b->instances);
	b->instances = sorted;
}

static void collect(controller *c, controller_batch *b)
{
	COLLECT(c->dirty.hosts, host, b->hosts, b->host_count);
	COLLECT(c->dirty.images, image, b->images, b->image_count);
	COLLECT(c->dirty.apps, app, b->apps, b->app_count);
	COLLECT(c->dirty.groups, group, b->groups, b->group_count);
	COLLECT(c->dirty.instances, instance, b->instances, b->instance_count);
	put_addressless_first(b);
	COLLECT(c->dirty.operations, operation, b->operations, b->operation_count);
	COLLECT(c->dirty.steps, step, b->steps, b->step_count);
}

controller_batch *controller_take_batch(controller *c, controller_now now)
{
	c->now = now;
	free_graveyard(c);
	operations_advance(c);
	addresses_ask(c);
	agents_push(c);
	controller_batch *b = c->next;
	collect(c, b);
	mark_written(c);
	if (!controller_batch_has_rows(b) && b->effect_count == 0)
		return NULL;
	c->next = batch_new();
	return b;
}

bool controller_batch_has_rows(const controller_batch *b)
{
	return b->host_count + b->image_count + b->app_count + b->group_count + b->instance_count +
	           b->operation_count + b->step_count + b->version_count + b->log_count +
	           b->event_count + b->audit_count + b->deleted_app_count >
	       0;
}

controller_batch *controller_batch_free(controller_batch *b)
{
	if (!b)
		return NULL;
	free(b->hosts);
	free(b->images);
	free(b->apps);
	free(b->groups);
	free(b->instances);
	free(b->operations);
	free(b->steps);
	free(b->versions);
	for (size_t k = 0; k < b->log_count; k++)
		free(b->logs[k].text);
	free(b->logs);
	for (size_t k = 0; k < b->event_count; k++)
		free(b->events[k].data);
	free(b->events);
	free(b->audits);
	free(b->deleted_apps);
	for (size_t k = 0; k < b->effect_count; k++)
		sot_buf_clear(&b->effects[k].frame);
	free(b->effects);
	free(b);
	return NULL;
}

controller_stats controller_get_stats(const controller *c)
{
	controller_stats stats = c->stats;

	stats.hosts = sot_map_count(c->hosts);
	stats.apps = sot_map_count(c->apps);
	stats.instances = sot_map_count(c->instances);
	stats.operations_open = sot_map_count(c->operations);
	stats.hosts_online = 0;
	for (const sot_link *l = c->all_hosts.next; l != &c->all_hosts; l = l->next)
		stats.hosts_online += SOT_CONTAINER(l, host, all)->row.state == HOST_ONLINE;
	return stats;
}

void controller_each_host(
    const controller *c, void (*visit)(void *self, const host_row *row), void *self)
{
	for (const sot_link *l = c->all_hosts.next; l != &c->all_hosts; l = l->next)
		visit(self, &SOT_CONTAINER(l, host, all)->row);
}
