#include "elastic.h"
#include "parts.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FRAME_MAX SOT_WIRE_FRAME_MAX
#define MARKS_KEPT 8192

void model_text_init(sot_buf *b)
{
	sot_buf_init(b, FRAME_MAX);
}

sot_str model_cut_text(sot_str text, size_t max)
{
	size_t n = text.n < max ? text.n : max;

	/* A cut in the middle of a UTF-8 sequence would make a row that PostgreSQL refuses. */
	while (n < text.n && n > 0 && ((unsigned char)text.p[n] & 0xc0) == 0x80)
		n--;
	return (sot_str){text.p, n};
}

void model_copy_text(char *dst, size_t dst_size, sot_str text)
{
	sot_str cut = model_cut_text(text, dst_size - 1);

	if (cut.n > 0)
		memcpy(dst, cut.p, cut.n);
	dst[cut.n] = '\0';
}

void model_share_text(controller *c, const char **field, size_t max, sot_str text)
{
	shared_set(field, c->shared, model_cut_text(text, max));
}

void model_put_text(const char **field, size_t max, sot_str text)
{
	shared_set_alone(field, model_cut_text(text, max));
}

sot_uuid model_new_id(controller *c)
{
	uint8_t entropy[16];

	sot_rand_fill(&c->rand, entropy, sizeof(entropy));
	return sot_uuid_v7(c->now.wall, entropy);
}

app *model_find_app(controller *c, sot_str name)
{
	return sot_map_get(c->apps_by_name, name.p, name.n);
}

static bool host_has_id(const void *item, sot_str key)
{
	const host *h = item;

	return sot_str_eq(sot_index_key_uuid(&h->row.id), key);
}

static bool host_has_name(const void *item, sot_str key)
{
	const host *h = item;

	return sot_str_eq_c(key, h->row.name);
}

void model_init_hosts(controller *c)
{
	c->hosts = sot_index_new(host_has_id);
	c->hosts_by_name = sot_index_new(host_has_name);
}

host *model_host(const controller *c, sot_uuid id)
{
	return sot_index_get(c->hosts, sot_index_key_uuid(&id));
}

host *model_find_host(controller *c, sot_str name)
{
	return sot_index_get(c->hosts_by_name, name);
}

/* Actor and key with a NUL between: neither may contain one. */
static size_t key_text(const char *actor, const char *key, char dst[static 260])
{
	int n = snprintf(dst, 260, "%s%c%s", actor, '\0', key);

	return n > 0 ? (size_t)n : 0;
}

const used_key *model_find_key(const controller *c, const char *actor, const char *key)
{
	char text[260];
	size_t n = key_text(actor, key, text);

	return sot_map_get(c->keys, text, n);
}

void model_remember_key(controller *c, const char *actor, const char *key, const used_key *used)
{
	char text[260];
	size_t n = key_text(actor, key, text);
	used_key *copy = sot_alloc(sizeof(*copy));

	*copy = *used;
	free(sot_map_set(c->keys, text, n, copy));
}

/* ---- dirty ---- */

static void mark(sot_link *list, dirty_mark *dirty)
{
	if (sot_list_empty(dirty))
		sot_list_push(list, dirty);
}

void instances_mark(instance_marks *m, instance *i, uint32_t *place)
{
	if (*place)
		return;
	*VECTOR_PUSH(m->items, m->count, m->cap) = i;
	*place = (uint32_t)m->count;
}

void instances_unmark(instance_marks *m, uint32_t *place)
{
	if (*place)
		m->items[*place - 1] = NULL;
	*place = 0;
}

/* Room for all instances of a take-over is not kept. */
void instances_unmark_all(instance_marks *m)
{
	m->count = 0;
	if (m->cap <= MARKS_KEPT)
		return;
	free(m->items);
	*m = (instance_marks){0};
}

void touch_image(controller *c, image *i)
{
	mark(&c->dirty.images, &i->dirty);
}

void touch_host(controller *c, host *h)
{
	mark(&c->dirty.hosts, &h->dirty);
	mark(&c->fleet.hosts, &h->stale);
	h->only_booked = false;
}

void touch_booking(controller *c, host *h)
{
	if (sot_list_empty(&h->dirty))
		h->only_booked = true;
	mark(&c->dirty.hosts, &h->dirty);
	mark(&c->fleet.hosts, &h->stale);
}

void touch_app(controller *c, app *a)
{
	a->row.updated_unix_ms = c->now.wall.unix_ms;
	mark(&c->dirty.apps, &a->dirty);
}

