/* The controller's frame: memory, take-over, batches. What it decides is in the other files. */
#include "elastic.h"
#include "middleware.h"
#include "parts.h"
#include "rebalance.h"

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
	    .sweep_ms = 60000,
	    .ipam_retry_ms = 1000,
	    .ipam_retry_max_ms = 15000,
	    .wait_deadline_ms = 86400000,
	    .start_deadline_ms = 600000,
	    .healthy_deadline_ms = 300000,
	    .stop_deadline_ms = 180000,
	    .failure_grace_ms = 15000,
	    .logs_deadline_ms = 5000,
	    .seen_write_ms = 30000,
	    .load_limit_permille = placer_default_policy().load_limit_permille,
	    .starts_per_host = 8,
	    .starts_per_rack = 64,
	    .starts_in_all = 400,
	    .pulls_per_image = 20,
	    .syncs_per_s = 500,
	    .queue_max = 100,
	    .operations_max = 20000,
	    .grace_ms = 60000,
	    .witness_interval_ms = 5000,
	    .witness_deadline_ms = 4000,
	    .brake_hosts = 3,
	    .brake_percent = 10,
	    .brake_window_ms = 60000,
	    .rebalance_check_ms = 600000,
	    .idle_cpu_permille = 50,
	    .idle_net_bytes_per_s = 2000,
	};
}

static controller_batch *batch_new(void)
{
	return sot_alloc(sizeof(controller_batch));
}

controller *controller_new(const controller_config *config, uint64_t seed)
{
	controller *c = sot_alloc(sizeof(*c));
	sot_map **maps[] = {&c->plans, &c->teams, &c->host_classes, &c->images, &c->middleware,
	    &c->apps, &c->apps_by_name, &c->groups, &c->operations, &c->keys, &c->asked};
	sot_link *lists[] = {&c->host_operations, &c->drains, &c->looks, &c->all_hosts, &c->all_apps,
	    &c->all_elastics, &c->all_operations, &c->awake, &c->waiting, &c->asking, &c->to_bind,
	    &c->changed_hosts, &c->relays, &c->open_acquires, &c->dirty.hosts, &c->dirty.images,
	    &c->dirty.apps, &c->dirty.groups, &c->dirty.operations, &c->dirty.steps, &c->dirty.refusals,
	    &c->dirty.rollouts, &c->dirty.elastics};

	c->config = *config;
	sot_rand_seed(&c->rand, seed);
	for (size_t i = 0; i < sizeof(maps) / sizeof(maps[0]); i++)
		*maps[i] = sot_map_new();
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
		sot_list_init(lists[i]);
	for (int k = 0; k < WORKLOADS * WORKLOADS; k++)
		c->mixing[k / WORKLOADS][k % WORKLOADS] = MIXING_FREE;
	model_init_hosts(c);
	model_init_instances(c);
	vlans_init(c);
	starts_init(c);
	greetings_init(c);
	fleet_init(c);
	c->next = batch_new();
	c->next_number = 1;
	c->next_request_id = sot_rand_u64(&c->rand) >> 16;
	c->shared = shared_pool_new();
	c->arena = sot_arena_new(MESSAGE_ARENA_MAX);
	return c;
}

static void free_instance(instance *i)
{
	free(i->start);
	free(i->errand);
	free(i->v6);
	shared_drop(i->row.make);
	free(i);
}

static void free_operation(operation *o)
{
	for (size_t k = 0; k < o->step_count; k++) {
		step_row_clear(&o->steps[k]->row);
		free(o->steps[k]);
	}
	free(o->steps);
	free(o->refusal.data);
	free(o->rollout);
	shared_drop(o->place_text);
	operation_row_clear(&o->row);
	free(o);
}