void touch_group(controller *c, group *g)
{
	mark(&c->dirty.groups, &g->dirty);
}

void touch_instance(controller *c, instance *i)
{
	instances_mark(&c->dirty.instances, i, &i->dirty_at);
	instances_mark(&c->fleet.instances, i, &i->stale_at);
}

void touch_operation(controller *c, operation *o)
{
	o->row.updated_unix_ms = c->now.wall.unix_ms;
	mark(&c->dirty.operations, &o->dirty);
}

void touch_refusal(controller *c, operation *o)
{
	mark(&c->dirty.refusals, &o->refused);
}

void touch_rollout(controller *c, operation *o)
{
	mark(&c->dirty.rollouts, &o->rollout->dirty);
}

void touch_step(controller *c, step *s)
{
	mark(&c->dirty.steps, &s->dirty);
}

/* ---- adders ---- */

image *model_add_image(controller *c, const image_row *row)
{
	image *i = sot_alloc(sizeof(*i));

	i->row = *row;
	sot_list_init(&i->versions);
	sot_list_init(&i->dirty);
	sot_map_set(c->images, row->name, strlen(row->name), i);
	return i;
}

host *model_add_host(controller *c, const host_row *row)
{
	host *h = sot_alloc(sizeof(*h));

	h->row = *row;
	sot_list_init(&h->dirty);
	sot_list_init(&h->changed);
	sot_list_init(&h->pushes);
	sot_list_init(&h->instances);
	sot_list_init(&h->arrivals);
	sot_list_init(&h->departures);
	sot_list_init(&h->stale);
	start_init_host(h);
	sot_list_init(&h->greeting);
	h->handle = PLACER_NONE;
	mark(&c->fleet.hosts, &h->stale);
	sot_list_push(&c->all_hosts, &h->all);
	sot_index_set(c->hosts, sot_index_key_uuid(&h->row.id), h);
	sot_index_set(c->hosts_by_name, sot_str_c(h->row.name), h);
	return h;
}

app *model_add_app(controller *c, app_row *row)
{
	app *a = sot_alloc(sizeof(*a));

	a->row = *row;
	a->address_text = shared_alone(SOT_STR(""));
	a->handle = PLACER_NONE;
	sot_list_init(&a->dirty);
	sot_list_init(&a->instances);
	sot_list_init(&a->groups);
	sot_list_init(&a->elastics);
	sot_list_init(&a->queue);
	sot_list_init(&a->asking);
	sot_list_init(&a->to_bind);
	start_init_app(a);
	sot_list_push(&c->all_apps, &a->all);
	sot_map_set_uuid(c->apps, row->id, a);
	sot_map_set(c->apps_by_name, row->name, strlen(row->name), a);
	fleet_app_added(c, a);
	return a;
}

void model_drop_app(controller *c, app *a)
{
	fleet_forget_app(c, a);
	fleet_forget_told(c);
	sot_list_remove(&a->all);
	sot_map_remove_uuid(c->apps, a->row.id);
	sot_map_remove(c->apps_by_name, a->row.name, strlen(a->row.name));
	app_row_clear(&a->row);
	shared_drop(a->address_text);
	free(a);
}

group *model_find_group(const app *a, sot_str name, bool or_deleted)
{
	for (const sot_link *l = a->groups.next; l != &a->groups; l = l->next) {
		group *g = SOT_CONTAINER(l, group, of_app);
		if (sot_str_eq_c(name, g->row.name) && (or_deleted || !g->row.deleted))
			return g;
	}
	return NULL;
}

group *instance_group(const controller *c, const instance *i)
{
	group *g = sot_map_get_uuid(c->groups, i->row.make->group_id);

	return g ? g : i->app->group;
}

group *model_add_group(controller *c, app *a, const group_row *row)
{
	group *g = sot_alloc(sizeof(*g));

	g->row = *row;
	sot_list_init(&g->dirty);
	if (!a->group || strcmp(row->name, "default") == 0)
		a->group = g;
	sot_list_push(&a->groups, &g->of_app);
	sot_map_set_uuid(c->groups, row->id, g);
	return g;
}

static bool follows_hosts(operation_kind kind)
{
	return kind == OPERATION_HOST_REPLACE || kind == OPERATION_HOST_EVACUATE ||
	       kind == OPERATION_HOST_RETURN;
}

static bool is_rollout(operation_kind kind)
{
	return kind == OPERATION_APP_DEPLOY || kind == OPERATION_APP_RESIZE ||
	       kind == OPERATION_APP_REBUILD || kind == OPERATION_APP_MIDDLEWARE;
}

operation *model_add_operation(controller *c, operation_row *row)
{
	operation *o = sot_alloc(sizeof(*o));

	o->row = *row;
	o->place_text = shared_alone(SOT_STR(""));
	o->next_line = 1;
	o->app = sot_map_get_uuid(c->apps, row->app_id);
	o->parent = sot_map_get_uuid(c->operations, row->parent_id);
	sot_list_init(&o->dirty);
	sot_list_init(&o->children);
	sot_list_init(&o->sibling);
	if (o->parent)
		sot_list_push(&o->parent->children, &o->sibling);
	sot_list_init(&o->queued);
	sot_list_init(&o->of_hosts);
	if (follows_hosts(row->kind))
		sot_list_push(&c->host_operations, &o->of_hosts);
	sot_list_init(&o->of_drains);
	if (row->kind == OPERATION_HOST_DRAIN)
		sot_list_push(&c->drains, &o->of_drains);
	if (is_rollout(row->kind))
		o->rollout = rollout_new(row->id);
	sot_list_push(&c->looks, &o->look);
	o->looked_at = c->now.mono; /* whoever makes one wakes it */
	sot_list_init(&o->awake);
	sot_list_init(&o->refused);
	sot_list_init(&o->waits);
	sot_list_push(&c->all_operations, &o->all);
	sot_map_set_uuid(c->operations, row->id, o);
	return o;
}

step *model_add_step(controller *c, operation *o, const step_row *row)
{
	step *s = sot_alloc(sizeof(*s));

	(void)c;
	s->row = *row;
	s->of = o;
	sot_list_init(&s->dirty);
	*VECTOR_PUSH(o->steps, o->step_count, o->step_cap) = s;
	return s;
}

/* ---- hosts and booking ---- */

#define REASONS(first, count) (((1u << (count)) - 1) << (first))
/* Spread with a maximum skew allows more where the others have become more. */
#define FREED_BY_COMING                                                                            \
	(REASONS(PLACER_REASON_SPREAD, PLACER_LEVELS) | REASONS(PLACER_REASON_TOGETHER, 1))
#define FREED_BY_LEAVING                                                                           \
	(REASONS(PLACER_REASON_EXCLUSIVE, 2) | REASONS(PLACER_REASON_DIM, PLACER_DIMS) |               \
	    REASONS(PLACER_REASON_SPREAD, PLACER_LEVELS) | REASONS(PLACER_REASON_APART, 1) |           \
	    REASONS(PLACER_REASON_QUOTA, 1))

static void book(host *h, const instance *i)
{
	h->row.booked_cpu_milli += i->row.make->cpu_milli;
	h->row.booked_memory_bytes += i->row.make->memory_bytes;
	h->row.booked_disk_bytes += i->row.make->disk_bytes;
	h->row.booked_instances++;
}

static void unbook(host *h, const instance *i)
{
	h->row.booked_cpu_milli -= i->row.make->cpu_milli;
	h->row.booked_memory_bytes -= i->row.make->memory_bytes;
	h->row.booked_disk_bytes -= i->row.make->disk_bytes;
	h->row.booked_instances--;
}

void model_book(controller *c, instance *i, host *h)
{
	i->host = h;
	errand_of(i)->unsampled = 1;
	book(h, i);
	sot_list_push(&h->instances, &i->of_host);
	c->freed |= FREED_BY_COMING;
	touch_booking(c, h);
	touch_instance(c, i);
}

void model_unbook(controller *c, instance *i)
{
	host *h = i->host;

	if (!h)
		return;
	unbook(h, i);
	sot_list_remove(&i->of_host);
	if (i->errand)
		sot_list_remove(&i->errand->push);
	i->host = NULL;
	c->freed |= FREED_BY_LEAVING;
	touch_booking(c, h);
	touch_instance(c, i);
}

void model_unbook_size(controller *c, instance *i)
{
	unbook(i->host, i);
	c->capacity_changed = true;
	touch_host(c, i->host);
}

void model_book_size(controller *c, instance *i)
{
	book(i->host, i);
	touch_host(c, i->host);
	touch_instance(c, i);
}

void model_reserve(controller *c, instance *i, host *h)
{
	errand_of(i)->target = h;
	book(h, i);
	sot_list_push(&h->arrivals, &errand_of(i)->of_target);
	fleet_note_placed(c, i);
	touch_booking(c, h);
	touch_instance(c, i);
}