static void free_app(app *a)
{
	elastic_free_of(a);
	app_row_clear(&a->row);
	shared_drop(a->address_text);
	while (!sot_list_empty(&a->groups)) {
		group *g = SOT_CONTAINER(a->groups.next, group, of_app);
		sot_list_remove(&g->of_app);
		group_row_clear(&g->row);
		free(g);
	}
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
	for (size_t k = 0; k < c->written.buried; k++) {
		instances_unmark(&c->fleet.instances, &c->buried[k]->stale_at);
		instances_unmark(&c->dirty.instances, &c->buried[k]->dirty_at);
	}
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

static void free_host(host *h)
{
	while (!sot_list_empty(&h->departures)) {
		departure *d = SOT_CONTAINER(h->departures.next, departure, of_host);
		sot_list_remove(&d->of_host);
		free(d);
	}
	witnesses_forget(h);
	host_row_clear(&h->row);
	free(h);
}

static void free_hosts(controller *c)
{
	for (sot_link *l = c->all_hosts.next, *next; l != &c->all_hosts; l = next) {
		next = l->next;
		free_host(SOT_CONTAINER(l, host, all));
	}
	sot_index_free(c->hosts);
	sot_index_free(c->hosts_by_name);
}

static void release_asked(void *value)
{
	asked_free(value);
}

static void free_instances(controller *c)
{
	instance_iter it = {0};

	for (instance *i = model_next_instance(c, &it), *next; i; i = next) {
		next = model_next_instance(c, &it);
		free_instance(i);
	}
	model_clear_instances(c);
}

controller *controller_free(controller *c)
{
	if (!c)
		return NULL;
	mark_written(c);
	free_graveyard(c);
	free_relays(c);
	free_map(c->plans, free);
	free_map(c->teams, free);
	free_map(c->host_classes, free);
	free_map(c->images, image_free);
	free_map(c->middleware, middleware_free);
	free_hosts(c);
	free_instances(c);
	free_map(c->apps, release_app);
	free_map(c->apps_by_name, NULL);
	free_map(c->groups, NULL);
	free_map(c->operations, release_operation);
	free_map(c->keys, free);
	free_map(c->asked, release_asked);
	vlans_clear(c);
	starts_clear(c);
	fleet_clear(c);
	free(c->buried);
	free(c->ended);
	free(c->deleted);
	free(c->told);
	free(c->dirty.instances.items);
	free(c->fleet.instances.items);
	shared_pool_free(c->shared);
	sot_arena_free(c->arena);
	controller_batch_free(c->next);
	controller_batch_free(c->early);
	free(c);
	return NULL;
}

void controller_tick(controller *c, controller_now now)
{
	c->now = now;
	agents_tick(c);
	load_tick(c);
	relays_tick(c);
	bind_some(c);
	starts_tick(c);
	operations_tick(c);
	fence_ask(c);
	rebalance_tick(c);
	elastic_tick(c);
	retention_tick(c);
	stock_tick(c);
	vlans_ask(c);
}

/* ---- batches ---- */

controller_batch *controller_take_batch(controller *c, controller_now now)
{
	c->now = now;
	free_graveyard(c);
	operations_advance(c);
	addresses_ask(c);
	greetings_send(c);
	agents_push(c);
	controller_batch *b = c->next;
	batch_collect(c, b);
	mark_written(c);
	if (!controller_batch_has_rows(b) && b->effect_count == 0)
		return NULL;
	c->next = batch_new();
	c->next_number++;
	return b;
}

bool controller_batch_has_rows(const controller_batch *b)
{
	return b->host_count + b->booking_count + b->image_count + b->image_version_count +
	               b->app_count + b->group_count + b->middleware_count + b->instance_count +
	               b->operation_count + b->step_count + b->version_count + b->decision_count +
	               b->log_count + b->event_count + b->audit_count + b->deleted_app_count +
	               b->departure_count + b->rollout_count + b->use_count + b->elastic_count +
	               b->elastic_decision_count >
	           0 ||
	       b->rewrites.plans || b->rewrites.teams || b->rewrites.host_classes ||
	       b->rewrites.mixing || b->writes_brake;
}

controller_batch *controller_batch_free(controller_batch *b)
{
	if (!b)
		return NULL;
	free(b->hosts);
	free(b->bookings);
	free(b->images);
	for (size_t k = 0; k < b->image_version_count; k++)
		image_version_row_clear(&b->image_versions[k]);
	free(b->image_versions);
	free(b->apps);
	free(b->groups);
	free(b->instance_rows);
	free(b->instances);
	free(b->operations);
	free(b->steps);
	free(b->placed);
	free(b->plans);
	free(b->teams);
	free(b->host_classes);
	free(b->mixing);
	for (size_t k = 0; k < b->middleware_count; k++)
		free(b->middleware[k].version.origin);
	free(b->middleware);
	for (size_t k = 0; k < b->version_count; k++)
		free(b->versions[k].origin);
	free(b->versions);
	for (size_t k = 0; k < b->decision_count; k++)
		free(b->decisions[k].data);
	free(b->decisions);
	for (size_t k = 0; k < b->log_count; k++)
		free(b->logs[k].text);
	free(b->logs);
	for (size_t k = 0; k < b->event_count; k++)
		free(b->events[k].data);
	free(b->events);
	free(b->audits);
	free(b->deleted_apps);
	free(b->departures);
	free(b->rollouts);
	free(b->uses);
	free(b->elastics);
	free(b->elastic_decisions);
	for (size_t k = 0; k < b->effect_count; k++)
		sot_buf_clear(&b->effects[k].frame);
	free(b->effects);
	free(b);
	return NULL;
}

controller_stats controller_get_stats(const controller *c)
{
	controller_stats stats = c->stats;

	stats.hosts = sot_index_count(c->hosts);
	stats.apps = sot_map_count(c->apps);
	stats.instances = sot_index_count(c->instances);
	stats.operations_open = sot_map_count(c->operations);
	stats.starts_in_flight = c->starts.all.flying;
	stats.starts_waiting = c->starts.waiting;
	stats.syncs_waiting = c->greetings.waiting;
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