void model_unreserve(controller *c, instance *i)
{
	host *h = instance_target(i);

	if (!h)
		return;
	unbook(h, i);
	sot_list_remove(&i->errand->of_target);
	i->errand->target = NULL;
	c->freed |= FREED_BY_LEAVING;
	touch_booking(c, h);
	touch_instance(c, i);
}

void model_spec_changed(controller *c, instance *i)
{
	touch_instance(c, i);
	if (!instance_is_told(i))
		return;
	mark(&i->host->pushes, &errand_of(i)->push);
	mark(&c->changed_hosts, &i->host->changed);
	touch_booking(c, i->host);
}

/* ---- life and death ---- */

void instance_set_error(controller *c, instance *i, sot_str text)
{
	INSTANCE_SET(c, i, error, text);
}

void instance_move(controller *c, instance *i, instance_state to)
{
	instance_state from = i->row.state;

	if (from == to)
		return;
	assert(instance_state_may(from, to));
	bool was_starting = instance_is_starting(i);
	if (to == INSTANCE_RETIRING || to == INSTANCE_RETIRED || to == INSTANCE_MOVING)
		start_over(c, i);
	i->row.state = to;
	if (was_starting && !instance_is_starting(i)) /* a start less is in flight there */
		c->freed |= REASONS(PLACER_REASON_DIM + PLACER_STARTS, 1);
	touch_instance(c, i);
	say_instance_state(c, i, from);
}

void model_bury_instance(controller *c, instance *i)
{
	start_over(c, i);
	sot_list_remove(&i->of_app);
	model_unindex_instance(c, i);
	touch_instance(c, i);
	fleet_forget_instance(c, i);
	departures_of_gone(c, i->row.id);
	*VECTOR_PUSH(c->buried, c->buried_count, c->buried_cap) = i;
	wake_app(c, i->app);
}

void model_delete_app(controller *c, app *a)
{
	controller_batch *b = c->next;

	*VECTOR_PUSH(b->deleted_apps, b->deleted_app_count, b->deleted_app_cap) = a->row.id;
	sot_list_remove(&a->all);
	elastic_free_of(a);
	sot_list_remove(&a->dirty);
	sot_list_remove(&a->asking);
	sot_list_remove(&a->to_bind);
	sot_map_remove_uuid(c->apps, a->row.id);
	sot_map_remove(c->apps_by_name, a->row.name, strlen(a->row.name));
	for (sot_link *l = a->groups.next; l != &a->groups; l = l->next) {
		group *g = SOT_CONTAINER(l, group, of_app);
		sot_list_remove(&g->dirty);
		sot_map_remove_uuid(c->groups, g->row.id);
	}
	for (size_t k = 0; k < c->buried_count; k++) {
		if (c->buried[k]->app == a)
			instances_unmark(&c->dirty.instances, &c->buried[k]->dirty_at); /* goes with the app */
	}
	size_t kept = 0;
	for (size_t k = 0; k < b->version_count; k++) {
		if (sot_uuid_eq(b->versions[k].app_id, a->row.id))
			free(b->versions[k].origin);
		else
			b->versions[kept++] = b->versions[k];
	}
	b->version_count = kept;
	fleet_app_gone(c, a);
	fleet_forget_app(c, a);
	*VECTOR_PUSH(c->deleted, c->deleted_count, c->deleted_cap) = a;
}

void model_end_operation(controller *c, operation *o)
{
	sot_list_remove(&o->all);
	sot_list_remove(&o->look);
	sot_list_remove(&o->of_drains);
	sot_list_remove(&o->queued);
	sot_list_remove(&o->awake);
	sot_list_remove(&o->of_hosts);
	sot_list_remove(&o->sibling);
	sot_map_remove_uuid(c->operations, o->row.id);
	*VECTOR_PUSH(c->ended, c->ended_count, c->ended_cap) = o;
}

void wake_operation(controller *c, operation *o)
{
	mark(&c->awake, &o->awake);
}

operation *app_operation(const app *a)
{
	return sot_list_empty(&a->queue) ? NULL : SOT_CONTAINER(a->queue.next, operation, queued);
}

void wake_host_operations(controller *c)
{
	for (sot_link *l = c->host_operations.next; l != &c->host_operations; l = l->next)
		wake_operation(c, SOT_CONTAINER(l, operation, of_hosts));
}

void wake_app(controller *c, app *a)
{
	wake_host_operations(c);
	for (sot_link *l = a->queue.next; l != &a->queue; l = l->next) {
		operation *o = SOT_CONTAINER(l, operation, queued);
		if (l != a->queue.next && o->row.state != OPERATION_RUNNING)
			return;
		wake_operation(c, o);
	}
}
